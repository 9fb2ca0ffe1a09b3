// Chance as a value that is passed in. xoshiro256** seeded by splitmix64 (Blackman and Vigna,
// "Scrambled linear pseudorandom number generators", 2018). Not for secrets: see crypto.h.
#pragma once

#include <cstdint>

namespace p2c2r {

class Prng {
  public:
    explicit Prng(uint64_t seed) {
        for (uint64_t& word : state_) word = splitmix(seed);
    }

    uint64_t next() {
        const uint64_t result = rotate(state_[1] * 5, 7) * 9;
        const uint64_t shifted = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = rotate(state_[3], 45);
        return result;
    }

    // Even over [0, bound); bound 0 gives 0. The bias is below bound / 2^64.
    uint64_t below(uint64_t bound) { return multiply_high(next(), bound); }
    // Even over [low, high].
    int64_t between(int64_t low, int64_t high) {
        // Unsigned, since the width of a range may not fit an int64_t; 0 stands for all 2^64.
        const uint64_t width = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
        return static_cast<int64_t>(static_cast<uint64_t>(low) +
                                    (width == 0 ? next() : below(width)));
    }
    // Even over [0, 1).
    double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
    bool chance(double probability) { return unit() < probability; }

    // A generator of its own, so that a new draw in one place does not shift the others.
    Prng fork(uint64_t label) {
        uint64_t seed = next() ^ (label * 0x9E3779B97F4A7C15ull);
        return Prng(splitmix(seed));
    }

  private:
    static uint64_t rotate(uint64_t value, int bits) {
        return (value << bits) | (value >> (64 - bits));
    }
    // The upper half of the product. By hand: not every compiler has a type of 128 bits.
    static uint64_t multiply_high(uint64_t a, uint64_t b) {
        const uint64_t a_low = a & 0xFFFFFFFFu, a_high = a >> 32;
        const uint64_t b_low = b & 0xFFFFFFFFu, b_high = b >> 32;
        const uint64_t middle = a_high * b_low + (a_low * b_low >> 32);
        const uint64_t cross = a_low * b_high + (middle & 0xFFFFFFFFu);
        return a_high * b_high + (middle >> 32) + (cross >> 32);
    }
    static uint64_t splitmix(uint64_t& seed) {
        uint64_t value = (seed += 0x9E3779B97F4A7C15ull);
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ull;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EBull;
        return value ^ (value >> 31);
    }

    uint64_t state_[4];
};

}  // namespace p2c2r
