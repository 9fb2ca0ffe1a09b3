// `p2c2r bench this-machine`: how many gamers this machine and its uplink can serve, in plain
// words.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/bench.h"
#include "cli/kernel_frames.h"
#include "cli/serving.h"
#include "cli/statistics.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr size_t kRounds = 7;
constexpr uint64_t kSlowFrameUs =
    1'500'000;  // a frame that takes longer is computed once more only

Result<ServedType> measure(Session& session, const KernelFrame& frame) {
    // The first one compiles shaders and warms caches.
    Result<std::vector<TaskRun>> first = run_here(session, frame, 1, true);
    if (!first) return first.failure();
    const TaskRun& run = first->front();
    ServedType served;
    served.task_type = frame.task_type;
    served.frame = frame.name;
    served.bytes_up = json::to_msgpack(frame.params).size() + frame.data.size();
    served.bytes_down = run.fields_size + run.data.size();
    std::vector<uint64_t> times;
    const size_t rounds = run.processing_us > kSlowFrameUs ? 1 : kRounds;
    while (times.size() < rounds) {
        const Result<std::vector<TaskRun>> again = run_here(session, frame, 1, false);
        if (!again) return again.failure();
        times.push_back(std::max<uint64_t>(again->front().processing_us, 1));
    }
    served.frame_ms = ms(percentile(times, 0.5));
    return served;
}

Outcome bench(const MachineOptions& options) {
    const Result<DeviceChoice> device = parse_device(options.device.value_or("auto"));
    if (!device) return device.failure();
    ServingLimits limits;
    limits.fps = static_cast<double>(options.fps.value_or(60));
    limits.duty = static_cast<double>(options.duty_percent.value_or(100)) / 100;
    limits.uplink_mbps = options.uplink_mbps.value_or(0);
    if (limits.fps < 1 || limits.fps > 1000) return usage_failure("--fps is not 1 to 1000");
    if (limits.duty <= 0 || limits.duty > 1) {
        return usage_failure("--gpu-duty-cap is not 1 to 100");
    }
    SessionOptions session_options;
    session_options.device = *device;
    Result<std::unique_ptr<Session>> session = Session::open(session_options);
    if (!session) return session.failure();
    Result<std::vector<KernelFrame>> frames =
        kernel_frames(**session, {options.type.value_or(""), std::nullopt, options.small});
    if (!frames) return frames.failure();
    if (frames->empty()) return usage_failure("--type '" + *options.type + "' has no frame here");
    std::vector<ServedType> all;
    TextTable table({"task type", "frame", "ms a frame", "gamers by time", "kB a frame sent",
                     "gamers by uplink", "gamers"});
    for (const KernelFrame& frame : *frames) {
        const Result<ServedType> measured = measure(**session, frame);
        if (!measured) return measured.failure();
        ServedType served = *measured;
        judge_serving(served, limits);
        table.add({served.task_type, served.frame, number_text(served.frame_ms, 2),
                   std::to_string(served.by_time),
                   number_text(static_cast<double>(served.bytes_down) / 1000, 1),
                   limits.uplink_mbps > 0 ? std::to_string(served.by_uplink) : "?",
                   std::to_string(served.gamers)});
        all.push_back(std::move(served));
    }
    std::printf("%s\n%s", table.text().c_str(), serving_text(all, limits).c_str());
    if (options.json) {
        json line = {{"bench", "this-machine"},
                     {"fps", limits.fps},
                     {"duty", limits.duty},
                     {"uplink_mbps", limits.uplink_mbps},
                     {"types", json::array()}};
        for (const ServedType& served : all) {
            line["types"].push_back({{"type", served.task_type},
                                     {"frame", served.frame},
                                     {"frame_ms", served.frame_ms},
                                     {"bytes_down", served.bytes_down},
                                     {"gamers_by_time", served.by_time},
                                     {"gamers_by_uplink", served.by_uplink},
                                     {"gamers", served.gamers}});
        }
        std::printf("%s\n", line.dump().c_str());
    }
    return std::nullopt;
}

}  // namespace

int run_bench_machine(const MachineOptions& options) {
    if (const Outcome failure = bench(options)) return report("bench this-machine", *failure);
    return kExitOk;
}

}  // namespace p2c2r::cli
