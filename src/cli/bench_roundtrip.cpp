// `p2c2r bench roundtrip`: what the way costs. A frame goes to a coordinator and a peer in
// processes of their own and back, one at a time; beside it stands the time that the peer's
// executor took for the same frame (decode, upscale, encode). The bar is on the ratio of the
// medians.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/bench.h"
#include "cli/files.h"
#include "cli/pan_zoom.h"
#include "cli/role_processes.h"
#include "cli/statistics.h"
#include "cli/task_stream.h"
#include "cli/temporary_posix.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr double kBarRatio = 1.3;
constexpr size_t kWarmUp = 8;  // the first frames meet cold caches and unlearned speeds
const json kParams = {{"output_res", {1920, 1080}}, {"output_format", "jpeg"}};

Result<std::vector<TaskRequest>> make_requests(const RoundtripOptions& options, size_t count,
                                               const std::string& directory) {
    std::vector<std::string> paths;
    if (!options.data) {
        Result<std::unique_ptr<Session>> local = Session::open({});
        if (!local) return local.failure();
        PanZoom frames;
        frames.count = 4;
        if (Outcome failure = write_pan_zoom(**local, drawn_picture(), frames, directory)) {
            return *failure;
        }
    }
    const std::string& source = options.data ? *options.data : directory;
    if (is_directory(source)) {
        Result<std::vector<std::string>> names = list_files(source);
        if (!names) return names.failure();
        for (const std::string& name : *names) paths.push_back(join_path(source, name));
        if (paths.empty()) return usage_failure("--data: no frames in " + source);
    } else {
        paths.push_back(source);
    }
    std::vector<TaskRequest> requests(count + kWarmUp);
    for (size_t index = 0; index < requests.size(); ++index) {
        requests[index].data_path = paths[index % paths.size()];
        requests[index].name = file_name(requests[index].data_path);
        requests[index].params = kParams;
    }
    return requests;
}

Result<StreamSummary> measure(const std::vector<TaskRequest>& requests) {
    StopSignals signals;
    Result<CoordinatorProcess> coordinator =
        start_coordinator_process("", {"--log-level", "error"});
    if (!coordinator) return coordinator.failure();
    Result<Process> peer = start_peer_process(coordinator->url, "roundtrip", "",
                                              {"--device", "native", "--log-level", "error"});
    if (!peer) return peer.failure();
    SessionOptions options;
    options.coordinator_url = coordinator->url;
    options.device.kind = DeviceChoice::Kind::kNative;
    options.worker_threads = 1;
    Result<std::unique_ptr<Session>> session = Session::open(options);
    if (!session) return session.failure();
    if (!(*session)->wait_for_peers(1, kJoinTimeoutUs, &signals)) {
        return Failure{kExitSomeFailed, "the peer did not join"};
    }
    StreamOptions stream;
    stream.task_type = "upscale";
    stream.in_flight_max = 1;
    stream.deadline_us = 5'000'000;
    stream.place = P2C2R_PLACE_REMOTE;
    return run_stream(**session, requests, stream, &signals,
                      [](size_t, const TaskRecord&, const p2c2r_result*) {});
}

}  // namespace

int run_bench_roundtrip(const RoundtripOptions& options) {
    const uint64_t count = options.frames.value_or(60);
    if (count < 1 || count > 100000) {
        return report("bench roundtrip", usage_failure("--frames is 1 to 100000"));
    }
    Result<TemporaryDirectory> directory = TemporaryDirectory::make();
    if (!directory) return report("bench roundtrip", directory.failure());
    const Result<std::vector<TaskRequest>> requests =
        make_requests(options, count, directory->path());
    if (!requests) return report("bench roundtrip", requests.failure());
    const Result<StreamSummary> summary = measure(*requests);
    if (!summary) return report("bench roundtrip", summary.failure());

    std::vector<uint64_t> round_us, parts_us;
    std::string error;
    for (size_t index = 0; index < summary->tasks.size(); ++index) {
        const TaskRecord& record = summary->tasks[index];
        if (record.status != P2C2R_OK) error = record.name + ": " + record.error;
        if (record.status != P2C2R_OK || index < kWarmUp) continue;
        round_us.push_back(record.total_us);
        parts_us.push_back(record.processing_us);
    }
    const uint64_t round_p50 = percentile(round_us, 0.5);
    const uint64_t parts_p50 = percentile(parts_us, 0.5);
    const double ratio =
        parts_p50 > 0 ? static_cast<double>(round_p50) / static_cast<double>(parts_p50) : 0;
    const bool pass = error.empty() && ratio > 0 && ratio <= kBarRatio;
    std::printf("roundtrip: %zu frames to 1920x1080, one at a time\n", round_us.size());
    std::printf("round trip p50 %.2f ms, p99 %.2f ms; decode + upscale + encode p50 %.2f ms\n",
                ms(round_p50), ms(percentile(round_us, 0.99)), ms(parts_p50));
    if (!error.empty()) std::printf("failed: %s\n", error.c_str());
    std::printf("ratio %.2f, bar <= %.1f: %s\n", ratio, kBarRatio, pass ? "holds" : "missed");
    if (options.json) {
        const json line = {
            {"bench", "roundtrip"},      {"frames", round_us.size()},
            {"round_p50_us", round_p50}, {"round_p99_us", percentile(round_us, 0.99)},
            {"parts_p50_us", parts_p50}, {"ratio", ratio},
            {"bar_ratio", kBarRatio},    {"pass", pass}};
        std::printf("%s\n", line.dump().c_str());
    }
    return pass ? kExitOk : kExitSomeFailed;
}

}  // namespace p2c2r::cli
