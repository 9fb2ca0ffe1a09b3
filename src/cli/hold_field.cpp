#include "cli/hold_field.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/contact.h"
#include "cli/files.h"
#include "cli/hold_peer.h"
#include "cli/own_coordinator.h"
#include "cli/session.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kFieldEndUs = 10'000'000;
constexpr uint32_t kFieldTurnMs = 1;
constexpr size_t kTokenSize = 32;

// Asks for nothing.
HoldAsk asks_nothing() {
    HoldAsk ask;
    ask.window = 0;
    return ask;
}

}  // namespace

Result<std::unique_ptr<HoldField>> HoldField::start(const FieldShape& shape, StopSignals& signals) {
    Result<TemporaryDirectory> directory = TemporaryDirectory::make();
    if (!directory) return directory.failure();
    std::unique_ptr<HoldField> field(new HoldField(shape, signals, std::move(*directory)));
    if (Outcome failure = field->start_all()) return *failure;
    return field;
}

HoldField::~HoldField() = default;

std::vector<HoldEnded> FieldPlay::all() const {
    std::vector<HoldEnded> together;
    for (const std::vector<HoldEnded>& own : ended) {
        together.insert(together.end(), own.begin(), own.end());
    }
    return together;
}

Outcome HoldField::start_all() {
    if (Outcome failure = start_coordinator()) return failure;
    if (Outcome failure = start_peers()) return failure;
    p2c2r_runtime_config config = {};
    config.struct_size = sizeof config;
    config.abi_version = P2C2R_ABI_VERSION;
    config.run_mode = P2C2R_RUN_MANUAL;
    config.deliver = P2C2R_DELIVER_ON_LOOP;
    config.gpu = P2C2R_GPU_OFF;
    config.worker_threads = P2C2R_NONE;
    p2c2r_runtime* runtime = nullptr;
    p2c2r_error why = {};
    if (p2c2r_runtime_create(&config, &runtime, &why) != P2C2R_OK) {
        return library_failure(kExitSomeFailed, "runtime", why);
    }
    gamers_runtime_.reset(runtime);
    for (size_t index = 0; index < shape_.gamers; ++index) {
        if (Outcome failure = start_gamer(index)) return failure;
    }
    return turn_until(kJoinTimeoutUs, [&] {
        return std::all_of(clients_.begin(), clients_.end(), [&](const ClientHandle& client) {
            p2c2r_client_stats stats = {};
            stats.struct_size = sizeof stats;
            p2c2r_client_stats_get(client.get(), &stats);
            return stats.peers_total >= shape_.peers;
        });
    });
}

Outcome HoldField::start_coordinator() {
    RuntimeOptions options;
    options.device.kind = DeviceChoice::Kind::kNative;
    options.worker_threads = 1;
    Result<OpenedRuntime> runtime = open_runtime(options);
    if (!runtime) return runtime.failure();
    runtime_ = std::move(*runtime);
    const std::string access = join_path(directory_.path(), "access");
    p2c2r_coordinator_config config = {};
    config.struct_size = sizeof config;
    config.listen_port = P2C2R_ANY;
    config.access_file = access.c_str();
    p2c2r_coordinator* coordinator = nullptr;
    p2c2r_error why = {};
    p2c2r_status status =
        p2c2r_coordinator_create(runtime_.handle.get(), &config, &coordinator, &why);
    coordinator_.reset(coordinator);
    if (status == P2C2R_OK) status = p2c2r_coordinator_start(coordinator, &why);
    if (status != P2C2R_OK) return library_failure(kExitSomeFailed, "coordinator", why);
    uint32_t port = 0;
    p2c2r_coordinator_port(coordinator, &port, nullptr);
    url_ = url_of("127.0.0.1", port, false);
    return std::nullopt;
}

Result<std::string> HoldField::token_for(const std::string& name, const std::string& role) {
    const Result<json> made =
        ask_own(coordinator_.get(), "key.token", {{"name", name}, {"roles", role}});
    if (!made) return made.failure();
    return made->value("token", "");
}

