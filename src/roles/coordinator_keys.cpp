// Commands about who may come in. Each that lets in counts once it is written down, each that takes
// away at once; both work on connections that are open.
#include <algorithm>
#include <cinttypes>

#include "core/plant.h"
#include "model/value_writer.h"
#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

namespace {

constexpr size_t kNameMax = 64;
constexpr size_t kRolesMax = 32;
constexpr int64_t kDayS = 24 * 3600;
constexpr uint64_t kAuditWordUs = 60'000'000;

identity::Roles read_roles(ParamsReader& reader) {
    const std::string_view text = reader.text("roles", kRolesMax, "gamer");
    const std::optional<identity::Roles> roles = identity::read_roles(text);
    if (!roles) {
        reader.fail("roles", "'" + std::string(text) +
                                 "' is no list of gamer, peer and admin with commas between");
    }
    return roles.value_or(identity::Roles{});
}

identity::AddressRule read_from(ParamsReader& reader, std::optional<std::string_view> fallback) {
    const std::string_view text = reader.text("from", identity::AddressRule::kTextMax, fallback);
    const std::optional<identity::AddressRule> rule = identity::AddressRule::read(text);
    if (!rule) {
        reader.fail("from", "'" + std::string(text) +
                                "' is not any, first, or a list of up to 16 address prefixes like "
                                "192.0.2.0/24 and 2001:db8::/48 with commas between");
    }
    return rule.value_or(identity::AddressRule{});
}

// Whose a new account is: "own" machines are the operator's, others the named owner's, or else
// their own.
std::string read_owner(ParamsReader& reader) {
    const bool own = reader.choice("circle", {"own", "invited"}, "invited") == "own";
    std::string owner(reader.text("owner", kNameMax, ""));
    if (own && !owner.empty() && owner != identity::kOperator) {
        reader.fail("owner", "circle own is the operator's; an owner is named with invited");
    }
    return own ? identity::kOperator : owner;
}

}  // namespace

Result<Bytes> Coordinator::Impl::answer_key_call(const std::string& name, ParamsReader& reader,
                                                 const Session* asker) {
    if (!options_.access) {
        return make_error(Status::kState, "this coordinator asks nobody for a login");
    }
    identity::AccessList& access = *options_.access;
    const identity::Actor by = actor_of(asker);
    ValueWriter writer;
    if (name == "key.list") {
        if (auto good = reader.finish(); !good) return good.error();
        return call_key_list();
    }
    if (name == "key.revoke") {
        const std::string account(reader.text("name", kNameMax));
        if (auto good = reader.finish(); !good) return good.error();
        if (auto revoked = access.revoke(account, moment(), by); !revoked) return revoked.error();
        if (!P2C2R_PLANT("serves_after_revocation")) {
            end_account(account, Status::kAuth, "the account was revoked");
        }
        return taken_away();
    }
    if (name == "key.invitations") {
        if (auto good = reader.finish(); !good) return good.error();
        return call_key_invitations();
    }
    if (name == "key.withdraw") {
        const std::string invitation(reader.text("name", kNameMax));
        if (auto good = reader.finish(); !good) return good.error();
        if (auto done = access.withdraw(invitation, moment(), by); !done) return done.error();
        return taken_away();
    }
    if (name == "key.invite") {
        const identity::Roles roles = read_roles(reader);
        const std::string owner = read_owner(reader);
        const auto valid_s = static_cast<uint64_t>(reader.integer("valid_s", 1, 30 * kDayS, kDayS));
        const std::string wish(reader.text("name", kNameMax, ""));
        if (auto good = reader.finish(); !good) return good.error();
        const identity::Moment now = moment();
        const uint64_t until_ms = now.unix_ms + valid_s * 1000;
        auto secret = access.invite(owner, roles, until_ms, random_, now, by, wish);
        if (!secret) return secret.error();
        writer.map(2).key("secret").text(to_hex(*secret));
        writer.key("name").text(access.invitations().back().name);
        return writer.take();
    }
    if (name == "key.from") {
        const std::string account(reader.text("name", kNameMax));
        const identity::AddressRule from = read_from(reader, std::nullopt);
        const std::string forced(reader.text("force", kNameMax, ""));
        if (auto good = reader.finish(); !good) return good.error();
        if (auto set = access.allow_from(account, from, moment(), by, forced); !set) {
            return set.error();
        }
        end_sessions(Status::kAuth, "the token is not good from this address any more",
                     [&](const Session& session) {
                         return session.who.account == account &&
                                !from.allows(session.connection->peer_address());
                     });
        writer.map(0);
        return writer.take();
    }
    if (name == "key.add" || name == "key.token") {
        const bool is_token = name == "key.token";
        const std::string account(reader.text("name", kNameMax));
        const identity::Roles roles = read_roles(reader);
        const std::string owner = read_owner(reader);
        identity::PublicKey key{};
        identity::AddressRule from;
        if (is_token) {
            from = read_from(reader, "first");
        } else if (!from_hex(reader.text("key", 2 * key.size()), key)) {
            reader.fail("key", "is not 64 hexadecimal digits");
        }
        if (auto good = reader.finish(); !good) return good.error();
        if (!is_token) {
            auto added = access.add_key(account, owner, roles, key, moment(), by);
            if (!added) return added.error();
            writer.map(0);
            return writer.take();
        }
        auto token = access.add_token(account, owner, roles, random_, moment(), from, by);
        if (!token) return token.error();
        writer.map(1).key("token").text(to_hex(*token));
        return writer.take();
    }
    return make_error(Status::kUnsupported,
                      "there is no call '" + name +
                          "'; there are key.list, key.add, key.token, key.from, key.invite, "
                          "key.invitations, key.withdraw, key.revoke");
}

