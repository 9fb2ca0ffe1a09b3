// Circles of several owners through the real roles: whose machines a task reaches, and what becomes
// of it when rights change.
#include <doctest/doctest.h>

#include "support/wire_world.h"
#include "unit/roles_guarded.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

namespace {

const identity::Roles kBoth{true, true, false};

TaskSpec task_of(Circle circle) {
    TaskSpec spec;
    spec.task_type = "echo";
    spec.circle = circle;
    return spec;
}
const TaskSpec kOwnTask = task_of(Circle::kOwn);
const TaskSpec kInvitedTask = task_of(Circle::kInvited);

}  // namespace

TEST_CASE("circles: own tasks of any owner go to that owner's machines alone") {
    Guarded world;
    HelperNode operators(world, world.enrolled("tower", kPeer, identity::kOperator), "tower");
    HelperNode annas(world, world.enrolled("anna-pc", kBoth, "anna"), "anna-pc");
    HelperNode bens(world, world.enrolled("ben-pc", kBoth, "ben"), "ben-pc");
    GamerNode anna(world, world.enrolled("anna-laptop", kGamer, "anna"), "anna-laptop");
    GamerNode mine(world, world.enrolled("laptop", kGamer, identity::kOperator), "laptop");
    for (uint64_t task = 1; task <= 5; ++task) {
        anna.client->submit(task, kOwnTask);
        mine.client->submit(task, kOwnTask);
        world.loop.settle();
        CHECK(anna.answers.ended[task] == Status::kOk);
        CHECK(mine.answers.ended[task] == Status::kOk);
    }
    CHECK(annas.runner.started == 5);
    CHECK(bens.runner.started == 0);
    CHECK(operators.runner.started + world.here.started == 5);
}

