// The libuv form of Transport: TCP, one write a turn and connection, reads into shared counted
// blocks.
#pragma once

#include <memory>

#include "net/transport.h"
#include "net/uv_loop.h"

namespace p2c2r::net {

// The loop must outlive it. Names are looked up on a thread that is joined when this is destroyed.
std::unique_ptr<Transport> make_uv_transport(UvLoop& loop, const MemoryHook* hook);

}  // namespace p2c2r::net
