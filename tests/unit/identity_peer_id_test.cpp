// Whose a peer's id is, and that a refused registration costs nothing.
#include <doctest/doctest.h>

#include <string>

#include "unit/identity_door.h"

using namespace p2c2r;
using namespace p2c2r::identity;
using namespace p2c2r::test;

namespace {

struct Ids : Door {
    Credentials enrolled(const std::string& name, const std::string& owner = "") {
        Credentials credentials = with_key();
        REQUIRE(list.add_key(name, owner, kBoth, credentials.key->public_key(), now).ok());
        return credentials;
    }
    Credentials invited(const std::string& owner = "") {
        Credentials credentials = with_key();
        credentials.invite = *list.invite(owner, kBoth, now.unix_ms + kDayMs, chance, now);
        return credentials;
    }
    Result<Admitted> help(const Credentials& who, std::string_view id) {
        return enter(who, context(Role::kPeer, id));
    }
    Status refused(const Credentials& who, std::string_view id) {
        const Result<Admitted> in = help(who, id);
        return in ? Status::kOk : in.error().status;
    }
};

}  // namespace

TEST_CASE("peer ids: one belongs to the account that used it first and to its owner's machines") {
    Ids door;
    const Credentials anna = door.enrolled("anna-pc", "anna");
    const Credentials laptop = door.enrolled("anna-laptop", "anna");
    const Credentials ben = door.enrolled("ben-pc", "ben");
    CHECK(door.refused(anna, "rig") == Status::kOk);
    const Result<Admitted> other = door.help(ben, "rig");
    REQUIRE_FALSE(other.ok());
    CHECK(other.error().status == Status::kExists);
    CHECK(other.error().text ==
          "PEER_ID_TAKEN: 'rig' belongs to another account; choose another peer_id");
    CHECK(door.refused(laptop, "rig") == Status::kOk);
    CHECK(door.refused(anna, "rig") == Status::kOk);
    CHECK(door.list.find("anna-laptop")->peer_ids.empty());
    // A gamer's id is another matter.
    CHECK(door.enter(ben, door.context(Role::kGamer, "rig")).ok());
    // After a restart as well.
    AccessList again(nullptr, nullptr);
    REQUIRE(again.read(door.store.text).ok());
    CHECK(again.text() == door.store.text);
    CHECK(again.find("anna-pc")->peer_ids == std::vector<std::string>{"rig"});
    const LoginContext at = door.context(Role::kPeer, "rig");
    const Proof proof = *ben.prove(AccessList::methods(), at, false);
    CHECK(again.admit(proof, at, "192.0.2.7:1", false, door.now).error().status == Status::kExists);
    // Once the account is gone, it is free.
    REQUIRE(door.list.revoke("anna-pc", door.now).ok());
    CHECK(door.refused(ben, "rig") == Status::kOk);
    CHECK(door.refused(laptop, "rig") == Status::kExists);
    AccessList later(nullptr, nullptr);
    REQUIRE(later.read(door.store.text).ok());
    CHECK(later.text() == door.store.text);
}

TEST_CASE("peer ids: the name of an account is its own and needs no writing down") {
    Ids door;
    const Credentials anna = door.enrolled("anna-pc");
    const Credentials ben = door.enrolled("ben-pc");
    const int saves = door.store.saves;
    CHECK(door.refused(ben, "anna-pc") == Status::kExists);
    CHECK(door.refused(anna, "anna-pc") == Status::kOk);
    CHECK(door.store.saves == saves);
    REQUIRE(door.list.revoke("anna-pc", door.now).ok());
    CHECK(door.refused(ben, "anna-pc") == Status::kOk);
}

