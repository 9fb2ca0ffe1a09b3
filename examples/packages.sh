# shellcheck shell=bash disable=SC2034
# Debian packages, for quickstart.sh and tests/run.sh: sourced, not run.
# What each is for stands in src/ATTRIBUTIONS.md.

build_packages=(
    pkg-config cmake ninja-build g++ libuv1-dev libmsgpack-dev libvulkan-dev glslang-dev glslang-tools
    spirv-tools libxxhash-dev doctest-dev libssl-dev libturbojpeg0-dev libpng-dev libzstd-dev
    libcli11-dev libtomlplusplus-dev libqrcodegencpp-dev nlohmann-json3-dev mesa-vulkan-drivers
)
# Optional, and there for this architecture only.
if [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ]; then
    build_packages+=(libipsec-mb-dev)
fi

# Of the game example; its tests play it on a virtual screen.
game_packages=(libsdl2-dev libsdl2-ttf-dev xvfb xauth fonts-dejavu-core)

# Installs those of the named packages that are missing; asks nothing, and touches nothing when none is.
ensure_packages() {
    local missing=() package
    for package in "$@"; do
        if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            missing+=("$package")
        fi
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "these packages are missing, and only root can install them: ${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    echo "installing ${missing[*]}" >&2
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
