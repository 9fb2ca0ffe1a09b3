// Inviting a machine: the coordinator is asked for a secret, and the code that carries it is shown.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/guest_hosts.h"
#include "cli/join_code.h"

namespace p2c2r::cli {

// Whose a new account is, and what it may do.
struct AccountOptions {
    bool is_friend = false;  // somebody else's machine: its own tasks only, no share in ours
    std::optional<std::string> owner;  // whose; none: its own
    std::optional<std::string> roles;
    bool force = false;

    void add_to(Command& command, const std::string& roles_default);
    // As the calls key.invite and key.token take it. Usage failures: no roles, or such as nobody
    // should give away by a slip.
    [[nodiscard]] Result<nlohmann::json> wish(const std::string& roles_default) const;
};

struct InvitationOptions {
    AccountOptions account;
    std::optional<uint64_t> valid_hours;
    std::optional<std::string> address;
    std::optional<std::string> name;  // of the invitation; the coordinator draws one
    bool no_qr = false;

    void add_to(Command& command);
    // Of --address; empty: it was not given.
    [[nodiscard]] Result<std::vector<std::string>> hosts() const;
};

// Asks a coordinator: name of the call, arguments.
using Ask = std::function<Result<nlohmann::json>(const char*, const nlohmann::json&)>;

// The coordinator that a code leads to.
struct InvitedTo {
    std::string pin;
    uint16_t port = 0;
    std::vector<std::string> hosts;  // empty: this machine
    Reach reach{};                   // of this machine's
};

struct Invited {
    JoinCode code;
    std::string
        name;  // with which it is withdrawn; "": of a coordinator that has no names for them
};

// A fresh code for it.
Result<Invited> invite(const Ask& ask, const InvitationOptions& options, const InvitedTo& to);
// One line about the router, where others outside could not reach this machine without it; "": they
// can, as far as the addresses say that it listens at (`own`). `given`: the hosts that somebody
// chose for the code; empty: `own`.
std::string router_text(const std::vector<std::string>& given, const std::vector<std::string>& own,
                        uint16_t port);
// One line where only this machine can come in by these hosts of a code, or past loopback; "": more
// can.
std::string loopback_text(const std::vector<std::string>& hosts, const Reach& reach);
// On standard output, with what to do with it.
void print_invitation(const Invited& invited, const InvitationOptions& options,
                      const InvitedTo& to);

}  // namespace p2c2r::cli
