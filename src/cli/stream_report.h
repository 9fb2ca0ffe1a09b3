// What a demonstration stream showed, as numbers, as a table for the terminal, and as an HTML page
// that needs nothing else to be read.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace p2c2r::cli {

struct PeerShare {
    std::string name;
    std::string device;  // "native", "vulkan:0"
    uint64_t tasks = 0;
    uint64_t warm_up = 0;  // before the stream
};

struct StreamEvent {
    uint64_t at_us = 0;  // since the first frame
    std::string text;
};

struct StreamFacts {
    std::string title;
    std::string sizes;  // "1280x720 to 1920x1080"
    double rate = 0;
    uint64_t deadline_us = 0;
    nlohmann::json stream;  // summary_json of the gamer
    nlohmann::json status;  // of the coordinator, right after the last frame
    std::vector<PeerShare> peers;
    std::vector<StreamEvent> events;
};

struct StreamFigures {
    uint64_t in_time = 0;
    uint64_t late = 0;
    uint64_t lost = 0;
    double frames_per_second = 0;
    uint64_t total_p50_us = 0, total_p95_us = 0, total_p99_us = 0;
    uint64_t queue_p50_us = 0, queue_p99_us = 0;
    uint64_t processing_p50_us = 0, processing_p99_us = 0;
    uint64_t network_p50_us = 0, network_p99_us = 0;
    uint64_t retried = 0;    // frames that needed more than one attempt
    double overhead = 0;     // share of the end-to-end time that is not execution
    double utilisation = 0;  // share of the peers' slot time with a task held that ended accepted
    uint64_t bytes_up = 0, bytes_down = 0;
    uint64_t local = 0, by_coordinator = 0;
};

StreamFigures figures_of(const StreamFacts& facts);

// Rows of name and value, in the order they are shown.
std::vector<std::pair<std::string, std::string>> figure_rows(const StreamFacts& facts);
std::string report_table(const StreamFacts& facts);

// `sheet_jpeg`: the contact sheet, put into the page; `more`: what else it ends with, as HTML.
std::string report_html(const StreamFacts& facts, const std::string& sheet_jpeg,
                        const std::string& more = {});

}  // namespace p2c2r::cli
