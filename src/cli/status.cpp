// `p2c2r status`: what a coordinator says of itself, its peers, its gamers and its tasks.
#include <cstdio>
#include <utility>

#include "cli/commands.h"
#include "cli/first_benchmark.h"
#include "cli/session.h"
#include "cli/status_report.h"
#include "cli/terminal_posix.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

struct StatusOptions {
    ContactOptions contact;
    std::optional<uint64_t> connect_timeout_ms;
    bool json = false;
    bool all = false;
};

int run_status(const StatusOptions& options) {
    SessionOptions session_options;
    const Result<Contact> contact = Contact::resolve(options.contact);
    if (!contact) return report("status", contact.failure());
    session_options.contact = *contact;
    session_options.device.kind = DeviceChoice::Kind::kNative;
    session_options.worker_threads = 1;
    session_options.connect_timeout_ms =
        static_cast<uint32_t>(options.connect_timeout_ms.value_or(5000));
    Result<std::unique_ptr<Session>> session = Session::open(session_options);
    if (!session) return report("status", session.failure());
    StatusAnswers answers;
    const std::pair<const char*, json*> questions[] = {{"status", &answers.status},
                                                       {"peers", &answers.peers},
                                                       {"gamers", &answers.gamers},
                                                       {"tasks", &answers.tasks}};
    for (const auto& [name, place] : questions) {
        Result<json> answer = (*session)->ask(name);
        if (!answer) return report("status", answer.failure());
        if (answer->is_object()) *place = std::move(*answer);
    }
    if (options.json) {
        json line = answers.status;
        line["peers"] = answers.peers.value("peers", json::array());
        line["gamers"] = answers.gamers.value("gamers", json::array());
        line["gamers_away"] = answers.gamers.value("away", 0);
        line["tasks"] = answers.tasks.value("tasks", json::array());
        std::printf("%s\n", line.dump().c_str());
        return kExitOk;
    }
    const size_t width = line_width();
    std::string text;
    try {
        text = status_text(answers, width);
        if (options.all) text += status_details(answers, width);
    } catch (const json::type_error&) {
        return report("status", {kExitSomeFailed, "the coordinator at " + contact->urls() +
                                                      " answers with what is no status; --json "
                                                      "shows it"});
    }
    std::printf("%s", text.c_str());
    std::string kept = kept_benchmark();
    kept.erase(kept.find_last_not_of(" \t\r\n") + 1);
    if (!kept.empty()) {
        std::printf("\n%s", wrapped("this machine, as measured: " + kept, width).c_str());
    }
    return kExitOk;
}

}  // namespace

void add_status_command(Command& root) {
    static StatusOptions options;
    Command command = root.add_command(
        "status", "Who is connected, what runs where and why, what waits, and how it goes",
        [] { return run_status(options); });
    options.contact.add_to(command);
    command.add_count("--connect-timeout-ms", options.connect_timeout_ms,
                      "Time to find the coordinator and be let in (5000)", {0, kConnectMsMost});
    command.add_flag("--all", options.all,
                     "Each peer and task with all that is known of it, and every counter, as well");
    command.add_flag("--json", options.json, "All of it as one line of JSON");
}

}  // namespace p2c2r::cli
