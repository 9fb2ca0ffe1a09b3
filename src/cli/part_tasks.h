// Runs each of a list of requests in parts on this machine, one request after the other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/session.h"
#include "cli/task_stream.h"

namespace p2c2r::cli {

struct PartOptions {
    std::string task_type;
    uint64_t parts = 1;
    std::string split;           // "": the type's preferred way
    uint64_t deadline_us = 0;    // of a request
    const bool* stop = nullptr;  // see StreamOptions
};

// Like run_stream(). What a task cannot be cut into fails each request, with the ways that there
// are.
StreamSummary run_in_parts(Session& session, const std::vector<TaskRequest>& requests,
                           const PartOptions& options, const ResultFunction& on_result);

}  // namespace p2c2r::cli
