// How one command of this machine tells its running peers to pause: each process that helps holds a
// lock on a file of its own in peers/ of the machine's folder, and listens to signals.
//
// One whose folder is not there, or cannot be written, has its file in the folder for what runs:
// p2c2r/ in $XDG_RUNTIME_DIR, else in /run/user/UID, else /tmp/p2c2r-UID. Its first line names the
// folder that it would have had. With P2C2R_HOME a command means that folder's peers alone; without
// it, every one that it finds.
#pragma once

#include <cstddef>
#include <string>

#include "cli/failure.h"

namespace p2c2r::cli {

enum class PeerKind { kPeer, kHost };  // the latter coordinates for others as well

// Held by each process that helps, from before it takes tasks until it has ended.
class PeerLock {
  public:
    // Without any folder: not held, which is no failure.
    explicit PeerLock(PeerKind kind);
    ~PeerLock();
    PeerLock(const PeerLock&) = delete;
    PeerLock& operator=(const PeerLock&) = delete;
    // In the machine's own folder, where what was measured can be kept as well.
    [[nodiscard]] bool in_machine_folder() const { return in_machine_folder_; }
    // Why no command can reach this process, and what can; "": they can.
    [[nodiscard]] const std::string& unreachable() const { return unreachable_; }
    // How many other processes of this machine helped when this one began.
    [[nodiscard]] size_t others() const { return others_; }

  private:
    Outcome take(const std::string& folder, PeerKind kind);

    int descriptor_ = -1;
    bool in_machine_folder_ = false;
    std::string unreachable_;
    size_t others_ = 0;
    std::string path_;
};

enum class PeerWish { kPause, kResume, kStop };

struct PeersTold {
    size_t count = 0;
    size_t hosts = 0;  // of these
};

// Sends SIGUSR1 (pause), SIGUSR2 (resume) or SIGTERM (hand over what is done, then end) to every
// peer of this machine. Fails when there is none, or when one of them could not be told; the others
// have been.
Result<PeersTold> tell_peers(PeerWish wish);

}  // namespace p2c2r::cli
