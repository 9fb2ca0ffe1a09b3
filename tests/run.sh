#!/bin/bash
# Everything that is tested, from nothing: installs packages (Debian 12, root or sudo), builds with
# warnings as errors, runs all tests, then the core suites under sanitizers.
#
#   tests/run.sh            under 15 minutes on two cores
#   tests/run.sh --full     adds the benches with bars, clang, more seeds and fuzzing (under 85 minutes)
#   tests/run.sh --long     as --full, with seeds and fuzzing on for hours
#   tests/run.sh --fast     the tests alone, no sanitizers
#
# Builds in $P2C2R_BUILD_DIR, or build/; the sanitizer builds in folders beside it with a suffix.
# Real data is looked for in $P2C2R_DATA, then in ../shared/data; tests that need it say when they skip.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${P2C2R_BUILD_DIR:-$root/build}
tier=normal
for argument in "$@"; do
    case "$argument" in
        --fast) tier=fast ;;
        --full) tier=full ;;
        --long) tier=long ;;
        -h | --help)
            sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
            exit 0
            ;;
        *)
            echo "tests/run.sh: unknown option $argument; see --help" >&2
            exit 2
            ;;
    esac
done

started=$SECONDS
jobs=$(nproc)
failures=()
summary=()

say() { printf '\n==> %s (%d s)\n' "$*" $((SECONDS - started)); }

# shellcheck source=../examples/packages.sh
. "$root/examples/packages.sh"
test_packages=(
    ccache gcc cargo rustc dbus-daemon python3 python3-msgpack clang-14 libclang-rt-14-dev spirv-tools file
    vulkan-validationlayers iproute2 "${game_packages[@]}"
)
if [ "$tier" = full ] || [ "$tier" = long ]; then
    test_packages+=(openssl)
fi
say "packages"
ensure_packages "${build_packages[@]}" "${test_packages[@]}"
export CCACHE_DIR=${CCACHE_DIR:-$build-ccache}
export CCACHE_DEPEND=1  # what a source includes is known from the compiler: no second pass over it
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$root/tests/support/leaks.supp:print_suppressions=0}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:suppressions=$root/tests/support/races.supp}

# configure FOLDER OPTION...
configure() {
    local folder=$1
    shift
    cmake -S "$root" -B "$folder" -G Ninja -DP2C2R_WARNINGS_AS_ERRORS=ON -DP2C2R_UNITY=ON \
        -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache "$@" >/dev/null
}

# run_ctest FOLDER NAME REGEX [OPTION...]: keeps the output and the summary; a failure is told at the end.
run_ctest() {
    local folder=$1 name=$2 regex=$3 log="$1/ctest-$2.log"
    # Many tests wait for a good part of their time.
    if ! ctest --test-dir "$folder" -j $((jobs + 1)) --output-on-failure --timeout 300 -R "$regex" \
        --no-tests=error "${@:4}" >"$log" 2>&1; then
        failures+=("$name")
        grep -vE '   Passed |^ +Start ' "$log" | tail -n 200
    fi
    local line
    line=$(grep 'tests passed' "$log" || echo "no summary in $log")
    summary+=("$name: $line")
    echo "$line"
}

# sanitized NAME SANITIZERS ROOMS: builds the suites of these rooms (a regex) and the simulator under
# sanitizers, and runs them.
sanitized() {
    local name=$1 sanitizers=$2 rooms=$3 folder="$build-$1" targets
    say "$name: build"
    configure "$folder" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-O1 -DCMAKE_CXX_FLAGS=-O1 \
        -DP2C2R_SANITIZE="$sanitizers" -DP2C2R_BUILD_PROGRAMS=OFF
    targets=$(ninja -C "$folder" -t targets all | sed -n "s/^\($rooms\): phony$/\1/p" | sort -u)
    # shellcheck disable=SC2086  # one word each
    ninja -C "$folder" -j "$jobs" $targets >"$folder/build.log" || {
        tail -n 40 "$folder/build.log"
        failures+=("$name build")
        return
    }
    say "$name: run"
    # That planted bugs are found is about the simulator's checks, and takes longest of all.
    run_ctest "$folder" "$name" "^($(paste -sd"|" <<<"$targets"))[: .]" -E "each planted bug is found"
}

say "build"
# No test runs a benchmark: the full run builds them.
case "$tier" in
    full | long) benchmarks=ON ;;
    *) benchmarks=OFF ;;
esac
configure "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++ \
    -DP2C2R_BUILD_BENCHMARKS=$benchmarks
cmake --build "$build" -j "$jobs" >"$build/build.log" || {
    grep -E 'error|warning|FAILED' -A 8 "$build/build.log" | head -n 80
    echo "the build failed" >&2
    exit 1
}
say "tests"
run_ctest "$build" release .

if [ "$tier" != fast ]; then
    asan_rooms='unit_\(capi\|core\|model\|identity\|owner\|wire\|net\|sched\|exec\|roles\)\|fuzz_replay\|sim_[a-z_]*'
    tsan_rooms='unit_\(capi\|net\|exec\)\|capi'
    if [ "$tier" != normal ]; then
        asan_rooms+='\|unit_\(codec\|gpu\|kernels\)\|kernels_whole\|fuzz_replay_kernels'
        tsan_rooms+='\|unit_kernels'
    fi
    sanitized asan address,undefined "$asan_rooms"
    sanitized tsan thread "$tsan_rooms"
