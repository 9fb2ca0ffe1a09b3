// `p2c2r pause`, `resume` and `drain`: the owner's word to the peers that run on this machine.
#include <cstdio>
#include <string>

#include "cli/commands.h"
#include "cli/peer_control_posix.h"

namespace p2c2r::cli {

namespace {

// `word` for one of them, "2 peers WORDS" for more.
std::string said_of(const PeersTold& told, const char* word, const char* words) {
    if (told.count == 1) return word;
    return std::to_string(told.count) + " peers " + words;
}

int run_wish(const char* command, PeerWish wish) {
    const Result<PeersTold> told = tell_peers(wish);
    if (!told) return report(command, told.failure());
    std::string text;
    switch (wish) {
        case PeerWish::kPause:
            text = said_of(*told, "paused; p2c2r resume lets it help again",
                           "paused; p2c2r resume lets them help again");
            break;
        case PeerWish::kResume:
            text = said_of(*told, "resumed", "resumed");
            break;
        case PeerWish::kStop:
            text = said_of(*told, "drains, then ends", "drain, then end");
            if (told->hosts > 0) {
                text +=
                    ": this machine also coordinates for others, and that ends with it (p2c2r "
                    "pause stops only the help)";
            }
            break;
    }
    std::printf("%s\n", text.c_str());
    return kExitOk;
}

}  // namespace

void add_peer_control_commands(Command& root) {
    root.add_command("pause", "Every peer of this machine gives back its tasks and takes none",
                     [] { return run_wish("pause", PeerWish::kPause); });
    root.add_command("resume", "They take tasks again, as their mode has it",
                     [] { return run_wish("resume", PeerWish::kResume); });
    root.add_command("drain",
                     "Every peer of this machine finishes what it has begun, then ends; a host "
                     "with it, which then coordinates for nobody (pause stops only the help)",
                     [] { return run_wish("drain", PeerWish::kStop); });
}

}  // namespace p2c2r::cli
