#include "identity/access_list.h"

#include <algorithm>
#include <new>
#include <utility>

#include "core/utf8.h"

namespace p2c2r::identity {

namespace {

// A change that stays whole or is undone: memory may end anywhere in it. `undo` needs none.
template <class Change, class Undo>
Result<Done> kept_or(Change change, Undo undo) {
    struct Guard {
        Undo& undo;
        bool armed = true;
        ~Guard() {
            if (armed) undo();
        }
    } guard{undo};
    Result<Done> changed = change();
    if (changed) guard.armed = false;
    return changed;
}

constexpr size_t kIdentityNameLengthMax = 64;

Error refused(std::string text) {
    return make_error(Status::kAuth, std::move(text));
}

std::string by_name(const std::string& account) {
    return account.empty() ? kOperator : account;
}

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= kIdentityNameLengthMax && is_name_text(name);
}

Error bad_name(std::string_view name) {
    return field_error(Status::kArgument, "name",
                       "has " + std::to_string(name.size()) +
                           " bytes; a name has 1 to 64 and no control characters");
}

Error no_account(const std::string& name) {
    return field_error(Status::kStale, "name", "there is no account '" + name + "'");
}

const char* role_word(Role role) {
    return role == Role::kPeer ? "peer" : role == Role::kAdmin ? "admin" : "gamer";
}

bool may_be(const Roles& roles, Role role) {
    return role == Role::kPeer ? roles.peer : role == Role::kAdmin ? roles.admin : roles.gamer;
}

template <size_t N>
std::span<const uint8_t> bytes_of(const std::array<uint8_t, N>& array) {
    return array;
}

}  // namespace

std::string roles_text(const Roles& roles) {
    std::string text;
    const auto add = [&](bool has, const char* word) {
        if (has) text += (text.empty() ? "" : ",") + std::string(word);
    };
    add(roles.gamer, "gamer");
    add(roles.peer, "peer");
    add(roles.admin, "admin");
    return text;
}

