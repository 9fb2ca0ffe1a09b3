#include "cli/task_files_posix.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>

#include "cli/files.h"

namespace p2c2r::cli {

namespace {

constexpr uint64_t kTaskDataMax = 64ull << 20;

Failure data_failure(const std::string& path, int error) {
    return {kExitSomeFailed, "cannot read " + path + ": " + std::strerror(error)};
}

Failure cannot_write(const std::string& option, const std::string& path, int error) {
    return usage_failure(option + ": cannot write " + path + ": " + std::strerror(error));
}

Failure cannot_make(const std::string& option, const std::string& path, int error) {
    return usage_failure(option + ": cannot make directory " + path + ": " + std::strerror(error));
}

// The directory in which a file is made before it gets its name.
std::string directory_of(const std::string& path) {
    std::error_code ignored;
    std::filesystem::path resolved = std::filesystem::canonical(path, ignored);
    if (ignored) resolved = path;
    const std::string parent = resolved.parent_path().string();
    return parent.empty() ? "." : parent;
}

// `taker` is what takes so much at most: "a task".
Outcome check_readable(const std::string& path, const std::string& taker, uint64_t size_max) {
    struct stat file = {};
    if (stat(path.c_str(), &file) != 0) return data_failure(path, errno);
    if (S_ISDIR(file.st_mode)) return data_failure(path, EISDIR);
    if (!S_ISREG(file.st_mode)) {
        return Failure{kExitSomeFailed, "cannot read " + path + ": it is not a regular file"};
    }
    const auto size = static_cast<uint64_t>(file.st_size);
    if (size > size_max) {
        return Failure{kExitSomeFailed, path + " has " + std::to_string(size) + " bytes; " + taker +
                                            " takes at most " + std::to_string(size_max) + " (" +
                                            std::to_string(size_max >> 20) + " MiB)"};
    }
    if (access(path.c_str(), R_OK) != 0) return data_failure(path, errno);
    return std::nullopt;
}

}  // namespace

Outcome check_data(const std::string& path) {
    return check_readable(path, "a task", kTaskDataMax);
}

Result<std::string> read_text(const std::string& option, const std::string& path) {
    if (Outcome bad = check_readable(path, option, kTextMax)) {
        return usage_failure(option + ": " + bad->text);
    }
    Result<std::string> text = read_file(path);
    if (!text) return usage_failure(option + ": " + text.failure().text);
    return text;
}

Result<std::string> read_data(const std::string& path) {
    if (Outcome bad = check_data(path)) return *bad;
    return read_file(path);
}

Outcome check_makeable(const std::string& option, const std::string& path) {
    std::error_code error;
    std::filesystem::path there = std::filesystem::absolute(path, error).lexically_normal();
    if (!there.has_filename()) there = there.parent_path();  // "out/"
    for (;;) {
        // A link that leads nowhere is there, and no directory can be made in its place.
        const auto status = std::filesystem::symlink_status(there, error);
        if (status.type() != std::filesystem::file_type::not_found) break;
        const std::filesystem::path above = there.parent_path();
        if (above == there) break;
        there = above;
    }
    struct stat file = {};
    if (stat(there.c_str(), &file) != 0) return cannot_make(option, path, errno);
    if (!S_ISDIR(file.st_mode)) return cannot_make(option, path, ENOTDIR);
    if (access(there.c_str(), W_OK | X_OK) != 0) return cannot_make(option, path, errno);
    return std::nullopt;
}

Outcome check_writable(const std::string& option, const std::string& path) {
    if (path.empty()) return usage_failure(option + " is empty; give a name");
    struct stat file = {};
    const bool exists = stat(path.c_str(), &file) == 0;
    if (!exists && errno != ENOENT) return cannot_write(option, path, errno);
    if (exists && access(path.c_str(), W_OK) != 0) return cannot_write(option, path, errno);
    if (exists && S_ISDIR(file.st_mode)) {
        return access(path.c_str(), X_OK) == 0 ? std::nullopt
                                               : Outcome(cannot_write(option, path, errno));
    }
    if (exists && !S_ISREG(file.st_mode)) return std::nullopt;  // written into as it stands
    if (access(directory_of(path).c_str(), W_OK | X_OK) == 0) return std::nullopt;
    return cannot_write(option, path, errno);
}

Outcome check_not_read(const std::string& option, const std::vector<std::string>& targets,
                       const TaskOptions& options, const TaskInput& input) {
    std::map<std::pair<dev_t, ino_t>, std::string> read;
    const auto add = [&](const std::string& path) {
        struct stat file = {};
        if (!path.empty() && stat(path.c_str(), &file) == 0 && S_ISREG(file.st_mode)) {
            read.try_emplace({file.st_dev, file.st_ino}, path);
        }
    };
    for (const TaskRequest& request : input.requests) add(request.data_path);
    if (options.requests) add(*options.requests);
    if (options.params && options.params->starts_with('@')) add(options.params->substr(1));
    for (const std::string& target : targets) {
        struct stat file = {};
        if (stat(target.c_str(), &file) != 0) continue;
        const auto same = read.find({file.st_dev, file.st_ino});
        if (same == read.end()) continue;
        return usage_failure(option + ": " + target + " would replace " + same->second +
                             ", which is read here; give another place");
    }
    return std::nullopt;
}

bool is_same_directory(const std::string& one, const std::string& other) {
    std::error_code ignored;
    return std::filesystem::equivalent(one, other, ignored);
}

}  // namespace p2c2r::cli
