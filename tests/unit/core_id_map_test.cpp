#include "core/id_map.h"

#include <doctest/doctest.h>

#include <map>
#include <vector>

#include "core/prng.h"
#include "core/slot_map.h"
#include "support/seed.h"

using namespace p2c2r;

namespace {

// Says how many places there are.
struct CountedPlace {
    static inline size_t made = 0;
    CountedPlace() { ++made; }
};

}  // namespace

TEST_CASE("id map: behaves like a map under random inserts and erases") {
    Prng prng(test::seed());
    IdMap<uint64_t> ids;
    std::map<uint64_t, uint64_t> model;
    // Ids of slots, ids that share a slot's place, and ids of any other kind.
    const auto some_key = [&]() -> uint64_t {
        const uint64_t low = 1 + prng.below(300);
        if (prng.chance(0.5)) return low | prng.below(3) << 32;
        return prng.chance(0.5) ? low << 40 : low * 1'000'003;
    };
    for (int step = 0; step < 50000; ++step) {
        const uint64_t key = some_key();
        const auto known = model.find(key);
        if (prng.chance(0.5)) {
            ids[key] = model[key] = prng.next();
        } else if (prng.chance(0.5)) {
            CHECK(ids.erase(key) == (model.erase(key) == 1));
        } else if (known != model.end()) {
            CHECK_FALSE(ids.erase(key, known->second + 1));
            REQUIRE(ids.find(key) != nullptr);
            CHECK(ids.erase(key, known->second));
            model.erase(known);
        } else {
            CHECK_FALSE(ids.erase(key, 0));
        }
        REQUIRE(ids.size() == model.size());
        const uint64_t probe = some_key();
        const uint64_t* found = ids.find(probe);
        REQUIRE((found != nullptr) == (model.count(probe) == 1));
        if (found) CHECK(*found == model[probe]);
    }
    std::vector<uint64_t> keys;
    for (const auto& [key, value] : model) {
        keys.push_back(key);
        REQUIRE(ids.find(key) != nullptr);
        CHECK(*ids.find(key) == value);
    }
    CHECK(ids.sorted_keys() == keys);
}

TEST_CASE("id map: an empty and a cleared map find nothing, and none finds 0") {
    IdMap<int> ids;
    CHECK(ids.find(1) == nullptr);
    CHECK_FALSE(ids.erase(1));
    ids[1] = 5;
    ids[1ull << 40] = 6;
    CHECK(ids.find(0) == nullptr);
    CHECK_FALSE(ids.erase(0));
    ids.clear();
    CHECK(ids.empty());
    CHECK(ids.find(1) == nullptr);
    CHECK(ids.find(1ull << 40) == nullptr);
    CHECK(ids[1] == 0);
}

TEST_CASE("id map: ids of a slot map have places of their own, however often they are reused") {
    SlotMap<int> slots;
    IdMap<CountedPlace> ids;
    CountedPlace::made = 0;
    std::vector<uint64_t> live;
    for (int i = 0; i < 256; ++i) live.push_back(slots.insert());
    for (const uint64_t id : live) ids[id];
    const size_t warm = CountedPlace::made;
    // A place, and the value that it begins with: a hash table would have more.
    CHECK(warm == 2 * live.size());
    for (int round = 0; round < 10; ++round) {
        for (uint64_t& id : live) {
            CHECK(ids.erase(id));
            slots.erase(id);
            id = slots.insert();
            ids[id];
        }
    }
    // One that says what an empty place holds, and one that empties it: no place more.
    CHECK(CountedPlace::made == warm + 2 * 10 * live.size());
}

TEST_CASE("id map: ids far apart take no more memory than others") {
    IdMap<CountedPlace> ids;
    CountedPlace::made = 0;
    for (uint64_t i = 1; i <= 100; ++i) ids[i * 150'000];
    CHECK(ids.size() == 100);
    const size_t in_hash_table = CountedPlace::made;
    CHECK(in_hash_table < 2000);
    // The first that gets no place any more, and the last that does.
    ids[2 * (100 + 32) + 1];
    CHECK(CountedPlace::made == in_hash_table + 1);
    ids[2 * (101 + 32)];
    CHECK(CountedPlace::made > in_hash_table + 100);
    CHECK(CountedPlace::made - in_hash_table <= 4 * 101 + 128 + 2);
    // And one after the other, each the worst that may come then.
    for (uint64_t i = 0; i < 1000; ++i) ids[2 * (ids.size() + 32)];
    CHECK(CountedPlace::made - in_hash_table <= 4 * ids.size() + 128 + ids.size());
}
