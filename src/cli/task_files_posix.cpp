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

// The directory in which a file is made before it gets its name.
std::string directory_of(const std::string& path) {
    std::error_code ignored;
    std::filesystem::path resolved = std::filesystem::canonical(path, ignored);
    if (ignored) resolved = path;
    const std::string parent = resolved.parent_path().string();
    return parent.empty() ? "." : parent;
}

}  // namespace

Outcome check_data(const std::string& path) {
    struct stat file = {};
    if (stat(path.c_str(), &file) != 0) return data_failure(path, errno);
    if (S_ISDIR(file.st_mode)) return data_failure(path, EISDIR);
    if (!S_ISREG(file.st_mode)) {
        return Failure{kExitSomeFailed, "cannot read " + path + ": it is not a regular file"};
    }
    const auto size = static_cast<uint64_t>(file.st_size);
    if (size > kTaskDataMax) {
        return Failure{kExitSomeFailed, path + " has " + std::to_string(size) +
                                            " bytes; a task takes at most " +
                                            std::to_string(kTaskDataMax) + " (64 MiB)"};
    }
    if (access(path.c_str(), R_OK) != 0) return data_failure(path, errno);
    return std::nullopt;
}

Result<std::string> read_data(const std::string& path) {
    if (Outcome bad = check_data(path)) return *bad;
    return read_file(path);
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
