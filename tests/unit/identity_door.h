// A coordinator's access list, and what a caller does to get in.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/prng.h"
#include "identity/access_list.h"
#include "support/seed.h"

namespace p2c2r::test {

using namespace p2c2r::identity;

inline constexpr uint64_t kDayMs = 24ull * 3'600'000;

class Chance final : public RandomSource {
  public:
    explicit Chance(uint64_t seed) : prng_(seed) {}
    void fill(std::span<uint8_t> out) override {
        for (uint8_t& byte : out) byte = static_cast<uint8_t>(prng_.next());
    }

  private:
    Prng prng_;
};

struct Store final : AccessStore {
    std::string text;
    int saves = 0;
    bool fails = false;
    Result<Done> save(const std::string& fresh) override {
        if (fails) return make_error(Status::kIo, "the disk is full");
        text = fresh;
        ++saves;
        return Done{};
    }
};

struct Audit final : AuditLog {
    std::vector<AuditEntry> entries;
    void note(const AuditEntry& entry) override { entries.push_back(entry); }
};

struct Door {
    Store store;
    Audit audit;
    AccessList list{&store, &audit};
    Chance chance{seed()};
    Moment now{1'000'000, 1'700'000'000'000};
    std::string binding = std::string(32, 'b');
    std::string address = "192.0.2.7:4000";

    LoginContext context(Role role = Role::kGamer, std::string_view id = "laptop") {
        LoginContext made;
        made.channel_binding = binding;
        made.role = role;
        chance.fill(made.client_nonce);
        chance.fill(made.server_nonce);
        made.id = id;
        return made;
    }
    Result<Admitted> enter(const Credentials& credentials, const LoginContext& at) {
        const Result<Proof> proof = credentials.prove(AccessList::methods(), at, false);
        REQUIRE(proof.ok());
        return list.admit(*proof, at, address, false, now);
    }
};

inline Credentials with_key() {
    Credentials credentials;
    credentials.key = SigningKey::generate();
    return credentials;
}

inline const Roles kGamerOnly{true, false, false};
inline const Roles kBoth{true, true, false};

}  // namespace p2c2r::test
