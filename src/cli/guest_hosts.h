// Under which names and addresses others find a coordinator: what a join code hands out.
#pragma once

#include <string>
#include <vector>

#include "cli/failure.h"

namespace p2c2r::cli {

inline constexpr size_t kGuestHostsMax = 8;  // as many as a join code holds

// An IPv4 or IPv6 address, this one with or without brackets, or a name of letters, digits, '-' and
// dots; in the form that is written down, without brackets. Usage failures begin with the text.
Result<std::string> read_host(const std::string& text);
// The value of --address: 1 to kGuestHostsMax of them with commas between, each kept once.
Result<std::vector<std::string>> read_hosts(const std::string& text);
// A name or address that leads back to whoever uses it.
bool is_loopback(const std::string& host);

// How guests come to a coordinator of this machine.
struct Reach {
    std::string listen_address;            // "": not known, or of another machine
    std::vector<std::string> given_hosts;  // by its operator; empty: what it listens at
};

// The hosts for a join code: the given ones, or of the machine's `own` addresses (all: "::"; IPv4:
// "0.0.0.0") and the one that it listens at those that lead to it. Loopback when there are no
// others.
std::vector<std::string> guest_hosts(const Reach& reach, const std::vector<std::string>& own);
// Where this machine itself finds it: loopback, unless it listens on one address only.
std::string near_host(const std::string& listen_address);

}  // namespace p2c2r::cli
