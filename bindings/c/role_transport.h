// How a client or peer reaches its coordinator: by socket, or inside the process, and through a
// fake bad network where a developer asked for one.
#pragma once

#include <memory>

#include "bindings/c/coordinator_port.h"
#include "bindings/c/runtime_state.h"
#include "net/fake_network.h"
#include "net/local_transport.h"

namespace p2c2r::capi {

// Loop thread only. The role that uses it must be gone before reset().
class RoleTransport {
  public:
    net::Transport& open(RuntimeState& runtime, const std::shared_ptr<CoordinatorPort>& local,
                         const net::FakeNetwork& fake) {
        net::Transport* transport = &runtime.transport();
        if (local) {
            local_ = std::make_unique<net::LocalTransport>(
                runtime.loop(), [port = local](std::unique_ptr<net::Connection> end) {
                    port->accept(std::move(end));
                });
            transport = local_.get();
        }
        if (fake.is_any()) {
            fake_ = net::make_fake_transport(runtime.loop(), *transport, fake, runtime.fork_prng());
            transport = fake_.get();
        }
        return *transport;
    }
    void reset() {
        fake_.reset();
        local_.reset();
    }

  private:
    std::unique_ptr<net::Transport> local_;
    std::unique_ptr<net::Transport> fake_;
};

}  // namespace p2c2r::capi
