// `p2c2r exec`: the task on this machine, without any network.
#include "cli/commands.h"
#include "cli/run_tasks.h"

namespace p2c2r::cli {

namespace {

// A task that is run by hand waits for its end, however slow the device: the first use of one may
// compile its kernels.
constexpr uint64_t kPatientDeadlineUs = 3600ull * 1'000'000;

struct ExecOptions {
    TaskOptions tasks;
    std::optional<std::string> device;
    std::optional<uint64_t> threads;
    std::optional<uint64_t> parts;
    std::optional<std::string> split;
};

int run_exec(const ExecOptions& options) {
    Result<DeviceChoice> device = parse_device(options.device.value_or("auto"));
    if (!device) return report("exec", device.failure());
    RunTasksOptions run;
    run.session.device = *device;
    run.session.worker_threads = static_cast<uint32_t>(options.threads.value_or(0));
    run.place = P2C2R_PLACE_LOCAL;
    run.deadline_default_us = kPatientDeadlineUs;
    run.parts = options.parts;
    run.split = options.split;
    return run_tasks("exec", options.tasks, run);
}

}  // namespace

void add_exec_command(Command& root) {
    static ExecOptions options;
    Command command = root.add_command("exec", "Run a task on this machine, without a network",
                                       [] { return run_exec(options); });
    options.tasks.add_to(command);
    command.add_text("--device", options.device, "auto, native or vulkan[:N] (auto)");
    command.add_count("--threads", options.threads, "Threads that compute (one per core)",
                      {0, 1024});
    command.add_count("--parts", options.parts,
                      "Cut each task into so many (fewer where it has not so many pieces), run "
                      "them as tasks of their own and merge: the same bytes");
    command.add_text("--split", options.split,
                     "How to cut: rows, samples, probes, bodies or agents (the type's first)");
}

}  // namespace p2c2r::cli
