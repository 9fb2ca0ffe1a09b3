#include <doctest/doctest.h>

#include <new>
#include <set>
#include <stdexcept>
#include <string>

#include "unit/identity_door.h"

using namespace p2c2r;
using namespace p2c2r::identity;
using namespace p2c2r::test;

TEST_CASE("login: an enrolled key comes in, in its roles and no other") {
    Door door;
    const Credentials laptop = with_key();
    REQUIRE(door.list.add_key("laptop", kOperator, kGamerOnly, laptop.key->public_key(), door.now)
                .ok());
    const Result<Admitted> in = door.enter(laptop, door.context());
    REQUIRE(in.ok());
    CHECK(in->account == "laptop");
    CHECK(in->owner == kOperator);
    const Result<Admitted> out = door.enter(laptop, door.context(Role::kPeer));
    REQUIRE_FALSE(out.ok());
    CHECK(out.error().status == Status::kDenied);
    CHECK(out.error().text == "'laptop' may not be peer, only gamer");
    const Result<Admitted> unknown = door.enter(with_key(), door.context());
    REQUIRE_FALSE(unknown.ok());
    CHECK(unknown.error().status == Status::kAuth);
}

TEST_CASE("login: a signature holds for one connection, one role and one id") {
    Door door;
    const Credentials laptop = with_key();
    REQUIRE(door.list.add_key("laptop", "", kBoth, laptop.key->public_key(), door.now).ok());
    const LoginContext made = door.context();
    const Proof proof = *laptop.prove(AccessList::methods(), made, false);
    const auto refused = [&](LoginContext at) {
        const Result<Admitted> in = door.list.admit(proof, at, "192.0.2.8:1", true, door.now);
        return !in.ok() && in.error().status == Status::kAuth;
    };
    CHECK_FALSE(refused(made));
    const std::string other_binding(32, 'c');
    LoginContext relayed = made;
    relayed.channel_binding = other_binding;
    CHECK(refused(relayed));
    LoginContext without = made;
    without.channel_binding = {};
    CHECK(refused(without));
    LoginContext replayed = made;
    replayed.server_nonce[5] ^= 1;
    CHECK(refused(replayed));
    LoginContext other_client = made;
    other_client.client_nonce[0] ^= 0x80;
    CHECK(refused(other_client));
    LoginContext other_role = made;
    other_role.role = Role::kPeer;
    CHECK(refused(other_role));
    LoginContext other_id = made;
    other_id.id = "laptoq";
    CHECK(refused(other_id));
}

TEST_CASE("login: changed proofs are never accepted") {
    Door door;
    const Credentials laptop = with_key();
    REQUIRE(door.list.add_key("laptop", "", kBoth, laptop.key->public_key(), door.now).ok());
    const InviteSecret secret =
        *door.list.invite("", kBoth, door.now.unix_ms + kDayMs, door.chance, door.now);
    const Token token = *door.list.add_token("bot", "", kBoth, door.chance, door.now);
    Credentials by_token;
    by_token.token = token;
    Credentials invited = with_key();
    invited.invite = secret;
    Prng prng(test::seed());
    int accepted = 0;
    for (int i = 0; i < 1500; ++i) {
        const LoginContext at = door.context();
        const Credentials* const who[] = {&laptop, &by_token, &invited};
        Proof proof = *who[i % 3]->prove(AccessList::methods(), at, false);
        switch (prng.below(4)) {
            case 0:
                proof.bytes[prng.below(proof.bytes.size())] ^=
                    static_cast<char>(1 + prng.below(255));
                break;
            case 1:
                proof.bytes.resize(prng.below(proof.bytes.size()));
                break;
            case 2:
                proof.bytes += static_cast<char>(prng.below(256));
                break;
            default:
                proof.method = static_cast<LoginMethod>(
                    (static_cast<uint32_t>(proof.method) + 1 + prng.below(3)) % 4);
                break;
        }
        accepted += door.list.admit(proof, at, "127.0.0.1:1", true, door.now).ok();
    }
    CHECK(accepted == 0);
    CHECK(door.list.invitations().size() == 1);
    CHECK(door.enter(invited, door.context()).ok());
}

