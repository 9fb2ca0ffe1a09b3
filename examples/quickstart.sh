#!/bin/bash
# The main job, from nothing: installs packages (Debian 12, root or sudo), builds, and streams 60 frames
# at 30 a second through one coordinator and three peers on this machine, each a process of its own;
# one peer is killed half-way and comes back. Then a camera moves for 60 frames through a scene that stays
# with the helpers, whose layers of shadows and reflections are laid over a local picture. Ends with tables,
# the frames, contact sheets and one report of both. Exit code 0: no frame was lost in either.
#
#   examples/quickstart.sh [FILE|DIR]
#
# FILE: a picture to pan over (JPEG or PNG); DIR: frames of your own, in name order. Without either, the
# photograph in examples/media. Output goes to $P2C2R_OUT, or quickstart-out/ in the build folder
# ($P2C2R_BUILD_DIR, or build/).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${P2C2R_BUILD_DIR:-$root/build}
out=${P2C2R_OUT:-$build/quickstart-out}
case "${1:-}" in
    -h | --help)
        sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
        exit 0
        ;;
esac
if [ $# -gt 1 ]; then
    echo "usage: examples/quickstart.sh [FILE|DIR]" >&2
    exit 2
fi
source_path=${1:-$root/examples/media/seeding.jpg}
if [ ! -e "$source_path" ]; then
    echo "quickstart: there is no $source_path" >&2
    exit 2
fi

# shellcheck source=packages.sh
. "$root/examples/packages.sh"
ensure_packages "${build_packages[@]}"

if [ ! -e "$build/build.ninja" ]; then
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release >/dev/null
fi
cmake --build "$build" --target p2c2r_program | tail -n 1

# The program starts the roles, ends each of them again, also when it is interrupted, and they end by
# themselves should it be killed.
exec "$build/bin/p2c2r" demo stream "$source_path" --out "$out" --camera
