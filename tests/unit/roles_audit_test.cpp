// What stands in the record of who did what: commands of admins, by whom and from where; and that
// its holes are seen.
#include <doctest/doctest.h>

#include "unit/roles_guarded.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

namespace {

struct Audit final : identity::AuditLog {
    std::vector<std::string> lines;
    uint64_t lost_entries = 0;
    void note(const identity::AuditEntry& entry) override {
        lines.push_back(std::string(entry.what) + " " + entry.account + " [" + entry.detail +
                        "] by " + entry.by + " from " + entry.address);
    }
    [[nodiscard]] uint64_t lost() const override { return lost_entries; }
    [[nodiscard]] std::string why_lost() const override { return "the disk is full"; }
};

}  // namespace

TEST_CASE("audit: commands are noted with who gave them and from where") {
    Audit audit;
    Guarded world(&audit);
    HelperNode peer(world, world.enrolled("pc", kPeer), "pc-1");
    HelperNode other(world, world.enrolled("pc2", kPeer), "pc-2");
    GamerNode gamer(world, world.enrolled("laptop", kGamer), "laptop");
    world.network.address = "192.0.2.9:77";
    GamerNode admin(world, world.enrolled("root", {true, false, true}), "admin");
    audit.lines.clear();
    uint64_t calls = 0;
    const auto command = [&](const char* name, const char* json) {
        admin.client->call(++calls, name, *json_to_value(json), 1'000'000);
        world.loop.settle();
        CHECK(admin.answers.calls[calls].first == Status::kOk);
    };
    command("key.token", R"({"name":"bot"})");
    command("key.from", R"({"name":"bot","from":"any"})");
    command(
        "key.add",
        R"({"name":"desk","key":"19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"})");
    command("key.invite", R"({"roles":"gamer","name":"anna"})");
    command("key.withdraw", R"({"name":"anna"})");
    command("key.revoke", R"({"name":"bot"})");
    command("peer.fail", R"({"peer_id":"pc-1"})");
    const std::string by = "] by root from 192.0.2.9:77";
    CHECK(audit.lines ==
          std::vector<std::string>{"token bot [gamer" + by, "token_bound bot [any" + by,
                                   "enrolled desk [gamer" + by,
                                   "invited root [gamer, invitation anna" + by,
                                   "withdrawn root [gamer, invitation anna" + by,
                                   "revoked bot [" + by, "peer_failed pc [pc-1" + by});
    audit.lines.clear();
    // In the coordinator's process.
    REQUIRE(world.call("key.revoke", R"({"name":"desk"})").ok());
    CHECK(audit.lines == std::vector<std::string>{"revoked desk [] by operator from "});
    // What did not happen is not in it.
    audit.lines.clear();
    CHECK_FALSE(world.call("peer.fail", R"({"peer_id":"nobody"})").ok());
    CHECK_FALSE(world.call("key.revoke", R"({"name":"nobody"})").ok());
    CHECK_FALSE(world.call("task.assign", R"({"task":"1","peer_id":"pc-2"})").ok());
    CHECK(audit.lines.empty());
}

TEST_CASE("audit: a task that is moved is noted with whose it is") {
    Audit audit;
    Guarded world(&audit);
    HelperNode peer(world, world.enrolled("pc", kPeer), "pc-1");
    GamerNode gamer(world, world.enrolled("laptop", kGamer), "laptop");
    peer.runner.takes_us = 1'000'000;
    TaskSpec spec;
    spec.task_type = "echo";
    // More than the peer takes: the last ones wait.
    for (uint64_t task = 1; task <= 64; ++task) gamer.client->submit(task, spec);
    world.loop.settle();
    // The moment at which a task waits and a peer has room for it.
    world.quiet.joined = [&] {
        audit.lines.clear();
        REQUIRE(world.call("task.assign", R"({"task":"40","peer_id":"pc-2"})").ok());
    };
    HelperNode idle(world, world.enrolled("pc2", kPeer), "pc-2");
    REQUIRE(audit.lines.size() == 1);
    CHECK(audit.lines[0] ==
          "task_assigned laptop [task 0000000000000040 to pc-2] by operator from ");
}

TEST_CASE("audit: who enrols with a code is noted with its address and whose code it was") {
    Audit audit;
    Guarded world(&audit);
    GamerNode admin(world, world.enrolled("root", {true, false, true}), "admin");
    admin.client->call(1, "key.invite", *json_to_value(R"({"roles":"gamer"})"), 1'000'000);
    world.loop.settle();
    auto credentials = Guarded::stranger();
    credentials->invite.emplace();
    const Value made(admin.answers.calls[1].second.span());
    REQUIRE(from_hex(*made.find("secret")->text(), *credentials->invite));
    world.network.address = "192.0.2.9:77";
    GamerNode gamer(world, credentials, "friend");
    REQUIRE(gamer.client->stats().connected);
    CHECK(std::count(audit.lines.begin(), audit.lines.end(),
                     "enrolled friend [gamer] by root from 192.0.2.9:77") == 1);
}

TEST_CASE("audit: entries that are lost show in the figures and once a minute in the log") {
    Audit audit;
    Guarded world(&audit);
    const auto lost_lines = [&] {
        return std::count_if(
            world.log.all.begin(), world.log.all.end(), [](const std::string& line) {
                return line.find("entries of the audit log are lost: the disk is full") !=
                       std::string::npos;
            });
    };
    world.loop.advance(1'000'000);
    CHECK(lost_lines() == 0);
    audit.lost_entries = 3;
    world.loop.advance(1'000'000);
    CHECK(lost_lines() == 1);
    CHECK(world.log.all.back().rfind("3 entries", 0) == 0);
    audit.lost_entries = 5;
    world.loop.advance(30'000'000);
    CHECK(lost_lines() == 1);
    world.loop.advance(31'000'000);
    CHECK(lost_lines() == 2);
    CHECK(world.log.all.back().rfind("2 entries", 0) == 0);
    CHECK(world.coordinator->stats().audit_lost == 5);
    CHECK(value_to_json(world.call("status", "{}")->span())->find(R"("audit_lost":5)") !=
          std::string::npos);
    std::string text;
    REQUIRE(world.coordinator->call("metrics", {}, &text).ok());
    CHECK(text.find("p2c2r_audit_lost_total 5\n") != std::string::npos);
}
