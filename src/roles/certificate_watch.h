// CertificateWatch: when an operator is told that the coordinator's certificate ends, or has ended:
// from 14 days before on, once a day. Clients refuse an old one, and then nobody comes in any more.
// Decides, never acts: the time comes in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/date.h"
#include "net/tls.h"

namespace p2c2r::roles {

class CertificateWatch {
  public:
    static constexpr uint64_t kDayMs = 24ull * 3'600'000;
    static constexpr uint64_t kBeforeMs = 14 * kDayMs;

    struct Word {
        bool is_good = true;  // clients take it still
        std::string text;
    };
    // What to say now, of the certificate that is in use now; mostly nothing.
    std::optional<Word> look(const net::Validity& validity, uint64_t unix_ms) {
        const bool is_another =
            validity.until_s != said_of_.until_s || validity.from_s != said_of_.from_s;
        if (!is_another && unix_ms - said_ms_ < kDayMs) return std::nullopt;
        const uint64_t from_ms = validity.from_s * 1000;
        const uint64_t until_ms = validity.until_s * 1000;
        Word word;
        if (unix_ms < from_ms) {
            word = {false, "counts from " + date_text(validity.from_s) +
                               " on only: is this machine's clock right?"};
        } else if (unix_ms >= until_ms) {
            word = {false, "ended on " + date_text(validity.until_s) +
                               ": nobody who connects takes it any more"};
        } else if (until_ms - unix_ms <= kBeforeMs) {
            word = {true, "ends on " + date_text(validity.until_s)};
        } else {
            return std::nullopt;
        }
        said_of_ = validity;
        said_ms_ = unix_ms;
        return word;
    }

  private:
    net::Validity said_of_;
    uint64_t said_ms_ = 0;
};

}  // namespace p2c2r::roles
