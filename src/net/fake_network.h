// A bad network for a developer who has none at hand: a Transport whose connections are slower,
// later and less even than they really are. Delays are put on whole frames, in order as on a
// stream; nothing is lost for good, since a stream sends again what the network loses. Loop thread
// only.
#pragma once

#include <cstdint>
#include <memory>

#include "core/prng.h"
#include "net/loop.h"
#include "net/transport.h"

namespace p2c2r::net {

struct FakeNetwork {
    uint64_t lag_us = 0;      // added one way
    uint64_t jitter_us = 0;   // up to so much more, evenly
    double loss = 0;          // of packets, 0 up to 1
    uint64_t up_bytes_s = 0;  // what the line takes; 0: no limit
    uint64_t down_bytes_s = 0;

    [[nodiscard]] bool is_any() const {
        return lag_us != 0 || jitter_us != 0 || loss > 0 || up_bytes_s != 0 || down_bytes_s != 0;
    }
};

// One direction of a line: when what is sent now is there.
class FakeLine {
  public:
    static constexpr size_t kPacketSize = 1448;         // payload of a TCP segment
    static constexpr uint64_t kRetransmitUs = 200'000;  // until a lost packet is sent again
    // What `network` says holds for what is sent from then on; `bytes_s` is its field for this
    // direction.
    FakeLine(std::shared_ptr<const FakeNetwork> network, uint64_t FakeNetwork::*bytes_s,
             Prng random);
    // Never before an earlier frame.
    uint64_t arrival_us(uint64_t now_us, size_t size);

  private:
    const std::shared_ptr<const FakeNetwork> network_;
    uint64_t FakeNetwork::*const bytes_s_;
    Prng random_;
    uint64_t free_us_ = 0;  // when the line has taken what was sent
    uint64_t last_us_ = 0;
};

// Connections made and accepted through it are delayed; it must outlive its attempts, and `inner`
// it and them. Frames are copied once each way. What arrives is kept here until it is due, however
// much that is. What was sent before close() goes out at once.
std::unique_ptr<Transport> make_fake_transport(Loop& loop, Transport& inner,
                                               const FakeNetwork& network, Prng random);
// The same with a network that changes, on the loop.
std::unique_ptr<Transport> make_fake_transport(Loop& loop, Transport& inner,
                                               std::shared_ptr<const FakeNetwork> network,
                                               Prng random);

}  // namespace p2c2r::net
