#include "cli/task_summary.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <utility>

#include "cli/failure.h"
#include "cli/statistics.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

std::string summary_text(const StreamSummary& summary) {
    constexpr std::array<std::pair<int32_t, const char*>, 4> kWhere = {
        {{P2C2R_SOURCE_PEER, "by peers"},
         {P2C2R_SOURCE_COORDINATOR, "by the coordinator"},
         {P2C2R_SOURCE_CACHE, "known from before"},
         {P2C2R_SOURCE_LOCAL, "here"}}};
    std::vector<uint64_t> totals;
    std::map<int32_t, size_t> sources;
    std::map<std::string, size_t> errors;
    for (const TaskRecord& record : summary.tasks) {
        if (record.status != P2C2R_OK) {
            ++errors[p2c2r_status_name(record.status)];
            continue;
        }
        totals.push_back(record.total_us);
        ++sources[record.source];
    }
    const double seconds = static_cast<double>(summary.wall_us) / 1e6;
    std::string text = std::to_string(summary.succeeded) + " of " +
                       std::to_string(summary.tasks.size()) + " in " + number_text(seconds, 1) +
                       " s";
    const char* before = ": ";
    for (const auto& [source, words] : kWhere) {
        if (sources[source] == 0) continue;
        text += before + std::to_string(sources[source]) + " " + words;
        before = ", ";
    }
    text += "; " + std::to_string(summary.late) + " late, " + std::to_string(summary.lost()) +
            " failed";
    before = " (";
    for (const auto& [status, count] : errors) {
        text += before + status + " " + std::to_string(count);
        before = ", ";
    }
    if (!errors.empty()) text += ")";
    if (totals.empty()) return text;
    return text + ", " +
           number_text(seconds > 0 ? static_cast<double>(totals.size()) / seconds : 0, 1) +
           " a second; end to end p50 " + number_text(ms(percentile(totals, 0.50)), 1) + " p95 " +
           number_text(ms(percentile(totals, 0.95)), 1) + " p99 " +
           number_text(ms(percentile(totals, 0.99)), 1) + " ms";
}

namespace {

std::string text_of(const p2c2r_result* result, int32_t which) {
    size_t size = 0;
    const char* text = p2c2r_result_text(result, which, &size);
    return text ? std::string(text, size) : std::string();
}

// Of those that missed their deadlines; one that brought a content along for others among them.
uint64_t largest_bytes(const StreamSummary& summary) {
    uint64_t bytes = 0;
    for (const TaskRecord& record : summary.tasks) {
        if (record.missed) bytes = std::max(bytes, record.bytes_up);
    }
    return bytes;
}

// Up to two digits, so that it reads as the estimate that it is.
uint64_t rounded_up(double value) {
    if (value < 1) return 1;
    const double unit = std::pow(10, std::max(std::floor(std::log10(value)) - 1, 0.0));
    return static_cast<uint64_t>(std::ceil(value / unit) * unit);
}

// Those that helpers gave, in order.
std::vector<uint64_t> answer_times(const StreamSummary& summary) {
    std::vector<uint64_t> totals;
    for (const TaskRecord& record : summary.tasks) {
        const bool is_answer =
            record.source == P2C2R_SOURCE_PEER || record.source == P2C2R_SOURCE_COORDINATOR;
        if (record.status == P2C2R_OK && is_answer) totals.push_back(record.total_us);
    }
    std::sort(totals.begin(), totals.end());
    return totals;
}

std::string why_too_late(const StreamSummary& summary, const TooLateFacts& facts, uint64_t bytes_up,
                         double leaving_ms) {
    if (leaving_ms > 0) {
        const bool is_alone = leaving_ms > ms(summary.deadline_us);
        const double kbits = summary.up_bits_per_s / 1000;
        return "this line carries about " + number_text(kbits, kbits < 10 ? 1 : 0) +
               " kbit/s up, so a request of " + std::to_string(bytes_up) + " bytes needs about " +
               std::to_string(rounded_up(leaving_ms)) + " ms " +
               (is_alone ? "just to leave" : "to leave, once what was sent before it has left");
    }
    if (facts.helpers == 0) return "no helper is connected to the coordinator now";
    const std::vector<uint64_t> totals = answer_times(summary);
    if (totals.empty()) return "helpers and the way to them took longer than that";
    return "answers that did come took " + number_text(ms(percentile(totals, 0.5)), 0) +
           " ms (the middle one)";
}

constexpr const char* kCapOption = "--task-timeout-ms of the coordinator";

// "the deadline of 5000 ms", and whose it is where it is not what was asked for.
std::string deadline_words(const StreamSummary& summary) {
    const auto in_ms = [](uint64_t us) { return number_text(ms(us), 0) + " ms"; };
    std::string text = "the deadline of " + in_ms(summary.deadline_us);
    if (summary.deadline_max_us == 0 || summary.deadline_us != summary.deadline_max_us) return text;
    text += std::string(" (the ") + kCapOption;
    if (summary.asked_us > summary.deadline_max_us) {
        text += ", which caps the " + in_ms(summary.asked_us) + " of --deadline-ms";
    }
    return text + ")";
}

// What would have helpers answer in time. Never a shorter time than theirs have taken, nor a longer
// one than the coordinator gives.
std::string what_waits(const StreamSummary& summary, const TooLateFacts& facts, double leaving_ms) {
    const double most_ms = summary.deadline_max_us > 0 ? ms(summary.deadline_max_us)
                                                       : static_cast<double>(kDeadlineMsMax);
    const std::vector<uint64_t> totals = answer_times(summary);
    const double slowest_ms = totals.empty() ? 0 : ms(totals.back());
    const double needed_ms = std::max(leaving_ms, slowest_ms);
    const double deadline_ms = ms(summary.deadline_us);
    const auto enough_ms = static_cast<double>(rounded_up(2 * std::max(needed_ms, deadline_ms)));
    const std::string fewer = facts.is_paced ? "a lower --rate" : "--in-flight 1";
    if (needed_ms > 0 && enough_ms <= most_ms) {
        return "--deadline-ms " + number_text(enough_ms, 0) +
               (leaving_ms > 0 ? " with " + fewer : "") + " waits for helpers";
    }
    if (deadline_ms < most_ms && needed_ms < most_ms) {
        return summary.deadline_max_us == 0
                   ? "A longer --deadline-ms waits for helpers"
                   : "A longer --deadline-ms, at most " + number_text(most_ms, 0) + " (the " +
                         kCapOption + "), waits for helpers";
    }
    if (deadline_ms > most_ms) {  // which they did not even reach
        return "Fewer requests at a time, or smaller ones, reach helpers sooner";
    }
    // One by one they leave in the time that there is.
    if (leaving_ms > 0 && 2 * leaving_ms <= most_ms) {
        return (facts.is_paced ? "A lower --rate" : fewer) + ", or a longer " + kCapOption +
               ", waits for helpers";
    }
    return std::string("Only a longer ") + kCapOption + " waits longer for helpers";
}

}  // namespace