TEST_CASE("login: a token comes in, is kept as its hash, and is not sent in plaintext") {
    Door door;
    Credentials bot;
    bot.token = *door.list.add_token("bot", "", kGamerOnly, door.chance, door.now);
    CHECK(door.enter(bot, door.context()).ok());
    CHECK(door.store.text.find(to_hex(*bot.token)) == std::string::npos);
    CHECK(door.store.text.find(to_hex(sha256(*bot.token))) != std::string::npos);
    LoginContext plain = door.context();
    plain.channel_binding = {};
    CHECK(bot.prove(AccessList::methods(), plain, false).error().status == Status::kAuth);
    CHECK(bot.prove(AccessList::methods(), plain, true).ok());
}

TEST_CASE("login: who has nothing to show is told what is missing") {
    const Credentials nothing;
    CHECK(nothing.prove({0}, {}, false).ok());
    const Result<Proof> none = nothing.prove(AccessList::methods(), {}, false);
    REQUIRE_FALSE(none.ok());
    CHECK(none.error().status == Status::kAuth);
    CHECK(none.error().text.find("neither a key nor a token") != std::string::npos);
    const Result<Proof> other = with_key().prove({1}, {}, false);
    REQUIRE_FALSE(other.ok());
    CHECK(other.error().text.find("of the kind") != std::string::npos);
}

TEST_CASE("login: an invitation makes one account, once, in time and in its roles") {
    Door door;
    const uint64_t until = door.now.unix_ms + kDayMs;
    Credentials friend_machine = with_key();
    friend_machine.invite = *door.list.invite("", kGamerOnly, until, door.chance, door.now);
    const Result<Admitted> wrong = door.enter(friend_machine, door.context(Role::kPeer));
    CHECK(wrong.error().status == Status::kDenied);
    const Result<Admitted> in = door.enter(friend_machine, door.context(Role::kGamer, "friend"));
    REQUIRE(in.ok());
    CHECK(in->account == "friend");
    CHECK(in->owner == "friend");
    CHECK(door.list.invitations().size() == 0);
    // The code is used up for others; who used it is enrolled, and may show it once more.
    CHECK(door.enter(friend_machine, door.context()).ok());
    Credentials thief = with_key();
    thief.invite = friend_machine.invite;
    CHECK(door.enter(thief, door.context()).error().status == Status::kAuth);
    Credentials later;
    later.key = std::move(friend_machine.key);
    CHECK(door.enter(later, door.context(Role::kGamer, "any id")).ok());
    CHECK(door.list.accounts().size() == 1);
    Credentials late = with_key();
    late.invite = *door.list.invite("", kGamerOnly, until, door.chance, door.now);
    door.now.unix_ms = until;
    const Result<Admitted> old = door.enter(late, door.context());
    CHECK(old.error().text.find("too old") != std::string::npos);
}

TEST_CASE("login: nobody becomes somebody's own machine by choosing a name") {
    Door door;
    REQUIRE(door.list.add_key("desk", "anna", kBoth, SigningKey::generate().public_key(), door.now)
                .ok());
    const auto invited = [&](std::string_view id) {
        Credentials newcomer = with_key();
        newcomer.invite =
            *door.list.invite("", kBoth, door.now.unix_ms + kDayMs, door.chance, door.now);
        return *door.enter(newcomer, door.context(Role::kGamer, id));
    };
    std::set<std::string> owners{"anna", kOperator};
    const std::string long_id = std::string(55, 'x') + "\xc3\xa4\xc3\xa4";
    for (const std::string& id :
         {std::string(kOperator), std::string("anna"), std::string("desk"), std::string("desk"),
          std::string("\n"), std::string("\n"), long_id, long_id}) {
        const Admitted in = invited(id);
        CAPTURE(in.account);
        CHECK(owners.insert(in.owner).second);
        CHECK(in.account.size() <= 64);
    }
    AccessList again(nullptr, nullptr);
    CHECK(again.read(door.store.text).ok());
}

TEST_CASE("login: own machines share an owner") {
    Door door;
    Credentials desk = with_key();
    desk.invite =
        *door.list.invite(kOperator, kBoth, door.now.unix_ms + kDayMs, door.chance, door.now);
    const Result<Admitted> in = door.enter(desk, door.context(Role::kPeer, "desk"));
    REQUIRE(in.ok());
    CHECK(in->account == "desk");
    CHECK(in->owner == kOperator);
}

