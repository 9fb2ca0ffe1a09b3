// `p2c2r bench failover`: how long the tasks of a killed peer are nowhere.
//
// One coordinator and four peers run as processes of their own; this process is the client and
// keeps twelve tasks in flight. A round ends one peer with SIGKILL, or with --silent stops it, so
// that its connection stays and says nothing. Each of its tasks is sampled:
// from just before the kill to the moment another peer's executor begins to run it, which that
// executor states in its result on the clock that all processes of a machine share. A sample
// therefore holds the death of the process, the coordinator noticing, the decision, the way to the
// other peer, and its start there. A task that ends in any other way than with a result is lost,
// and fails the bench.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <list>
#include <nlohmann/json.hpp>

#include "cli/bench.h"
#include "cli/progress.h"
#include "cli/role_processes.h"
#include "cli/session.h"
#include "cli/statistics.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kBarP99Us = 5000;
constexpr uint64_t kSilentBarP99Us = 50'000;
constexpr uint64_t kTaskDeadlineUs = 5'000'000;
constexpr uint64_t kOnTheWayUs = 100;   // a task that was, when the peer was killed, is no sample
constexpr uint64_t kTriesPerRound = 5;  // a peer that has just ended what it held is no sample

struct Ended {
    uint64_t submitted_us = 0;
    uint64_t started_us = 0;  // where the answer was made
    std::string peer_id;      // by whom
};

// Keeps a number of `hold` tasks in flight and remembers how they went.
class FailoverLoad {
  public:
    FailoverLoad(Session& session, uint32_t in_flight, uint64_t hold_us)
        : session_(session), in_flight_(in_flight), params_(json({{"hold_us", hold_us}}).dump()) {}
    // After a failed round some are still in flight; nobody may be told of them any more.
    ~FailoverLoad() {
        for (const Flight& flight : flights_) p2c2r_client_forget(session_.client(), flight.task);
    }
    FailoverLoad(const FailoverLoad&) = delete;
    FailoverLoad& operator=(const FailoverLoad&) = delete;

