// A duty cap: at most so much of the time is worked. An account in time: it gains `duty` of all
// that passes and pays for what was worked, so that the share holds whatever a slice takes. A slice
// that overdraws it is paid back by a longer rest; a rest that was longer than it had to be is
// credit for kCreditUs at most, so that an hour of nothing to do is no licence for a minute at full
// load.
#pragma once

#include <algorithm>
#include <cstdint>

namespace p2c2r::exec {

// Microseconds of one clock. One thread.
class DutyBudget {
  public:
    static constexpr uint32_t kWholePermille = 1000;
    // Makes up for waits that end late; over a second it is half a percent.
    static constexpr int64_t kCreditUs = 5'000;
    static constexpr uint64_t kRestLeastUs = 5'000;

    // 1..1000. What is owed stays owed.
    void set_duty(uint32_t permille) { permille_ = std::clamp(permille, 1u, kWholePermille); }
    [[nodiscard]] uint32_t duty_permille() const { return permille_; }

    // So much time has passed, worked or not.
    void pass(uint64_t elapsed_us, bool worked) {
        const auto elapsed = static_cast<int64_t>(std::min(elapsed_us, kElapsedMaxUs));
        // In thousandths of a microsecond: nothing is lost to rounding.
        balance_ += elapsed * permille_;
        if (worked) balance_ -= elapsed * kWholePermille;
        balance_ = std::clamp(balance_, -kDebtMaxUs * kWholePermille, kCreditUs * kWholePermille);
    }
    // Time to rest: enough is owed. Many short rests would cost more than they give: to be woken
    // takes the processor some ten microseconds that no account sees.
    [[nodiscard]] bool must_rest() const { return rest_us() >= kRestLeastUs; }
    // Until nothing is owed; 0: nothing is.
    [[nodiscard]] uint64_t rest_us() const {
        if (balance_ >= 0) return 0;
        return static_cast<uint64_t>((-balance_ + permille_ - 1) / permille_);
    }

  private:
    static constexpr uint64_t kElapsedMaxUs = 3'600'000'000;
    // A kernel that does not look for a minute is not punished for a quarter of an hour.
    static constexpr int64_t kDebtMaxUs = 2'000'000;

    uint32_t permille_ = kWholePermille;
    int64_t balance_ = 0;
};

}  // namespace p2c2r::exec
