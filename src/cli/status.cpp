// `p2c2r status`: what a coordinator says of itself, its peers, its gamers and its tasks.
#include <cstdio>
#include <map>

#include "cli/commands.h"
#include "cli/first_benchmark.h"
#include "cli/session.h"
#include "cli/statistics.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

struct StatusOptions {
    ContactOptions contact;
    std::optional<uint64_t> connect_timeout_ms;
    bool json = false;
};

std::string cell(const json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number_float()) return number_text(value.get<double>(), 3);
    return value.dump();
}

std::string learned_text(const json& peer) {
    std::string text;
    for (const json& type : peer.value("task_types", json::array())) {
        if (!text.empty()) text += ", ";
        text += type.value("task_type", "");
        if (type.value("samples", 0) > 0) {
            text += " " + number_text(type.value("compute_us", 0.0) / 1000.0, 1) + " ms";
        }
    }
    return text;
}

// Whose a peer is, as far as the asker may know.
std::string owner_text(const json& peer) {
    const std::string owner = peer.value("owner", "");
    if (!owner.empty()) return owner;
    return peer.value("own", false) ? "(yours)" : "-";
}

// Yes, or why not: what a peer said of its owner's wishes.
std::string helps_text(const json& peer) {
    if (!peer.contains("window_tasks")) return "";  // a friend's: not for the asker to know
    const std::string why = peer.value("why", "");
    const bool takes = peer.value("window_tasks", 0) > 0;
    return (takes ? "yes" : "no") + (why.empty() ? "" : ": " + why);
}

std::string peers_table(const json& peers) {
    TextTable table({"peer_id", "account", "owner", "takes", "helps", "mode", "duty %", "data MB",
                     "slots", "held", "completed", "failed", "link ms", "connected s",
                     "task types"});
    for (const json& peer : peers) {
        const std::string account = peer.value("account", "");
        const bool own = peer.value("circle_accepted", "invited") == "own";
        const auto known = [&](const char* name, double unit, int digits) {
            return peer.contains(name) ? number_text(peer.value(name, 0.0) / unit, digits) : "";
        };
        table.add({cell(peer.value("peer_id", json(""))), account.empty() ? "-" : account,
                   owner_text(peer), own ? "own" : "own, invited", helps_text(peer),
                   peer.value("mode", ""), known("duty_permille", 10, 0),
                   known("data_used", 1e6, 1), cell(peer.value("slots", json(0))),
                   known("held", 1, 0), known("completed", 1, 0), known("failed", 1, 0),
                   known("link_us", 1000, 2), known("connected_us", 1e6, 1), learned_text(peer)});
    }
    return table.text();
}

std::string gamers_table(const json& gamers) {
    TextTable table(
        {"client_id", "account", "owner", "address", "connected s", "tasks", "account MB"});
    for (const json& gamer : gamers) {
        const std::string account = gamer.value("account", "");
        const double seconds = gamer.value("since_us", 0.0) / 1e6;
        table.add({gamer.value("client_id", ""), account.empty() ? "-" : account,
                   gamer.value("owner", ""), gamer.value("address", ""),
                   gamer.value("connected", false) ? number_text(seconds, 1)
                                                   : "away " + number_text(seconds, 1),
                   cell(gamer.value("pending_tasks", json(0))),
                   number_text(gamer.value("account_pending_bytes", 0.0) / 1e6, 1)});
    }
    return gamers.empty() ? std::string() : table.text();
}

// Per task type: how many peers run it, and where its tasks are.
std::string types_table(const json& peers, const json& tasks) {
    struct Row {
        uint32_t peers = 0;
        uint32_t own_only = 0;
        uint32_t waiting = 0;
        uint32_t at_peers = 0;
        uint32_t here = 0;
    };
    std::map<std::string, Row> rows;
    for (const json& peer : peers) {
        for (const json& type : peer.value("task_types", json::array())) {
            Row& row = rows[type.value("task_type", "")];
            ++row.peers;
            row.own_only += peer.value("circle_accepted", "invited") == "own";
        }
    }
    for (const json& task : tasks) {
        Row& row = rows[task.value("task_type", "")];
        const std::string state = task.value("state", "");
        row.at_peers += state == "leased";
        row.here += state == "local";
        row.waiting += state == "queued" || state == "held";
    }
    TextTable table({"task type", "peers", "own only", "waiting", "at peers", "at coordinator"});
    for (const auto& [type, row] : rows) {
        table.add({type, std::to_string(row.peers), std::to_string(row.own_only),
                   std::to_string(row.waiting), std::to_string(row.at_peers),
                   std::to_string(row.here)});
    }
    return rows.empty() ? std::string() : "\n" + table.text();
}

std::string tasks_table(const json& tasks) {
    TextTable table({"task", "client_id", "task_type", "circle", "state", "attempts", "peer_id",
                     "left ms", "why"});
    for (const json& task : tasks) {
        table.add({cell(task.value("task", json(""))), cell(task.value("client_id", json(""))),
                   cell(task.value("task_type", json(""))), task.value("circle", ""),
                   cell(task.value("state", json(""))), cell(task.value("attempts", json(0))),
                   cell(task.value("peer_id", json(""))),
                   number_text(task.value("left_us", 0.0) / 1000.0, 1), task.value("why", "")});
    }
    return table.text();
}

void print_status(const json& status, const json& peers, const json& gamers, const json& tasks) {
    TextTable table({"status", ""});
    for (const auto& [key, value] : status.items()) {
        if (!value.is_structured()) table.add({key, cell(value)});
    }
    std::printf("%s", table.text().c_str());
    const json peer_list = peers.value("peers", json::array());
    std::printf("\npeers: %zu\n", peer_list.size());
    if (!peer_list.empty()) std::printf("%s", peers_table(peer_list).c_str());
    std::printf("\ngamers: %d, and %d away\n%s", gamers.value("connected", 0),
                gamers.value("away", 0),
                gamers_table(gamers.value("gamers", json::array())).c_str());
    const json task_list = tasks.value("tasks", json::array());
    std::printf("%s", types_table(peer_list, task_list).c_str());
    std::printf("\ntasks: %zu\n", task_list.size());
    if (!task_list.empty()) std::printf("%s", tasks_table(task_list).c_str());
    const std::string kept = kept_benchmark();
    if (!kept.empty()) std::printf("\nthis machine, as measured: %s", kept.c_str());
}

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
    json answers = json::object();
    for (const char* name : {"status", "peers", "gamers", "tasks"}) {
        Result<json> answer = (*session)->ask(name);
        if (!answer) return report("status", answer.failure());
        answers[name] = std::move(*answer);
    }
    if (options.json) {
        json line = answers["status"];
        line["peers"] = answers["peers"].value("peers", json::array());
        line["gamers"] = answers["gamers"].value("gamers", json::array());
        line["gamers_away"] = answers["gamers"].value("away", 0);
        line["tasks"] = answers["tasks"].value("tasks", json::array());
        std::printf("%s\n", line.dump().c_str());
    } else {
        print_status(answers["status"], answers["peers"], answers["gamers"], answers["tasks"]);
    }
    return kExitOk;
}

}  // namespace

void add_status_command(Command& root) {
    static StatusOptions options;
    Command command =
        root.add_command("status", "Ask a coordinator for peers, gamers, tasks and times",
                         [] { return run_status(options); });
    options.contact.add_to(command);
    command.add_count("--connect-timeout-ms", options.connect_timeout_ms,
                      "Time to find the coordinator and be let in (5000)", {0, kConnectMsMost});
    command.add_flag("--json", options.json, "One line of JSON instead of tables");
}

}  // namespace p2c2r::cli