TEST_CASE("peer ids: a join code is not used up where the id is another's or the caller refuses") {
    Ids door;
    const Credentials host = door.enrolled("desk", kOperator);
    const Credentials guest = door.invited();
    CHECK(door.refused(guest, "desk") == Status::kExists);
    CHECK(door.list.invitations().size() == 1);
    CHECK(door.list.accounts().size() == 1);
    const LoginContext at = door.context(Role::kPeer, "guest");
    const Proof proof = *guest.prove(AccessList::methods(), at, false);
    std::string asked;
    const Result<Admitted> full = door.list.admit(
        proof, at, "192.0.2.7:1", false, door.now, [&](const Admitted& who) -> Result<Done> {
            asked = who.account + " of " + who.owner;
            return make_error(Status::kLimit, "all places are taken");
        });
    REQUIRE_FALSE(full.ok());
    CHECK(full.error().text == "all places are taken");
    CHECK(asked == "guest of guest");
    CHECK(door.list.invitations().size() == 1);
    CHECK(door.list.accounts().size() == 1);
    CHECK(door.help(guest, "guest").ok());
    CHECK(door.list.invitations().size() == 0);
    // A code for an account that is there already: nothing of it counts, either.
    Credentials again;
    again.key = std::move(*SigningKey::from_pem(guest.key->to_pem()));
    again.invite =
        *door.list.invite(kOperator, kBoth, door.now.unix_ms + kDayMs, door.chance, door.now);
    (void)door.enrolled("other");
    CHECK(door.refused(again, "other") == Status::kExists);
    CHECK(door.list.find("guest")->owner == "guest");
    CHECK(door.list.invitations().size() == 1);
    // An own machine may be called as another own one was.
    CHECK(door.refused(door.invited(kOperator), "desk") == Status::kOk);
}

TEST_CASE("peer ids: refusals of the caller change nothing of an account") {
    Ids door;
    const Credentials anna = door.enrolled("anna-pc");
    const std::string before = door.store.text;
    const LoginContext at = door.context(Role::kPeer, "rig");
    const Proof proof = *anna.prove(AccessList::methods(), at, false);
    CHECK_FALSE(door.list
                    .admit(proof, at, "192.0.2.7:1", false, door.now,
                           [](const Admitted&) -> Result<Done> {
                               return make_error(Status::kExists, "it is connected");
                           })
                    .ok());
    CHECK(door.list.text() == before);
    // Nor does one for which the disk is full.
    door.store.fails = true;
    CHECK(door.refused(anna, "rig") == Status::kIo);
    CHECK(door.list.text() == before);
    door.store.fails = false;
    const Credentials ben = door.enrolled("ben-pc");
    CHECK(door.refused(ben, "rig") == Status::kOk);
}

TEST_CASE("peer ids: an account keeps eight, and those beyond belong to who is connected") {
    Ids door;
    const Credentials anna = door.enrolled("anna-pc");
    const Credentials ben = door.enrolled("ben-pc");
    for (int i = 0; i < 9; ++i) {
        CHECK(door.refused(anna, "rig-" + std::to_string(i)) == Status::kOk);
    }
    CHECK(door.list.find("anna-pc")->peer_ids.size() == AccessList::kPeerIdsMax);
    CHECK(door.refused(ben, "rig-7") == Status::kExists);
    CHECK(door.refused(ben, "rig-8") == Status::kOk);
    // Nor is one kept that a peer without a name has drawn for this run.
    CHECK(door.refused(ben, "peer-0123456789ab") == Status::kOk);
    CHECK(door.list.find("ben-pc")->peer_ids == std::vector<std::string>{"rig-8"});
}

TEST_CASE("peer ids: in a list that is damaged they are refused with their place") {
    Ids door;
    const Credentials anna = door.enrolled("anna-pc");
    const Credentials ben = door.enrolled("ben-pc");
    REQUIRE(door.refused(anna, "rig-a") == Status::kOk);
    REQUIRE(door.refused(ben, "rig-b") == Status::kOk);
    struct Row {
        const char* from;
        const char* to;
        const char* field;
    };
    for (const Row& row : {Row{"\"rig-b\"", "\"rig-a\"", "accounts[1].peer_ids"},
                           Row{"\"rig-a\"", "\"\"", "accounts[0].peer_ids"},
                           Row{"\"rig-a\"", "7", "accounts[0].peer_ids"},
                           Row{"\"rig-a\"", "\"\\u001b[2J\"", "accounts[0].peer_ids"},
                           Row{"[\"rig-a\"]", "\"rig-a\"", "accounts[0].peer_ids"}}) {
        std::string text = door.store.text;
        text.replace(text.find(row.from), std::string(row.from).size(), row.to);
        CAPTURE(text);
        AccessList again(nullptr, nullptr);
        const Result<Done> read = again.read(text);
        REQUIRE_FALSE(read.ok());
        CHECK(read.error().field == row.field);
    }
}
