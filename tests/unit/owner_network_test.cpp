// NetworkManager's word against a real bus with a service of that name. Where there is no
// dbus-daemon the cases say that they were skipped.
#include <doctest/doctest.h>

#include <chrono>
#include <utility>

#include "owner/sensors.h"
#include "support/message_bus.h"

using namespace p2c2r::owner;
using namespace p2c2r::test;

namespace {

using Metered = Network::Metered;

}  // namespace

TEST_CASE("network: metered is what NetworkManager says or guesses") {
    const MessageBus bus;
    if (bus.address().empty()) {
        MESSAGE("skipped: no dbus-daemon (package dbus-daemon)");
        return;
    }
    const std::pair<uint32_t, Metered> words[] = {{0, Metered::kNotTold}, {1, Metered::kYes},
                                                  {2, Metered::kNo},      {3, Metered::kYes},
                                                  {4, Metered::kNo},      {77, Metered::kNotTold}};
    for (const auto& row : words) {
        CAPTURE(row.first);
        const auto& [word, metered] = row;
        NetworkManagerService manager(bus.address(), 'u', word);
        const std::unique_ptr<Network> network = open_network_manager(bus.address());
        CHECK(network->read() == metered);
        CHECK(network->read() == metered);
    }
}

TEST_CASE("network: without a bus, the service, an answer or its form nothing is told") {
    CHECK(open_network_manager("unix:path=/nonexistent/bus")->read() == Metered::kNotTold);
    CHECK(open_network_manager("no address at all")->read() == Metered::kNotTold);
    MessageBus bus;
    if (bus.address().empty()) {
        MESSAGE("skipped: no dbus-daemon (package dbus-daemon)");
        return;
    }
    const std::unique_ptr<Network> network = open_network_manager(bus.address());
    CHECK(network->read() == Metered::kNotTold);
    {
        NetworkManagerService manager(bus.address(), 'b', 1);
        CHECK(network->read() == Metered::kNotTold);
    }
    {
        // It comes later, falls silent, and speaks again: the same connection hears it.
        NetworkManagerService manager(bus.address(), 'u', 1);
        CHECK(network->read() == Metered::kYes);
        manager.answers = false;
        CHECK(network->read() == Metered::kNotTold);
        manager.answers = true;
        CHECK(network->read() == Metered::kYes);
    }
    bus.stop();
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    Metered last = Metered::kYes;
    while (last != Metered::kNotTold && std::chrono::steady_clock::now() < until) {
        last = network->read();
    }
    CHECK(last == Metered::kNotTold);
    CHECK(network->read() == Metered::kNotTold);  // and the process lives
}
