#include "cli/service.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>

#include "cli/files.h"
#include "cli/owner_options.h"
#include "cli/process_posix.h"

namespace p2c2r::cli {

namespace {

constexpr uint64_t kSystemctlUs = 20'000'000;
constexpr const char* kDesktopTarget = "graphical-session.target";
constexpr const char* kDefaultTarget = "default.target";
constexpr const char* kTargets[] = {kDesktopTarget, kDefaultTarget};

// As systemd reads a word: in quotes, with its own escapes; % begins a specifier, $ a variable.
std::string quoted(const std::string& word) {
    std::string text = "\"";
    for (const char c : word) {
        if (c == '"' || c == '\\') text += '\\';
        if (c == '%' || c == '$') text += c;
        if (c == '\n') {
            text += "\\n";
        } else {
            text += c;
        }
    }
    return text + "\"";
}

// The same in Environment=, where $ is itself.
std::string quoted_variable(const std::string& name, const std::string& value) {
    std::string text = quoted(name + "=" + value);
    for (size_t at = 0; (at = text.find("$$", at)) != std::string::npos; ++at) text.erase(at, 1);
    return text;
}

std::string variable_of(const std::string& key) {
    std::string name = "P2C2R_";
    for (const char c : key) {
        if (c == '.') {
            name += "__";
        } else {
            name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        }
    }
    return name;
}

std::string value_in(const std::vector<std::string>& environment, const std::string& name) {
    for (const std::string& entry : environment) {
        if (entry.starts_with(name + "=")) return entry.substr(name.size() + 1);
    }
    return {};
}

// Where systemd looks for the units of this user.
Result<std::string> units_folder(const std::vector<std::string>& environment) {
    std::string folder = value_in(environment, "XDG_CONFIG_HOME");
    if (folder.empty()) {
        const std::string home = value_in(environment, "HOME");
        if (home.empty()) return Failure{kExitSomeFailed, "a service needs HOME"};
        folder = join_path(home, ".config");
    }
    return join_path(join_path(folder, "systemd"), "user");
}

bool run_systemctl(const std::vector<std::string>& arguments) {
    std::vector<std::string> words = {"systemctl", "--user"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    Process::Options options;
    options.output_file = "/dev/null";
    options.error_file = "/dev/null";
    Result<Process> process = Process::start("/usr/bin/env", words, options);
    return process && process->wait(kSystemctlUs) == 0;
}

}  // namespace

std::string service_text(const Service& service) {
    std::string text = "[Unit]\nDescription=" + service.description + "\n";
    if (service.with_desktop) {
        text += "PartOf=graphical-session.target\nAfter=graphical-session.target\n";
    }
    text += "\n[Service]\nExecStart=" + quoted(service.program);
    for (const std::string& argument : service.arguments) text += " " + quoted(argument);
    text += "\n";
    for (const auto& [name, value] : service.environment) {
        text += "Environment=" + quoted_variable(name, value) + "\n";
    }
    if (service.with_desktop) text += "PassEnvironment=XAUTHORITY\n";
    // 2 is wrong usage: starting it again does not help.
    text += "Restart=on-failure\nRestartSec=5\nRestartPreventExitStatus=2\n";
    text += "TimeoutStopSec=15\nNoNewPrivileges=yes\n";
    text += std::string("\n[Install]\nWantedBy=") +
            (service.with_desktop ? kDesktopTarget : kDefaultTarget) + "\n";
    return text;
}

std::vector<std::pair<std::string, std::string>> service_environment(
    const Settings& settings, const std::vector<std::string>& environment) {
    std::vector<std::pair<std::string, std::string>> variables;
    for (const SettingKey& key : setting_keys()) {
        const std::string name = key.name;
        if (name == "display") continue;
        std::optional<std::string> value = settings.as_text(name);
        if (!value) continue;
        // A service begins in another folder than this command.
        const bool is_file = name.ends_with("_file") || name == "log.file";
        if (is_file && !value->empty()) value = std::filesystem::absolute(*value).string();
        variables.emplace_back(variable_of(name), *value);
    }
    const std::string display = settings.text("display").value_or(display_in(environment));
    if (!display.empty()) variables.emplace_back("P2C2R_DISPLAY", display);
    // Where the keys and what was joined lie, if not where they are without it.
    if (const std::string home = value_in(environment, "P2C2R_HOME"); !home.empty()) {
        variables.emplace_back("P2C2R_HOME", home);
    }
    return variables;
}

Outcome install_service(const Service& service, const std::vector<std::string>& environment) {
    const Result<std::string> folder = units_folder(environment);
    if (!folder) return folder.failure();
    if (Outcome failed = make_directories(*folder)) return failed;
    const std::string unit = service.name + ".service";
    const std::string file = join_path(*folder, unit);
    if (Outcome failed = write_file(file, service_text(service))) return failed;
    std::printf("wrote %s\n", file.c_str());
    if (run_systemctl({"daemon-reload"}) && run_systemctl({"enable", "--now", unit})) {
        std::printf(
            "started; it begins with your session. p2c2r status shows it, "
            "systemctl --user stop %s ends it until then, --remove-service for good\n",
            service.name.c_str());
        return std::nullopt;
    }
    std::printf(
        "these commands start it:\n"
        "  systemctl --user daemon-reload\n  systemctl --user enable --now %s\n",
        service.name.c_str());
    return Failure{kExitSomeFailed,
                   "the service is written but not started: systemctl --user does not answer here"};
}

Outcome remove_service(const std::string& name, const std::vector<std::string>& environment) {
    const Result<std::string> folder = units_folder(environment);
    if (!folder) return folder.failure();
    const std::string unit = name + ".service";
    const std::string file = join_path(*folder, unit);
    std::error_code error;
    const auto there = std::filesystem::symlink_status(file, error);
    if (there.type() == std::filesystem::file_type::not_found) {
        return Failure{kExitSomeFailed, "there is no service '" + name + "' of this user: " + file +
                                            " is not there"};
    }
    // While the unit is there: systemd finds by it what runs.
    const bool stopped = run_systemctl({"disable", "--now", unit});
    if (stopped) std::printf("stopped and disabled %s\n", name.c_str());
    if (!std::filesystem::remove(file, error)) {
        return Failure{kExitSomeFailed, "cannot remove " + file + ": " + error.message()};
    }
    std::printf("removed %s\n", file.c_str());
    if (stopped) {
        (void)run_systemctl({"daemon-reload"});
        return std::nullopt;
    }
    // What `enable` has made, or it would be looked for at each start.
    for (const char* target : kTargets) {
        const std::string link =
            join_path(join_path(*folder, target + std::string(".wants")), unit);
        if (std::filesystem::remove(link, error)) std::printf("removed %s\n", link.c_str());
    }
    return Failure{kExitSomeFailed,
                   "the service is removed, but what runs of it was not stopped: systemctl --user "
                   "does not answer here; in a session of this user: systemctl --user stop " +
                       name};
}

}  // namespace p2c2r::cli