fi

# ---- the tiers above --------------------------------------------------------------------------
step() { # step NAME COMMAND...: one more check; its output is shown
    local name=$1
    shift
    say "$name"
    "$@" || failures+=("$name")
}

same_hash() { # same_hash PROGRAM PROGRAM: twenty seeds of two builds
    local program hash known=
    for program in "$@"; do
        hash=$("$program" --seeds 20 --json | grep -o '"hash":"[0-9a-f]*"')
        echo "$hash  $program"
        [ -n "$hash" ] && [ "${known:-$hash}" = "$hash" ] || return 1
        known=$hash
    done
}

if [ "$tier" = full ] || [ "$tier" = long ]; then
    seeds=5000
    fuzz_seconds=60
    if [ "$tier" = long ]; then
        seeds=100000
        fuzz_seconds=1800
    fi
    step "simulator, $seeds seeds" "$build/bin/p2c2r_sim" --seeds "$seeds" --jobs "$jobs"
    step "simulator, named scenarios" "$build/bin/p2c2r_sim" --scenario all --seeds 50 --jobs "$jobs"
    step "simulator, planted bugs" "$build/bin/p2c2r_sim" --plants --jobs "$jobs"
    step "a fleet of 10 000 peers" "$build/bin/p2c2r_sim" fleet
    step "ways to choose a peer" "$build/bin/p2c2r_sim" placement
    step "a game's frames in virtual time" "$build/bin/p2c2r_sim" frames --frames 100000
    step "uneven lines in virtual time" "$build/bin/p2c2r_sim" jitter
    step "bench failover" "$build/bin/p2c2r" bench failover
    step "bench overload" "$build/bin/p2c2r" bench overload
    step "bench fairness" "$build/bin/p2c2r" bench fairness
    step "bench tail" "$build/bin/p2c2r" bench tail
    step "bench split" "$build/bin/p2c2r" bench split
    step "bench frames" "$build/bin/p2c2r" bench frames
    step "bench roundtrip" "$build/bin/p2c2r" bench roundtrip
    step "bench owner" "$build/bin/p2c2r" bench owner
    step "security" "$root/tests/bench/security.py" --build "$build"
    step "encryption" "$root/tests/bench/tls.py" --build "$build"
    if [ "$(id -u)" -eq 0 ]; then
        step "bench gain" "$build/bin/p2c2r" bench gain --seconds 3
        step "the game on a home link" "$root/tests/bench/game_link.py" --build "$build"
    else
        echo "skipped, for they make network namespaces and need root: bench gain, game_link.py"
    fi
    step "quickstart" env P2C2R_BUILD_DIR="$build" "$root/examples/quickstart.sh"
    step "digests of compilers" "$root/tests/kernels/digest/matrix.sh" --full "$build-digest" \
        "$build/bin/kernels_digest"
    step "kernels: 10 000 steps, 10 000 random inputs of each, 5 000 damaged requests of each" \
        env P2C2R_FULL=1 "$build/bin/kernels_whole" \
        -tc="*10 000 steps,a small world*,a thousand*,random inputs give*,*every place*"
    say "clang: build and tests"
    configure "$build-clang" -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang-14 \
        -DCMAKE_CXX_COMPILER=clang++-14 -DP2C2R_BUILD_FUZZERS=ON
    if cmake --build "$build-clang" -j "$jobs" >"$build-clang/build.log"; then
        run_ctest "$build-clang" clang .
        step "the same seeds, the same events, whichever compiler" same_hash "$build/bin/p2c2r_sim" \
            "$build-clang/bin/p2c2r_sim"
        for fuzzer in "$build-clang"/bin/fuzz_*; do
            [ -x "$fuzzer" ] || continue
            name=$(basename "$fuzzer")
            corpus="$root/tests/fuzz/corpus/${name#fuzz_}"
            mkdir -p "$build-clang/corpus/$name"
            step "$name, $fuzz_seconds s" "$fuzzer" -max_total_time="$fuzz_seconds" \
                -print_final_stats=1 "$build-clang/corpus/$name" "$corpus"
        done
    else
        grep -E 'error|warning|FAILED' -A 8 "$build-clang/build.log" | head -n 80
        failures+=("clang build")
    fi
fi

# ---- the end: what was run, then ctest's own last lines -----------------------------------------
seconds=$((SECONDS - started))
say "done"
printf '%s\n' "${summary[@]}"
count=0
for line in "${summary[@]}"; do
    [[ $line =~ out\ of\ ([0-9]+) ]] && count=$((count + BASH_REMATCH[1]))
done
times >"$build/times.log"  # not in a subshell: that would count its own children
cpu=$(tail -n 1 "$build/times.log" | sed 's/m[0-9.]*s//g' | awk '{ print $1 + $2 }')
printf '%s tests in all, %d.%d minutes (%s of processor time on %s cores)\n' "$count" $((seconds / 60)) \
    $((seconds % 60 / 6)) "$cpu" "$jobs"
if [ ${#failures[@]} -gt 0 ]; then
    printf 'failed: %s\n' "${failures[@]}"
fi
grep -E 'tests passed|Total Test time' "$build/ctest-release.log"
[ ${#failures[@]} -eq 0 ]
