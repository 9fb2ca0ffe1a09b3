// The state of XXH3 is a public struct only under this name; it lets two runs be hashed without
// the heap.
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "core/check.h"
#include "core/hash.h"

namespace p2c2r {

struct Hasher64::State {
    XXH3_state_t xxh3;
};

uint64_t hash64(std::span<const uint8_t> data) {
    return XXH3_64bits(data.data(), data.size());
}

uint64_t hash64(std::span<const uint8_t> first, std::span<const uint8_t> second) {
    if (first.empty()) return hash64(second);
    if (second.empty()) return hash64(first);
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, first.data(), first.size());
    XXH3_64bits_update(&state, second.data(), second.size());
    return XXH3_64bits_digest(&state);
}

Hasher64::Hasher64() : state_(std::make_unique<State>()) {
    XXH3_64bits_reset(&state_->xxh3);
}

Hasher64::~Hasher64() = default;

void Hasher64::update(std::span<const uint8_t> data) {
    if (data.empty()) return;  // its pointer may be NULL
    P2C2R_CHECK(XXH3_64bits_update(&state_->xxh3, data.data(), data.size()) == XXH_OK);
}

uint64_t Hasher64::digest() const {
    return XXH3_64bits_digest(&state_->xxh3);
}

}  // namespace p2c2r
