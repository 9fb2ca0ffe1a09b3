// Under which addresses others may find this machine.
#pragma once

#include <string>
#include <vector>

namespace p2c2r::cli {

// The numeric addresses of its interfaces that are up, IPv4 first, without loopback and link-local
// ones.
std::vector<std::string> own_addresses();
// Its name, or "machine".
std::string host_name();

}  // namespace p2c2r::cli
