// `p2c2r bench split`: one big task, cut for several peers that are processes of their own, against
// the same task whole at one of them; and that the bytes are the same.
//
// This machine has few cores, so most peers here are slow by a timer: each may work for a small
// share of the time (a duty cap) and waits between the slices of a kernel for the rest of it. What
// a part takes there is its share of the work, computed for real, times a constant. Two peers that
// may work all of the time, on a thread each, show what is left of it on real cores.
#include <algorithm>
#include <cstring>

#include "cli/bench.h"
#include "cli/bench_rows.h"
#include "cli/role_processes.h"
#include "cli/session.h"
#include "cli/statistics.h"
#include "cli/task_summary.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kWholeUs = 150'000;  // that the task computes, on one thread
constexpr uint64_t kSplitDeadlineUs = 5'000'000;
constexpr uint32_t kSplitDuty = 10;  // percent; of 0 there is no cap
constexpr const char* kSplitType = "raytracing";

struct SplitPlace {
    CoordinatorProcess coordinator;
    std::vector<Process> peers;
    std::unique_ptr<Session> session;
    StopSignals signals;

    Outcome open() {
        Result<CoordinatorProcess> started =
            start_coordinator_process("", {"--log-level", "error"});
        if (!started) return started.failure();
        coordinator = std::move(*started);
        SessionOptions options;
        options.coordinator_url = coordinator.url;
        options.device.kind = DeviceChoice::Kind::kNative;
        options.worker_threads = 1;
        Result<std::unique_ptr<Session>> opened = Session::open(options);
        if (!opened) return opened.failure();
        session = std::move(*opened);
        return std::nullopt;
    }
    Outcome add(uint32_t duty) {
        // One thread, so one task at a time.
        std::vector<std::string> arguments = {"--device",
                                              "native",
                                              "--log-level",
                                              "error",
                                              "--worker-threads",
                                              "1",
                                              "--max-concurrent-tasks",
                                              "1"};
        if (duty > 0) {
            arguments.insert(arguments.end(),
                             {"--mode", "while_gaming", "--gpu-duty-cap", std::to_string(duty)});
        }
        Result<Process> peer = start_peer_process(
            coordinator.url, "helper " + std::to_string(peers.size()), "", arguments);
        if (!peer) return peer.failure();
        peers.push_back(std::move(*peer));
        if (session->wait_for_peers(static_cast<uint32_t>(peers.size()), kJoinTimeoutUs,
                                    &signals)) {
            return std::nullopt;
        }
        return Failure{kExitSomeFailed, "a peer did not join"};
    }
};

struct SplitTask {
    std::string params;
    std::string digest;  // of the whole, computed here
    uint64_t computes_us = 0;
};

json split_scene(uint32_t samples) {
    json objects =
        json::array({{{"type", "plane"}, {"position", {0, 0, 0}}, {"normal", {0, 1, 0}}}});
    for (int i = 0; i < 24; ++i) {
        objects.push_back({{"type", "sphere"},
                           {"position", {i % 6 - 2.5, 0.5 + 0.1 * (i % 3), -(i / 6)}},
                           {"radius", 0.45},
                           {"material", i % 4 == 0 ? "mirror" : "diffuse"}});
    }
    return {{"resolution", {240, 240}},
            {"samples_per_pixel", samples},
            {"output_format", "raw"},
            {"camera", {{"position", {0, 2, 6}}, {"direction", {0, -0.3, -1}}, {"fov_deg", 50}}},
            {"objects", objects},
            {"lights", json::array({{{"position", {3, 6, 4}}, {"intensity", 0.8}}})}};
}

std::string digest_of(const p2c2r_result* result) {
    uint8_t digest[32] = {};
    if (p2c2r_result_digest(result, digest) != P2C2R_OK) return {};
    return {reinterpret_cast<const char*>(digest), sizeof digest};
}

// What the same task gives here, whole; and how long it computes.
Outcome run_whole(Session& session, SplitTask& task) {
    const std::string arguments =
        "{\"task_type\":\"" + std::string(kSplitType) + "\",\"params\":" + task.params + "}";
    p2c2r_result* result = nullptr;
    p2c2r_error why = {};
    if (p2c2r_runtime_call(session.runtime(), "exec", arguments.c_str(), nullptr, 60'000, &result,
                           &why) != P2C2R_OK) {
        return library_failure(kExitSomeFailed, "exec", why);
    }
    const ResultHandle owned(result);
    p2c2r_result_info info = {};
    info.struct_size = sizeof info;
    p2c2r_result_info_get(result, &info);
    if (info.status != P2C2R_OK) return Failure{kExitSomeFailed, failure_text(result, info.status)};
    task.computes_us = info.processing_us;
    task.digest = digest_of(result);
    return std::nullopt;
}

