// The door of an access list: who is let in, and what a login changes in the list.
#include <algorithm>
#include <utility>

#include "identity/access_list.h"
#include "identity/kept_or.h"

namespace p2c2r::identity {

namespace {

Error refused(std::string text) {
    return make_error(Status::kAuth, std::move(text));
}

Error wait_error(const std::string& why, uint64_t wait_us) {
    Error error =
        make_error(Status::kBusy, why + "; wait " + std::to_string(wait_us / 1'000'000 + 1) + " s");
    error.retry_after_ms = static_cast<uint32_t>(wait_us / 1000 + 1);
    return error;
}

const char* role_word(Role role) {
    return role == Role::kPeer ? "peer" : role == Role::kAdmin ? "admin" : "gamer";
}

bool may_be(const Roles& roles, Role role) {
    return role == Role::kPeer ? roles.peer : role == Role::kAdmin ? roles.admin : roles.gamer;
}

// "peer-0123456789ab": what a peer without a name draws anew at each start, and never uses again.
bool is_drawn(std::string_view peer_id) {
    return peer_id.size() == 17 && peer_id.starts_with("peer-") &&
           peer_id.find_first_not_of("0123456789abcdef", 5) == std::string_view::npos;
}

}  // namespace

std::vector<uint32_t> AccessList::methods() {
    return {static_cast<uint32_t>(LoginMethod::kToken), static_cast<uint32_t>(LoginMethod::kKey),
            static_cast<uint32_t>(LoginMethod::kInvite)};
}

Result<Admitted> AccessList::admit(const Proof& proof, const LoginContext& context,
                                   const std::string& address, bool is_loopback, const Moment& now,
                                   const AdmitCheck& check) {
    const std::string network = network_of(address);
    if (const uint64_t wait = is_loopback ? 0 : failures_.wait_us(network, now.monotonic_us)) {
        return wait_error("too many failed logins from this address", wait);
    }
    if (!is_loopback) {
        const Result<Done> may = may_bring_key(proof, network, now.monotonic_us);
        if (!may) {
            note("login_refused", std::string(context.id), address, may.error().text, now);
            return may.error();
        }
    }
    const size_t keys = by_key_.size();
    Login login{proof, context, address, now, check, std::string(context.id)};
    Result<Admitted> decided = judge(login);
    if (decided) {
        note("login", decided->account, address, role_word(context.role), now);
        if (!is_loopback && by_key_.size() > keys) enrolments_.count(network, now.monotonic_us);
    } else {
        // A shortage of our own is nobody's guess.
        if (!is_loopback && decided.error().status == Status::kAuth) {
            failures_.count(network, now.monotonic_us);
        }
        note("login_refused", login.who, address, decided.error().text, now);
    }
    return decided;
}

Result<Done> AccessList::may_bring_key(const Proof& proof, const std::string& network,
                                       uint64_t now_us) {
    if (proof.method != LoginMethod::kInvite) return Done{};
    // One that is known already is no new one.
    const std::optional<KeyProof> parts = read_key_proof(proof);
    if (!parts || by_key_.count(parts->key) > 0) return Done{};
    if (const uint64_t wait = enrolments_.wait_us(network, now_us)) {
        return wait_error(std::to_string(kNewKeysPerHour) +
                              " new keys came from this address within an hour, as many as may",
                          wait);
    }
    return Done{};
}

Result<Admitted> AccessList::judge(Login& login) {
    const Proof& proof = login.proof;
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
            login.who = known->second;
            Account& account = accounts_.at(login.who);
            // For the eyes of its owner, who has moved; who knows less than the whole token never
            // sees it.
            if (account.revoked_ms == 0 && !account.from.allows(login.address)) {
                return refused("this token is bound to " + account.from.text() +
                               ", by its first use or by the coordinator's owner; ask the owner to "
                               "allow another address");
            }
            return let_in(account, login);
        }
        case LoginMethod::kKey: {
            const std::optional<KeyProof> parts = read_key_proof(proof);
            if (!parts) return refused("the login is malformed");
            const auto known = by_key_.find(parts->key);
            if (known == by_key_.end()) {
                return refused("the key " + to_hex(parts->key) + " is not enrolled here");
            }
            if (!is_valid(*parts, login.context)) return refused("the signature does not fit");
            login.who = known->second;
            return let_in(accounts_.at(login.who), login);
        }
        case LoginMethod::kInvite: {
            const std::optional<KeyProof> parts = read_key_proof(proof);
            if (!parts) return refused("the login is malformed");
            return enrol(*parts, login);
        }
    }
    return refused("login_method " + std::to_string(static_cast<uint32_t>(proof.method)) +
                   " is not available");
}

Result<Admitted> AccessList::may_come(const Account& account, const Login& login) const {
    const LoginContext& context = login.context;
    if (account.revoked_ms != 0) return refused("'" + account.name + "' was revoked");
    if (!may_be(account.roles, context.role)) {
        return make_error(Status::kDenied, "'" + account.name + "' may not be " +
                                               role_word(context.role) + ", only " +
                                               roles_text(account.roles));
    }
    const Account* holder = context.role == Role::kPeer ? holder_of(context.id) : nullptr;
    if (holder && holder->name != account.name && holder->owner != account.owner) {
        return make_error(Status::kExists, "PEER_ID_TAKEN: '" + std::string(context.id) +
                                               "' belongs to another account; choose another "
                                               "peer_id");
    }
    Admitted admitted{account.name, account.owner, account.roles, false};
    if (login.check) {
        if (const Result<Done> good = login.check(admitted); !good) return good.error();
    }
    return admitted;
}

