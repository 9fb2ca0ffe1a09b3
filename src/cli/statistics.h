// Percentiles over plain numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace p2c2r::cli {

// Nearest rank: the smallest sample that at least `share` (0..1) of all samples do not exceed; 0
// when there are none. p99 of few samples is therefore their maximum, never less.
inline uint64_t percentile(std::vector<uint64_t> samples, double share) {
    if (samples.empty()) return 0;
    std::sort(samples.begin(), samples.end());
    const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(samples.size())));
    return samples[std::min(samples.size(), std::max<size_t>(rank, 1)) - 1];
}

inline double mean(const std::vector<uint64_t>& samples) {
    if (samples.empty()) return 0;
    double sum = 0;
    for (const uint64_t sample : samples) sum += static_cast<double>(sample);
    return sum / static_cast<double>(samples.size());
}

inline double ms(uint64_t us) {
    return static_cast<double>(us) / 1000.0;
}

}  // namespace p2c2r::cli
