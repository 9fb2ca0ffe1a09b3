// The libuv form of Transport: TCP, one write a turn and connection, reads into shared counted
// blocks (read_blocks.h, frame_reader.h, send_queue.h).
#pragma once

#include <functional>
#include <memory>

#include "net/transport.h"
#include "net/uv_loop.h"

namespace p2c2r::net {

struct UvTransportOptions {
    // Where received payloads are put; must outlive the last Bytes of them. NULL: the heap.
    const MemoryHook* memory = nullptr;
    // Congestion control that does not pace, for listeners and for links on this machine and in
    // private networks.
    bool unpaced_when_near = true;
    // Called at both ends of the thread that looks names up, on it. May be empty.
    std::function<void(const char* name, bool starts)> thread_hook;
};

// The loop must outlive it; connections, listeners and attempts MUST be destroyed before it. What
// was sent and then closed is written out, as far as the system takes it, when it is destroyed.
// Names are looked up on a thread that is started when needed and joined then.
std::unique_ptr<Transport> make_uv_transport(UvLoop& loop, UvTransportOptions options);
std::unique_ptr<Transport> make_uv_transport(UvLoop& loop, const MemoryHook* hook);

}  // namespace p2c2r::net
