#include "core/flat_map.h"

#include <doctest/doctest.h>

#include <map>
#include <vector>

#include "core/prng.h"
#include "support/seed.h"

using namespace p2c2r;

TEST_CASE("flat map: behaves like a map under random inserts and erases") {
    Prng prng(test::seed());
    FlatMap<uint64_t> flat;
    std::map<uint64_t, uint64_t> model;
    for (int step = 0; step < 50000; ++step) {
        // Few keys, so that chains form and are cut in the middle.
        const uint64_t key = 1 + prng.below(300) * (prng.chance(0.5) ? 1 : 1ull << 40);
        if (prng.chance(0.5)) {
            flat[key] = model[key] = prng.next();
        } else {
            CHECK(flat.erase(key) == (model.erase(key) == 1));
        }
        REQUIRE(flat.size() == model.size());
        const uint64_t probe = 1 + prng.below(300);
        const uint64_t* found = flat.find(probe);
        REQUIRE((found != nullptr) == (model.count(probe) == 1));
        if (found) CHECK(*found == model[probe]);
    }
    std::vector<uint64_t> keys;
    for (const auto& [key, value] : model) {
        keys.push_back(key);
        REQUIRE(flat.find(key) != nullptr);
        CHECK(*flat.find(key) == value);
    }
    CHECK(flat.sorted_keys() == keys);
}

TEST_CASE("flat map: an empty and a cleared map find nothing") {
    FlatMap<int> map;
    CHECK(map.find(1) == nullptr);
    CHECK_FALSE(map.erase(1));
    map[1] = 5;
    map.clear();
    CHECK(map.empty());
    CHECK(map.find(1) == nullptr);
    CHECK(map[1] == 0);
}
