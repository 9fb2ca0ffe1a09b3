// Submits a list of requests and hands over each result as it comes: pipelined within a window, or
// at a fixed rate as a game would.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/session.h"
#include "cli/task_request.h"
#include "cli/task_summary.h"

namespace p2c2r::cli {

struct StreamOptions {
    std::string task_type;
    double rate = 0;             // submissions a second; 0: as the window allows
    uint32_t in_flight_max = 0;  // 0: 16, and no limit with a rate
    uint64_t deadline_us = 0;    // 0: the type's
    int32_t priority = 0;
    int32_t place = P2C2R_PLACE_AUTO;
    uint32_t flags = 0;  // P2C2R_TASK_
    int32_t circle = P2C2R_CIRCLE_TYPE;
    // What has missed its deadline is computed on this machine and handed over late: a picture that
    // comes late is better than none.
    bool late_here = false;
    // Looks what the line carries once deadlines are missed. With late_here and PLACE_AUTO a
    // request for which it is too slow is not sent but computed here at once (cli/line_watch.h).
    bool watches_line = false;
    // A file of bytes is put once, and each task that has it as its data refers to it.
    bool put = false;
    // Each task is cut for several peers: P2C2R_SPLIT_, or a number of parts.
    int32_t split = P2C2R_SPLIT_NEVER;
    std::string split_by;  // "": the type's preferred way
    bool progress = false;
    std::string noun = "tasks";
    // Set by whoever takes the results: what has not ended is cancelled.
    const bool* stop = nullptr;
};

// Called on the calling thread, in the order the tasks end. `result` is NULL when the task was
// never accepted; the record then says why.
using ResultFunction =
    std::function<void(size_t index, const TaskRecord& record, const p2c2r_result* result)>;

StreamSummary run_stream(Session& session, const std::vector<TaskRequest>& requests,
                         const StreamOptions& options, StopSignals* signals,
                         const ResultFunction& on_result);

}  // namespace p2c2r::cli
