#include "cli/invitation.h"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "cli/addresses_posix.h"
#include "cli/contact.h"
#include "cli/printable.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kValidHoursDefault = 24;
constexpr uint64_t kValidHoursMax = 30 * 24;
constexpr size_t kHostsMax = 4;  // of those that nobody chose: a code is to stay short

// It runs on another machine, as far as one says so.
bool is_elsewhere(const InvitedTo& to) {
    return !to.hosts.empty() && to.reach.listen_address.empty();
}

// "gamer,peer" of the words that --roles takes; nothing: another word is in it.
std::optional<std::string> read_roles(const std::string& text) {
    bool gamer = false;
    bool peer = false;
    bool admin = false;
    std::istringstream words(text);
    for (std::string word; std::getline(words, word, ',');) {
        if (word != "gamer" && word != "peer" && word != "both" && word != "admin") {
            return std::nullopt;
        }
        gamer |= word == "gamer" || word == "both";
        peer |= word == "peer" || word == "both";
        admin |= word == "admin";
    }
    std::string roles;
    for (const auto& [has, word] : {std::pair{gamer, "gamer"}, {peer, "peer"}, {admin, "admin"}}) {
        if (has) roles += (roles.empty() ? "" : ",") + std::string(word);
    }
    if (roles.empty()) return std::nullopt;
    return roles;
}

}  // namespace

void AccountOptions::add_to(Command& command, const std::string& roles_default) {
    command.add_flag("--friend", is_friend,
                     "For somebody else's machine: another circle than the own ones");
    command.add_text("--owner", owner,
                     "With --friend: whose machine it is; all of one owner are own machines to "
                     "each other (itself alone)");
    command.add_text("--roles,--role", roles,
                     "gamer (may send), peer (may help), both, or a list with commas between; with "
                     "admin as well it may invite, make tokens and revoke, like this machine (" +
                         roles_default + ")");
    command.add_flag("--force", force, "With --friend: give admin to somebody else's machine");
}

Result<json> AccountOptions::wish(const std::string& roles_default) const {
    if (owner && !is_friend) {
        return usage_failure("--owner names whose machine it is; without --friend it is yours");
    }
    const std::optional<std::string> read = read_roles(roles.value_or(roles_default));
    if (!read) {
        return usage_failure("--roles: '" + *roles +
                             "' is not gamer, peer or both, nor a list of gamer, peer and admin "
                             "with commas between");
    }
    const bool is_admin = read->find("admin") != std::string::npos;
    if (*read == "admin") {
        return usage_failure(
            "--roles: admin alone cannot come in: commands connect as a gamer (gamer,admin)");
    }
    if (is_admin && is_friend && !force) {
        return usage_failure(
            "--roles: an admin invites and revokes everybody, and with --friend that is somebody "
            "else's machine; --force, if it is meant");
    }
    json wish = {{"roles", *read}, {"circle", is_friend ? "invited" : "own"}};
    if (owner) wish["owner"] = *owner;
    return wish;
}

void InvitationOptions::add_to(Command& command) {
    account.add_to(command, "own: both, friend: gamer");
    command.add_count("--valid-hours", valid_hours, "How long the code can be used (24)",
                      {1, kValidHoursMax});
    command.add_text("--address", address,
                     "Names or addresses, with commas between, under which others reach this "
                     "machine (what it listens at; invite: as its host tells)");
    command.add_flag("--no-qr", no_qr, "Without the picture of the code");
}

Result<std::vector<std::string>> InvitationOptions::hosts() const {
    if (!address) return std::vector<std::string>();
    return read_hosts(*address);
}

