// XXH3: fast, not cryptographic. For checksums against accidents and for table keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace p2c2r {

uint64_t hash64(std::span<const uint8_t> data);
// Over two runs as if they stood behind each other (a frame's params and data).
uint64_t hash64(std::span<const uint8_t> first, std::span<const uint8_t> second);

// The same in pieces.
class Hasher64 {
  public:
    Hasher64();
    ~Hasher64();
    void update(std::span<const uint8_t> data);
    [[nodiscard]] uint64_t digest() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace p2c2r
