// Owner first through the C interface: what a host says is heeded at once, and told.
#include <atomic>
#include <mutex>
#include <thread>

#include "support/message_bus.h"
#include "world.h"

using namespace capi_test;

namespace {

// Looks between slices that take no time; ends when it is cancelled or told to.
struct Slices {
    std::atomic<int> looks{0};
    std::atomic<int> yields{0};
    std::atomic<int> cancels{0};
    std::atomic<bool> finish{false};
    HostExecutor executor;

    explicit Slices(p2c2r_runtime* runtime) {
        executor.run = [this](p2c2r_job* job) -> p2c2r_status {
            while (!finish.load()) {
                ++looks;
                const uint32_t state = p2c2r_job_state(job);
                if (state & P2C2R_JOB_CANCELLED) {
                    ++cancels;
                    return P2C2R_E_CANCELLED;
                }
                if (state & P2C2R_JOB_YIELD) ++yields;
                std::this_thread::yield();
            }
            p2c2r_job_output_fields(job, P2C2R_FORMAT_JSON, "{}", 2);
            return P2C2R_OK;
        };
        executor.add(runtime, "slices");
    }
};

struct Events {
    std::mutex mutex;
    std::vector<std::pair<p2c2r_status, std::string>> accepts;
    static void P2C2R_CALL on(void* user, const p2c2r_event* event) {
        auto* events = static_cast<Events*>(user);
        if (event->type != P2C2R_EVENT_ACCEPTS) return;
        const std::lock_guard lock(events->mutex);
        events->accepts.emplace_back(event->status, event->text);
    }
    bool has(p2c2r_status status, const std::string& text) {
        const std::lock_guard lock(mutex);
        for (const auto& [said, why] : accepts) {
            if (said == status && why == text) return true;
        }
        return false;
    }
};

Peer owner_peer(p2c2r_runtime* runtime, p2c2r_coordinator* local, const char* options,
                Events* events) {
    auto config = sized<p2c2r_peer_config>();
    config.local = local;
    config.options = options;
    config.deliver = P2C2R_DELIVER_ON_LOOP;
    config.event = events ? Events::on : nullptr;
    config.user = events;
    p2c2r_peer* peer = nullptr;
    p2c2r_error why = {};
    REQUIRE_MESSAGE(p2c2r_peer_create(runtime, &config, &peer, &why) == P2C2R_OK, why.text);
    REQUIRE(p2c2r_peer_start(peer, &why) == P2C2R_OK);
    return Peer(peer);
}

p2c2r_peer_stats stats_of(p2c2r_peer* peer) {
    auto stats = sized<p2c2r_peer_stats>();
    REQUIRE(p2c2r_peer_stats_get(peer, &stats) == P2C2R_OK);
    return stats;
}

std::string why_of(p2c2r_peer* peer) {
    char text[256] = "";
    size_t size = sizeof text;
    REQUIRE(p2c2r_peer_why(peer, text, &size) == P2C2R_OK);
    CHECK(size == std::strlen(text) + 1);
    return text;
}

}  // namespace

TEST_CASE("a host that says active has its machine back and tasks go to others") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get());
    Slices slices(runtime.get());
    Events events;
    const Peer peer =
        owner_peer(runtime.get(), coordinator.get(), R"({"hand_back_ms": 50, "on_battery": true,
                                       "caps": {"gpu_temperature": 0, "cpu_temperature": 0}})",
                   &events);
    const Client client = make_client(runtime.get(), coordinator.get());
    connect_with_peers(runtime.get(), client.get(), 1);
    const Task task("slices");
    const p2c2r_task id = submit(client.get(), task.desc);
    REQUIRE(turn_until(runtime.get(), [&] { return slices.looks.load() > 10; }));
    CHECK(slices.yields.load() == 0);
    CHECK(why_of(peer.get()).empty());
    REQUIRE(p2c2r_peer_activity(peer.get(), 1) == P2C2R_OK);
    REQUIRE(turn_until(runtime.get(), [&] { return slices.yields.load() > 0; }));
    // It lasts: what runs is taken back.
    REQUIRE(turn_until(runtime.get(), [&] { return slices.cancels.load() == 1; }));
    CHECK(stats_of(peer.get()).handed_back == 1);
    CHECK(stats_of(peer.get()).accepts == 0);
    CHECK(why_of(peer.get()) == "you are using this machine");
    size_t size = 1;
    char little = 'x';
    CHECK(p2c2r_peer_why(peer.get(), &little, &size) == P2C2R_E_SIZE);
    CHECK(size > 10);
    REQUIRE(p2c2r_peer_activity(peer.get(), 0) == P2C2R_OK);
    REQUIRE(turn_until(runtime.get(), [&] { return stats_of(peer.get()).accepts == 1; }));
    slices.finish = true;
    CHECK(p2c2r_result_status(fetch(client.get(), id).get()) == P2C2R_OK);
    CHECK(events.has(P2C2R_E_BUSY, "you are using this machine"));
    CHECK(events.has(P2C2R_OK, ""));
    CHECK(p2c2r_peer_activity(peer.get(), 2) == P2C2R_E_ARGUMENT);
}