// What it uses for the first time is its own from now on: written down, or it is not let in.
Result<Admitted> AccessList::let_in(Account& account, const Login& login) {
    Result<Admitted> admitted = may_come(account, login);
    if (!admitted) return admitted;
    const bool is_new = account.token_hash && account.from.is_first();
    // Nothing for a connection without addresses, of this process.
    const std::optional<AddressPrefix> home =
        is_new ? AddressPrefix::around(login.address, kBindIpv4Bits, kBindIpv6Bits) : std::nullopt;
    const bool takes = takes_id(account, login.context);
    if (!home && !takes) return admitted;
    Account former = account;
    const auto back = [&] {
        if (takes) by_peer_id_.erase(by_peer_id_.find(login.context.id));
        account = std::move(former);
    };
    if (takes) by_peer_id_.insert_or_assign(std::string(login.context.id), account.name);
    const Result<Done> kept = kept_or(
        [&] {
            if (home) account.from = AddressRule::only(*home);
            if (takes) account.peer_ids.emplace_back(login.context.id);
            return save();
        },
        back);
    if (!kept) return kept.error();
    if (home) note("token_bound", account.name, login.address, account.from.text(), login.now);
    return admitted;
}

Result<Admitted> AccessList::enrol(const KeyProof& proof, Login& login) {
    const LoginContext& context = login.context;
    const Digest256 hash = sha256(*proof.invite);
    const auto invitation = std::find_if(
        invitations_.begin(), invitations_.end(),
        [&](const Invitation& open) { return equal_constant_time(open.secret_hash, hash); });
    if (invitation == invitations_.end()) {
        // Whoever used it comes back with it: the connection broke before it heard that it is in.
        if (const auto known = by_key_.find(proof.key);
            known != by_key_.end() && is_valid(proof, context)) {
            login.who = known->second;
            return let_in(accounts_.at(known->second), login);
        }
        return refused("the join code was used already, or is not one of this coordinator's");
    }
    if (invitation->withdrawn_ms != 0) {
        return refused("the join code was withdrawn; ask for another one");
    }
    if (login.now.unix_ms >= invitation->until_ms) {
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
        login.who = known->second;
        return enrol_again(accounts_.at(known->second), invitation, login);
    }
    Account account;
    account.name = free_name(context.id);
    account.owner = invitation->owner.empty() ? account.name : invitation->owner;
    account.roles = invitation->roles;
    account.key = proof.key;
    account.added_ms = login.now.unix_ms;
    Result<Admitted> admitted = may_come(account, login);
    if (!admitted) return admitted;
    if (account.name != context.id && takes_id(account, context)) {
        account.peer_ids.emplace_back(context.id);
    }
    const std::string by = by_name(invitation->by);
    Invitation used = *invitation;
    invitations_.erase(invitation);
    const Result<Done> added =
        kept_or([&] { return add(std::move(account)); },
                [&] { invitations_.push_back(std::move(used)); });  // where it was there is room
    if (!added) return added.error();
    note("enrolled", admitted->account, login.address, roles_text(admitted->roles), login.now, by);
    return admitted;
}

// The same machine with another code: the account stays, under its name, and gains what the code
// gives. It never loses anything by that, or a code for a friend could cut a host off from itself.
// A code that gives it nothing new stays good, for the machine that it was meant for.
Result<Admitted> AccessList::enrol_again(Account& account,
                                         std::vector<Invitation>::iterator invitation,
                                         const Login& login) {
    Account next = account;
    Invitation used = *invitation;
    const std::string by = by_name(used.by);
    next.roles.gamer |= used.roles.gamer;
    next.roles.peer |= used.roles.peer;
    next.roles.admin |= used.roles.admin;
    // A machine that is the operator's, or one of several, stays that.
    const bool is_its_own = next.owner == next.name;
    if (used.owner == kOperator || (!used.owner.empty() && is_its_own)) next.owner = used.owner;
    if (account.roles.covers(next.roles) && next.owner == account.owner) {
        return let_in(account, login);
    }
    Result<Admitted> admitted = may_come(next, login);
    if (!admitted) return admitted;
    admitted->moved = next.owner != account.owner;
    const bool takes = takes_id(next, login.context);
    if (takes) {
        next.peer_ids.emplace_back(login.context.id);
        by_peer_id_.insert_or_assign(std::string(login.context.id), next.name);
    }
    std::swap(account, next);  // `next` is what it was
    invitations_.erase(invitation);
    const Result<Done> saved =
        kept_or([&] { return save(); },
                [&] {
                    if (takes) by_peer_id_.erase(by_peer_id_.find(login.context.id));
                    account = std::move(next);
                    invitations_.push_back(std::move(used));
                });
    if (!saved) return saved.error();
    note("enrolled", account.name, login.address, roles_text(account.roles), login.now, by);
    return admitted;
}

// An account that was revoked holds nothing.
const Account* AccessList::holder_of(std::string_view peer_id) const {
    if (const auto used = by_peer_id_.find(peer_id); used != by_peer_id_.end()) {
        const Account& account = accounts_.at(used->second);
        if (account.revoked_ms == 0) return &account;
    }
    const Account* named = find(peer_id);
    return named && named->revoked_ms == 0 ? named : nullptr;
}

bool AccessList::takes_id(const Account& account, const LoginContext& context) const {
    return context.role == Role::kPeer && account.peer_ids.size() < kPeerIdsMax &&
           !is_drawn(context.id) && !holder_of(context.id);
}

}  // namespace p2c2r::identity
