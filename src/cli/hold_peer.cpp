#include "cli/hold_peer.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>
#include <queue>
#include <vector>

#include "cli/contact.h"
#include "cli/device_choice.h"
#include "cli/session.h"
#include "cli/wait_posix.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kHoldUsMax = 10'000'000;

// When a peer is slow, on the clock of all processes.
struct SlowTurn {
    double times = 1;
    uint64_t each_us = 1;
    uint64_t place = 0;
    uint64_t places = 1;

    [[nodiscard]] uint64_t held_us(uint64_t hold_us, uint64_t now_us) const {
        if (now_us / each_us % places != place) return hold_us;
        return static_cast<uint64_t>(static_cast<double>(hold_us) * times);
    }
};

// Jobs that are held, the one that ends first on top.
struct Holder {
    struct Held {
        uint64_t until_us;
        p2c2r_job* job;
        bool operator<(const Held& other) const { return until_us > other.until_us; }
    };
    std::string peer_id;
    SlowTurn slow;
    std::atomic<uint64_t> started{0};
    std::atomic<uint64_t> late{0};
    Waker waker;
    std::mutex mutex;  // guards held
    std::priority_queue<Held> held;
};

p2c2r_status P2C2R_CALL hold(void* user, p2c2r_job* job) {
    const uint64_t started_us = p2c2r_now_us();
    auto* holder = static_cast<Holder*>(user);
    size_t size = 0;
    const auto* text = static_cast<const char*>(p2c2r_job_params(job, P2C2R_FORMAT_JSON, &size));
    const json params = text ? json::parse(text, text + size, nullptr, false) : json();
    if (!params.is_object() || !params.contains("hold_us") ||
        !params["hold_us"].is_number_unsigned()) {
        p2c2r_job_explain(job, "hold_us", "a number of microseconds is needed");
        return P2C2R_E_PARAMS;
    }
    const uint64_t asked_us = std::min(params["hold_us"].get<uint64_t>(), kHoldUsMax);
    const uint64_t hold_us = std::min(holder->slow.held_us(asked_us, started_us), kHoldUsMax);
    ++holder->started;
    if (started_us + hold_us > params.value("until_us", UINT64_MAX)) ++holder->late;
    const std::string fields =
        json({{"peer_id", holder->peer_id}, {"started_us", started_us}}).dump();
    p2c2r_job_output_fields(job, P2C2R_FORMAT_JSON, fields.data(), fields.size());
    p2c2r_job_retain(job);
    {
        const std::lock_guard lock(holder->mutex);
        holder->held.push({started_us + hold_us, job});
    }
    holder->waker.wake();
    return P2C2R_PENDING;
}

// Ends what is due; when the next one is due, as a time to wait.
uint64_t finish_due(Holder& holder) {
    for (;;) {
        p2c2r_job* job = nullptr;
        {
            const std::lock_guard lock(holder.mutex);
            if (holder.held.empty()) return UINT64_MAX;
            const uint64_t now_us = p2c2r_now_us();
            if (holder.held.top().until_us > now_us) return holder.held.top().until_us - now_us;
            job = holder.held.top().job;
            holder.held.pop();
        }
        p2c2r_job_finish(job, P2C2R_OK);
        p2c2r_job_release(job);
    }
}

}  // namespace

void HoldPeerOptions::add_to(Command& command) {
    command.add_text("--coordinator", url, "URL");
    command.add_text("--peer-id", peer_id, "Name");
    command.add_text("--token-file", token_file, "To log in with");
    command.add_count("--slots", slots, "Tasks at the same time", {1, 1024});
    command.add_real("--lag-ms", lag_ms, "Added one way");
    command.add_real("--jitter-ms", jitter_ms, "Up to so much more");
    command.add_flag("--plaintext-anywhere", plaintext_anywhere, "Also to other machines");
    command.add_real("--slow-times", slow_times, "So many times as long, in turn");
    command.add_count("--slow-ms", slow_ms, "How long a turn is", {1, 3'600'000});
    command.add_count("--slow-place", slow_place, "Whose turn it is here");
    command.add_count("--slow-places", slow_places, "How many take turns", {1, 1024});
}