std::string too_late_text(const StreamSummary& summary, const TooLateFacts& facts) {
    size_t missed = 0;
    size_t kept = 0;
    size_t computed = 0;  // of these two, here
    for (const TaskRecord& record : summary.tasks) {
        missed += record.missed ? 1 : 0;
        kept += record.kept ? 1 : 0;
        computed += (record.missed || record.kept) && record.source == P2C2R_SOURCE_LOCAL &&
                            record.status == P2C2R_OK
                        ? 1
                        : 0;
    }
    if (missed == 0) return {};
    const uint64_t bytes_up = largest_bytes(summary);
    const double leaving_ms =
        summary.up_bits_per_s > 0 ? static_cast<double>(bytes_up) * 8e3 / summary.up_bits_per_s : 0;
    std::string text = std::to_string(missed) + " of " + std::to_string(summary.tasks.size()) +
                       " had no answer within " + deadline_words(summary);
    if (kept > 0) text += ", and " + std::to_string(kept) + " more were not sent for that";
    text += ": " + why_too_late(summary, facts, bytes_up, leaving_ms) + ". ";
    if (computed == 1) text += "One was computed here. ";
    if (computed > 1) text += std::to_string(computed) + " were computed here. ";
    const bool is_impossible = facts.late_here && computed == 0 && !summary.stopped;
    if (is_impossible) text += "This machine could not compute them either. ";
    text += what_waits(summary, facts, leaving_ms);
    if (is_impossible) return text + ".";
    if (!facts.late_here) {
        return text +
               "; --late-here, or no --remote-only, has this machine compute what comes late.";
    }
    return text + (facts.remote_only ? "; --remote-only is why this machine begins so late."
                                     : "; --local-at-deadline has this machine begin in time, "
                                       "--local at once.");
}

std::string cancelled_text(const StreamSummary& summary, const std::string& noun) {
    if (summary.cancelled == 0) return {};
    return "stopped: " + std::to_string(summary.cancelled) + " of " +
           std::to_string(summary.tasks.size()) + " " + noun + " cancelled";
}

std::string failure_text(const p2c2r_result* result, int32_t status) {
    p2c2r_error why = {};
    why.status = status;
    std::snprintf(why.field, sizeof why.field, "%s", text_of(result, P2C2R_TEXT_FIELD).c_str());
    std::snprintf(why.text, sizeof why.text, "%s", text_of(result, P2C2R_TEXT_MESSAGE).c_str());
    return sentence(why);
}

const char* source_name(int32_t source) {
    switch (source) {
        case P2C2R_SOURCE_PEER:
            return "peer";
        case P2C2R_SOURCE_COORDINATOR:
            return "coordinator";
        case P2C2R_SOURCE_LOCAL:
            return "local";
        case P2C2R_SOURCE_CACHE:
            return "cache";
        default:
            return "none";
    }
}

json record_json(const TaskRecord& record) {
    return {{"name", record.name},
            {"status", p2c2r_status_name(record.status)},
            {"error", record.error},
            {"source", source_name(record.source)},
            {"attempts", record.attempts},
            {"submitted_us", record.submitted_us},
            {"ended_us", record.ended_us},
            {"total_us", record.total_us},
            {"queue_us", record.queue_us},
            {"processing_us", record.processing_us},
            {"network_us", record.network_us},
            {"bytes_up", record.bytes_up},
            {"bytes_down", record.bytes_down},
            {"late", record.late},
            {"kept", record.kept}};
}

json summary_json(const StreamSummary& summary) {
    json tasks = json::array();
    std::vector<uint64_t> totals;
    uint64_t bytes_up = 0;
    uint64_t bytes_down = 0;
    for (const TaskRecord& record : summary.tasks) {
        tasks.push_back(record_json(record));
        if (record.status == P2C2R_OK) totals.push_back(record.total_us);
        bytes_up += record.bytes_up;
        bytes_down += record.bytes_down;
    }
    return {{"count", summary.tasks.size()},
            {"succeeded", summary.succeeded},
            {"late", summary.late},
            {"lost", summary.lost()},
            {"start_us", summary.start_us},
            {"wall_us", summary.wall_us},
            {"p50_us", percentile(totals, 0.50)},
            {"p95_us", percentile(totals, 0.95)},
            {"p99_us", percentile(totals, 0.99)},
            {"bytes_up", bytes_up},
            {"bytes_down", bytes_down},
            {"tasks", std::move(tasks)}};
}

}  // namespace p2c2r::cli
