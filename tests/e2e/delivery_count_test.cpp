// The witness on the gamer's link sees what it is there for: a last word that comes twice.
#include <doctest/doctest.h>

#include "support/delivery_count.h"

using namespace p2c2r::test;

namespace {

// A frame as PROTOCOL.md has it, with an envelope and no params.
std::string frame_of(unsigned message, unsigned flags, uint8_t task, size_t size) {
    std::string frame = {
        '\x96', '\xcc', static_cast<char>(message), '\xcc', static_cast<char>(flags), '\xcf'};
    frame += std::string(7, '\0') + static_cast<char>(task);
    frame += std::string("\xc4\x01\x80\xc4", 4) + '\0';
    if (size < 256) {
        frame += std::string("\xc4") + static_cast<char>(size);
    } else {
        frame += std::string("\xc5") + static_cast<char>(size >> 8) + static_cast<char>(size);
    }
    return frame + std::string(size, 'x');
}

}  // namespace

TEST_CASE("delivery count: each last word counts once, however its bytes come") {
    const std::string bytes = frame_of(23, 1, 7, 3000) + frame_of(23, 0, 7, 0) +
                              frame_of(31, 0, 9, 10) + frame_of(24, 0, 8, 0);
    for (const size_t step : {1u, 7u, 5000u}) {
        CAPTURE(step);
        DeliveryCount count;
        for (size_t at = 0; at < bytes.size(); at += step) count.take(1, bytes.substr(at, step));
        CHECK_FALSE(count.broken());
        CHECK(count.last_words() == std::map<uint64_t, uint32_t>{{7, 1}, {8, 1}});
    }
}

TEST_CASE("delivery count: an answer that comes twice is seen, also on two connections") {
    DeliveryCount count;
    count.take(1, frame_of(23, 0, 7, 300));
    count.take(1, frame_of(23, 0, 7, 300));
    count.take(1, frame_of(23, 0, 8, 300).substr(0, 100));  // cut
    count.take(2, frame_of(23, 0, 8, 300));
    count.take(2, frame_of(24, 0, 7, 0));
    CHECK(count.last_words() == std::map<uint64_t, uint32_t>{{7, 3}, {8, 1}});
}

TEST_CASE("delivery count: what is no frame is told") {
    DeliveryCount count;
    count.take(1, "GET / HTTP/1.1\r\n\r\n");
    CHECK(count.broken());
}