TEST_CASE("login: a revoked account is out, also with a new join code") {
    Door door;
    Credentials laptop = with_key();
    REQUIRE(door.list.add_key("laptop", "", kBoth, laptop.key->public_key(), door.now).ok());
    REQUIRE(door.list.revoke("laptop", door.now).ok());
    CHECK(door.enter(laptop, door.context()).error().text == "'laptop' was revoked");
    laptop.invite = *door.list.invite("", kBoth, door.now.unix_ms + kDayMs, door.chance, door.now);
    CHECK(door.enter(laptop, door.context()).error().text == "'laptop' was revoked");
    CHECK(door.list.invitations().size() == 1);
    CHECK(door.list.revoke("nobody", door.now).error().status == Status::kStale);
}

TEST_CASE("login: no account revokes itself, so that an admin is left always") {
    Door door;
    const Roles admin{true, true, true};
    Credentials desk = with_key();
    Credentials spare = with_key();
    REQUIRE(door.list.add_key("desk", "", admin, desk.key->public_key(), door.now).ok());
    const auto refused = [&](const char* name) {
        const auto revoked = door.list.revoke(name, door.now, {name, door.address});
        REQUIRE_FALSE(revoked.ok());
        CHECK(revoked.error().status == Status::kState);
        CHECK(revoked.error().field == "name");
        return revoked.error().text;
    };
    const int saves = door.store.saves;
    CHECK(refused("desk").find("as the last admin it would leave nobody") != std::string::npos);
    CHECK(door.store.saves == saves);
    CHECK(door.enter(desk, door.context()).ok());
    REQUIRE(door.list.add_key("spare", "", admin, spare.key->public_key(), door.now).ok());
    CHECK(refused("desk").find("ask as another admin") != std::string::npos);
    // Another one may; what it leaves is itself.
    CHECK(door.list.revoke("desk", door.now, {"spare", door.address}).ok());
    CHECK(refused("spare").find("as the last admin") != std::string::npos);
    CHECK(door.enter(spare, door.context()).ok());
    // The operator's own process can make another admin.
    CHECK(door.list.revoke("spare", door.now).ok());
}

