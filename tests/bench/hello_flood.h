// Somebody who opens TLS connections as fast as a machine can: each says the same first words that
// a real client once said, waits for the answer, which costs the other side most of a handshake,
// and resets the connection. It computes nothing itself.
#pragma once

#include <cstdint>
#include <string>

namespace bench {

// A port of this machine that takes one connection.
class OneCaller {
  public:
    OneCaller();
    ~OneCaller();
    OneCaller(const OneCaller&) = delete;
    OneCaller& operator=(const OneCaller&) = delete;
    [[nodiscard]] uint32_t port() const { return port_; }
    // The first bytes that it says.
    [[nodiscard]] std::string first_words() const;

  private:
    int listener_ = -1;
    uint32_t port_ = 0;
};

struct Flooded {
    uint64_t answered = 0;  // connections that got the other side's handshake
    uint64_t refused = 0;   // closed without
};
// `width` connections to loopback at a time, until standard input ends.
Flooded flood(uint32_t port, const std::string& first_words, unsigned width);

// So many connections that say `words` and then nothing, as long as it lives.
class SilentCrowd {
  public:
    SilentCrowd(uint32_t port, const std::string& words, unsigned count);
    ~SilentCrowd();
    SilentCrowd(const SilentCrowd&) = delete;
    SilentCrowd& operator=(const SilentCrowd&) = delete;
    // How many the other side has not closed.
    [[nodiscard]] unsigned open() const;

  private:
    int* descriptors_ = nullptr;
    unsigned count_ = 0;
};

}  // namespace bench
