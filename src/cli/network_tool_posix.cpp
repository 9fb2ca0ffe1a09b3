#include "cli/network_tool_posix.h"

#include <unistd.h>

#include "cli/process_posix.h"

namespace p2c2r::cli {

namespace {
constexpr uint64_t kToolTimeoutUs = 10'000'000;
}

std::string find_tool(const char* name) {
    for (const char* directory : {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"}) {
        const std::string path = std::string(directory) + name;
        if (access(path.c_str(), X_OK) == 0) return path;
    }
    return "";
}

Outcome run_tool(const char* name, const std::vector<std::string>& arguments, const char* errors) {
    const std::string program = find_tool(name);
    Process::Options options;
    options.error_file = errors;
    options.output_file = "/dev/null";
    Result<Process> process = Process::start(program, arguments, options);
    if (!process) return process.failure();
    const int exit_code = process->wait(kToolTimeoutUs);
    if (exit_code == 0) return std::nullopt;
    std::string line = name;
    for (const std::string& argument : arguments) line += " " + argument;
    return Failure{kExitSomeFailed, "'" + line + "' ended with " + std::to_string(exit_code)};
}

}  // namespace p2c2r::cli
