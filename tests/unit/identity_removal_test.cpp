// What takes somebody's way in away counts at once, and is written down as soon as that can be.
#include <stdexcept>

#include "unit/identity_door.h"

using namespace p2c2r;
using namespace p2c2r::test;

namespace {

struct Guests : Door {
    Credentials laptop = with_key();
    Credentials code = with_key();  // comes with an invitation

    Guests() {
        REQUIRE(list.add_key("laptop", "", kBoth, laptop.key->public_key(), now).ok());
        code.invite = *list.invite("", kBoth, now.unix_ms + kDayMs, chance, now, {}, "anna");
    }
    // After a restart of the coordinator: what is on the disk.
    [[nodiscard]] bool is_revoked_on_disk() const {
        AccessList again(nullptr, nullptr);
        REQUIRE(again.read(store.text).ok());
        return again.find("laptop")->revoked_ms != 0;
    }
    void wait(uint64_t us) {
        now.monotonic_us += us;
        now.unix_ms += us / 1000;
    }
};

}  // namespace

TEST_CASE("removal: who is revoked while the disk is full is out at once, and it is said so") {
    Guests door;
    door.store.fails = true;
    REQUIRE(door.list.revoke("laptop", door.now).ok());
    CHECK(door.list.why_unsaved() == "the disk is full");
    const Result<Admitted> back = door.enter(door.laptop, door.context());
    CHECK(back.error().status == Status::kAuth);
    CHECK(back.error().text == "'laptop' was revoked");
    CHECK_FALSE(door.is_revoked_on_disk());
    // What lets somebody in is refused meanwhile, and brings nobody back.
    CHECK_FALSE(door.list.add_token("bot", "", kBoth, door.chance, door.now).ok());
    CHECK_FALSE(door.list.invite("", kBoth, door.now.unix_ms + 1, door.chance, door.now).ok());
    CHECK(door.list.find("bot") == nullptr);
    CHECK(door.list.find("laptop")->revoked_ms != 0);
    CHECK(door.list.why_unsaved() == "the disk is full");
}

TEST_CASE("removal: it is written down with the next change") {
    Guests door;
    door.store.fails = true;
    REQUIRE(door.list.revoke("laptop", door.now).ok());
    door.store.fails = false;
    SUBCASE("of another kind") {
        REQUIRE(door.list.add_token("bot", "", kBoth, door.chance, door.now).ok());
    }
    SUBCASE("or when the same is asked for again") {
        REQUIRE(door.list.revoke("laptop", door.now).ok());
    }
    CHECK(door.list.why_unsaved().empty());
    CHECK(door.is_revoked_on_disk());
}

TEST_CASE("removal: without another change it is tried again every ten seconds until it is kept") {
    Guests door;
    door.store.fails = true;
    REQUIRE(door.list.revoke("laptop", door.now).ok());
    door.wait(AccessList::kSaveAgainUs);
    door.list.save_again(door.now);
    CHECK(door.list.why_unsaved() == "the disk is full");
    door.store.fails = false;
    door.wait(AccessList::kSaveAgainUs - 1);
    door.list.save_again(door.now);
    CHECK_FALSE(door.is_revoked_on_disk());
    door.wait(1);
    door.list.save_again(door.now);
    CHECK(door.is_revoked_on_disk());
    CHECK(door.list.why_unsaved().empty());
    // And then no more.
    const int saves = door.store.saves;
    door.wait(10 * AccessList::kSaveAgainUs);
    door.list.save_again(door.now);
    CHECK(door.store.saves == saves);
}

TEST_CASE("removal: memory that ends while it is written down lets nobody back in") {
    Door door;
    struct Sudden final : AccessStore {
        bool ends = false;
        Result<Done> save(const std::string&) override {
            if (ends) throw std::length_error("as where the error's own text has no memory");
            return Done{};
        }
    } store;
    AccessList list(&store, nullptr);
    REQUIRE(list.add_key("laptop", "", kBoth, with_key().key->public_key(), door.now).ok());
    store.ends = true;
    REQUIRE(list.revoke("laptop", door.now).ok());
    CHECK(list.find("laptop")->revoked_ms != 0);
    CHECK(list.why_unsaved() == "memory was short");
    store.ends = false;
    REQUIRE(list.revoke("laptop", door.now).ok());
    CHECK(list.why_unsaved().empty());
}

TEST_CASE(
    "removal: a code that is withdrawn lets nobody in and says why, after a restart as well") {
    Guests door;
    REQUIRE(door.list.withdraw("anna", door.now, {"root", "192.0.2.9:7"}).ok());
    const Result<Admitted> in = door.enter(door.code, door.context());
    CHECK(in.error().status == Status::kAuth);
    CHECK(in.error().text == "the join code was withdrawn; ask for another one");
    CHECK(door.audit.entries.size() >= 2);
    const AuditEntry& entry = door.audit.entries[door.audit.entries.size() - 2];
    CHECK(std::string(entry.what) == "withdrawn");
    CHECK(entry.by == "root");
    CHECK(entry.detail == "gamer,peer, invitation anna");
    AccessList again(nullptr, nullptr);
    REQUIRE(again.read(door.store.text).ok());
    CHECK(again.text() == door.store.text);
    const LoginContext at = door.context();
    const Proof proof = *door.code.prove(AccessList::methods(), at, false);
    CHECK(again.admit(proof, at, door.address, false, door.now).error().text == in.error().text);
    // Twice is once; a name that nobody has is an error.
    CHECK(door.list.withdraw("anna", door.now).ok());
    CHECK(door.list.withdraw("bob", door.now).error().status == Status::kStale);
    CHECK(door.list.withdraw("bob", door.now).error().field == "name");
}

