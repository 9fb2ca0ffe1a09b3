// Random values for property tests: every kind, every width, borders more often than chance.
#pragma once

#include <bit>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "core/prng.h"
#include "model/value_writer.h"

namespace p2c2r::test {

inline std::string random_text(Prng& prng, size_t size_max) {
    static const char* const kPieces[] = {"a",      "Z",      "0", " ",  "\"",
                                          "\\",     "\n",     "/", "\t", "\x01",
                                          "\u00e9", "\u20ac", "$", "_",  "\U0001F3AE"};
    std::string text;
    const size_t pieces = prng.below(size_max + 1);
    for (size_t i = 0; i < pieces; ++i) text += kPieces[prng.below(std::size(kPieces))];
    if (prng.chance(0.02)) text += '\0';
    return text;
}

inline uint64_t random_bits(Prng& prng) {
    // As many small numbers as large ones, and the neighbours of every power of two.
    const uint64_t power = uint64_t{1} << prng.below(64);
    switch (prng.below(3)) {
        case 0:
            return prng.next() >> prng.below(64);
        case 1:
            return power + static_cast<uint64_t>(prng.between(-2, 2));
        default:
            return ~power + static_cast<uint64_t>(prng.between(-2, 2));
    }
}

inline double random_double(Prng& prng) {
    for (;;) {
        const double value = prng.chance(0.3)   ? static_cast<double>(prng.between(-1000, 1000)) / 8
                             : prng.chance(0.2) ? 0.1 * static_cast<double>(prng.between(-20, 20))
                                                : std::bit_cast<double>(prng.next());
        if (std::isfinite(value)) return value;
    }
}

inline float random_float(Prng& prng) {
    for (;;) {
        const float value = prng.chance(0.3)
                                ? static_cast<float>(prng.between(-1000, 1000)) / 8
                                : std::bit_cast<float>(static_cast<uint32_t>(prng.next()));
        if (std::isfinite(value)) return value;
    }
}

struct RandomValue {
    Prng& prng;
    ValueWriter& writer;
    bool for_json = false;  // only what JSON gives back as it was

    void write(int depth) {
        switch (prng.below(depth > 0 ? 9 : 7)) {
            case 0:
                writer.nil();
                break;
            case 1:
                writer.boolean(prng.chance(0.5));
                break;
            case 2:
                write_integer();
                break;
            case 3:
                writer.number(random_double(prng));
                break;
            case 4:
                if (for_json) {
                    writer.nil();
                } else {
                    writer.number32(random_float(prng));
                }
                break;
            case 5:
                writer.text(random_text(prng, prng.chance(0.1) ? 300 : 12));
                break;
            case 6: {
                std::vector<uint8_t> bytes(prng.below(prng.chance(0.1) ? 400 : 9));
                for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(prng.next());
                writer.bytes(bytes);
                break;
            }
            case 7: {
                const auto count = static_cast<uint32_t>(prng.below(prng.chance(0.1) ? 40 : 5));
                writer.array(count);
                for (uint32_t i = 0; i < count; ++i) write(depth - 1);
                break;
            }
            default:
                write_map(depth);
        }
    }
    void write_map(int depth) {
        std::set<std::string> names;
        for (uint64_t i = prng.below(prng.chance(0.1) ? 40 : 6); i > 0; --i) {
            names.insert(random_text(prng, 6));
        }
        std::vector<std::string> order(names.begin(), names.end());
        for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[prng.below(i)]);
        writer.map(static_cast<uint32_t>(order.size()));
        for (const std::string& name : order) {
            writer.key(name);
            write(depth - 1);
        }
    }
    void write_integer() {
        const uint64_t bits = random_bits(prng);
        if (for_json) {
            writer.integer(static_cast<int64_t>(bits) >> 11);  // within +-2^52
        } else if (prng.chance(0.5)) {
            writer.unsigned_integer(bits);
        } else {
            writer.integer(static_cast<int64_t>(bits));
        }
    }
};

inline Bytes random_value(Prng& prng, int depth, bool for_json = false) {
    ValueWriter writer;
    RandomValue{prng, writer, for_json}.write(depth);
    return writer.take();
}

inline Bytes random_map(Prng& prng, int depth, bool for_json = false) {
    ValueWriter writer;
    RandomValue{prng, writer, for_json}.write_map(depth);
    return writer.take();
}

}  // namespace p2c2r::test
