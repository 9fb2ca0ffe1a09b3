// Moments in words that people everywhere read alike.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace p2c2r {

// "2026-11-27 04:46 UTC" of seconds of Unix time, up to the year 9999.
inline std::string date_text(uint64_t unix_seconds) {
    using std::chrono::days;
    constexpr uint64_t kLast = 253'402'300'799;
    const uint64_t within = unix_seconds < kLast ? unix_seconds : kLast;
    const std::chrono::year_month_day day{
        std::chrono::sys_days{days{static_cast<int>(within / 86'400)}}};
    const auto minute = static_cast<unsigned>(within % 86'400 / 60);
    char text[40];
    std::snprintf(text, sizeof text, "%04d-%02u-%02u %02u:%02u UTC", static_cast<int>(day.year()),
                  static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()), minute / 60,
                  minute % 60);
    return text;
}

}  // namespace p2c2r
