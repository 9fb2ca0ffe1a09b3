#include "cli/stream_report.h"

#include <functional>

#include "cli/statistics.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

std::string spread(uint64_t p50_us, uint64_t p99_us) {
    return "p50 " + number_text(ms(p50_us), 1) + ", p99 " + number_text(ms(p99_us), 1) + " ms";
}

std::string percent(double share) {
    return number_text(share * 100, 1) + " %";
}

}  // namespace

StreamFigures figures_of(const StreamFacts& facts) {
    StreamFigures figures;
    std::vector<uint64_t> total, queue, processing, network;
    for (const json& task : facts.stream.at("tasks")) {
        if (task.at("status") != "OK") {
            ++figures.lost;
            continue;
        }
        ++(task.at("late").get<bool>() ? figures.late : figures.in_time);
        total.push_back(task.at("total_us"));
        queue.push_back(task.at("queue_us"));
        processing.push_back(task.at("processing_us"));
        network.push_back(task.at("network_us"));
        if (task.at("attempts").get<uint32_t>() > 1) ++figures.retried;
        if (task.at("source") == "local") ++figures.local;
        if (task.at("source") == "coordinator") ++figures.by_coordinator;
    }
    const double wall_s = facts.stream.at("wall_us").get<double>() / 1e6;
    if (wall_s > 0) figures.frames_per_second = static_cast<double>(total.size()) / wall_s;
    figures.total_p50_us = percentile(total, 0.50);
    figures.total_p95_us = percentile(total, 0.95);
    figures.total_p99_us = percentile(total, 0.99);
    figures.queue_p50_us = percentile(queue, 0.50);
    figures.queue_p99_us = percentile(queue, 0.99);
    figures.processing_p50_us = percentile(processing, 0.50);
    figures.processing_p99_us = percentile(processing, 0.99);
    figures.network_p50_us = percentile(network, 0.50);
    figures.network_p99_us = percentile(network, 0.99);
    if (!total.empty() && mean(total) > 0) {
        figures.overhead = (mean(total) - mean(processing)) / mean(total);
    }
    figures.utilisation = facts.status.value("utilisation", 0.0);
    figures.bytes_up = facts.stream.at("bytes_up");
    figures.bytes_down = facts.stream.at("bytes_down");
    return figures;
}

std::vector<std::pair<std::string, std::string>> figure_rows(const StreamFacts& facts) {
    const StreamFigures figures = figures_of(facts);
    std::vector<std::pair<std::string, std::string>> rows = {
        {"frames in time", std::to_string(figures.in_time)},
        {"frames late", std::to_string(figures.late)},
        {"frames lost", std::to_string(figures.lost)},
        {"frames a second", number_text(figures.frames_per_second, 1)},
        {"end to end", "p50 " + number_text(ms(figures.total_p50_us), 1) + ", p95 " +
                           number_text(ms(figures.total_p95_us), 1) + ", p99 " +
                           number_text(ms(figures.total_p99_us), 1) + " ms"},
        {"queue", spread(figures.queue_p50_us, figures.queue_p99_us)},
        {"execution", spread(figures.processing_p50_us, figures.processing_p99_us)},
        {"network and waiting at peers", spread(figures.network_p50_us, figures.network_p99_us)},
    };
    for (const PeerShare& peer : facts.peers) {
        rows.emplace_back(peer.name + " (" + peer.device + ")",
                          std::to_string(peer.tasks) + " frames (and " +
                              std::to_string(peer.warm_up) + " while warming up)");
    }
    if (figures.by_coordinator > 0) {
        rows.emplace_back("by the coordinator itself", std::to_string(figures.by_coordinator));
    }
    if (figures.local > 0) rows.emplace_back("by the gamer itself", std::to_string(figures.local));
    rows.emplace_back("frames tried again", std::to_string(figures.retried));
    rows.emplace_back("peers that failed",
                      std::to_string(facts.status.value("peer_failures", uint64_t{0})));
    rows.emplace_back("utilisation of peer slots", percent(figures.utilisation));
    rows.emplace_back("overhead (share of time not execution)", percent(figures.overhead));
    rows.emplace_back("bytes up, down",
                      bytes_text(figures.bytes_up) + ", " + bytes_text(figures.bytes_down));
    return rows;
}

std::string report_table(const StreamFacts& facts) {
    return rows_text(figure_rows(facts));
}

}  // namespace p2c2r::cli
