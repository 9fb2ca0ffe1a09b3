// Under which addresses others may find this machine.
#pragma once

#include <string>
#include <vector>

namespace p2c2r::cli {

// The numeric addresses of its interfaces that are up, IPv4 first, without loopback and link-local
// ones.
std::vector<std::string> own_addresses();
// The address that a text is, in the form that is written down: "fd00::2" of "fd00:0::0002"; "": it
// is none.
std::string numeric_address(const std::string& text);
// Can it be reached from the internet as far as its number says? False for names and for what
// belongs to private networks, carriers' shared ones, one link or one machine.
bool is_public_address(const std::string& address);
// Its name, or "machine".
std::string host_name();

}  // namespace p2c2r::cli
