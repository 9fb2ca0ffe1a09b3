#include "identity/access_list.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "core/utf8.h"
#include "identity/kept_or.h"

namespace p2c2r::identity {

namespace {

constexpr size_t kIdentityNameLengthMax = 64;
constexpr size_t kDrawnNameLength = 8;

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= kIdentityNameLengthMax && is_name_text(name);
}

// `what`: whose name it is, which is no part of the answer itself: a terminal may be there.
Error bad_name(std::string_view name, const char* what) {
    const bool has_fit = !name.empty() && name.size() <= kIdentityNameLengthMax;
    return field_error(Status::kArgument, what == std::string_view("owner") ? "owner" : "name",
                       std::string("the name of the ") + what +
                           (has_fit ? " has a control character or is no UTF-8"
                                    : " has " + std::to_string(name.size()) + " bytes") +
                           "; a name has 1 to 64 bytes and no control characters");
}

Error no_account(const std::string& name) {
    return field_error(Status::kStale, "name", "there is no account '" + name + "'");
}

}  // namespace

std::string invitation_name(const Digest256& secret_hash) {
    return to_hex(secret_hash).substr(0, kDrawnNameLength);
}

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
                                        RandomSource& random, const Moment& now, const Actor& by,
                                        std::string name) {
    forget_old_invitations(now.unix_ms);
    if (invitations_.size() >= kInvitationsMax) {
        return make_error(Status::kLimit, "there are 1000 open invitations already");
    }
    if (!roles.any()) return field_error(Status::kArgument, "roles", "names no role");
    if (until_ms <= now.unix_ms || until_ms - now.unix_ms > kInvitationMsMax) {
        return field_error(Status::kArgument, "valid", "an invitation is valid for up to 30 days");
    }
    if (!owner.empty() && !is_name(owner)) return bad_name(owner, "owner");
    if (!name.empty() && !is_name(name)) return bad_name(name, "invitation");
    if (!name.empty() && open_invitation(name, now.unix_ms)) {
        return field_error(Status::kExists, "name",
                           "there is an open invitation '" + name + "' already");
    }
    InviteSecret secret;
    Digest256 hash;
    std::string drawn;
    do {
        random.fill(secret);
        hash = sha256(secret);
        drawn = invitation_name(hash);
    } while (name.empty() && open_invitation(drawn, now.unix_ms));
    if (name.empty()) name = drawn;
    const std::string what = roles_text(roles) + ", invitation " + name;
    invitations_.push_back(
        {hash, std::move(owner), roles, until_ms, by.account, std::move(name), now.unix_ms, 0});
    const Result<Done> saved = kept_or([&] { return save(); }, [&] { invitations_.pop_back(); });
    if (!saved) return saved.error();
    record("invited", by.account, what, by, now);
    return secret;
}

// Open ones have the room: of the others those go that are over, and if need be the oldest that was
// withdrawn.
void AccessList::forget_old_invitations(uint64_t unix_ms) {
    std::erase_if(invitations_, [&](const Invitation& made) { return unix_ms >= made.until_ms; });
    if (invitations_.size() < kInvitationsMax) return;
    const auto withdrawn =
        std::find_if(invitations_.begin(), invitations_.end(),
                     [](const Invitation& made) { return made.withdrawn_ms != 0; });
    if (withdrawn != invitations_.end()) invitations_.erase(withdrawn);
}

Invitation* AccessList::open_invitation(std::string_view name, uint64_t unix_ms) {
    const auto open = std::find_if(
        invitations_.begin(), invitations_.end(),
        [&](const Invitation& made) { return made.name == name && made.is_open(unix_ms); });
    return open == invitations_.end() ? nullptr : &*open;
}

Result<Done> AccessList::add_key(const std::string& name, const std::string& owner,
                                 const Roles& roles, const PublicKey& key, const Moment& now,
                                 const Actor& by) {
    Account account{
        name, owner.empty() ? name : owner, roles, key, std::nullopt, now.unix_ms, 0, {}, {}};
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
    Account account{name,
                    owner.empty() ? name : owner,
                    roles,
                    std::nullopt,
                    sha256(token),
                    now.unix_ms,
                    0,
                    from,
                    {}};
    if (Result<Done> added = add(std::move(account)); !added) return added.error();
    record("token", name, roles_text(roles), by, now);
    return token;
}

