// The coordinator that `coordinator` and `host` run in this process: started from their settings,
// asked without a connection, and with the key of this machine as its admin.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/handles.h"
#include "cli/log_writer.h"
#include "cli/settings.h"

namespace p2c2r::cli {

// What the two commands do not take from the same settings.
struct CoordinatorPlace {
    std::string listen_address;
    uint32_t prometheus_port = P2C2R_NONE;
    std::string certificate_file;  // "": plaintext
    std::string key_file;
    std::string access_file;               // "": whoever comes
    std::string audit_file;                // "": none
    std::vector<std::string> given_hosts;  // that guests are told of; empty: what it listens at
};

struct OwnCoordinator {
    CoordinatorHandle handle;  // to be destroyed before its runtime
    uint32_t port = 0;
    uint32_t monitoring_port = 0;  // 0: none
};

// It listens when this returns. Its log lines come from the loop itself: `log` must outlive it.
Result<OwnCoordinator> start_own_coordinator(p2c2r_runtime* runtime, const CoordinatorPlace& place,
                                             const Settings& settings, LogWriter& log);

Result<nlohmann::json> ask_own(p2c2r_coordinator* coordinator, const char* name,
                               const nlohmann::json& arguments = nlohmann::json::object());

// The pin of the certificate that it shows; "": it has none.
std::string pin_of_own(p2c2r_coordinator* coordinator);

// This machine's own key may do everything there, so that `submit`, `status`, `invite` and `token`
// work beside the running coordinator, which is remembered as one that this machine has joined,
// with what its guests are told: codes of `invite` are those of the host. It connects before it
// makes one, so what an ended coordinator has left there leads nobody anywhere.
Outcome enrol_self(p2c2r_runtime* runtime, const OwnCoordinator& own, const CoordinatorPlace& place,
                   LogWriter& log);

}  // namespace p2c2r::cli
