// Connections inside one process: frames go from end to end as they are, without a socket and
// without being copied. Both ends live on the same loop.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "net/loop.h"
#include "net/transport.h"

namespace p2c2r::net {

// Two connected ends. Frames arrive in a later turn, in order.
std::pair<std::unique_ptr<Connection>, std::unique_ptr<Connection>> make_local_pair(Loop& loop);

// connect() hands the far end to `accept` (a coordinator's); host, port and TLS are ignored.
// listen() is kUnsupported.
class LocalTransport : public Transport {
  public:
    LocalTransport(Loop& loop, Accept accept) : loop_(loop), accept_(std::move(accept)) {}
    Result<std::unique_ptr<Listener>> listen(const std::string& address, uint32_t port,
                                             Accept accept,
                                             std::shared_ptr<TlsContext> tls) override;
    std::unique_ptr<Attempt> connect(const std::string& host, uint32_t port, uint64_t timeout_us,
                                     Connected connected, std::shared_ptr<TlsContext> tls) override;

  private:
    Loop& loop_;
    Accept accept_;
};

}  // namespace p2c2r::net
