// Tells when a socket is readable or writable. The libuv handle lives on its own, so that a watch
// can be closed and destroyed at any time, also inside its own event.
#pragma once

#include "core/status.h"
#include "net/socket.h"
#include "net/uv_loop.h"

namespace p2c2r::net {

class WatchEvents {
  public:
    // An error or the end of the connection makes it ready for both, whatever was asked for.
    // Called from C code: nothing may be thrown.
    virtual void on_ready(bool readable, bool writable) noexcept = 0;

  protected:
    ~WatchEvents() = default;
};

class SocketWatch {
  public:
    SocketWatch() = default;
    SocketWatch(const SocketWatch&) = delete;
    SocketWatch& operator=(const SocketWatch&) = delete;
    ~SocketWatch() { close(); }

    // `events` must outlive the watch. False: the system refused, or memory is short.
    [[nodiscard]] bool open(UvLoop& loop, const Socket& socket, WatchEvents& events);
    // What to wait for from now on.
    void want(bool readable, bool writable);
    // No further event. MUST come before the socket is closed.
    void close();
    [[nodiscard]] bool is_open() const { return node_ != nullptr; }

  private:
    struct Node;
    Node* node_ = nullptr;
};

}  // namespace p2c2r::net
