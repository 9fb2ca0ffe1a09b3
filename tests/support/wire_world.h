// A coordinator on a fake loop, for tests that hold the ends of its connections themselves.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/log.h"
#include "roles/coordinator.h"
#include "support/wire_end.h"

namespace p2c2r::test {

struct WireWorld : roles::CoordinatorEvents, LogSink {
    FakeLoop loop;
    FakeRandom random{5};
    FakeTransport network{loop};
    FakeRunner runner{loop, {"echo"}};
    std::vector<std::string> events;     // "joined p", "left p: why", "failed p: why"
    std::vector<std::string> log_lines;  // of level info and above
    std::unique_ptr<roles::Coordinator> coordinator;

    explicit WireWorld(roles::CoordinatorOptions options = {}, bool local = false) {
        coordinator = std::make_unique<roles::Coordinator>(
            loop, network, local ? &runner : nullptr, random, Prng(1), Log(this, LogLevel::kInfo),
            options, *this);
        REQUIRE(coordinator->start().ok());
    }
    WireEnd end() { return WireEnd(loop, *coordinator); }
    // One that came over the listener, where everybody has to log in.
    WireEnd outside(const identity::Token& token) { return WireEnd(loop, network.accept, token); }

    void on_peer_joined(const std::string& id) override { events.push_back("joined " + id); }
    void on_peer_left(const std::string& id, const std::string& why) override {
        events.push_back("left " + id + ": " + why);
    }
    void on_peer_failed(const std::string& id, const std::string& why) override {
        events.push_back("failed " + id + ": " + why);
    }
    void write(LogLevel, std::string_view, std::string_view text) override {
        log_lines.emplace_back(text);
    }
};

}  // namespace p2c2r::test