TEST_CASE("circles: this coordinator is the operator's machine and nobody else's") {
    Guarded world;
    GamerNode mine(world, world.enrolled("laptop", kGamer, identity::kOperator), "laptop");
    GamerNode pal(world, world.enrolled("pal", kGamer), "pal");
    mine.client->submit(1, kOwnTask);
    pal.client->submit(1, kOwnTask);
    pal.client->submit(2, kInvitedTask);
    world.loop.settle();
    CHECK(mine.answers.ended[1] == Status::kOk);
    CHECK(pal.answers.ended[2] == Status::kOk);
    CHECK(world.here.started == 2);
    CHECK(pal.answers.ended.count(1) == 0);
    for (int i = 0; i < 60; ++i) world.loop.advance(100'000);
    CHECK(pal.answers.ended[1] == Status::kDisconnected);
    CHECK(world.here.started == 2);
}

TEST_CASE("circles: a task that waits for its owner's machine goes there as soon as it comes") {
    Guarded world;
    GamerNode pal(world, world.enrolled("pal", kGamer, "pal"), "pal");
    pal.client->submit(1, kOwnTask);
    world.loop.advance(1'000'000);
    CHECK(pal.answers.ended.empty());
    HelperNode bens(world, world.enrolled("ben-pc", kPeer, "ben"), "ben-pc");
    CHECK(pal.answers.ended.empty());
    HelperNode pals(world, world.enrolled("pal-pc", kPeer, "pal"), "pal-pc");
    world.loop.settle();
    CHECK(pal.answers.ended[1] == Status::kOk);
    CHECK(pals.runner.started == 1);
}

TEST_CASE("circles: a peer that accepts its own circle alone takes its owner's tasks of both") {
    Guarded world;
    HelperNode bens(world, world.enrolled("ben-pc", kPeer, "ben"), "ben-pc", Circle::kOwn);
    GamerNode ben(world, world.enrolled("ben", kGamer, "ben"), "ben");
    GamerNode anna(world, world.enrolled("anna", kGamer, "anna"), "anna");
    anna.client->submit(1, kInvitedTask);
    ben.client->submit(1, kInvitedTask);
    ben.client->submit(2, kOwnTask);
    world.loop.settle();
    CHECK(bens.runner.started == 2);
    CHECK(anna.answers.ended[1] == Status::kOk);
    CHECK(world.here.started == 1);
}

TEST_CASE("circles: a revoked peer loses its tasks at once, and no order reaches it again") {
    Guarded world;
    HelperNode first(world, world.enrolled("anna-pc", kPeer, "anna"), "anna-pc");
    HelperNode bens(world, world.enrolled("ben-pc", kPeer, "ben"), "ben-pc");
    first.runner.takes_us = 1'000'000;
    GamerNode anna(world, world.enrolled("anna", kGamer, "anna"), "anna");
    anna.client->submit(1, kOwnTask);
    world.loop.settle();
    REQUIRE(first.runner.started == 1);
    REQUIRE(world.call("key.revoke", R"({"name":"anna-pc"})").ok());
    world.loop.settle();
    CHECK(first.runner.cancelled == 1);
    CHECK(anna.answers.ended.empty());
    SUBCASE("it waits for another machine of its owner") {
        HelperNode second(world, world.enrolled("anna-pc-2", kPeer, "anna"), "anna-pc-2");
        world.loop.settle();
        CHECK(anna.answers.ended[1] == Status::kOk);
        CHECK(second.runner.started == 1);
    }
    SUBCASE("none comes, and it says why") {
        for (int i = 0; i < 60; ++i) world.loop.advance(100'000);
        CHECK(anna.answers.ended[1] == Status::kDisconnected);
        CHECK(anna.answers.errors[1].find("no peer of circle own of this owner is connected") !=
              std::string::npos);
    }
    CHECK(first.runner.started == 1);
    CHECK(bens.runner.started == 0);
}

TEST_CASE("circles: a revoked gamer's tasks end everywhere") {
    Guarded world;
    HelperNode pc(world, world.enrolled("anna-pc", kPeer, "anna"), "anna-pc");
    pc.runner.takes_us = 1'000'000;
    GamerNode anna(world, world.enrolled("anna", kGamer, "anna"), "anna");
    anna.client->submit(1, kOwnTask);
    world.loop.settle();
    REQUIRE(pc.runner.running() == 1);
    REQUIRE(world.call("key.revoke", R"({"name":"anna"})").ok());
    world.loop.settle();
    CHECK(pc.runner.cancelled == 1);
    CHECK(world.coordinator->stats().pending_tasks == 0);
    CHECK(anna.client->stats().given_up);
}

TEST_CASE("circles: a machine that another owner's code moves is not the former one's any more") {
    Guarded world;
    auto credentials = std::make_shared<Credentials>();
    credentials->key = identity::SigningKey::generate();
    REQUIRE(world.access.add_key("pc", "", kBoth, credentials->key->public_key(), {1, 1}).ok());
    HelperNode pc(world, credentials, "pc");
    // A gamer of the same account, whose own task the machine may run so far.
    GamerNode own(world, credentials, "pc-game");
    own.client->submit(1, kOwnTask);
    world.loop.settle();
    REQUIRE(pc.runner.started == 1);
    Bytes bytes = Bytes::copy(std::string(1'000, 'l'));
    const Digest256 digest = sha256(bytes.span());
    own.client->put(std::make_shared<const Content>(Content{digest, std::move(bytes)}));
    world.loop.settle();
    REQUIRE(world.coordinator->stats().content_bytes == 1'000);
    const Result<Bytes> invited = world.call("key.invite", R"({"roles":"peer","owner":"anna"})");
    REQUIRE(invited.ok());
    auto again = std::make_shared<Credentials>();
    again->key = std::move(credentials->key);
    again->invite.emplace();
    REQUIRE(from_hex(Value(invited->span()).find("secret")->text().value(), *again->invite));
    HelperNode moved(world, again, "pc-2");
    REQUIRE(moved.peer->stats().connected);
    // What was connected of the account was told so; its peer is not there as the former owner's.
    REQUIRE(pc.events.states.size() >= 2);
    CHECK(pc.events.states[1].first == Status::kDisconnected);
    // What it brought under one owner is not there under the next.
    CHECK(world.coordinator->stats().content_bytes == 0);
    GamerNode anna(world, world.enrolled("anna", kGamer, "anna"), "anna");
    anna.client->submit(1, kOwnTask);
    world.loop.settle();
    CHECK(anna.answers.ended[1] == Status::kOk);
    CHECK(moved.runner.started + pc.runner.started == 2);
}

TEST_CASE("circles: whose a peer is and why a task is where it is, for those who may know") {
    Guarded world;
    HelperNode annas(world, world.enrolled("anna-pc", kPeer, "anna"), "anna-pc", Circle::kOwn);
    HelperNode bens(world, world.enrolled("ben-pc", kPeer, "ben"), "ben-pc");
    annas.runner.takes_us = 1'000'000;
    GamerNode anna(world, world.enrolled("anna", kGamer, "anna"), "anna");
    GamerNode pal(world, world.enrolled("pal", kGamer, "pal"), "pal");
    GamerNode admin(world, world.enrolled("admin", {true, false, true}, identity::kOperator),
                    "admin");
    anna.client->submit(1, kOwnTask);
    pal.client->submit(1, kOwnTask);
    world.loop.settle();
    const auto has = [](const std::string& text, const char* part) {
        return text.find(part) != std::string::npos;
    };
    uint64_t calls = 900;
    const auto ask = [&](GamerNode& node, const char* name) {
        node.client->call(++calls, name, {}, 1'000'000);
        world.loop.settle();
        return *value_to_json(node.answers.calls[calls].second.span());
    };
    for (const std::string& peers :
         {ask(admin, "peers"), *value_to_json(world.call("peers", "{}")->span())}) {
        CHECK(has(peers, R"("account":"anna-pc","owner":"anna")"));
        CHECK(has(peers, R"("account":"ben-pc","owner":"ben")"));
        CHECK(has(peers, R"("circle_accepted":"own")"));
        CHECK(has(peers, R"("circle_accepted":"invited")"));
    }
    const std::string tasks = ask(admin, "tasks");
    CHECK(has(tasks, "done first of 1 peer of circle own of this owner, predicted in"));
    CHECK(has(tasks, "a slot is free"));
    CHECK(has(tasks, "waits: no peer of circle own of this owner is connected"));
    CHECK(has(tasks, R"("circle":"own")"));
    for (const std::string& gamers :
         {ask(admin, "gamers"), *value_to_json(world.call("gamers", "{}")->span())}) {
        CHECK(has(gamers, R"({"connected":3,"away":0,"gamers":[)"));
        CHECK(has(gamers, R"("client_id":"anna","account":"anna","owner":"anna","address":")"));
        CHECK(has(gamers, R"("connected":true)"));
        CHECK(has(gamers, R"("pending_tasks":1)"));
        CHECK(has(gamers, R"("pending_tasks":0)"));
    }
    // Whoever asks finds itself marked.
    const std::string asked = ask(admin, "gamers");
    const size_t mark = asked.find(R"("asks":true)");
    REQUIRE(mark != std::string::npos);
    CHECK(mark == asked.rfind(R"("asks":true)"));
    CHECK(has(asked.substr(asked.rfind("client_id", mark), 30), R"("admin")"));
    CHECK_FALSE(has(*value_to_json(world.call("gamers", "{}")->span()), R"("asks":true)"));
    // Others are told how many, and nothing of who.
    CHECK(ask(anna, "gamers") == R"({"connected":3,"away":0,"gamers":[]})");
    // A gamer is told which are its own, and of nobody else.
    const std::string mine = ask(anna, "peers");
    CHECK(has(mine, R"("peer_id":"anna-pc","own":true)"));
    CHECK(has(mine, R"("peer_id":"ben-pc","own":false)"));
    CHECK_FALSE(has(mine, "account"));
    CHECK_FALSE(has(mine, "owner"));
    // And of others' machines nothing but who is there, for whom, and for what.
    CHECK(has(mine, R"({"peer_id":"ben-pc","own":false,"circle_accepted":"invited","slots":4,)"
                    R"("task_types":[{"task_type":"echo"}]})"));
    CHECK(has(mine, R"("completed":)"));  // of its own one
    CHECK(has(mine, R"("gpu_model":"","cpu_cores":)"));
    const std::string pals = ask(pal, "peers");
    for (const char* secret : {"speed", "mode", "why", "duty", "data_used", "held", "completed",
                               "failed", "window", "_us", "samples", "gpu", "cpu"}) {
        CAPTURE(secret);
        CHECK_FALSE(has(pals, secret));
    }
    CHECK(has(pals, "anna-pc"));
    CHECK(has(ask(anna, "tasks"), R"("pending":1)"));
    CHECK_FALSE(has(ask(pal, "tasks"), "done first"));
}

TEST_CASE("circles: a registration for circle public is refused by name") {
    for (const bool accepted : {false, true}) {
        Guarded world;
        struct Ears final : net::ConnectionEvents {
            Status status = Status::kOk;
            std::string error;
            void on_frame(net::Connection&, const wire::Frame& frame) override {
                wire::RegisterResponse response;
                if (frame.message != wire::Message::kPeerRegisterResponse) return;
                CHECK_FALSE(wire::decode(frame.envelope, response));
                status = response.status;
                error = response.error;
            }
            void on_closed(net::Connection&, Status, const std::string&) override {}
        } ears;
        auto [near, far] = FakeConnection::pair(world.loop);
        near->set_events(&ears);
        world.network.accept(std::move(far));
        wire::EnvelopeBuffer envelope;
        wire::Hello hello;
        hello.versions = {wire::kProtocolVersion};
        hello.role = Role::kPeer;
        wire::encode(hello, envelope);
        near->send_copy(wire::Message::kHello, 0, 0, envelope.span(), {}, {});
        wire::PeerRegister registration;
        registration.peer_id = "p";
        registration.slots = registration.window_tasks = 1;
        (accepted ? registration.circle_accepted : registration.circle) = Circle::kPublic;
        wire::encode(registration, envelope);
        near->send_copy(wire::Message::kPeerRegister, 0, 0, envelope.span(), {}, {});
        world.loop.settle();
        CHECK(ears.status == Status::kUnsupported);
        CHECK(ears.error == "circle public is not available; there are own and invited");
    }
}

TEST_CASE("circles: a peer that claims circle own is taken for what it has proven") {
    Guarded world;
    struct Claims final : net::ConnectionEvents {
        std::vector<wire::Message> got;
        Nonce nonce{};
        void on_frame(net::Connection&, const wire::Frame& frame) override {
            got.push_back(frame.message);
            wire::HelloResponse response;
            if (frame.message != wire::Message::kHelloResponse) return;
            CHECK_FALSE(wire::decode(frame.envelope, response));
            nonce = response.nonce;
        }
        void on_closed(net::Connection&, Status, const std::string&) override {}
    } end;
    auto [near, far] = FakeConnection::pair(world.loop);
    near->pretend("fake", "line");
    world.network.accept(std::move(far));
    near->set_events(&end);
    wire::EnvelopeBuffer envelope;
    wire::Hello hello;
    hello.versions = {wire::kProtocolVersion};
    hello.role = Role::kPeer;
    wire::encode(hello, envelope);
    near->send_copy(wire::Message::kHello, 0, 0, envelope.span(), {}, {});
    world.loop.settle();
    const auto credentials = world.enrolled("liar", kPeer);
    const identity::LoginContext context{"line", Role::kPeer, {}, end.nonce, "liar"};
    const identity::Proof proof = *credentials->prove({2}, context, true);
    wire::PeerRegister registration;
    registration.peer_id = "liar";
    registration.login.login_method = static_cast<uint32_t>(proof.method);
    registration.login.token = proof.bytes;
    registration.capabilities.task_types = {"echo"};
    registration.slots = registration.window_tasks = 4;
    registration.window_bytes = 1 << 20;
    registration.circle = Circle::kOwn;
    wire::encode(registration, envelope);
    near->send_copy(wire::Message::kPeerRegister, 0, 0, envelope.span(), {}, {});
    world.loop.settle();
    REQUIRE(end.got.back() == wire::Message::kPeerRegisterResponse);
    GamerNode gamer(world, world.enrolled("laptop", kGamer, identity::kOperator));
    TaskSpec own;
    own.task_type = "echo";
    own.circle = Circle::kOwn;
    end.got.clear();
    gamer.client->submit(1, own);
    world.loop.settle();
    for (const wire::Message message : end.got) CHECK(message != wire::Message::kTaskAssign);
    CHECK(gamer.answers.ended[1] == Status::kOk);
}

TEST_CASE("circles: where anybody comes in from anywhere own tasks come from this machine alone") {
    for (const bool anywhere : {true, false}) {
        CAPTURE(anywhere);
        FakeLoop loop;
        FakeRandom random{5};
        FakeTransport network{loop};
        Quiet quiet;
        Lines log;
        FakeRunner here{loop, {"echo"}};
        CoordinatorOptions options;
        options.plaintext_anywhere = anywhere;
        if (anywhere) options.listen_address = "0.0.0.0";
        Coordinator coordinator(loop, network, &here, random, Prng(1), Log(&log, LogLevel::kWarn),
                                options, quiet);
        REQUIRE(coordinator.start().ok());
        const auto warned =
            std::count_if(log.all.begin(), log.all.end(), [](const std::string& line) {
                return line.find("nobody is asked for a login: whoever reaches 0.0.0.0:") !=
                       std::string::npos;
            });
        CHECK(warned == (anywhere ? 1 : 0));
        const auto play = [&](const char* address, const char* id, const TaskSpec& spec) {
            network.address = address;
            Answers answers;
            ClientOptions client_options;
            client_options.client_id = id;
            client_options.coordinator.host = "fake";
            Client client(loop, &network, nullptr, random, Prng(3), Log(), client_options, answers);
            client.start();
            loop.settle();
            client.submit(1, spec);
            loop.settle();
            return std::pair{answers.ended[1], answers.errors[1]};
        };
        CHECK(play("fake", "near", kOwnTask).first == Status::kOk);
        CHECK(play("192.0.2.9:7", "far", kInvitedTask).first == Status::kOk);
        const auto [status, text] = play("192.0.2.9:7", "stranger", kOwnTask);
        CHECK(status == (anywhere ? Status::kDenied : Status::kOk));
        if (anywhere)
            CHECK(text.find("come from the coordinator's machine alone") != std::string::npos);
    }
}

TEST_CASE("circles: where anybody comes in a peer from elsewhere is not the operator's machine") {
    CoordinatorOptions options;
    options.plaintext_anywhere = true;
    options.listen_address = "0.0.0.0";
    options.local_execution = false;
    WireWorld world(options);
    const auto join = [&](WireEnd& end, const char* id) {
        wire::PeerRegister message;
        message.peer_id = id;
        message.circle = Circle::kOwn;
        message.capabilities.task_types = {"echo"};
        message.slots = message.window_tasks = 4;
        message.window_bytes = 1 << 20;
        CHECK(end.join_peer(message).success);
    };
    WireEnd far(world.loop, world.network.accept);
    far.far().pretend("192.0.2.9:7", "");
    join(far, "far");
    WireEnd gamer = world.end();
    gamer.join_gamer("gamer");
    wire::TaskSubmit own;
    own.task_type = "echo";
    own.circle = Circle::kOwn;
    own.deadline_us = 4'000'000;
    gamer.send(wire::Message::kTaskSubmit, 1, own);
    CHECK(far.count(wire::Message::kTaskAssign) == 0);
    WireEnd near(world.loop, world.network.accept);
    join(near, "near");
    CHECK(near.count(wire::Message::kTaskAssign) == 1);
    // What is for invited ones may still go there.
    own.circle = Circle::kInvited;
    for (uint64_t id = 2; id <= 5; ++id) gamer.send(wire::Message::kTaskSubmit, id, own);
    CHECK(far.count(wire::Message::kTaskAssign) > 0);
}
