#include "cli/run_tasks.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "cli/files.h"
#include "cli/message.h"
#include "cli/part_tasks.h"
#include "cli/result_output.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kDeadlineOfPartsMsMax = 3600ull * 1000;
constexpr uint64_t kPartsMax = 4096;

Outcome check_numbers(const TaskOptions& tasks) {
    if (tasks.priority && (*tasks.priority < -128 || *tasks.priority > 127)) {
        return usage_failure("--priority " + std::to_string(*tasks.priority) +
                             " is not in -128 to 127");
    }
    if (tasks.rate && !(*tasks.rate > 0 && *tasks.rate <= 100000)) {
        return usage_failure("--rate is not above 0 and at most 100000");
    }
    if (tasks.in_flight && (*tasks.in_flight < 1 || *tasks.in_flight > 4096)) {
        return usage_failure("--in-flight is not in 1 to 4096");
    }
    if (tasks.deadline_ms && (*tasks.deadline_ms < 1 || *tasks.deadline_ms > kDeadlineMsMax)) {
        return usage_failure("--deadline-ms is not in 1 to 86400000");
    }
    return std::nullopt;
}

// What has no meaning for parts, which run one request after the other.
Outcome check_parts(const TaskOptions& tasks, const RunTasksOptions& options) {
    constexpr std::array<std::string_view, 5> kSplits = {"rows", "samples", "probes", "bodies",
                                                         "agents"};
    if (options.split &&
        std::find(kSplits.begin(), kSplits.end(), *options.split) == kSplits.end()) {
        return usage_failure("--split '" + *options.split +
                             "' is none of rows, samples, probes, bodies, agents");
    }
    if (!options.parts) {
        if (options.split && options.parts_away == P2C2R_SPLIT_NEVER)
            return usage_failure("--split says how to cut: give --parts too");
        return std::nullopt;
    }
    if (*options.parts < 1 || *options.parts > kPartsMax) {
        return usage_failure("--parts is not in 1 to " + std::to_string(kPartsMax));
    }
    if (tasks.rate || tasks.in_flight || tasks.priority) {
        return usage_failure(
            "--parts runs one task after the other: leave out --rate, "
            "--in-flight and --priority");
    }
    if (tasks.deadline_ms && *tasks.deadline_ms > kDeadlineOfPartsMsMax) {
        return usage_failure("--deadline-ms with --parts is not in 1 to 3600000");
    }
    return std::nullopt;
}

}  // namespace

int run_tasks(const char* command, const TaskOptions& tasks, const RunTasksOptions& options) {
    if (Outcome failure = check_numbers(tasks)) return report(command, *failure);
    if (Outcome failure = check_parts(tasks, options)) return report(command, *failure);
    Result<TaskInput> input = read_task_input(tasks);
    if (!input) return report(command, input.failure());
    Result<ResultOutput> output = ResultOutput::prepare(tasks, *input);
    if (!output) return report(command, output.failure());
    // Parts cannot be stopped half-way: a signal then ends the process.
    std::optional<StopSignals> signals;
    if (!options.parts) signals.emplace();
    Result<std::unique_ptr<Session>> session = Session::open(options.session);
    if (!session) {
        Failure failure = session.failure();
        if (failure.exit_code == kExitUnreachable) failure.text += options.without_coordinator;
        return report(command, failure);
    }
    output->set_device_name((*session)->device_name());

    StreamOptions stream;
    stream.task_type = *tasks.type;
    stream.rate = tasks.rate.value_or(0);
    stream.in_flight_max = static_cast<uint32_t>(tasks.in_flight.value_or(0));
    stream.deadline_us =
        tasks.deadline_ms ? *tasks.deadline_ms * 1000 : options.deadline_default_us;
    stream.priority = static_cast<int32_t>(tasks.priority.value_or(0));
    stream.place = options.place;
    stream.flags = options.flags;
    stream.circle = options.circle;
    stream.late_here = options.late_here;
    stream.watches_line = options.watches_line;
    stream.put = options.put;
    stream.split = options.parts_away;
    stream.split_by = options.split.value_or("");
    stream.progress = input->form == InputForm::kDirectory && !tasks.quiet;
    stream.noun = is_image_type(*tasks.type) ? "frames" : "tasks";
    stream.stop = &output->takes_no_more();
    bool good = true;
    const ResultFunction take = [&](size_t index, const TaskRecord& record,
                                    const p2c2r_result* result) {
        if (!output->take(index, record, result)) good = false;
    };
    const PartOptions parts{stream.task_type, options.parts.value_or(1), options.split.value_or(""),
                            stream.deadline_us, stream.stop};
    const StreamSummary summary =
        options.parts ? run_in_parts(**session, input->requests, parts, take)
                      : run_stream(**session, input->requests, stream, &*signals, take);
    if (!output->finish()) good = false;
    if (summary.wrong_usage) {
        report(command, *summary.wrong_usage);
        return kExitUsage;
    }
    // One line for all of them, also with --quiet: it stands for their errors.
    const std::string cancelled =
        output->takes_no_more() ? "" : cancelled_text(summary, stream.noun);
    if (!cancelled.empty()) say(cancelled);
    if (input->form != InputForm::kSingle && !tasks.quiet) {
        say(summary_text(summary));
    }
    if (options.watches_line && !tasks.quiet) {
        const TooLateFacts facts{options.late_here, options.place == P2C2R_PLACE_REMOTE,
                                 tasks.rate.has_value(), (*session)->peers_total()};
        const std::string text = too_late_text(summary, facts);
        if (!text.empty()) say(text);
    }
    if (tasks.stream_report) {
        // Names of files are bytes, JSON is UTF-8.
        const std::string text =
            summary_json(summary).dump(1, ' ', false, json::error_handler_t::replace);
        if (Outcome failure = write_file(*tasks.stream_report, text + "\n")) {
            report(command, *failure);
            good = false;
        }
    }
    return good ? kExitOk : kExitSomeFailed;
}

}  // namespace p2c2r::cli