// Of a change that counts already: why it is not on the disk, if it is not.
Bytes Coordinator::Impl::taken_away() {
    watch_access();
    const std::string why = options_.access->why_unsaved();
    ValueWriter writer;
    writer.map(why.empty() ? 0 : 1);
    if (!why.empty()) writer.key("unsaved").text(why);
    return writer.take();
}

// What a coordinator that starts again would have forgotten is told when it begins and ends.
void Coordinator::Impl::watch_access() {
    const bool is_unsaved = !options_.access->why_unsaved().empty();
    if (is_unsaved == access_unsaved_told_) return;
    access_unsaved_told_ = is_unsaved;
    if (is_unsaved) {
        log_.format(LogLevel::kError, "roles",
                    "somebody was thrown out, and a restart would undo that: the list of who may "
                    "come in is not on the disk: %s; tried again every %u s",
                    options_.access->why_unsaved().c_str(),
                    static_cast<uint32_t>(identity::AccessList::kSaveAgainUs / 1'000'000));
    } else {
        log_.write(LogLevel::kWarn, "roles",
                   "the list of who may come in is on the disk again, with whoever was thrown out");
    }
}

void Coordinator::Impl::save_access_again(const identity::Moment& now) {
    if (!options_.access) return;
    options_.access->save_again(now);
    watch_access();
}

// No secret, and nothing that leads to one.
Bytes Coordinator::Impl::call_key_invitations() {
    const std::vector<identity::Invitation>& made = options_.access->invitations();
    const uint64_t now_ms = loop_.unix_ms();
    const auto is_open = [&](const identity::Invitation& each) { return each.is_open(now_ms); };
    const auto count = std::count_if(made.begin(), made.end(), is_open);
    ValueWriter writer(4096);
    writer.map(1).key("invitations").array(static_cast<uint32_t>(count));
    for (const identity::Invitation& each : made) {
        if (!is_open(each)) continue;
        const bool is_own = each.owner == identity::kOperator;
        writer.map(7).key("name").text(each.name).key("owner").text(each.owner);
        writer.key("roles").text(identity::roles_text(each.roles));
        writer.key("circle").text(is_own ? "own" : "invited");
        writer.key("by").text(each.by.empty() ? identity::kOperator : each.by);
        writer.key("made_ms").unsigned_integer(each.made_ms);
        writer.key("until_ms").unsigned_integer(each.until_ms);
    }
    return writer.take();
}

