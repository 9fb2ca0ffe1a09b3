// SHA-256 and the system's random source, behind OpenSSL in crypto.cpp (a library context of its
// own; no configuration file is read).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace p2c2r {

using Digest256 = std::array<uint8_t, 32>;

Digest256 sha256(std::span<const uint8_t> data);
// Over two runs as if they stood behind each other.
Digest256 sha256(std::span<const uint8_t> first, std::span<const uint8_t> second);
// The same over bytes that come in pieces.
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    void add(std::span<const uint8_t> piece);
    // Once, after the last piece.
    Digest256 finish();

  private:
    struct State;
    std::unique_ptr<State> state_;
};
std::string to_hex(std::span<const uint8_t> bytes);
// Exactly out.size() bytes, in small or capital letters; false for any other text.
bool from_hex(std::string_view text, std::span<uint8_t> out);

// Bytes that nobody can predict. The simulator passes a seeded form instead.
class RandomSource {
  public:
    virtual ~RandomSource() = default;
    virtual void fill(std::span<uint8_t> out) = 0;
};

// ChaCha20 keyed once from the system, drawn in large pieces: about 15 ns a nonce.
// One thread at a time.
std::unique_ptr<RandomSource> make_system_random();

// Compares in a time that depends on the sizes only.
bool equal_constant_time(std::span<const uint8_t> a, std::span<const uint8_t> b);

}  // namespace p2c2r
