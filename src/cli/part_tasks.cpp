#include "cli/part_tasks.h"

#include <memory>
#include <string_view>

#include "cli/task_files_posix.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

// Beyond the deadline that the parts have themselves.
constexpr uint64_t kTimeoutMoreMs = 10'000;

void fail(TaskRecord& record, int32_t status, std::string error) {
    record.status = status;
    record.error = std::move(error);
}

// Is it the way of cutting that is wrong, for this type or at all?
bool is_about_split(const p2c2r_error& why) {
    return std::string_view(why.field) == "split";
}

ResultHandle run_one(Session& session, const TaskRequest& request, const PartOptions& options,
                     TaskRecord& record, StreamSummary& summary) {
    if (options.stop && *options.stop) {
        fail(record, P2C2R_E_CANCELLED, "stopped before it was begun");
        return nullptr;
    }
    if (!request.error.empty()) {
        fail(record, P2C2R_E_ARGUMENT, request.error);
        return nullptr;
    }
    std::string data;
    if (!request.data_path.empty()) {
        Result<std::string> file = read_data(request.data_path);
        if (!file) {
            fail(record, P2C2R_E_IO, file.failure().text);
            return nullptr;
        }
        data = std::move(*file);
    }
    const uint64_t deadline_ms = options.deadline_us / 1000;
    json arguments = {{"task_type", options.task_type},
                      {"params", request.params},
                      {"deadline_ms", deadline_ms},
                      {"parts", options.parts}};
    if (!options.split.empty()) arguments["split"] = options.split;
    const std::string text = arguments.dump();
    record.bytes_up = data.size() + text.size();
    const p2c2r_bytes input = {data.data(), data.size(), nullptr, nullptr};
    p2c2r_result* result = nullptr;
    p2c2r_error why = {};
    const p2c2r_status status =
        p2c2r_runtime_call(session.runtime(), "exec", text.c_str(), data.empty() ? nullptr : &input,
                           static_cast<uint32_t>(deadline_ms + kTimeoutMoreMs), &result, &why);
    ResultHandle owned(result);
    if (status != P2C2R_OK) {
        fail(record, status, sentence(why));
        if (is_about_split(why)) {
            const char* const option = options.split.empty() ? "--parts: " : "--split: ";
            summary.wrong_usage = usage_failure(option + std::string(why.text));
        }
        return nullptr;
    }
    p2c2r_result_info info = {};
    info.struct_size = sizeof info;
    p2c2r_result_info_get(result, &info);
    size_t size = 0;
    p2c2r_result_data(result, &size);
    record.status = info.status;
    record.source = info.source;
    record.attempts = info.attempts;
    record.processing_us = info.processing_us;
    record.bytes_down = size;
    if (info.status != P2C2R_OK) record.error = failure_text(result, info.status);
    return owned;
}

}  // namespace

StreamSummary run_in_parts(Session& session, const std::vector<TaskRequest>& requests,
                           const PartOptions& options, const ResultFunction& on_result) {
    StreamSummary summary;
    summary.tasks.resize(requests.size());
    summary.start_us = p2c2r_now_us();
    for (size_t index = 0; index < requests.size(); ++index) {
        TaskRecord& record = summary.tasks[index];
        record.name = requests[index].name;
        record.submitted_us = p2c2r_now_us() - summary.start_us;
        const ResultHandle result = run_one(session, requests[index], options, record, summary);
        if (summary.wrong_usage) return summary;
        record.ended_us = p2c2r_now_us() - summary.start_us;
        record.total_us = record.ended_us - record.submitted_us;
        summary.wall_us = record.ended_us;
        if (record.status == P2C2R_OK) ++summary.succeeded;
        if (record.status == P2C2R_E_CANCELLED) ++summary.cancelled;
        on_result(index, record, result.get());
    }
    return summary;
}

}  // namespace p2c2r::cli
