// How one command of this machine tells its running peers to pause: each process that helps holds a
// lock on a file of its own in peers/ of the machine's folder, and listens to signals.
#pragma once

#include <cstddef>
#include <string>

#include "cli/failure.h"

namespace p2c2r::cli {

enum class PeerKind { kPeer, kHost };  // the latter coordinates for others as well

// Held by each process that helps, from before it takes tasks until it has ended.
class PeerLock {
  public:
    // Without a folder: not held, which is no failure.
    explicit PeerLock(PeerKind kind);
    ~PeerLock();
    PeerLock(const PeerLock&) = delete;
    PeerLock& operator=(const PeerLock&) = delete;
    [[nodiscard]] bool held() const { return descriptor_ >= 0; }
    // How many other processes of this machine helped when this one began.
    [[nodiscard]] size_t others() const { return others_; }

  private:
    int descriptor_ = -1;
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
