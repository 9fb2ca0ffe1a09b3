// Connections that do not read, or send what they have begun too slowly.
//
// Results are passed on as they come, so a gamer that reads more slowly than its peers answer would
// have them pile up here. Above a mark it is the peers that wait: they are not read from, as if the
// link to them were as slow as the gamer's. That costs others who have tasks there, so it lasts
// only while the gamer goes on reading, and for a task never longer than its deadline.
//
// Whoever asks for what piles up is not read from either, whatever it is: a peer that calls and
// does not read the answers asks nothing more until it has. What it was given to compute is another
// matter: its results are wanted however much it has still to read.
#include <algorithm>

#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

namespace {

// Until so little waits nothing more is read for who was behind.
constexpr uint64_t kBehindLow = 2 << 20;
// One payload of any size, and as much again as the marks leave room for.
constexpr uint64_t kBehindMax = limits::kPayloadSizeMax + 2 * kBehindMark;
// Who is behind takes at least 64 KiB a second, or is closed.
constexpr uint64_t kStuckUs = 5'000'000;
constexpr uint64_t kStuckBytes = 5 * 64 * 1024;
// A frame that has begun may take its time, and then comes at 64 KiB a second.
constexpr uint64_t kFrameGraceUs = 2'000'000;
constexpr uint64_t kFrameBytesPerSecond = 64 * 1024;

}  // namespace

void Coordinator::Impl::push_back(Session& session, Session* from) {
    using Phase = Session::Phase;
    if (session.phase != Phase::kGamer && session.phase != Phase::kPeer) return;
    const uint64_t behind = session.behind();
    if (behind < kBehindMark) return;
    if (behind > kBehindMax) {
        return end_session(
            session, Status::kLimit,
            "more than " + std::to_string(kBehindMax >> 20) + " MiB of results wait to be read");
    }
    if (session.behind_since_us == 0) {
        session.behind_since_us = loop_.turn_us();
        session.behind_taken = session.connection->bytes_out();
        hold_back(session, session);
    }
    if (from) hold_back(session, *from);
}

void Coordinator::Impl::hold_back(Session& session, Session& from) {
    if (std::find(session.holds.begin(), session.holds.end(), from.id) != session.holds.end()) {
        return;
    }
    session.holds.push_back(from.id);
    if (from.held_by++ == 0) from.connection->pause_reading(true);
}

void Coordinator::Impl::perhaps_caught_up(Session& session) {
    if (session.behind() <= kBehindLow) release_held(session);
}

void Coordinator::Impl::release_held(Session& session) {
    session.behind_since_us = 0;
    for (uint64_t id : std::exchange(session.holds, {})) {
        std::unique_ptr<Session>* held = sessions_.find(id);
        if (!held || !*held || --(*held)->held_by > 0) continue;
        if ((*held)->phase == Session::Phase::kClosed) continue;
        // It may have said, and sent, what has not been listened to.
        (*held)->heard_us = (*held)->read_since_us = loop_.turn_us();
        (*held)->connection->pause_reading(false);
    }
}

void Coordinator::Impl::look_who_is_behind() {
    look_at_bytes_ = delivering_bytes_ + queued_bytes_ + kBehindMark;
    std::vector<uint64_t> behind;
    sessions_.for_each([&](uint64_t id, std::unique_ptr<Session>& session) {
        if (session->behind_since_us == 0 && session->waiting() >= kBehindMark) {
            behind.push_back(id);
        }
    });
    for (const uint64_t id : behind) {
        if (auto* session = sessions_.find(id)) push_back(**session, nullptr);
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
    const char* why = nullptr;
    if (session.held_by == 0 &&
        is_too_slow(session.connection->partial_frame(), session.read_since_us, now_us)) {
        why = "a frame has begun, and less than 64 KiB a second of it come";
    } else if (is_stuck(session, now_us)) {
        why = "results wait to be read, and less than 64 KiB a second are";
    } else if (session.phase == Session::Phase::kPeer && is_full(session, now_us)) {
        why = "tasks wait to be read, and less than 64 KiB a second are";
    }
    if (!why) return;
    ++stats_.slow_connections;
    end_session(session, Status::kLimit, why);
}

// A peer has so much to read as a gamer may have, and does not read it.
bool Coordinator::Impl::is_full(Session& peer, uint64_t now_us) {
    const uint64_t taken = peer.connection->bytes_out();
    const bool goes_on = taken - peer.full_taken >= kStuckBytes;
    if (peer.waiting() < kBehindMark) {
        peer.full_since_us = 0;
    } else if (peer.full_since_us == 0 || goes_on) {
        peer.full_since_us = now_us;
        peer.full_taken = taken;
    }
    return peer.full_since_us != 0 && now_us - peer.full_since_us >= kStuckUs;
}

bool Coordinator::Impl::is_stuck(Session& session, uint64_t now_us) {
    if (session.behind_since_us == 0) return false;
    perhaps_caught_up(session);
    if (session.behind_since_us == 0) return false;
    const uint64_t taken = session.connection->bytes_out();
    if (taken - session.behind_taken >= kStuckBytes) {
        session.behind_since_us = now_us;
        session.behind_taken = taken;
        return false;
    }
    return now_us - session.behind_since_us >= kStuckUs;
}

}  // namespace p2c2r::roles
