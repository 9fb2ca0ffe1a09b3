#include "cli/hold_cluster.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/hold_peer.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {
constexpr uint64_t kClusterTurnUs = 20'000;  // at the latest a signal is looked for
}

uint32_t slots_for(uint64_t in_flight, size_t peers) {
    return static_cast<uint32_t>((in_flight + peers - 2) / (peers - 1) + 1);
}

std::string HoldCluster::peer_id(size_t index) const {
    return "hold-" + std::to_string(index + 1) + "-" + std::to_string(lives_[index]);
}

Result<std::unique_ptr<HoldCluster>> HoldCluster::start(const HoldShape& shape,
                                                        StopSignals& signals) {
    std::unique_ptr<HoldCluster> cluster(new HoldCluster(shape, signals));
    if (Outcome failure = cluster->start_all()) return *failure;
    return cluster;
}

Outcome HoldCluster::start_all() {
    std::vector<std::string> arguments = {"--log-level", "error"};
    if (shape_.star) {
        arguments.insert(arguments.end(),
                         {"--listen-address", "0.0.0.0", "--plaintext-anywhere", "true"});
    }
    arguments.insert(arguments.end(), shape_.coordinator.begin(), shape_.coordinator.end());
    Result<CoordinatorProcess> coordinator = start_coordinator_process("", arguments);
    if (!coordinator) return coordinator.failure();
    coordinator_ = std::move(*coordinator);
    peers_.resize(shape_.peers);
    lives_.resize(shape_.peers);
    for (size_t index = 0; index < shape_.peers; ++index) {
        if (Outcome failure = start_peer(index)) return failure;
    }
    SessionOptions options;
    const std::string port = coordinator_.url.substr(coordinator_.url.rfind(':'));
    options.coordinator_url = "p2c2r+plain://127.0.0.1" + port;
    options.device.kind = DeviceChoice::Kind::kNative;
    options.worker_threads = 1;
    Result<std::unique_ptr<Session>> session = Session::open(options);
    if (!session) return session.failure();
    session_ = std::move(*session);
    const auto all = static_cast<uint32_t>(shape_.peers);
    if (session_->wait_for_peers(all, kJoinTimeoutUs, &signals_)) return std::nullopt;
    return Failure{kExitSomeFailed, signals_.count() > 0 ? "stopped" : "not all peers joined"};
}

Outcome HoldCluster::start_peer(size_t index) {
    ++lives_[index];
    HoldPeerOptions options;
    options.url = coordinator_.url;
    options.peer_id = peer_id(index);
    options.slots = shape_.slots;
    options.lag_ms = shape_.lag_ms;
    options.jitter_ms = shape_.jitter_ms;
    if (shape_.slow_times > 1) {
        options.slow_times = shape_.slow_times;
        options.slow_ms = shape_.slow_ms;
        options.slow_place = index;
        options.slow_places = shape_.peers;
    }
    std::optional<NetworkSpace::Visit> there;
    if (shape_.star) {
        const std::string& url = coordinator_.url;
        options.url =
            "p2c2r+plain://" + NetworkStar::hub_address(index) + url.substr(url.rfind(':'));
        options.plaintext_anywhere = true;
        there.emplace(shape_.star->spoke(index));
    }
    Result<Process> process = start_hold_peer(options);
    if (!process) return process.failure();
    peers_[index] = std::move(*process);
    return std::nullopt;
}

Result<size_t> HoldCluster::next_busy(size_t last) {
    Result<json> answer = session_->ask("peers");
    if (!answer) return answer.failure();
    for (size_t step = 1; step <= size(); ++step) {
        const size_t index = (last + step) % size();
        for (const json& peer : answer->value("peers", json::array())) {
            if (peer.value("peer_id", "") == peer_id(index) && peer.value("held", 0) > 0) {
                return index;
            }
        }
    }
    return (last + 1) % size();
}

Outcome HoldCluster::break_peer(size_t index) {
    if (shape_.star) return shape_.star->silence(index);
    peers_[index].kill_now();
    return std::nullopt;
}

Outcome HoldCluster::mend_peer(size_t index) {
    if (shape_.star) {
        if (Outcome failure = shape_.star->hear(index)) return failure;
        peers_[index].kill_now();  // its connections are reset by that, now that it is heard
    }
    return start_peer(index);
}

Result<bool> HoldCluster::turn_until(HoldLoad& load, uint64_t timeout_us,
                                     const std::function<bool()>& done) {
    const uint64_t until_us = p2c2r_now_us() + timeout_us;
    while (!done()) {
        if (signals_.count() > 0) return Failure{kExitSomeFailed, "stopped"};
        if (Outcome failure = load.refill()) return *failure;
        const uint64_t now_us = p2c2r_now_us();
        if (now_us >= until_us) return false;
        const uint64_t wait_us =
            std::min({until_us - now_us, kClusterTurnUs, load.due_in_us(now_us)});
        session_->wait_and_dispatch(wait_us, &signals_);
    }
    return true;
}

Outcome HoldCluster::wait_for_all(HoldLoad& load) {
    const Result<bool> there =
        turn_until(load, kJoinTimeoutUs, [&] { return session_->peers_total() >= size(); });
    if (!there) return there.failure();
    if (!*there) return Failure{kExitSomeFailed, "a peer does not come back"};
    return std::nullopt;
}

}  // namespace p2c2r::cli
