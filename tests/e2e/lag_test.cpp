// A coordinator that is far behind a relay, and one whose URL has the other scheme: who gets in,
// and what is said to whoever does not.
#include <doctest/doctest.h>

#include "support/lagging_relay_posix.h"
#include "support/program.h"
#include "support/raw_socket_posix.h"

using namespace p2c2r::test;

namespace {

// A coordinator, over TLS or in plaintext, that lets its own machine in.
struct FarCoordinator {
    const Workplace& here;
    Machine machine;
    p2c2r::cli::Process process;
    uint32_t port = 0;
    std::vector<std::string> trust;  // options that tell whom to believe, and who this is

    FarCoordinator(const Workplace& at, bool tls) : here(at), machine(at, "desk") {
        std::vector<std::string> arguments = {"coordinator", "--port", "0", "--prometheus-port",
                                              "off"};
        if (tls) {
            const Ran made = machine.run(
                {"keys", "new", here.path("key.pem"), "--certificate-file", here.path("cert.pem")});
            REQUIRE_MESSAGE(made.exit_code == 0, made.error);
            for (const char* more : {"--certificate-file", "cert.pem", "--key-file", "key.pem"}) {
                arguments.push_back(*more == '-' ? more : here.path(more));
            }
        }
        process = here.start(arguments, "coordinator.log", machine.environment);
        const auto place = process.read_line_with("listening on ", kPatienceUs);
        REQUIRE_MESSAGE(place, here.read("coordinator.log"));
        port = port_of_url(*place);
        if (!tls) return;
        const auto pin = process.read_line_with("pin ", kPatienceUs);
        REQUIRE(pin);
        trust = {"--server-pin", *pin};
    }
    ~FarCoordinator() { CHECK(process.stop(kStopUs) == 0); }

    [[nodiscard]] Ran submit(const std::string& url, const std::vector<std::string>& more) const {
        std::vector<std::string> words = {"submit",
                                          "echo",
                                          "--quiet",
                                          "--deadline-ms",
                                          "20000",
                                          "--data",
                                          here.write("in", "far away"),
                                          "--out",
                                          here.path("out"),
                                          "--coordinator",
                                          url};
        words.insert(words.end(), trust.begin(), trust.end());
        words.insert(words.end(), more.begin(), more.end());
        return machine.run(words);
    }
};

const std::string kHere = "://127.0.0.1:";

}  // namespace

TEST_CASE("lag: a task goes through a relay whose way takes 0.45 s in each direction") {
    const Workplace here;
    const bool tls = true;
    FarCoordinator coordinator(here, tls);
    LaggingRelay relay(coordinator.port, 450'000);
    const Ran ran = coordinator.submit("p2c2r" + kHere + std::to_string(relay.port()), {});
    CHECK_MESSAGE(ran.exit_code == 0, ran.error);
    CHECK(here.read("out") == "far away");
}

TEST_CASE("lag: whoever may not wait is told what the handshake has shown of the link") {
    const Workplace here;
    FarCoordinator coordinator(here, true);
    LaggingRelay relay(coordinator.port, 500'000);
    const Ran ran = coordinator.submit("p2c2r" + kHere + std::to_string(relay.port()),
                                       {"--connect-timeout-ms", "1800"});
    CHECK(ran.exit_code == 3);
    CHECK(ran.error.find(": the handshake is not done: the link's round trip is about 1") !=
          std::string::npos);
    CHECK(ran.error.starts_with("p2c2r submit: not connected to "));
    CHECK(ran.error.find("no coordinator") == std::string::npos);
}

TEST_CASE("lag: a URL of the other scheme is told at once what the coordinator speaks") {
    const Workplace here;
    const std::vector<std::string> long_wait = {"--connect-timeout-ms", "60000"};
    SUBCASE("plaintext to TLS") {
        FarCoordinator coordinator(here, true);
        const std::string place = kHere + std::to_string(coordinator.port);
        coordinator.trust.clear();
        const Ran ran = coordinator.submit("p2c2r+plain" + place, long_wait);
        CHECK(ran.exit_code == 3);
        CHECK(ran.error.find("E_PROTOCOL: the coordinator speaks TLS at ") != std::string::npos);
        CHECK(ran.error.find(": its URL is p2c2r" + place +
                             ", and needs its server pin or an "
                             "authority") != std::string::npos);
    }
    SUBCASE("TLS to plaintext") {
        FarCoordinator coordinator(here, false);
        const std::string place = kHere + std::to_string(coordinator.port);
        coordinator.trust = {"--server-pin", std::string(64, 'a')};
        const Ran ran = coordinator.submit("p2c2r" + place, long_wait);
        CHECK(ran.exit_code == 3);
        CHECK(ran.error.find("E_PROTOCOL: what answers at ") != std::string::npos);
        CHECK(ran.error.find(" speaks plaintext: the URL of that is p2c2r+plain" + place) !=
              std::string::npos);
        CHECK(here.read("coordinator.log")
                  .find(" closed: the other side speaks TLS, and this one "
                        "does not") != std::string::npos);
    }
}
