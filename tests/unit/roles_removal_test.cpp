// Throwing out and withdrawing at a coordinator whose disk is full, and what admins hear of it: the
// real roles on a fake loop and network.
#include "unit/identity_door.h"
#include "unit/roles_guarded.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

namespace {

std::string json_of(const Result<Bytes>& answer) {
    REQUIRE(answer.ok());
    return *value_to_json(answer->span());
}

}  // namespace

TEST_CASE("removal: a revoked machine is disconnected while the disk is full, and stays out") {
    Store store;
    Guarded world(nullptr, &store);
    auto credentials = world.enrolled("laptop", kGamer);
    GamerNode gamer(world, credentials);
    REQUIRE(gamer.client->stats().connected);
    store.fails = true;
    const std::string answer = json_of(world.call("key.revoke", R"({"name":"laptop"})"));
    CHECK(answer == R"({"unsaved":"the disk is full"})");
    world.loop.settle();
    CHECK_FALSE(gamer.client->stats().connected);
    GamerNode again(world, credentials, "again");
    REQUIRE(again.answers.states.size() == 1);
    CHECK(again.answers.states[0].second == "'laptop' was revoked");
    CHECK(json_of(world.call("key.list", "{}")).find(R"("unsaved":"the disk is full")") !=
          std::string::npos);
    REQUIRE_FALSE(world.log.all.empty());
    const auto lines_with = [&](const char* words) {
        return std::count_if(
            world.log.all.begin(), world.log.all.end(),
            [&](const std::string& line) { return line.find(words) != std::string::npos; });
    };
    const char* const bad = "somebody was thrown out, and a restart would undo that";
    const char* const good = "is on the disk again";
    CHECK(lines_with(bad) == 1);
    // It is tried again by the coordinator itself.
    world.loop.advance(11'000'000);
    CHECK(lines_with(good) == 0);
    store.fails = false;
    world.loop.advance(11'000'000);
    CHECK(lines_with(bad) == 1);
    CHECK(lines_with(good) == 1);
    identity::AccessList restarted(nullptr, nullptr);
    REQUIRE(restarted.read(store.text).ok());
    CHECK(restarted.find("laptop")->revoked_ms != 0);
    CHECK(json_of(world.call("key.list", "{}")).find("unsaved") == std::string::npos);
}

TEST_CASE("removal: what could not be written is tried once more when the coordinator ends") {
    Store store;
    Guarded world(nullptr, &store);
    (void)world.enrolled("laptop", kGamer);
    store.fails = true;
    REQUIRE(world.call("key.revoke", R"({"name":"laptop"})").ok());
    store.fails = false;
    world.coordinator->close();
    identity::AccessList restarted(nullptr, nullptr);
    REQUIRE(restarted.read(store.text).ok());
    CHECK(restarted.find("laptop")->revoked_ms != 0);
}

TEST_CASE("invitations: an admin sees the open ones without their secrets, and withdraws one") {
    Guarded world;
    const Result<Bytes> made = world.call(
        "key.invite", R"({"roles":"gamer","owner":"anna","valid_s":60,"name":"anna's desk"})");
    const std::string secret(*Value(made->span()).find("secret")->text());
    CHECK(*Value(made->span()).find("name")->text() == "anna's desk");
    REQUIRE(world.call("key.invite", R"({"roles":"peer","circle":"own","valid_s":5})").ok());
    const auto listed = [&] { return json_of(world.call("key.invitations", "{}")); };
    const std::string list = listed();
    CHECK(list.find(R"("name":"anna's desk","owner":"anna","roles":"gamer","circle":"invited",)"
                    R"("by":"operator","made_ms":)") != std::string::npos);
    CHECK(list.find(R"("owner":"operator","roles":"peer","circle":"own")") != std::string::npos);
    CHECK(list.find(secret) == std::string::npos);
    CHECK(list.find(secret.substr(0, 8)) == std::string::npos);
    world.loop.advance(6'000'000);
    CHECK(listed().find("\"peer\"") == std::string::npos);  // its time is over
    CHECK(json_of(world.call("key.list", "{}")).find("\"invitations\":1") != std::string::npos);
    CHECK(json_of(world.call("key.withdraw", R"({"name":"anna's desk"})")) == "{}");
    CHECK(listed() == R"({"invitations":[]})");
    auto guest = Guarded::stranger();
    guest->invite.emplace();
    REQUIRE(from_hex(secret, *guest->invite));
    GamerNode refused(world, guest);
    REQUIRE(refused.answers.states.size() == 1);
    CHECK(refused.answers.states[0].first == Status::kAuth);
    CHECK(refused.answers.states[0].second == "the join code was withdrawn; ask for another one");
}

TEST_CASE("removal: an admin by token cannot shut itself out unawares") {
    Guarded world;
    world.network.address = "192.0.2.9:77";
    auto credentials = std::make_shared<Credentials>();
    credentials->token = *world.access.add_token("boss", "", {true, false, true}, world.random,
                                                 {1, 1}, *identity::AddressRule::read("any"));
    GamerNode boss(world, credentials, "boss");
    REQUIRE(boss.client->stats().connected);
    const auto set = [&](uint64_t call, const char* json) {
        boss.client->call(call, "key.from", *json_to_value(json), 1'000'000);
        world.loop.settle();
        return boss.answers.calls[call].first;
    };
    CHECK(set(1, R"({"name":"boss","from":"198.51.100.0/24"})") == Status::kState);
    CHECK(boss.client->stats().connected);
    CHECK(set(2, R"({"name":"boss","from":"198.51.100.0/24,192.0.2.0/24"})") == Status::kOk);
    CHECK(boss.client->stats().connected);
    (void)set(3, R"({"name":"boss","from":"198.51.100.0/24","force":"boss"})");
    CHECK_FALSE(boss.client->stats().connected);
    CHECK(world.access.find("boss")->from.text() == "198.51.100.0/24");
}

TEST_CASE("logins: a coordinator without room refuses in words, and is asked again") {
    ShareLimits one;
    one.connections = 1;
    Guarded world(nullptr, nullptr, one);
    const auto credentials = world.enrolled("pal", kGamer);
    GamerNode first(world, credentials, "first");
    REQUIRE(first.client->stats().connected);
    GamerNode second(world, credentials, "second");
    REQUIRE(second.answers.states.size() == 1);
    CHECK(second.answers.states[0].second ==
          "the coordinator refused: 'pal' has 1 clients and peers here already, as many as one "
          "account may");
    CHECK_FALSE(second.client->stats().given_up);
}
