#include "identity/secret_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "model/value_json.h"
#include "model/value_writer.h"

namespace p2c2r::identity {

namespace {

class File {
  public:
    explicit File(int descriptor) : descriptor_(descriptor) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
    [[nodiscard]] int descriptor() const { return descriptor_; }

  private:
    const int descriptor_;
};

// In the language of the C locale, whatever the host has set: it is not ours to read.
const char* words_of(int error) {
    switch (error) {
        case ENOENT:
            return "there is no such file";
        case EACCES:
        case EPERM:
            return "permission denied";
        case ENOSPC:
            return "the disk is full";
        case EISDIR:
            return "it is a directory";
        case ENOTDIR:
            return "a part of the path is no directory";
        case EROFS:
            return "the file system is read-only";
        case EEXIST:
            return "it is there already";
        default:
            return "the system refused";
    }
}

Error file_error(const std::string& path, const char* what, int error) {
    return make_error(error == EEXIST ? Status::kExists : Status::kIo,
                      "cannot " + std::string(what) + " '" + path + "': " + words_of(error));
}

std::string folder_of(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
}

Result<std::string> read_file(const std::string& path, bool is_secret) {
    const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.is_open()) return file_error(path, "read", errno);
    struct stat about {};
    if (::fstat(file.descriptor(), &about) != 0) return file_error(path, "read", errno);
    if (!S_ISREG(about.st_mode)) {
        return make_error(Status::kIo, "cannot read '" + path + "': it is no regular file");
    }
    if (is_secret && (about.st_mode & 0077) != 0) {
        char mode[8];
        std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(about.st_mode & 07777));
        return make_error(Status::kDenied, "'" + path + "' can be read by others (mode " + mode +
                                               "); make it 0600 with chmod, and consider it known");
    }
    if (is_secret && about.st_uid != ::geteuid()) {
        return make_error(Status::kDenied, "'" + path + "' belongs to another user");
    }
    std::string text;
    char piece[4096];
    for (;;) {
        const ssize_t size = ::read(file.descriptor(), piece, sizeof piece);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return file_error(path, "read", errno);
        if (size == 0) return text;
        text.append(piece, static_cast<size_t>(size));
        if (text.size() > kSecretFileMax) {
            return make_error(Status::kSize, "'" + path + "' has more than 64 MiB");
        }
    }
}

bool write_all(int descriptor, const std::string& text) {
    size_t at = 0;
    while (at < text.size()) {
        const ssize_t size = ::write(descriptor, text.data() + at, text.size() - at);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return false;
        at += static_cast<size_t>(size);
    }
    return true;
}

Result<Done> make_file(const std::string& path, const std::string& text, mode_t mode) {
    const File file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file.is_open()) {
        const int error = errno;
        struct stat about {};
        const std::string folder = folder_of(path);
        if (error == ENOENT && ::stat(folder.c_str(), &about) != 0) {
            return make_error(Status::kIo,
                              "cannot make '" + path + "': there is no folder '" + folder + "'");
        }
        return file_error(path, "make", error);
    }
    if (!write_all(file.descriptor(), text) || ::fsync(file.descriptor()) != 0) {
        const int error = errno;
        ::unlink(path.c_str());
        return file_error(path, "write", error);
    }
    return Done{};
}

Result<Done> replace_file(const std::string& path, const std::string& text, mode_t mode) {
    const std::string fresh = path + ".new";
    ::unlink(fresh.c_str());  // of a run that was cut short
    if (Result<Done> made = make_file(fresh, text, mode); !made) return made;
    // The new name is on the disk once its directory is.
    const File folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.is_open()) return file_error(path, "replace", errno);
    if (::rename(fresh.c_str(), path.c_str()) != 0) {
        const int error = errno;
        ::unlink(fresh.c_str());
        return file_error(path, "replace", error);
    }
    if (::fsync(folder.descriptor()) != 0) {
        return file_error(path, "replace", errno);
    }
    return Done{};
}

}  // namespace

Result<std::string> read_secret_file(const std::string& path) {
    return read_file(path, true);
}

Result<std::string> read_public_file(const std::string& path) {
    return read_file(path, false);
}

Result<Done> make_secret_file(const std::string& path, const std::string& text) {
    return make_file(path, text, 0600);
}

Result<Done> make_public_file(const std::string& path, const std::string& text) {
    return make_file(path, text, 0644);
}

Result<Done> replace_secret_file(const std::string& path, const std::string& text) {
    return replace_file(path, text, 0600);
}

Result<Done> replace_public_file(const std::string& path, const std::string& text) {
    return replace_file(path, text, 0644);
}

void remove_file(const std::string& path) {
    ::unlink(path.c_str());
}

Result<Done> append_secret_line(const std::string& path, const std::string& line,
                                uint64_t size_max) {
    struct stat about {};
    if (::lstat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0 &&
        static_cast<uint64_t>(about.st_size) + line.size() + 1 > size_max) {
        (void)::rename(path.c_str(), (path + ".1").c_str());
    }
    const File file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.is_open()) return file_error(path, "write", errno);
    if (!write_all(file.descriptor(), line + "\n")) return file_error(path, "write", errno);
    return Done{};
}

Result<std::unique_ptr<FileLock>> FileLock::take(const std::string& path) {
    const std::string name = path + ".lock";
    const int descriptor = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return file_error(name, "lock", errno);
    std::unique_ptr<FileLock> lock(new FileLock(descriptor));
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return lock;
    return make_error(Status::kBusy, "'" + path + "' is used by another coordinator");
}

FileLock::~FileLock() {
    ::close(descriptor_);
}

void AuditFile::note(const AuditEntry& entry) {
    ValueWriter writer;
    writer.map(6).key("at_ms").unsigned_integer(entry.at_ms).key("what").text(entry.what);
    writer.key("account").text(entry.account).key("address").text(entry.address);
    writer.key("detail").text(entry.detail).key("by").text(entry.by);
    const Bytes encoded = writer.take();
    const Result<Done> added = append_secret_line(path_, *value_to_json(encoded.span()), size_max_);
    if (added) return;
    ++lost_;
    why_lost_ = added.error().text;
}

}  // namespace p2c2r::identity
