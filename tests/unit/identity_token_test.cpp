// Where a token is good from: a copy of it opens nothing elsewhere.
#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "unit/identity_door.h"

using namespace p2c2r;
using namespace p2c2r::identity;
using namespace p2c2r::test;

namespace {

constexpr const char* kBound =
    "this token is bound to 192.0.2.0/24, by its first use or by the coordinator's owner; ask the "
    "owner to allow another address";

struct Bot : Door {
    Credentials bot;
    explicit Bot(const AddressRule& from = {}) {
        bot.token = *list.add_token("bot", "", kBoth, chance, now, from);
    }
    Result<Admitted> enter_from(const char* where, Role role = Role::kGamer) {
        address = where;
        return enter(bot, context(role, "some id"));
    }
    std::string from() { return list.find("bot")->from.text(); }
};

}  // namespace

TEST_CASE("tokens: bound to the network of the first login and refused from elsewhere") {
    Bot door;
    REQUIRE(door.enter_from("192.0.2.7:4000").ok());
    CHECK(door.from() == "192.0.2.0/24");
    CHECK(door.enter_from("192.0.2.200:1").ok());
    const Result<Admitted> thief = door.enter_from("198.51.100.9:4000");
    REQUIRE_FALSE(thief.ok());
    CHECK(thief.error().status == Status::kAuth);
    CHECK(thief.error().text == kBound);
    const AuditEntry& line = door.audit.entries.back();
    CHECK(std::string(line.what) == "login_refused");
    CHECK(line.account == "bot");
    CHECK(line.address == "198.51.100.9:4000");
    CHECK(line.detail == kBound);
    CHECK(door.enter_from("[2001:db8::7]:1").error().status == Status::kAuth);
    CHECK(door.enter_from("127.0.0.1:1").error().status == Status::kAuth);
    // Whose it is goes on, also after a restart.
    CHECK(door.enter_from("192.0.2.7:4001").ok());
    AccessList again(nullptr, nullptr);
    REQUIRE(again.read(door.store.text).ok());
    CHECK(again.text() == door.store.text);
    CHECK(again.find("bot")->from.text() == "192.0.2.0/24");
}

TEST_CASE("tokens: first use under two connections is decided once") {
    Bot door;
    const LoginContext first = door.context();
    const LoginContext second = door.context();
    const Proof one = *door.bot.prove(AccessList::methods(), first, false);
    const Proof two = *door.bot.prove(AccessList::methods(), second, false);
    CHECK(door.list.admit(one, first, "[2001:db8:1:9::1]:1", false, door.now).ok());
    CHECK_FALSE(door.list.admit(two, second, "192.0.2.7:4000", false, door.now).ok());
    CHECK(door.from() == "2001:db8:1::/48");
}

TEST_CASE("tokens: a refused login binds nothing, and a wrong token is told nothing of rules") {
    Bot door;
    CHECK(door.enter_from("198.51.100.9:1", Role::kAdmin).error().status == Status::kDenied);
    CHECK(door.from() == "first");
    REQUIRE(door.enter_from("192.0.2.7:1").ok());
    Credentials wrong;
    wrong.token = door.bot.token;
    (*wrong.token)[3] ^= 1;
    for (const char* where : {"192.0.2.7:1", "198.51.100.9:1"}) {
        door.address = where;
        CHECK(door.enter(wrong, door.context()).error().text == "the token is not known");
    }
    REQUIRE(door.list.revoke("bot", door.now).ok());
    CHECK(door.enter_from("198.51.100.9:1").error().text == "'bot' was revoked");
}

TEST_CASE("tokens: five uses from elsewhere within a minute and that address waits") {
    Bot door;
    REQUIRE(door.enter_from("192.0.2.7:1").ok());
    for (int i = 0; i < 5; ++i) {
        CHECK(door.enter_from("198.51.100.9:1").error().status == Status::kAuth);
    }
    CHECK(door.enter_from("198.51.100.9:2").error().status == Status::kBusy);
    CHECK(door.enter_from("192.0.2.7:1").ok());
}

TEST_CASE("tokens: the owner says where one is good from") {
    Bot anywhere(*AddressRule::read("any"));
    CHECK(anywhere.enter_from("192.0.2.7:1").ok());
    CHECK(anywhere.enter_from("198.51.100.9:1").ok());
    CHECK(anywhere.from() == "any");
    Bot listed(*AddressRule::read("198.51.100.0/24,2001:db8::/32"));
    CHECK_FALSE(listed.enter_from("192.0.2.7:1").ok());
    CHECK(listed.enter_from("[2001:db8:77::1]:1").ok());
    REQUIRE(listed.list.allow_from("bot", *AddressRule::read("any"), listed.now).ok());
    CHECK(listed.enter_from("192.0.2.7:1").ok());
    // As if it had never been used.
    REQUIRE(listed.list.allow_from("bot", AddressRule(), listed.now).ok());
    CHECK(listed.enter_from("203.0.113.5:1").ok());
    CHECK_FALSE(listed.enter_from("192.0.2.7:1").ok());
    CHECK(listed.from() == "203.0.113.0/24");
    CHECK(listed.list.allow_from("nobody", AddressRule(), listed.now).error().status ==
          Status::kStale);
    REQUIRE(listed.list.add_key("pc", "", kBoth, with_key().key->public_key(), listed.now).ok());
    CHECK(listed.list.allow_from("pc", AddressRule(), listed.now).error().status == Status::kState);
}

TEST_CASE("tokens: a key is good from any address") {
    Door door;
    const Credentials laptop = with_key();
    REQUIRE(door.list.add_key("laptop", "", kBoth, laptop.key->public_key(), door.now).ok());
    for (const char* where : {"192.0.2.7:1", "198.51.100.9:1", "[2001:db8::1]:1"}) {
        door.address = where;
        CHECK(door.enter(laptop, door.context()).ok());
    }
}

TEST_CASE("tokens: a binding that could not be written down did not happen") {
    Bot door;
    door.store.fails = true;
    CHECK(door.enter_from("192.0.2.7:1").error().status == Status::kIo);
    CHECK(door.from() == "first");
    CHECK_FALSE(door.list.allow_from("bot", *AddressRule::read("any"), door.now).ok());
    CHECK(door.from() == "first");
    door.store.fails = false;
    CHECK(door.enter_from("198.51.100.9:1").ok());
    // Nor one for which memory ended.
    struct Sudden final : AccessStore {
        bool ends = false;
        Result<Done> save(const std::string&) override {
            if (ends) throw std::length_error("as where the error's own text has no memory");
            return Done{};
        }
    } store;
    AccessList list(&store, nullptr);
    Credentials other;
    other.token = *list.add_token("bot", "", kBoth, door.chance, door.now);
    const LoginContext at = door.context();
    const Proof proof = *other.prove(AccessList::methods(), at, false);
    store.ends = true;
    CHECK_THROWS_AS((void)list.admit(proof, at, "192.0.2.7:1", false, door.now), std::length_error);
    CHECK(list.find("bot")->from.is_first());
}

TEST_CASE("tokens: a rule in a list that is damaged is refused with its place") {
    Bot door;
    REQUIRE(door.enter_from("192.0.2.7:1").ok());
    std::string text = door.store.text;
    text.replace(text.find("192.0.2.0/24"), 12, "192.0.2.0/44");
    AccessList again(nullptr, nullptr);
    const Result<Done> read = again.read(text);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().field == "accounts[0].from");
}
