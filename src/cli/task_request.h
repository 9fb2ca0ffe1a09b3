// What `exec` and `submit` are asked to do: one task, the frames of a directory, or a file of
// request lines, as a list of requests.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/failure.h"

namespace p2c2r::cli {

// Options that both commands take.
struct TaskOptions {
    std::optional<std::string> type;
    std::optional<std::string> data;
    std::optional<std::string> params;
    std::optional<std::string> requests;
    std::optional<std::string> out;
    std::optional<uint64_t> deadline_ms;
    std::optional<int64_t> priority;
    std::optional<double> rate;
    std::optional<uint64_t> in_flight;
    std::optional<std::string> stream_report;
    bool digest = false;
    bool json = false;
    bool quiet = false;

    void add_to(Command& command);
};

struct TaskRequest {
    nlohmann::json id;         // echoed in the result line; null: the line or frame has none
    std::string name;          // for messages: "frame_003.jpg", "line 3"
    nlohmann::json params;     // an object
    std::string data_path;     // "": no bytes
    std::string error;         // the line could not be understood: it fails without being submitted
    bool digest = false;       // print the digest of its result
    bool pixels_only = false;  // added for the digest alone: its result goes nowhere else
};

enum class InputForm { kSingle, kDirectory, kRequests };

struct TaskInput {
    InputForm form = InputForm::kSingle;
    std::vector<TaskRequest> requests;
};

// Everything wrong with the command line itself is a usage failure; a bad line in a file of
// requests is a request with an error, so that the others still run.
Result<TaskInput> read_task_input(const TaskOptions& options);

// One line of a file of requests.
TaskRequest parse_request_line(const std::string& line, size_t number);

// Types whose result is an image and whose params take `output_format`.
bool is_image_type(const std::string& task_type);

}  // namespace p2c2r::cli
