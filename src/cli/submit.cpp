// `p2c2r submit`: the task by way of a coordinator.
#include "cli/commands.h"
#include "cli/run_tasks.h"

namespace p2c2r::cli {

namespace {

struct SubmitOptions {
    TaskOptions tasks;
    ContactOptions contact;
    std::optional<uint64_t> connect_timeout_ms;
    bool local = false;
    bool local_at_deadline = false;
    bool late_here = false;
    bool remote_only = false;
    bool put = false;
    std::optional<std::string> circle;
    std::optional<std::string> parts;
    std::optional<std::string> split;
};

// A machine by itself waits for its own end, as `exec` does.
constexpr uint64_t kLocalDeadlineUs = 3600ull * 1'000'000;

Result<int32_t> circle_of(const std::string& name) {
    if (name == "own") return P2C2R_CIRCLE_OWN;
    if (name == "invited") return P2C2R_CIRCLE_INVITED;
    return usage_failure("--circle " + name + " is not available; there are own and invited");
}

Result<int32_t> parts_of(const std::string& text) {
    if (text == "auto") return P2C2R_SPLIT_AUTO;
    constexpr size_t kDigitsMost = 4;
    const bool is_number = !text.empty() && text.size() <= kDigitsMost &&
                           text.find_first_not_of("0123456789") == std::string::npos;
    const int32_t parts = is_number ? std::stoi(text) : 0;
    if (parts >= 1 && parts <= 4096) return parts;
    return usage_failure("--parts '" + text + "' is neither auto nor in 1 to 4096");
}

// All of it here: no coordinator is looked for, and nothing leaves.
Outcome check_local(const SubmitOptions& options) {
    const std::pair<bool, const char*> others[] = {
        {options.contact.coordinator.has_value(), "--coordinator"},
        {options.connect_timeout_ms.has_value(), "--connect-timeout-ms"},
        {options.remote_only, "--remote-only"},
        {options.put, "--put"},
        {options.parts.has_value(), "--parts (exec has it)"}};
    for (const auto& [is_given, name] : others) {
        if (is_given) return usage_failure(std::string("--local sends nothing: not with ") + name);
    }
    return std::nullopt;
}

int run_local(const SubmitOptions& options) {
    if (Outcome bad = check_local(options)) return report("submit", *bad);
    RunTasksOptions run;
    run.session.device.kind = DeviceChoice::Kind::kNative;
    run.session.tasks_max = 65536;
    run.place = P2C2R_PLACE_LOCAL;
    run.deadline_default_us = kLocalDeadlineUs;
    return run_tasks("submit", options.tasks, run);
}

int run_submit(const SubmitOptions& options) {
    if (options.circle) {
        const Result<int32_t> circle = circle_of(*options.circle);
        if (!circle) return report("submit", circle.failure());
    }
    if (options.local) return run_local(options);
    RunTasksOptions run;
    const Result<Contact> contact = Contact::resolve(options.contact);
    if (!contact) return report("submit", contact.failure());
    run.session.contact = *contact;
    run.session.device.kind = DeviceChoice::Kind::kNative;
    run.session.connect_timeout_ms =
        static_cast<uint32_t>(options.connect_timeout_ms.value_or(5000));
    // What is computed here is the exception, and must not take the cores from whatever else runs.
    run.session.worker_threads = 1;
    run.session.tasks_max = 65536;
    run.session.tell_state = !options.tasks.quiet;
    run.place = options.remote_only ? P2C2R_PLACE_REMOTE : P2C2R_PLACE_AUTO;
    run.flags = options.local_at_deadline ? P2C2R_TASK_LOCAL_AT_DEADLINE : 0;
    // What would be lost elsewhere is computed here, unless that is ruled out by name.
    run.late_here = options.late_here || !options.remote_only;
    run.watches_line = true;
    run.without_coordinator = "; --local computes here, without a coordinator";
    run.put = options.put;
    if (options.parts) {
        const Result<int32_t> parts = parts_of(*options.parts);
        if (!parts) return report("submit", parts.failure());
        run.parts_away = *parts;
    }
    run.split = options.split;
    if (options.circle) run.circle = *circle_of(*options.circle);
    return run_tasks("submit", options.tasks, run);
}

}  // namespace

void add_submit_command(Command& root) {
    static SubmitOptions options;
    Command command =
        root.add_command("submit", "Submit a task, frames or requests to a coordinator",
                         [] { return run_submit(options); });
    options.tasks.add_to(command);
    options.contact.add_to(command);
    command.add_count("--connect-timeout-ms", options.connect_timeout_ms,
                      "Time to find the coordinator and be let in (5000)", {0, kConnectMsMost});
    command.add_flag("--local-at-deadline", options.local_at_deadline,
                     "Compute here what would come too late otherwise");
    command.add_flag("--late-here", options.late_here,
                     "Compute here what has missed its deadline: late, but not lost (so it is "
                     "unless --remote-only)");
    command.add_flag("--put", options.put,
                     "Send each data file once: tasks that have the same one refer to it");
    command.add_text("--parts", options.parts,
                     "Cut each task into so many, for several peers at the same time, and merge: "
                     "the same bytes; auto: as many as pay");
    command.add_text("--split", options.split,
                     "How to cut: rows, samples, probes, bodies or agents (the type's first)");
    command.add_flag("--remote-only", options.remote_only,
                     "Never compute here, even when nobody else can");
    command.add_flag("--local", options.local,
                     "Compute all of it here: no coordinator is needed, and nothing is sent");
    command.add_text("--circle", options.circle,
                     "own: on machines of the same owner alone; invited (the type's own)");
}

}  // namespace p2c2r::cli
