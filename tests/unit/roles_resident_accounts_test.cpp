// Whose results that stay are: their gamer's and, as contents are, its account's; and how long they
// last. The real coordinator, and ends of the protocol in the test's hands that log in.
#include <doctest/doctest.h>

#include "model/value_writer.h"
#include "roles/content_inbox.h"
#include "support/wire_world.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;
using wire::Message;

namespace {

constexpr uint64_t kGraceUs = 3'000'000;
const std::string kMade(1'000, 'm');

struct Accounts : WireWorld {
    WireEnd peer;

    Accounts() : Accounts(std::make_unique<identity::AccessList>(nullptr, nullptr)) {}
    explicit Accounts(std::unique_ptr<identity::AccessList> list)
        : WireWorld(guarded(*list)), peer(loop, *coordinator), list_(std::move(list)) {
        wire::PeerRegister message;
        message.peer_id = "p";
        message.capabilities.task_types = {"echo"};
        message.slots = message.window_tasks = 8;
        message.window_bytes = 256u << 20;
        message.content_bytes = 1 << 20;
        peer.join_peer(std::move(message));
    }
    ~Accounts() { coordinator.reset(); }
    identity::Token token(const std::string& name, const std::string& owner = "") {
        const auto made = list_->add_token(name, owner, {true, true, false}, random, {1, 1});
        REQUIRE(made.ok());
        return *made;
    }
    // The peer computes `made` for a task of this gamer's whose result stays.
    wire::ResultDelivery stay(WireEnd& gamer, uint64_t id, const std::string& made = kMade) {
        wire::TaskSubmit message;
        message.task_type = "echo";
        message.deadline_us = 4'000'000;
        message.task_flags = task_flag::kResident;
        gamer.send(Message::kTaskSubmit, id, message, {}, "input");
        peer.answer(peer.last(Message::kTaskAssign), made);
        told = gamer.last(Message::kResultDelivery);
        return told.as<wire::ResultDelivery>();
    }
    // A stage that goes on from it; true: it is given to the peer.
    bool go_on(WireEnd& gamer, uint64_t id, const std::string& made = kMade,
               Circle circle = Circle::kType) {
        const size_t before = peer.count(Message::kTaskAssign);
        const Digest256 digest = digest_of(made);
        wire::TaskSubmit message;
        message.task_type = "echo";
        message.deadline_us = 4'000'000;
        message.circle = circle;
        message.payload_place = 1;
        message.digest = digest_text(digest);
        gamer.send(Message::kTaskSubmit, id, message);
        return peer.count(Message::kTaskAssign) > before;
    }
    // The status of a call for its bytes, which are looked at.
    Status ask(WireEnd& gamer, const std::string& made = kMade) {
        ValueWriter writer;
        writer.map(1).key("digest").bytes(digest_of(made));
        const Bytes arguments = writer.take();
        gamer.send(Message::kCall, ++calls, wire::Call{"content"}, arguments.text());
        const WireEnd::Got answer = gamer.last(Message::kCallResponse);
        REQUIRE(answer.id == calls);
        const Status status = answer.as<wire::CallResponse>().status;
        CHECK(answer.data == (status == Status::kOk ? made : ""));
        return status;
    }
    void drop(WireEnd& gamer, const std::string& made = kMade) {
        const Digest256 digest = digest_of(made);
        gamer.send(Message::kContentDrop, 0, wire::ContentDrop{digest_text(digest)});
    }
    uint64_t kept() { return coordinator->stats().content_bytes; }
    // Time goes on, and these say that they are there.
    void pass(uint64_t us, std::initializer_list<WireEnd*> ends) {
        for (const uint64_t until = loop.now_us() + us; loop.now_us() < until;) {
            peer.send(Message::kHeartbeat, 0, wire::Heartbeat{});
            for (WireEnd* end : ends) end->send(Message::kHeartbeat, 0, wire::Heartbeat{});
            loop.advance(500'000);
        }
    }

  private:
    static Digest256 digest_of(const std::string& made) { return sha256(Bytes::copy(made).span()); }
    static CoordinatorOptions guarded(identity::AccessList& list) {
        CoordinatorOptions options;
        options.access = &list;
        options.resume_grace_us = kGraceUs;
        return options;
    }

    const std::unique_ptr<identity::AccessList> list_;
    WireEnd::Got told;  // what the last delivery's texts point into
    uint64_t calls = 0;
};

}  // namespace

TEST_CASE("resident accounts: a gamer of another account can neither name nor fetch one") {
    Accounts world;
    WireEnd ada = world.outside(world.token("ada"));
    WireEnd bob = world.outside(world.token("bob"));
    ada.join_gamer("ada");
    bob.join_gamer("bob");
    CHECK(world.stay(ada, 1).content_size == kMade.size());
    CHECK(world.ask(bob) == Status::kContent);
    // He is asked for the bytes, as if nobody had them; without them nobody computes.
    CHECK_FALSE(world.go_on(bob, 1));
    CHECK(bob.count(Message::kContentWant) == 1);
    // Nor is it his to drop.
    world.drop(bob);
    CHECK(world.ask(ada) == Status::kOk);
    CHECK(world.go_on(ada, 2));
}

TEST_CASE("resident accounts: another gamer of the same account may go on from one") {
    Accounts world;
    const identity::Token token = world.token("ada");
    WireEnd desk = world.outside(token);
    WireEnd couch = world.outside(token);
    desk.join_gamer("desk");
    couch.join_gamer("couch");
    world.stay(desk, 1);
    CHECK(world.go_on(couch, 1));
    CHECK(world.ask(couch) == Status::kOk);
    // It is the first one's, and goes with it.
    desk.send(Message::kGoodbye, 0, wire::Goodbye{});
    world.peer.answer(world.peer.last(Message::kTaskAssign), "done");
    CHECK(world.ask(couch) == Status::kContent);
    CHECK(world.kept() == 0);
}

TEST_CASE("resident accounts: one that two gamers of an account have goes with the last of them") {
    Accounts world;
    const identity::Token token = world.token("ada");
    WireEnd desk = world.outside(token);
    WireEnd couch = world.outside(token);
    desk.join_gamer("desk");
    couch.join_gamer("couch");
    world.stay(desk, 1);
    world.stay(couch, 1);
    SUBCASE("when one of them leaves") {
        desk.send(Message::kGoodbye, 0, wire::Goodbye{});
    }
    SUBCASE("when one of them lets it go") {
        world.drop(desk);
    }
    CHECK(world.ask(couch) == Status::kOk);
    CHECK(world.go_on(couch, 2));
    world.peer.answer(world.peer.last(Message::kTaskAssign), "done");
    world.drop(couch);
    CHECK(world.ask(couch) == Status::kContent);
    CHECK(world.kept() == 0);
}

TEST_CASE("resident accounts: an account of the same name under another owner has none of them") {
    Accounts world;
    WireEnd annas = world.outside(world.token("anna-game", "anna"));
    WireEnd bens = world.outside(world.token("ben-game", "ben"));
    annas.join_gamer("anna");
    bens.join_gamer("ben");
    world.stay(annas, 1);
    CHECK(world.ask(bens) == Status::kContent);
    CHECK_FALSE(world.go_on(bens, 1));
}

TEST_CASE("resident accounts: a stage of circle own takes its data to no other owner's machine") {
    Accounts world;
    WireEnd annas = world.outside(world.token("anna-game", "anna"));
    annas.join_gamer("anna");
    // The operator's peer, which may have what was invited.
    world.stay(annas, 1);
    CHECK_FALSE(world.go_on(annas, 2, kMade, Circle::kOwn));
    CHECK(world.peer.count(Message::kContentPut) == 0);
    CHECK(world.go_on(annas, 3));
}

TEST_CASE("resident accounts: they outlast a lost connection for as long as its gamer may resume") {
    Accounts world;
    const identity::Token token = world.token("ada");
    auto ada = std::make_unique<WireEnd>(world.loop, world.network.accept, token);
    const Nonce resume = ada->join_gamer("ada").resume;
    world.stay(*ada, 1);
    ada->cut();
    CHECK(world.kept() == kMade.size());
    SUBCASE("one that resumes goes on from them") {
        world.pass(kGraceUs - 600'000, {});
        WireEnd again = world.outside(token);
        REQUIRE(again.join_gamer("ada", resume).success);
        CHECK(world.ask(again) == Status::kOk);
        CHECK(world.go_on(again, 2));
    }
    SUBCASE("one that comes too late finds none") {
        world.pass(kGraceUs + 1'000'000, {});
        CHECK(world.kept() == 0);
        WireEnd late = world.outside(token);
        REQUIRE(late.join_gamer("ada", resume).success);
        CHECK(world.ask(late) == Status::kContent);
    }
    SUBCASE("a new process of its name finds none, and does not wait for that") {
        WireEnd fresh = world.outside(token);
        REQUIRE(fresh.join_gamer("ada").success);
        CHECK(world.ask(fresh) == Status::kContent);
        CHECK(world.kept() == 0);
    }
    SUBCASE("another gamer of the account has them until then") {
        WireEnd couch = world.outside(token);
        couch.join_gamer("couch");
        CHECK(world.ask(couch) == Status::kOk);
        world.pass(kGraceUs + 1'000'000, {&couch});
        CHECK(world.ask(couch) == Status::kContent);
    }
}

TEST_CASE("resident accounts: a result that ends while its gamer is away is its when it resumes") {
    Accounts world;
    const identity::Token token = world.token("ada");
    auto ada = std::make_unique<WireEnd>(world.loop, world.network.accept, token);
    const Nonce resume = ada->join_gamer("ada").resume;
    wire::TaskSubmit message;
    message.task_type = "echo";
    message.deadline_us = 4'000'000;
    message.task_flags = task_flag::kResident;
    ada->send(Message::kTaskSubmit, 1, message, {}, "input");
    ada->cut();
    world.peer.answer(world.peer.last(Message::kTaskAssign), kMade);
    CHECK(world.kept() == kMade.size());
    WireEnd again = world.outside(token);
    REQUIRE(again.join_gamer("ada", resume).success);
    const WireEnd::Got told = again.last(Message::kResultDelivery);
    CHECK(told.id == 1);
    CHECK(told.as<wire::ResultDelivery>().content_size == kMade.size());
    CHECK(world.ask(again) == Status::kOk);
}

TEST_CASE("resident accounts: those of a revoked account are gone at once") {
    Accounts world;
    WireEnd ada = world.outside(world.token("ada"));
    ada.join_gamer("ada");
    world.stay(ada, 1);
    ValueWriter writer;
    writer.map(1).key("name").text("ada");
    REQUIRE(world.coordinator->call("key.revoke", writer.take().span(), nullptr).ok());
    world.loop.settle();
    CHECK(world.kept() == 0);
    CHECK(world.coordinator->stats().payload_bytes_held == 0);
}
