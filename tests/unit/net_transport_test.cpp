// The TCP transport: connections, frames, the end of connections.
#include "unit/net_support.h"

#include <cstring>

using namespace p2c2r;
using namespace p2c2r::test;

TEST_CASE("two ends exchange frames over loopback") {
    auto loop = new_loop();
    TcpPair pair(*loop);
    const auto envelope = pattern(20, 1);
    const auto params = pattern(33, 2);
    for (const size_t size : {0u, 1u, 64u, 255u, 256u, 4095u, 4096u, 65535u, 65536u, 262000u}) {
        CAPTURE(size);
        pair.server.frames.clear();
        const auto data = pattern(size, size);
        pair.client.connection->send(wire::Message::kTaskSubmit, 2, 77, envelope,
                                     Bytes::copy(params), Bytes::copy(data));
        REQUIRE(turn_until(*loop, [&] { return !pair.server.frames.empty(); }));
        const SeenFrame& seen = pair.server.frames.front();
        CHECK(seen.message == wire::Message::kTaskSubmit);
        CHECK(seen.flags == 2);
        CHECK(seen.id == 77);
        CHECK(seen.envelope == envelope);
        CHECK(seen.params == params);
        CHECK(seen.data == data);
    }
}
