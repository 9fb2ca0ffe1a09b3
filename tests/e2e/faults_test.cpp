// Real processes over bad links: whatever the network does to a peer or to the gamer, each task
// ends once, in time, with the answer that is known (support/fault_run.h has the checkers). Faults
// come behind a number of bytes, so that they hit where they are meant to however fast the machine
// is: a peer's answers have some 170 KB each here, and its inputs 16 KB.
#include <doctest/doctest.h>

#include "support/fault_run.h"

using namespace p2c2r::test;
using nlohmann::json;

TEST_CASE("faults: links that pass on a few bytes at a time change nothing") {
    FaultCluster cluster({"slice 300", "slice 40 up", ""}, "slice 2000 down slice 30 up");
    FaultRun run(cluster.here, {24, 64}, cluster.gamer_link->port());
    run.finish_whole(&cluster.delivered);
    check_books(cluster.here, cluster.coordinator.url, 24);
    CHECK(status_of(cluster.here, cluster.coordinator.url)["peer_failures"] == 0);
}

TEST_CASE("faults: a link that stalls in the middle of an answer for half a second") {
    FaultCluster cluster({"after 300kB up stall 500ms", "", ""});
    FaultRun run(cluster.here, {}, cluster.gamer_link->port());
    run.finish_whole(&cluster.delivered);
    check_books(cluster.here, cluster.coordinator.url, 60);
    CHECK(cluster.links[0]->passed(Way::kUp) >= 300'000);  // so it has stalled
}

TEST_CASE("faults: a peer that is not heard any more, in the middle of an answer") {
    FaultCluster cluster({"after 300kB up silence up", "", ""});
    FaultRun run(cluster.here, {}, cluster.gamer_link->port());
    run.finish_whole(&cluster.delivered);
    check_books(cluster.here, cluster.coordinator.url, 60);
    CHECK(cluster.links[0]->passed(Way::kUp) == 300'000);
}

TEST_CASE("faults: a peer that hears nothing any more, in the middle of an input") {
    FaultCluster cluster({"after 40kB down silence down", "", ""});
    FaultRun run(cluster.here, {}, cluster.gamer_link->port());
    run.finish_whole(&cluster.delivered);
    check_books(cluster.here, cluster.coordinator.url, 60);
    CHECK(cluster.links[0]->passed(Way::kDown) == 40'000);
}

TEST_CASE("faults: a link cut in the middle of an answer, and its peer is used again") {
    for (const char* how : {"rst", "fin"}) {
        CAPTURE(how);
        FaultCluster cluster({std::string("connection 1 after 300kB up cut ") + how, "", ""});
        FaultRun run(cluster.here, {}, cluster.gamer_link->port());
        run.finish_whole(&cluster.delivered);
        check_books(cluster.here, cluster.coordinator.url, 60);
        CHECK(wait_for_peers(cluster.here, cluster.coordinator.url, 3));
        CHECK(cluster.links[0]->connections() == 2);
        CHECK(status_of(cluster.here, cluster.coordinator.url)["peer_failures"] == 1);
    }
}

TEST_CASE("faults: a peer behind a line of 100 kB a second delays nobody beyond the deadline") {
    FaultCluster cluster({"throttle 100kB up", "", ""});
    FaultRun run(cluster.here, {}, cluster.gamer_link->port());
    run.finish_whole(&cluster.delivered);
    check_books(cluster.here, cluster.coordinator.url, 60);
}

TEST_CASE("faults: jitter on every link fails no peer") {
    const std::string jitter = "delay 5ms jitter 3ms";
    FaultCluster cluster({jitter, jitter, jitter}, jitter);
    FaultRun run(cluster.here, {}, cluster.gamer_link->port());
    run.finish_whole(&cluster.delivered);
    check_books(cluster.here, cluster.coordinator.url, 60);
    CHECK(status_of(cluster.here, cluster.coordinator.url)["peer_failures"] == 0);
}

TEST_CASE("faults: a gamer's link is cut twice in the middle of answers, and it resumes") {
    FaultCluster cluster({"", "", ""},
                         "connection 1 after 500kB down cut; connection 2 after 900kB down cut");
    FaultRun run(cluster.here, {}, cluster.gamer_link->port());
    // What was half delivered comes again: the wire is no witness here, the gamer is.
    run.finish_whole(nullptr);
    const json status = status_of(cluster.here, cluster.coordinator.url);
    CHECK(status["completed_tasks"] >= 60);
    CHECK(status["failed_tasks"] == 0);
    CHECK(status["pending_tasks"] == 0);
    CHECK(cluster.gamer_link->connections() == 3);
}

TEST_CASE("faults: the coordinator is killed in the middle of a run, and each task ends in time") {
    FaultCluster cluster({"", "", ""});
    FaultRun run(cluster.here, {150, 320, 1500, 150}, cluster.gamer_link->port());
    REQUIRE(wait_until([&] { return cluster.gamer_link->passed(Way::kDown) > 1'000'000; }));
    cluster.coordinator.process.kill_now();
    run.finish(&cluster.delivered);
    CHECK(run.succeeded() < 150);
    for (const json& task : run.report()["tasks"]) {
        const std::string status = task["status"];
        CAPTURE(status);
        CHECK((status == "OK" || status == "E_DEADLINE" || status == "E_DISCONNECTED"));
    }
}
