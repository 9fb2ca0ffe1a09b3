#include "cli/frame_peers_posix.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <random>

namespace p2c2r::cli {

namespace {

constexpr uint64_t kBadUsMin = 500'000;
constexpr uint64_t kBadUsMax = 2'000'000;
constexpr uint64_t kSlowRunUs = 2'000;
constexpr uint64_t kSlowStandUs = 18'000;
constexpr size_t kOneIn = 5;
// Helpers are other machines. Here they would take the game's core when they start, and the game
// would be late for that.
constexpr int kPeerNice = 10;

}  // namespace

// ---- the processes ------------------------------------------------------------------------------

Result<std::unique_ptr<FramePeers>> FramePeers::start(size_t count) {
    std::unique_ptr<FramePeers> peers(new FramePeers());
    Result<std::unique_ptr<NetworkStar>> star = NetworkStar::make(count);
    if (star) {
        peers->star_ = std::move(*star);
        peers->inside_.emplace(peers->star_->hub());
    } else {
        peers->no_star_ = star.failure().text;
    }
    if (Outcome failure = peers->start_all(count)) return *failure;
    return peers;
}

Outcome FramePeers::start_all(size_t count) {
    std::vector<std::string> arguments = {"--log-level", "error"};
    if (star_) {
        arguments.insert(arguments.end(),
                         {"--listen-address", "0.0.0.0", "--plaintext-anywhere", "true"});
    }
    Result<CoordinatorProcess> coordinator = start_coordinator_process("", arguments);
    if (!coordinator) return coordinator.failure();
    coordinator_ = std::move(*coordinator);
    const std::string& url = coordinator_.url;
    url_ = star_ ? "p2c2r+plain://127.0.0.1" + url.substr(url.rfind(':')) : url;
    peers_.resize(count);
    for (size_t index = 0; index < count; ++index) {
        if (Outcome failure = start_peer(index)) return failure;
    }
    return std::nullopt;
}

Outcome FramePeers::start_peer(size_t index) {
    std::vector<std::string> arguments = {"--device", "native", "--log-level", "error"};
    std::string url = url_;
    std::optional<NetworkSpace::Visit> there;
    if (star_) {
        arguments.insert(arguments.end(), {"--plaintext-anywhere", "true"});
        url = "p2c2r+plain://" + NetworkStar::hub_address(index) + url_.substr(url_.rfind(':'));
        there.emplace(star_->spoke(index));
    }
    Result<Process> peer = start_peer_process(url, "frames-" + std::to_string(index + 1), "",
                                              arguments, {}, kPeerNice);
    if (!peer) return peer.failure();
    peers_[index] = std::move(*peer);
    return std::nullopt;
}

// ---- those that misbehave -----------------------------------------------------------------------

void BadPeers::start(uint64_t seed) {
    is_bad_.assign(peers_.size(), false);
    for (size_t i = 0; i < peers_.size() / kOneIn; ++i) {
        threads_.emplace_back([this, seed, i] { misbehave(seed + i); });
    }
}

void BadPeers::stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

bool BadPeers::wait_us(uint64_t us) {
    const uint64_t until = p2c2r_now_us() + us;
    while (!stopping_) {
        const uint64_t now = p2c2r_now_us();
        if (now >= until) return true;
        std::this_thread::sleep_for(
            std::chrono::microseconds(std::min<uint64_t>(until - now, 20'000)));
    }
    return false;
}

void BadPeers::misbehave(uint64_t seed) {
    using Fault = Outcome (BadPeers::*)(size_t index, uint64_t bad_us);
    std::vector<Fault> faults = {&BadPeers::kill, &BadPeers::freeze, &BadPeers::slow};
    if (peers_.star()) faults.push_back(&BadPeers::blackhole);
    std::mt19937_64 random(seed);
    for (uint64_t round = seed; !stopping_; ++round) {
        const size_t index = [&] {
            const std::lock_guard lock(mutex_);
            size_t chosen;
            do {
                chosen = random() % peers_.size();
            } while (is_bad_[chosen]);
            is_bad_[chosen] = true;
            return chosen;
        }();
        const uint64_t bad_us = kBadUsMin + random() % (kBadUsMax - kBadUsMin);
        const Outcome failed = (this->*faults[round % faults.size()])(index, bad_us);
        const std::lock_guard lock(mutex_);
        is_bad_[index] = false;
        if (failed && failure.empty()) failure = failed->text;
    }
}

void BadPeers::count(uint64_t& faults) {
    const std::lock_guard lock(mutex_);
    ++faults;
}

Outcome BadPeers::kill(size_t index, uint64_t bad_us) {
    peers_.peer(index).kill_now();
    count(kills);
    (void)wait_us(bad_us);
    return peers_.start_peer(index);
}

Outcome BadPeers::freeze(size_t index, uint64_t bad_us) {
    peers_.peer(index).signal(SIGSTOP);
    count(freezes);
    (void)wait_us(bad_us);
    peers_.peer(index).signal(SIGCONT);
    return std::nullopt;
}

Outcome BadPeers::slow(size_t index, uint64_t bad_us) {
    count(slows);
    const uint64_t until = p2c2r_now_us() + bad_us;
    while (p2c2r_now_us() < until && !stopping_) {
        peers_.peer(index).signal(SIGSTOP);
        (void)wait_us(kSlowStandUs);
        peers_.peer(index).signal(SIGCONT);
        (void)wait_us(kSlowRunUs);
    }
    return std::nullopt;
}

// Who comes out of it finds its connection as it was or as the coordinator left it, and joins again
// by itself, as a machine does whose line has come back.
Outcome BadPeers::blackhole(size_t index, uint64_t bad_us) {
    if (Outcome failed = peers_.star()->silence(index)) return failed;
    count(blackholes);
    (void)wait_us(bad_us);
    return peers_.star()->hear(index);
}

}  // namespace p2c2r::cli
