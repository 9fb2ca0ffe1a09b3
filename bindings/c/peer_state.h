// A peer as the C interface has it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "bindings/c/coordinator_port.h"
#include "bindings/c/owner_watch.h"
#include "bindings/c/role_state.h"
#include "bindings/c/role_transport.h"
#include "p2c2r/p2c2r.h"
#include "roles/peer.h"

namespace p2c2r::capi {

struct PeerSettings {
    std::shared_ptr<CoordinatorPort> local;  // NULL: by socket
    net::FakeNetwork fake_network;
    roles::PeerOptions options;
    owner::Settings owner;
    DataFile data;
};

class PeerState final : public RoleState, private roles::PeerEvents {
  public:
    PeerState(RuntimeState& runtime, const p2c2r_peer_config& config, PeerSettings settings);
    Status open();

    Status start();
    Status pause(bool paused);
    // Any thread, without waiting: the gate of its jobs is closed when this returns.
    void say_active(bool active) noexcept;
    Status set_speed(double speed);
    Status why(std::string& out);
    Status capabilities(p2c2r_capabilities& out);
    Status id(std::string& out);
    Status stats(p2c2r_peer_stats& out);
    Status drain(uint64_t deadline_us);

    // RoleState
    void take_mail() override;
    void wake_waiting() override;
    Status shut(uint64_t deadline_us) override;

  private:
    // roles::PeerEvents, on the loop
    void on_peer_state(Status status, const std::string& text) override;
    void on_peer_accepts(bool accepts, const std::string& why) override;
    // Text that lives as long as this object.
    const char* lasting(const std::string& text);

    PeerSettings settings_;
    const std::shared_ptr<exec::JobGate> gate_;
    std::atomic<bool> said_active_{false};
    std::mutex mutex_;  // guards the flags and the texts
    std::condition_variable changed_;
    bool drained_ = false;
    bool closed_ = false;
    std::deque<std::string> texts_;

    std::unique_ptr<OwnerWatch> watch_;  // with sensors to look at

    // The loop's own.
    bool heard_active_ = false;
    RoleTransport transport_;
    std::unique_ptr<roles::Peer> role_;
};

}  // namespace p2c2r::capi
