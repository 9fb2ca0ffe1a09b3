// People: whose machine each host is, and how it proves it. The accounts of a run, kept by the
// production list; and the truth about owners that the checkers judge by, which nobody under test
// is ever asked for.
//
// Where the seed draws no logins, every gamer is the operator's, and a peer is what it claims.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/prng.h"
#include "identity/access_list.h"
#include "sim/coverage.h"
#include "sim/options.h"
#include "sim/short_memory.h"

namespace p2c2r::sim {

// The operator is owner 0.
inline constexpr uint32_t kNobody = UINT32_MAX;

class People {
  public:
    People(const Options& options, Coverage& coverage);

    // ---- the operator's side
    // Opens the list as it was written down; NULL: nobody is asked for a login. The last one that
    // was opened is not valid any more.
    identity::AccessList* open();

    // ---- before and between the lives of a host's process
    // Gives it an account of a drawn owner, or a share in another host's.
    void settle(uint32_t host, const std::string& name, bool is_peer, bool may_limit,
                const identity::Moment& now);
    // A fresh account, perhaps of another owner, in place of the one that was revoked.
    void settle_again(uint32_t host, const identity::Moment& now);
    // Gives it a join code of another owner's, which counts from its next login. False: it stays
    // whose it is.
    bool give_code(uint32_t host, const identity::Moment& now);

    // What it shows; NULL: nothing.
    [[nodiscard]] std::shared_ptr<const identity::Credentials> credentials(uint32_t host) const {
        return hosts_.at(host).credentials;
    }
    [[nodiscard]] bool is_limited(uint32_t host) const { return hosts_.at(host).limited; }
    // The name of its account in the list; empty: there is none (yet).
    [[nodiscard]] std::string account_name(uint32_t host) const;
    [[nodiscard]] std::vector<uint32_t> hosts_of_account(uint32_t host) const;

    // ---- what has happened
    void revoked(uint32_t host);
    // The coordinator has told this host that it is in.
    void registered(uint32_t host, std::span<const uint8_t> token);

    // ---- the truth
    [[nodiscard]] uint32_t owner_of(uint32_t host) const;
    // They log in to the same account, and share what it may have.
    [[nodiscard]] bool share_account(uint32_t host, uint32_t other) const;
    [[nodiscard]] bool is_revoked(uint32_t host) const;

  private:
    struct Account {
        uint32_t owner = 0;
        uint32_t pending_owner = kNobody;  // a code of this one's was given to it
        bool is_alone = false;             // its owner has no other machine
        bool revoked = false;
        std::string name;  // empty: the list has chosen one, see `key`
        identity::PublicKey key{};
        std::string pem;
    };
    struct Host {
        std::string name;
        bool is_peer = false;
        bool limited = false;
        bool may_limit = false;
        std::optional<identity::InviteSecret> code;  // that moves its account to another owner
        uint32_t lives = 0;
        uint32_t account = 0;
        std::shared_ptr<identity::Credentials> credentials;
    };
    // Survives every crash of the coordinator.
    struct Store final : identity::AccessStore {
        std::string text;
        Result<Done> save(const std::string& now) override {
            const Plenty plenty;
            text = now;
            return Done{};
        }
    };
    struct Random final : RandomSource {
        explicit Random(Prng prng) : prng_(prng) {}
        void fill(std::span<uint8_t> out) override {
            for (uint8_t& byte : out) byte = static_cast<uint8_t>(prng_.next() >> 32);
        }
        Prng prng_;
    };

    void make_account(Host& host, const identity::Moment& now);
    identity::SigningKey key_of_seed(std::string& pem);
    [[nodiscard]] std::string owner_name(uint32_t owner) const;
    const Account& account_of(uint32_t host) const { return accounts_[hosts_.at(host).account]; }

    const Options& options_;
    Coverage& coverage_;
    Prng prng_;
    Random random_;
    Store store_;
    std::unique_ptr<identity::AccessList> list_;
    std::vector<Account> accounts_;
    std::map<uint32_t, Host> hosts_;
    uint32_t owners_alone_ = 0;
};

}  // namespace p2c2r::sim
