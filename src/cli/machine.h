// What this machine remembers: who it is, and which coordinators it has joined. All of it lies in
// one folder that only its owner can read: $P2C2R_HOME, else $XDG_CONFIG_HOME/p2c2r, else
// ~/.config/p2c2r.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/failure.h"
#include "cli/guest_hosts.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::cli {

// Where the folder is, or would be.
Result<std::string> machine_folder_path();
// The folder, made if it is not there.
Result<std::string> machine_folder();
// The same; "": not even that is known.
std::string known_machine_folder();
// "": it is not there, or there is no place for it.
Result<std::string> machine_folder_if_there();

struct Identity {
    std::string file;        // its private key
    std::string public_key;  // hex
    std::string pin;         // hex
};
// The machine's own key, made at the first call.
Result<Identity> machine_identity(p2c2r_runtime* runtime);
// The key in this file; made, with a certificate beside it, if `certificate_file` is given and
// neither is there.
Result<Identity> open_identity(p2c2r_runtime* runtime, const std::string& file,
                               const std::string& certificate_file = {});

// A coordinator that has let this machine in.
struct Joined {
    std::string name;  // what this machine is called there
    // Where it may be, the place that answered last first; never empty.
    std::vector<std::string> urls;
    std::string pin;  // hex; "": in plaintext, on loopback
    bool gamer = false;
    bool peer = false;
    Reach reach{};  // of one that this machine itself runs, as its last start left it
};
// The last joined comes first. Empty when there is none, or no folder.
Result<std::vector<Joined>> joined_coordinators();
// The one of this URL answered: the next time it is tried first. Nothing happens where it is first
// already, or belongs to nothing that was joined.
Outcome remember_place(const std::string& url, const std::string& pin);
// Puts it first; an entry of the same pin, or in plaintext of the same URL, is replaced.
Outcome remember_coordinator(const Joined& joined);

}  // namespace p2c2r::cli
