// A command of this program as a systemd service of its user: no administrator is needed.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/failure.h"
#include "cli/settings.h"

namespace p2c2r::cli {

struct Service {
    std::string name;  // "p2c2r-peer"
    std::string description;
    std::string program;                 // absolute
    std::vector<std::string> arguments;  // without the program
    std::vector<std::pair<std::string, std::string>> environment;
    // It needs the desktop's session, which has a display: begins and ends with it.
    bool with_desktop = false;
};

// The text of its unit file.
std::string service_text(const Service& service);
// The settings as environment of a service, files by their whole paths. With a display that is the
// one of now.
std::vector<std::pair<std::string, std::string>> service_environment(
    const Settings& settings, const std::vector<std::string>& environment);

// Writes the unit where systemd looks for those of this user, and starts it; prints what was done,
// or which commands do it where systemctl cannot.
Outcome install_service(const Service& service, const std::vector<std::string>& environment);

// Stops and disables the service of this name and removes its unit; prints what was done. Fails
// where there is none, and where systemctl does not answer: then the unit is gone, and what runs
// may go on.
Outcome remove_service(const std::string& name, const std::vector<std::string>& environment);

}  // namespace p2c2r::cli
