// Submits a list of requests and hands over each result as it comes: pipelined within a window, or
// at a fixed rate as a game would.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/session.h"
#include "cli/task_request.h"

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
    // A file of bytes is put once, and each task that has it as its data refers to it.
    bool put = false;
    bool progress = false;
    std::string noun = "tasks";
    // Set by whoever takes the results: what has not ended is cancelled.
    const bool* stop = nullptr;
};

// How one task went; times in microseconds, points in time since the first submission.
struct TaskRecord {
    std::string name;
    int32_t status = P2C2R_PENDING;
    std::string error;
    int32_t source = P2C2R_SOURCE_NONE;
    uint32_t attempts = 0;
    uint64_t submitted_us = 0;
    uint64_t ended_us = 0;
    uint64_t total_us = 0;
    uint64_t queue_us = 0;
    uint64_t processing_us = 0;
    uint64_t network_us = 0;
    uint64_t bytes_up = 0;
    uint64_t bytes_down = 0;
    bool late = false;  // ended with a result, after its deadline
};

struct StreamSummary {
    std::vector<TaskRecord> tasks;  // in the order of the requests
    uint64_t start_us = 0;          // of the first submission, on p2c2r_now_us()
    uint64_t wall_us = 0;           // first submission to last end
    size_t succeeded = 0;
    size_t late = 0;
    bool stopped = false;  // by a signal or `stop`; the rest was cancelled
    [[nodiscard]] size_t lost() const { return tasks.size() - succeeded; }
};

// Called on the calling thread, in the order the tasks end. `result` is NULL when the task was
// never accepted; the record then says why.
using ResultFunction =
    std::function<void(size_t index, const TaskRecord& record, const p2c2r_result* result)>;

StreamSummary run_stream(Session& session, const std::vector<TaskRequest>& requests,
                         const StreamOptions& options, StopSignals* signals,
                         const ResultFunction& on_result);

// What a result that failed with `status` says: field and text in a sentence.
std::string failure_text(const p2c2r_result* result, int32_t status);

// "peer", "coordinator", "local", ...
const char* source_name(int32_t source);

nlohmann::json record_json(const TaskRecord& record);
// Everything about a stream that a report needs, `tasks` included.
nlohmann::json summary_json(const StreamSummary& summary);

}  // namespace p2c2r::cli