TEST_CASE("login: five failures a minute and address, then a wait, and no limit for this machine") {
    Door door;
    const Credentials stranger = with_key();
    const auto attempt = [&](const char* address, bool loopback = false) {
        const LoginContext at = door.context();
        return door.list
            .admit(*stranger.prove(AccessList::methods(), at, false), at, address, loopback,
                   door.now)
            .error();
    };
    for (int i = 0; i < 5; ++i) CHECK(attempt("192.0.2.1:1000").status == Status::kAuth);
    const Error sixth = attempt("192.0.2.1:2000");
    CHECK(sixth.status == Status::kBusy);
    CHECK(sixth.retry_after_ms > 59'000);
    CHECK(sixth.retry_after_ms <= 60'001);
    CHECK(attempt("192.0.2.2:1000").status == Status::kAuth);
    door.now.monotonic_us += 60'000'000;
    CHECK(attempt("192.0.2.1:1000").status == Status::kAuth);
    for (int i = 0; i < 50; ++i) CHECK(attempt("127.0.0.1:1", true).status == Status::kAuth);
    // Within the same network of one party.
    for (int i = 0; i < 5; ++i) {
        const std::string address = "[2001:db8:1:2::" + std::to_string(i + 1) + "]:5";
        CHECK(attempt(address.c_str()).status == Status::kAuth);
    }
    CHECK(attempt("[2001:db8:1:2:ffff::9]:5").status == Status::kBusy);
    CHECK(attempt("[2001:db8:1:3::1]:5").status == Status::kAuth);
}

TEST_CASE(
    "login: ten new keys an hour and address, whatever the codes, and no limit for this machine") {
    Door door;
    const auto enrol = [&](const char* address, bool loopback = false) {
        Credentials fresh = with_key();
        fresh.invite =
            *door.list.invite("", kBoth, door.now.unix_ms + kDayMs, door.chance, door.now);
        const LoginContext at = door.context();
        return door.list.admit(*fresh.prove(AccessList::methods(), at, false), at, address,
                               loopback, door.now);
    };
    Credentials first = with_key();
    first.invite = *door.list.invite("", kBoth, door.now.unix_ms + kDayMs, door.chance, door.now);
    REQUIRE(door.enter(first, door.context()).ok());
    for (int i = 1; i < 10; ++i) CHECK(enrol("192.0.2.7:1000").ok());
    const size_t accounts = door.list.accounts().size();
    const size_t codes = door.list.invitations().size();
    const Result<Admitted> eleventh = enrol("192.0.2.7:2000");
    REQUIRE_FALSE(eleventh.ok());
    CHECK(eleventh.error().status == Status::kBusy);
    CHECK(eleventh.error().text ==
          "10 new keys came from this address within an hour, as many as may; wait 3601 s");
    CHECK(eleventh.error().retry_after_ms == 3'600'001);
    CHECK(door.audit.entries.back().what == std::string("login_refused"));
    // The code is not used up, and nobody was made.
    CHECK(door.list.accounts().size() == accounts);
    CHECK(door.list.invitations().size() == codes + 1);
    // Who is in comes in, also with another code; so do others, and this machine.
    CHECK(door.enter(first, door.context()).ok());
    first.invite = *door.list.invite("", kBoth, door.now.unix_ms + kDayMs, door.chance, door.now);
    CHECK(door.enter(first, door.context()).ok());
    CHECK(enrol("192.0.2.8:1000").ok());
    for (int i = 0; i < 20; ++i) CHECK(enrol("127.0.0.1:1", true).ok());
    door.now.monotonic_us += 3'600'000'000;
    CHECK(enrol("192.0.2.7:1000").ok());
}

TEST_CASE("login: the network of an address") {
    CHECK(network_of("192.0.2.1:80") == "192.0.2.1");
    CHECK(network_of("192.0.2.1") == "192.0.2.1");
    CHECK(network_of("[2001:db8:1:2:3:4:5:6]:80") == network_of("2001:db8:1:2::"));
    CHECK(network_of("[::1]:80") == network_of("::2"));
    CHECK(network_of("[2001:db8::1]:80") == network_of("2001:db8:0:0:9::"));
    CHECK(network_of("[2001:db8::1]:80") != network_of("2001:db8:0:1::1"));
}

TEST_CASE("login: remembered addresses are bounded") {
    Attempts attempts(kLoginFailuresPerMinute, 60'000'000);
    for (size_t i = 0; i < Attempts::kNetworksMax + 100; ++i) {
        attempts.count(std::to_string(i), i);
    }
    CHECK(attempts.networks() == Attempts::kNetworksMax);
}

TEST_CASE("login: what could not be written down did not happen") {
    Door door;
    Credentials friend_machine = with_key();
    friend_machine.invite =
        *door.list.invite("", kBoth, door.now.unix_ms + kDayMs, door.chance, door.now);
    door.store.fails = true;
    const Result<Admitted> in = door.enter(friend_machine, door.context());
    REQUIRE_FALSE(in.ok());
    CHECK(in.error().status == Status::kIo);
    CHECK(door.list.accounts().empty());
    CHECK(door.list.invitations().size() == 1);
    CHECK_FALSE(door.list.add_token("bot", "", kBoth, door.chance, door.now).ok());
    CHECK_FALSE(door.list.invite("", kBoth, door.now.unix_ms + kDayMs, door.chance, door.now).ok());
    CHECK(door.list.accounts().empty());
    CHECK(door.list.invitations().size() == 1);
    door.store.fails = false;
    CHECK(door.enter(friend_machine, door.context()).ok());
}

TEST_CASE("login: the list reads back what it wrote") {
    Door door;
    const Credentials laptop = with_key();
    REQUIRE(door.list.add_key("laptop \xc3\xa4", "anna", kBoth, laptop.key->public_key(), door.now)
                .ok());
    (void)door.list.add_token("bot", "", {false, false, true}, door.chance, door.now);
    (void)door.list.invite("anna", kBoth, door.now.unix_ms + kDayMs, door.chance, door.now);
    REQUIRE(door.list.revoke("bot", door.now).ok());
    AccessList again(nullptr, nullptr);
    const Result<Done> read = again.read(door.store.text);
    REQUIRE(read.ok());
    CHECK(again.text() == door.store.text);
    CHECK(again.find("bot")->revoked_ms == door.now.unix_ms);
    CHECK(again.find("laptop \xc3\xa4")->owner == "anna");
    CHECK(again.invitations().size() == 1);
}

TEST_CASE("login: a list that is damaged is refused with the place, and nothing changes") {
    const char* const kFine =
        R"({"version":1,"accounts":[{"name":"a","owner":"a","roles":"gamer","key":")"
        R"(19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1","added_ms":1}]})";
    AccessList list(nullptr, nullptr);
    REQUIRE(list.read(kFine).ok());
    struct Row {
        const char* from;
        const char* to;
        const char* field;
    };
    const std::string fine = kFine;
    for (const Row& row :
         {Row{"\"version\":1", "\"version\":2", "version"},
          Row{"gamer", "king", "accounts[0].roles"}, Row{"19bf", "19bg", "accounts[0].key"},
          Row{"19bf", "19b", "accounts[0].key"},
          Row{"\"name\":\"a\"", "\"name\":\"\"", "accounts[0].name"},
          Row{"\"added_ms\":1", "\"added_ms\":-1", "accounts[0].added_ms"},
          Row{"\"added_ms\":1", "\"added_ms\":1,\"x\":1", "accounts[0].x"}, Row{"}]}", "}", ""}}) {
        std::string text = fine;
        text.replace(text.find(row.from), std::string(row.from).size(), row.to);
        CAPTURE(text);
        const Result<Done> read = list.read(text);
        REQUIRE_FALSE(read.ok());
        CHECK(read.error().status == Status::kArgument);
        CHECK(read.error().field == row.field);
        CHECK(list.find("a") != nullptr);
    }
}

