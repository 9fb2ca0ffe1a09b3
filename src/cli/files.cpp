#include "cli/files.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

namespace p2c2r::cli {

namespace fs = std::filesystem;

namespace {

struct FileCloser {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

Failure file_failure(const char* doing, const std::string& path, int error) {
    return {kExitSomeFailed,
            std::string("cannot ") + doing + " " + path + ": " + std::strerror(error)};
}

// The system's reason, or 0.
int write_all(const std::string& path, std::span<const uint8_t> bytes) {
    std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "wb"));
    if (!file) return errno;
    // The buffered rest is written by fflush, so that a full disk shows here and not in fclose.
    int error = 0;
    if (std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size() ||
        std::fflush(file.get()) != 0) {
        error = errno;
    }
    if (std::fclose(file.release()) != 0 && error == 0) error = errno;
    return error;
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
    if (is_directory(path)) return file_failure("read", path, EISDIR);
    std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "rb"));
    if (!file) return file_failure("read", path, errno);
    std::string bytes;
    std::error_code ignored;
    const auto expected = fs::file_size(path, ignored);
    if (!ignored && expected < (1u << 30)) bytes.reserve(static_cast<size_t>(expected));
    char block[64 * 1024];
    while (const size_t got = std::fread(block, 1, sizeof block, file.get())) {
        bytes.append(block, got);
    }
    if (std::ferror(file.get())) return file_failure("read", path, errno);
    return bytes;
}

Outcome write_file(const std::string& path, std::span<const uint8_t> bytes) {
    std::error_code ignored;
    const fs::file_status there = fs::status(path, ignored);
    switch (there.type()) {
        case fs::file_type::character:
        case fs::file_type::fifo:
            // What stands there stays: whoever names it wants the bytes to go in.
            if (const int error = write_all(path, bytes)) return file_failure("write", path, error);
            return std::nullopt;
        case fs::file_type::block:
        case fs::file_type::socket:
            return Failure{kExitSomeFailed, "cannot write " + path + ": it is no file"};
        default:
            break;
    }
    const bool replaces = fs::is_regular_file(there);
    if (replaces) {
        // Also where renaming would go round it, what must not be written is not.
        const std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "r+b"));
        if (!file) return file_failure("write", path, errno);
    }
    // A link goes on leading where it did.
    const fs::path resolved = replaces ? fs::canonical(path, ignored) : fs::path(path);
    const std::string target = resolved.empty() ? path : resolved.string();
    // Several writes of one process may aim at one directory at the same time.
    static std::atomic<uint32_t> counter{0};
    const std::string temporary =
        target + ".part" + std::to_string(p2c2r_now_us()) + "_" + std::to_string(counter++);
    int error = 0;
    if (replaces) {  // nobody reads it meanwhile who could not before
        error = write_all(temporary, {});
        fs::permissions(temporary, there.permissions(), ignored);
    }
    if (error == 0) error = write_all(temporary, bytes);
    if (error == 0 && std::rename(temporary.c_str(), target.c_str()) != 0) error = errno;
    if (error == 0) return std::nullopt;
    std::remove(temporary.c_str());
    Failure failure = file_failure("write", path, error);
    errno = error;
    return failure;
}

Outcome write_file(const std::string& path, std::string_view text) {
    return write_file(path, std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

Outcome make_directories(const std::string& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (!error && is_directory(path)) return std::nullopt;
    // A full disk may be less full the next time; the others are about the name that was given.
    const bool is_full = error == std::errc::no_space_on_device || error == std::errc::io_error;
    return Failure{is_full ? kExitSomeFailed : kExitUsage,
                   "cannot make directory " + path + ": " +
                       (error ? error.message() : "a file has that name")};
}

Outcome make_empty_directory(const std::string& path) {
    if (Outcome failure = make_directories(path)) return failure;
    Result<std::vector<std::string>> names = list_files(path);
    if (!names) return names.failure();
    for (const std::string& name : *names) {
        std::error_code error;
        fs::remove(fs::path(path) / name, error);
        if (error) {
            return Failure{kExitSomeFailed,
                           "cannot remove " + join_path(path, name) + ": " + error.message()};
        }
    }
    return std::nullopt;
}

bool is_there(const std::string& path) {
    std::error_code ignored;
    return fs::exists(path, ignored);
}

Result<bool> looks_there(const std::string& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (status.type() == fs::file_type::none) return file_failure("read", path, error.value());
    // A link that leads nowhere is there, and cannot be read.
    return status.type() != fs::file_type::not_found || fs::is_symlink(path, error);
}

bool is_directory(const std::string& path) {
    std::error_code ignored;
    return fs::is_directory(path, ignored);
}

Result<std::vector<std::string>> list_files(const std::string& directory) {
    std::vector<std::string> names;
    std::error_code error;
    fs::directory_iterator entries(directory, error);
    for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
        std::error_code ignored;
        const std::string name = entries->path().filename().string();
        if (name[0] != '.' && entries->is_regular_file(ignored)) names.push_back(name);
    }
    if (error) {
        return Failure{kExitSomeFailed, "cannot list " + directory + ": " + error.message()};
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string join_path(const std::string& directory, const std::string& name) {
    return (fs::path(directory) / name).string();
}

std::string file_name(const std::string& path) {
    return fs::path(path).filename().string();
}

std::string ending_of(const std::string& path) {
    std::string ending = fs::path(path).extension().string();
    if (!ending.empty()) ending.erase(0, 1);
    for (char& letter : ending) {
        letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    }
    return ending;
}

std::string without_ending(const std::string& path) {
    return fs::path(path).replace_extension().string();
}

}  // namespace p2c2r::cli
