// The faults of a run: each kind happens at its drawn rate, to a victim of its own choice.
#include <algorithm>
#include <cmath>

#include "sim/cluster.h"

namespace p2c2r::sim {

namespace {

constexpr uint64_t kNever = UINT64_MAX;
constexpr double kMinuteUs = 60e6;

}  // namespace

void Cluster::repeat(Rate rate, uint64_t until_us) {
    if (rate.per_minute <= 0) return;
    const double wait = std::min(-std::log(1 - faults_.unit()), 10.0) * kMinuteUs / rate.per_minute;
    const uint64_t at = world_.now_us() + 1 + static_cast<uint64_t>(wait);
    if (at >= until_us) return;
    world_.call_at(at, [this, rate = std::move(rate), until_us] {
        if (stage_.healed) return;
        rate.happen();
        repeat(rate, until_us);
    });
}

// Even over the logarithm.
uint64_t Cluster::drawn_length(uint64_t low_us, uint64_t high_us) {
    const double low = static_cast<double>(low_us);
    const double high = static_cast<double>(high_us);
    return static_cast<uint64_t>(low * std::pow(high / low, faults_.unit()));
}

void Cluster::plan_faults(uint64_t until_us) {
    const Options& o = options_;
    const double hosts = static_cast<double>(nodes_.size() - 1);
    const double peers = static_cast<double>(peers_.size() + forgers_.size());
    const double gamers = static_cast<double>(gamers_.size() + scripts_.size());
    repeat({o.resets_per_minute * hosts, [this] { fault_reset(); }}, until_us);
    repeat({o.half_open_per_minute * hosts, [this] { fault_half_open(); }}, until_us);
    repeat({o.holes_per_minute * hosts, [this] { fault_hole(); }}, until_us);
    repeat({o.partitions_per_minute, [this] { fault_partition(); }}, until_us);
    repeat({o.stalls_per_minute * hosts, [this] { fault_stall(); }}, until_us);
    repeat({o.peer_crashes_per_minute * peers, [this] { fault_peer_crash(); }}, until_us);
    repeat({o.peer_pauses_per_minute * peers, [this] { fault_peer_pause(); }}, until_us);
    repeat({o.peer_leaves_per_minute * peers, [this] { fault_peer_leave(); }}, until_us);
    repeat({o.types_change_per_minute * peers, [this] { fault_types_change(); }}, until_us);
    repeat({o.gamer_crashes_per_minute * gamers, [this] { fault_gamer_crash(); }}, until_us);
    repeat({o.revocations_per_minute, [this] { fault_revoke(); }}, until_us);
    repeat({o.moves_per_minute, [this] { fault_move(); }}, until_us);
    for (uint32_t i = 0; i < o.coordinator_crashes; ++i) {
        world_.call_at(world_.now_us() + faults_.below(until_us - world_.now_us()), [this] {
            if (!stage_.healed) fault_coordinator_crash();
        });
    }
    for (uint32_t i = 0; i < o.holes_forever; ++i) {
        const uint32_t host = 1 + static_cast<uint32_t>(faults_.below(nodes_.size() - 1));
        const bool from_host = faults_.chance(0.5);
        world_.call_at(world_.now_us() + faults_.below(until_us - world_.now_us()),
                       [this, host, from_host] {
                           if (stage_.healed) return;
                           trace_.line(world_.now_us(), "%s %s is held for ever",
                                       network_.host_name(host).c_str(), from_host ? "out" : "in");
                           network_.hold(host, from_host, kNever);
                       });
    }
}

// ---- the network -------------------------------------------------------------------------------

void Cluster::fault_reset() {
    const std::vector<Network::Open> open = network_.open_pipes();
    if (open.empty()) return;
    const Network::Open& victim = open[faults_.below(open.size())];
    trace_.line(world_.now_us(), "connection %llu of %s is reset",
                static_cast<unsigned long long>(victim.pipe),
                network_.host_name(victim.host).c_str());
    network_.reset(victim.pipe);
}

void Cluster::fault_half_open() {
    const std::vector<Network::Open> open = network_.open_pipes();
    if (open.empty()) return;
    const Network::Open& victim = open[faults_.below(open.size())];
    const bool from_host = faults_.chance(0.5);
    trace_.line(world_.now_us(), "connection %llu of %s drops what goes %s",
                static_cast<unsigned long long>(victim.pipe),
                network_.host_name(victim.host).c_str(), from_host ? "out" : "in");
    network_.drop_silently(victim.pipe, from_host);
    if (faults_.chance(0.3)) network_.drop_silently(victim.pipe, !from_host);
}

void Cluster::fault_hole() {
    const uint32_t host = 1 + static_cast<uint32_t>(faults_.below(nodes_.size() - 1));
    const bool from_host = faults_.chance(0.5);
    const uint64_t length = drawn_length(20'000, 10'000'000);
    trace_.line(world_.now_us(), "%s %s is held for %llu us", network_.host_name(host).c_str(),
                from_host ? "out" : "in", static_cast<unsigned long long>(length));
    network_.hold(host, from_host, world_.now_us() + length);
}

void Cluster::fault_partition() {
    stage_.coverage.hit(Sometimes::kPartition);
    const uint64_t until = world_.now_us() + drawn_length(100'000, 20'000'000);
    const bool one = faults_.chance(0.5);
    const uint32_t chosen = 1 + static_cast<uint32_t>(faults_.below(nodes_.size() - 1));
    for (uint32_t host = 1; host < nodes_.size(); ++host) {
        if (one ? host != chosen : faults_.chance(0.5)) continue;
        trace_.line(world_.now_us(), "%s is cut off", network_.host_name(host).c_str());
        network_.hold(host, false, until);
        network_.hold(host, true, until);
    }
}

void Cluster::fault_stall() {
    const uint32_t host = 1 + static_cast<uint32_t>(faults_.below(nodes_.size() - 1));
    const uint64_t length = drawn_length(10'000, 10'000'000);
    trace_.line(world_.now_us(), "%s reads nothing for %llu us", network_.host_name(host).c_str(),
                static_cast<unsigned long long>(length));
    network_.stall_reading(host, world_.now_us() + length);
}

// ---- the nodes ---------------------------------------------------------------------------------

Node& Cluster::any_peer() {
    const size_t index = faults_.below(peers_.size() + forgers_.size());
    if (index < peers_.size()) return *peers_[index];
    return *forgers_[index - peers_.size()];
}

void Cluster::fault_peer_crash() {
    Node& peer = any_peer();
    if (!peer.up()) return;
    const bool silently = faults_.chance(options_.silent_crash_chance);
    stage_.coverage.hit(silently ? Sometimes::kPeerVanish : Sometimes::kPeerCrash);
    peer.crash(silently);
    const auto known = std::find_if(peers_.begin(), peers_.end(),
                                    [&](const auto& one) { return one.get() == &peer; });
    if (known != peers_.end() && options_.new_name_chance > 0 &&
        faults_.chance(options_.new_name_chance)) {
        (*known)->take_new_name();
    }
    world_.call_at(world_.now_us() + drawn_length(10'000, 10'000'000), [&peer] { peer.start(); });
}

void Cluster::fault_peer_pause() {
    PeerNode& peer = *peers_[faults_.below(peers_.size())];
    peer.pause();
    world_.call_at(world_.now_us() + drawn_length(10'000, 5'000'000), [&peer] { peer.resume(); });
}

void Cluster::fault_peer_leave() {
    PeerNode& peer = *peers_[faults_.below(peers_.size())];
    if (faults_.chance(0.5)) return peer.drain();
    peer.leave();
}

void Cluster::fault_types_change() {
    Node& peer = any_peer();
    const char* type = faults_.chance(0.5) ? kTypeDwell : kTypeContract;
    const bool present = faults_.chance(0.5);
    peer.runner().set_type(type, present);
    world_.call_at(world_.now_us() + drawn_length(10'000, 10'000'000),
                   [this, &peer, type, present] {
                       if (!stage_.healed) peer.runner().set_type(type, !present);
                   });
}

void Cluster::fault_gamer_crash() {
    const size_t index = faults_.below(gamers_.size() + scripts_.size());
    Node* gamer = index < gamers_.size() ? static_cast<Node*>(gamers_[index].get())
                                         : scripts_[index - gamers_.size()].get();
    if (!gamer->up()) return;
    stage_.coverage.hit(Sometimes::kGamerCrash);
    if (faults_.chance(0.3)) {
        gamer->leave();
    } else {
        gamer->crash(faults_.chance(options_.silent_crash_chance));
    }
    world_.call_at(world_.now_us() + drawn_length(10'000, 15'000'000), [gamer] { gamer->start(); });
}

// ---- rights ------------------------------------------------------------------------------------

void Cluster::fault_revoke() {
    uint32_t host = 1 + static_cast<uint32_t>(faults_.below(nodes_.size() - 1));
    if (faults_.chance(0.5)) {
        // Rights that change under a busy peer are the interesting ones.
        size_t most = 0;
        for (const Node* node : nodes_) {
            const size_t held = checkers_.tokens_held(node->host()).size();
            if (held > most) host = node->host();
            most = std::max(most, held);
        }
    }
    Node& victim = *nodes_[host];
    const std::string account = people_.account_name(victim.host());
    if (account.empty() || people_.is_revoked(victim.host()) || !coordinator_->up() ||
        coordinator_->leaving()) {
        return;
    }
    trace_.line(world_.now_us(), "the account %s of %s is revoked", account.c_str(),
                victim.name().c_str());
    const std::vector<uint32_t> hosts = people_.hosts_of_account(victim.host());
    for (const uint32_t each : hosts) {
        if (!checkers_.tokens_held(each).empty()) stage_.coverage.hit(Sometimes::kRevokedAtWork);
        if (checkers_.tasks_open(each) > 0) stage_.coverage.hit(Sometimes::kRevokedGamer);
    }
    people_.revoked(victim.host());
    if (!coordinator_->revoke(account)) return;
    for (const uint32_t each : hosts) {
        Node& node = *nodes_[each];
        world_.call_at(world_.now_us() + drawn_length(10'000, 15'000'000), [this, &node] {
            if (!stage_.healed) settle_again(node);
        });
    }
}

void Cluster::settle_again(Node& node) {
    if (!people_.is_revoked(node.host())) return;
    trace_.line(world_.now_us(), "%s gets another account", node.name().c_str());
    people_.settle_again(node.host(), coordinator_->moment());
    if (node.up()) node.crash(false);
    node.start();
}

// A machine joins another owner's by that one's code, while it is at work as its own.
void Cluster::fault_move() {
    Node& node = *nodes_[1 + faults_.below(nodes_.size() - 1)];
    if (!people_.give_code(node.host(), coordinator_->moment())) return;
    trace_.line(world_.now_us(), "%s is given another owner's code", node.name().c_str());
    if (node.up()) node.crash(faults_.chance(options_.silent_crash_chance));
    node.start();
}

void Cluster::fault_coordinator_crash() {
    if (!coordinator_->up()) return;
    const double how = faults_.unit();
    if (how < 0.2) {
        // Every task ends by its deadline, so that much later it must have ended.
        coordinator_->drain(world_.now_us() + options_.task_timeout_us + 100'000);
    } else if (how < 0.4) {
        stage_.coverage.hit(Sometimes::kCoordinatorClose);
        coordinator_->leave();
    } else {
        const bool silently = faults_.chance(options_.silent_crash_chance);
        stage_.coverage.hit(silently ? Sometimes::kCoordinatorVanish
                                     : Sometimes::kCoordinatorCrash);
        coordinator_->crash(silently);
    }
    world_.call_at(world_.now_us() + drawn_length(20'000, 5'000'000),
                   [this] { coordinator_->start(); });
}

}  // namespace p2c2r::sim
