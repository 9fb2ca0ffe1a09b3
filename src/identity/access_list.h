// Who may come in: the accounts of one coordinator, its open invitations, and what each may do.
//
// Decides, never acts: time and what was shown come in, a decision comes out. Secrets are kept as
// their hashes only. The list is written down as text after each change (AccessStore). What lets
// somebody in counts once it is written; what takes that away counts at once, and is written as
// soon as that can be. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/crypto.h"
#include "identity/address_rule.h"
#include "identity/attempts.h"
#include "identity/login.h"

namespace p2c2r::identity {

// What an account may be. An admin may ask the coordinator's calls that change something.
struct Roles {
    bool gamer = false;
    bool peer = false;
    bool admin = false;

    [[nodiscard]] bool any() const { return gamer || peer || admin; }
    [[nodiscard]] bool covers(const Roles& other) const {
        return (gamer || !other.gamer) && (peer || !other.peer) && (admin || !other.admin);
    }
};
// "gamer,peer" and back; nothing for another word.
std::string roles_text(const Roles& roles);
std::optional<Roles> read_roles(std::string_view text);

// The owner of the coordinator's own machines; no account of another owner is ever called so.
inline constexpr char kOperator[] = "operator";

struct Account {
    std::string name;   // unique; 1 to 64 bytes
    std::string owner;  // whose it is: machines of one owner are its `own` circle
    Roles roles;
    std::optional<PublicKey> key;
    std::optional<Digest256> token_hash;  // SHA-256
    uint64_t added_ms = 0;                // Unix time
    uint64_t revoked_ms = 0;              // 0: it is not
    AddressRule from;  // of its token: a key is not copied by showing it, and good from anywhere
    std::vector<std::string> peer_ids;  // that it used before anybody else, beside its own name
};

struct Invitation {
    Digest256 secret_hash{};
    std::string owner;  // of the account that it makes; empty: that account's own name
    Roles roles;
    uint64_t until_ms = 0;
    std::string by;    // the account that made it; empty: the operator
    std::string name;  // unique among the open ones; 1 to 64 bytes
    uint64_t made_ms = 0;
    // 0: it is not. It stays until its time is over, so that whoever comes with it is told why.
    uint64_t withdrawn_ms = 0;

    [[nodiscard]] bool is_open(uint64_t unix_ms) const {
        return withdrawn_ms == 0 && unix_ms < until_ms;
    }
};

// As one is called that nobody has named.
std::string invitation_name(const Digest256& secret_hash);

// Where the list is kept. What save() was given is read at the next start, whatever happens in
// between: it is on the disk when this returns.
class AccessStore {
  public:
    virtual Result<Done> save(const std::string& text) = 0;

  protected:
    ~AccessStore() = default;
};

// What was decided, for whoever keeps a record of it: no secret is in it.
struct AuditEntry {
    uint64_t at_ms = 0;
    // "login", "login_refused", "enrolled", "invited", "withdrawn", "revoked", "token",
    // "token_bound", "peer_failed", "task_assigned"
    const char* what = "";
    std::string account;  // or, where none was proven, the id that was tried
    std::string address;  // of whoever came, or asked for it; empty: in the coordinator's process
    std::string detail;
    std::string by;  // the account that asked for it, or whose code it was; of logins empty
};
class AuditLog {
  public:
    virtual void note(const AuditEntry& entry) = 0;
    // Entries that could not be kept, and why the last one could not.
    [[nodiscard]] virtual uint64_t lost() const { return 0; }
    [[nodiscard]] virtual std::string why_lost() const { return {}; }

  protected:
    ~AuditLog() = default;
};

// Who asks for a change: an account, from an address. Both empty: the operator, in the
// coordinator's process.
struct Actor {
    std::string account;
    std::string address;
};

// Who is at the other end.
struct Admitted {
    std::string account;
    std::string owner;
    Roles roles;
    bool moved = false;  // by this login: until now the account was another owner's
};

// Whoever is let in may be turned away still, for a reason of the caller's: nothing has changed in
// the list then, and a join code stays good.
using AdmitCheck = std::function<Result<Done>(const Admitted&)>;

struct Moment {
    uint64_t monotonic_us = 0;
    uint64_t unix_ms = 0;
};

class AccessList {
  public:
    static constexpr size_t kAccountsMax = 100'000;
    static constexpr size_t kInvitationsMax = 1'000;
    static constexpr uint64_t kInvitationMsMax = 30ull * 24 * 3'600'000;
    // That an account keeps for itself; later ones belong to who is connected with them.
    static constexpr size_t kPeerIdsMax = 8;
    // What one home or company has: its addresses change within that from day to day.
    static constexpr uint32_t kBindIpv4Bits = 24;
    static constexpr uint32_t kBindIpv6Bits = 48;
    // Between two tries to write down what could not be: on a full disk each costs a sync.
    static constexpr uint64_t kSaveAgainUs = 10'000'000;

    // `store` NULL: kept in memory only. Both may be NULL and MUST outlive it.
    AccessList(AccessStore* store, AuditLog* audit) : store_(store), audit_(audit) {}

    // What save() was given. kArgument with the place of what is wrong; nothing changed then.
    Result<Done> read(std::string_view text);
    [[nodiscard]] std::string text() const;

    [[nodiscard]] static std::vector<uint32_t> methods();