std::optional<Roles> read_roles(std::string_view text) {
    Roles roles;
    while (!text.empty()) {
        const size_t comma = std::min(text.find(','), text.size());
        const std::string_view word = text.substr(0, comma);
        if (word == "gamer") {
            roles.gamer = true;
        } else if (word == "peer") {
            roles.peer = true;
        } else if (word == "admin") {
            roles.admin = true;
        } else {
            return std::nullopt;
        }
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    if (!roles.any()) return std::nullopt;
    return roles;
}

std::vector<uint32_t> AccessList::methods() {
    return {static_cast<uint32_t>(LoginMethod::kToken), static_cast<uint32_t>(LoginMethod::kKey),
            static_cast<uint32_t>(LoginMethod::kInvite)};
}

// ---- letting in
// ----------------------------------------------------------------------------------

Result<Admitted> AccessList::admit(const Proof& proof, const LoginContext& context,
                                   const std::string& address, bool is_loopback,
                                   const Moment& now) {
    const std::string network = network_of(address);
    if (const uint64_t wait = is_loopback ? 0 : attempts_.wait_us(network, now.monotonic_us)) {
        Error error = make_error(Status::kBusy, "too many failed logins from this address; wait " +
                                                    std::to_string(wait / 1'000'000 + 1) + " s");
        error.retry_after_ms = static_cast<uint32_t>(wait / 1000 + 1);
        return error;
    }
    std::string who(context.id);
    Result<Admitted> decided = judge(proof, context, address, now, who);
    if (decided) {
        note("login", decided->account, address, role_word(context.role), now);
    } else {
        // A shortage of our own is nobody's guess.
        if (!is_loopback && decided.error().status == Status::kAuth) {
            attempts_.failed(network, now.monotonic_us);
        }
        note("login_refused", who, address, decided.error().text, now);
    }
    return decided;
}

Result<Admitted> AccessList::judge(const Proof& proof, const LoginContext& context,
                                   const std::string& address, const Moment& now,
                                   std::string& who) {
    switch (proof.method) {
        case LoginMethod::kNone:
            return refused("this coordinator asks for a login");
        case LoginMethod::kToken: {
            const Digest256 hash =
                sha256({reinterpret_cast<const uint8_t*>(proof.bytes.data()), proof.bytes.size()});
            const auto known = by_token_.lower_bound(hash);
            // Found or not, one comparison of fixed length decides.
            const Digest256 other = known != by_token_.end() ? known->first : Digest256{};
            if (!equal_constant_time(hash, other) || known == by_token_.end()) {
                return refused("the token is not known");
            }
            who = known->second;
            return let_in_token(accounts_.at(who), context.role, address, now);
        }
        case LoginMethod::kKey: {
            const std::optional<KeyProof> parts = read_key_proof(proof);
            if (!parts) return refused("the login is malformed");
            const auto known = by_key_.find(parts->key);
            if (known == by_key_.end()) {
                return refused("the key " + to_hex(parts->key) + " is not enrolled here");
            }
            if (!is_valid(*parts, context)) return refused("the signature does not fit");
            who = known->second;
            return let_in(accounts_.at(who), context.role);
        }
        case LoginMethod::kInvite: {
            const std::optional<KeyProof> parts = read_key_proof(proof);
            if (!parts) return refused("the login is malformed");
            return enrol(*parts, context, address, now);
        }
    }
    return refused("login_method " + std::to_string(static_cast<uint32_t>(proof.method)) +
                   " is not available");
}

Result<Admitted> AccessList::let_in(const Account& account, Role role) const {
    if (account.revoked_ms != 0) return refused("'" + account.name + "' was revoked");
    if (!may_be(account.roles, role)) {
        return make_error(Status::kDenied, "'" + account.name + "' may not be " + role_word(role) +
                                               ", only " + roles_text(account.roles));
    }
    return Admitted{account.name, account.owner, account.roles, false};
}

// The refusal is for the owner's eyes, who moved; who knows less than the whole token never sees
// it.
Result<Admitted> AccessList::let_in_token(Account& account, Role role, const std::string& address,
                                          const Moment& now) {
    if (account.revoked_ms == 0 && !account.from.allows(address)) {
        return refused("this token is bound to " + account.from.text() +
                       ", by its first use or by the coordinator's owner; ask the owner to allow "
                       "another address");
    }
    Result<Admitted> admitted = let_in(account, role);
    if (!admitted || !account.from.is_first()) return admitted;
    const std::optional<AddressPrefix> home =
        AddressPrefix::around(address, kBindIpv4Bits, kBindIpv6Bits);
    if (!home) return admitted;  // a connection without addresses, of this process or machine
    const AddressRule rule = AddressRule::only(*home);
    if (const Result<Done> bound = set_from(account, rule); !bound) return bound.error();
    note("token_bound", account.name, address, rule.text(), now);
    return admitted;
}

Result<Admitted> AccessList::enrol(const KeyProof& proof, const LoginContext& context,
                                   const std::string& address, const Moment& now) {
    const Digest256 hash = sha256(*proof.invite);
    const auto invitation = std::find_if(
        invitations_.begin(), invitations_.end(),
        [&](const Invitation& open) { return equal_constant_time(open.secret_hash, hash); });
    if (invitation == invitations_.end()) {
        // Whoever used it comes back with it: the connection broke before it heard that it is in.
        if (const auto known = by_key_.find(proof.key);
            known != by_key_.end() && is_valid(proof, context)) {
            return let_in(accounts_.at(known->second), context.role);
        }
        return refused("the join code was used already, or is not one of this coordinator's");
    }
    if (now.unix_ms >= invitation->until_ms) {
        return refused("the join code is too old; ask for another one");
    }
    if (!may_be(invitation->roles, context.role)) {
        return make_error(Status::kDenied, std::string("the join code is not for a ") +
                                               role_word(context.role) + ", only for " +
                                               roles_text(invitation->roles));
    }
    if (!is_valid(proof, context)) return refused("the signature does not fit");
    const auto known = by_key_.find(proof.key);
    if (known != by_key_.end()) {
        return enrol_again(accounts_.at(known->second), invitation, context, address, now);
    }
    Account account;
    account.name = free_name(context.id);
    account.owner = invitation->owner.empty() ? account.name : invitation->owner;
    account.roles = invitation->roles;
    account.key = proof.key;
    account.added_ms = now.unix_ms;
    const std::string name = account.name;
    const std::string by = by_name(invitation->by);
    Invitation used = *invitation;
    invitations_.erase(invitation);
    const Result<Done> added =
        kept_or([&] { return add(std::move(account)); },
                [&] { invitations_.push_back(std::move(used)); });  // where it was there is room
    if (!added) return added.error();
    const Account& fresh = accounts_.at(name);
    note("enrolled", name, address, roles_text(fresh.roles), now, by);
    return let_in(fresh, context.role);
}

// The same machine with another code: the account stays, under its name, and gains what the code
// gives. It never loses anything by that, or a code for a friend could cut a host off from itself.
Result<Admitted> AccessList::enrol_again(Account& account,
                                         std::vector<Invitation>::iterator invitation,
                                         const LoginContext& context, const std::string& address,
                                         const Moment& now) {
    if (account.revoked_ms != 0) return refused("'" + account.name + "' was revoked");
    Account former = account;
    Invitation used = *invitation;
    const std::string by = by_name(used.by);
    account.roles.gamer |= used.roles.gamer;
    account.roles.peer |= used.roles.peer;
    account.roles.admin |= used.roles.admin;
    // A machine that is the operator's, or one of several, stays that.
    const bool is_its_own = account.owner == account.name;
    if (used.owner == kOperator || (!used.owner.empty() && is_its_own)) account.owner = used.owner;
    const bool moved = account.owner != former.owner;
    invitations_.erase(invitation);
    const Result<Done> saved = kept_or([&] { return save(); },
                                       [&] {
                                           account = std::move(former);
                                           invitations_.push_back(std::move(used));
                                       });
    if (!saved) return saved.error();
    note("enrolled", account.name, address, roles_text(account.roles), now, by);
    Result<Admitted> admitted = let_in(account, context.role);
    if (admitted) admitted->moved = moved;
    return admitted;
}

// Nobody's name and nobody's owner yet, or a newcomer would become somebody's own machine.
std::string AccessList::free_name(std::string_view wish) const {
    std::string name(wish.substr(0, kIdentityNameLengthMax - 8));
    while (!is_utf8(name)) name.pop_back();  // cut inside a character
    if (!is_name(name)) name = "machine";
    const auto is_taken = [&](const std::string& candidate) {
        return candidate == kOperator || accounts_.count(candidate) > 0 ||
               std::any_of(accounts_.begin(), accounts_.end(),
                           [&](const auto& entry) { return entry.second.owner == candidate; }) ||
               std::any_of(invitations_.begin(), invitations_.end(),
                           [&](const Invitation& open) { return open.owner == candidate; });
    };
    if (!is_taken(name)) return name;
    for (uint32_t number = 2;; ++number) {
        std::string numbered = name + "-" + std::to_string(number);
        if (!is_taken(numbered)) return numbered;
    }
}

// ---- changes ---------------------------------------------------------------------------------

Result<InviteSecret> AccessList::invite(std::string owner, const Roles& roles, uint64_t until_ms,
                                        RandomSource& random, const Moment& now, const Actor& by) {
    std::erase_if(invitations_,
                  [&](const Invitation& open) { return now.unix_ms >= open.until_ms; });
    if (invitations_.size() >= kInvitationsMax) {
        return make_error(Status::kLimit, "there are 1000 open invitations already");
    }
    if (!roles.any()) return field_error(Status::kArgument, "roles", "names no role");
    if (until_ms <= now.unix_ms || until_ms - now.unix_ms > kInvitationMsMax) {
        return field_error(Status::kArgument, "valid", "an invitation is valid for up to 30 days");
    }
    if (!owner.empty() && !is_name(owner)) return bad_name(owner);
    InviteSecret secret;
    random.fill(secret);
    invitations_.push_back({sha256(secret), std::move(owner), roles, until_ms, by.account});
    const Result<Done> saved = kept_or([&] { return save(); }, [&] { invitations_.pop_back(); });
    if (!saved) return saved.error();
    record("invited", by.account, roles_text(roles), by, now);
    return secret;
}

Result<Done> AccessList::add_key(const std::string& name, const std::string& owner,
                                 const Roles& roles, const PublicKey& key, const Moment& now,
                                 const Actor& by) {
    Account account{name, owner.empty() ? name : owner, roles, key, std::nullopt, now.unix_ms, 0,
                    {}};
    if (by_key_.count(key)) {
        return field_error(Status::kExists, "key", "is that of '" + by_key_.at(key) + "' already");
    }
    Result<Done> added = add(std::move(account));
    if (added) record("enrolled", name, roles_text(roles), by, now);
    return added;
}

Result<Token> AccessList::add_token(const std::string& name, const std::string& owner,
                                    const Roles& roles, RandomSource& random, const Moment& now,
                                    const AddressRule& from, const Actor& by) {
    Token token;
    random.fill(token);
    Account account{
        name, owner.empty() ? name : owner, roles, std::nullopt, sha256(token), now.unix_ms, 0,
        from};
    if (Result<Done> added = add(std::move(account)); !added) return added.error();
    record("token", name, roles_text(roles), by, now);
    return token;
}

Result<Done> AccessList::allow_from(const std::string& name, const AddressRule& from,
                                    const Moment& now, const Actor& by) {
    const auto known = accounts_.find(name);
    if (known == accounts_.end()) return no_account(name);
    if (!known->second.token_hash) {
        return field_error(Status::kState, "name",
                           "'" + name + "' logs in with a key, which is good from any address");
    }
    if (Result<Done> saved = set_from(known->second, from); !saved) return saved;
    record("token_bound", name, from.text(), by, now);
    return Done{};
}

Result<Done> AccessList::set_from(Account& account, const AddressRule& from) {
    AddressRule former = from;
    std::swap(account.from, former);
    return kept_or([&] { return save(); }, [&] { std::swap(account.from, former); });
}

Result<Done> AccessList::add(Account account) {
    if (!is_name(account.name)) return bad_name(account.name);
    if (!is_name(account.owner)) return bad_name(account.owner);
    if (account.name == kOperator) {
        return field_error(Status::kArgument, "name",
                           "'operator' is kept for the owner of the coordinator's own machines");
    }
    if (!account.roles.any()) return field_error(Status::kArgument, "roles", "names no role");
    if (accounts_.count(account.name)) {
        return field_error(Status::kExists, "name", "'" + account.name + "' is taken");
    }
    if (accounts_.size() >= kAccountsMax) {
        return make_error(Status::kLimit, "there are 100000 accounts already");
    }
    return kept_or(
        [&] {
            accounts_.emplace(account.name, account);
            index(account);
            return save();
        },
        [&] {
            if (account.key) by_key_.erase(*account.key);
            if (account.token_hash) by_token_.erase(*account.token_hash);
            accounts_.erase(account.name);
        });
}

Result<Done> AccessList::revoke(const std::string& name, const Moment& now, const Actor& by) {
    const auto known = accounts_.find(name);
    if (known == accounts_.end()) return no_account(name);
    if (known->second.revoked_ms != 0) return Done{};
    std::vector<Invitation> former = invitations_;
    known->second.revoked_ms = std::max<uint64_t>(now.unix_ms, 1);
    // It does not come back by a code that it made for itself.
    std::erase_if(invitations_, [&](const Invitation& open) { return open.by == name; });
    Result<Done> saved = kept_or([&] { return save(); },
                                 [&] {
                                     known->second.revoked_ms = 0;
                                     invitations_ = std::move(former);
                                 });
    if (!saved) return saved;
    record("revoked", name, {}, by, now);
    return Done{};
}

Result<Done> AccessList::save() try {
    return store_ ? store_->save(text()) : Result<Done>(Done{});
} catch (const std::bad_alloc&) {
    return make_error(Status::kMemory, "memory is short");
}

void AccessList::index(const Account& account) {
    if (account.key) by_key_[*account.key] = account.name;
    if (account.token_hash) by_token_[*account.token_hash] = account.name;
}

const Account* AccessList::find(std::string_view name) const {
    const auto known = accounts_.find(name);
    return known == accounts_.end() ? nullptr : &known->second;
}

void AccessList::note(const char* what, const std::string& account, const std::string& address,
                      std::string detail, const Moment& now, const std::string& by) const try {
    if (audit_) audit_->note({now.unix_ms, what, account, address, std::move(detail), by});
} catch (const std::bad_alloc&) {
    // What it tells of has happened, and more hangs on that than on the entry.
    ++unnoted_;
}

void AccessList::record(const char* what, const std::string& account, std::string detail,
                        const Actor& by, const Moment& now) const try {
    note(what, account, by.address, std::move(detail), now, by_name(by.account));
} catch (const std::bad_alloc&) {
    ++unnoted_;
}

std::string AccessList::why_audit_lost() const {
    return audit_ && audit_->lost() > 0 ? audit_->why_lost() : "memory was short";
}

}  // namespace p2c2r::identity
