#include "cli/result_output.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>

#include "cli/files.h"
#include "cli/message.h"
#include "cli/printable.h"
#include "cli/task_files_posix.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;
using nlohmann::ordered_json;

namespace {

constexpr const char* kLinesEnding = "jsonl";
constexpr std::array<const char*, 4> kResultEndings = {"bin", "jpg", "png", "raw"};

// The output_format that an ending stands for; "" when it says nothing.
std::string format_of_ending(const std::string& ending) {
    if (ending == "jpg" || ending == "jpeg") return "jpeg";
    if (ending == "png") return "png";
    if (ending == "raw" || ending == "rgb" || ending == "rgba") return "raw";
    return "";
}

std::string ending_of_format(const std::string& format) {
    return format == "jpeg" ? "jpg" : format;
}

std::string output_format(const json& params) {
    const auto found = params.find("output_format");
    return found != params.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string ending_of_result(const p2c2r_result* result) {
    p2c2r_image image = {};
    image.struct_size = sizeof image;
    if (p2c2r_result_image(result, &image) != P2C2R_OK) return "bin";
    if (image.format == P2C2R_PIXEL_JPEG) return "jpg";
    return image.format == P2C2R_PIXEL_PNG ? "png" : "raw";
}

// A name from a request's id, when that is one a directory can hold safely.
std::string safe_name(const json& id, size_t index) {
    std::string name = id.is_string() ? id.get<std::string>() : id.is_number() ? id.dump() : "";
    bool safe = !name.empty() && name[0] != '.' && name.size() <= 100;
    for (const char letter : name) {
        const bool plain = (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
                           (letter >= 'A' && letter <= 'Z') || letter == '.' || letter == '_' ||
                           letter == '-';
        safe = safe && plain;
    }
    return safe ? name : "result_" + std::to_string(index + 1);
}

// A frame keeps its name, with the ending of the format that was asked for.
std::string frame_name(const TaskRequest& request) {
    const std::string format = output_format(request.params);
    const bool other = !format.empty() && format_of_ending(ending_of(request.name)) != format;
    return other ? without_ending(request.name) + "." + ending_of_format(format) : request.name;
}

// Of a request's result, before its own ending.
std::string request_name(const TaskRequest& request, size_t index) {
    std::string name = safe_name(request.id, index);
    const std::string ending = ending_of(name);
    for (const char* given : kResultEndings) {
        if (ending == given) name = without_ending(name);
    }
    return name;
}

// Two whose results would go to one file.
Outcome check_names(const TaskInput& input, const std::string& directory) {
    const std::vector<TaskRequest>& requests = input.requests;
    const bool of_frames = input.form == InputForm::kDirectory;
    std::map<std::string, size_t> named;
    for (size_t i = 0; i < requests.size(); ++i) {
        std::string name = of_frames ? frame_name(requests[i]) : request_name(requests[i], i);
        const auto [other, is_new] = named.emplace(name, i);
        if (is_new) continue;
        return usage_failure(
            "--out " + directory + ": " + requests[other->second].name + " and " +
            requests[i].name + " would both go to a file '" + name + "' there; give each " +
            (of_frames ? "a name that differs in more than its ending" : "an `id` of its own"));
    }
    return std::nullopt;
}

// Where results may go in the directory.
std::vector<std::string> targets_of(const TaskInput& input, const std::string& directory) {
    std::vector<std::string> targets;
    for (size_t i = 0; i < input.requests.size(); ++i) {
        const TaskRequest& request = input.requests[i];
        if (input.form == InputForm::kDirectory) {
            targets.push_back(join_path(directory, frame_name(request)));
            continue;
        }
        targets.push_back(join_path(directory, safe_name(request.id, i)));
        for (const char* ending : kResultEndings) {
            targets.push_back(join_path(directory, request_name(request, i) + "." + ending));
        }
    }
    return targets;
}

// Nothing when there is none; `status` says why.
std::optional<std::string> digest_line(const p2c2r_result* result, const std::string& device,
                                       p2c2r_status& status) {
    uint8_t digest[32];
    status = p2c2r_result_digest(result, digest);
    if (status != P2C2R_OK) return std::nullopt;
    std::string line = "sha256 ";
    char pair[3];
    for (const uint8_t byte : digest) {
        std::snprintf(pair, sizeof pair, "%02x", byte);
        line += pair;
    }
    return line + " " + device;
}

ordered_json result_line(const json& id, const json& fields) {
    ordered_json line = ordered_json::object();
    if (!id.is_null()) line["id"] = id;
    if (fields.is_object()) {
        for (const auto& [key, value] : fields.items()) {
            if (key != "id") line[key] = value;
        }
    }
    return line;
}

std::string dump(const ordered_json& line) {
    return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// With --digest the pixels themselves are wanted: asked for as raw where no file is, and by a task
// of their own where the file's format would change them.
void shape_for_digest(const TaskOptions& options, TaskInput& input) {
    std::vector<TaskRequest> shaped;
    for (TaskRequest& request : input.requests) {
        if (output_format(request.params) == "sums") {  // of samples: no pixels yet
            request.digest = true;
            shaped.push_back(std::move(request));
            continue;
        }
        if (!options.out) {
            request.params["output_format"] = "raw";
            shaped.push_back(std::move(request));
            continue;
        }
        TaskRequest pixels = request;
        const std::string format = output_format(request.params);
        const bool lossless = format == "raw" || format == "png";
        pixels.digest = true;
        pixels.params["output_format"] = "raw";
        request.digest = lossless;
        shaped.push_back(std::move(request));
        if (!lossless) {
            pixels.pixels_only = true;
            shaped.push_back(std::move(pixels));
        }
    }
    input.requests = std::move(shaped);
}

}  // namespace

std::string base64(const void* data, size_t size) {
    static constexpr char kLetters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto* bytes = static_cast<const uint8_t*>(data);
    std::string text;
    text.reserve((size + 2) / 3 * 4);
    for (size_t at = 0; at < size; at += 3) {
        const size_t left = size - at;
        const uint32_t group = static_cast<uint32_t>(bytes[at]) << 16 |
                               (left > 1 ? static_cast<uint32_t>(bytes[at + 1]) << 8 : 0) |
                               (left > 2 ? bytes[at + 2] : 0);
        text += kLetters[group >> 18];
        text += kLetters[group >> 12 & 63];
        text += left > 1 ? kLetters[group >> 6 & 63] : '=';
        text += left > 2 ? kLetters[group & 63] : '=';
    }
    return text;
}

ResultOutput::ResultOutput(const TaskOptions& options, const TaskInput& input)
    : options_(options), input_(input) {}

Outcome ResultOutput::choose_out() {
    const std::string& out = *options_.out;
    const size_t count = input_.requests.size();
    if (out == "-") {
        out_is_stdout_ = true;
        if (options_.json || options_.digest) {
            return usage_failure(
                "--out - writes the result itself to standard output: not with --json or --digest");
        }
        if (count == 1) return std::nullopt;
        return usage_failure("--out - writes one result to standard output; these are " +
                             std::to_string(count) + ": give a directory");
    }
    if (out.empty()) return usage_failure("--out is empty; give a file or a directory");
    if (input_.form == InputForm::kSingle) {
        if (!is_directory(out)) return check_file("--out", out);
        return usage_failure("--out " + out +
                             " is a directory; the result of one task goes to a file");
    }
    // By its form and not by how many there are: a list of one is a list.
    if (input_.form == InputForm::kRequests && ending_of(out) == kLinesEnding &&
        !is_directory(out)) {
        lines_to_file_ = true;
        return check_file("--out", out);
    }
    out_is_directory_ = true;
    if (is_there(out) && !is_directory(out)) {
        return usage_failure("--out " + out +
                             " is a file; the results of frames and requests go to a directory" +
                             (input_.form == InputForm::kRequests
                                  ? std::string(", their lines to FILE.") + kLinesEnding
                                  : ""));
    }
    if (Outcome same = check_names(input_, out)) return same;
    if (input_.form == InputForm::kDirectory && is_same_directory(out, *options_.data)) {
        return usage_failure("--out " + out +
                             " is the directory that the frames come from; give another");
    }
    if (Outcome read = check_not_read("--out", targets_of(input_, out), options_, input_)) {
        return read;
    }
    return check_makeable("--out", out);
}

// Nothing is computed for a file that could not be written.
Outcome ResultOutput::check_file(const std::string& option, const std::string& path) const {
    if (Outcome bad = check_writable(option, path)) return bad;
    return check_not_read(option, {path}, options_, input_);
}

Outcome ResultOutput::keep(const std::string& path, std::string_view bytes) const {
    if (!out_is_stdout_) return write_file(path, bytes);
    if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() &&
        std::fflush(stdout) == 0) {
        return std::nullopt;
    }
    return Failure{kExitSomeFailed, std::string("standard output: ") + std::strerror(errno)};
}

Result<ResultOutput> ResultOutput::prepare(const TaskOptions& options, TaskInput& input) {
    ResultOutput output(options, input);
    if (options.out) {
        if (Outcome failure = output.choose_out()) return *failure;
    }
    if (options.stream_report) {
        if (Outcome bad = output.check_file("--stream-report", *options.stream_report)) return *bad;
    }
    const bool shown = input.form == InputForm::kRequests && !output.lines_to_file_;
    output.lines_wanted_ =
        options.json || (!options.digest && !output.out_is_stdout_ && (shown || !options.out));
    if (is_image_type(*options.type)) {
        const std::string format = options.out && input.form == InputForm::kSingle
                                       ? format_of_ending(ending_of(*options.out))
                                       : "";
        for (TaskRequest& request : input.requests) {
            if (!format.empty() && !request.params.contains("output_format")) {
                request.params["output_format"] = format;
            }
            request.digest = options.digest;
        }
        if (options.digest) shape_for_digest(options, input);
    } else {
        for (TaskRequest& request : input.requests) request.digest = options.digest;
    }
    output.lines_.resize(input.requests.size());
    // Before anything is computed for it.
    if (input.form == InputForm::kDirectory && !options.out && !options.json && !options.digest) {
        const size_t count = input.requests.size();
        say(count_text(count, is_image_type(*options.type) ? "frame" : "file") +
            ": without --out DIRECTORY " + (count == 1 ? "its result is" : "their results are") +
            " not kept");
    }
    return output;
}

std::string ResultOutput::path_for(size_t index, const p2c2r_result* result) const {
    const TaskRequest& request = input_.requests[index];
    if (!out_is_directory_) return *options_.out;
    if (input_.form == InputForm::kRequests) {
        const std::string name = safe_name(request.id, index);
        const std::string ending = ending_of_result(result);
        return join_path(*options_.out, ending_of(name) == ending ? name : name + "." + ending);
    }
    return join_path(*options_.out, frame_name(request));
}

bool ResultOutput::take(size_t index, const TaskRecord& record, const p2c2r_result* result) {
    bool good = record.status == P2C2R_OK && result != nullptr;
    if (good) {
        good = take_success(index, result);
    } else {
        // What was cancelled was so by whoever reads this, and may be very many.
        if (record.status != P2C2R_E_CANCELLED) {
            tell_failure(record);
        }
        lines_[index] = "";
        const ordered_json line = {{"id", input_.requests[index].id},
                                   {"status", p2c2r_status_name(record.status)},
                                   {"error", record.error}};
        if (lines_to_file_) file_lines_.resize(input_.requests.size());
        if (lines_to_file_) file_lines_[index] = dump(line);
        if (lines_wanted_) lines_[index] = dump(line) + "\n";
    }
    print_ready();
    return good;
}

// Frames have one set of params: what is wrong with it is so for each of them, and is told once.
void ResultOutput::tell_failure(const TaskRecord& record) {
    const std::string why =
        std::string(p2c2r_status_name(record.status)) + ": " + printable(record.error);
    if (input_.form == InputForm::kDirectory && failures_[why]++ > 0) return;
    say(printable(record.name) + " failed: " + why);
}

bool ResultOutput::take_success(size_t index, const p2c2r_result* result) {
    const TaskRequest& request = input_.requests[index];
    const json fields = fields_of(result);
    ordered_json line = result_line(request.id, fields);
    size_t size = 0;
    const void* data = p2c2r_result_data(result, &size);
    // Only now: where nothing was done nothing new is left behind.
    if (out_is_directory_ && !is_made_) is_made_ = !make_directories(*options_.out).has_value();
    const bool to_file = options_.out && !lines_to_file_ && !request.pixels_only &&
                         (size > 0 || out_is_stdout_ || input_.form != InputForm::kRequests);
    bool good = true;
    if (to_file) {
        const std::string path = path_for(index, result);
        const Outcome failure =
            size > 0 ? keep(path, std::string_view(static_cast<const char*>(data), size))
                     : keep(path, dump(line) + "\n");
        if (failure) {
            // The next ones would be computed for nothing as well.
            const int error = errno;
            if (error == ENOSPC || error == EROFS || error == EDQUOT) takes_no_more_ = true;
            say(printable(request.name) +
                " was computed, but its result is not kept: " + printable(failure->text));
            good = false;
        } else {
            line["file"] = path;
            ++kept_;
        }
    } else if (size > 0 && (options_.json || input_.form == InputForm::kRequests)) {
        line["data"] = {{"$bytes", base64(data, size)}};
    } else if (size > 0 && !options_.digest && !options_.out && input_.form == InputForm::kSingle) {
        say(printable(request.name) + ": " + count_text(size, "byte") +
            " of result; --out FILE keeps " + (size == 1 ? "it" : "them"));
    }
    std::string text;
    if (request.digest) {
        const std::string device =
            fields.is_object() && fields.contains("device") && fields["device"].is_string()
                ? fields["device"].get<std::string>()
                : device_name_;
        p2c2r_status status = P2C2R_OK;
        if (const std::optional<std::string> digest = digest_line(result, device, status)) {
            text += *digest + "\n";
        } else {
            say(printable(request.name) + ": its result has no digest: " +
                p2c2r_status_name(status) + ": " + p2c2r_status_text(status));
            good = false;
        }
    }
    if (lines_to_file_ && !request.pixels_only) {
        file_lines_.resize(input_.requests.size());
        file_lines_[index] = dump(line);
    }
    if (lines_wanted_ && !request.pixels_only) text += dump(line) + "\n";
    lines_[index] = text;
    return good;
}

void ResultOutput::print_ready() {
    while (printed_ < lines_.size() && lines_[printed_]) {
        std::fputs(lines_[printed_]->c_str(), stdout);
        lines_[printed_]->clear();
        ++printed_;
    }
    std::fflush(stdout);
}

bool ResultOutput::finish() {
    for (const auto& [why, count] : failures_) {
        if (count < 2) continue;
        say(std::to_string(count - 1) + " more failed for the same reason" +
            (failures_.size() > 1 ? ": " + why : ""));
    }
    if (takes_no_more_) {
        const auto asked =
            std::count_if(input_.requests.begin(), input_.requests.end(),
                          [](const TaskRequest& request) { return !request.pixels_only; });
        std::fprintf(stderr,
                     "stopped: nothing more can be written to %s; %zu of %td results kept\n",
                     options_.out->c_str(), kept_, asked);
    }
    if (!lines_to_file_) return std::ferror(stdout) == 0;
    std::string text;
    for (const std::string& line : file_lines_) {
        if (!line.empty()) text += line + "\n";
    }
    const Outcome failure = write_file(*options_.out, text);
    if (!failure) return true;
    std::fprintf(stderr, "%s; the result lines follow on standard output\n", failure->text.c_str());
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
    return false;
}

}  // namespace p2c2r::cli
