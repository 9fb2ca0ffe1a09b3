// Who is let in, and what becomes of those who are not, or no longer: the real roles on a fake loop
// and network.
#include <doctest/doctest.h>

#include "roles/peer.h"
#include "unit/roles_guarded.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using identity::Credentials;

TEST_CASE("logins: a key that is enrolled is let in and served") {
    Guarded world;
    GamerNode gamer(world, world.enrolled("laptop", kGamer));
    REQUIRE(gamer.client->stats().connected);
    TaskSpec spec;
    spec.task_type = "echo";
    gamer.client->submit(1, spec);
    world.loop.settle();
    CHECK(gamer.answers.ended[1] == Status::kOk);
}

TEST_CASE("logins: who is not enrolled is told so, and does not ask again") {
    Guarded world;
    SUBCASE("an unknown key") {
        GamerNode gamer(world, Guarded::stranger());
        REQUIRE(gamer.answers.states.size() == 1);
        CHECK(gamer.answers.states[0].first == Status::kAuth);
        CHECK(gamer.answers.states[0].second.find("is not enrolled here") != std::string::npos);
        CHECK(gamer.client->stats().given_up);
    }
    SUBCASE("nothing to show") {
        GamerNode gamer(world, nullptr);
        REQUIRE(gamer.answers.states.size() == 1);
        CHECK(gamer.answers.states[0].first == Status::kAuth);
        CHECK(gamer.answers.states[0].second.find("neither a key nor a token") !=
              std::string::npos);
    }
    SUBCASE("another role") {
        GamerNode gamer(world, world.enrolled("desk", kPeer));
        REQUIRE(gamer.answers.states.size() == 1);
        CHECK(gamer.answers.states[0].first == Status::kDenied);
    }
    CHECK(world.coordinator->stats().clients == 0);
}

TEST_CASE("logins: no task is taken before somebody is in") {
    Guarded world;
    auto [near, far] = FakeConnection::pair(world.loop);
    world.network.accept(std::move(far));
    struct Deaf final : net::ConnectionEvents {
        std::vector<wire::Message> got;
        bool closed = false;
        void on_frame(net::Connection&, const wire::Frame& frame) override {
            got.push_back(frame.message);
        }
        void on_closed(net::Connection&, Status, const std::string&) override { closed = true; }
    } end;
    near->set_events(&end);
    wire::EnvelopeBuffer envelope;
    wire::TaskSubmit submit;
    submit.task_type = "echo";
    wire::encode(submit, envelope);
    near->send_copy(wire::Message::kTaskSubmit, 0, 1, envelope.span(), {}, {});
    world.loop.settle();
    CHECK(end.closed);
    CHECK(end.got == std::vector{wire::Message::kGoodbye});
    CHECK(world.coordinator->stats().submitted == 0);
}

TEST_CASE("logins: a role of the coordinator's own process needs none") {
    Guarded world;
    WireEnd end(world.loop, *world.coordinator);
    CHECK(end.join_gamer("here").success);
}

TEST_CASE("logins: a registration without proof is refused whatever it claims") {
    Guarded world;
    auto [near, far] = FakeConnection::pair(world.loop);
    far->pretend("fake", "x");
    world.network.accept(std::move(far));
    struct Reader final : net::ConnectionEvents {
        std::vector<uint32_t> methods;
        std::optional<bool> success;
        void on_frame(net::Connection&, const wire::Frame& frame) override {
            if (frame.message == wire::Message::kHelloResponse) {
                wire::HelloResponse response;
                CHECK_FALSE(wire::decode(frame.envelope, response));
                methods = response.login_methods;
            }
            if (frame.message == wire::Message::kGamerRegisterResponse) {
                wire::RegisterResponse response;
                CHECK_FALSE(wire::decode(frame.envelope, response));
                success = response.success;
            }
        }
        void on_closed(net::Connection&, Status, const std::string&) override {}
    } end;
    near->set_events(&end);
    wire::EnvelopeBuffer envelope;
    wire::Hello hello;
    hello.versions = {wire::kProtocolVersion};
    hello.role = Role::kGamer;
    wire::encode(hello, envelope);
    near->send_copy(wire::Message::kHello, 0, 0, envelope.span(), {}, {});
    world.loop.settle();
    CHECK(end.methods == std::vector<uint32_t>{1, 2, 3});
    wire::GamerRegister registration;
    registration.client_id = "gamer";
    wire::encode(registration, envelope);
    near->send_copy(wire::Message::kGamerRegister, 0, 0, envelope.span(), {}, {});
    world.loop.settle();
    CHECK(end.success == false);
}