// As many samples as compute for about so long.
Result<SplitTask> make_split_task(Session& session, uint64_t wanted_us) {
    SplitTask task;
    uint32_t samples = 4;
    for (int i = 0; i < 3; ++i) {
        task.params = split_scene(samples).dump();
        if (Outcome failure = run_whole(session, task)) return *failure;
        if (i == 2) break;
        const double each = static_cast<double>(task.computes_us) / static_cast<double>(samples);
        samples = static_cast<uint32_t>(
            std::clamp(static_cast<double>(wanted_us) / std::max(each, 1.0), 1.0, 4096.0));
    }
    return task;
}

struct SplitAnswer {
    bool over = false;
    uint64_t submitted_us = 0;
    uint64_t took_us = 0;
    uint64_t first_us = 0;  // the first part; 0: none was told
    uint32_t parts = 0;
    std::string digest;
    std::string error;

    static void P2C2R_CALL on_part(void* user, p2c2r_task, const p2c2r_part*, const p2c2r_result*) {
        auto* answer = static_cast<SplitAnswer*>(user);
        if (answer->parts++ == 0) answer->first_us = p2c2r_now_us() - answer->submitted_us;
    }
    static void P2C2R_CALL on_done(void* user, p2c2r_task, p2c2r_result* result) {
        auto* answer = static_cast<SplitAnswer*>(user);
        const ResultHandle owned(result);
        answer->took_us = p2c2r_now_us() - answer->submitted_us;
        const p2c2r_status status = p2c2r_result_status(result);
        if (status != P2C2R_OK) answer->error = failure_text(result, status);
        answer->digest = digest_of(result);
        answer->over = true;
    }
};

Result<SplitAnswer> ask_once(SplitPlace& place, const SplitTask& task, int32_t split) {
    SplitAnswer answer;
    p2c2r_task_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.flags = P2C2R_TASK_NO_CACHE;
    desc.deadline_us = kSplitDeadlineUs;
    desc.place = P2C2R_PLACE_REMOTE;
    desc.params_format = P2C2R_FORMAT_JSON;
    desc.task_type = kSplitType;
    desc.params = task.params.data();
    desc.params_size = task.params.size();
    desc.split = split;
    desc.part = SplitAnswer::on_part;
    desc.done = SplitAnswer::on_done;
    desc.user = &answer;
    p2c2r_task id = 0;
    p2c2r_error why = {};
    answer.submitted_us = p2c2r_now_us();
    if (p2c2r_client_submit(place.session->client(), &desc, &id, &why) != P2C2R_OK) {
        return library_failure(kExitSomeFailed, "submit", why);
    }
    while (!answer.over) place.session->wait_and_dispatch(1'000'000, nullptr);
    if (!answer.error.empty()) return Failure{kExitSomeFailed, answer.error};
    if (answer.digest != task.digest) {
        return Failure{kExitSomeFailed, "the bytes are not those of the whole"};
    }
    if (place.signals.count() > 0) return Failure{kExitSomeFailed, "stopped"};
    return answer;
}

// The median by time of several, after one that shows what such tasks take.
Result<SplitAnswer> ask_often(SplitPlace& place, const SplitTask& task, int32_t split,
                              uint64_t rounds) {
    std::vector<SplitAnswer> answers;
    for (uint64_t i = 0; i <= rounds; ++i) {
        Result<SplitAnswer> answer = ask_once(place, task, split);
        if (!answer) return answer;
        if (i > 0) answers.push_back(std::move(*answer));
    }
    std::sort(answers.begin(), answers.end(),
              [](const auto& a, const auto& b) { return a.took_us < b.took_us; });
    return answers[answers.size() / 2];
}

BenchRow speed_row(const std::string& name, const SplitAnswer& whole, const SplitAnswer& answer,
                   size_t peers, double bar) {
    const double times = static_cast<double>(whole.took_us) / static_cast<double>(answer.took_us);
    BenchRow row;
    row.name = name;
    row.measured = number_text(times, 2) + " times: " + number_text(ms(answer.took_us), 0) +
                   " ms in " + std::to_string(std::max(answer.parts, 1u)) +
                   " parts, the first at " + number_text(ms(answer.first_us), 0) + "; whole " +
                   number_text(ms(whole.took_us), 0) + " ms";
    row.bar = ">= " + number_text(bar, 2) + ", equal bytes";
    row.verdict = verdict_of(times >= bar);
    row.figures = {{"peers", peers},
                   {"parts", answer.parts},
                   {"took_us", answer.took_us},
                   {"first_part_us", answer.first_us},
                   {"whole_us", whole.took_us},
                   {"speed_up", times},
                   {"bar", bar}};
    return row;
}

