// `p2c2r invite`, `token`, `accounts`, `revoke`: who may come in, asked of a running coordinator.
// The account that asks must be an admin, as the machine that hosts is.
#include <algorithm>
#include <cstdio>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/invitation.h"
#include "cli/session.h"
#include "cli/standard_output.h"
#include "cli/terminal_posix.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

// The coordinator's goodbye to whoever a new --from leaves outside.
constexpr const char* kShutOut = "is not good from this address any more";
constexpr const char* kWouldShutOut = "it would shut itself out";  // and its refusal of that

struct PeopleOptions {
    ContactOptions contact;
    InvitationOptions invitation;
    AccountOptions account;
    std::optional<std::string> name;
    std::optional<std::string> out;
    std::optional<std::string> from;
    std::optional<std::string> force;
    std::optional<std::string> withdraw;
    bool list = false;
    bool json = false;
};

Result<std::unique_ptr<Session>> open(const PeopleOptions& options, Contact& contact) {
    Result<Contact> resolved = Contact::resolve(options.contact);
    if (!resolved) return resolved.failure();
    contact = *resolved;
    SessionOptions session;
    session.contact = contact;
    session.device.kind = DeviceChoice::Kind::kNative;
    session.worker_threads = 1;
    return Session::open(session);
}

// The port of p2c2r://host:port.
uint16_t port_of(const std::string& url) {
    const size_t colon = url.rfind(':');
    const bool has_port = colon != std::string::npos && url.find(']', colon) == std::string::npos &&
                          colon > url.find("//");
    const unsigned long port = has_port ? std::strtoul(url.c_str() + colon + 1, nullptr, 10) : 0;
    return port >= 1 && port <= 65535 ? static_cast<uint16_t>(port) : uint16_t{8765};
}

// What was taken away counts already. "": it is on the coordinator's disk as well.
std::string unsaved_text(const json& answer) {
    const std::string why = answer.value("unsaved", "");
    if (why.empty()) return "";
    return "this is not on the coordinator's disk yet: " + why +
           ". It holds while the coordinator runs; a restart before it is written would undo it. "
           "It tries again until it can; p2c2r accounts tells while it cannot";
}

// One thing that was taken away, with what is to be feared for it.
int report_taken(const char* command, const std::string& done, const json& answer) {
    std::printf("%s\n", done.c_str());
    const std::string unsaved = unsaved_text(answer);
    if (unsaved.empty()) return kExitOk;
    std::fflush(stdout);
    return report(command, {kExitSomeFailed, "warning: " + unsaved});
}

std::string time_text(uint64_t unix_ms) {
    return unix_ms == 0 ? "" : minute_text(unix_ms / 1000);
}

int list_invitations(Session& session, bool as_json) {
    const Result<json> list = session.ask("key.invitations");
    if (!list) return report("invite", list.failure());
    if (as_json) {
        std::printf("%s\n", list->dump().c_str());
        return kExitOk;
    }
    TextTable table({"name", "roles", "circle", "owner", "by", "made", "ends"});
    for (const json& open : list->value("invitations", json::array())) {
        table.add({open.value("name", ""), open.value("roles", ""), open.value("circle", ""),
                   open.value("owner", ""), open.value("by", ""),
                   time_text(open.value("made_ms", uint64_t{0})),
                   time_text(open.value("until_ms", uint64_t{0}))});
    }
    std::printf("%s", table.empty() ? "no open invitations\n" : table.text(line_width()).c_str());
    return kExitOk;
}

int withdraw_invitation(Session& session, const std::string& name) {
    const Result<json> done = session.ask("key.withdraw", {{"name", name}});
    if (!done) return report("invite", done.failure());
    return report_taken("invite", "invitation '" + name + "' is withdrawn: its code is refused",
                        *done);
}

int run_invite(const PeopleOptions& options) {
    if (options.list && options.withdraw) {
        return report("invite", usage_failure("--list and --withdraw are two commands"));
    }
    if (options.json && !options.list) {
        return report("invite", usage_failure("--json is of --list"));
    }
    // Before anything is connected.
    const Result<std::vector<std::string>> given = options.invitation.hosts();
    if (!given) return report("invite", given.failure());
    const Result<json> wish = options.invitation.account.wish("gamer");
    if (!wish) return report("invite", wish.failure());
    Contact contact;
    Result<std::unique_ptr<Session>> session = open(options, contact);
    if (!session) return report("invite", session.failure());
    if (options.list) return list_invitations(**session, options.json);
    if (options.withdraw) return withdraw_invitation(**session, *options.withdraw);
    const Ask ask = [&](const char* name, const json& arguments) {
        return (*session)->ask(name, arguments);
    };
    const InvitedTo to{contact.pin_hex(), port_of(contact.url()), contact.hosts_elsewhere(),
                       contact.reach()};
    const Result<Invited> invited = invite(ask, options.invitation, to);
    if (!invited) return report("invite", invited.failure());
    print_invitation(*invited, options.invitation, to);
    return kExitOk;
}

