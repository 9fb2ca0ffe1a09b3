// How often one address may do what others shall not pay for: fail to log in a few times a minute,
// so that guessing does not pay, and enrol a few keys an hour, so that one code after the other
// from one place does not fill the list.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace p2c2r::identity {

// The part of an address that one party has for itself: an IPv4 address, or the /64 network of an
// IPv6 one. `address` as net::Connection::peer_address() says it, with or without a port.
std::string network_of(std::string_view address);

class Attempts {
  public:
    static constexpr size_t kNetworksMax = 10'000;  // remembered; the oldest go

    // So many in a period, which begins with the first.
    Attempts(uint32_t most, uint64_t period_us) : most_(most), period_us_(period_us) {}

    // Microseconds to wait before this network may try again; 0: now.
    [[nodiscard]] uint64_t wait_us(const std::string& network, uint64_t now_us);
    void count(const std::string& network, uint64_t now_us);
    [[nodiscard]] size_t networks() const { return counts_.size(); }

  private:
    struct Count {
        uint64_t since_us = 0;  // of the first one of this period
        uint32_t count = 0;
    };
    void forget_old(uint64_t now_us);

    const uint32_t most_;
    const uint64_t period_us_;
    std::map<std::string, Count> counts_;
};

inline constexpr uint32_t kLoginFailuresPerMinute = 5;
inline constexpr uint32_t kNewKeysPerHour = 10;

}  // namespace p2c2r::identity
