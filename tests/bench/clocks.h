// The two clocks of the kernel benchmarks.
#pragma once

#include <chrono>
#include <ctime>

namespace p2c2r::bench {

// Of all threads of this process: on a shared machine the clock on the wall would favour whoever is
// short enough not to be interrupted.
inline double processor_ms() {
    return static_cast<double>(std::clock()) * 1000 / CLOCKS_PER_SEC;
}

inline double wall_ms() {
    return std::chrono::duration<double, std::milli>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

}  // namespace p2c2r::bench
