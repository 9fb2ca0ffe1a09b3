// `p2c2r pause`, `resume` and `drain`: the owner's word to the peer that runs on this machine.
#include <cstdio>

#include "cli/commands.h"
#include "cli/peer_control_posix.h"

namespace p2c2r::cli {

namespace {

int run(const char* command, PeerWish wish, const char* told) {
    if (Outcome failed = tell_peer(wish)) return report(command, *failed);
    std::printf("%s\n", told);
    return kExitOk;
}

}  // namespace

void add_peer_control_commands(Command& root) {
    root.add_command("pause", "This machine's peer gives back its tasks and takes none", [] {
        return run("pause", PeerWish::kPause, "paused; p2c2r resume lets it help again");
    });
    root.add_command("resume", "It takes tasks again, as its mode has it",
                     [] { return run("resume", PeerWish::kResume, "resumed"); });
    root.add_command("drain", "It finishes what it has begun, then ends",
                     [] { return run("drain", PeerWish::kStop, "drains, then ends"); });
}

}  // namespace p2c2r::cli
