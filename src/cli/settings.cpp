#include "cli/settings.h"

#include <algorithm>
#include <cctype>

#include "cli/files.h"
#include "cli/log_writer.h"
#include "cli/toml_file.h"

namespace p2c2r::cli {

using Kind = SettingKey::Kind;
using nlohmann::json;

namespace {

// Names in the environment that scripts and bindings around the program use; they are no settings.
constexpr const char* kNoSettings[] = {"P2C2R_CONFIG",    "P2C2R_DATA",    "P2C2R_OUT",
                                       "P2C2R_BUILD_DIR", "P2C2R_LIBRARY", "P2C2R_LIB_DIR",
                                       "P2C2R_BENCH",     "P2C2R_ANCHORS", "P2C2R_HOME"};

bool serves(const SettingKey& key, Daemon daemon) {
    return (static_cast<unsigned>(key.daemon) & static_cast<unsigned>(daemon)) != 0;
}

constexpr const char* kCommandLine = "command line";

Failure bad_value(const std::string& name, const std::string& origin, const std::string& why) {
    const SettingKey* key = find_setting_key(name);
    if (key && origin == kCommandLine) {  // where it was given as an option
        const std::string options = key->options;
        return usage_failure(options.substr(0, options.find(',')) + ": " + why);
    }
    return usage_failure("key '" + name + "' (" + origin + "): " + why);
}

// P2C2R_LOG__LEVEL -> log.level
std::string key_of_variable(std::string_view variable) {
    std::string name;
    for (size_t index = 6; index < variable.size(); ++index) {
        if (variable.substr(index, 2) == "__") {
            name += '.';
            ++index;
        } else {
            name += static_cast<char>(std::tolower(static_cast<unsigned char>(variable[index])));
        }
    }
    return name;
}

// The value that a text means for a key of this kind; text that fits nothing stays text, and add()
// then says what is wrong with it.
json value_of_text(Kind kind, const std::string& text) {
    if (kind == Kind::kBoolean) {
        if (text == "true" || text == "1" || text == "yes") return true;
        if (text == "false" || text == "0" || text == "no") return false;
    }
    if (kind == Kind::kInteger || kind == Kind::kReal || kind == Kind::kPort) {
        const json number = json::parse(text, nullptr, false);
        if (number.is_number()) return number;
    }
    return text;
}

std::string joined_list(const json& value) {
    if (value.is_string()) return value.get<std::string>();
    std::string joined;
    for (const json& entry : value) {
        if (!joined.empty()) joined += ',';
        joined += entry.get<std::string>();
    }
    return joined;
}

bool is_list_of_texts(const json& value) {
    if (value.is_string()) return true;
    return value.is_array() && std::all_of(value.begin(), value.end(),
                                           [](const json& entry) { return entry.is_string(); });
}

// A table that keys are in: log, monitoring, capabilities.
bool is_section(const std::string& name) {
    return std::any_of(setting_keys().begin(), setting_keys().end(), [&](const SettingKey& key) {
        return std::string_view(key.name).starts_with(name + ".");
    });
}

// What the value should have been; "" when it is that.
std::string what_is_expected(const SettingKey& key, const json& value) {
    const std::string_view name = key.name;
    switch (key.kind) {
        case Kind::kBoolean:
            return value.is_boolean() ? "" : "true or false";
        case Kind::kReal:
            // Not a number and infinity are neither.
            return value.is_number() && value.get<double>() >= 0 &&
                           value.get<double>() <= static_cast<double>(key.most)
                       ? ""
                       : "a number from 0 to " + std::to_string(key.most);
        case Kind::kList:
            return is_list_of_texts(value) ? "" : "a list of texts";
        case Kind::kText:
            if (!value.is_string()) return "a text";
            if (name == "log.level" && log_level_from(value.get<std::string>()) == 0) {
                return "error, warn, info, debug or trace";
            }
            if (name == "log.format" && value != "text" && value != "json") return "text or json";
            return "";
        case Kind::kPort:
            if (value == "off" || value == "any") return "";
            [[fallthrough]];
        case Kind::kInteger:
            break;
    }
    if (value.is_number_integer() && value.get<int64_t>() >= key.least &&
        value.get<int64_t>() <= key.most) {
        return "";
    }
    return "a whole number from " + std::to_string(key.least) + " to " + std::to_string(key.most);
}

}  // namespace

Outcome Settings::add(const std::string& given, const json& value, const std::string& origin) {
    const std::string name = given == "log_level" ? "log.level" : given;  // the flat name of old
    const SettingKey* key = find_setting_key(name);
    if (!key) {
        const char* feature = not_built_feature(name);
        if (!feature && value.is_object()) feature = not_built_feature(name + ".");
        if (feature) {
            return bad_value(name, origin,
                             std::string("refused, ") + feature + " is not built in this release");
        }
        return bad_value(name, origin, "unknown; see --help for the keys there are");
    }
    if (!serves(*key, daemon_)) {
        return bad_value(name, origin,
                         std::string("belongs to the ") +
                             (serves(*key, Daemon::kPeer) ? "peer" : "coordinator"));
    }
    const std::string expected = what_is_expected(*key, value);
    if (!expected.empty()) return bad_value(name, origin, value.dump() + " is not " + expected);
    values_[name] = key->kind == Kind::kList ? json(joined_list(value)) : value;
    return std::nullopt;
}

Outcome Settings::add_text(const std::string& name, const std::string& value,
                           const std::string& origin) {
    const SettingKey* key = find_setting_key(name);
    return add(name, key ? value_of_text(key->kind, value) : json(value), origin);
}

Outcome Settings::add_toml(std::string_view text, const std::string& origin) {
    Result<std::map<std::string, json>> flat = flat_toml(text, origin);
    if (!flat) return flat.failure();
    for (const auto& [name, value] : *flat) {
        if (value.is_object() && is_section(name)) continue;  // of keys that are all left out
        if (Outcome failure = add(name, value, origin)) return failure;
    }
    return std::nullopt;
}

Outcome Settings::add_environment(const std::vector<std::string>& entries) {
    for (const std::string& entry : entries) {
        const size_t equals = entry.find('=');
        if (!entry.starts_with("P2C2R_") || equals == std::string::npos) continue;
        const std::string variable = entry.substr(0, equals);
        if (std::find(std::begin(kNoSettings), std::end(kNoSettings), variable) !=
            std::end(kNoSettings)) {
            continue;
        }
        const std::string name = key_of_variable(variable);
        // One environment may serve all daemons of a machine, so the other ones' keys are fine
        // here.
        const SettingKey* key = find_setting_key(name);
        if (key && !serves(*key, daemon_)) continue;
        if (Outcome failure = add_text(name, entry.substr(equals + 1), "environment " + variable)) {
            return failure;
        }
    }
    return std::nullopt;
}

std::optional<std::string> Settings::text(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    return found->second.get<std::string>();
}

std::optional<std::string> Settings::as_text(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    return found->second.is_string() ? found->second.get<std::string>() : found->second.dump();
}

std::optional<uint32_t> Settings::integer(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    return found->second.get<uint32_t>();
}

std::optional<double> Settings::real(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    return found->second.get<double>();
}

std::optional<bool> Settings::boolean(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    return found->second.get<bool>();
}

std::optional<uint32_t> Settings::port(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    if (found->second == "off") return P2C2R_NONE;
    if (found->second == "any" || found->second == 0) return P2C2R_ANY;
    return found->second.get<uint32_t>();
}

void SettingOptions::add_to(Command& command, const std::string& before) {
    command.add_text("--config", config_, "TOML file with settings (environment: P2C2R_CONFIG)");
    for (const SettingKey& key : setting_keys()) {
        if (!serves(key, daemon_) || key.options[0] == '\0') continue;
        command.add_text(key.options, given_[key.name], key.help);
    }
    std::string keys =
        (before.empty() ? before : before + "\n") +
        "Keys of the TOML file, and of the environment as P2C2R_ + upper case with __ "
        "for a dot:\n ";
    for (const SettingKey& key : setting_keys()) {
        if (serves(key, daemon_)) keys += std::string(" ") + key.name;
    }
    command.set_footer(keys);
}

Result<Settings> SettingOptions::merge(const std::vector<std::string>& environment) const {
    Settings settings(daemon_);
    std::optional<std::string> file = config_;
    for (const std::string& entry : environment) {
        if (!file && entry.starts_with("P2C2R_CONFIG=")) file = entry.substr(13);
    }
    if (file) {
        Result<std::string> text = read_file(*file);
        if (!text) return usage_failure("configuration: " + text.failure().text);
        if (Outcome failure = settings.add_toml(*text, *file)) return *failure;
    }
    if (Outcome failure = settings.add_environment(environment)) return *failure;
    for (const auto& [name, value] : given_) {
        if (!value) continue;
        if (Outcome failure = settings.add_text(name, *value, kCommandLine)) return *failure;
    }
    return settings;
}

std::string role_options(const Settings& settings, Daemon role, bool allow_plaintext) {
    nlohmann::json options = nlohmann::json::object();
    if (allow_plaintext) options["allow_plaintext"] = true;
    if (const auto circle = settings.text("circle")) options["circle"] = *circle;
    const auto add_megabytes = [&](const char* key, const char* option) {
        if (const auto megabytes = settings.integer(key)) options[option] = *megabytes * 1048576ull;
    };
    add_megabytes("content_mb", "content_bytes_max");
    if (role != Daemon::kCoordinator) return options.dump();
    add_megabytes("answer_cache_mb", "answer_bytes_max");
    for (const char* name :
         {"copies_percent", "gamer_tasks_per_s", "gamer_bytes_per_s", "gamer_in_flight_max",
          "gamer_queued_max", "account_connections_max"}) {
        if (const auto value = settings.integer(name)) options[name] = *value;
    }
    if (const auto value = settings.boolean("limit_operator")) options["limit_operator"] = *value;
    return options.dump();
}

}  // namespace p2c2r::cli
