// A peer as the C interface has it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "bindings/c/coordinator_port.h"
#include "bindings/c/role_state.h"
#include "bindings/c/role_transport.h"
#include "p2c2r/p2c2r.h"
#include "roles/peer.h"

namespace p2c2r::capi {

struct PeerSettings {
    std::shared_ptr<CoordinatorPort> local;  // NULL: by socket
    net::FakeNetwork fake_network;
    roles::PeerOptions options;
};

class PeerState final : public RoleState, private roles::PeerEvents {
  public:
    PeerState(RuntimeState& runtime, const p2c2r_peer_config& config, PeerSettings settings);
    Status open();

    Status start();
    Status pause(bool paused);
    Status capabilities(p2c2r_capabilities& out);
    Status id(std::string& out);
    Status stats(p2c2r_peer_stats& out);
    Status drain(uint64_t deadline_us);

    // RoleState
    void wake_waiting() override;
    Status shut(uint64_t deadline_us) override;

  private:
    // roles::PeerEvents, on the loop
    void on_peer_state(Status status, const std::string& text) override;
    // Text that lives as long as this object.
    const char* lasting(const std::string& text);

    const PeerSettings settings_;
    std::mutex mutex_;  // guards the flags and the texts
    std::condition_variable changed_;
    bool drained_ = false;
    bool closed_ = false;
    std::deque<std::string> texts_;

    // The loop's own.
    RoleTransport transport_;
    std::unique_ptr<roles::Peer> role_;
};

}  // namespace p2c2r::capi
