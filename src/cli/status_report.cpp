#include "cli/status_report.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <vector>

#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr size_t kListedMax = 30;  // lines of a list, without --all

std::string listed(const TextTable& table, size_t count, size_t width) {
    std::string text = table.text(width);
    if (count > kListedMax) {
        text += "  and " + std::to_string(count - kListedMax) + " more (--all, --json)\n";
    }
    return text;
}

// Below a line of a table.
std::string note(const std::string& text, size_t width) {
    return "  " + wrapped(text, width - 2, 4);
}

std::string number_of(const json& of, const char* name, double unit, int digits) {
    return of.contains(name) ? number_text(of.value(name, 0.0) / unit, digits) : "";
}

bool takes_tasks(const json& peer) {
    return peer.value("window_tasks", 0) > 0;
}

// Whose a peer is, as far as the asker may know.
std::string owner_text(const json& peer) {
    const std::string owner = peer.value("owner", "");
    return owner.empty() && peer.value("own", false) ? "(yours)" : owner;
}

std::string device_text(const json& peer) {
    const std::string gpu = peer.value("gpu_model", "");
    if (!gpu.empty() || !peer.contains("cpu_cores")) return gpu;
    const auto cores = peer.value("cpu_cores", uint64_t{0});
    return cores == 0 ? "CPU" : "CPU, " + count_text(cores, "core");
}

std::string since_text(const json& of, const char* name) {
    return of.contains(name) ? duration_text(of.value(name, 0.0) / 1e6) : "";
}

std::string peers_text(const json& peers, size_t width) {
    TextTable table({"name", "account", "owner", "circle", "device", "link ms", "online", "helps"});
    std::string wishes;  // of their owners, whole
    for (size_t i = 0; i < std::min(peers.size(), kListedMax); ++i) {
        const json& peer = peers[i];
        const std::string name = peer.value("peer_id", "");
        const bool is_known = peer.contains("window_tasks");
        table.add({name, peer.value("account", ""), owner_text(peer),
                   peer.value("circle_accepted", "invited"), device_text(peer),
                   number_of(peer, "link_us", 1000, 2), since_text(peer, "connected_us"),
                   !is_known           ? ""
                   : takes_tasks(peer) ? "yes"
                                       : "no"});
        const std::string why = peer.value("why", "");
        if (is_known && !why.empty()) {
            wishes +=
                note(name + (takes_tasks(peer) ? " helps: " : " does not help: ") + why, width);
        }
    }
    return listed(table.without_empty_columns(), peers.size(), width) + wishes;
}

std::string gamers_text(const json& gamers, size_t width) {
    TextTable table({"name", "account", "owner", "address", "online", "tasks"});
    for (size_t i = 0; i < std::min(gamers.size(), kListedMax); ++i) {
        const json& gamer = gamers[i];
        const std::string since = since_text(gamer, "since_us");
        table.add({gamer.value("client_id", ""), gamer.value("account", ""),
                   gamer.value("owner", ""), gamer.value("address", ""),
                   gamer.value("connected", false) ? since : "away, " + since,
                   std::to_string(gamer.value("pending_tasks", 0))});
    }
    return listed(table.without_empty_columns(), gamers.size(), width);
}

bool waits(const json& task) {
    const std::string state = task.value("state", "");
    return state == "queued" || state == "held" || state == "stalled";
}

std::string place_of(const json& task) {
    return task.value("state", "") == "local" ? "coordinator" : task.value("peer_id", "");
}

// Tasks that are alike in a line, and below it why the first of them is there.
std::string task_groups(const json& tasks, bool waiting, size_t width) {
    struct Group {
        size_t count = 0;
        uint64_t left_us = UINT64_MAX;
        std::string why;
    };
    std::map<std::tuple<std::string, std::string, std::string, std::string>, Group> groups;
    for (const json& task : tasks) {
        if (waits(task) != waiting) continue;
        Group& group = groups[{place_of(task), task.value("task_type", ""),
                               task.value("client_id", ""), task.value("circle", "")}];
        if (group.count++ == 0) group.why = task.value("why", "");
        group.left_us = std::min(group.left_us, task.value("left_us", uint64_t{0}));
    }
    if (groups.empty()) return "";
    TextTable table({"where", "tasks", "type", "gamer", "circle", "left ms"});
    std::vector<std::string> reasons;
    for (const auto& [key, group] : groups) {
        if (reasons.size() == kListedMax) break;
        const auto& [place, type, gamer, circle] = key;
        table.add({place, std::to_string(group.count), type, gamer, circle,
                   number_text(static_cast<double>(group.left_us) / 1000, 0)});
        reasons.push_back(group.why);
    }
    const std::string rows = listed(table.without_empty_columns(), groups.size(), width);
    std::string text = waiting ? "\nwhat waits\n" : "\nwhat runs\n";
    size_t begin = 0;
    for (size_t line = 0; begin < rows.size(); ++line) {
        const size_t end = rows.find('\n', begin) + 1;
        text += rows.substr(begin, end - begin);
        begin = end;
        if (line == 0 || line > reasons.size() || reasons[line - 1].empty()) continue;
        text += note(reasons[line - 1], width);
    }
    return text;
}