TEST_CASE("logins: a join code enrols once, and the connection may break meanwhile") {
    Guarded world;
    const Result<Bytes> made = world.call("key.invite", R"({"roles":"gamer","valid_s":60})");
    REQUIRE(made.ok());
    auto credentials = Guarded::stranger();
    credentials->invite.emplace();
    REQUIRE(from_hex(*Value(made->span()).find("secret")->text(), *credentials->invite));
    GamerNode gamer(world, credentials);
    REQUIRE(gamer.client->stats().connected);
    world.network.made.back()->cut();
    world.loop.advance(1'000'000);
    CHECK(gamer.client->stats().connected);
    auto thief = Guarded::stranger();
    thief->invite = credentials->invite;
    GamerNode late(world, thief, "thief");
    CHECK_FALSE(late.client->stats().connected);
    CHECK(late.answers.states[0].second.find("was used already") != std::string::npos);
}

TEST_CASE("logins: a revoked account is out at once, with its tasks") {
    Guarded world;
    const auto credentials = world.enrolled("laptop", kGamer);
    GamerNode gamer(world, credentials);
    world.here.takes_us = 1'000'000;
    TaskSpec spec;
    spec.task_type = "echo";
    gamer.client->submit(1, spec);
    world.loop.settle();
    REQUIRE(world.call("key.revoke", R"({"name":"laptop"})").ok());
    world.loop.settle();
    CHECK(gamer.client->stats().given_up);
    CHECK(gamer.answers.states.back().first == Status::kAuth);
    CHECK(gamer.answers.states.back().second == "the account was revoked");
    CHECK(gamer.answers.ended.count(1) == 1);
    CHECK(world.here.cancelled == 1);
    CHECK(world.coordinator->stats().clients == 0);
    GamerNode again(world, credentials, "again");
    CHECK(again.answers.states[0].second == "'laptop' was revoked");
}

TEST_CASE("logins: a session is resumed by the account that began it and no other") {
    Guarded world;
    GamerNode first(world, world.enrolled("laptop", kGamer), "gamer");
    REQUIRE(first.client->stats().connected);
    // The same id, from somebody else who is let in.
    GamerNode second(world, world.enrolled("other", kGamer), "gamer");
    CHECK_FALSE(second.client->stats().connected);
    CHECK(first.client->stats().connected);
}

TEST_CASE("logins: commands about keys are for admins") {
    Guarded world;
    GamerNode gamer(world, world.enrolled("laptop", kGamer));
    GamerNode admin(world, world.enrolled("root", {true, false, true}), "admin");
    for (const char* name : {"key.list", "key.add", "key.token", "key.from", "key.invite",
                             "key.invitations", "key.withdraw", "key.revoke"}) {
        CAPTURE(name);
        gamer.client->call(1, name, {}, 1'000'000);
        world.loop.settle();
        CHECK(gamer.answers.calls[1].first == Status::kDenied);
        gamer.answers.calls.clear();
    }
    admin.client->call(1, "key.list", {}, 1'000'000);
    world.loop.settle();
    REQUIRE(admin.answers.calls[1].first == Status::kOk);
    const Value list(admin.answers.calls[1].second.span());
    CHECK(list.find("accounts")->count() == 2);
}

