// Bytes that no role sends, on the port of a real coordinator: they cost their sender the
// connection and nobody else anything.
#include <doctest/doctest.h>

#include <random>

#include "support/program.h"
#include "support/raw_socket_posix.h"
#include "support/seed.h"

using namespace p2c2r::test;
using namespace std::string_literals;

namespace {

// A coordinator with one peer; after each attack a task still goes through both.
struct Attacked {
    Workplace here;
    p2c2r::cli::CoordinatorProcess coordinator = here.coordinator();
    p2c2r::cli::Process peer = here.peer(coordinator.url, "helper");
    uint32_t port = port_of_url(coordinator.url);

    Attacked() { REQUIRE(wait_for_peers(here, coordinator.url, 1)); }

    void check_alive() {
        const Ran ran =
            here.run({"submit", "echo", "--coordinator", coordinator.url, "--remote-only", "--data",
                      here.write("in", "still here"), "--out", here.path("out")});
        CAPTURE(ran.error);
        CHECK(ran.exit_code == 0);
        CHECK(here.read("out") == "still here");
        CHECK(status_of(here, coordinator.url)["peers"].size() == 1);
    }
};

// The first 14 bytes of a frame: an array of 6, message, flags, task id.
std::string frame_head(uint8_t message) {
    return "\x96\xcc"s + static_cast<char>(message) + "\xcc\x00\xcf"s + std::string(8, '\0');
}

}  // namespace

TEST_CASE("hostile bytes: random bytes close their connection and nothing else") {
    Attacked attacked;
    std::mt19937_64 random(seed());
    for (int round = 0; round < 20; ++round) {
        std::string bytes(1 + random() % 5000, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random());
        RawSocket socket(attacked.port);
        REQUIRE(socket.connected());
        socket.send(bytes + std::string(16, '\xc1'));  // c1 is nothing in MessagePack
        socket.receive_all();
        CHECK(socket.closed());
    }
    attacked.check_alive();
}

TEST_CASE("hostile bytes: another protocol's greeting closes the connection") {
    Attacked attacked;
    for (const std::string& greeting :
         {"GET / HTTP/1.1\r\nHost: x\r\n\r\n"s, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s,
          "SSH-2.0-OpenSSH_9.2\r\n"s}) {
        RawSocket socket(attacked.port);
        REQUIRE(socket.connected());
        socket.send(greeting);
        socket.receive_all();
        CHECK(socket.closed());
    }
    attacked.check_alive();
}

TEST_CASE("hostile bytes: a frame that claims gigabytes is refused before they arrive") {
    Attacked attacked;
    for (const std::string& claim : {"\xc6\xff\xff\xff\xff"s, "\xdd\xff\x00\x00\x00"s}) {
        RawSocket socket(attacked.port);
        REQUIRE(socket.connected());
        socket.send(frame_head(1) + claim);
        socket.receive_all();
        CHECK(socket.closed());
    }
    attacked.check_alive();
}

TEST_CASE("hostile bytes: an oversize frame before login closes the connection") {
    Attacked attacked;
    RawSocket socket(attacked.port);
    REQUIRE(socket.connected());
    socket.send(frame_head(1) + "\xc5\xff\xff"s + std::string(0xffff, 'x'));
    socket.receive_all();
    CHECK(socket.closed());
    attacked.check_alive();
    // Whoever runs the coordinator can read who was sent away and why.
    const std::string log = attacked.here.read("coordinator.log");
    const size_t told = log.find("connection from 127.0.0.1");
    REQUIRE(told != std::string::npos);
    CHECK(log.find(" closed: ", told) != std::string::npos);
    CHECK(log.find("too large", told) != std::string::npos);
}

TEST_CASE("hostile bytes: half a frame and a lost connection leave nothing behind") {
    Attacked attacked;
    for (size_t cut = 1; cut <= 14; ++cut) {
        RawSocket socket(attacked.port);
        REQUIRE(socket.connected());
        socket.send(frame_head(1).substr(0, cut));
    }
    attacked.check_alive();
}

TEST_CASE("hostile bytes: a message that does not belong before hello closes the connection") {
    Attacked attacked;
    for (int message = 2; message < 40; ++message) {
        RawSocket socket(attacked.port);
        REQUIRE(socket.connected());
        socket.send(frame_head(static_cast<uint8_t>(message)) + "\xc4\x01\x80\xc4\x00\xc4\x00"s);
        socket.receive_all();
        CAPTURE(message);
        CHECK(socket.closed());
    }
    attacked.check_alive();
}