    Outcome refill() {
        while (!stopping_ && flights_.size() < in_flight_) {
            flights_.push_back({this, p2c2r_now_us(), 0, {}});
            const auto flight = std::prev(flights_.end());
            flight->self = flight;
            p2c2r_task_desc desc = {};
            desc.struct_size = sizeof desc;
            desc.task_type = "hold";
            desc.deadline_us = kTaskDeadlineUs;
            desc.place = P2C2R_PLACE_REMOTE;
            desc.params_format = P2C2R_FORMAT_JSON;
            desc.params = params_.data();
            desc.params_size = params_.size();
            desc.done = on_done;
            desc.user = &*flight;
            p2c2r_error why = {};
            if (p2c2r_client_submit(session_.client(), &desc, &flight->task, &why) != P2C2R_OK) {
                flights_.erase(flight);
                return library_failure(kExitSomeFailed, "submit", why);
            }
        }
        return std::nullopt;
    }
    // Turns until `done` says true or the time is over.
    template <class Done>
    Outcome turn_until(uint64_t timeout_us, StopSignals& signals, Done done) {
        const uint64_t until_us = p2c2r_now_us() + timeout_us;
        while (!done()) {
            if (signals.count() > 0) return Failure{kExitSomeFailed, "stopped"};
            const uint64_t now_us = p2c2r_now_us();
            if (now_us >= until_us) return Failure{kExitSomeFailed, "tasks do not end in time"};
            if (Outcome failure = refill()) return failure;
            session_.wait_and_dispatch(std::min<uint64_t>(until_us - now_us, 20'000), &signals);
        }
        return std::nullopt;
    }
    void stop() { stopping_ = true; }
    [[nodiscard]] bool empty() const { return flights_.empty(); }
    // The submission time of the oldest task in flight.
    [[nodiscard]] uint64_t oldest_us() const {
        return flights_.empty() ? UINT64_MAX : flights_.front().submitted_us;
    }

    std::vector<Ended> ended;  // of the round; the caller empties it
    uint64_t succeeded = 0;
    uint64_t lost = 0;
    std::string last_error;

  private:
    struct Flight {
        FailoverLoad* load;
        uint64_t submitted_us;
        p2c2r_task task;
        std::list<Flight>::iterator self;
    };

    static void P2C2R_CALL on_done(void* user, p2c2r_task, p2c2r_result* result) {
        const ResultHandle owned(result);
        auto* flight = static_cast<Flight*>(user);
        FailoverLoad& load = *flight->load;
        p2c2r_result_info info = {};
        info.struct_size = sizeof info;
        p2c2r_result_info_get(result, &info);
        if (info.status == P2C2R_OK) {
            const json fields = fields_of(result);
            load.ended.push_back({flight->submitted_us, fields.value("started_us", uint64_t{0}),
                                  fields.value("peer_id", "")});
            ++load.succeeded;
        } else {
            size_t size = 0;
            const char* text = p2c2r_result_text(result, P2C2R_TEXT_MESSAGE, &size);
            load.last_error =
                std::string(p2c2r_status_name(info.status)) + ": " + (text ? text : "");
            ++load.lost;
        }
        load.flights_.erase(flight->self);
    }

    Session& session_;
    const uint32_t in_flight_;
    const std::string params_;
    std::list<Flight> flights_;
    bool stopping_ = false;
};

std::string hold_peer_id(size_t index) {
    return "hold-" + std::to_string(index + 1);
}

Result<Process> start_hold_peer(const std::string& url, size_t index, uint32_t slots) {
    Process::Options options;
    options.ends_with_us = true;
    options.without = "P2C2R_";
    const std::string peer_id = hold_peer_id(index);
    Result<Process> process =
        Process::start(own_path(),
                       {"bench", "hold-peer", "--coordinator", url, "--peer-id", peer_id, "--slots",
                        std::to_string(slots)},
                       options);
    if (!process) return process;
    Result<std::string> running = process->read_line_with("peer ", kJoinTimeoutUs);
    if (!running)
        return Failure{kExitSomeFailed, peer_id + " did not start: " + running.failure().text};
    return process;
}

// The next peer after `last` that holds tasks now, by what the coordinator says.
Result<size_t> next_victim(Session& session, size_t last, size_t peers_count) {
    Result<json> answer = session.ask("peers");
    if (!answer) return answer.failure();
    for (size_t step = 1; step <= peers_count; ++step) {
        const size_t index = (last + step) % peers_count;
        for (const json& peer : answer->value("peers", json::array())) {
            if (peer.value("peer_id", "") == hold_peer_id(index) && peer.value("held", 0) > 0) {
                return index;
            }
        }
    }
    return (last + 1) % peers_count;
}

struct Measured {
    std::vector<uint64_t> samples_us;
    uint64_t succeeded = 0;
    uint64_t lost = 0;
    std::string last_error;
};

Result<Measured> measure(uint64_t rounds, size_t peers_count, uint32_t in_flight, uint64_t hold_us,
                         bool silent) {
    // All but one can hold everything, with a slot to spare, but no two of four: the load is
    // spread.
    const auto slots = static_cast<uint32_t>((in_flight + peers_count - 2) / (peers_count - 1) + 1);
    StopSignals signals;
    Result<CoordinatorProcess> coordinator =
        start_coordinator_process("", {"--log-level", "error"});
    if (!coordinator) return coordinator.failure();
    std::vector<Process> peers(peers_count);
    for (size_t index = 0; index < peers.size(); ++index) {
        Result<Process> peer = start_hold_peer(coordinator->url, index, slots);
        if (!peer) return peer.failure();
        peers[index] = std::move(*peer);
    }
    SessionOptions options;
    options.coordinator_url = coordinator->url;
    options.device.kind = DeviceChoice::Kind::kNative;
    options.worker_threads = 1;
    Result<std::unique_ptr<Session>> session = Session::open(options);
    if (!session) return session.failure();
    const auto all_peers = static_cast<uint32_t>(peers.size());
    if (!(*session)->wait_for_peers(all_peers, kJoinTimeoutUs, &signals)) {
        return Failure{kExitSomeFailed, "not all peers joined"};
    }

    FailoverLoad load(**session, in_flight, hold_us);
    Measured measured;
    Progress progress(rounds, "rounds", !error_is_terminal());
    uint64_t tries = 0;
    size_t last_victim = 0;
    for (uint64_t round = 0; round < rounds;) {
        if (++tries > rounds * kTriesPerRound) {
            return Failure{kExitSomeFailed, "killed peers hold no tasks; raise --in-flight"};
        }
        // A few full turns of the load, so that it is spread as usual when the kill comes.
        load.ended.clear();
        if (Outcome failure = load.turn_until(kTaskDeadlineUs, signals, [&] {
                return load.ended.size() + load.lost >= 3 * in_flight;
            })) {
            return *failure;
        }
        load.ended.clear();
        Result<size_t> chosen = next_victim(**session, last_victim, peers.size());
        if (!chosen) return chosen.failure();
        last_victim = *chosen;
        Process& victim = peers[last_victim];
        const uint64_t killed_us = p2c2r_now_us();
        if (silent) {
            victim.signal(SIGSTOP);
        } else {
            victim.kill_now();
        }
        if (Outcome failure = load.turn_until(2 * kTaskDeadlineUs, signals,
                                              [&] { return load.oldest_us() > killed_us; })) {
            return *failure;
        }
        victim.kill_now();
        bool sampled = false;
        // The others had room for all of theirs, so what began there after that was the victim's.
        const std::string gone = hold_peer_id(last_victim);
        for (const Ended& task : load.ended) {
            if (task.submitted_us < killed_us && task.started_us > killed_us + kOnTheWayUs &&
                task.peer_id != gone) {
                measured.samples_us.push_back(task.started_us - killed_us);
                sampled = true;
            }
        }
        if (sampled) ++round;
        Result<Process> again = start_hold_peer(coordinator->url, last_victim, slots);
        if (!again) return again.failure();
        victim = std::move(*again);
        if (Outcome failure = load.turn_until(
                kJoinTimeoutUs, signals, [&] { return (*session)->peers_total() >= all_peers; })) {
            return *failure;
        }
        char note[64];
        std::snprintf(note, sizeof note, "%zu samples", measured.samples_us.size());
        progress.update({round, load.lost}, note);
    }
    load.stop();
    if (Outcome failure =
            load.turn_until(2 * kTaskDeadlineUs, signals, [&] { return load.empty(); })) {
        return *failure;
    }
    progress.finish({rounds, load.lost}, std::to_string(measured.samples_us.size()) + " samples");
    measured.succeeded = load.succeeded;
    measured.lost = load.lost;
    measured.last_error = load.last_error;
    return measured;
}

}  // namespace

int run_bench_failover(const FailoverOptions& options) {
    const uint64_t rounds = options.rounds.value_or(50);
    const uint64_t peers = options.peers.value_or(4);
    const uint64_t in_flight = options.in_flight.value_or(12);
    const uint64_t hold_ms = options.hold_ms.value_or(20);
    if (rounds < 1 || rounds > 100000 || peers < 2 || peers > 64 || in_flight < 1 ||
        in_flight > 1000 || hold_ms < 1 || hold_ms > 1000) {
        return report(
            "bench failover",
            usage_failure("--rounds is 1 to 100000, --peers 2 to 64, --in-flight 1 to 1000, "
                          "--hold-ms 1 to 1000"));
    }
    const Result<Measured> measured =
        measure(rounds, peers, static_cast<uint32_t>(in_flight), hold_ms * 1000, options.silent);
    if (!measured) return report("bench failover", measured.failure());
    const std::vector<uint64_t>& samples = measured->samples_us;
    const uint64_t p50_us = percentile(samples, 0.50);
    const uint64_t p99_us = percentile(samples, 0.99);
    const uint64_t max_us = percentile(samples, 1.0);
    const uint64_t bar_us = options.silent ? kSilentBarP99Us : kBarP99Us;
    const char* const fault = options.silent ? "SIGSTOP" : "SIGKILL";
    const bool pass = p99_us <= bar_us && measured->lost == 0;
    std::printf("failover: %llu rounds of %s, %llu peers, %llu tasks in flight\n",
                static_cast<unsigned long long>(rounds), fault,
                static_cast<unsigned long long>(peers), static_cast<unsigned long long>(in_flight));
    std::printf("%s to running on another peer, %zu tasks: p50 %.2f ms, p99 %.2f ms, max %.2f ms\n",
                options.silent ? "silence" : "kill", samples.size(), ms(p50_us), ms(p99_us),
                ms(max_us));
    std::printf("tasks: %llu succeeded, %llu lost\n",
                static_cast<unsigned long long>(measured->succeeded),
                static_cast<unsigned long long>(measured->lost));
    if (measured->lost > 0) std::printf("last error: %s\n", measured->last_error.c_str());
    std::printf("bar p99 <= %.0f ms, none lost: %s\n", ms(bar_us), pass ? "holds" : "missed");
    if (options.json) {
        const json summary = {{"bench", "failover"},
                              {"rounds", rounds},
                              {"samples", samples.size()},
                              {"p50_us", p50_us},
                              {"p99_us", p99_us},
                              {"max_us", max_us},
                              {"succeeded", measured->succeeded},
                              {"lost", measured->lost},
                              {"bar_p99_us", bar_us},
                              {"pass", pass}};
        std::printf("%s\n", summary.dump().c_str());
    }
    return pass ? kExitOk : kExitSomeFailed;
}

}  // namespace p2c2r::cli
