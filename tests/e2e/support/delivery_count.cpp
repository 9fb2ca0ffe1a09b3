#include "delivery_count.h"

#include <algorithm>

namespace p2c2r::test {

namespace {

constexpr size_t kHeadSize = 14;
constexpr unsigned kResultDelivery = 23;
constexpr unsigned kTaskTimeout = 24;
constexpr unsigned kMore = 1;  // a flag: further frames of this payload follow

unsigned byte_at(const std::string& text, size_t at) {
    return static_cast<unsigned char>(text[at]);
}

uint64_t number_at(const std::string& text, size_t at, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value = value << 8 | byte_at(text, at + i);
    return value;
}

// Of the header of a bin, by its first byte; 0: it is none.
size_t bin_header_size(unsigned first) {
    return first == 0xC4 ? 2 : first == 0xC5 ? 3 : first == 0xC6 ? 5 : 0;
}

}  // namespace

void DeliveryCount::begin(Half& half) {
    const unsigned message = byte_at(half.head, 2);
    const unsigned flags = byte_at(half.head, 4);
    const bool form = byte_at(half.head, 0) == 0x96 && byte_at(half.head, 1) == 0xCC &&
                      byte_at(half.head, 3) == 0xCC && byte_at(half.head, 5) == 0xCF;
    broken_ = broken_ || !form;
    const bool last = (message == kResultDelivery && !(flags & kMore)) || message == kTaskTimeout;
    half.task = last ? number_at(half.head, 6, 8) : 0;
    half.bins_left = 3;
    half.head.clear();
}

void DeliveryCount::end(Half& half) {
    if (half.task != 0) ++last_words_[half.task];
}

void DeliveryCount::step(Half& half, std::string_view& bytes) {
    if (half.skip > 0) {
        const size_t size = std::min<uint64_t>(half.skip, bytes.size());
        bytes.remove_prefix(size);
        half.skip -= size;
    } else {
        half.head += bytes.front();
        bytes.remove_prefix(1);
        if (half.bins_left == 0) {
            if (half.head.size() == kHeadSize) begin(half);
            return;
        }
        const size_t header = bin_header_size(byte_at(half.head, 0));
        broken_ = broken_ || header == 0;
        if (half.head.size() < header) return;
        half.skip = number_at(half.head, 1, header - 1);
        half.head.clear();
    }
    if (half.skip == 0 && --half.bins_left == 0) end(half);
}

void DeliveryCount::take(uint32_t connection, std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    Half& half = halves_[connection];
    while (!bytes.empty() && !broken_) step(half, bytes);
}

std::map<uint64_t, uint32_t> DeliveryCount::last_words() const {
    const std::lock_guard lock(mutex_);
    return last_words_;
}

bool DeliveryCount::broken() const {
    const std::lock_guard lock(mutex_);
    return broken_;
}

}  // namespace p2c2r::test
