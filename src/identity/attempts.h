// How often one address may fail to log in: a few times a minute, so that guessing does not pay.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace p2c2r::identity {

// The part of an address that one party has for itself: an IPv4 address, or the /64 network of an
// IPv6 one. `address` as net::Connection::peer_address() says it, with or without a port.
std::string network_of(std::string_view address);

class LoginAttempts {
  public:
    static constexpr uint32_t kFailuresPerMinute = 5;
    static constexpr size_t kNetworksMax = 10'000;  // remembered; the oldest go

    // Microseconds to wait before this network may try again; 0: now.
    [[nodiscard]] uint64_t wait_us(const std::string& network, uint64_t now_us);
    void failed(const std::string& network, uint64_t now_us);
    [[nodiscard]] size_t networks() const { return failures_.size(); }

  private:
    struct Failures {
        uint64_t since_us = 0;  // of the first one of this minute
        uint32_t count = 0;
    };
    void forget_old(uint64_t now_us);

    std::map<std::string, Failures> failures_;
};

}  // namespace p2c2r::identity
