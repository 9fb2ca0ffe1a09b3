// Gamers that do not read.
//
// Results are passed on as they come, so a gamer that reads more slowly than its peers answer would
// have them pile up here. Above a mark it is the peers that wait: they are not read from, as if the
// link to them were as slow as the gamer's. That costs others who have tasks there, so it lasts
// only while the gamer goes on reading, and for a task never longer than its deadline.
#include <algorithm>

#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

namespace {

// What may wait for a gamer before nothing more is read for it, and until it is read again.
constexpr uint64_t kBehindMark = 4 << 20;
constexpr uint64_t kBehindLow = 2 << 20;
// One payload of any size, and as much again as the marks leave room for.
constexpr uint64_t kBehindMax = limits::kPayloadSizeMax + 2 * kBehindMark;
// A gamer that is behind takes at least 64 KiB a second, or is closed.
constexpr uint64_t kStuckUs = 5'000'000;
constexpr uint64_t kStuckBytes = 5 * 64 * 1024;

}  // namespace

void Coordinator::Impl::push_back(Session& gamer, Session* from) {
    if (gamer.phase != Session::Phase::kGamer) return;
    const uint64_t behind = gamer.behind();
    if (behind < kBehindMark) return;
    if (behind > kBehindMax) {
        return end_session(
            gamer, Status::kLimit,
            "more than " + std::to_string(kBehindMax >> 20) + " MiB of results wait to be read");
    }
    if (gamer.behind_since_us == 0) {
        gamer.behind_since_us = loop_.turn_us();
        gamer.behind_taken = gamer.connection->bytes_out();
        hold_back(gamer, gamer);
    }
    count_queue(gamer, gamer.connection->queued_bytes());
    if (from) hold_back(gamer, *from);
}

void Coordinator::Impl::hold_back(Session& gamer, Session& from) {
    if (std::find(gamer.holds.begin(), gamer.holds.end(), from.id) != gamer.holds.end()) return;
    gamer.holds.push_back(from.id);
    if (from.held_by++ == 0) from.connection->pause_reading(true);
}

void Coordinator::Impl::perhaps_caught_up(Session& gamer) {
    if (gamer.behind() <= kBehindLow) return release_held(gamer);
    count_queue(gamer, gamer.connection->queued_bytes());
}

void Coordinator::Impl::release_held(Session& gamer) {
    gamer.behind_since_us = 0;
    count_queue(gamer, 0);
    for (uint64_t id : std::exchange(gamer.holds, {})) {
        std::unique_ptr<Session>* held = sessions_.find(id);
        if (!held || !*held || --(*held)->held_by > 0) continue;
        if ((*held)->phase == Session::Phase::kClosed) continue;
        (*held)->heard_us = loop_.turn_us();  // it may have said what has not been listened to
        (*held)->connection->pause_reading(false);
    }
}

bool Coordinator::Impl::is_stuck(Session& gamer, uint64_t now_us) {
    if (gamer.behind_since_us == 0) {
        push_back(gamer, nullptr);  // small results count only here
        return false;
    }
    perhaps_caught_up(gamer);
    if (gamer.behind_since_us == 0) return false;
    const uint64_t taken = gamer.connection->bytes_out();
    if (taken - gamer.behind_taken >= kStuckBytes) {
        gamer.behind_since_us = now_us;
        gamer.behind_taken = taken;
        return false;
    }
    return now_us - gamer.behind_since_us >= kStuckUs;
}

}  // namespace p2c2r::roles
