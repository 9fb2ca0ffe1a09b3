// Coordinator and peers as processes of their own, for benches and the demonstration: started by
// running this program again, ended with the object, even when this process is killed. Settings in
// the environment (P2C2R_...) are not passed on: they were not meant for these processes.
#pragma once

#include <string>
#include <vector>

#include "cli/process_posix.h"

namespace p2c2r::cli {

struct CoordinatorProcess {
    Process process;
    std::string url;
    uint32_t monitoring_port = 0;
};

// `program`: the p2c2r to run; "": this one.
// Listens on any free port. Log lines go to `log_file` ("": nowhere).
Result<CoordinatorProcess> start_coordinator_process(const std::string& log_file,
                                                     const std::vector<std::string>& arguments = {},
                                                     const std::string& program = {});

// Returns when the process has said that it runs, which is before it is connected. `nice`: how much
// it gives way to others of this machine.
Result<Process> start_peer_process(const std::string& url, const std::string& peer_id,
                                   const std::string& log_file,
                                   const std::vector<std::string>& arguments = {},
                                   const std::string& program = {}, int nice = 0);

}  // namespace p2c2r::cli
