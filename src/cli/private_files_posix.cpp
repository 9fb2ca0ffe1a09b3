// What only its owner may look at: directories that are closed from the beginning, and files that
// are refused when others can read them.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "cli/files.h"

namespace p2c2r::cli {

namespace {

constexpr size_t kPrivateFileMax = 64 * 1024;

Failure failure_of(const std::string& what, const std::string& why) {
    return Failure{kExitSomeFailed, what + ": " + why};
}

struct Closer {
    int descriptor;
    ~Closer() { ::close(descriptor); }
};

}  // namespace

Outcome make_private_directory(const std::string& path) {
    const std::string parent = std::filesystem::path(path).parent_path().string();
    if (!parent.empty()) {
        if (Outcome failure = make_directories(parent)) return failure;
    }
    // With this mode at once: nobody has a moment to open it.
    if (::mkdir(path.c_str(), 0700) == 0 || (errno == EEXIST && is_directory(path))) {
        return std::nullopt;
    }
    return failure_of("cannot make directory " + path, std::strerror(errno));
}

Result<std::string> read_private_file(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return failure_of("cannot read " + path, std::strerror(errno));
    const Closer closer{descriptor};
    struct stat about {};
    if (::fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode)) {
        return failure_of("cannot read " + path, "it is no regular file");
    }
    if ((about.st_mode & 0077) != 0) {
        char mode[8];
        std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(about.st_mode & 07777));
        return failure_of(path, std::string("others can read it (mode ") + mode +
                                    "); make it 0600 with chmod, and consider it known");
    }
    if (about.st_uid != ::geteuid()) return failure_of(path, "it belongs to another user");
    std::string text(kPrivateFileMax, '\0');
    size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read(descriptor, text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failure_of("cannot read " + path, std::strerror(errno));
        if (got == 0) break;
        size += static_cast<size_t>(got);
    }
    text.resize(size);
    return text;
}

Outcome check_new_file(const std::string& path) {
    const std::string parent = std::filesystem::path(path).parent_path().string();
    const std::string folder = parent.empty() ? "." : parent;
    std::error_code ignored;
    if (!std::filesystem::exists(folder, ignored)) {
        return usage_failure("cannot make '" + path + "': there is no folder '" + folder + "'");
    }
    if (!is_directory(folder)) {
        return usage_failure("cannot make '" + path + "': '" + folder + "' is no folder");
    }
    if (is_directory(path)) return usage_failure("cannot make '" + path + "': it is a folder");
    if (::access(folder.c_str(), W_OK | X_OK) != 0) {
        return usage_failure("cannot make '" + path + "': " + std::strerror(errno));
    }
    return std::nullopt;
}

Outcome make_private_file(const std::string& path, std::string_view text) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) return failure_of("cannot make " + path, std::strerror(errno));
    const Closer closer{descriptor};
    while (!text.empty()) {
        const ssize_t done = ::write(descriptor, text.data(), text.size());
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) {
            const int error = errno;
            ::unlink(path.c_str());
            return failure_of("cannot write " + path, std::strerror(error));
        }
        text.remove_prefix(static_cast<size_t>(done));
    }
    return std::nullopt;
}

}  // namespace p2c2r::cli