int run_hold_peer(const HoldPeerOptions& options) {
    StopSignals signals;
    signals.stop_with_input();
    Holder holder;
    holder.peer_id = options.peer_id.value_or("");
    holder.slow = {options.slow_times.value_or(1), 1000 * options.slow_ms.value_or(1),
                   options.slow_place.value_or(0), options.slow_places.value_or(1)};
    ContactOptions contact_options;
    contact_options.coordinator = options.url;
    contact_options.token_file = options.token_file;
    contact_options.plaintext_anywhere = options.plaintext_anywhere;
    Result<Contact> contact = Contact::resolve(contact_options);
    if (!contact) return report("bench", contact.failure());
    RuntimeOptions runtime_options;
    runtime_options.device.kind = DeviceChoice::Kind::kNative;
    runtime_options.worker_threads = 1;
    Result<OpenedRuntime> runtime = open_runtime(runtime_options);
    if (!runtime) return report("bench", runtime.failure());
    p2c2r_executor_desc executor = {};
    executor.struct_size = sizeof executor;
    executor.flags = P2C2R_EXECUTOR_SHORT;  // taking the time and setting a timer is microseconds
    executor.task_type = "hold";
    executor.run = hold;
    executor.user = &holder;
    p2c2r_error why = {};
    if (p2c2r_runtime_add_executor(runtime->handle.get(), &executor, &why) != P2C2R_OK) {
        return report("bench", library_failure(kExitSomeFailed, "executor", why));
    }
    const std::string more = json({{"allow_plaintext", options.plaintext_anywhere},
                                   {"fake_lag_ms", options.lag_ms.value_or(0)},
                                   {"fake_jitter_ms", options.jitter_ms.value_or(0)}})
                                 .dump();
    const std::string urls = contact->urls();
    p2c2r_capabilities capabilities = {};
    capabilities.struct_size = sizeof capabilities;
    capabilities.task_types = "hold";
    p2c2r_peer_config config = {};
    config.struct_size = sizeof config;
    config.max_concurrent_tasks = static_cast<uint32_t>(options.slots.value_or(4));
    config.prefetch_tasks = P2C2R_NONE;  // what is assigned runs at once
    config.coordinator_url = urls.c_str();
    config.peer_id = holder.peer_id.c_str();
    config.capabilities = &capabilities;
    config.credentials = contact->credentials();
    config.options = more.c_str();
    p2c2r_peer* peer = nullptr;
    if (p2c2r_peer_create(runtime->handle.get(), &config, &peer, &why) != P2C2R_OK ||
        p2c2r_peer_start(peer, &why) != P2C2R_OK) {
        p2c2r_peer_destroy(peer);
        return report("bench", library_failure(kExitUnreachable, "peer", why));
    }
    const PeerHandle owned(peer);
    std::printf("peer %s\n", holder.peer_id.c_str());
    std::fflush(stdout);
    while (signals.count() == 0) holder.waker.wait(finish_due(holder), &signals);
    // The jobs are given back before the peer that waits for them is destroyed.
    while (finish_due(holder) != UINT64_MAX) holder.waker.wait(finish_due(holder), nullptr);
    std::printf("started %llu late %llu\n", static_cast<unsigned long long>(holder.started),
                static_cast<unsigned long long>(holder.late));
    return kExitOk;
}

Result<Process> start_hold_peer(const HoldPeerOptions& options) {
    std::vector<std::string> words = {"bench", "hold-peer"};
    const auto add = [&](const char* name, const auto& value) {
        if (value) words.insert(words.end(), {name, std::to_string(*value)});
    };
    const auto add_text = [&](const char* name, const std::optional<std::string>& text) {
        if (text) words.insert(words.end(), {name, *text});
    };
    add_text("--coordinator", options.url);
    add_text("--peer-id", options.peer_id);
    add_text("--token-file", options.token_file);
    add("--slots", options.slots);
    add("--lag-ms", options.lag_ms);
    add("--jitter-ms", options.jitter_ms);
    add("--slow-times", options.slow_times);
    add("--slow-ms", options.slow_ms);
    add("--slow-place", options.slow_place);
    add("--slow-places", options.slow_places);
    if (options.plaintext_anywhere) words.emplace_back("--plaintext-anywhere");
    Process::Options as;
    as.ends_with_us = true;
    as.without = "P2C2R_";
    return Process::start(own_path(), words, as);
}

}  // namespace p2c2r::cli
