// p2c2r_vulkan_host: what a host says of the device that it lends.
#pragma once

#include <optional>

#include "core/status.h"
#include "gpu/compute.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::capi {

// The device of a config with P2C2R_GPU_LENT, nothing for the others. What is wrong is in *why, and
// `bad` is its status.
std::optional<gpu::HostDevice> read_vulkan_host(const p2c2r_runtime_config& config,
                                                p2c2r_status& bad, p2c2r_error* why);

// kDenied where the runtime's device is lent: `what` would compute for others.
Result<Done> check_not_lent(bool is_lent, const char* what);

}  // namespace p2c2r::capi
