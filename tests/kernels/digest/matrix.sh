#!/bin/bash
# Builds kernels_digest with gcc and clang, without and with optimisation, without and with AVX2 and
# fused multiply-add, and compares what the programs print: digests of the golden inputs and of
# 1 000 random ones of each kernel. The random ones are also compared with what Vulkan device 0
# makes of them, once for each size of lavapipe's subgroups (another device: the same run twice).
#
#   matrix.sh [--full] BUILD_PREFIX [REFERENCE_PROGRAM]     builds in BUILD_PREFIX-COMPILER-OPTIONS
#
# --full takes 10 000 random inputs. Compilers are started through $CMAKE_CXX_COMPILER_LAUNCHER and
# $CMAKE_C_COMPILER_LAUNCHER (ccache).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
count=1000
if [ "$1" = --full ]; then
    count=10000
    shift
fi
prefix=$1
reference=${2:-}
jobs=$(nproc)
export CMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER-ccache}
export CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER-ccache}
compilers=("gcc g++" "clang-14 clang++-14")
instructions=("" "-mavx2 -mfma")
grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo || instructions=("")

programs=()
texts=()
failed=0

# print_digests NAME PROGRAM: forms of one program that differ among themselves are a failure too.
print_digests() {
    local started=$SECONDS text=$prefix-$1/digests.txt
    mkdir -p "$prefix-$1"
    if ! "$2" --random "$count" >"$text"; then
        echo "$1: kernels_digest failed"
        grep -E 'random [^ ]+ [0-9]+ [^ ]+ ' "$text" || true
        failed=1
    fi
    programs+=("$2")
    texts+=("$text")
    echo "$1: $(wc -l <"$text") digests in $((SECONDS - started)) s"
}

if [ -n "$reference" ]; then
    print_digests reference "$reference"
fi
for compiler in "${compilers[@]}"; do
    read -r c cxx <<<"$compiler"
    if ! command -v "$cxx" >/dev/null; then
        echo "skipped: $cxx is not installed"
        continue
    fi
    for level in -O0 -O3; do
        for more in "${instructions[@]}"; do
            name=$cxx$level${more// /}
            folder=$prefix-$name
            mkdir -p "$folder"
            if ! { cmake -S "$root" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=None \
                -DCMAKE_C_COMPILER="$c" -DCMAKE_CXX_COMPILER="$cxx" \
                -DCMAKE_C_FLAGS="$level $more" -DCMAKE_CXX_FLAGS="$level $more" \
                -DP2C2R_BUILD_PROGRAMS=OFF -DP2C2R_WARNINGS=OFF &&
                cmake --build "$folder" -j "$jobs" --target kernels_digest; } >"$folder/build.log" 2>&1; then
                tail -n 20 "$folder/build.log"
                echo "$name: does not build"
                failed=1
                continue
            fi
            print_digests "$name" "$folder/bin/kernels_digest"
        done
    done
done

if [ ${#texts[@]} -lt 2 ]; then
    echo "there is nothing to compare"
    exit 1
fi
for text in "${texts[@]}"; do
    if ! cmp -s "${texts[0]}" "$text"; then
        echo "$text differs from ${texts[0]}:"
        diff "${texts[0]}" "$text" | head -n 10 || true
        failed=1
    fi
done
lines=$(wc -l <"${texts[0]}")
random=$(grep -c "^random [a-z_]* $count " "${texts[0]}" || true)
[ "$random" -gt 0 ] || failed=1

# Each width has a cache of its own: the usual one holds code that was compiled for another.
devices=0
for bits in 128 256; do
    text=$prefix-vulkan-$bits/digests.txt
    mkdir -p "$prefix-vulkan-$bits"
    status=0
    LP_NATIVE_VECTOR_WIDTH=$bits MESA_SHADER_CACHE_DIR=$prefix-vulkan-$bits/mesa \
        "${programs[0]}" --random "$count" --device vulkan >"$text" 2>"$text.log" || status=$?
    sed "s/^/$bits bits: /" "$text.log"
    if [ $status -eq 77 ]; then
        echo "skipped: no Vulkan device"
        break
    fi
    different=$(grep -vxFf "${texts[0]}" "$text" || true)
    if [ $status -ne 0 ] || [ -n "$different" ] || [ ! -s "$text" ]; then
        echo "$text differs from ${texts[0]}:"
        echo "$different"
        failed=1
    fi
    devices=$((devices + 1))
done

[ $failed -eq 0 ] && echo "${#texts[@]} programs print the same $lines digests," \
    "$random of them over $count random inputs each; so do $devices runs on Vulkan of those of" \
    "random inputs that it computes"
exit $failed
