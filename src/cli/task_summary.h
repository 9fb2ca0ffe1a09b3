// How the tasks of a stream went, and what is told of it: in a line, in words where deadlines were
// missed, as JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/failure.h"

namespace p2c2r::cli {

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
    bool late = false;    // ended with a result, after its deadline
    bool missed = false;  // no answer came before its deadline
    bool kept = false;    // not sent, since the line is too slow for it
};

struct StreamSummary {
    std::vector<TaskRecord> tasks;  // in the order of the requests
    uint64_t start_us = 0;          // of the first submission, on p2c2r_now_us()
    uint64_t wall_us = 0;           // first submission to last end
    size_t succeeded = 0;
    size_t late = 0;
    size_t cancelled = 0;
    uint64_t asked_us = 0;         // the deadline that was asked for; 0: the type's own
    uint64_t deadline_us = 0;      // of those that missed it; 0: none has
    uint64_t deadline_max_us = 0;  // the coordinator's cap of every deadline; 0: unknown
    double up_bits_per_s = 0;  // what the line carries, as missed deadlines have shown; 0: unknown
    std::optional<Failure> wrong_usage;  // an option that does not go with the tasks
    bool stopped = false;                // by a signal or `stop`; the rest was cancelled
    [[nodiscard]] size_t lost() const { return tasks.size() - succeeded; }
};

// How many of a list succeeded and where they were computed, how many failed with what status, and
// the times: "5 of 6 in 0.4 s: 4 by peers, 1 here; 0 late, 1 failed (E_IO 1), ...".
std::string summary_text(const StreamSummary& summary);

inline constexpr uint64_t kDeadlineMsMax = 24ull * 3600 * 1000;  // that can be asked for

// What whoever missed deadlines can do about it, and what was done; the rest the summary knows.
struct TooLateFacts {
    bool late_here = false;    // what missed its deadline was computed here
    bool remote_only = false;  // asked for by name
    bool is_paced = false;     // --rate
    uint32_t helpers = 0;      // that are connected
};
// "" when no deadline was missed and nothing was kept for that.
std::string too_late_text(const StreamSummary& summary, const TooLateFacts& facts);
// "stopped: 27 of 30 tasks cancelled"; "" when none was.
std::string cancelled_text(const StreamSummary& summary, const std::string& noun);

// What a result that failed with `status` says: field and text in a sentence.
std::string failure_text(const p2c2r_result* result, int32_t status);

// "peer", "coordinator", "local", ...
const char* source_name(int32_t source);

nlohmann::json record_json(const TaskRecord& record);
// Everything about a stream that a report needs, `tasks` included.
nlohmann::json summary_json(const StreamSummary& summary);

}  // namespace p2c2r::cli