Outcome HoldField::start_peers() {
    for (size_t index = 0; index < shape_.peers; ++index) {
        const std::string name = "hold-" + std::to_string(index + 1);
        const Result<std::string> token = token_for(name, "peer");
        if (!token) return token.failure();
        const std::string file = join_path(directory_.path(), name);
        if (Outcome failure = make_private_file(file, *token)) return failure;
        HoldPeerOptions options;
        options.url = url_;
        options.peer_id = name;
        options.slots = shape_.slots;
        options.token_file = file;
        Result<Process> peer = start_hold_peer(options);
        if (!peer) return peer.failure();
        peers_.push_back(std::move(*peer));
    }
    return std::nullopt;
}

Outcome HoldField::start_gamer(size_t index) {
    const Result<std::string> token = token_for("gamer-" + std::to_string(index + 1), "gamer");
    if (!token) return token.failure();
    std::vector<uint8_t> bytes;
    if (!read_hex(*token, bytes, kTokenSize)) {
        return Failure{kExitSomeFailed, "a token is not 64 hexadecimal digits"};
    }
    p2c2r_credentials credentials = {};
    credentials.struct_size = sizeof credentials;
    credentials.token = bytes.data();
    credentials.token_size = bytes.size();
    p2c2r_client_config config = {};
    config.struct_size = sizeof config;
    config.coordinator_url = url_.c_str();
    config.credentials = &credentials;
    config.tasks_max = 65536;
    p2c2r_client* client = nullptr;
    p2c2r_error why = {};
    p2c2r_status status = p2c2r_client_create(gamers_runtime_.get(), &config, &client, &why);
    clients_.emplace_back(client);
    if (status == P2C2R_OK) status = p2c2r_client_connect(client, 10'000, &why);
    if (status != P2C2R_OK) return library_failure(kExitSomeFailed, "a gamer", why);
    loads_.push_back(std::make_unique<HoldLoad>(client, asks_nothing()));
    return std::nullopt;
}

Outcome HoldField::turn_until(uint64_t timeout_us, const std::function<bool()>& done) {
    const uint64_t until_us = p2c2r_now_us() + timeout_us;
    while (!done()) {
        if (signals_.count() > 0) return Failure{kExitSomeFailed, "stopped"};
        if (p2c2r_now_us() >= until_us) {
            return Failure{kExitSomeFailed, "peers do not join, or tasks do not end, in time"};
        }
        for (const auto& load : loads_) {
            if (Outcome failure = load->refill()) return failure;
        }
        p2c2r_runtime_poll(gamers_runtime_.get(), kFieldTurnMs);
    }
    return std::nullopt;
}

Outcome HoldField::drain() {
    for (const auto& load : loads_) load->change(asks_nothing());
    return turn_until(kFieldEndUs, [&] {
        return std::all_of(loads_.begin(), loads_.end(),
                           [](const auto& load) { return load->empty(); });
    });
}

Result<uint64_t> HoldField::refused() {
    const Result<json> status = ask_own(coordinator_.get(), "status");
    if (!status) return status.failure();
    return status->value("refused_tasks", uint64_t{0});
}

Result<FieldPlay> HoldField::play(const std::function<HoldAsk(size_t gamer)>& ask_of,
                                  uint64_t for_us, bool drain) {
    FieldPlay play;
    const Result<uint64_t> refused_before = refused();
    if (!refused_before) return refused_before.failure();
    play.from_us = p2c2r_now_us();
    for (size_t gamer = 0; gamer < loads_.size(); ++gamer) loads_[gamer]->change(ask_of(gamer));
    const uint64_t end_us = play.from_us + for_us;
    if (Outcome failure =
            turn_until(for_us + kFieldEndUs, [&] { return p2c2r_now_us() >= end_us; })) {
        return *failure;
    }
    play.until_us = p2c2r_now_us();
    if (drain) {
        if (Outcome failure = this->drain()) return *failure;
    }
    const Result<uint64_t> refused_after = refused();
    if (!refused_after) return refused_after.failure();
    play.refused = *refused_after - *refused_before;
    for (const auto& load : loads_) play.ended.push_back(std::exchange(load->ended, {}));
    return play;
}

Result<HoldField::Begun> HoldField::end() {
    Begun all;
    for (Process& peer : peers_) {
        peer.ask_to_stop();
        const Result<std::string> line = peer.read_line_with("started ", kFieldEndUs);
        if (!line) return line.failure();
        unsigned long long tasks = 0, late = 0;
        std::sscanf(line->c_str(), "%llu late %llu", &tasks, &late);
        all.tasks += tasks;
        all.late += late;
    }
    return all;
}

}  // namespace p2c2r::cli
