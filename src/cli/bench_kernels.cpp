// `p2c2r bench kernels`: what a typical frame of each task type costs: bytes each way, time on one
// and on two threads of this processor and on a Vulkan device, and whether the answers are the
// same.
#include <algorithm>
#include <cstdio>

#include "cli/bench.h"
#include "cli/kernel_frames.h"
#include "cli/processors_posix.h"
#include "cli/progress.h"
#include "cli/statistics.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kMeasureUs = 400'000;  // rounds of a frame last so long
constexpr uint64_t kMeasureSmallUs = 20'000;
constexpr size_t kRoundsLeast = 5;
constexpr size_t kRoundsMost = 400;
constexpr uint64_t kSlowKernelUs = 1'500'000;  // a frame that takes longer is computed once

struct Cost {
    double ms = 0;  // 0: not measured, or not computed there
    std::string digest;
};

struct Row {
    const KernelFrame* frame = nullptr;
    uint64_t bytes_up = 0;
    uint64_t bytes_down = 0;
    Cost one, two, vulkan;

    [[nodiscard]] bool equal() const {
        const auto same = [&](const Cost& cost) {
            return cost.digest.empty() || cost.digest == one.digest;
        };
        return same(two) && same(vulkan);
    }
};

// One place to compute: a runtime on so many processors, or on a Vulkan device.
struct KernelPlace {
    const char* name;
    DeviceChoice device;
    uint32_t processors = 0;  // 0: all
    Cost Row::*cost = nullptr;
    uint64_t measure_us = kMeasureUs;
};

Result<Cost> measure(Session& session, const KernelFrame& frame, uint32_t threads,
                     const KernelPlace& place, Row& row) {
    const size_t together = frame.shares_threads ? 1 : threads;
    // Compiles shaders, warms caches, and says what the answer is.
    Result<std::vector<TaskRun>> first = run_here(session, frame, 1, true);
    if (!first) return first.failure();
    const TaskRun& run = first->front();
    if (row.bytes_up == 0) {
        row.bytes_up = json::to_msgpack(frame.params).size() + frame.data.size();
        row.bytes_down = run.fields_size + run.data.size();
    }
    // A type may compute some of its tasks on the processor only: that is no time of the device's.
    const bool elsewhere = place.device.kind == DeviceChoice::Kind::kVulkan &&
                           run.fields.is_object() && run.fields.value("device", "") == "native";
    if (elsewhere) return Cost{0, run.digest};
    std::vector<uint64_t> times;
    if (run.processing_us > kSlowKernelUs) times.push_back(run.processing_us * together);
    const uint64_t until_us = p2c2r_now_us() + place.measure_us;
    while (times.empty() ||
           (run.processing_us <= kSlowKernelUs && times.size() < kRoundsMost &&
            (times.size() < kRoundsLeast * together || p2c2r_now_us() < until_us))) {
        const Result<std::vector<TaskRun>> runs = run_here(session, frame, together, false);
        if (!runs) return runs.failure();
        for (const TaskRun& each : *runs)
            times.push_back(std::max<uint64_t>(each.processing_us, 1));
    }
    return Cost{ms(percentile(times, 0.5)) / static_cast<double>(together), run.digest};
}

Outcome measure_all(const KernelPlace& place, std::vector<Row>& rows) {
    if (!bind_to_processors(place.processors)) return std::nullopt;  // there are fewer
    SessionOptions options;
    options.device = place.device;
    options.worker_threads = std::max(place.processors, 1u);
    Result<std::unique_ptr<Session>> session = Session::open(options);
    if (!session) return session.failure();
    Progress progress(rows.size(), std::string("frames, ") + place.name, false);
    size_t done = 0;
    for (Row& row : rows) {
        Result<Cost> cost = measure(**session, *row.frame, options.worker_threads, place, row);
        if (!cost) return cost.failure();
        row.*place.cost = std::move(*cost);
        progress.update({++done}, row.frame->task_type);
    }
    progress.finish({done}, "");
    return std::nullopt;
}

std::string ms_text(const Cost& cost) {
    if (cost.ms == 0) return "-";
    return number_text(cost.ms, cost.ms < 1 ? 3 : cost.ms < 100 ? 2 : 0);
}

// By the fastest place.
std::string rate_text(const KernelFrame& frame, double ms_a_frame) {
    if (ms_a_frame <= 0) return "-";
    double rate = frame.work * 1000 / ms_a_frame;
    std::string unit = frame.unit;
    if (rate < 0.1 && unit.starts_with("M")) {
        rate *= 1e6;
        unit = unit.substr(1);
    }
    return number_text(rate, rate < 100 ? 1 : 0) + " " + unit;
}