TEST_CASE("login: the audit says who came and who was refused, and shows no secret") {
    Door door;
    Credentials bot;
    bot.token = *door.list.add_token("bot", "", kGamerOnly, door.chance, door.now);
    Credentials friend_machine = with_key();
    friend_machine.invite =
        *door.list.invite("", kBoth, door.now.unix_ms + kDayMs, door.chance, door.now);
    (void)door.enter(bot, door.context());
    (void)door.enter(friend_machine, door.context());
    (void)door.enter(friend_machine, door.context());
    (void)door.list.revoke("bot", door.now);
    std::string all;
    std::string kinds;
    for (const AuditEntry& entry : door.audit.entries) {
        kinds += std::string(entry.what) + " ";
        all += entry.account + entry.address + entry.detail;
    }
    CHECK(kinds == "token invited token_bound login enrolled login login revoked ");
    for (const std::string& secret :
         {std::string(bot.token->begin(), bot.token->end()), to_hex(*bot.token),
          to_hex(*friend_machine.invite),
          std::string(friend_machine.invite->begin(), friend_machine.invite->end())}) {
        CHECK(all.find(secret) == std::string::npos);
    }
}

TEST_CASE("login: a second code gives an account more and takes nothing, under the same name") {
    Door door;
    const uint64_t until = door.now.unix_ms + kDayMs;
    Credentials host = with_key();
    REQUIRE(
        door.list.add_key("desk", kOperator, {true, true, true}, host.key->public_key(), door.now)
            .ok());
    host.invite = *door.list.invite("", kGamerOnly, until, door.chance, door.now);
    REQUIRE(door.enter(host, door.context(Role::kGamer, "another name")).ok());
    CHECK(door.list.accounts().size() == 1);
    const Account* desk = door.list.find("desk");
    REQUIRE(desk);
    CHECK(desk->owner == kOperator);
    CHECK(desk->roles.admin);
    // It gave nothing new: it is still there for another machine, which uses it up.
    CHECK(door.list.invitations().size() == 1);
    Credentials guest = with_key();
    guest.invite = host.invite;
    REQUIRE(door.enter(guest, door.context(Role::kGamer, "guest")).ok());
    CHECK(door.list.find("guest")->roles.gamer);
    CHECK(door.list.invitations().size() == 0);
    // A friend's machine becomes an own one by an own machine's code.
    Credentials pal = with_key();
    pal.invite = *door.list.invite("", kGamerOnly, until, door.chance, door.now);
    REQUIRE(door.enter(pal, door.context(Role::kGamer, "pal")).ok());
    pal.invite = *door.list.invite(kOperator, kBoth, until, door.chance, door.now);
    REQUIRE(door.enter(pal, door.context(Role::kPeer, "pal")).ok());
    CHECK(door.list.find("pal")->owner == kOperator);
    CHECK(door.list.find("pal")->roles.peer);
    CHECK(door.list.invitations().size() == 0);
}

TEST_CASE("login: who is revoked does not come back by a code of its own making") {
    Door door;
    const uint64_t until = door.now.unix_ms + kDayMs;
    REQUIRE(
        door.list
            .add_key("thief", "", {true, true, true}, SigningKey::generate().public_key(), door.now)
            .ok());
    Credentials back = with_key();
    back.invite =
        *door.list.invite("", {true, true, true}, until, door.chance, door.now, {"thief", {}});
    Credentials fine = with_key();
    fine.invite = *door.list.invite("", kGamerOnly, until, door.chance, door.now);
    AccessList again(nullptr, nullptr);
    REQUIRE(again.read(door.store.text).ok());
    CHECK(again.text() == door.store.text);
    REQUIRE(door.list.revoke("thief", door.now).ok());
    CHECK(door.enter(back, door.context()).error().status == Status::kAuth);
    CHECK(door.enter(fine, door.context()).ok());
}

