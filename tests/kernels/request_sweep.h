// Every place of a good request with every kind of wrong value in it, and random damage.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/prng.h"
#include "request_bench.h"

namespace p2c2r::test {

// A request that is computed as it is.
struct GoodRequest {
    nlohmann::json params;
    Bytes data;
};

// Which other fields may be named when a field is wrong, because the two do not go together.
using Partners = std::map<std::string, std::vector<std::string>>;

// Items of a list in JSON.
inline std::string repeated(const std::string& item, int count) {
    std::string list = item;
    for (int i = 1; i < count; ++i) list += "," + item;
    return list;
}

// Each field and item at any depth is left out, given once more, and replaced by values of every
// kind, of no number, and of sizes far beyond any limit; each map gets a field that is not known.
// What comes is either a defined result or an error that names this place or a partner of it.
void sweep(RequestBench& bench, const GoodRequest& good, const Partners& partners);

// Damage to the bytes that no JSON can hold: keys twice or not UTF-8, counts of 2^32 - 1, nesting.
void sweep_bytes(RequestBench& bench, const GoodRequest& good);

// `rounds` requests with one to three of these changes at random, in data and in encoded params
// too.
void mutate(RequestBench& bench, const std::vector<GoodRequest>& good, Prng& prng, int rounds);

// How many random requests this run takes: 150, or 5 000 with P2C2R_FULL in the environment.
int mutation_rounds();

// The three of them, with the seed of the run.
void try_everything(RequestBench& bench, const std::vector<GoodRequest>& good,
                    const Partners& partners);

// The params as MessagePack.
Bytes encode(const nlohmann::json& params);

}  // namespace p2c2r::test
