// The second half of a run: faults off. Within the longest deadline and a second nothing is
// pending; a while later everybody is back, every slot can be filled, every task succeeds, and what
// was opened, armed or held has been given back. This is I12, and the liveness half of I1.
#include <algorithm>
#include <set>

#include "roles/shares.h"
#include "sim/cluster.h"

namespace p2c2r::sim {

namespace {

constexpr uint64_t kDeadlineMostUs = 5'000'000;
constexpr uint64_t kSlackUs = 1'000'000;
// A lost connection is noticed after four heartbeats and 500 ms, an id that is taken is tried again
// after at most 5 s, and each of these may happen twice.
constexpr uint64_t kBackUs = 40'000'000;
constexpr uint64_t kCalmDwellUs = 3'000;
constexpr uint64_t kLongDwellUs = 400'000;

}  // namespace

bool Cluster::heal() {
    trace_.line(world_.now_us(), "the faults are over");
    stage_.healed = true;
    network_.calm();
    points_.calm();
    for (Node* node : nodes_) {
        if (node != coordinator_.get()) settle_again(*node);
        node->heal();
        node->runner().calm(kCalmDwellUs);
    }
    if (!run_until(world_.now_us() + kDeadlineMostUs + kSlackUs)) return false;
    for (auto& gamer : gamers_) {
        if (checkers_.tasks_open(gamer->host()) > 0) {
            checkers_.fail("I1", "%s has %zu tasks without an end a second after every deadline",
                           gamer->name().c_str(), checkers_.tasks_open(gamer->host()));
        }
        if (gamer->calls_open() > 0) {
            checkers_.fail("I1", "%s has %zu calls without an answer", gamer->name().c_str(),
                           gamer->calls_open());
        }
    }
    const uint32_t pending = coordinator_->role()->stats().pending_tasks;
    if (pending > 0) {
        checkers_.fail("I12", "%u tasks are pending a second after every deadline", pending);
    }
    const uint64_t back_until = world_.now_us() + kBackUs;
    while (!all_registered() && world_.now_us() < back_until) {
        if (!run_until(world_.now_us() + 100'000)) return false;
    }
    if (!all_registered()) {
        const std::vector<uint32_t> gamers = checkers_.registered_gamers();
        std::set<uint32_t> there(gamers.begin(), gamers.end());
        for (const auto& peer : checkers_.registered_peers()) there.insert(peer.host);
        for (const Node* node : nodes_) {
            if (node != coordinator_.get() && !there.count(node->host())) {
                checkers_.fail("I12", "%s is not back %llu s after the faults ended",
                               node->name().c_str(),
                               number((kBackUs + kDeadlineMostUs) / 1'000'000));
            }
        }
    }
    // Beats have told the windows, what was kept for absent gamers has been delivered, and the
    // timer that was armed for a task's deadline has gone off, however early the task was given up.
    const uint64_t rest_us = std::max<uint64_t>(3 * options_.heartbeat_us, kDeadlineMostUs);
    if (!run_until(world_.now_us() + rest_us)) return false;
    return check_at_rest() && check_own_circles() && check_windows_fill() && check_turns() &&
           check_failover() && check_chains() && check_at_rest() && check_closed();
}

bool Cluster::all_registered() const {
    return checkers_.registered_peers().size() == peers_.size() + forgers_.size() &&
           checkers_.registered_gamers().size() == gamers_.size() + scripts_.size();
}

// Nothing is asked, so nothing may be held, armed or running.
bool Cluster::check_at_rest() {
    const roles::CoordinatorStats& stats = coordinator_->role()->stats();
    if (stats.pending_tasks > 0) {
        checkers_.fail("I12", "%u tasks are pending at rest", stats.pending_tasks);
    }
    if (stats.active_peers != peers_.size() + forgers_.size() ||
        stats.clients != gamers_.size() + scripts_.size()) {
        checkers_.fail("I12", "the coordinator counts %u peers and %u clients at rest",
                       stats.active_peers, stats.clients);
    }
    // What stays is what the store may have.
    if (stats.payload_bytes_held > stats.content_bytes ||
        stats.content_bytes > options_.content_bytes_max) {
        checkers_.fail("I12", "the coordinator holds %llu payload bytes at rest, %llu of contents",
                       number(stats.payload_bytes_held), number(stats.content_bytes));
    }
    for (uint64_t token : checkers_.tokens_owed()) {
        checkers_.fail("I1", "%s never got an answer to its task %llu",
                       network_.host_name(host_of_token(token)).c_str(),
                       number(task_of_token(token)));
    }
    for (const Checkers::PeerView& peer : checkers_.registered_peers()) {
        if (peer.held > 0 || peer.attempts > 0) {
            checkers_.fail("I12", "%s holds %u tasks and owes %zu answers at rest",
                           network_.host_name(peer.host).c_str(), peer.held, peer.attempts);
        }
    }
    for (Node* node : nodes_) {
        // A heartbeat each; the coordinator's other timers have nothing to wait for.
        if (node->loop().timers_armed() > 1) {
            checkers_.fail("I12", "%s has %zu timers armed at rest", node->name().c_str(),
                           node->loop().timers_armed());
        }
        if (node->runner().running() > 0) {
            checkers_.fail("I12", "%s runs %zu jobs at rest", node->name().c_str(),
                           node->runner().running());
        }
        if (network_.queued_bytes(node->host()) > 0) {
            checkers_.fail("I12", "%s has %zu bytes queued at rest", node->name().c_str(),
                           network_.queued_bytes(node->host()));
        }
        const size_t ends = network_.ends_open(node->host());
        const size_t expected = node == coordinator_.get() ? nodes_.size() - 1 : 1;
        if (ends != expected) {
            checkers_.fail("I12", "%s has %zu connections at rest, expected %zu",
                           node->name().c_str(), ends, expected);
        }
    }
    return !checkers_.failed();
}

// Each gamer's own tasks: done where its owner has a machine, and told why where it has none.
bool Cluster::check_own_circles() {
    if (options_.own_chance <= 0) return true;
    const std::vector<Checkers::PeerView> peers = checkers_.registered_peers();
    for (auto& gamer : gamers_) {
        const uint32_t host = gamer->host();
        const bool served = std::any_of(peers.begin(), peers.end(), [&](const auto& peer) {
            return checkers_.is_inside(host, true, peer);
        });
        const bool here =
            options_.coordinator_computes && checkers_.coordinator_is_inside(host, true);
        if (served || here) {
            gamer->probe(3, 4'000'000, true, Circle::kOwn);
        } else if (!options_.gamers_compute) {
            gamer->probe(1, 300'000, false, Circle::kOwn);
        }
    }
    return run_until(world_.now_us() + 4'500'000);
}

// As many tasks as all windows have room for: each peer must take its share, or a slot was lost.
bool Cluster::check_windows_fill() {
    GamerNode& gamer = *gamers_.front();
    // First a few that must succeed, by everybody.
    for (auto& each : gamers_) each->probe(10, 4'000'000, true);
    if (!run_until(world_.now_us() + 4'500'000)) return false;

    uint32_t room = 0;
    for (const Checkers::PeerView& peer : checkers_.registered_peers()) {
        if (checkers_.is_inside(gamer.host(), false, peer)) room += peer.window;
    }
    for (Node* node : nodes_) node->runner().calm(kLongDwellUs);
    gamer.probe(room, kDeadlineMostUs, false);
    if (!run_until(world_.now_us() + 20'000)) return false;
    // Accounts but the operator's have so many tasks at peers, wherever these are.
    const uint32_t turns = roles::ShareLimits{}.in_flight;
    const bool in_turn = people_.owner_of(gamer.host()) != 0 && room > turns;
    uint32_t held = 0;
    for (const Checkers::PeerView& peer : checkers_.registered_peers()) {
        held += peer.held - peer.copies;
    }
    if (in_turn && held != turns) {
        checkers_.fail("I12", "the peers are given %u tasks at once, %u of one account have turns",
                       held, turns);
    }
    for (const Checkers::PeerView& peer : checkers_.registered_peers()) {
        const uint32_t share = checkers_.is_inside(gamer.host(), false, peer) ? peer.window : 0;
        if (peer.held != share && (!in_turn || peer.held > share)) {
            checkers_.fail("I12", "%s is given %u tasks at once, its share is %u of a window of %u",
                           network_.host_name(peer.host).c_str(), peer.held, share, peer.window);
        }
    }
    for (Node* node : nodes_) node->runner().calm(kCalmDwellUs);
    return run_until(world_.now_us() + kDeadlineMostUs + kSlackUs);
}

// A peer dies at work: what it held is at others as soon as the coordinator hears of it.
bool Cluster::check_failover() {
    uint32_t room = 0;
    const uint32_t gamer = gamers_.front()->host();
    for (const Checkers::PeerView& peer : checkers_.registered_peers()) {
        if (checkers_.is_inside(gamer, false, peer)) room += peer.window;
    }
    for (Node* node : nodes_) node->runner().calm(kLongDwellUs);
    gamers_.front()->probe(std::max(1u, room / 3), kDeadlineMostUs, false);
    if (!run_until(world_.now_us() + 5'000)) return false;
    const Checkers::PeerView* victim = nullptr;
    const std::vector<Checkers::PeerView> views = checkers_.registered_peers();
    uint32_t free = 0;
    for (const Checkers::PeerView& peer : views) {
        if (!checkers_.is_inside(gamer, false, peer)) continue;
        free += peer.window - peer.held;
        if (!victim || peer.held > victim->held) victim = &peer;
    }
    const std::vector<uint64_t> tokens = checkers_.tokens_held(victim->host);
    Node& node = **std::find_if(nodes_.begin(), nodes_.end(), [&](const Node* candidate) {
        return candidate->host() == victim->host;
    });
    node.crash(false);
    if (!run_until(world_.now_us() + 5'000)) return false;
    const bool others_have_room = free - (victim->window - victim->held) >= tokens.size();
    for (uint64_t token : tokens) {
        if (others_have_room && !checkers_.is_placed(token)) {
            checkers_.fail("I12", "%s died, and its task %llu is placed nowhere else",
                           node.name().c_str(), number(task_of_token(token)));
        }
    }
    node.start();
    for (Node* each : nodes_) each->runner().calm(kCalmDwellUs);
    if (!run_until(world_.now_us() + kDeadlineMostUs + kSlackUs)) return false;
    if (!all_registered()) {
        checkers_.fail("I12", "%s is not back after it was started again", node.name().c_str());
    }
    return !checkers_.failed();
}

// Everybody leaves in order: nothing may remain.
bool Cluster::check_closed() {
    for (auto gone = nodes_.rbegin(); gone != nodes_.rend(); ++gone) (*gone)->leave(true);
    if (!run_until(world_.now_us() + 1'000'000)) return false;
    if (network_.pipes_alive() > 0) {
        // Freed between events, so one more event is needed to see it.
        world_.call_at(world_.now_us() + 1, [] {});
        run_until(world_.now_us() + 10);
    }
    for (Node* node : nodes_) {
        if (network_.ends_open(node->host()) > 0) {
            checkers_.fail("I12", "%s has left, and has %zu connections open", node->name().c_str(),
                           network_.ends_open(node->host()));
        }
        if (checkers_.jobs_running(node->host()) > 0) {
            checkers_.fail("I12", "%s has left, and runs %zu jobs", node->name().c_str(),
                           checkers_.jobs_running(node->host()));
        }
    }
    return !checkers_.failed();
}

}  // namespace p2c2r::sim
