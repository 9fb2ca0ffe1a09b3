// What the benchmarks read of processes, and their clock and histogram. Linux only, like the
// anchors.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace bench {

uint64_t now_ns();

// CPU time of all threads of a process, in nanoseconds; 0 when it is gone.
uint64_t process_cpu_ns(int pid);
// A value of /proc/PID/status in KiB ("VmRSS", "VmHWM"); -1 when it is gone.
long status_kb(int pid, const char* key);

// One look at the clock, the processes and the machine.
struct Snapshot {
    uint64_t at_ns = 0;
    uint64_t broker_ns = 0;   // pids[0]
    uint64_t workers_ns = 0;  // the other pids
    uint64_t self_ns = 0;
    uint64_t busy_ns = 0;  // all CPUs of the machine
    uint64_t steal_ns = 0;
    void take(const std::vector<int>& pids);
};

// Log-linear: 256 steps an octave, so a quantile is right within 0.4 %.
class LatencyHistogram {
  public:
    void add(uint64_t ns) {
        ++counts_[index_of(ns)];
        ++count_;
        if (ns < min_) min_ = ns;
        if (ns > max_) max_ = ns;
    }
    [[nodiscard]] double quantile_ns(double share) const {
        if (count_ == 0) return 0;
        if (share <= 0) return static_cast<double>(min_);
        if (share >= 1) return static_cast<double>(max_);
        const uint64_t rank = static_cast<uint64_t>(share * static_cast<double>(count_ - 1)) + 1;
        uint64_t seen = 0;
        for (size_t i = 0; i < counts_.size(); ++i) {
            if ((seen += counts_[i]) >= rank) return middle_of(i);
        }
        return static_cast<double>(max_);
    }

  private:
    static constexpr int kBits = 8;
    static size_t index_of(uint64_t ns) {
        if (ns < (1u << kBits)) return ns;
        const int octave = std::bit_width(ns) - 1;
        return (static_cast<size_t>(octave - kBits + 1) << kBits) +
               ((ns >> (octave - kBits)) & ((1u << kBits) - 1));
    }
    static double middle_of(size_t index) {
        if (index < (1u << kBits)) return static_cast<double>(index);
        const int shift = static_cast<int>(index >> kBits) - 1;
        const uint64_t low = ((index & ((1u << kBits) - 1)) | (1u << kBits)) << shift;
        return static_cast<double>(low) + static_cast<double>(1ull << shift) / 2;
    }
    std::vector<uint64_t> counts_ = std::vector<uint64_t>((64 - kBits + 1) << kBits);
    uint64_t count_ = 0;
    uint64_t min_ = UINT64_MAX;
    uint64_t max_ = 0;
};

}  // namespace bench
