// The benchmark of a helper's first day: what its owner should know before anybody counts on the
// machine, kept beside its keys so that `status` can say it again.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/contact.h"
#include "cli/device_choice.h"
#include "cli/settings.h"

namespace p2c2r::cli {

// A few seconds with progress on standard error; the verdict on standard output. `coordinator`
// none: there is no uplink to measure. `stops`: as MachineOptions has it. Returns when it is done
// or has failed, which it says: whoever joins has joined all the same.
void run_first_benchmark(const std::optional<Contact>& coordinator, const std::string& device,
                         const std::function<bool()>& stops = nullptr);

// Of this or any other run on this machine: "With physics this machine can serve ...". "": none.
std::string kept_benchmark();

// How fast the machine is said to be: by the settings, else as it was measured on the device that
// these name. In thousandths of any one machine's, 0: not known.
uint32_t speed_milli(const Settings& settings);

// For those who will be asked: `text`, and all that it comes from.
void keep_benchmark(const std::string& text, const nlohmann::json& details);

}  // namespace p2c2r::cli