Result<Invited> invite(const Ask& ask, const InvitationOptions& options, const InvitedTo& to) {
    const uint64_t hours = options.valid_hours.value_or(kValidHoursDefault);
    Result<json> wish = options.account.wish(options.account.is_friend ? "gamer" : "gamer,peer");
    if (!wish) return wish.failure();
    const Result<std::vector<std::string>> given = options.hosts();
    if (!given) return given.failure();
    if (to.pin.find_first_not_of('0') == std::string::npos) {
        return usage_failure(
            "no code leads there: a code says whom to believe, and the coordinator's key is not "
            "known here (--server-pin; in plaintext there is none)");
    }
    JoinCode code;
    code.port = to.port;
    code.hosts = *given;
    const bool elsewhere = is_elsewhere(to);
    if (code.hosts.empty()) {
        code.hosts = elsewhere ? to.hosts : guest_hosts(to.reach, own_addresses());
    }
    const bool chosen = !given->empty() || (!elsewhere && !to.reach.given_hosts.empty());
    if (!chosen && code.hosts.size() > kHostsMax) code.hosts.resize(kHostsMax);
    const std::string roles = wish->value("roles", "");
    code.gamer = roles.find("gamer") != std::string::npos;
    code.peer = roles.find("peer") != std::string::npos;
    (*wish)["valid_s"] = hours * 3600;
    if (options.name) (*wish)["name"] = *options.name;
    const Result<json> answer = ask("key.invite", *wish);
    if (!answer) return answer.failure();
    std::vector<uint8_t> secret;
    std::vector<uint8_t> pin_bytes;
    if (!read_hex(answer->value("secret", ""), secret, code.secret.size()) ||
        !read_hex(to.pin, pin_bytes, code.pin.size())) {
        return Failure{kExitSomeFailed, "the coordinator's answer holds no secret"};
    }
    std::copy(secret.begin(), secret.end(), code.secret.begin());
    std::copy(pin_bytes.begin(), pin_bytes.end(), code.pin.begin());
    return Invited{std::move(code), answer->value("name", "")};
}

std::string router_text(const std::vector<std::string>& given, const std::vector<std::string>& own,
                        uint16_t port) {
    const std::string to = own.empty() ? "this machine" : own.front();
    const std::string forward =
        "forward TCP port " + std::to_string(port) + " to " + to + " in the router's settings";
    if (!given.empty()) {
        const auto foreign = std::find_if(given.begin(), given.end(), [&](const std::string& host) {
            return std::find(own.begin(), own.end(), host) == own.end() && !is_loopback(host);
        });
        if (foreign == given.end()) return "";
        return *foreign + " is none of this machine's own addresses: if it is your router's, " +
               forward + ".\n";
    }
    if (std::any_of(own.begin(), own.end(), is_public_address)) return "";
    return "This machine has addresses of a local network only. For machines outside it: " +
           forward +
           ", then type p2c2r invite --address and the router's public address or name.\n";
}

std::string loopback_text(const std::vector<std::string>& hosts, const Reach& reach) {
    const bool listens_near = is_loopback(reach.listen_address);
    const std::string listens = "it listens on " + reach.listen_address + " alone";
    if (std::all_of(hosts.begin(), hosts.end(), is_loopback)) {
        return "Only this machine can join with this code: " +
               (listens_near ? listens + ", which others do not reach (--listen-address)"
                             : hosts.front() + " leads every machine back to itself (--address)") +
               ".\n";
    }
    if (!listens_near) return "";
    return "Others can join with this code only by a tunnel from " + hosts.front() +
           " to this machine: " + listens + " (--listen-address).\n";
}

void print_invitation(const Invited& invited, const InvitationOptions& options,
                      const InvitedTo& to) {
    const JoinCode& code = invited.code;
    const std::string text = join_code_text(code);
    if (!options.no_qr) std::printf("\n%s", qr_text(text).c_str());
    std::printf(
        "\njoin code, for one machine, within %llu h; keep it as secret as a key:\n\n"
        "    p2c2r join %s\n\n",
        static_cast<unsigned long long>(options.valid_hours.value_or(kValidHoursDefault)),
        text.c_str());
    if (!invited.name.empty()) {
        std::printf(
            "p2c2r invite --withdraw '%s' makes it useless as long as nobody has used it.\n",
            printable(invited.name).c_str());
    }
    std::string advice = is_elsewhere(to) ? "" : loopback_text(code.hosts, to.reach);
    if (advice.empty() && !is_elsewhere(to)) {
        const bool chosen = options.address || !to.reach.given_hosts.empty();
        advice =
            router_text(chosen ? code.hosts : std::vector<std::string>(),
                        guest_hosts({to.reach.listen_address, {}}, own_addresses()), code.port);
    }
    std::printf("%s", advice.c_str());
    std::fflush(stdout);
}

}  // namespace p2c2r::cli