Result<Done> AccessList::allow_from(const std::string& name, const AddressRule& from,
                                    const Moment& now, const Actor& by, std::string_view forced) {
    const auto known = accounts_.find(name);
    if (known == accounts_.end()) return no_account(name);
    if (!known->second.token_hash) {
        return field_error(Status::kState, "name",
                           "'" + name + "' logs in with a key, which is good from any address");
    }
    if (name == by.account && forced != name && !from.allows(by.address)) {
        return field_error(Status::kState, "from",
                           "'" + name + "' is the account that asks, from " + by.address +
                               ", and " + from.text() +
                               " does not include that: it would shut itself out. Add the address, "
                               "or say force with the account's name");
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
    if (!is_name(account.name)) return bad_name(account.name, "account");
    if (!is_name(account.owner)) return bad_name(account.owner, "owner");
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
            for (const std::string& id : account.peer_ids) by_peer_id_.erase(id);
            accounts_.erase(account.name);
        });
}

Result<Done> AccessList::revoke(const std::string& name, const Moment& now, const Actor& by) {
    const auto known = accounts_.find(name);
    if (known == accounts_.end()) return no_account(name);
    if (known->second.revoked_ms != 0) {
        if (is_unsaved_) save_removal(now);
        return Done{};
    }
    if (name == by.account) return keeps_itself(name);
    known->second.revoked_ms = std::max<uint64_t>(now.unix_ms, 1);
    // It does not come back by a code that it made for itself.
    std::erase_if(invitations_, [&](const Invitation& open) { return open.by == name; });
    save_removal(now);
    record("revoked", name, {}, by, now);
    return Done{};
}

Result<Done> AccessList::withdraw(const std::string& name, const Moment& now, const Actor& by) {
    Invitation* const open = open_invitation(name, now.unix_ms);
    if (!open) {
        const bool is_known = std::any_of(
            invitations_.begin(), invitations_.end(),
            [&](const Invitation& made) { return made.name == name && made.withdrawn_ms != 0; });
        if (!is_known) {
            return field_error(Status::kStale, "name",
                               "there is no open invitation '" + name + "'");
        }
        if (is_unsaved_) save_removal(now);
        return Done{};
    }
    open->withdrawn_ms = std::max<uint64_t>(now.unix_ms, 1);
    save_removal(now);
    record("withdrawn", by_name(open->by), roles_text(open->roles) + ", invitation " + name, by,
           now);
    return Done{};
}

// Never undone: whoever was thrown out does not stay in because a disk is full. What is thrown
// here, by memory that is short, is one more reason to try again.
void AccessList::save_removal(const Moment& now) {
    is_unsaved_ = true;  // until save() says otherwise
    why_unsaved_.clear();
    save_again_us_ = now.monotonic_us + kSaveAgainUs;
    try {
        if (Result<Done> saved = save(); !saved) why_unsaved_ = saved.error().text;
    } catch (const std::exception&) {
        why_unsaved_.clear();
    }
}

void AccessList::save_again(const Moment& now) {
    if (is_unsaved_ && now.monotonic_us >= save_again_us_) save_removal(now);
}

std::string AccessList::why_unsaved() const {
    if (!is_unsaved_) return {};
    return why_unsaved_.empty() ? "memory was short" : why_unsaved_;
}

// Whoever may revoke others is here, and stays: so there is always an admin that can come in.
Error AccessList::keeps_itself(const std::string& name) const {
    const bool has_other = std::any_of(accounts_.begin(), accounts_.end(), [&](const auto& entry) {
        return entry.first != name && entry.second.roles.admin && entry.second.revoked_ms == 0;
    });
    return field_error(Status::kState, "name",
                       "'" + name + "' is the account that asks, and no account revokes itself: " +
                           (has_other ? "ask as another admin"
                                      : "as the last admin it would leave nobody who may invite or "
                                        "revoke; make another admin first, and ask as that"));
}

Result<Done> AccessList::save() try {
    if (store_) {
        if (Result<Done> saved = store_->save(text()); !saved) return saved;
    }
    is_unsaved_ = false;
    return Done{};
} catch (const std::bad_alloc&) {
    return make_error(Status::kMemory, "memory is short");
}

void AccessList::index(const Account& account) {
    if (account.key) by_key_[*account.key] = account.name;
    if (account.token_hash) by_token_[*account.token_hash] = account.name;
    if (account.revoked_ms != 0) return;
    for (const std::string& id : account.peer_ids) by_peer_id_.insert_or_assign(id, account.name);
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
