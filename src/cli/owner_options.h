// The owner's wishes of a helper's settings, as the library takes them: the options of a peer.
#pragma once

#include <functional>
#include <string>

#include "cli/device_choice.h"
#include "cli/handles.h"
#include "cli/settings.h"

namespace p2c2r::cli {

// The JSON for p2c2r_peer_config.options. Mode idle where none is set; the display is that of the
// environment where none is named.
Result<std::string> owner_options(const Settings& settings,
                                  const std::vector<std::string>& environment,
                                  bool allow_plaintext);

// Where a helper computes: the settings device and use_gpu.
Result<DeviceChoice> device_of(const Settings& settings);
// The same as a command takes it: "auto", "native", "vulkan:1".
std::string device_text(const Settings& settings);

// The display of an environment: an X display, "wayland" below that, "" where there is none.
std::string display_in(const std::vector<std::string>& environment);

// The same for the options of a runtime: caps.vram_mb. "": none.
std::string owner_runtime_options(const Settings& settings);

// Makes a peer with these options. Where another peer of this machine keeps the counts of data and
// no cap needs them, it goes without.
p2c2r_status create_helper(p2c2r_runtime* runtime, p2c2r_peer_config config,
                           const std::string& options, PeerHandle& out, p2c2r_error& why);

// Whether a helper could be made with these settings, for whoever only writes them down: the
// failure that `p2c2r peer` would end with.
Outcome check_helper(const Settings& settings);

// "helps: at most 30 % of the time" or "does not help: on battery".
std::string willing_text(const p2c2r_event& event);

}  // namespace p2c2r::cli
