// Memory that runs short: one allocation of the code under test fails. What the simulator itself
// needs is there in any case, wherever it is called from.
#pragma once

#include <cstdint>

namespace p2c2r::sim {

// While it lives, the `nth` allocation of this thread fails (counted from 1), and no other one.
class ShortMemory {
  public:
    explicit ShortMemory(uint64_t nth);
    ~ShortMemory();
    ShortMemory(const ShortMemory&) = delete;
    ShortMemory& operator=(const ShortMemory&) = delete;
    [[nodiscard]] bool was_felt() const;
};

// While it lives, memory is there for this thread.
class Plenty {
  public:
    Plenty();
    ~Plenty();
    Plenty(const Plenty&) = delete;
    Plenty& operator=(const Plenty&) = delete;
};

}  // namespace p2c2r::sim