// Whole at one, then cut for one, two, four and eight that are alike.
Outcome measure_alike(uint32_t duty, const std::vector<std::pair<size_t, double>>& steps,
                      const SplitTask& task, uint64_t rounds, std::vector<BenchRow>& rows) {
    SplitPlace place;
    if (Outcome failure = place.open()) return failure;
    if (Outcome failure = place.add(duty)) return failure;
    const Result<SplitAnswer> whole = ask_often(place, task, P2C2R_SPLIT_NEVER, rounds);
    if (!whole) return whole.failure();
    for (const auto& [peers, bar] : steps) {
        while (place.peers.size() < peers) {
            if (Outcome failure = place.add(duty)) return failure;
        }
        const Result<SplitAnswer> answer = ask_often(place, task, P2C2R_SPLIT_AUTO, rounds);
        if (!answer) return answer.failure();
        const std::string name = std::to_string(peers) + (peers == 1 ? " peer" : " peers") +
                                 (duty > 0 ? " by timer" : ", real");
        rows.push_back(speed_row(name, *whole, *answer, peers, bar));
    }
    return std::nullopt;
}

// Speeds 1, 1, 2 and 4, by the number of parts for each peer.
Outcome measure_unlike(const SplitTask& task, uint64_t rounds, std::vector<BenchRow>& rows) {
    const std::vector<uint32_t> duties = {5, 5, 10, 20};
    constexpr int32_t kChosen = 8;  // what AUTO takes
    SplitPlace place;
    if (Outcome failure = place.open()) return failure;
    if (Outcome failure = place.add(kSplitDuty)) return failure;
    const Result<SplitAnswer> whole = ask_often(place, task, P2C2R_SPLIT_NEVER, rounds);
    if (!whole) return whole.failure();
    place.peers.clear();
    for (const uint32_t duty : duties) {
        if (Outcome failure = place.add(duty)) return failure;
    }
    double sum = 0;
    for (const uint32_t duty : duties) sum += duty;
    const double best_us = static_cast<double>(whole->took_us) * kSplitDuty / sum;
    for (const int32_t each : {1, 2, 4, 8, 16}) {
        const Result<SplitAnswer> answer =
            ask_often(place, task, each * static_cast<int32_t>(duties.size()), rounds);
        if (!answer) return answer.failure();
        BenchRow row = speed_row("speeds 1 1 2 4, " + std::to_string(each) + " each", *whole,
                                 *answer, duties.size(), 0);
        const double share = best_us / static_cast<double>(answer->took_us);
        row.measured += "; " + number_text(100 * share, 0) + " % of what all of them can do";
        row.figures["share_of_best"] = share;
        row.bar = each == kChosen ? ">= 60 %" : "-";
        row.verdict = verdict_of(each != kChosen || share >= 0.6);
        rows.push_back(std::move(row));
    }
    return std::nullopt;
}

Outcome measure_small(Session& session, uint64_t rounds, std::vector<BenchRow>& rows) {
    const Result<SplitTask> small = make_split_task(session, 1'000);
    if (!small) return small.failure();
    SplitPlace place;
    if (Outcome failure = place.open()) return failure;
    for (int i = 0; i < 2; ++i) {
        if (Outcome failure = place.add(0)) return failure;
    }
    const Result<SplitAnswer> whole = ask_often(place, *small, P2C2R_SPLIT_NEVER, 5 * rounds);
    if (!whole) return whole.failure();
    const Result<SplitAnswer> answer = ask_often(place, *small, P2C2R_SPLIT_AUTO, 5 * rounds);
    if (!answer) return answer.failure();
    BenchRow row = speed_row("a small task", *whole, *answer, 2, 0);
    row.bar = "stays whole";
    row.verdict = verdict_of(answer->parts == 0);
    rows.push_back(std::move(row));
    return std::nullopt;
}

Result<std::vector<BenchRow>> measure_split(uint64_t rounds) {
    SessionOptions here;
    here.device.kind = DeviceChoice::Kind::kNative;
    here.worker_threads = 1;
    Result<std::unique_ptr<Session>> session = Session::open(here);
    if (!session) return session.failure();
    const Result<SplitTask> task = make_split_task(**session, kWholeUs);
    if (!task) return task.failure();
    std::vector<BenchRow> rows;
    if (Outcome bad = measure_alike(0, {{1, 0.8}, {2, 1.4}}, *task, rounds, rows)) return *bad;
    if (Outcome bad = measure_alike(kSplitDuty, {{1, 0.8}, {2, 1.6}, {4, 2.8}, {8, 4.5}}, *task,
                                    rounds, rows)) {
        return *bad;
    }
    if (Outcome bad = measure_unlike(*task, rounds, rows)) return *bad;
    if (Outcome bad = measure_small(**session, rounds, rows)) return *bad;
    return rows;
}

}  // namespace

int run_bench_split(const SplitBenchOptions& options) {
    const Result<std::vector<BenchRow>> rows = measure_split(options.rounds.value_or(5));
    if (!rows) return report("bench split", rows.failure());
    return finish_rows("split", *rows, options.json);
}

}  // namespace p2c2r::cli
