#include "cli/peer_control_posix.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <vector>

#include "cli/files.h"
#include "cli/machine.h"

namespace p2c2r::cli {

namespace {

constexpr const char* kLocksFolder = "peers";
constexpr const char* kHostWord = "host";
constexpr int kTriesMax = 8;
constexpr size_t kTextMax = 8192;  // a path and some words

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
    std::string machine;  // folder that it has, or would have
};

// "123 host /home/anna/.config/p2c2r"
std::string text_of(PeerKind kind) {
    return std::to_string(::getpid()) + (kind == PeerKind::kHost ? " host " : " peer ") +
           known_machine_folder() + "\n";
}

RunningPeer peer_of(const std::string& text) {
    std::istringstream words(text);
    long id = 0;
    std::string kind;
    RunningPeer peer;
    words >> id >> kind;
    std::getline(words >> std::ws, peer.machine);
    peer.id = static_cast<pid_t>(id);
    peer.hosts = kind == kHostWord;
    return peer;
}

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
            std::string text(kTextMax, '\0');
            const ssize_t size = ::pread(descriptor, text.data(), text.size(), 0);
            text.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
            RunningPeer peer = peer_of(text);
            if (peer.id > 1) peers.push_back(std::move(peer));
        }
        ::close(descriptor);
    }
    return peers;
}

std::string run_time_folder() {
    const char* given = std::getenv("XDG_RUNTIME_DIR");
    if (given && *given) return join_path(given, "p2c2r");
    const std::string user = std::to_string(::geteuid());
    const std::string usual = "/run/user/" + user;
    return is_directory(usual) ? join_path(usual, "p2c2r") : "/tmp/p2c2r-" + user;
}

// Others can write where it lies, in /tmp: whoever made it first may not be this user.
Outcome check_own(const std::string& folder) {
    struct stat about = {};
    if (::lstat(folder.c_str(), &about) != 0) {
        return Failure{kExitSomeFailed, folder + ": " + std::strerror(errno)};
    }
    if (!S_ISDIR(about.st_mode) || about.st_uid != ::geteuid() || (about.st_mode & 0077) != 0) {
        return Failure{kExitSomeFailed, folder + " is not a folder of this user alone"};
    }
    return std::nullopt;
}

// Those in the folder for what runs that a command from here means.
std::vector<RunningPeer> peers_without_folder() {
    const std::string folder = run_time_folder();
    std::vector<RunningPeer> peers;
    if (!is_directory(folder) || check_own(folder)) return peers;
    peers = running_peers(folder);
    const char* home = std::getenv("P2C2R_HOME");
    if (home && *home) {
        std::erase_if(peers, [&](const RunningPeer& peer) { return peer.machine != home; });
    }
    return peers;
}

}  // namespace

PeerLock::PeerLock(PeerKind kind) {
    const std::string machine = known_machine_folder();
    std::string why = "there is no folder of this machine";
    others_ = peers_without_folder().size();
    if (!machine.empty() && is_directory(machine)) {
        const std::string folder = join_path(machine, kLocksFolder);
        others_ += running_peers(folder).size();
        const Outcome failed = take(folder, kind);
        in_machine_folder_ = !failed;
        if (!failed) return;
        why = failed->text;
    }
    const std::string folder = run_time_folder();
    Outcome failed = make_private_directory(folder);
    if (!failed) failed = check_own(folder);
    if (!failed) failed = take(folder, kind);
    if (!failed) return;
    const std::string own = std::to_string(::getpid());
    unreachable_ = "p2c2r pause, resume and drain cannot reach this peer: " + why + "; " +
                   failed->text + ". kill -USR1 " + own + " pauses it, -USR2 resumes, -TERM drains";
}

Outcome PeerLock::take(const std::string& folder, PeerKind kind) {
    if (Outcome failed = make_private_directory(folder)) return failed;
    path_ = join_path(folder, std::to_string(::getpid()));
    errno = 0;
    const int descriptor = open_lock(path_);
    const auto failure = [&] {
        return Failure{kExitSomeFailed, "cannot write " + path_ + ": " + std::strerror(errno)};
    };
    if (descriptor < 0) return failure();
    const std::string text = text_of(kind);
    if (::ftruncate(descriptor, 0) != 0 ||
        ::pwrite(descriptor, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
        const Failure failed = failure();
        ::unlink(path_.c_str());
        ::close(descriptor);
        return failed;
    }
    descriptor_ = descriptor;
    return std::nullopt;
}

PeerLock::~PeerLock() {
    if (descriptor_ < 0) return;
    ::unlink(path_.c_str());
    ::close(descriptor_);
}

Result<PeersTold> tell_peers(PeerWish wish) {
    const std::string machine = known_machine_folder();
    std::vector<RunningPeer> peers;
    if (!machine.empty()) peers = running_peers(join_path(machine, kLocksFolder));
    for (RunningPeer& peer : peers_without_folder()) peers.push_back(std::move(peer));
    const int number = wish == PeerWish::kPause    ? SIGUSR1
                       : wish == PeerWish::kResume ? SIGUSR2
                                                   : SIGTERM;
    PeersTold told;
    std::string untold;
    for (const RunningPeer& peer : peers) {
        if (::kill(peer.id, number) == 0) {
            ++told.count;
            told.hosts += peer.hosts ? 1 : 0;
        } else if (errno != ESRCH) {  // it has ended meanwhile
            untold += (untold.empty() ? "peer " : "; peer ") + std::to_string(peer.id) +
                      " cannot be told: " + std::strerror(errno);
        }
    }
    if (!untold.empty()) return Failure{kExitSomeFailed, untold};
    if (told.count == 0) {
        const char* home = std::getenv("P2C2R_HOME");
        const std::string where =
            home && *home ? " with P2C2R_HOME " + std::string(home) : " of this user";
        return Failure{kExitUnreachable,
                       "no peer of this machine runs" + where +
                           "; one that is another user's, or has another P2C2R_HOME, is reached "
                           "from there, or by kill -USR1 (pause), -USR2 (resume) or -TERM (drain) "
                           "and the number of its process"};
    }
    return told;
}

}  // namespace p2c2r::cli
