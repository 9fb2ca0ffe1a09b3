// `p2c2r submit`: the task by way of a coordinator.
#include <cstdlib>

#include "cli/commands.h"
#include "cli/run_tasks.h"

namespace p2c2r::cli {

namespace {

struct SubmitOptions {
    TaskOptions tasks;
    std::optional<std::string> coordinator;
    std::optional<uint64_t> connect_timeout_ms;
    bool plaintext_anywhere = false;
    bool local_at_deadline = false;
    bool late_here = false;
    bool remote_only = false;
};

int run_submit(const SubmitOptions& options) {
    RunTasksOptions run;
    // The same name as the peer's setting: one line in the environment serves a whole machine.
    const char* url = std::getenv("P2C2R_COORDINATOR_URL");
    run.session.coordinator_url = options.coordinator.value_or(url ? url : kDefaultUrl);
    run.session.plaintext_anywhere = options.plaintext_anywhere;
    run.session.device.kind = DeviceChoice::Kind::kNative;
    run.session.connect_timeout_ms =
        static_cast<uint32_t>(options.connect_timeout_ms.value_or(5000));
    // What is computed here is the exception, and must not take the cores from whatever else runs.
    run.session.worker_threads = 1;
    run.session.tasks_max = 65536;
    run.session.tell_state = !options.tasks.quiet;
    run.place = options.remote_only ? P2C2R_PLACE_REMOTE : P2C2R_PLACE_AUTO;
    run.flags = options.local_at_deadline ? P2C2R_TASK_LOCAL_AT_DEADLINE : 0;
    run.late_here = options.late_here;
    return run_tasks("submit", options.tasks, run);
}

}  // namespace

void add_submit_command(Command& root) {
    static SubmitOptions options;
    Command command =
        root.add_command("submit", "Submit a task, frames or requests to a coordinator",
                         [] { return run_submit(options); });
    options.tasks.add_to(command);
    command.add_text(
        "--coordinator", options.coordinator,
        std::string("p2c2r+plain://host[:port] (P2C2R_COORDINATOR_URL, else ") + kDefaultUrl + ")");
    command.add_flag("--plaintext-anywhere", options.plaintext_anywhere,
                     "Allow plaintext with an address that is not loopback");
    command.add_count("--connect-timeout-ms", options.connect_timeout_ms,
                      "Time to find the coordinator (5000)");
    command.add_flag("--local-at-deadline", options.local_at_deadline,
                     "Compute here what would come too late otherwise");
    command.add_flag("--late-here", options.late_here,
                     "Compute here what has missed its deadline: late, but not lost");
    command.add_flag("--remote-only", options.remote_only,
                     "Never compute here, even when nobody else can");
}

}  // namespace p2c2r::cli
