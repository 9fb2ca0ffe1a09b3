// I8 in a whole cluster: one gamer floods it, and another one's tasks still get their turns. All
// of these cost the same, so that turns can be counted.
#include <algorithm>

#include "sim/cluster.h"

namespace p2c2r::sim {

namespace {

constexpr uint64_t kTurnUs = 10'000;  // what each of them takes
constexpr uint64_t kDeadlineUs = 5'000'000;
constexpr uint64_t kBackUs = 10'000'000;
constexpr uint32_t kAskedBeside = 3;
constexpr uint32_t kFloodMost = 250;  // that one account may have waiting

}  // namespace

bool Cluster::check_turns() {
    // Without logins there is one account only.
    if (options_.owners == 0 || gamers_.size() < 2) return true;
    GamerNode& flooder = *gamers_[gamers_.size() - 1];
    GamerNode& other = *gamers_[gamers_.size() - 2];
    // What an account has had before holds it back, and that may have been dear: a fresh one.
    people_.settle_again(other.host(), coordinator_->moment());
    other.crash(false);
    other.start();
    const uint64_t back_until = world_.now_us() + kBackUs;
    do {
        if (!run_until(world_.now_us() + 100'000)) return false;
    } while (!all_registered() && world_.now_us() < back_until);
    uint32_t room = 0;
    bool both = false;
    for (const Checkers::PeerView& peer : checkers_.registered_peers()) {
        const bool is_real = std::any_of(peers_.begin(), peers_.end(), [&](const auto& node) {
            return node->host() == peer.host;
        });
        if (!is_real || !checkers_.is_inside(flooder.host(), false, peer)) continue;
        room += peer.window;
        both |= checkers_.is_inside(other.host(), false, peer);
    }
    if (!both) return true;
    for (Node* node : nodes_) node->runner().calm(kTurnUs);
    checkers_.watch_turns(flooder.host(), other.host());
    flooder.probe(std::min(room + 40, kFloodMost), kDeadlineUs, false, Circle::kType, kTypeTurn);
    if (!run_until(world_.now_us() + 5'000)) return false;
    other.probe(kAskedBeside, kDeadlineUs, false, Circle::kType, kTypeTurn);
    if (!run_until(world_.now_us() + kDeadlineUs + 1'000'000)) return false;
    if (!checkers_.stop_watching_turns()) {
        checkers_.fail("I8", "%s's tasks were never placed beside %s's flood", other.name().c_str(),
                       flooder.name().c_str());
    }
    return !checkers_.failed();
}

}  // namespace p2c2r::sim
