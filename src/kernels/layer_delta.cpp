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
    size_t at = 0;
    while (!delta.empty()) {
        uint64_t skipped = 0;
        uint64_t count = 0;
        if (!take_number(delta, skipped) || !take_number(delta, count) || count > delta.size()) {
            return make_error(Status::kSize, "the delta is cut");
        }
        if (skipped > layer.size() - at || count > layer.size() - at - skipped) {
            return make_error(Status::kSize, "the delta reaches beyond the " +
                                                 std::to_string(layer.size()) +
                                                 " bytes of the layer");
        }
        at += skipped;
        std::memcpy(layer.data() + at, delta.data(), count);
        at += count;
        delta = delta.subspan(count);
    }
    return Done{};
}

}  // namespace p2c2r::kernels
