#include "kernels/layer_delta.h"

#include <cstring>
#include <string>

#include "core/check.h"

namespace p2c2r::kernels {

namespace {

// A new patch takes two bytes at least: shorter runs of equal bytes are carried along.
constexpr size_t kSkipLeast = 4;

void put_number(std::vector<uint8_t>& out, uint64_t number) {
    for (; number >= 128; number >>= 7) out.push_back(static_cast<uint8_t>(number | 128));
    out.push_back(static_cast<uint8_t>(number));
}

bool take_number(std::span<const uint8_t>& in, uint64_t& number) {
    number = 0;
    for (uint32_t shift = 0; shift < 63; shift += 7) {
        if (in.empty()) return false;
        const uint8_t byte = in.front();
        in = in.subspan(1);
        number |= uint64_t{byte & 127u} << shift;
        if (byte < 128) return true;
    }
    return false;
}

size_t equal_from(std::span<const uint8_t> before, std::span<const uint8_t> after, size_t at) {
    size_t end = at;
    while (end < before.size() && before[end] == after[end]) ++end;
    return end - at;
}

// Calls patch(at, bytes) for each run of bytes that changes.
template <class Patch>
Result<Done> walk_delta(std::span<const uint8_t> delta, size_t layer_size, const Patch& patch) {
    size_t at = 0;
    while (!delta.empty()) {
        uint64_t skipped = 0;
        uint64_t count = 0;
        if (!take_number(delta, skipped) || !take_number(delta, count) || count > delta.size()) {
            return make_error(Status::kSize, "the delta is cut");
        }
        if (skipped > layer_size - at || count > layer_size - at - skipped) {
            return make_error(Status::kSize, "the delta reaches beyond the " +
                                                 std::to_string(layer_size) +
                                                 " bytes of the layer");
        }
        at += skipped;
        patch(at, delta.first(count));
        at += count;
        delta = delta.subspan(count);
    }
    return Done{};
}

}  // namespace

std::vector<uint8_t> make_layer_delta(std::span<const uint8_t> before,
                                      std::span<const uint8_t> after) {
    P2C2R_CHECK(before.size() == after.size());
    std::vector<uint8_t> delta;
    size_t at = 0;
    while (at < after.size()) {
        const size_t skipped = equal_from(before, after, at);
        const size_t first = at + skipped;
        if (first == after.size()) break;
        size_t end = first;
        size_t next = first;  // where what is equal behind the patch ends
        while (end < after.size()) {
            while (end < after.size() && before[end] != after[end]) ++end;
            const size_t equal = equal_from(before, after, end);
            next = end + equal;
            if (equal >= kSkipLeast || next == after.size()) break;
            end = next;
        }
        put_number(delta, skipped);
        put_number(delta, end - first);
        delta.insert(delta.end(), after.begin() + static_cast<ptrdiff_t>(first),
                     after.begin() + static_cast<ptrdiff_t>(end));
        at = end;
    }
    return delta;
}

Result<Done> apply_layer_delta(std::span<const uint8_t> delta, std::span<uint8_t> layer) {
    if (Result<Done> good = check_layer_delta(delta, layer.size()); !good) return good;
    return walk_delta(delta, layer.size(), [&](size_t at, std::span<const uint8_t> bytes) {
        if (!bytes.empty()) std::memcpy(layer.data() + at, bytes.data(), bytes.size());
    });
}

Result<Done> check_layer_delta(std::span<const uint8_t> delta, size_t layer_size) {
    return walk_delta(delta, layer_size, [](size_t, std::span<const uint8_t>) {});
}

}  // namespace p2c2r::kernels