// 99.96 % is not "100.0 %": only all of them are.
std::string share_text(uint64_t part, uint64_t all) {
    if (part == all) return "all";
    return number_text(
               std::floor(1000.0 * static_cast<double>(part) / static_cast<double>(all)) / 10, 1) +
           " %";
}

std::string time_text(double us) {
    return number_text(us / 1000, us < 10'000 ? 1 : 0) + " ms";
}

// How it goes, in two sentences.
std::string summary(const StatusAnswers& answers, const json& peers, const json& tasks) {
    const auto of = [&](const char* name) { return answers.status.value(name, uint64_t{0}); };
    // Whoever asks is connected as a gamer for this moment.
    const uint64_t gamers =
        std::max(answers.gamers.value("connected", uint64_t{0}), uint64_t{1}) - 1;
    const auto away = answers.gamers.value("away", uint64_t{0});
    std::string text = count_text(peers.size(), "peer") + " and " + count_text(gamers, "gamer") +
                       " are connected" + (away > 0 ? ", " + std::to_string(away) + " away" : "") +
                       "; ";
    const uint64_t pending = of("pending_tasks");
    text += pending == 0 ? "no task" : count_text(pending, "task");
    text += pending > 1 ? " are under way" : " is under way";
    const auto waiting = static_cast<uint64_t>(std::count_if(tasks.begin(), tasks.end(), waits));
    // A gamer sees its own tasks only, and the list has an end.
    if (waiting > 0 && tasks.size() == pending) {
        text += ", " +
                (waiting == pending
                     ? std::string(pending == 1 ? "and waits" : "and all of them wait")
                     : std::to_string(waiting) + " of them " + (waiting == 1 ? "waits" : "wait"));
    }
    const uint64_t completed = of("completed_tasks");
    const uint64_t ended = completed + of("failed_tasks");
    const std::string start =
        "since the start " + duration_text(answers.status.value("uptime_us", 0.0) / 1e6) + " ago";
    if (ended == 0) return text + ". No task has ended " + start + ".";
    if (completed == 0) {
        return text + ". " +
               (ended == 1 ? "The one task that ended "
                           : "All " + std::to_string(ended) + " tasks that ended ") +
               start + (ended == 1 ? " has failed." : " have failed.");
    }
    text += ended == 1 ? ". The one task that ended " + start + " was answered"
            : completed == ended
                ? ". All " + std::to_string(ended) + " tasks that ended " + start + " were answered"
                : ". Of " + std::to_string(ended) + " tasks that ended " + start + ", " +
                      share_text(completed, ended) + " were answered";
    const std::string half = time_text(answers.status.value("p50_us", 0.0));
    if (completed == 1) return text + ", within " + half + ".";
    return text + ", half of them within " + half + " and 99 % within " +
           time_text(answers.status.value("p99_us", 0.0)) + ".";
}

// What somebody should look at now.
std::vector<std::string> warnings(const json& peers) {
    std::vector<std::string> lines;
    if (peers.empty()) {
        lines.emplace_back("no peer is connected");
    } else if (std::all_of(peers.begin(), peers.end(), [](const json& peer) {
                   return peer.contains("window_tasks") && !takes_tasks(peer);
               })) {
        lines.emplace_back("no connected peer takes tasks at present");
    }
    for (const json& peer : peers) {
        const auto failed = peer.value("failed", uint64_t{0});
        const uint64_t all = failed + peer.value("completed", uint64_t{0});
        if (failed < 3 || failed * 20 < all) continue;  // one in twenty
        lines.push_back("peer " + peer.value("peer_id", "") + " has failed at " +
                        std::to_string(failed) + " of " + count_text(all, "task"));
    }
    return lines;
}

// What went wrong at any time since the start: a task fails for its own params as well.
std::vector<std::string> troubles(const json& status) {
    std::vector<std::string> lines;
    const auto of = [&](const char* name) { return status.value(name, uint64_t{0}); };
    const auto add = [&](const char* name, const char* one, const char* more) {
        const uint64_t count = of(name);
        if (count > 0) lines.push_back(std::to_string(count) + (count == 1 ? one : more));
    };
    add("failed_tasks", " task has failed", " tasks have failed");
    add("timeouts", " time an attempt or a task ran out of time",
        " times an attempt or a task ran out of time");
    add("peer_failures", " peer was lost", " peers were lost");
    const uint64_t refused = of("refused_tasks");
    if (refused > 0) {
        const uint64_t memory = of("refused_memory");
        const uint64_t share = of("refused_share");
        std::string why;
        if (share > 0) why += ", " + std::to_string(share) + " above what an account may have";
        if (memory > 0) why += ", " + std::to_string(memory) + " for lack of memory";
        if (const uint64_t late = of("refused_deadline"); late > 0) {
            why += ", " + std::to_string(late) + " that could not have been done in time";
        }
        lines.push_back(count_text(refused, "task") + (refused == 1 ? " was" : " were") +
                        " refused" + why);
    }
    add("shed_tasks", " waiting task gave way while memory was short",
        " waiting tasks gave way while memory was short");
    add("closed_for_memory", " connection was closed while memory was full",
        " connections were closed while memory was full");
    add("slow_connections", " connection was closed for sending or reading too slowly",
        " connections were closed for sending or reading too slowly");
    add("rejected_connections", " connection was closed unheard: too many had not logged in",
        " connections were closed unheard: too many had not logged in");
    add("audit_lost", " entry of the audit log could not be written",
        " entries of the audit log could not be written");
    return lines;
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

std::string peer_details(const json& peers, size_t width) {
    TextTable table(
        {"peer", "address", "slots", "held", "completed", "failed", "mode", "duty %", "data MB"});
    std::string learned;
    for (const json& peer : peers) {
        table.add({peer.value("peer_id", ""), peer.value("address", ""),
                   number_of(peer, "slots", 1, 0), number_of(peer, "held", 1, 0),
                   number_of(peer, "completed", 1, 0), number_of(peer, "failed", 1, 0),
                   peer.value("mode", ""), number_of(peer, "duty_permille", 10, 0),
                   number_of(peer, "data_used", 1e6, 1)});
        learned += note(peer.value("peer_id", "") + ": " + learned_text(peer), width);
    }
    if (table.empty()) return "";
    return "\npeers at work\n" + table.without_empty_columns().text(width) +
           "\nwhat each peer runs, and how long one task took\n" + learned;
}

// Per task type: how many peers run it, and where its tasks are.
std::string types_table(const json& peers, const json& tasks, size_t width) {
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
        row.waiting += waits(task);
    }
    TextTable table({"task type", "peers", "own only", "waiting", "at peers", "at coordinator"});
    for (const auto& [type, row] : rows) {
        table.add({type, std::to_string(row.peers), std::to_string(row.own_only),
                   std::to_string(row.waiting), std::to_string(row.at_peers),
                   std::to_string(row.here)});
    }
    return table.empty() ? "" : "\n" + table.text(width);
}

std::string tasks_table(const json& tasks, size_t width) {
    TextTable table({"task", "gamer", "type", "circle", "state", "attempts", "where", "left ms"});
    for (const json& task : tasks) {
        table.add({task.value("task", ""), task.value("client_id", ""), task.value("task_type", ""),
                   task.value("circle", ""), task.value("state", ""),
                   std::to_string(task.value("attempts", 0)), place_of(task),
                   number_text(task.value("left_us", 0.0) / 1000.0, 1)});
    }
    return table.empty() ? "" : "\n" + table.without_empty_columns().text(width);
}

std::string counters_text(const json& status) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto& [name, value] : status.items()) {
        if (value.is_structured()) continue;
        rows.emplace_back(
            name, value.is_number_float() ? number_text(value.get<double>(), 3) : value.dump());
    }
    return "\ncounters, since the start\n" + rows_text(rows);
}

