// Elements that stay where they are.
#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "core/chunks.h"

using p2c2r::Chunks;

TEST_CASE("chunks grow at the end and leave what is there in its place") {
    Chunks<uint64_t> chunks;
    CHECK(chunks.size() == 0);
    chunks.grow(3);
    REQUIRE(chunks.size() == 3);
    std::vector<uint64_t*> places;
    for (size_t i = 0; i < 3; ++i) {
        CHECK(chunks[i] == 0);
        chunks[i] = 100 + i;
        places.push_back(&chunks[i]);
    }
    chunks.grow(1'000);
    REQUIRE(chunks.size() == 1'000);
    const Chunks<uint64_t>& same = chunks;
    for (size_t i = 0; i < 3; ++i) {
        CHECK(&chunks[i] == places[i]);
        CHECK(same[i] == 100 + i);
    }
    CHECK(chunks[999] == 0);
    chunks.grow(5);
    CHECK(chunks.size() == 1'000);
}
