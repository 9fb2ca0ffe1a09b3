#include "cli/peer_control_posix.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "cli/files.h"
#include "cli/machine.h"

namespace p2c2r::cli {

namespace {

constexpr const char* kLocksFolder = "peers";
constexpr const char* kHostWord = "host";
constexpr int kTriesMax = 8;

// Whoever cleans up may have removed it between opening and locking.
bool is_still_at(int descriptor, const std::string& path) {
    struct stat opened = {};
    struct stat named = {};
    return ::fstat(descriptor, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 &&
           opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

int open_lock(const std::string& path) {
    for (int tries = 0; tries < kTriesMax; ++tries) {
        const int descriptor =
            ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (descriptor < 0) return -1;
        if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0 && is_still_at(descriptor, path)) {
            return descriptor;
        }
        ::close(descriptor);
        ::usleep(1000);  // whoever looks at it holds it for less than that
    }
    return -1;
}

struct RunningPeer {
    pid_t id = 0;
    bool hosts = false;
};

// Only while its lock is held is the number in a file that of a peer. A file that nobody holds was
// left by one that was killed, and goes.
std::vector<RunningPeer> running_peers(const std::string& folder) {
    std::vector<RunningPeer> peers;
    const Result<std::vector<std::string>> names = list_files(folder);
    if (!names) return peers;
    for (const std::string& name : *names) {
        const std::string path = join_path(folder, name);
        const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (descriptor < 0) continue;
        if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
            if (is_still_at(descriptor, path)) ::unlink(path.c_str());
        } else if (errno == EWOULDBLOCK) {
            char text[64] = "";
            const ssize_t size = ::pread(descriptor, text, sizeof text - 1, 0);
            char* rest = text;
            const long id = size > 0 ? std::strtol(text, &rest, 10) : 0;
            const bool hosts = std::strstr(rest, kHostWord) != nullptr;
            if (id > 1) peers.push_back({static_cast<pid_t>(id), hosts});
        }
        ::close(descriptor);
    }
    return peers;
}

}  // namespace

PeerLock::PeerLock(PeerKind kind) {
    const Result<std::string> machine = machine_folder_if_there();
    if (!machine || machine->empty()) return;
    const std::string folder = join_path(*machine, kLocksFolder);
    if (make_private_directory(folder)) return;
    others_ = running_peers(folder).size();
    const std::string own = std::to_string(::getpid());
    path_ = join_path(folder, own);
    const int descriptor = open_lock(path_);
    if (descriptor < 0) return;
    const std::string text = own + (kind == PeerKind::kHost ? " host\n" : " peer\n");
    if (::ftruncate(descriptor, 0) != 0 ||
        ::pwrite(descriptor, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
        ::close(descriptor);
        return;
    }
    descriptor_ = descriptor;
}

PeerLock::~PeerLock() {
    if (descriptor_ < 0) return;
    ::unlink(path_.c_str());
    ::close(descriptor_);
}

Result<PeersTold> tell_peers(PeerWish wish) {
    const Result<std::string> machine = machine_folder_if_there();
    if (!machine) return machine.failure();
    const std::string folder = machine->empty() ? "" : join_path(*machine, kLocksFolder);
    const int number = wish == PeerWish::kPause    ? SIGUSR1
                       : wish == PeerWish::kResume ? SIGUSR2
                                                   : SIGTERM;
    PeersTold told;
    std::string untold;
    if (!folder.empty() && is_directory(folder)) {
        for (const RunningPeer& peer : running_peers(folder)) {
            if (::kill(peer.id, number) == 0) {
                ++told.count;
                told.hosts += peer.hosts ? 1 : 0;
            } else if (errno != ESRCH) {  // it has ended meanwhile
                untold += (untold.empty() ? "peer " : "; peer ") + std::to_string(peer.id) +
                          " cannot be told: " + std::strerror(errno);
            }
        }
    }
    if (!untold.empty()) return Failure{kExitSomeFailed, untold};
    if (told.count == 0) return Failure{kExitUnreachable, "no peer of this machine runs"};
    return told;
}

}  // namespace p2c2r::cli
