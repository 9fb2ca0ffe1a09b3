// Files that only their owner may read: keys, and the list of who may come in.
#pragma once

#include <memory>
#include <string>

#include "core/status.h"
#include "identity/access_list.h"

namespace p2c2r::identity {

inline constexpr size_t kSecretFileMax = 64u << 20;

// Errors name the file: kIo when it cannot be read, kDenied when others can read it as well or it
// is somebody else's, kSize above kSecretFileMax.
Result<std::string> read_secret_file(const std::string& path);
// The same without asking who else may read it.
Result<std::string> read_public_file(const std::string& path);

// A new file, mode 0600; kExists when there is one already.
Result<Done> make_secret_file(const std::string& path, const std::string& text);
// A new file that others may read, mode 0644.
Result<Done> make_public_file(const std::string& path, const std::string& text);
// In place of the old one, mode 0600: after a crash at any moment the file is the one or the other,
// and it is on the disk when this returns.
Result<Done> replace_secret_file(const std::string& path, const std::string& text);
// The same with mode 0644.
Result<Done> replace_public_file(const std::string& path, const std::string& text);
void remove_file(const std::string& path);
// Adds one line, made with mode 0600 if it is not there. One that would grow above `size_max` goes
// to PATH.1 before; where that cannot be, it grows.
Result<Done> append_secret_line(const std::string& path, const std::string& line,
                                uint64_t size_max);

// Held while this process alone may write a file: a lock on PATH.lock, which stays.
class FileLock {
  public:
    // kBusy when another one holds it.
    static Result<std::unique_ptr<FileLock>> take(const std::string& path);
    ~FileLock();
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;

  private:
    explicit FileLock(int descriptor) : descriptor_(descriptor) {}
    const int descriptor_;
};

// An access list in a file.
class AccessFile final : public AccessStore {
  public:
    explicit AccessFile(std::string path) : path_(std::move(path)) {}
    Result<Done> save(const std::string& text) override { return replace_secret_file(path_, text); }

  private:
    const std::string path_;
};

// An audit log in a file: one JSON object a line. What cannot be written is counted. A file that
// would become too large goes to PATH.1, in place of the one before it.
class AuditFile final : public AuditLog {
  public:
    static constexpr uint64_t kSizeMax = 16u << 20;

    explicit AuditFile(std::string path, uint64_t size_max = kSizeMax)
        : path_(std::move(path)), size_max_(size_max) {}
    void note(const AuditEntry& entry) override;
    [[nodiscard]] uint64_t lost() const override { return lost_; }
    [[nodiscard]] std::string why_lost() const override { return why_lost_; }

  private:
    const std::string path_;
    const uint64_t size_max_;
    uint64_t lost_ = 0;
    std::string why_lost_;
};

}  // namespace p2c2r::identity