TEST_CASE("login: no account is called as the operator is") {
    Door door;
    CHECK(door.list.add_key(kOperator, "", kBoth, SigningKey::generate().public_key(), door.now)
              .error()
              .field == "name");
    CHECK(door.list.add_token(kOperator, "", kBoth, door.chance, door.now).error().field == "name");
}

TEST_CASE("login: what is wrong with a name says whose name it is, and shows nothing of it") {
    Door door;
    const uint64_t until = door.now.unix_ms + kDayMs;
    const auto invite = [&](const std::string& owner, const std::string& name) {
        return door.list.invite(owner, kBoth, until, door.chance, door.now, {}, name).error();
    };
    CHECK(invite("", "a\nb").text ==
          "the name of the invitation has a control character or is no UTF-8; a name has 1 to 64 "
          "bytes and no control characters");
    const Error long_owner = invite(std::string(65, 'a'), "");
    CHECK(long_owner.field == "owner");
    CHECK(long_owner.text.starts_with("the name of the owner has 65 bytes; "));
    CHECK(door.list.add_token("a\x1b", "", kBoth, door.chance, door.now)
              .error()
              .text.starts_with("the name of the account has a control character"));
}

TEST_CASE("login: memory that is short while a change is written down leaves all as it was") {
    Door door;
    struct Short final : AccessStore {
        Result<Done> save(const std::string&) override { throw std::bad_alloc(); }
    } store;
    AccessList list(&store, nullptr);
    const SigningKey key = SigningKey::generate();
    CHECK(list.add_key("a", "", kBoth, key.public_key(), door.now).error().status ==
          Status::kMemory);
    CHECK(list.accounts().empty());
    CHECK_FALSE(list.invite("", kBoth, door.now.unix_ms + 1, door.chance, door.now).ok());
    CHECK(list.invitations().size() == 0);
}

TEST_CASE("login: memory that ends inside a change loses no invitation and no account") {
    Door door;
    struct Sudden final : AccessStore {
        Result<Done> save(const std::string&) override {
            if (ends) throw std::length_error("as where the error's own text has no memory");
            return Done{};
        }
        bool ends = false;
    } store;
    AccessList list(&store, nullptr);
    Credentials guest = with_key();
    guest.invite = *list.invite("", kBoth, door.now.unix_ms + 1000, door.chance, door.now);
    const auto enter = [&] {
        const LoginContext context = door.context();
        return list.admit(*guest.prove(AccessList::methods(), context, true), context,
                          "192.0.2.7:4000", true, door.now);
    };
    store.ends = true;
    CHECK_THROWS_AS((void)enter(), std::length_error);
    CHECK(list.accounts().empty());
    CHECK(list.invitations().size() == 1);
    store.ends = false;
    const Result<Admitted> admitted = enter();
    REQUIRE(admitted.ok());
    CHECK(list.invitations().size() == 0);
}

TEST_CASE("login: IPv4 callers of a socket for both are told apart") {
    CHECK(network_of("[::ffff:192.0.2.1]:80") == network_of("192.0.2.1:99"));
    CHECK(network_of("[::ffff:192.0.2.1]:80") != network_of("[::ffff:192.0.2.2]:80"));
}

TEST_CASE("login: a join code is not sent in plaintext to another machine") {
    Credentials guest = with_key();
    guest.invite.emplace();
    LoginContext plain;
    plain.role = Role::kGamer;
    CHECK(guest.prove(AccessList::methods(), plain, false).error().status == Status::kAuth);
    CHECK(guest.prove(AccessList::methods(), plain, true).ok());
}

TEST_CASE("login: memory that is short for the record alone undoes nothing and is counted") {
    Door door;
    struct Short final : AuditLog {
        bool ends = false;
        void note(const AuditEntry&) override {
            if (ends) throw std::bad_alloc();
        }
    } audit;
    AccessList list(nullptr, &audit);
    REQUIRE(list.add_key("a", "", kBoth, SigningKey::generate().public_key(), door.now).ok());
    CHECK(list.audit_lost() == 0);
    audit.ends = true;
    CHECK(list.revoke("a", door.now).ok());
    CHECK(list.find("a")->revoked_ms != 0);
    CHECK(list.audit_lost() == 1);
    CHECK(list.why_audit_lost() == "memory was short");
}
