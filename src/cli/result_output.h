// Where results go: files, result lines, digest lines. Lines come out in the order of the requests,
// whatever the order of the ends; files are written as results come.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/task_request.h"
#include "cli/task_stream.h"

namespace p2c2r::cli {

class ResultOutput {
  public:
    // Where --out leads: the file of one result, or "-", standard output; the directory of several,
    // which is made for the first of them; or FILE.jsonl, the result lines of requests. Gives
    // the requests the output_format that --out and --digest ask for; with --digest of pixels that
    // a file would only hold lossily, adds a request that asks for the pixels themselves.
    // What could not be written, or would replace what is read here, is a usage failure.
    static Result<ResultOutput> prepare(const TaskOptions& options, TaskInput& input);
    // What computes here: digest lines name it where a result does not.
    void set_device_name(std::string name) { device_name_ = std::move(name); }

    // True: it succeeded, and what was asked for is written.
    bool take(size_t index, const TaskRecord& record, const p2c2r_result* result);
    // After the last one. False: the file of result lines could not be written; the lines are then
    // on standard output.
    bool finish();
    // Becomes true when a result found no room, or nothing can be written there at all.
    const bool& takes_no_more() const { return takes_no_more_; }

  private:
    ResultOutput(const TaskOptions& options, const TaskInput& input);

    Outcome choose_out();
    Outcome check_file(const std::string& option, const std::string& path) const;
    void tell_failure(const TaskRecord& record);
    bool take_success(size_t index, const p2c2r_result* result);
    Outcome keep(const std::string& path, std::string_view bytes) const;
    std::string path_for(size_t index, const p2c2r_result* result) const;
    void print_ready();

    const TaskOptions& options_;
    std::string device_name_;
    const TaskInput& input_;
    bool out_is_stdout_ = false;
    bool out_is_directory_ = false;
    bool is_made_ = false;  // that directory
    bool lines_to_file_ = false;
    bool lines_wanted_ = false;
    std::vector<std::optional<std::string>> lines_;  // by request; set once it has ended
    std::vector<std::string> file_lines_;
    std::map<std::string, size_t> failures_;  // of frames: how many failed for that
    size_t printed_ = 0;
    size_t kept_ = 0;
    bool takes_no_more_ = false;
};

std::string base64(const void* data, size_t size);

}  // namespace p2c2r::cli
