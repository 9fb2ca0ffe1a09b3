#include "cli/role_processes.h"

#include <algorithm>

namespace p2c2r::cli {

namespace {

constexpr uint64_t kStartTimeoutUs = 60'000'000;  // a first look at a GPU driver takes seconds

Result<Process> start_role(std::vector<std::string> arguments, const std::string& log_file,
                           const std::vector<std::string>& more, const std::string& program,
                           int nice = 0) {
    arguments.insert(arguments.end(), {"--stop-with-input"});
    if (!log_file.empty()) arguments.insert(arguments.end(), {"--log-file", log_file});
    arguments.insert(arguments.end(), more.begin(), more.end());
    Process::Options options;
    options.ends_with_us = true;
    options.without = "P2C2R_";
    options.nice = nice;
    return Process::start(program.empty() ? own_path() : program, arguments, options);
}

}  // namespace

Result<CoordinatorProcess> start_coordinator_process(const std::string& log_file,
                                                     const std::vector<std::string>& arguments,
                                                     const std::string& program) {
    Result<Process> process = start_role({"coordinator", "--port", "0", "--monitoring-port", "0"},
                                         log_file, arguments, program);
    if (!process) return process.failure();
    CoordinatorProcess started;
    started.process = std::move(*process);
    Result<std::string> listening =
        started.process.read_line_with("listening on ", kStartTimeoutUs);
    if (!listening) {
        return Failure{kExitSomeFailed,
                       "the coordinator did not start: " + listening.failure().text};
    }
    started.url = "p2c2r+plain://" + *listening;
    Result<std::string> monitoring =
        started.process.read_line_with("monitoring on ", kStartTimeoutUs);
    if (monitoring) {
        const std::string port = monitoring->substr(monitoring->rfind(':') + 1);
        started.monitoring_port = static_cast<uint32_t>(std::stoul(port));
    }
    return started;
}

Result<Process> start_peer_process(const std::string& url, const std::string& peer_id,
                                   const std::string& log_file,
                                   const std::vector<std::string>& arguments,
                                   const std::string& program, int nice) {
    std::vector<std::string> words = {"peer",      "--coordinator", url,
                                      "--peer-id", peer_id,         "--no-benchmark"};
    // Whoever measures or shows something sits at the machine and wants it now.
    if (std::find(arguments.begin(), arguments.end(), "--mode") == arguments.end()) {
        words.insert(words.end(), {"--mode", "always"});
    }
    Result<Process> process = start_role(std::move(words), log_file, arguments, program, nice);
    if (!process) return process;
    Result<std::string> running = process->read_line_with("peer ", kStartTimeoutUs);
    if (running) return process;
    const int exit_code = process->wait(1'000'000);
    return Failure{exit_code == kExitUnreachable ? kExitUnreachable : kExitSomeFailed,
                   "peer " + peer_id + " did not start: " + running.failure().text};
}

}  // namespace p2c2r::cli