TEST_CASE("logins: too many failures from one address are turned away for a while") {
    Guarded world;
    world.network.address = "192.0.2.1:7";
    for (int i = 0; i < 5; ++i) GamerNode(world, Guarded::stranger());
    GamerNode sixth(world, world.enrolled("laptop", kGamer));
    REQUIRE(sixth.answers.states.size() == 1);
    CHECK(sixth.answers.states[0].second.find("too many failed logins") != std::string::npos);
    CHECK_FALSE(sixth.client->stats().given_up);
    for (int i = 0; i < 620; ++i) world.loop.advance(100'000);
    CHECK(sixth.client->stats().connected);
}

TEST_CASE("logins: bad arguments of key commands are named") {
    Guarded world;
    struct Row {
        const char* name;
        const char* json;
        const char* field;
    };
    for (const Row& row :
         {Row{"key.add", R"({"name":"a","key":"zz"})", "key"},
          Row{"key.add", R"({"key":""})", "name"}, Row{"key.token", R"({"name":""})", "name"},
          Row{"key.token", R"({"name":"a","roles":"king"})", "roles"},
          Row{"key.token", R"({"name":"a","from":"192.0.2.0/33"})", "from"},
          Row{"key.from", R"({"name":"x","from":"any"})", "name"},
          Row{"key.invite", R"({"valid_s":0})", "valid_s"},
          Row{"key.invite", R"({"circle":"public"})", "circle"},
          Row{"key.invite", R"({"circle":"own","owner":"anna"})", "owner"},
          Row{"key.invite", R"({"who":1})", "who"}, Row{"key.revoke", R"({"name":"x"})", "name"},
          Row{"key.withdraw", R"({"name":"x"})", "name"}, Row{"key.withdraw", "{}", "name"},
          Row{"key.invitations", R"({"name":"x"})", "name"}, Row{"key.revoke", "{}", "name"}}) {
        CAPTURE(row.name);
        CAPTURE(row.json);
        const Result<Bytes> answer = world.call(row.name, row.json);
        REQUIRE_FALSE(answer.ok());
        CHECK(answer.error().field == row.field);
    }
    CHECK(world.call("key.steal", "{}").error().status == Status::kUnsupported);
}

TEST_CASE("logins: an id that is away for a moment is not another account's to take") {
    Guarded world;
    GamerNode first(world, world.enrolled("laptop", kGamer), "gamer");
    REQUIRE(first.client->stats().connected);
    world.network.reachable = false;
    world.network.made.back()->cut();
    world.loop.settle();
    world.network.reachable = true;
    GamerNode second(world, world.enrolled("other", kGamer), "gamer");
    CHECK_FALSE(second.client->stats().connected);
    world.loop.advance(1'000'000);
    CHECK(first.client->stats().connected);
}

TEST_CASE(
    "logins: one address holds eight places before it has registered, this machine any number") {
    for (const bool loopback : {false, true}) {
        CAPTURE(loopback);
        Guarded world;
        std::vector<std::unique_ptr<FakeConnection>> near;
        struct Ears final : net::ConnectionEvents {
            int closed = 0;
            void on_frame(net::Connection&, const wire::Frame&) override {}
            void on_closed(net::Connection&, Status, const std::string&) override { ++closed; }
        } ears;
        const auto call = [&](const char* address) {
            auto [mine, far] = FakeConnection::pair(world.loop);
            mine->pretend(loopback ? "fake" : address, "x");
            mine->set_events(&ears);
            near.push_back(std::move(mine));
            world.network.accept(std::move(far));
            world.loop.settle();
        };
        for (int i = 0; i < 12; ++i) call("192.0.2.9:1");
        CHECK(ears.closed == (loopback ? 0 : 4));
        call("192.0.2.10:1");
        CHECK(ears.closed == (loopback ? 0 : 4));
        // Their two seconds are over, and the places are free again.
        world.loop.advance(2'100'000);
        const int before = ears.closed;
        call("192.0.2.9:1");
        CHECK(ears.closed == before);
    }
}

TEST_CASE("logins: a token from another address is told why, and whose it is loses nothing") {
    Guarded world;
    const Result<Bytes> made = world.call("key.token", R"({"name":"bot"})");
    REQUIRE(made.ok());
    auto bot = std::make_shared<Credentials>();
    bot->token.emplace();
    REQUIRE(from_hex(*Value(made->span()).find("token")->text(), *bot->token));
    world.here.takes_us = 1'000;
    world.network.address = "192.0.2.1:7";
    GamerNode owner(world, bot, "owner");
    REQUIRE(owner.client->stats().connected);
    TaskSpec spec;
    spec.task_type = "echo";
    owner.client->submit(1, spec);
    world.loop.settle();
    world.network.address = "198.51.100.9:7";
    GamerNode thief(world, bot, "thief");
    CHECK(thief.client->stats().given_up);
    REQUIRE(thief.answers.states.size() == 1);
    CHECK(thief.answers.states[0].first == Status::kAuth);
    CHECK(thief.answers.states[0].second.find("is bound to 192.0.2.0/24") != std::string::npos);
    world.loop.advance(10'000);
    CHECK(owner.client->stats().connected);
    CHECK(owner.answers.ended[1] == Status::kOk);
    // The owner allows the one address, and so no longer the other one.
    CHECK(world.call("key.from", R"({"name":"bot","from":"moon"})").error().field == "from");
    CHECK(world.call("key.from", R"({"name":"bot"})").error().field == "from");
    REQUIRE(world.call("key.from", R"({"name":"bot","from":"198.51.100.0/24"})").ok());
    world.loop.settle();
    CHECK(owner.answers.states.back().first == Status::kAuth);
    CHECK(owner.answers.states.back().second.find("not good from this address any more") !=
          std::string::npos);
    GamerNode moved(world, bot, "moved");
    CHECK(moved.client->stats().connected);
    const Result<Bytes> list = world.call("key.list", "{}");
    REQUIRE(list.ok());
    const std::string text = *value_to_json(list->span());
    CHECK(text.find(R"("from":"198.51.100.0/24")") != std::string::npos);
}

TEST_CASE("logins: a refused registration costs no join code, whatever it was refused for") {
    Guarded world;
    HelperNode host(world, world.enrolled("desk", kPeer, identity::kOperator), "desk-1");
    GamerNode busy(world, world.enrolled("laptop", kGamer), "laptop");
    const auto invited = [&](const char* roles) {
        const Result<Bytes> made = world.call(
            "key.invite", (R"({"roles":")" + std::string(roles) + R"(","valid_s":60})").c_str());
        REQUIRE(made.ok());
        auto credentials = Guarded::stranger();
        credentials->invite.emplace();
        REQUIRE(from_hex(*Value(made->span()).find("secret")->text(), *credentials->invite));
        return credentials;
    };
    const auto peer_code = invited("peer");
    const auto gamer_code = invited("gamer");
    // Connected, its account's name, another gamer's.
    for (const char* id : {"desk-1", "desk"}) {
        CAPTURE(id);
        HelperNode taken(world, peer_code, id);
        REQUIRE(taken.events.states.size() == 1);
        CHECK(taken.events.states[0].second.find("PEER_ID_TAKEN: '" + std::string(id) + "'") !=
              std::string::npos);
        CHECK(world.access.invitations().size() == 2);
    }
    {
        GamerNode taken(world, gamer_code, "laptop");
        CHECK_FALSE(taken.client->stats().connected);
        CHECK(world.access.invitations().size() == 2);
    }
    CHECK(world.access.accounts().size() == 2);
    HelperNode peer(world, peer_code, "guest-pc");
    CHECK(peer.peer->stats().connected);
    GamerNode gamer(world, gamer_code, "guest");
    CHECK(gamer.client->stats().connected);
    CHECK(world.access.invitations().size() == 0);
    // While its machine is off, its id is nobody else's.
    host.peer.reset();
    world.loop.settle();
    HelperNode thief(world, world.enrolled("thief", kPeer), "desk-1");
    REQUIRE(thief.events.states.size() == 1);
    CHECK(thief.events.states[0].second.find("belongs to another account") != std::string::npos);
}