    // The one door. `address` is where the connection comes from. kAuth: not proven, unknown,
    // revoked; kDenied: known, but not in this role; kBusy with retry_after_ms: too many failures,
    // or new keys, from there; loopback is not counted. An invitation makes an account of the
    // key's, named as the context's id is; one that the key has already gains by it, and may become
    // another owner's: what is connected of it must not go on as the former one's then (`moved`).
    // Where it gains nothing the invitation stays open. A token without a rule is bound to the
    // network of its first login (kBindIpv4Bits); from elsewhere it is kAuth. A peer's id belongs
    // to the account that is called so, or used it first: of another owner's account it is kExists.
    // `check` has the last word, before anything changes.
    Result<Admitted> admit(const Proof& proof, const LoginContext& context,
                           const std::string& address, bool is_loopback, const Moment& now,
                           const AdmitCheck& check = {});

    // ---- changes that let in; each kIo when it could not be written down, and then nothing
    // changed A fresh secret that makes one account until `until_ms`, unless `by` is revoked
    // before, or it is withdrawn. It is the last of invitations(), called `name` or, if that is
    // empty, by 8 digits that are nobody's yet.
    Result<InviteSecret> invite(std::string owner, const Roles& roles, uint64_t until_ms,
                                RandomSource& random, const Moment& now, const Actor& by = {},
                                std::string name = {});
    Result<Done> add_key(const std::string& name, const std::string& owner, const Roles& roles,
                         const PublicKey& key, const Moment& now, const Actor& by = {});
    // A fresh secret for software that cannot sign, good from where `from` says.
    Result<Token> add_token(const std::string& name, const std::string& owner, const Roles& roles,
                            RandomSource& random, const Moment& now, const AddressRule& from = {},
                            const Actor& by = {});
    // Where its token is good from henceforth. Who is connected is the caller's to close. An
    // account that would shut itself out is kState, unless `forced` is its name.
    Result<Done> allow_from(const std::string& name, const AddressRule& from, const Moment& now,
                            const Actor& by = {}, std::string_view forced = {});

    // ---- changes that take away; each counts at once, written down or not (why_unsaved)
    // From now on. Who is connected is the caller's to close. No account revokes itself (kState):
    // an admin that may ask for it is left, always.
    Result<Done> revoke(const std::string& name, const Moment& now, const Actor& by = {});
    // The open invitation of this name lets nobody in any more.
    Result<Done> withdraw(const std::string& name, const Moment& now, const Actor& by = {});
    // Why what was taken away is not written down yet, and a restart would bring it back; "": all
    // is. The next change that is written down writes it as well.
    [[nodiscard]] std::string why_unsaved() const;
    // To be called now and then: tries again, kSaveAgainUs after the last time.
    void save_again(const Moment& now);

    // A command that changed something else, for the record. `account`: whose.
    void record(const char* what, const std::string& account, std::string detail, const Actor& by,
                const Moment& now) const;
    // Entries of the record that are missing, and why the last one is.
    [[nodiscard]] uint64_t audit_lost() const { return unnoted_ + (audit_ ? audit_->lost() : 0); }
    [[nodiscard]] std::string why_audit_lost() const;

    [[nodiscard]] const Account* find(std::string_view name) const;
    [[nodiscard]] const std::map<std::string, Account, std::less<>>& accounts() const {
        return accounts_;
    }
    // Those that are over or withdrawn among them, until another one is made.
    [[nodiscard]] const std::vector<Invitation>& invitations() const { return invitations_; }

  private:
    using Accounts = std::map<std::string, Account, std::less<>>;

    struct Login {
        const Proof& proof;
        const LoginContext& context;
        const std::string& address;
        const Moment& now;
        const AdmitCheck& check;
        std::string who;  // the id that was tried; the account, as soon as one is proven
    };
    Result<Admitted> judge(Login& login);
    // Whether an address with so many new keys may bring another one; else how long it waits.
    Result<Done> may_bring_key(const Proof& proof, const std::string& network, uint64_t now_us);
    // What may be decided without a change.
    [[nodiscard]] Result<Admitted> may_come(const Account& account, const Login& login) const;
    Result<Admitted> let_in(Account& account, const Login& login);
    Result<Admitted> enrol(const KeyProof& proof, Login& login);
    Result<Admitted> enrol_again(Account& account, std::vector<Invitation>::iterator invitation,
                                 const Login& login);
    // Whose a peer's id is; NULL: nobody's.
    [[nodiscard]] const Account* holder_of(std::string_view peer_id) const;
    [[nodiscard]] bool takes_id(const Account& account, const LoginContext& context) const;
    Result<Done> set_from(Account& account, const AddressRule& from);
    // As the record calls who acts.
    static std::string by_name(const std::string& account) {
        return account.empty() ? kOperator : account;
    }
    [[nodiscard]] Error keeps_itself(const std::string& name) const;
    Result<Done> add(Account account);
    Result<Done> save();
    void save_removal(const Moment& now);
    [[nodiscard]] Invitation* open_invitation(std::string_view name, uint64_t unix_ms);
    void forget_old_invitations(uint64_t unix_ms);
    void index(const Account& account);
    void note(const char* what, const std::string& account, const std::string& address,
              std::string detail, const Moment& now, const std::string& by = {}) const;
    [[nodiscard]] std::string free_name(std::string_view wish) const;

    AccessStore* const store_;
    AuditLog* const audit_;
    Accounts accounts_;
    std::map<PublicKey, std::string> by_key_;
    std::map<Digest256, std::string> by_token_;
    std::map<std::string, std::string, std::less<>> by_peer_id_;
    std::vector<Invitation> invitations_;
    Attempts failures_{kLoginFailuresPerMinute, 60'000'000};
    Attempts enrolments_{kNewKeysPerHour, 3'600'000'000};
    mutable uint64_t unnoted_ = 0;  // entries that memory was short for
    bool is_unsaved_ = false;       // something that was taken away
    std::string why_unsaved_;       // empty: memory was short
    uint64_t save_again_us_ = 0;
};

}  // namespace p2c2r::identity
