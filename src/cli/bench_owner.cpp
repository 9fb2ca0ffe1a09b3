// `p2c2r bench owner`: how fast an owner has the machine back, whether a duty cap holds, and
// whether the counts of data are what went over the wire. The peer is a process of its own, so that
// its processor time (a software device's included) tells from outside when it has stopped.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <random>
#include <thread>

#include "cli/bench.h"
#include "cli/counting_relay_posix.h"
#include "cli/cpu_clock_posix.h"
#include "cli/files.h"
#include "cli/kernel_frames.h"
#include "cli/role_processes.h"
#include "cli/statistics.h"
#include "cli/temporary_posix.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

// Idle: so long with less than so much processor time in it.
constexpr uint64_t kQuietUs = 4'000;
constexpr uint64_t kQuietUsedUs = 200;
constexpr uint64_t kPollUs = 100;
constexpr uint64_t kNeverUs = 2'000'000;
constexpr double kBarMs = 8;  // a slice of 3 ms, and 5
constexpr double kBarPoints = 2;
// Of the coordinator, that came too late for a peer that ends.
constexpr uint64_t kLastWords = 100;

// Keeps a peer busy from a thread: one task after another is under way, two at a time.
class OwnerLoad {
  public:
    OwnerLoad(Session& session, const KernelFrame& frame) : session_(session), frame_(frame) {
        thread_ = std::thread([this] { run(); });
    }
    ~OwnerLoad() {
        stopping_ = true;
        thread_.join();
    }
    [[nodiscard]] uint64_t completed() const { return completed_.load(); }

  private:
    static constexpr size_t kTogether = 2;

