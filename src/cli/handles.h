// Owning forms of the library's handles. A runtime outlives its roles: declare it first.
#pragma once

#include <memory>

#include "p2c2r/p2c2r.h"

namespace p2c2r::cli {

namespace deleters {
struct Runtime {
    void operator()(p2c2r_runtime* runtime) const { p2c2r_runtime_destroy(runtime); }
};
struct Client {
    void operator()(p2c2r_client* client) const { p2c2r_client_destroy(client); }
};
struct Peer {
    void operator()(p2c2r_peer* peer) const { p2c2r_peer_destroy(peer); }
};
struct Coordinator {
    void operator()(p2c2r_coordinator* it) const { p2c2r_coordinator_destroy(it); }
};
struct TaskResult {
    void operator()(const p2c2r_result* result) const { p2c2r_result_release(result); }
};
}  // namespace deleters

using RuntimeHandle = std::unique_ptr<p2c2r_runtime, deleters::Runtime>;
using ClientHandle = std::unique_ptr<p2c2r_client, deleters::Client>;
using PeerHandle = std::unique_ptr<p2c2r_peer, deleters::Peer>;
using CoordinatorHandle = std::unique_ptr<p2c2r_coordinator, deleters::Coordinator>;
using ResultHandle = std::unique_ptr<p2c2r_result, deleters::TaskResult>;

}  // namespace p2c2r::cli
