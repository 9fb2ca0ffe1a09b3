// The HTML page of a stream: figures, two charts, the contact sheet.
#include <algorithm>

#include "cli/html_parts.h"
#include "cli/statistics.h"
#include "cli/stream_report.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

std::string svg_triangle(double x, double y) {
    return "<path class=\"alarm\" d=\"M" + px(x) + " " + px(y) + "l-5 -9h10z\"/>\n";
}

// One bar a frame: where its time went.
std::string frames_chart(const StreamFacts& facts) {
    const json& tasks = facts.stream.at("tasks");
    double most_ms = 1;
    for (const json& task : tasks) {
        most_ms = std::max(most_ms, task.at("total_us").get<double>() / 1000);
    }
    const double deadline_ms = static_cast<double>(facts.deadline_us) / 1000;
    const bool deadline_shown = deadline_ms > 0 && deadline_ms <= most_ms * 3;
    const double scale_ms = (deadline_shown ? std::max(most_ms, deadline_ms) : most_ms) * 1.08;
    const double plot_height = kChartHeight - kTop - kBottom;
    const double plot_width = kChartWidth - kLeft - kRight;
    const auto y_of = [&](double value_ms) {
        return kTop + plot_height * (1 - value_ms / scale_ms);
    };
    std::string svg = svg_open(kChartHeight, "Time of each frame");
    const double step = step_for(scale_ms);
    for (double at = 0; at <= scale_ms; at += step) {
        svg += svg_line(kLeft, y_of(at), kChartWidth - kRight, y_of(at), "grid");
        svg +=
            svg_text(kLeft - 6, y_of(at) + 4, number_text(at, 0) + (at == 0 ? " ms" : ""), "end");
    }
    const double slot = plot_width / static_cast<double>(std::max<size_t>(1, tasks.size()));
    const double width = std::max(1.0, slot * 0.72);
    size_t index = 0;
    for (const json& task : tasks) {
        const double x = kLeft + slot * static_cast<double>(index) + (slot - width) / 2;
        const uint32_t attempts = task.at("attempts").get<uint32_t>();
        if (task.at("status") != "OK") {
            svg += svg_text(x + width / 2, y_of(0) - 3, "lost", "middle", "alarm");
        } else {
            const double total = task.at("total_us").get<double>() / 1000;
            double from = 0;
            std::string bar = "<g><title>" + escaped(task.at("name").get<std::string>()) + ": " +
                              number_text(total, 1) + " ms, " + std::to_string(attempts) +
                              (attempts == 1 ? " try" : " tries") + "</title>";
            const auto add_part = [&](double value, const char* kind) {
                bar += svg_bar(x, y_of(from + value), width, y_of(from) - y_of(from + value), kind);
                from += value;
            };
            add_part(task.at("processing_us").get<double>() / 1000, "execution");
            add_part(task.at("queue_us").get<double>() / 1000, "queue");
            add_part(task.at("network_us").get<double>() / 1000, "network");
            if (total - from > 0.5) add_part(total - from, "late");
            svg += bar + "</g>\n";
            if (attempts > 1) svg += svg_triangle(x + width / 2, y_of(from) - 3);
        }
        if (index % 10 == 0) {
            svg += svg_text(x + width / 2, kChartHeight - 14, std::to_string(index), "middle");
        }
        ++index;
    }
    svg += svg_text(kChartWidth - kRight, kChartHeight - 1, "frame", "end");
    const std::string deadline = "deadline " + number_text(deadline_ms, 0) + " ms";
    if (deadline_shown) {
        svg +=
            svg_line(kLeft, y_of(deadline_ms), kChartWidth - kRight, y_of(deadline_ms), "deadline");
        svg += svg_text(kLeft + 6, y_of(deadline_ms) - 5, deadline, "start", "strong");
    } else if (deadline_ms > 0) {
        svg +=
            svg_text(kLeft + 6, kTop + 12, deadline + " lies above this chart", "start", "strong");
    }
    // The first event is told before its line and the others behind theirs: they come close
    // together.
    const char* anchor = "end";
    for (const StreamEvent& event : facts.events) {
        const double x = kLeft + slot * static_cast<double>(event.at_us) / 1e6 * facts.rate;
        if (x < kLeft || x > kChartWidth - kRight) continue;
        svg += svg_line(x, kTop - 4, x, kChartHeight - kBottom, "mark");
        svg += svg_text(x, kTop - 10, event.text, x > kChartWidth * 0.75 ? "end" : anchor, "alarm");
        anchor = "start";
    }
    return svg + svg_close();
}

