#include "cli/peer_control_posix.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "cli/files.h"
#include "cli/machine.h"

namespace p2c2r::cli {

namespace {

constexpr const char* kLockFile = "peer.lock";

}  // namespace

PeerLock::PeerLock() {
    const Result<std::string> folder = machine_folder_if_there();
    if (!folder || folder->empty()) return;
    const std::string path = join_path(*folder, kLockFile);
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return;
    const std::string id = std::to_string(::getpid()) + "\n";
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 || ::ftruncate(descriptor, 0) != 0 ||
        ::pwrite(descriptor, id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) {
        ::close(descriptor);
        return;
    }
    descriptor_ = descriptor;
}

PeerLock::~PeerLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Outcome tell_peer(PeerWish wish) {
    const Failure none{kExitUnreachable, "no peer of this machine runs"};
    const Result<std::string> folder = machine_folder_if_there();
    if (!folder) return folder.failure();
    if (folder->empty()) return none;
    const std::string path = join_path(*folder, kLockFile);
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) return none;
    char text[32] = "";
    const ssize_t size = ::pread(descriptor, text, sizeof text - 1, 0);
    // Only while the lock is held is the number that of a peer.
    const bool runs = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ::close(descriptor);
    const long id = size > 0 ? std::strtol(text, nullptr, 10) : 0;
    if (!runs || id <= 1) return none;
    const int number = wish == PeerWish::kPause    ? SIGUSR1
                       : wish == PeerWish::kResume ? SIGUSR2
                                                   : SIGTERM;
    if (::kill(static_cast<pid_t>(id), number) != 0) {
        return Failure{kExitSomeFailed,
                       "peer " + std::to_string(id) + " cannot be told: " + std::strerror(errno)};
    }
    return std::nullopt;
}

}  // namespace p2c2r::cli