// The token is shown, or kept, once: the coordinator has no more than its hash.
int run_token(const PeopleOptions& options) {
    if (!options.name) return report("token", usage_failure("the account's name is missing"));
    const Result<json> wish = options.account.wish("gamer");
    if (!wish) return report("token", wish.failure());
    if (options.out && is_there(*options.out)) {
        return report("token", usage_failure("'" + *options.out + "' is there already"));
    }
    // The account is made once, and its token is told once: not for a file that cannot be made.
    if (options.out) {
        if (Outcome bad = check_new_file(*options.out)) return report("token", *bad);
    }
    Contact contact;
    Result<std::unique_ptr<Session>> session = open(options, contact);
    if (!session) return report("token", session.failure());
    json arguments = *wish;
    arguments["name"] = *options.name;
    if (options.from) arguments["from"] = *options.from;
    const Result<json> answer = (*session)->ask("key.token", arguments);
    if (!answer) return report("token", answer.failure());
    const std::string token = answer->value("token", "");
    std::string file = "FILE";
    if (options.out) {
        if (const Outcome failed = make_private_file(*options.out, token + "\n")) {
            return report("token", {kExitSomeFailed, failed->text + "; `p2c2r revoke " +
                                                         *options.name + "` ends this token"});
        }
        file = *options.out;
        std::printf("token for '%s' in %s; keep it as secret as a key\n", options.name->c_str(),
                    file.c_str());
    } else {
        std::printf(
            "token for '%s', shown this once; keep it, as secret as a key, in a file of mode "
            "0600:\n\n    %s\n\n",
            options.name->c_str(), token.c_str());
        if (const Outcome lost = flush_standard_output()) {
            return report("token",
                          {lost->exit_code, lost->text +
                                                "; the token was made, and nobody has it: `p2c2r "
                                                "revoke " +
                                                *options.name + "` ends it"});
        }
    }
    const bool peer = arguments.value("roles", "").find("peer") != std::string::npos;
    const bool gamer = arguments.value("roles", "").find("gamer") != std::string::npos;
    const std::string pin = contact.pin_hex();
    const bool has_pin = pin.find_first_not_of('0') != std::string::npos;
    for (const auto& [may, command] : {std::pair{gamer, "submit ..."}, std::pair{peer, "peer"}}) {
        if (!may) continue;
        std::printf("  p2c2r %s --coordinator %s%s --token-file %s\n", command,
                    contact.url().c_str(), (has_pin ? " --server-pin " + pin : "").c_str(),
                    file.c_str());
    }
    return kExitOk;
}

std::string day_of(uint64_t unix_ms) {
    return unix_ms == 0 ? "" : day_text(unix_ms / 1000);
}

// Of all, or of the one of this name.
Result<json> list_accounts(Session& session, const std::optional<std::string>& name) {
    Result<json> list = session.ask("key.list");
    if (!list || !name) return list;
    const json all = list->value("accounts", json::array());
    const auto it = std::find_if(all.begin(), all.end(), [&](const json& account) {
        return account.value("name", "") == *name;
    });
    if (it == all.end()) return Failure{kExitSomeFailed, "there is no account '" + *name + "'"};
    (*list)["accounts"] = json::array({*it});
    return list;
}

