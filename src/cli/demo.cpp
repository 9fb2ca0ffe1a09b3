// `p2c2r demo`: coordinator, two peers and a client in this one process, on real pictures.
#include "cli/demo.h"

#include <algorithm>
#include <cstdio>

#include "cli/commands.h"
#include "cli/contact_sheet.h"
#include "cli/demo_peers.h"
#include "cli/files.h"
#include "cli/pan_zoom.h"
#include "cli/statistics.h"
#include "cli/task_stream.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr size_t kFrames = 12;
constexpr size_t kSheetRows = 4;

Outcome demonstrate(const DemoOptions& options) {
    const std::string out = options.out.value_or("p2c2r-demo");
    const std::string before = join_path(out, "before");
    const std::string after = join_path(out, "after");
    for (const std::string& directory : {before, after}) {
        if (Outcome failure = make_directories(directory)) return failure;
    }
    Result<std::unique_ptr<Session>> opened = open_demo_session(std::nullopt);
    if (!opened) return opened.failure();
    Session& session = **opened;
    Result<Picture> picture = demo_picture(session, options.data);
    if (!picture) return picture.failure();
    PanZoom pan_zoom;
    pan_zoom.count = kFrames;
    if (Outcome failure = write_pan_zoom(session, *picture, pan_zoom, before)) return failure;

    Result<std::vector<std::string>> names = list_files(before);
    if (!names) return names.failure();
    std::vector<TaskRequest> requests;
    for (const std::string& name : *names) {
        TaskRequest request;
        request.name = name;
        request.data_path = join_path(before, name);
        request.params = {{"output_res", {1920, 1080}}, {"quality", "balanced"}};
        requests.push_back(std::move(request));
    }
    StreamOptions stream;
    stream.task_type = "upscale";
    stream.deadline_us = 5'000'000;
    stream.progress = true;
    stream.noun = "frames";
    Outcome write_failure;
    const StreamSummary summary = run_stream(
        session, requests, stream, nullptr,
        [&](size_t, const TaskRecord& record, const p2c2r_result* result) {
            if (record.status != P2C2R_OK || !result) {
                write_failure = Failure{kExitSomeFailed, record.name + ": " + record.error};
                return;
            }
            size_t size = 0;
            const auto* bytes = static_cast<const uint8_t*>(p2c2r_result_data(result, &size));
            if (Outcome failure =
                    write_file(join_path(after, record.name), std::span(bytes, size))) {
                write_failure = failure;
            }
        });
    if (write_failure) return write_failure;
    Result<std::string> sheet = write_contact_sheet(session, before, after, *names, out);
    if (!sheet) return sheet.failure();

    std::vector<uint64_t> totals, parts;
    size_t by_peers = 0;
    for (const TaskRecord& record : summary.tasks) {
        totals.push_back(record.total_us);
        parts.push_back(record.processing_us);
        if (record.source == P2C2R_SOURCE_PEER) ++by_peers;
    }
    std::printf(
        "%zu of %zu frames from 1280x720 to 1920x1080, %zu of them by two peers of this "
        "process\n",
        summary.succeeded, summary.tasks.size(), by_peers);
    std::printf("end to end p50 %.1f ms, execution p50 %.1f ms\n", ms(percentile(totals, 0.5)),
                ms(percentile(parts, 0.5)));
    std::printf("frames and contact_sheet.png: %s\n", out.c_str());
    return std::nullopt;
}

}  // namespace

Result<Picture> demo_picture(Session& session, const std::optional<std::string>& file) {
    if (!file) return drawn_picture();
    Result<std::string> bytes = read_file(*file);
    if (!bytes) return usage_failure(bytes.failure().text);
    Result<Picture> picture = decode_picture(session, *bytes);
    if (!picture) return usage_failure(*file + ": " + picture.failure().text);
    return picture;
}

Result<std::string> write_contact_sheet(Session& session, const std::string& before_directory,
                                        const std::string& after_directory,
                                        const std::vector<std::string>& names,
                                        const std::string& directory) {
    std::vector<SheetRow> rows;
    const size_t count = std::min(kSheetRows, names.size());
    for (size_t index = 0; index < count; ++index) {
        // From the middle of each quarter: a camera may end where it began.
        const std::string& name = names[(2 * index + 1) * names.size() / (2 * count)];
        Result<std::string> before = read_file(join_path(before_directory, name));
        Result<std::string> after = read_file(join_path(after_directory, name));
        if (!before || !after)
            continue;  // a lost frame has no row; the report says that it is lost
        Result<Picture> before_picture = decode_picture(session, *before);
        if (!before_picture) return before_picture.failure();
        Result<Picture> after_picture = decode_picture(session, *after);
        if (!after_picture) return after_picture.failure();
        rows.push_back(
            {without_ending(name), std::move(*before_picture), std::move(*after_picture)});
    }
    const Picture sheet = contact_sheet(rows);
    Result<std::string> png = encode_picture(session, sheet, "png", 0);
    if (!png) return png.failure();
    if (Outcome failure = write_file(join_path(directory, "contact_sheet.png"), *png)) {
        return *failure;
    }
    return encode_picture(session, sheet, "jpeg", 88);
}

int run_demo(const DemoOptions& options) {
    const Outcome failure = demonstrate(options);
    return failure ? report("demo", *failure) : kExitOk;
}

}  // namespace p2c2r::cli
