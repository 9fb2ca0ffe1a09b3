#include "cli/camera_report.h"

#include <algorithm>

#include "cli/html_parts.h"
#include "cli/statistics.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

namespace {

std::string spread_ms(const std::vector<uint64_t>& values) {
    return "p50 " + number_text(ms(percentile(values, 0.5)), 1) + ", p95 " +
           number_text(ms(percentile(values, 0.95)), 1) + " ms";
}

// One bar a frame: its bytes, and the line that it has to stay below.
std::string bytes_chart(const CameraFacts& facts) {
    const double most = std::max(static_cast<double>(kCameraBytesMax),
                                 static_cast<double>(figures_of(facts).up_most)) *
                        1.12;
    const double plot_height = kChartHeight - kTop - kBottom;
    const double plot_width = kChartWidth - kLeft - kRight;
    const auto y_of = [&](double value) { return kTop + plot_height * (1 - value / most); };
    std::string svg = svg_open(kChartHeight, "Bytes up of each frame");
    for (double at = 0; at <= most; at += step_for(most)) {
        svg += svg_line(kLeft, y_of(at), kChartWidth - kRight, y_of(at), "grid");
        svg += svg_text(kLeft - 6, y_of(at) + 4, number_text(at, 0), "end");
    }
    const double slot = plot_width / static_cast<double>(std::max<size_t>(1, facts.frames.size()));
    const double width = std::max(1.0, slot * 0.72);
    for (size_t index = 0; index < facts.frames.size(); ++index) {
        const double x = kLeft + slot * static_cast<double>(index) + (slot - width) / 2;
        const double top = y_of(static_cast<double>(facts.frames[index].bytes_up));
        svg += "<g><title>frame " + std::to_string(index) + ": " +
               std::to_string(facts.frames[index].bytes_up) + " bytes up, layers " +
               number_text(ms(facts.frames[index].age_us), 0) + " ms old</title>" +
               svg_bar(x, top, width, y_of(0) - top, "execution") + "</g>\n";
        if (index % 10 == 0) {
            svg += svg_text(x + width / 2, kChartHeight - 14, std::to_string(index), "middle");
        }
    }
    const double bar = y_of(static_cast<double>(kCameraBytesMax));
    svg += svg_line(kLeft, bar, kChartWidth - kRight, bar, "deadline");
    svg += svg_text(kLeft + 6, bar - 5, "1 KB", "start", "strong");
    svg += svg_text(kChartWidth - kRight, kChartHeight - 1, "frame", "end");
    return svg + svg_close();
}

}  // namespace

CameraFigures figures_of(const CameraFacts& facts) {
    CameraFigures figures;
    std::vector<uint64_t> up, down;
    for (const CameraFrame& frame : facts.frames) {
        figures.lost += frame.is_lost ? 1 : 0;
        figures.late += !frame.is_lost && frame.is_late ? 1 : 0;
        figures.without_layers += frame.has_layers ? 0 : 1;
        up.push_back(frame.bytes_up);
        down.push_back(frame.bytes_down);
    }
    figures.in_time = facts.frames.size() - figures.lost - figures.late;
    figures.up_mean = mean(up);
    figures.down_mean = mean(down);
    figures.up_most = percentile(up, 1);
    if (facts.wall_us > 0) {
        figures.frames_per_second =
            static_cast<double>(facts.frames.size()) * 1e6 / static_cast<double>(facts.wall_us);
    }
    return figures;
}

std::vector<std::pair<std::string, std::string>> figure_rows(const CameraFacts& facts) {
    const CameraFigures figures = figures_of(facts);
    std::vector<uint64_t> answers, ages, age_frames, drawn;
    for (const CameraFrame& frame : facts.frames) {
        answers.insert(answers.end(), frame.answers_us.begin(), frame.answers_us.end());
        ages.push_back(frame.age_us);
        age_frames.push_back(frame.age_frames);
        drawn.push_back(frame.drawn_us);
    }
    std::vector<std::pair<std::string, std::string>> rows = {
        {"frames with layers in time", std::to_string(figures.in_time)},
        {"frames with a late layer, computed here", std::to_string(figures.late)},
        {"frames that lost a layer", std::to_string(figures.lost)},
        {"frames shown without layers", std::to_string(figures.without_layers)},
        {"frames a second", number_text(figures.frames_per_second, 1)},
        {"layers answered in", spread_ms(answers)},
        {"age of the layers shown", spread_ms(ages) + "; " +
                                        std::to_string(percentile(age_frames, 0.5)) + " and " +
                                        std::to_string(percentile(age_frames, 0.95)) + " frames"},
        {"drawing a frame here", spread_ms(drawn)},
        {"bytes up a frame", "mean " + number_text(figures.up_mean, 0) + ", most " +
                                 std::to_string(figures.up_most) + " (bar: mean below " +
                                 std::to_string(kCameraBytesMax) +
                                 (figures.up_mean < kCameraBytesMax ? ", holds)" : ", missed)")},
        {"bytes down a frame", bytes_text(static_cast<uint64_t>(figures.down_mean))},
        {"the scene, put once", std::to_string(facts.scene_bytes) + " bytes"},
    };
    for (const PeerShare& peer : facts.peers) {
        rows.emplace_back(peer.name + " (" + peer.device + ")",
                          std::to_string(peer.tasks) + " layers (and " +
                              std::to_string(peer.warm_up) + " while warming up)");
    }
    if (facts.by_coordinator > 0) {
        rows.emplace_back("by the coordinator itself", std::to_string(facts.by_coordinator));
    }
    if (facts.local > 0) rows.emplace_back("by the gamer itself", std::to_string(facts.local));
    return rows;
}

std::string camera_table(const CameraFacts& facts) {
    return rows_text(figure_rows(facts));
}

std::string camera_html(const CameraFacts& facts, const std::string& sheet_jpeg) {
    const CameraFigures figures = figures_of(facts);
    std::string part =
        "<h1>A moving camera: " + std::to_string(figures.in_time) + " of " +
        std::to_string(facts.frames.size()) + " frames in time, " + std::to_string(figures.late) +
        " late, " + std::to_string(figures.lost) + " lost</h1>\n<p class=\"lead\">" +
        escaped(facts.sizes) + ", " + number_text(facts.rate, 0) +
        " frames a second. The scene was put once and stays with the helpers; a frame sends its "
        "camera twice, for a layer of shadows and one of what the two balls in the middle show. "
        "Both are laid over a picture in plain light that the gamer's own processor draws, the "
        "newest there are.</p>\n";
    part += "<h2>Bytes up of each frame</h2>\n" + bytes_chart(facts);
    part += "<h2>Figures of the camera</h2>\n" + table_html(figure_rows(facts));
    part +=
        "<h2>Without and with the layers</h2>\n<p class=\"lead\">Left: whole frames as they were "
        "shown. Middle and right: the same detail as drawn here and with the layers.</p>\n" +
        jpeg_html(sheet_jpeg, "Frames without and with layers");
    return part;
}

}  // namespace p2c2r::cli