TEST_CASE("pause takes back what runs and resume takes tasks again") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get());
    Slices slices(runtime.get());
    const Peer peer = owner_peer(runtime.get(), coordinator.get(), nullptr, nullptr);
    const Client client = make_client(runtime.get(), coordinator.get());
    connect_with_peers(runtime.get(), client.get(), 1);
    const Task task("slices");
    const p2c2r_task id = submit(client.get(), task.desc);
    REQUIRE(turn_until(runtime.get(), [&] { return slices.looks.load() > 10; }));
    REQUIRE(p2c2r_peer_pause(peer.get()) == P2C2R_OK);
    REQUIRE(turn_until(runtime.get(), [&] { return slices.cancels.load() == 1; }));
    CHECK(why_of(peer.get()) == "this peer is paused");
    slices.finish = true;
    REQUIRE(p2c2r_peer_resume(peer.get()) == P2C2R_OK);
    CHECK(p2c2r_result_status(fetch(client.get(), id).get()) == P2C2R_OK);
    CHECK(stats_of(peer.get()).worked_us > 0);
}

TEST_CASE("what the owner of a peer allows is refused by the name of what is wrong") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get());
    struct Row {
        const char* options;
        const char* field;
    };
    for (const Row& row :
         {Row{R"({"mode": "sometimes"})", "mode"}, Row{R"({"caps": {"vram": 1}})", "caps.vram"},
          Row{R"({"mode": "schedule"})", "schedule"},
          Row{R"({"caps": {"data_day_mb": 1}})", "data_file"},
          Row{R"({"mode": "idle", "data_file": "/nowhere/at/all"})", "data_file"}}) {
        CAPTURE(row.options);
        auto config = sized<p2c2r_peer_config>();
        config.local = coordinator.get();
        config.options = row.options;
        p2c2r_peer* peer = nullptr;
        p2c2r_error why = {};
        CHECK(p2c2r_peer_create(runtime.get(), &config, &peer, &why) != P2C2R_OK);
        CHECK(peer == nullptr);
        CHECK(std::string(why.field) == row.field);
    }
}

TEST_CASE("a peer with a mode says it and one without a display is one where nobody sits") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get());
    const Peer gaming = owner_peer(runtime.get(), coordinator.get(),
                                   R"({"mode": "while_gaming", "caps": {"gpu_temperature": 0,
                                       "cpu_temperature": 0}, "on_battery": true})",
                                   nullptr);
    REQUIRE(turn_until(runtime.get(), [&] { return stats_of(gaming.get()).accepts == 1; }));
    CHECK(stats_of(gaming.get()).mode == P2C2R_MODE_WHILE_GAMING);
    CHECK(stats_of(gaming.get()).duty_cap_permille == 300);
    CHECK(why_of(gaming.get()) == "at most 30 % of the time");
    const Peer blind = owner_peer(runtime.get(), coordinator.get(),
                                  R"({"mode": "idle", "display": "wayland", "on_battery": true,
                                      "caps": {"gpu_temperature": 0, "cpu_temperature": 0}})",
                                  nullptr);
    REQUIRE(turn_until(runtime.get(), [&] {
        return why_of(blind.get()).find("does not tell") != std::string::npos;
    }));
    CHECK(stats_of(blind.get()).accepts == 0);
}

TEST_CASE("a helper on a metered network takes nothing, unless its owner allows it") {
    const p2c2r::test::MessageBus bus;
    if (bus.address().empty()) {
        MESSAGE("skipped: no dbus-daemon (package dbus-daemon)");
        return;
    }
    const p2c2r::test::NetworkManagerService manager(bus.address(), 'u', 1);
    REQUIRE(setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address().c_str(), 1) == 0);
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get());
    Events events;
    const Peer peer = owner_peer(runtime.get(), coordinator.get(),
                                 R"({"mode": "always", "on_battery": true})", &events);
    CHECK(turn_until(runtime.get(),
                     [&] { return events.has(P2C2R_E_BUSY, "the network is metered"); }));
    CHECK(why_of(peer.get()) == "the network is metered");
    const Peer allowed =
        owner_peer(runtime.get(), coordinator.get(),
                   R"({"mode": "always", "on_battery": true, "on_metered": true})", nullptr);
    CHECK(turn_until(runtime.get(), [&] { return stats_of(allowed.get()).accepts == 1; }));
    unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
}