std::string shares_chart(const StreamFacts& facts) {
    std::vector<std::pair<std::string, uint64_t>> bars;
    for (const PeerShare& peer : facts.peers)
        bars.emplace_back(peer.name + " (" + peer.device + ")", peer.tasks);
    const StreamFigures figures = figures_of(facts);
    if (figures.by_coordinator > 0) bars.emplace_back("coordinator", figures.by_coordinator);
    if (figures.local > 0) bars.emplace_back("gamer", figures.local);
    uint64_t most = 1;
    for (const auto& [name, count] : bars) most = std::max(most, count);
    constexpr double kNames = 220;
    constexpr double kRow = 30;
    std::string svg = svg_open(kRow * static_cast<double>(bars.size()) + 6, "Frames by peer");
    double y = 4;
    for (const auto& [name, count] : bars) {
        const double width =
            (kChartWidth - kNames - 60) * static_cast<double>(count) / static_cast<double>(most);
        svg += svg_text(kNames - 10, y + 16, name, "end", "strong");
        svg += svg_bar(kNames, y, width, kRow - 8, "execution") + "\n";
        svg += svg_text(kNames + width + 8, y + 16, std::to_string(count), "start", "strong");
        y += kRow;
    }
    return svg + svg_close();
}

}  // namespace

std::string report_html(const StreamFacts& facts, const std::string& sheet_jpeg,
                        const std::string& more) {
    const StreamFigures figures = figures_of(facts);
    const uint64_t all = figures.in_time + figures.late + figures.lost;
    std::string page = page_open(facts.title);
    page += "<h1>" + std::to_string(figures.in_time) + " of " + std::to_string(all) +
            " frames in time, " + std::to_string(figures.late) + " late, " +
            std::to_string(figures.lost) + " lost</h1>\n<p class=\"lead\">" + escaped(facts.title) +
            ": " + escaped(facts.sizes) + ", " + number_text(facts.rate, 0) +
            " frames a second asked for, deadline " +
            number_text(static_cast<double>(facts.deadline_us) / 1000, 0) +
            " ms. One machine, every role a process of its own, over loopback.</p>\n";
    page +=
        "<h2>Where the time of each frame went</h2>\n<p><span class=\"pair\"><span class=\"key\" "
        "style=\"background:var(--execution);margin-left:0\"></span>execution</span><span "
        "class=\"pair\"><span class=\"key\" style=\"background:var(--queue)\"></span>queue at the "
        "coordinator</span><span class=\"pair\"><span class=\"key\" "
        "style=\"background:var(--network)\"></span>network and waiting at the peer</span><span "
        "class=\"pair\"><span class=\"again\">\u25bc</span>tried again</span></p>\n" +
        frames_chart(facts);
    if (figures.late > 0) {
        page +=
            "<p class=\"lead\">Pale red: time that a frame had lost when its deadline passed "
            "unanswered and the gamer computed it itself.</p>\n";
    }
    page += "<h2>Who computed the frames</h2>\n" + shares_chart(facts);
    page += "<h2>Figures</h2>\n" + table_html(figure_rows(facts));
    if (!facts.events.empty()) {
        std::vector<std::pair<std::string, std::string>> rows;
        for (const StreamEvent& event : facts.events) {
            rows.emplace_back(
                number_text(static_cast<double>(event.at_us) / 1e6, 2) + " s after the first frame",
                event.text);
        }
        page += "<h2>What was done to it</h2>\n" + table_html(rows);
    }
    page +=
        "<h2>Before and after</h2>\n<p class=\"lead\">Left: whole frames as they came back. Middle "
        "and right: the same detail as sent and as returned, pixels only enlarged.</p>\n" +
        jpeg_html(sheet_jpeg, "Frames before and after");
    return page + more + page_close();
}

}  // namespace p2c2r::cli
