// `p2c2r invite`, `token`, `accounts`, `revoke`: who may come in, asked of a running coordinator.
// The account that asks must be an admin, as the machine that hosts is.
#include <algorithm>
#include <cstdio>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/invitation.h"
#include "cli/session.h"
#include "cli/standard_output.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

struct PeopleOptions {
    ContactOptions contact;
    InvitationOptions invitation;
    AccountOptions account;
    std::optional<std::string> name;
    std::optional<std::string> out;
    std::optional<std::string> from;
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

int run_invite(const PeopleOptions& options) {
    // Before anything is connected.
    const Result<std::vector<std::string>> given = options.invitation.hosts();
    if (!given) return report("invite", given.failure());
    Contact contact;
    Result<std::unique_ptr<Session>> session = open(options, contact);
    if (!session) return report("invite", session.failure());
    const Ask ask = [&](const char* name, const json& arguments) {
        return (*session)->ask(name, arguments);
    };
    const InvitedTo to{contact.pin_hex(), port_of(contact.url()), contact.hosts_elsewhere(),
                       contact.reach()};
    const Result<JoinCode> code = invite(ask, options.invitation, to);
    if (!code) return report("invite", code.failure());
    print_invitation(*code, options.invitation, to);
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
    Contact contact;
    Result<std::unique_ptr<Session>> session = open(options, contact);
    if (!session) return report("accounts", session.failure());
    if (options.from) {
        const Result<json> set =
            (*session)->ask("key.from", {{"name", *options.name}, {"from", *options.from}});
        if (!set) return report("accounts", set.failure());
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
    std::printf("%sopen invitations: %d\n", table.text().c_str(), list->value("invitations", 0));
    return kExitOk;
}

int run_revoke(const PeopleOptions& options) {
    if (!options.name) return report("revoke", usage_failure("the account's name is missing"));
    Contact contact;
    Result<std::unique_ptr<Session>> session = open(options, contact);
    if (!session) return report("revoke", session.failure());
    const Result<json> done = (*session)->ask("key.revoke", {{"name", *options.name}});
    if (!done) return report("revoke", done.failure());
    std::printf("'%s' is out\n", options.name->c_str());
    return kExitOk;
}

}  // namespace

void add_people_commands(Command& root) {
    static PeopleOptions options;
    Command invite = root.add_command("invite", "Make a join code for another machine",
                                      [] { return run_invite(options); });
    options.invitation.add_to(invite);
    options.contact.add_to(invite);
    Command token = root.add_command("token", "Make a token for software that cannot keep a key",
                                     [] { return run_token(options); });
    token.add_text("name,--name", options.name, "What the account is called");
    options.account.add_to(token, "gamer, peer or both with a comma (gamer)");
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
    options.contact.add_to(accounts);
    accounts.add_flag("--json", options.json, "One line of JSON");
    Command revoke = root.add_command("revoke", "Throw an account out, at once and for good",
                                      [] { return run_revoke(options); });
    revoke.add_text("name,--name", options.name, "As `p2c2r accounts` lists it");
    options.contact.add_to(revoke);
}

}  // namespace p2c2r::cli
