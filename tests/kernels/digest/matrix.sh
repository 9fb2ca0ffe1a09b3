#!/bin/bash
# Builds kernels_digest with gcc and clang, without and with optimisation, without and with AVX2 and
# fused multiply-add, and compares what the programs print.
#
#   matrix.sh BUILD_PREFIX [REFERENCE_PROGRAM]     builds in BUILD_PREFIX-COMPILER-OPTIONS
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
prefix=$1
reference=${2:-}
jobs=$(nproc)
compilers=("gcc g++" "clang-14 clang++-14")
instructions=("" "-mavx2 -mfma")
grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo || instructions=("")

texts=()
failed=0
if [ -n "$reference" ]; then
    "$reference" >"$prefix-reference.txt"
    texts+=("$prefix-reference.txt")
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
                -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache \
                -DP2C2R_BUILD_PROGRAMS=OFF -DP2C2R_WARNINGS=OFF &&
                cmake --build "$folder" -j "$jobs" --target kernels_digest; } >"$folder.log" 2>&1; then
                tail -n 20 "$folder.log"
                echo "$name: does not build"
                failed=1
                continue
            fi
            "$folder/bin/kernels_digest" >"$folder.txt"
            texts+=("$folder.txt")
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
[ "$lines" -gt 0 ] || failed=1
[ $failed -eq 0 ] && echo "${#texts[@]} programs print the same $lines digests"
exit $failed