    void run() {
        const std::string params = frame_.params.dump();
        std::vector<p2c2r_task> tasks;
        while (!stopping_ || !tasks.empty()) {
            while (!stopping_ && tasks.size() < kTogether) {
                p2c2r_task_desc desc = {};
                desc.struct_size = sizeof desc;
                desc.task_type = frame_.task_type.c_str();
                desc.params = params.data();
                desc.params_size = params.size();
                desc.params_format = P2C2R_FORMAT_JSON;
                const p2c2r_bytes data = {frame_.data.data(), frame_.data.size(), nullptr, nullptr};
                if (!frame_.data.empty()) desc.data = &data;
                desc.deadline_us = 5'000'000;
                // It is the peer that shall work, and each time anew.
                desc.place = P2C2R_PLACE_REMOTE;
                desc.flags = P2C2R_TASK_NO_CACHE;
                p2c2r_task task = 0;
                if (p2c2r_client_submit(session_.client(), &desc, &task, nullptr) != P2C2R_OK) {
                    break;
                }
                tasks.push_back(task);
            }
            if (tasks.empty()) {
                sleep_us(1'000);
                continue;
            }
            p2c2r_result* result = nullptr;
            const p2c2r_status status =
                p2c2r_client_get_result(session_.client(), tasks.front(), 50'000, &result);
            const ResultHandle owned(result);
            if (status == P2C2R_PENDING) {
                if (stopping_) p2c2r_client_cancel(session_.client(), tasks.front());
                continue;
            }
            tasks.erase(tasks.begin());
            if (result) ++completed_;
        }
    }

    Session& session_;
    const KernelFrame& frame_;
    std::atomic<bool> stopping_{false};
    std::atomic<uint64_t> completed_{0};
    std::thread thread_;
};

// When the process began to use no processor time, after `from_us`; 0: not within kNeverUs.
uint64_t quiet_since(const CpuClock& clock, uint64_t from_us) {
    uint64_t since_us = from_us;
    uint64_t used = clock.used_us();
    for (;;) {
        sleep_us(kPollUs);
        const uint64_t now_us = p2c2r_now_us();
        const uint64_t used_now = clock.used_us();
        if (used_now - used > kQuietUsedUs) {
            used = used_now;
            since_us = now_us;
        } else if (now_us - since_us >= kQuietUs) {
            return since_us;
        }
        if (now_us - from_us > kNeverUs) return 0;
    }
}

bool is_busy(const CpuClock& clock) {
    const uint64_t used = clock.used_us();
    sleep_us(5'000);
    return clock.used_us() - used > 2'500;
}

struct OwnerPlace {
    OwnerPlace() = default;
    CoordinatorProcess coordinator;
    std::unique_ptr<CountingRelay> relay;
    Process peer;
    std::unique_ptr<Session> session;
};

Outcome open_place(OwnerPlace& place, const std::string& device,
                   const std::vector<std::string>& more, bool relayed) {
    Result<CoordinatorProcess> coordinator =
        start_coordinator_process("", {"--log-level", "error"});
    if (!coordinator) return coordinator.failure();
    place.coordinator = std::move(*coordinator);
    std::string url = place.coordinator.url;
    if (relayed) {
        const size_t colon = url.rfind(':');
        Result<std::unique_ptr<CountingRelay>> relay =
            CountingRelay::start(static_cast<uint16_t>(std::stoul(url.substr(colon + 1))));
        if (!relay) return relay.failure();
        place.relay = std::move(*relay);
        url = "p2c2r+plain://127.0.0.1:" + std::to_string(place.relay->port());
    }
    std::vector<std::string> arguments = {"--device",         device, "--log-level", "error",
                                          "--worker-threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    Result<Process> peer = start_peer_process(url, "helper", "", arguments);
    if (!peer) return peer.failure();
    place.peer = std::move(*peer);
    SessionOptions options;
    options.coordinator_url = place.coordinator.url;
    options.device.kind = DeviceChoice::Kind::kNative;
    options.worker_threads = 1;
    Result<std::unique_ptr<Session>> session = Session::open(options);
    if (!session) return session.failure();
    place.session = std::move(*session);
    if (!place.session->wait_for_peers(1, kJoinTimeoutUs, nullptr)) {
        return Failure{kExitSomeFailed, "the peer did not join"};
    }
    return std::nullopt;
}

// From SIGUSR1 (what `p2c2r pause` sends) to an idle process, at random moments.
Result<std::vector<uint64_t>> measure_yield(OwnerPlace& place, const KernelFrame& frame,
                                            uint64_t rounds) {
    std::minstd_rand random(1);
    const CpuClock clock(place.peer.id());
    std::vector<uint64_t> times;
    const OwnerLoad load(*place.session, frame);
    while (times.size() < rounds) {
        const uint64_t patience_us = p2c2r_now_us() + 20'000'000;
        while (!is_busy(clock)) {
            if (p2c2r_now_us() > patience_us) {
                return Failure{kExitSomeFailed, frame.task_type + ": the peer is never busy"};
            }
        }
        sleep_us(5'000 + random() % 60'000);
        const uint64_t begun_us = p2c2r_now_us();
        place.peer.signal(SIGUSR1);
        const uint64_t quiet_us = quiet_since(clock, begun_us);
        if (quiet_us == 0) {
            return Failure{kExitSomeFailed, frame.task_type + ": the peer never stops"};
        }
        times.push_back(quiet_us - begun_us);
        place.peer.signal(SIGUSR2);
    }
    return times;
}

struct Duty {
    double cap = 30;
    double measured = 0;  // percent of the time, by the processor time of the process
    uint64_t tasks = 0;
};

Result<Duty> measure_duty(const std::string& device, const KernelFrame& frame, uint64_t seconds) {
    OwnerPlace place;
    if (Outcome failed =
            open_place(place, device, {"--mode", "while_gaming", "--gpu-duty-cap", "30"}, false)) {
        return *failed;
    }
    const CpuClock clock(place.peer.id());
    const OwnerLoad load(*place.session, frame);
    sleep_us(2'000'000);
    Duty duty;
    const uint64_t tasks = load.completed();
    const uint64_t used = clock.used_us();
    const uint64_t from_us = p2c2r_now_us();
    sleep_us(seconds * 1'000'000);
    duty.measured = static_cast<double>(clock.used_us() - used) * 100 /
                    static_cast<double>(p2c2r_now_us() - from_us);
    duty.tasks = load.completed() - tasks;
    return duty;
}

struct Data {
    uint64_t wire = 0;     // by the relay
    uint64_t counted = 0;  // by the peer
};

Result<Data> measure_data(const std::string& device, const KernelFrame& frame) {
    Result<TemporaryDirectory> folder = TemporaryDirectory::make();
    if (!folder) return folder.failure();
    const std::string file = join_path(folder->path(), "data");
    OwnerPlace place;
    if (Outcome failed =
            open_place(place, device, {"--mode", "always", "--data-file", file}, true)) {
        return *failed;
    }
    {
        const OwnerLoad load(*place.session, frame);
        const uint64_t until_us = p2c2r_now_us() + 20'000'000;
        while (load.completed() < 20 && p2c2r_now_us() < until_us) sleep_us(10'000);
    }
    place.peer.stop(10'000'000);
    Data data;
    data.wire = place.relay->bytes();
    const Result<std::string> text = read_file(file);
    if (!text) return text.failure();
    const size_t at = text->find("\nday ");
    if (at == std::string::npos) return Failure{kExitSomeFailed, "'" + file + "' has no counts"};
    data.counted = std::stoull(text->substr(at + 5));
    return data;
}

Outcome bench(const OwnerBenchOptions& options, bool& pass) {
    const std::string device = options.device.value_or("native");
    if (const Result<DeviceChoice> known = parse_device(device); !known) return known.failure();
    std::vector<KernelFrame> frames;
    {
        Result<std::unique_ptr<Session>> session =
            Session::open({.device = {DeviceChoice::Kind::kNative, {}}});
        if (!session) return session.failure();
        Result<std::vector<KernelFrame>> made =
            kernel_frames(**session, {options.type.value_or(""), std::nullopt, false});
        if (!made) return made.failure();
        frames = std::move(*made);
    }
    // Those whose frames take long enough to be interrupted: one of each type.
    std::vector<const KernelFrame*> chosen;
    for (const KernelFrame& frame : frames) {
        const bool known = std::any_of(chosen.begin(), chosen.end(), [&](const KernelFrame* one) {
            return one->task_type == frame.task_type;
        });
        if (!known && frame.task_type != "echo") chosen.push_back(&frame);
    }
    if (chosen.empty()) return usage_failure("--type has no frame here");
    const uint64_t rounds = std::max<uint64_t>(options.rounds.value_or(50), 1);
    json summary = {{"bench", "owner"}, {"device", device}, {"rounds", rounds}};
    TextTable table({"task type", "frame", "idle after p50 ms", "p99 ms", "most ms"});
    std::vector<uint64_t> all;
    OwnerPlace place;
    if (Outcome failed = open_place(place, device, {}, false)) return failed;
    for (const KernelFrame* frame : chosen) {
        const Result<std::vector<uint64_t>> times = measure_yield(place, *frame, rounds);
        if (!times) return times.failure();
        table.add({frame->task_type, frame->name, number_text(ms(percentile(*times, 0.5)), 2),
                   number_text(ms(percentile(*times, 0.99)), 2),
                   number_text(ms(percentile(*times, 1)), 2)});
        summary["yield"].push_back({{"type", frame->task_type},
                                    {"p50_ms", ms(percentile(*times, 0.5))},
                                    {"p99_ms", ms(percentile(*times, 0.99))}});
        all.insert(all.end(), times->begin(), times->end());
    }
    place.session.reset();
    place.peer.stop(5'000'000);
    const double p99_ms = ms(percentile(all, 0.99));
    std::printf("%sall: p50 %s ms, p99 %s ms, bar p99 <= %s ms\n", table.text().c_str(),
                number_text(ms(percentile(all, 0.5)), 2).c_str(), number_text(p99_ms, 2).c_str(),
                number_text(kBarMs, 0).c_str());
    // The account is of the time in which tasks run. The process's own counts what is sent as well,
    // so the frame is the one whose answer is small for its work.
    const auto work_of = [](const KernelFrame* frame) {
        return frame->task_type == "ai_pathfinding";
    };
    const auto small = std::find_if(chosen.begin(), chosen.end(), work_of);
    const KernelFrame& duty_frame = small != chosen.end() ? **small : *chosen.front();
    const Result<Duty> duty = measure_duty("native", duty_frame, options.duty_seconds.value_or(10));
    if (!duty) return duty.failure();
    std::printf(
        "duty (%s): cap %s %%, measured %s %% of the time over %llu tasks (processor time of the "
        "peer), bar within %s points\n",
        duty_frame.task_type.c_str(), number_text(duty->cap, 0).c_str(),
        number_text(duty->measured, 1).c_str(), static_cast<unsigned long long>(duty->tasks),
        number_text(kBarPoints, 0).c_str());
    const Result<Data> data = measure_data("native", *chosen.front());
    if (!data) return data.failure();
    std::printf("data: %llu bytes on the wire, %llu counted\n",
                static_cast<unsigned long long>(data->wire),
                static_cast<unsigned long long>(data->counted));
    pass = p99_ms <= kBarMs && std::abs(duty->measured - duty->cap) <= kBarPoints &&
           data->wire >= data->counted && data->wire - data->counted <= kLastWords;
    if (options.json) {
        summary["p50_ms"] = ms(percentile(all, 0.5));
        summary["p99_ms"] = p99_ms;
        summary["duty_percent"] = duty->measured;
        summary["bytes_on_wire"] = data->wire;
        summary["bytes_counted"] = data->counted;
        summary["pass"] = pass;
        std::printf("%s\n", summary.dump().c_str());
    }
    return std::nullopt;
}

}  // namespace

int run_bench_owner(const OwnerBenchOptions& options) {
    bool pass = false;
    if (const Outcome failure = bench(options, pass)) return report("bench owner", *failure);
    return pass ? kExitOk : kExitSomeFailed;
}

}  // namespace p2c2r::cli