json row_json(const Row& row) {
    json line = {{"type", row.frame->task_type}, {"frame", row.frame->name},
                 {"bytes_up", row.bytes_up},     {"bytes_down", row.bytes_down},
                 {"native_1_ms", row.one.ms},    {"work_millions", row.frame->work},
                 {"unit", row.frame->unit},      {"digest", row.one.digest.substr(0, 12)},
                 {"equal", row.equal()}};
    if (row.two.ms > 0) line["native_2_ms"] = row.two.ms;
    if (row.vulkan.ms > 0) line["vulkan_ms"] = row.vulkan.ms;
    return line;
}

// "native", or the Vulkan device that was named or, with auto, is a real GPU.
Result<DeviceChoice> vulkan_choice(const KernelsOptions& options, std::string& name) {
    Result<DeviceChoice> device = parse_device(options.device.value_or("auto"));
    if (!device || device->kind == DeviceChoice::Kind::kNative) return device;
    RuntimeOptions runtime_options;
    runtime_options.device = *device;
    const Result<OpenedRuntime> runtime = open_runtime(runtime_options);
    if (!runtime) return runtime.failure();
    name = device_in_use(*runtime);
    return name == "native" ? parse_device("native") : parse_device(name);
}

Outcome bench(const KernelsOptions& options, bool& equal) {
    std::string vulkan = "native";
    const Result<DeviceChoice> device = vulkan_choice(options, vulkan);
    if (!device) return device.failure();
    std::vector<KernelFrame> frames;
    {
        Result<std::unique_ptr<Session>> session =
            Session::open({.device = {DeviceChoice::Kind::kNative, {}}});
        if (!session) return session.failure();
        Result<std::vector<KernelFrame>> made =
            kernel_frames(**session, {options.type.value_or(""), options.data, options.small});
        if (!made) return made.failure();
        frames = std::move(*made);
    }
    std::vector<Row> rows;
    for (const KernelFrame& frame : frames) rows.push_back({&frame});
    if (rows.empty()) return usage_failure("--type '" + *options.type + "' has no frame here");
    const DeviceChoice native{DeviceChoice::Kind::kNative, {}};
    const uint64_t measure_us = options.small ? kMeasureSmallUs : kMeasureUs;
    const bool has_vulkan = device->kind == DeviceChoice::Kind::kVulkan;
    std::vector<KernelPlace> places = {{"1 thread", native, 1, &Row::one, measure_us},
                                       {"2 threads", native, 2, &Row::two, measure_us}};
    if (has_vulkan) places.push_back({vulkan.c_str(), *device, 0, &Row::vulkan, measure_us});
    for (const KernelPlace& place : places) {
        if (Outcome failed = measure_all(place, rows)) return failed;
    }
    TextTable table({"type", "frame", "bytes up", "bytes down", "1 thread ms", "2 threads ms",
                     has_vulkan ? vulkan + " ms" : "no Vulkan device",
                     has_vulkan ? "there" : "on 1 thread", "digest"});
    for (const Row& row : rows) {
        equal = equal && row.equal();
        table.add({row.frame->task_type, row.frame->name, std::to_string(row.bytes_up),
                   std::to_string(row.bytes_down), ms_text(row.one), ms_text(row.two),
                   ms_text(row.vulkan),
                   rate_text(*row.frame, has_vulkan ? row.vulkan.ms : row.one.ms),
                   row.one.digest.substr(0, 12) + (row.equal() ? " equal" : " DIFFERS")});
    }
    std::printf("%s", table.text().c_str());
    std::printf(
        "medians, in the executor, copies to and from a device included; 2 threads: one frame on "
        "both, or for types that\ncompute a frame on one thread (upscale, ai_pathfinding) one on "
        "each%s\n",
        has_vulkan ? "; -: has no form for Vulkan, computed natively there too" : "");
    std::printf("answers: %s\n", equal ? "all equal" : "NOT ALL EQUAL");
    if (options.json) {
        json summary = {{"bench", "kernels"}, {"device", vulkan}, {"pass", equal}};
        for (const Row& row : rows) summary["frames"].push_back(row_json(row));
        std::printf("%s\n", summary.dump().c_str());
    }
    return std::nullopt;
}

}  // namespace

int run_bench_kernels(const KernelsOptions& options) {
    bool equal = true;
    if (const Outcome failure = bench(options, equal)) return report("bench kernels", *failure);
    return equal ? kExitOk : kExitSomeFailed;
}

}  // namespace p2c2r::cli
