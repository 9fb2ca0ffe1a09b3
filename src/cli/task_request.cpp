#include "cli/task_request.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "cli/files.h"
#include "cli/json_text.h"
#include "cli/task_files_posix.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 4> kFrameEndings = {"jpg", "jpeg", "png", "raw"};

Result<json> parse_params(const std::string& option) {
    std::string text = option;
    std::string origin = "--params";
    if (option.starts_with('@')) {
        origin = option.substr(1);
        Result<std::string> file = read_text("--params", origin);
        if (!file) return file.failure();
        text = *file;
    }
    JsonText params = read_json(text, "params");
    if (!params.error.empty()) return usage_failure(origin + ": " + params.error);
    if (!params.value.is_object()) {
        return usage_failure(origin + " is not a JSON object: " + text.substr(0, 60));
    }
    return std::move(params.value);
}

Result<TaskInput> read_directory(const TaskOptions& options, const json& params) {
    Result<std::vector<std::string>> names = list_files(*options.data);
    if (!names) return usage_failure("--data: " + names.failure().text);
    TaskInput input;
    input.form = InputForm::kDirectory;
    for (const std::string& name : *names) {
        const bool is_frame = std::find(kFrameEndings.begin(), kFrameEndings.end(),
                                        ending_of(name)) != kFrameEndings.end();
        if (is_image_type(*options.type) && !is_frame) continue;
        TaskRequest request;
        request.id = name;
        request.name = name;
        request.params = params;
        request.data_path = join_path(*options.data, name);
        input.requests.push_back(std::move(request));
    }
    if (input.requests.empty()) {
        return usage_failure("--data: no " +
                             std::string(is_image_type(*options.type)
                                             ? "frames (.jpg, .jpeg, .png, .raw)"
                                             : "files") +
                             " in " + *options.data);
    }
    return input;
}

Result<TaskInput> read_lines(const std::string& path) {
    Result<std::string> text = read_text("--requests", path);
    if (!text) return text.failure();
    TaskInput input;
    input.form = InputForm::kRequests;
    size_t number = 0;
    for (size_t begin = 0; begin < text->size();) {
        const size_t end = std::min(text->find('\n', begin), text->size());
        const std::string line = text->substr(begin, end - begin);
        begin = end + 1;
        ++number;
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        input.requests.push_back(parse_request_line(line, number));
    }
    if (input.requests.empty()) return usage_failure("--requests: no lines in " + path);
    return input;
}

}  // namespace

void TaskOptions::add_to(Command& command) {
    command.add_text("type,--type", type, "Task type: upscale, echo, ...");
    command.add_text("--data", data, "File with the task's bytes, or a directory of frames");
    command.add_text("--params", params, "Params as a JSON object, or @FILE of at most 64 MiB");
    command.add_text("--requests", requests,
                     "File of request lines (JSON), at most 64 MiB: params with `id` and `data` "
                     "beside them");
    command.add_text("-o,--out", out,
                     "Where the result goes: a file, or - for standard output; for frames and "
                     "requests a directory, made if need be (of requests also FILE.jsonl: their "
                     "result lines)");
    command.add_count("--deadline-ms", deadline_ms, "Time allowed per task (the type's own)");
    command.add_integer("--priority", priority,
                        "-128 to 127, higher is more urgent among your tasks (0)");
    command.add_real("--rate", rate, "Submit so many tasks a second (as fast as they are done)");
    command.add_count("--in-flight", in_flight,
                      "Tasks pending at the same time (16; no limit with --rate)");
    command.add_text("--stream-report", stream_report, "Write times of every task to a JSON file");
    command.add_flag("--digest", digest, "Print `sha256 DIGEST DEVICE` for each result");
    command.add_flag("--json", json, "Print a result line (JSON) for each result");
    command.add_flag("-q,--quiet", quiet, "No progress and no summary on standard error");
}

bool is_image_type(const std::string& task_type) {
    return task_type == "upscale" || task_type == "frame_upscale" || task_type == "upscaling" ||
           task_type == "raytracing" || task_type == "ray_tracing" || task_type == "rt_reflections";
}

TaskRequest parse_request_line(const std::string& line, size_t number) {
    TaskRequest request;
    request.name = "line " + std::to_string(number);
    JsonText read = read_json(line, "params", kJsonDepthMax + 1);  // params can be in an `input`
    if (!read.error.empty()) {
        // What is in an `input` map are the params themselves.
        constexpr std::string_view kInner = "params.input.";
        if (read.error.starts_with(kInner)) read.error.replace(0, kInner.size(), "params.");
        request.error = request.name + ": " + read.error;
    }
    request.params = std::move(read.value);
    if (!request.params.is_object()) {
        request.params = json::object();
        if (request.error.empty()) request.error = request.name + " is not a JSON object";
        return request;
    }
    if (const auto id = request.params.find("id"); id != request.params.end()) {
        request.id = *id;
        request.params.erase(id);
    }
    if (const auto data = request.params.find("data"); data != request.params.end()) {
        if (data->is_string()) {
            request.data_path = data->get<std::string>();
        } else {
            request.error = request.name + ": `data` is not the path of a file";
        }
        request.params.erase(data);
    }
    if (const auto inner = request.params.find("input");
        inner != request.params.end() && inner->is_object()) {
        json params = std::move(*inner);
        request.params = std::move(params);
    }
    return request;
}

Result<TaskInput> read_task_input(const TaskOptions& options) {
    if (!options.type) return usage_failure("no task type; give one, for example upscale");
    if (options.requests) {
        if (options.data || options.params) {
            return usage_failure(
                "--requests brings its own data and params: not with --data or "
                "--params");
        }
        return read_lines(*options.requests);
    }
    json params = json::object();
    if (options.params) {
        Result<json> parsed = parse_params(*options.params);
        if (!parsed) return parsed.failure();
        params = std::move(*parsed);
    }
    if (options.data && is_directory(*options.data)) return read_directory(options, params);
    TaskInput input;
    TaskRequest request;
    request.name = options.data ? *options.data : *options.type;
    request.params = std::move(params);
    request.data_path = options.data.value_or("");
    if (options.data) {
        // A wrong path is a mistake on the command line; found before anything is connected.
        if (Outcome bad = check_data(*options.data)) return usage_failure("--data: " + bad->text);
    }
    input.requests.push_back(std::move(request));
    return input;
}

}  // namespace p2c2r::cli
