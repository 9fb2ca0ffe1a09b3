// Files that tasks read and write, looked at before anything is sent: what is wrong with them is
// wrong usage, and no result may replace what it comes from.
#pragma once

#include <string>
#include <vector>

#include "cli/task_request.h"

namespace p2c2r::cli {

// The bytes of a task: a regular file of at most 64 MiB, what the library takes. A pipe, a device
// or a larger file is refused without being opened.
Outcome check_data(const std::string& path);
Result<std::string> read_data(const std::string& path);

// A text that is read whole for `option`, of at most kTextMax bytes: what is larger, or no regular
// file, is refused without being opened.
inline constexpr uint64_t kTextMax = 64ull << 20;
Result<std::string> read_text(const std::string& option, const std::string& path);

// A directory that is there and can be written to, or that could be made with all above it.
Outcome check_makeable(const std::string& option, const std::string& path);
// A file, or a directory that is there, in which write_file() could write; `option` is what errors
// name.
Outcome check_writable(const std::string& option, const std::string& path);

// None of `targets`, by whatever name or link, is a file that the tasks come from.
Outcome check_not_read(const std::string& option, const std::vector<std::string>& targets,
                       const TaskOptions& options, const TaskInput& input);
// The same of directories: true when both names lead to one.
bool is_same_directory(const std::string& one, const std::string& other);

}  // namespace p2c2r::cli