Bytes Coordinator::Impl::call_key_list() {
    const identity::AccessList& access = *options_.access;
    ValueWriter writer(4096);
    const std::string why_unsaved = access.why_unsaved();
    const auto open = std::count_if(
        access.invitations().begin(), access.invitations().end(),
        [&](const identity::Invitation& made) { return made.is_open(loop_.unix_ms()); });
    writer.map(why_unsaved.empty() ? 2 : 3);
    if (!why_unsaved.empty()) writer.key("unsaved").text(why_unsaved);
    writer.key("invitations").unsigned_integer(static_cast<uint64_t>(open));
    writer.key("accounts").array(static_cast<uint32_t>(access.accounts().size()));
    for (const auto& entry : access.accounts()) {
        const std::string& name = entry.first;
        const identity::Account& account = entry.second;
        uint32_t connections = 0;
        sessions_.for_each([&](uint64_t, std::unique_ptr<Session>& session) {
            connections +=
                session->phase != Session::Phase::kClosed && session->who.account == name;
        });
        writer.map(8).key("name").text(name).key("owner").text(account.owner);
        if (account.key) {
            writer.key("key").text(to_hex(*account.key));
        } else {
            writer.key("from").text(account.from.text());
        }
        writer.key("roles").text(identity::roles_text(account.roles));
        writer.key("kind").text(account.key ? "key" : "token");
        writer.key("added_ms").unsigned_integer(account.added_ms);
        writer.key("revoked_ms").unsigned_integer(account.revoked_ms);
        writer.key("connections").unsigned_integer(connections);
    }
    return writer.take();
}

void Coordinator::Impl::end_sessions(Status status, const char* why,
                                     const std::function<bool(const Session&)>& which) {
    std::vector<uint64_t> open;
    sessions_.for_each([&](uint64_t id, std::unique_ptr<Session>& session) {
        if (which(*session)) open.push_back(id);
    });
    for (const uint64_t id : open) {
        std::unique_ptr<Session>* session = sessions_.find(id);
        if (session && *session) end_session(**session, status, why);
    }
}

// Everything of it, at once: its tasks are not worked on for anybody, and those that its machines
// work on are placed again.
void Coordinator::Impl::end_account(const std::string& account, Status status, const char* why) {
    end_sessions(status, why,
                 [&](const Session& session) { return session.who.account == account; });
    std::vector<uint64_t> gamers;
    gamers_.for_each([&](uint64_t id, Gamer& gamer) {
        if (gamer.account == account) gamers.push_back(id);
    });
    for (const uint64_t id : gamers) forget_gamer(id);
    auto scope = account_scopes_.lower_bound({account, sched::kNoOwner});
    for (; scope != account_scopes_.end() && scope->first.first == account; ++scope) {
        contents_.forget_scope(scope->second);
        answers_.forget_scope(scope->second);
    }
}

void Coordinator::Impl::watch_certificate() {
    if (!options_.tls || !listener_) return;
    const std::optional<CertificateWatch::Word> word =
        certificate_watch_.look(options_.tls->validity(), loop_.unix_ms());
    if (!word) return;
    const std::string text = "the certificate " + word->text + "; '" + options_.certificate_file +
                             "' is to be renewed (p2c2r keys renew) and read again (reload)";
    log_.write(word->is_good ? LogLevel::kWarn : LogLevel::kError, "roles", text);
    events_.on_certificate(word->is_good, text);
}

identity::Actor Coordinator::Impl::actor_of(const Session* asker) {
    if (!asker) return {};
    return {asker->who.account, asker->connection->peer_address()};
}

void Coordinator::Impl::record_act(const char* what, const std::string& account, std::string detail,
                                   const Session* asker) {
    if (!options_.access) return;
    options_.access->record(what, account, std::move(detail), actor_of(asker), moment());
}

// A record with holes shall not look whole. Once a minute: a full disk loses every entry.
void Coordinator::Impl::watch_audit() {
    const uint64_t lost = options_.access ? options_.access->audit_lost() : 0;
    if (lost == audit_lost_told_ || loop_.turn_us() < audit_look_us_) return;
    audit_look_us_ = loop_.turn_us() + kAuditWordUs;
    log_.format(LogLevel::kError, "roles", "%" PRIu64 " entries of the audit log are lost: %s",
                lost - audit_lost_told_, options_.access->why_audit_lost().c_str());
    audit_lost_told_ = lost;
}

}  // namespace p2c2r::roles
