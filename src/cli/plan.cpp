// `p2c2r plan`: which frames are worth sending over a given link to a given helper, and what an
// hour of play would cost; and how fine and how often layers may be that the link carries. The
// frames of `bench kernels` are computed here once more, for their bytes and times; the library
// judges (its calls "worth" and "fit_layer").
#include <algorithm>
#include <cstdio>

#include "cli/commands.h"
#include "cli/kernel_frames.h"
#include "cli/progress.h"
#include "cli/statistics.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kMeasureUs = 60'000;  // a frame is computed again for so long
constexpr size_t kRoundsLeast = 3;
constexpr size_t kRoundsMost = 50;
constexpr uint64_t kSlowSampleUs = 500'000;  // a frame that takes longer is computed once

// The contract's: a helper earns $0.15 an hour of compute, the coordinator keeps a tenth.
constexpr double kPricePerComputeSecond = 0.15 / 3600;
constexpr double kFee = 0.10;

struct PlanOptions {
    std::optional<double> up_mbps;
    std::optional<double> down_mbps;
    std::optional<double> rtt_ms;
    std::optional<double> queue_ms;
    std::optional<double> helper_speed;
    std::optional<double> rate;
    std::optional<double> price;
    std::optional<double> fee;
    std::optional<std::string> device;
    std::optional<std::string> type;
    bool small = false;
    bool json = false;
};

struct Plan {
    double up_mbps, down_mbps, rtt_ms, queue_ms, helper_speed, rate, price, fee;
};

struct Range {
    const char* name;
    double value;
    double least;
    double most;
};