TEST_CASE("removal: a code is withdrawn while the disk is full, too") {
    Guests door;
    door.store.fails = true;
    REQUIRE(door.list.withdraw("anna", door.now).ok());
    CHECK(door.list.why_unsaved() == "the disk is full");
    CHECK(door.enter(door.code, door.context()).error().text.find("withdrawn") !=
          std::string::npos);
}

TEST_CASE("removal: of one invitation nothing is left once its time is over") {
    Guests door;
    REQUIRE(door.list.withdraw("anna", door.now).ok());
    door.wait(2 * kDayMs * 1000);
    CHECK(door.list.withdraw("bob", door.now).error().status == Status::kStale);
    (void)door.list.invite("", kBoth, door.now.unix_ms + kDayMs, door.chance, door.now);
    CHECK(door.list.invitations().size() == 1);
    // An open one whose time is over cannot be withdrawn: it lets nobody in.
    const std::string name = door.list.invitations()[0].name;
    door.wait(2 * kDayMs * 1000);
    CHECK(door.list.withdraw(name, door.now).error().status == Status::kStale);
}

TEST_CASE("removal: withdrawn invitations take no room from open ones") {
    Door door;
    const uint64_t until_ms = door.now.unix_ms + kDayMs;
    AccessList list(nullptr, nullptr);
    for (size_t i = 0; i < AccessList::kInvitationsMax; ++i) {
        REQUIRE(list.invite("", kBoth, until_ms, door.chance, door.now).ok());
    }
    const auto one_more = [&] {
        return list.invite("", kBoth, until_ms, door.chance, door.now).ok();
    };
    CHECK_FALSE(one_more());
    REQUIRE(list.withdraw(list.invitations()[7].name, door.now).ok());
    CHECK(one_more());
    CHECK_FALSE(one_more());
    CHECK(list.invitations().size() == AccessList::kInvitationsMax);
}

TEST_CASE("invitations: each has a name, chosen or drawn, that no other open one has") {
    Guests door;
    const uint64_t until_ms = door.now.unix_ms + kDayMs;
    const auto again = door.list.invite("", kBoth, until_ms, door.chance, door.now, {}, "anna");
    CHECK(again.error().status == Status::kExists);
    CHECK(again.error().field == "name");
    REQUIRE(door.list.invite("", kGamerOnly, until_ms, door.chance, door.now).ok());
    const Invitation& drawn = door.list.invitations().back();
    CHECK(drawn.name.size() == 8);
    CHECK(drawn.name == invitation_name(drawn.secret_hash));
    CHECK(drawn.made_ms == door.now.unix_ms);
    CHECK(door.list.invite("", kBoth, until_ms, door.chance, door.now, {}, "a\nb").error().field ==
          "name");
    // Once it is withdrawn its name is free.
    REQUIRE(door.list.withdraw("anna", door.now).ok());
    CHECK(door.list.invite("", kBoth, until_ms, door.chance, door.now, {}, "anna").ok());
    REQUIRE(door.list.withdraw("anna", door.now).ok());
    CHECK_FALSE(door.enter(door.code, door.context()).ok());
}

TEST_CASE("invitations: those of a list from before they had names get one") {
    Guests door;
    std::string text = door.store.text;
    const size_t name = text.find("\"name\":\"anna\",");
    REQUIRE(name != std::string::npos);
    text.erase(name, 14);
    const size_t made = text.find("\"made_ms\":");
    REQUIRE(made != std::string::npos);
    text.erase(made, text.find(',', made) + 1 - made);
    AccessList again(nullptr, nullptr);
    REQUIRE(again.read(text).ok());
    REQUIRE(again.invitations().size() == 1);
    CHECK(again.invitations()[0].name == invitation_name(again.invitations()[0].secret_hash));
    CHECK(again.invitations()[0].made_ms == 0);
}

TEST_CASE("removal: no account shuts itself out by a rule for its token unless it is forced to") {
    Door door;
    REQUIRE(door.list
                .add_token("boss", "", {true, false, true}, door.chance, door.now,
                           *AddressRule::read("any"))
                .ok());
    const Actor boss{"boss", "192.0.2.7:4000"};
    const AddressRule elsewhere = *AddressRule::read("198.51.100.0/24");
    for (const char* forced : {"", "bot"}) {
        const Result<Done> set = door.list.allow_from("boss", elsewhere, door.now, boss, forced);
        REQUIRE_FALSE(set.ok());
        CHECK(set.error().status == Status::kState);
        CHECK(set.error().field == "from");
        CHECK(set.error().text.find("from 192.0.2.7:4000, and 198.51.100.0/24 does not include") !=
              std::string::npos);
        CHECK(door.list.find("boss")->from.text() == "any");
    }
    // Others may, and so may it where it stays in.
    CHECK(door.list.allow_from("boss", elsewhere, door.now, {"root", boss.address}).ok());
    CHECK(door.list.allow_from("boss", *AddressRule::read("192.0.2.0/24"), door.now, boss).ok());
    CHECK(door.list.allow_from("boss", *AddressRule::read("first"), door.now, boss).ok());
    CHECK(door.list.allow_from("boss", elsewhere, door.now, boss, "boss").ok());
    CHECK(door.list.find("boss")->from.text() == "198.51.100.0/24");
}
