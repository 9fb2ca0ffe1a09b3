// The common half of `exec` and `submit`: requests in, results out, one session between them.
#pragma once

#include <optional>
#include <string>

#include "cli/session.h"
#include "cli/task_request.h"
#include "cli/task_stream.h"

namespace p2c2r::cli {

struct RunTasksOptions {
    SessionOptions session;
    int32_t place = P2C2R_PLACE_AUTO;
    uint32_t flags = 0;  // P2C2R_TASK_
    int32_t circle = P2C2R_CIRCLE_TYPE;
    bool late_here = false;     // see StreamOptions
    bool watches_line = false;  // the same
    bool put = false;           // the same
    // What an error says that found no coordinator: how to do without; "": nothing.
    std::string without_coordinator;
    uint64_t deadline_default_us = 0;  // when the command line says none
    // In parts, on this machine; see PartOptions.
    std::optional<uint64_t> parts;
    std::optional<std::string> split;
    // In parts, on several peers; with `split` as the way.
    int32_t parts_away = P2C2R_SPLIT_NEVER;
};

// The exit code; failures are told on standard error under the command's name.
int run_tasks(const char* command, const TaskOptions& tasks, const RunTasksOptions& options);

}  // namespace p2c2r::cli
