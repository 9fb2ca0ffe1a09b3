// What this process really takes. The budget counts payloads as they are announced; beside them
// there are frames that have begun, blocks that are filled in part, and what other roles hold here.
// With many gamers that is as much again, and nobody has been asked for it.
#include <algorithm>
#include <vector>

#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

namespace {

// The rest of a chunk that nobody wants any more: all are received into the same place.
constexpr size_t kUnwantedMax = limits::kChunkSizeMax;

}  // namespace

bool Coordinator::Impl::find_room_in_process(uint64_t more, int8_t priority, const Share& share) {
    const uint64_t enough = options_.in_use_max / 10 * 9;
    if (in_use_ + more <= enough) return true;
    const uint64_t over = in_use_ + more - enough;
    give_way(budget_bytes() - std::min(budget_bytes(), over));
    shed(share, priority, over);
    in_use_ = options_.in_use();
    return in_use_ + more <= enough;
}

// Once a turn.
void Coordinator::Impl::look_at_process() {
    if (!options_.in_use || looked_us_ == loop_.turn_us()) return;
    looked_us_ = loop_.turn_us();
    in_use_ = options_.in_use();
    if (in_use_ > options_.in_use_max) request_turn_end();
}

// Beyond the limit go those with the most of a frame that is not whole; they come again by
// themselves, with what was pending.
void Coordinator::Impl::close_for_memory() {
    if (!options_.in_use || in_use_ <= options_.in_use_max) return;
    in_use_ = options_.in_use();
    if (in_use_ <= options_.in_use_max) return;
    uint64_t over = in_use_ - options_.in_use_max;
    struct Begun {
        uint64_t bytes;
        uint64_t session;
    };
    std::vector<Begun> begun;
    sessions_.for_each([&](uint64_t id, std::unique_ptr<Session>& session) {
        if (session->phase != Session::Phase::kGamer) return;
        const uint64_t received = session->connection->partial_frame().received;
        if (received >= kWorthALook) begun.push_back({received, id});
    });
    std::sort(begun.begin(), begun.end(), [](const Begun& a, const Begun& b) {
        return a.bytes != b.bytes ? a.bytes > b.bytes : a.session < b.session;
    });
    in_use_ = 0;  // until it is looked at again
    for (const Begun& one : begun) {
        std::unique_ptr<Session>* session = sessions_.find(one.session);
        if (!session || !*session) continue;
        ++stats_.closed_for_memory;
        end_session(
            **session, Status::kBusy,
            "the coordinator's memory is full, and a frame that has begun takes some of it");
        if (one.bytes >= over) break;
        over -= one.bytes;
    }
}

uint8_t* Coordinator::Impl::place_data(const Session& session, wire::Message message, uint64_t id,
                                       size_t size) {
    if (message != wire::Message::kTaskSubmit || session.phase != Session::Phase::kGamer ||
        size > kUnwantedMax) {
        return nullptr;
    }
    Gamer* gamer = gamers_.find(session.gamer);
    if (!gamer || gamer->tasks.find(id)) return nullptr;
    if (!unwanted_) unwanted_.reset(new (std::nothrow) uint8_t[kUnwantedMax]);
    return unwanted_.get();
}

}  // namespace p2c2r::roles
