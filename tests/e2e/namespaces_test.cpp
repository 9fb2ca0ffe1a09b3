// Real processes in network namespaces of their own: a link that loses everything and tells nobody.
// The namespaces have no names and go with the processes that are in them, and these end with the
// test, however it ends. Root only.
#include <doctest/doctest.h>

#include <filesystem>
#include <memory>

#include "cli/network_star_posix.h"
#include "support/fault_run.h"
#include "support/raw_socket_posix.h"

using namespace p2c2r::test;
using p2c2r::cli::NetworkSpace;
using p2c2r::cli::NetworkStar;

namespace {

constexpr size_t kStarPeers = 3;

// The coordinator and the gamer in the hub, a peer in each spoke. All of it in one go, since who is
// in which namespace is a matter of where he was started.
struct StarCluster {
    Workplace here;
    const NetworkStar& star;
    p2c2r::cli::CoordinatorProcess coordinator;
    std::vector<p2c2r::cli::Process> peers;
    NetworkSpace::Visit inside;  // from here on this thread is in the hub

    explicit StarCluster(const NetworkStar& its_star) : star(its_star), inside(star.hub()) {
        coordinator =
            here.coordinator({"--listen-address", "0.0.0.0", "--plaintext-anywhere", "true"});
        const uint32_t port = port_of_url(coordinator.url);
        coordinator.url = "p2c2r+plain://127.0.0.1:" + std::to_string(port);
        for (size_t i = 0; i < kStarPeers; ++i) {
            const NetworkSpace::Visit there(star.spoke(i));
            peers.push_back(here.peer(
                "p2c2r+plain://" + NetworkStar::hub_address(i) + ":" + std::to_string(port),
                "peer-" + std::to_string(i + 1),
                {"--device", "native", "--plaintext-anywhere", "true"}));
        }
        REQUIRE(wait_for_peers(here, coordinator.url, kStarPeers));
    }
};

// None where there can be no namespaces; then it is said why.
std::unique_ptr<NetworkStar> star_or_skip() {
    auto star = NetworkStar::make(kStarPeers);
    if (star) return std::move(*star);
    MESSAGE("skipped: " << star.failure().text);
    return nullptr;
}

template <class Fault>
void run_with(const NetworkStar& star, Fault fault) {
    StarCluster cluster(star);
    const uint32_t port = port_of_url(cluster.coordinator.url);
    FaultProxy link(port, "", 1);  // the gamer's, of this namespace: where he is seen at work
    DeliveryCount delivered;
    link.set_witness([&](uint32_t connection, Way way, std::string_view bytes) {
        if (way == Way::kDown) delivered.take(connection, bytes);
    });
    FaultRun run(cluster.here, {200}, link.port());
    // Every peer has a window full of tasks from the first answers to the last ones.
    REQUIRE(wait_until([&] { return link.passed(Way::kDown) > 2'000'000; }));
    fault();
    const uint64_t told = link.passed(Way::kDown);
    run.finish_whole(&delivered);
    check_books(cluster.here, cluster.coordinator.url, 200);
    // It came in the middle.
    CHECK(link.passed(Way::kDown) > told);
}

}  // namespace

TEST_CASE("namespaces: a peer whose packets all vanish while it holds tasks costs none of them") {
    const auto star = star_or_skip();
    if (!star) return;
    run_with(*star, [&] {
        const auto failure = star->silence(0);
        REQUIRE_MESSAGE(!failure, failure->text);
    });
}

TEST_CASE("namespaces: a peer whose cable is pulled while it holds tasks costs none of them") {
    const auto star = star_or_skip();
    if (!star) return;
    run_with(*star, [&] {
        const auto failure = star->unplug(1);
        REQUIRE_MESSAGE(!failure, failure->text);
    });
}

TEST_CASE("namespaces: who leaves one is where he was, and what he started there stays") {
    auto made = NetworkSpace::make();
    if (!made) {
        MESSAGE("skipped: " << made.failure().text);
        return;
    }
    const auto space_of = [](const std::string& process) {
        return std::filesystem::read_symlink("/proc/" + process + "/ns/net").string();
    };
    const std::string before = space_of("thread-self");
    p2c2r::cli::Process::Options options;
    options.ends_with_us = true;
    std::string there;
    {
        const NetworkSpace::Visit inside(*made);
        there = space_of("thread-self");
        auto child = p2c2r::cli::Process::start("/bin/cat", {}, options);
        REQUIRE(child);
        CHECK(space_of(std::to_string(child->id())) == there);
    }
    CHECK(there != before);
    CHECK(space_of("thread-self") == before);
}
