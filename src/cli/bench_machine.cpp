// `p2c2r bench this-machine`: how many gamers this machine and its uplink can serve, in plain
// words.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/bench.h"
#include "cli/first_benchmark.h"
#include "cli/kernel_frames.h"
#include "cli/machine.h"
#include "cli/machine_speed.h"
#include "cli/progress.h"
#include "cli/serving.h"
#include "cli/statistics.h"
#include "cli/text_table.h"
#include "cli/uplink.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr size_t kRounds = 7;
constexpr size_t kRoundsQuick = 3;
constexpr double kUplinkMbpsMax = 1e6;
constexpr uint64_t kSlowFrameUs =
    1'500'000;  // a frame that takes longer is computed once more only

Result<ServedType> measure(Session& session, const KernelFrame& frame, size_t rounds_max) {
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
    const size_t rounds = run.processing_us > kSlowFrameUs ? 1 : rounds_max;
    while (times.size() < rounds) {
        const Result<std::vector<TaskRun>> again = run_here(session, frame, 1, false);
        if (!again) return again.failure();
        times.push_back(std::max<uint64_t>(again->front().processing_us, 1));
    }
    served.frame_ms = ms(percentile(times, 0.5));
    return served;
}

// By the option, else by sending; a line that could not be measured is said to be unknown.
double uplink_of(const MachineOptions& options) {
    if (options.uplink_mbps) return *options.uplink_mbps;
    if (!options.coordinator) return 0;
    const Result<double> measured = measure_uplink_mbps(*options.coordinator);
    if (!measured) {
        std::fprintf(stderr, "the uplink could not be measured: %s\n",
                     measured.failure().text.c_str());
        return 0;
    }
    std::printf("uplink to %s: %s Mbit/s, measured by sending\n",
                options.coordinator->url().c_str(), number_text(*measured, 1).c_str());
    return *measured;
}

Result<ServingLimits> limits_of(const MachineOptions& options) {
    ServingLimits limits;
    limits.fps = static_cast<double>(options.fps.value_or(60));
    limits.duty = static_cast<double>(options.duty_percent.value_or(100)) / 100;
    if (limits.fps < 1 || limits.fps > 1000) return usage_failure("--fps is not 1 to 1000");
    if (limits.duty <= 0 || limits.duty > 1) {
        return usage_failure("--gpu-duty-cap is not 1 to 100");
    }
    return limits;
}

json details_of(const std::vector<ServedType>& all, const ServingLimits& limits,
                const std::string& device) {
    json line = {{"bench", "this-machine"}, {"fps", limits.fps},
                 {"duty", limits.duty},     {"uplink_mbps", limits.uplink_mbps},
                 {"device", device},        {"speed_milli", machine_speed_milli(all)},
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
    return line;
}

std::string table_of(const std::vector<ServedType>& all, const ServingLimits& limits) {
    TextTable table({"task type", "frame", "ms a frame", "gamers by time", "kB a frame sent",
                     "gamers by uplink", "gamers"});
    for (const ServedType& served : all) {
        table.add({served.task_type, served.frame, number_text(served.frame_ms, 2),
                   std::to_string(served.by_time),
                   number_text(static_cast<double>(served.bytes_down) / 1000, 1),
                   limits.uplink_mbps > 0 ? std::to_string(served.by_uplink) : "?",
                   limits.uplink_mbps > 0 ? std::to_string(served.gamers) : "?"});
    }
    return table.text();
}

}  // namespace

Outcome bench_machine(const MachineOptions& options) {
    const Result<DeviceChoice> device = parse_device(options.device.value_or("auto"));
    if (!device) return device.failure();
    if (const auto uplink = options.uplink_mbps;
        uplink && !(*uplink > 0 && *uplink <= kUplinkMbpsMax)) {
        return usage_failure("--uplink-mbps " + number_text(*uplink, 3) +
                             " is not above 0, up to 1000000 Mbit/s");
    }
    Result<ServingLimits> limits = limits_of(options);
    if (!limits) return limits.failure();
    SessionOptions session_options;
    session_options.device = *device;
    Result<std::unique_ptr<Session>> session = Session::open(session_options);
    if (!session) return session.failure();
    FrameOptions wanted;
    wanted.task_type = options.type.value_or("");
    wanted.small = options.small;
    wanted.quick = options.quick;
    Result<std::vector<KernelFrame>> frames = kernel_frames(**session, wanted);
    if (!frames) return frames.failure();
    if (frames->empty()) return usage_failure("--type '" + *options.type + "' has no frame here");
    std::vector<ServedType> all;
    Progress progress(frames->size(), "kinds of frames", !options.quick);
    for (const KernelFrame& frame : *frames) {
        if (options.stops && options.stops()) return Failure{kExitSomeFailed, "stopped"};
        const Result<ServedType> measured =
            measure(**session, frame, options.quick ? kRoundsQuick : kRounds);
        if (!measured) return measured.failure();
        all.push_back(*measured);
        progress.update({all.size()}, frame.task_type);
    }
    progress.finish({all.size()}, "on " + (*session)->device_name());
    // With nothing else at work on the machine.
    limits->uplink_mbps = uplink_of(options);
    for (ServedType& served : all) judge_serving(served, *limits);
    const std::string verdict = serving_text(all, *limits);
    const json details = details_of(all, *limits, options.device.value_or("auto"));
    if (!options.quick) std::printf("%s\n", table_of(all, *limits).c_str());
    std::printf("%s", verdict.c_str());
    if (options.json) std::printf("%s\n", details.dump().c_str());
    if (!options.small && !options.type) keep_benchmark(verdict, details);
    return std::nullopt;
}

// The coordinator that this machine has joined is where its uplink leads.
int run_bench_machine(const MachineOptions& given) {
    MachineOptions options = given;
    const Result<std::vector<Joined>> joined = joined_coordinators();
    if (!joined) return report("bench this-machine", joined.failure());
    if (!joined->empty()) {
        const Result<Contact> contact = Contact::resolve({});
        if (!contact) return report("bench this-machine", contact.failure());
        options.coordinator = *contact;
    }
    if (const Outcome failure = bench_machine(options)) {
        return report("bench this-machine", *failure);
    }
    return kExitOk;
}

}  // namespace p2c2r::cli
