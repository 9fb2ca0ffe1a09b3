#include "cli/folder_claim_posix.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "cli/files.h"

namespace p2c2r::cli {

namespace fs = std::filesystem;

namespace {

constexpr int kTriesMax = 8;  // each time another start that failed has just removed the folder

std::vector<std::string> missing_folders(const std::string& path) {
    std::vector<std::string> missing;
    for (fs::path at = fs::path(path); !at.empty() && !is_there(at.string());
         at = at.parent_path()) {
        missing.push_back(at.string());
        if (at == at.parent_path()) break;
    }
    return missing;
}

std::vector<std::string> names_in(const std::string& path) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
        names.push_back(at->path().filename().string());
    }
    return names;
}

bool lock(int descriptor, int how) {
    int done = 0;
    do {
        done = ::flock(descriptor, how);
    } while (done != 0 && errno == EINTR);
    return done == 0;
}

bool is_at(int descriptor, const std::string& path) {
    struct stat opened = {};
    struct stat named = {};
    return ::fstat(descriptor, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
           opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

}  // namespace

Result<FolderClaim> FolderClaim::take(const std::string& path) {
    FolderClaim claim;
    claim.path_ = path;
    for (int tries = 0; tries < kTriesMax; ++tries) {
        const std::vector<std::string> missing = missing_folders(path);
        if (Outcome failed = make_private_directory(path)) return *failed;
        if (!missing.empty()) claim.made_ = missing;
        const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        // A file system without locks: nothing is removed then.
        if (descriptor < 0 || !lock(descriptor, LOCK_SH)) {
            if (descriptor >= 0) ::close(descriptor);
            return claim;
        }
        if (is_at(descriptor, path)) {
            claim.descriptor_ = descriptor;
            claim.before_ = names_in(path);
            return claim;
        }
        ::close(descriptor);
    }
    return claim;
}

FolderClaim::FolderClaim(FolderClaim&& other) noexcept
    : path_(std::move(other.path_)),
      made_(std::move(other.made_)),
      before_(std::move(other.before_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      is_kept_(other.is_kept_),
      are_files_kept_(other.are_files_kept_) {}

FolderClaim::~FolderClaim() {
    if (descriptor_ < 0) return;
    if (!is_kept_ && lock(descriptor_, LOCK_EX | LOCK_NB)) undo();
    ::close(descriptor_);
}

// Folders go only where they are empty: what lies in one is not ours to judge.
void FolderClaim::undo() const {
    std::error_code ignored;
    for (const std::string& name : names_in(path_)) {
        if (std::find(before_.begin(), before_.end(), name) != before_.end()) continue;
        const fs::path path = fs::path(path_) / name;
        if (are_files_kept_ && !fs::is_directory(fs::symlink_status(path, ignored))) continue;
        fs::remove(path, ignored);
    }
    for (const std::string& folder : made_) ::rmdir(folder.c_str());
}

}  // namespace p2c2r::cli
