// Connections that do not read, or send what they have begun too slowly.
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
// A frame that has begun may take its time, and then comes at 64 KiB a second.
constexpr uint64_t kFrameGraceUs = 2'000'000;
constexpr uint64_t kFrameBytesPerSecond = 64 * 1024;

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
        // It may have said, and sent, what has not been listened to.
        (*held)->heard_us = (*held)->read_since_us = loop_.turn_us();
        (*held)->connection->pause_reading(false);
    }
}

static bool is_too_slow(const net::PartialFrame& partial, uint64_t read_since_us, uint64_t now_us) {
    if (partial.size == 0) return false;
    // It may have begun in this very turn, after the turn did.
    const uint64_t since_us = std::max(partial.since_us, read_since_us);
    if (now_us <= since_us + kFrameGraceUs) return false;
    const uint64_t age = now_us - since_us;
    return partial.received < (age - kFrameGraceUs) * kFrameBytesPerSecond / 1'000'000;
}

void Coordinator::Impl::check_pace(Session& session, uint64_t now_us) {
    const bool is_gamer = session.phase == Session::Phase::kGamer;
    const char* why = nullptr;
    if (session.held_by == 0 &&
        is_too_slow(session.connection->partial_frame(), session.read_since_us, now_us)) {
        why = "a frame has begun, and less than 64 KiB a second of it come";
    } else if (is_gamer ? is_stuck(session, now_us) : is_full(session, now_us)) {
        why = is_gamer ? "results wait to be read, and less than 64 KiB a second are"
                       : "tasks wait to be read, and less than 64 KiB a second are";
    }
    if (!why) return;
    ++stats_.slow_connections;
    end_session(session, Status::kLimit, why);
}

// A peer has so much to read as a gamer may have, and does not read it.
bool Coordinator::Impl::is_full(Session& peer, uint64_t now_us) {
    const uint64_t taken = peer.connection->bytes_out();
    const bool goes_on = taken - peer.full_taken >= kStuckBytes;
    if (peer.behind() < kBehindMark) {
        peer.full_since_us = 0;
    } else if (peer.full_since_us == 0 || goes_on) {
        peer.full_since_us = now_us;
        peer.full_taken = taken;
    }
    return peer.full_since_us != 0 && now_us - peer.full_since_us >= kStuckUs;
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
