// I16 in a whole cluster: chains of stages whose results stay where they were made. Their bytes are
// there until their gamer lets go of them or goes away, and not for longer.
#include <algorithm>

#include "sim/cluster.h"

namespace p2c2r::sim {

namespace {

constexpr uint64_t kChainUs = 4'500'000;
constexpr uint64_t kAskedUs = 4'500'000;
constexpr uint64_t kBackUs = 40'000'000;
constexpr uint64_t kStoreLeast = 20'000;  // such a store has room for chains at all
constexpr size_t kStays = 3;              // of each chain

}  // namespace

bool Cluster::check_chains() {
    if (options_.resident_chance <= 0) return true;
    const uint64_t room = std::min(options_.content_bytes_max, options_.memory_max / 2);
    for (auto& gamer : gamers_) {
        gamer->begin_chain();
        if (!run_until(world_.now_us() + kChainUs)) return false;
        if (!gamer->is_chain_done()) {
            checkers_.fail("I16", "%s's chain does not come to its end", gamer->name().c_str());
        }
        if (room >= kStoreLeast && gamer->chain_size() != kStays) {
            checkers_.fail("I16", "%zu of %zu results of %s's chain stayed", gamer->chain_size(),
                           kStays, gamer->name().c_str());
        }
        gamer->ask_for_chain(0);
        if (!run_until(world_.now_us() + kAskedUs)) return false;
        gamer->let_last_go();
        gamer->ask_for_chain(1);
        if (!run_until(world_.now_us() + kAskedUs)) return false;
    }
    return check_gone_with_gamers();
}

// Each of them leaves and comes back as a new process.
bool Cluster::check_gone_with_gamers() {
    for (auto& gamer : gamers_) gamer->leave();
    if (!run_until(world_.now_us() + 1'000'000)) return false;
    const uint64_t back_until = world_.now_us() + kBackUs;
    while (!all_registered() && world_.now_us() < back_until) {
        if (!run_until(world_.now_us() + 100'000)) return false;
    }
    for (auto& gamer : gamers_) gamer->ask_for_chain(kStays);
    if (!run_until(world_.now_us() + kAskedUs)) return false;
    // Contents that were brought belong to their account where there are accounts.
    const uint64_t held = coordinator_->role()->stats().content_bytes;
    const uint64_t most = options_.owners > 0 ? checkers_.bytes_brought() : 0;
    if (held > most) {
        checkers_.fail("I16",
                       "%llu bytes of contents are held for gamers that have left, which have "
                       "brought %llu",
                       number(held), number(most));
    }
    return !checkers_.failed();
}

}  // namespace p2c2r::sim