Result<Plan> read_plan(const PlanOptions& options) {
    const Plan plan = {options.up_mbps.value_or(10),
                       options.down_mbps.value_or(50),
                       options.rtt_ms.value_or(20),
                       options.queue_ms.value_or(0),
                       options.helper_speed.value_or(4),
                       options.rate.value_or(60),
                       options.price.value_or(kPricePerComputeSecond),
                       options.fee.value_or(kFee)};
    for (const Range& range : {Range{"--up-mbps", plan.up_mbps, 0.001, 1e6},
                               {"--down-mbps", plan.down_mbps, 0.001, 1e6},
                               {"--rtt-ms", plan.rtt_ms, 0, 60'000},
                               {"--queue-ms", plan.queue_ms, 0, 60'000},
                               {"--helper-speed", plan.helper_speed, 0.001, 1e5},
                               {"--rate", plan.rate, 0.1, 1000},
                               {"--price-per-compute-second", plan.price, 0, 1000},
                               {"--fee", plan.fee, 0, 0.99}}) {
        if (range.value >= range.least && range.value <= range.most) continue;
        char text[160];
        std::snprintf(text, sizeof text, "%s %g is not within %g and %g", range.name, range.value,
                      range.least, range.most);
        return usage_failure(text);
    }
    return plan;
}

struct Planned {
    const KernelFrame* frame = nullptr;
    uint64_t bytes_up = 0;
    uint64_t bytes_down = 0;
    uint64_t local_us = 0;
    json worth = {};
    json fit = {};  // null: not a layer
};

// What comes back is pixels, and may be fewer of them.
bool is_layer(const KernelFrame& frame) {
    return frame.task_type.rfind("rt_", 0) == 0;
}

Outcome measure(Session& session, Planned& planned) {
    const KernelFrame& frame = *planned.frame;
    const Result<std::vector<TaskRun>> first = run_here(session, frame, 1, true);
    if (!first) return first.failure();
    const TaskRun& run = first->front();
    planned.bytes_up = json::to_msgpack(frame.params).size() + frame.data.size();
    planned.bytes_down = run.fields_size + run.data.size();
    std::vector<uint64_t> times;
    if (run.processing_us > kSlowSampleUs) times.push_back(run.processing_us);
    const uint64_t until_us = p2c2r_now_us() + kMeasureUs;
    while (times.empty() || (run.processing_us <= kSlowSampleUs && times.size() < kRoundsMost &&
                             (times.size() < kRoundsLeast || p2c2r_now_us() < until_us))) {
        const Result<std::vector<TaskRun>> again = run_here(session, frame, 1, false);
        if (!again) return again.failure();
        times.push_back(again->front().processing_us);
    }
    planned.local_us = std::max<uint64_t>(percentile(times, 0.5), 1);
    return std::nullopt;
}

Outcome judge(Session& session, const Plan& plan, Planned& planned) {
    Result<json> worth =
        ask_runtime(session.runtime(), "worth",
                    {{"bytes_up", planned.bytes_up},
                     {"bytes_down", planned.bytes_down},
                     {"local_us", planned.local_us},
                     {"remote_us", std::max(planned.local_us / plan.helper_speed, 0.1)},
                     {"queue_us", plan.queue_ms * 1000},
                     {"rtt_us", plan.rtt_ms * 1000},
                     {"up_mbps", plan.up_mbps},
                     {"down_mbps", plan.down_mbps},
                     {"wanted_per_s", plan.rate},
                     {"price_per_compute_second", plan.price},
                     {"fee", plan.fee}});
    if (!worth) return worth.failure();
    planned.worth = std::move(*worth);
    return std::nullopt;
}

// A frame is the finest layer there is; what it sends besides its planes stays.
Outcome fit(Session& session, const Plan& plan, Planned& planned) {
    if (!is_layer(*planned.frame)) return std::nullopt;
    Result<json> fit = ask_runtime(session.runtime(), "fit_layer",
                                   {{"bytes_up", planned.bytes_up - planned.frame->data.size()},
                                    {"area_bytes_up", planned.frame->data.size()},
                                    {"area_bytes_down", planned.bytes_down},
                                    {"rate", plan.rate},
                                    {"up_mbps", plan.up_mbps},
                                    {"down_mbps", plan.down_mbps}});
    if (!fit) return fit.failure();
    planned.fit = std::move(*fit);
    return std::nullopt;
}

void print_fits(const std::vector<Planned>& all) {
    TextTable table({"layer", "frame", "fits"});
    size_t count = 0;
    for (const Planned& planned : all) {
        if (planned.fit.is_null()) continue;
        table.add({planned.frame->task_type, planned.frame->name, planned.fit.at("text")});
        ++count;
    }
    if (count == 0) return;
    std::printf(
        "\n%sThe finest and most frequent that fits, of that frame's resolution, 1/2 and 1/4 of "
        "its "
        "width, alone on 70 %% of the link, and at most 3 Mbit/s up and 15 down.\n",
        table.text().c_str());
}

void print(const Plan& plan, const std::string& device, const std::vector<Planned>& all) {
    TextTable table({"type", "frame", "here ms", "there ms", "here fps", "there fps", "Mbit/s up",
                     "down", "$/hour", "verdict"});
    for (const Planned& planned : all) {
        const auto number = [&](const char* name) { return planned.worth.at(name).get<double>(); };
        table.add({planned.frame->task_type, planned.frame->name,
                   number_text(number("local_us") / 1000, 2),
                   number_text(number("remote_us") / 1000, 2),
                   number_text(number("local_per_s"), 1), number_text(number("remote_per_s"), 1),
                   number_text(number("up_mbps"), 2), number_text(number("down_mbps"), 2),
                   number_text(number("price_per_hour"), 4), planned.worth.at("text")});
    }
    std::printf("%s", table.text().c_str());
    std::printf(
        "%g Mbit/s up, %g down, %g ms there and back; a helper %g times as fast as this machine "
        "(%s); %g a second wanted.\nhere ms: computing, measured. there ms: the round trip, bytes "
        "both ways, queue and computing, predicted. fps: many in flight.\n",
        plan.up_mbps, plan.down_mbps, plan.rtt_ms, plan.helper_speed, device.c_str(), plan.rate);
    if (plan.price > 0) {
        // $0.01 an hour, less the coordinator's share, in frames of an hour.
        const double ms_a_frame = 0.01 * (1 - plan.fee) / plan.price / 3600 / plan.rate * 1000;
        std::printf(
            "$/hour: of play at `there fps`, $%.3g a compute-second and a fee of %g %%; "
            "$0.01 an hour pay %.3g ms a frame.\n",
            plan.price, plan.fee * 100, ms_a_frame);
    }
    print_fits(all);
}

json plan_json(const Plan& plan, const std::string& device, const std::vector<Planned>& all) {
    json summary = {{"up_mbps", plan.up_mbps},
                    {"down_mbps", plan.down_mbps},
                    {"rtt_ms", plan.rtt_ms},
                    {"queue_ms", plan.queue_ms},
                    {"helper_speed", plan.helper_speed},
                    {"rate", plan.rate},
                    {"price_per_compute_second", plan.price},
                    {"fee", plan.fee},
                    {"device", device},
                    {"frames", json::array()}};
    for (const Planned& planned : all) {
        json frame = planned.worth;
        frame.update({{"type", planned.frame->task_type},
                      {"frame", planned.frame->name},
                      {"bytes_up", planned.bytes_up},
                      {"bytes_down", planned.bytes_down}});
        if (!planned.fit.is_null()) frame["fit"] = planned.fit;
        summary["frames"].push_back(std::move(frame));
    }
    return summary;
}

Outcome make_plan(const PlanOptions& options) {
    const Result<Plan> plan = read_plan(options);
    if (!plan) return plan.failure();
    const Result<DeviceChoice> device = parse_device(options.device.value_or("native"));
    if (!device) return device.failure();
    SessionOptions session_options;
    session_options.device = *device;
    Result<std::unique_ptr<Session>> session = Session::open(session_options);
    if (!session) return session.failure();
    const Result<std::vector<KernelFrame>> frames =
        kernel_frames(**session, {options.type.value_or(""), std::nullopt, options.small});
    if (!frames) return frames.failure();
    if (frames->empty()) return usage_failure("--type '" + *options.type + "' has no frame here");
    std::vector<Planned> all;
    Progress progress(frames->size(), "frames", options.json);
    for (const KernelFrame& frame : *frames) {
        all.push_back({&frame});
        if (Outcome failed = measure(**session, all.back())) return failed;
        if (Outcome failed = judge(**session, *plan, all.back())) return failed;
        if (Outcome failed = fit(**session, *plan, all.back())) return failed;
        progress.update({all.size()}, frame.task_type);
    }
    progress.finish({all.size()}, "");
    if (options.json) {
        std::printf("%s\n", plan_json(*plan, (*session)->device_name(), all).dump().c_str());
    } else {
        print(*plan, (*session)->device_name(), all);
    }
    return std::nullopt;
}

int run_plan(const PlanOptions& options) {
    const Outcome failure = make_plan(options);
    return failure ? report("plan", *failure) : kExitOk;
}

}  // namespace

void add_plan_command(Command& root) {
    static PlanOptions options;
    Command command =
        root.add_command("plan", "What is worth sending over a link to a helper, and its price",
                         [] { return run_plan(options); });
    command.add_real("--up-mbps", options.up_mbps, "The link, to the helper (10)");
    command.add_real("--down-mbps", options.down_mbps, "The link, from the helper (50)");
    command.add_real("--rtt-ms", options.rtt_ms, "There and back (20)");
    command.add_real("--queue-ms", options.queue_ms, "A task waits at the helper for (0)");
    command.add_real("--helper-speed", options.helper_speed,
                     "How many times as fast as this machine it computes (4)");
    command.add_real("--rate", options.rate, "Frames a second that the game wants (60)");
    command.add_real("--price-per-compute-second", options.price,
                     "What the helper earns, in dollars (0.15 an hour)");
    command.add_real("--fee", options.fee, "The coordinator's share of what is paid (0.1)");
    command.add_text("--device", options.device,
                     "Where this machine computes: native, vulkan[:N], auto (native)");
    command.add_text("--type", options.type, "This task type only");
    command.add_flag("--small", options.small, "Small frames, for a quick look");
    command.add_flag("--json", options.json, "JSON instead of a table");
}

}  // namespace p2c2r::cli