json list_of(const json& answer, const char* name) {
    return answer.value(name, json::array());
}

}  // namespace

std::string status_text(const StatusAnswers& answers, size_t width) {
    const json peers = list_of(answers.peers, "peers");
    json gamers = json::array();
    for (const json& gamer : list_of(answers.gamers, "gamers")) {
        if (!gamer.value("asks", false)) gamers.push_back(gamer);
    }
    const json tasks = list_of(answers.tasks, "tasks");
    std::string text = wrapped(summary(answers, peers, tasks), width);
    if (!peers.empty()) text += "\npeers, which compute\n" + peers_text(peers, width);
    if (!gamers.empty()) text += "\ngamers, who send tasks\n" + gamers_text(gamers, width);
    text += task_groups(tasks, false, width) + task_groups(tasks, true, width);
    const auto add = [&](const std::string& title, const std::vector<std::string>& lines) {
        if (!lines.empty()) text += "\n" + title + "\n";
        for (const std::string& line : lines) text += note(line, width);
    };
    add("to look at", warnings(peers));
    add("what went wrong at some time since the start " +
            duration_text(answers.status.value("uptime_us", 0.0) / 1e6) + " ago",
        troubles(answers.status));
    return text;
}

std::string status_details(const StatusAnswers& answers, size_t width) {
    const json peers = list_of(answers.peers, "peers");
    const json tasks = list_of(answers.tasks, "tasks");
    return peer_details(peers, width) + types_table(peers, tasks, width) +
           tasks_table(tasks, width) + counters_text(answers.status);
}

}  // namespace p2c2r::cli
