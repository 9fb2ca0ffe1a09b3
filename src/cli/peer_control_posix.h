// How one command of this machine tells its running peer to pause: the peer holds a lock on a file
// in the machine's folder that has its process id, and listens to signals.
#pragma once

#include "cli/failure.h"

namespace p2c2r::cli {

// Held by the peer while it runs. The first one of a folder has it; others are told by signals
// only.
class PeerLock {
  public:
    // Without a folder, or while another peer has it: not held, which is no failure.
    PeerLock();
    ~PeerLock();
    PeerLock(const PeerLock&) = delete;
    PeerLock& operator=(const PeerLock&) = delete;
    [[nodiscard]] bool held() const { return descriptor_ >= 0; }

  private:
    int descriptor_ = -1;
};

// Sends SIGUSR1 (pause), SIGUSR2 (resume) or SIGTERM (hand over what is done, then end) to the peer
// of this machine.
enum class PeerWish { kPause, kResume, kStop };
Outcome tell_peer(PeerWish wish);

}  // namespace p2c2r::cli
