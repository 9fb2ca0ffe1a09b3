#include "cli/machine.h"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/device_choice.h"
#include "cli/files.h"
#include "cli/json_text.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr const char* kJoinedFile = "joined.json";
constexpr const char* kIdentityFile = "identity.pem";

// Where it would be; nothing when not even that is known.
std::optional<std::string> folder_path() {
    if (const char* home = std::getenv("P2C2R_HOME"); home && *home) return std::string(home);
    if (const char* config = std::getenv("XDG_CONFIG_HOME"); config && *config) {
        return join_path(config, "p2c2r");
    }
    if (const char* home = std::getenv("HOME"); home && *home) {
        return join_path(join_path(home, ".config"), "p2c2r");
    }
    return std::nullopt;
}

}  // namespace

Result<std::string> machine_folder_path() {
    const std::optional<std::string> path = folder_path();
    if (path) return *path;
    return usage_failure("nowhere to keep keys: set P2C2R_HOME, XDG_CONFIG_HOME or HOME");
}

Result<std::string> machine_folder() {
    const Result<std::string> path = machine_folder_path();
    if (!path) return path;
    if (Outcome failed = make_private_directory(*path)) return *failed;
    return *path;
}

std::string known_machine_folder() {
    return folder_path().value_or("");
}

Result<std::string> machine_folder_if_there() {
    const std::optional<std::string> path = folder_path();
    return path && is_directory(*path) ? *path : std::string();
}

Result<Identity> open_identity(p2c2r_runtime* runtime, const std::string& file,
                               const std::string& certificate_file) {
    const bool exists = is_there(file);
    if (!exists && !certificate_file.empty() && is_there(certificate_file)) {
        return usage_failure("the key '" + file + "' is missing; the certificate '" +
                             certificate_file +
                             "' beside it is good for that key alone. Put a copy of the key back, "
                             "or remove the certificate as well: a new pair is made then, and "
                             "every machine has to join again");
    }
    json arguments = {{"file", file}};
    if (!exists && !certificate_file.empty()) arguments["certificate_file"] = certificate_file;
    const char* call = exists ? "keys.show" : "keys.new";
    if (exists && !certificate_file.empty() && !is_there(certificate_file)) {
        call = "keys.certificate";
        arguments["certificate_file"] = certificate_file;
    }
    const Result<json> key = ask_runtime(runtime, call, arguments);
    if (!key) return key.failure();
    return Identity{file, key->value("public_key", ""), key->value("pin", "")};
}

Result<Identity> machine_identity(p2c2r_runtime* runtime) {
    const Result<std::string> folder = machine_folder();
    if (!folder) return folder.failure();
    return open_identity(runtime, join_path(*folder, kIdentityFile));
}

namespace {

bool is_texts(const json& value) {
    return value.is_array() && std::all_of(value.begin(), value.end(),
                                           [](const json& text) { return text.is_string(); });
}

// What is wrong with an entry of the file; "": nothing.
std::string fault_of(const json& entry) {
    if (!entry.is_object()) return "is no object";
    for (const char* key : {"name", "url", "pin", "listen_address"}) {
        if (entry.contains(key) && !entry[key].is_string()) return std::string(key) + " is no text";
    }
    for (const char* key : {"gamer", "peer"}) {
        if (entry.contains(key) && !entry[key].is_boolean()) {
            return std::string(key) + " is not true or false";
        }
    }
    for (const char* key : {"urls", "given_hosts"}) {
        if (entry.contains(key) && !is_texts(entry[key])) {
            return std::string(key) + " is no list of texts";
        }
    }
    return "";
}

// As the first version had it: `url`.
std::vector<std::string> urls_of(const json& entry) {
    auto urls = entry.value("urls", std::vector<std::string>());
    if (urls.empty() && entry.contains("url")) urls = {entry.value("url", "")};
    return urls;
}

}  // namespace

Result<std::vector<Joined>> joined_coordinators() {
    std::vector<Joined> list;
    const std::optional<std::string> folder = folder_path();
    if (!folder) return list;
    const std::string file = join_path(*folder, kJoinedFile);
    // Whom to believe is in it: without it one would go on in plaintext.
    const auto unusable = [&](const std::string& why) {
        return usage_failure("what this machine has joined cannot be told: " + why);
    };
    const auto damaged = [&](const std::string& why) {
        return unusable("'" + file + "' is damaged: " + why + "; delete it and join again");
    };
    const Result<bool> there = looks_there(file);
    if (!there) return unusable(there.failure().text + "; make it readable");
    if (!*there) return list;
    const Result<std::string> text = read_file(file);
    if (!text)
        return unusable(text.failure().text + "; make it readable, or delete it and join again");
    const JsonText entries = read_json(*text, "joined");
    if (!entries.error.empty()) return damaged(entries.error);
    if (!entries.value.is_array()) return damaged("it is no list");
    for (size_t i = 0; i < entries.value.size(); ++i) {
        const json& entry = entries.value[i];
        const std::string place = "joined[" + std::to_string(i) + "]";
        const std::string fault = fault_of(entry);
        if (!fault.empty()) {
            return damaged(place + (entry.is_object() ? "." : " ") + fault);
        }
        Joined joined;
        joined.name = entry.value("name", "");
        joined.urls = urls_of(entry);
        joined.pin = entry.value("pin", "");
        joined.gamer = entry.value("gamer", false);
        joined.peer = entry.value("peer", false);
        joined.reach.listen_address = entry.value("listen_address", "");
        joined.reach.given_hosts = entry.value("given_hosts", std::vector<std::string>());
        if (joined.urls.empty() || std::count(joined.urls.begin(), joined.urls.end(), "") > 0) {
            return damaged(place + ".urls names no place");
        }
        list.push_back(std::move(joined));
    }
    return list;
}

namespace {

Outcome write_joined(const std::vector<Joined>& list) {
    const Result<std::string> folder = machine_folder();
    if (!folder) return folder.failure();
    json entries = json::array();
    for (const Joined& entry : list) {
        json line = {{"name", entry.name},
                     {"urls", entry.urls},
                     {"pin", entry.pin},
                     {"gamer", entry.gamer},
                     {"peer", entry.peer}};
        if (!entry.reach.listen_address.empty()) {
            line["listen_address"] = entry.reach.listen_address;
            line["given_hosts"] = entry.reach.given_hosts;
        }
        entries.push_back(std::move(line));
    }
    return write_file(join_path(*folder, kJoinedFile), entries.dump(2) + "\n");
}

}  // namespace

Outcome remember_coordinator(const Joined& joined) {
    Result<std::vector<Joined>> list = joined_coordinators();
    if (!list) return list.failure();
    Joined entry = joined;
    std::erase_if(*list, [&](const Joined& other) {
        const bool is_same =
            other.pin == joined.pin && (!joined.pin.empty() || other.urls == joined.urls);
        // A machine that joins itself goes on knowing how others come to it.
        if (is_same && entry.reach.listen_address.empty()) entry.reach = other.reach;
        return is_same;
    });
    list->insert(list->begin(), std::move(entry));
    return write_joined(*list);
}

Outcome remember_place(const std::string& url, const std::string& pin) {
    Result<std::vector<Joined>> list = joined_coordinators();
    if (!list) return list.failure();
    for (Joined& joined : *list) {
        if (joined.pin != pin) continue;
        const auto at = std::find(joined.urls.begin(), joined.urls.end(), url);
        if (at == joined.urls.end() || at == joined.urls.begin()) continue;
        std::rotate(joined.urls.begin(), at, at + 1);
        return write_joined(*list);
    }
    return std::nullopt;
}

}  // namespace p2c2r::cli
