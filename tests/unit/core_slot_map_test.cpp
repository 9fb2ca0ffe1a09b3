#include "core/slot_map.h"

#include <doctest/doctest.h>

#include <map>
#include <vector>

#include "core/prng.h"
#include "support/seed.h"

using namespace p2c2r;

TEST_CASE("slot map: an erased id is not found even when its slot is used again") {
    SlotMap<int> map;
    const uint64_t first = map.insert();
    *map.find(first) = 7;
    CHECK(map.erase(first));
    CHECK_FALSE(map.erase(first));
    const uint64_t second = map.insert();
    CHECK(SlotMap<int>::index_of(first) == SlotMap<int>::index_of(second));
    CHECK(first != second);
    CHECK(map.find(first) == nullptr);
    CHECK(map.find(second) != nullptr);
}

TEST_CASE("slot map: zero and made-up ids are not found") {
    SlotMap<int> map;
    const uint64_t id = map.insert();
    CHECK(map.find(0) == nullptr);
    CHECK(map.find(id + 1) == nullptr);
    CHECK(map.find(id + (1ull << 32)) == nullptr);
    CHECK(map.find(UINT64_MAX) == nullptr);
    CHECK_FALSE(map.erase(0));
}

TEST_CASE("slot map: a full map refuses and takes again after an erase") {
    SlotMap<int> map(3);
    const uint64_t a = map.insert(), b = map.insert(), c = map.insert();
    CHECK(a != 0);
    CHECK(b != 0);
    CHECK(c != 0);
    CHECK(map.insert() == 0);
    CHECK(map.erase(b));
    CHECK(map.insert() != 0);
    CHECK(map.insert() == 0);
}

TEST_CASE("slot map: references stay valid while the map grows") {
    SlotMap<int> map;
    int* const first = map.find(map.insert());
    *first = 1234;
    for (int i = 0; i < 10000; ++i) CHECK(map.insert() != 0);
    CHECK(*first == 1234);
}

TEST_CASE("slot map: behaves like a map under random inserts and erases") {
    Prng prng(test::seed());
    SlotMap<uint64_t> map;
    std::map<uint64_t, uint64_t> model;
    std::vector<uint64_t> ids;
    for (int step = 0; step < 20000; ++step) {
        if (ids.empty() || prng.chance(0.55)) {
            const uint64_t id = map.insert();
            REQUIRE(model.count(id) == 0);
            *map.find(id) = model[id] = prng.next();
            ids.push_back(id);
        } else {
            const size_t at = prng.below(ids.size());
            CHECK(map.erase(ids[at]) == (model.erase(ids[at]) == 1));
            if (prng.chance(0.5)) {  // else the id stays, to be erased again later
                ids[at] = ids.back();
                ids.pop_back();
            }
        }
        CHECK(map.size() == model.size());
    }
    size_t seen = 0;
    map.for_each([&](uint64_t id, uint64_t& value) {
        ++seen;
        CHECK(model.at(id) == value);
    });
    CHECK(seen == model.size());
    CHECK(map.empty() == model.empty());
}

TEST_CASE("slot map: for_each may erase the slot it was given") {
    SlotMap<int> map;
    for (int i = 0; i < 200; ++i) *map.find(map.insert()) = i;
    map.for_each([&](uint64_t id, int& value) {
        if (value % 2 == 0) map.erase(id);
    });
    CHECK(map.size() == 100);
    map.for_each([](uint64_t, int& value) { CHECK(value % 2 == 1); });
}

TEST_CASE("the slot of the next value is known before, and any id may be a hint") {
    SlotMap<int> map;
    CHECK(map.next_index() == 0);
    std::vector<uint64_t> ids;
    for (uint32_t i = 0; i < 100; ++i) {
        const uint32_t next = map.next_index();
        ids.push_back(map.insert());
        CHECK(SlotMap<int>::index_of(ids.back()) == next);
    }
    map.erase(ids[40]);
    map.erase(ids[70]);
    CHECK(map.next_index() == 70);
    for (const uint64_t id : {ids[0], ids[40], uint64_t{0}, uint64_t{5000}, UINT64_MAX}) {
        map.fetch_ahead(id);
    }
    CHECK(SlotMap<int>::index_of(map.insert()) == 70);
    CHECK(map.next_index() == 40);
}
