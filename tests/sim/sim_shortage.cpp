// Memory that runs short while a host takes up a message. The sockets' rule: whoever throws loses
// the connection, and nothing else.
#include <new>

#include "sim/short_memory.h"
#include "sim/sim_network.h"

namespace p2c2r::sim {

void Network::hand_over(uint64_t pipe, uint32_t side, const wire::Frame& frame) {
    End& end = find(pipe)->ends[side];
    if (!hosts_[end.host].runs_short || !short_prng_.chance(short_chance_)) {
        return end.events->on_frame(*end.handle, frame);
    }
    // Most messages need only a few allocations.
    const uint64_t nth = 1 + short_prng_.below(1ull << (1 + short_prng_.below(5)));
    bool is_lost = false;
    bool was_felt = false;
    {
        const ShortMemory memory(nth);
        try {
            end.events->on_frame(*end.handle, frame);
        } catch (const std::bad_alloc&) {
            is_lost = true;
        }
        was_felt = memory.was_felt();
    }
    if (!was_felt) return;
    coverage_.hit(Sometimes::kMemoryShort);
    if (observer_) observer_->on_memory_short(end.host);
    if (!is_lost || !end.open || !end.events) return;
    coverage_.hit(Sometimes::kMemoryLost);
    find(pipe)->streams[side].fin_asked = true;
    mark_dirty(pipe, side);
    end.open = false;
    end_gone(pipe, side);
    end.events->on_closed(*end.handle, Status::kMemory, "memory is short");
}

}  // namespace p2c2r::sim