int run_accounts(const PeopleOptions& options) {
    if (options.from && !options.name) {
        return report("accounts", usage_failure("--from is of one account: say its name"));
    }
    if (options.force && !options.from) {
        return report("accounts", usage_failure("--force is of --from"));
    }
    Contact contact;
    Result<std::unique_ptr<Session>> session = open(options, contact);
    if (!session) return report("accounts", session.failure());
    if (options.from) {
        json arguments = {{"name", *options.name}, {"from", *options.from}};
        if (options.force) arguments["force"] = *options.force;
        const Result<json> set = (*session)->ask("key.from", arguments);
        const bool is_shut_out = !set && options.force == options.name &&
                                 set.failure().text.find(kShutOut) != std::string::npos;
        if (is_shut_out) {
            std::printf("'%s' is good from %s from now on, and this connection has ended\n",
                        options.name->c_str(), options.from->c_str());
            return kExitOk;
        }
        if (!set) {
            Failure failure = set.failure();
            const bool may_force = failure.text.find(kWouldShutOut) != std::string::npos;
            if (may_force) failure.text += " (here: --force " + *options.name + ")";
            return report("accounts", failure);
        }
    }
    const Result<json> list = list_accounts(**session, options.name);
    if (!list) return report("accounts", list.failure());
    if (options.json) {
        std::printf("%s\n", list->dump().c_str());
        return kExitOk;
    }
    TextTable table({"name", "owner", "roles", "from", "connected", "since", "revoked"});
    for (const json& account : list->value("accounts", json::array())) {
        table.add({account.value("name", ""), account.value("owner", ""),
                   account.value("roles", ""), account.value("from", "any"),
                   std::to_string(account.value("connections", 0)),
                   day_of(account.value("added_ms", uint64_t{0})),
                   day_of(account.value("revoked_ms", uint64_t{0}))});
    }
    std::printf("%sopen invitations: %d\n", table.text(line_width()).c_str(),
                list->value("invitations", 0));
    if (const std::string unsaved = unsaved_text(*list); !unsaved.empty()) {
        std::fflush(stdout);
        (void)report("accounts",
                     {kExitOk, "warning: what was revoked or withdrawn last: " + unsaved});
    }
    return kExitOk;
}

int run_revoke(const PeopleOptions& options) {
    if (!options.name) return report("revoke", usage_failure("the account's name is missing"));
    Contact contact;
    Result<std::unique_ptr<Session>> session = open(options, contact);
    if (!session) return report("revoke", session.failure());
    const Result<json> done = (*session)->ask("key.revoke", {{"name", *options.name}});
    if (!done) return report("revoke", done.failure());
    return report_taken("revoke",
                        "'" + *options.name +
                            "' is out for good, with its key or token; the way back is another "
                            "account: a new code (p2c2r invite) and a new key there, or a new "
                            "token under another name",
                        *done);
}

}  // namespace

void add_people_commands(Command& root) {
    static PeopleOptions options;
    Command invite = root.add_command(
        "invite", "Make a join code for another machine; list or withdraw those that are open",
        [] { return run_invite(options); });
    options.invitation.add_to(invite);
    invite.add_text("--name", options.invitation.name,
                    "What the invitation is called until it is used (8 digits)");
    invite.add_flag("--list", options.list,
                    "List the open invitations instead; their codes are told once, when made");
    invite.add_flag("--json", options.json, "With --list: one line of JSON");
    invite.add_text("--withdraw", options.withdraw,
                    "Make the code of this open invitation useless instead; as --list names it");
    options.contact.add_to(invite);
    Command token = root.add_command("token", "Make a token for software that cannot keep a key",
                                     [] { return run_token(options); });
    token.add_text("name,--name", options.name, "What the account is called");
    options.account.add_to(token, "gamer");
    token.add_text(
        "--from", options.from,
        "Where it is good from: first (the network of its first login), any, or prefixes "
        "with commas between (first); later: p2c2r accounts NAME --from");
    token.add_text("--out", options.out, "New file for it, mode 0600 (it is shown)");
    options.contact.add_to(token);
    Command accounts = root.add_command(
        "accounts", "List who may come in; say where the token of one is good from",
        [] { return run_accounts(options); });
    accounts.add_text("name,--name", options.name, "This one alone (all)");
    accounts.add_text("--from", options.from,
                      "Its token is good from there, from now on: first, any, or prefixes like "
                      "192.0.2.0/24 with commas between; what is connected from elsewhere is "
                      "thrown out (as it is)");
    accounts.add_text("--force", options.force,
                      "The account's name once more: set --from even if that shuts out the account "
                      "that asks, which is this one");
    options.contact.add_to(accounts);
    accounts.add_flag("--json", options.json, "One line of JSON");
    Command revoke = root.add_command("revoke", "Throw an account out, at once and for good",
                                      [] { return run_revoke(options); });
    revoke.add_text("name,--name", options.name, "As `p2c2r accounts` lists it");
    options.contact.add_to(revoke);
}

}  // namespace p2c2r::cli
