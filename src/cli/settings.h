// Settings of the daemons: one table of keys, three places to say them. The command line beats
// the environment, which beats the file. A key that nobody knows, or whose feature is not built, is
// refused by its name: a setting never silently has no effect.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/failure.h"

namespace p2c2r::cli {

// Who takes a key, as bits. A host is a coordinator whose own machine helps; an owner is asked for
// the wishes of a helper's owner alone.
enum class Daemon : unsigned {
    kCoordinator = 1,
    kPeer = 2,
    kHost = 4,
    kOwner = 8,
    kCoordinating = 5,  // coordinator, host
    kHelping = 6,       // peer, host
    kAll = 7,
    kHelper = 14,  // whoever has an owner's wishes
};

struct SettingKey {
    enum class Kind { kInteger, kReal, kBoolean, kText, kList, kPort };
    const char* name;  // as in the file: "log.level"
    Kind kind;
    Daemon daemon;
    int64_t least;  // of integers
    int64_t most;
    const char* options;  // names on the command line; "": only file and environment
    const char* help;
};

// All keys, in the order of --help.
const std::vector<SettingKey>& setting_keys();
// NULL: there is none of that name.
const SettingKey* find_setting_key(const std::string& name);
// What a key that is refused would set; NULL: it is no such key.
const char* not_built_feature(const std::string& name);

class Settings {
  public:
    explicit Settings(Daemon daemon) : daemon_(daemon) {}

    // A TOML text; `origin` names it in errors. Tables are dotted names: [log] level = "debug".
    Outcome add_toml(std::string_view text, const std::string& origin);
    // Entries NAME=VALUE; only names that start with P2C2R_ are looked at.
    Outcome add_environment(const std::vector<std::string>& entries);
    // One key as text, as the command line and the environment give it.
    Outcome add_text(const std::string& name, const std::string& value, const std::string& origin);

    [[nodiscard]] bool has(const std::string& name) const { return values_.contains(name); }
    [[nodiscard]] std::optional<std::string> text(const std::string& name) const;
    // A key of any kind, as the command line has it.
    [[nodiscard]] std::optional<std::string> as_text(const std::string& name) const;
    [[nodiscard]] std::optional<uint32_t> integer(const std::string& name) const;
    [[nodiscard]] std::optional<double> real(const std::string& name) const;
    [[nodiscard]] std::optional<bool> boolean(const std::string& name) const;
    // A number, P2C2R_ANY or P2C2R_NONE.
    [[nodiscard]] std::optional<uint32_t> port(const std::string& name) const;

  private:
    Outcome add(const std::string& name, const nlohmann::json& value, const std::string& origin);

    Daemon daemon_;
    std::map<std::string, nlohmann::json> values_;
};

// The options of a daemon on the command line, and the merge of all three places.
class SettingOptions {
  public:
    explicit SettingOptions(Daemon daemon) : daemon_(daemon) {}
    // `before`: of the command's footer, which names the keys.
    void add_to(Command& command, const std::string& before = {});
    // Reads the file named by --config (or P2C2R_CONFIG), then the environment, then the options.
    [[nodiscard]] Result<Settings> merge(const std::vector<std::string>& environment) const;

  private:
    Daemon daemon_;
    std::optional<std::string> config_;
    std::map<std::string, std::optional<std::string>> given_;
};

// The rare options of a role that a daemon runs (kCoordinator or kPeer), as JSON.
std::string role_options(const Settings& settings, Daemon role, bool allow_plaintext);

}  // namespace p2c2r::cli
