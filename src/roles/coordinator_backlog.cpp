// Connections that do not read, or send what they have begun too slowly.
//
// Results are passed on as they come, so a gamer that reads more slowly than its peers answer would
// have them pile up here. Above a mark none of its tasks is placed any more, and nothing is read
// from it until half of that is left: what peers compute for it already is all that can still come,
// and others have these peers meanwhile.
//
// Only when that fills the memory of all it is the peers that wait: those that bring more are not
// read from as long as that lasts, and the mark is a small one, or many who read slowly would each
// have its part of what is not there. It costs everybody who has tasks there: where it lasts for
// two looks, and others wait for them, the connection for which most waits is closed, and at each
// look another one until there is room again. Nobody blames such a peer for answers that lie
// unread.
//
// Whoever asks for what piles up is not read from either, whatever it is: a peer that calls and
// does not read the answers asks nothing more until it has. What it was given to compute is another
// matter: its results are wanted however much it has still to read.
#include <algorithm>

#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

namespace {

// Until so little waits nothing more is read for who was behind.
constexpr uint64_t kBehindLow = kBehindMark / 2;
constexpr uint64_t kBehindLowFull = kBehindMarkFull / 2;
// A connection says that it can be written to when next to nothing waits in it. That is late for
// who reads on steadily.
constexpr uint64_t kBehindLookUs = 10'000;
// All that waits is looked at when it has grown by so much of the memory.
constexpr uint64_t kLooksOfMemory = 16;
// One payload of any size, and as much again as the marks leave room for.
constexpr uint64_t kBehindMax = limits::kPayloadSizeMax + 2 * kBehindMark;
// Who is behind takes at least 64 KiB a second, or is closed.
constexpr uint64_t kStuckUs = 5'000'000;
constexpr uint64_t kStuckBytes = 5 * 64 * 1024;
// A frame that has begun may take its time, and then comes at 64 KiB a second.
constexpr uint64_t kFrameGraceUs = 2'000'000;
constexpr uint64_t kFrameBytesPerSecond = 64 * 1024;
// Not everything that makes room for what peers bring is told at once.
constexpr uint64_t kStoppedLookUs = 10'000;

}  // namespace

void Coordinator::Impl::push_back(Session& session, Session* from) {
    using Phase = Session::Phase;
    if (session.phase != Phase::kGamer && session.phase != Phase::kPeer) return;
    const uint64_t behind = session.behind();
    if (behind < behind_mark()) return;
    if (behind > kBehindMax) {
        return end_session(
            session, Status::kLimit,
            "more than " + std::to_string(kBehindMax >> 20) + " MiB of results wait to be read");
    }
    if (session.behind_since_us == 0) {
        if (std::find(behind_.begin(), behind_.end(), session.id) == behind_.end()) {
            behind_.push_back(session.id);
        }
        loop_.arm(behind_timer_, loop_.turn_us() + kBehindLookUs);
        session.connection->pause_reading(true);
        session.behind_since_us = loop_.turn_us();
        session.behind_taken = session.connection->bytes_out();
        if (Gamer* gamer = gamers_.find(session.gamer)) hold_tasks(*gamer);
    }
    if (from && is_memory_full()) stop_reading(*from);
}

void Coordinator::Impl::has_read(Session& session) {
    perhaps_caught_up(session);
    if (!stopped_.empty() || !here_waits_.empty()) request_turn_end();
}

void Coordinator::Impl::perhaps_caught_up(Session& session) {
    if (session.behind() <= (is_memory_full() ? kBehindLowFull : kBehindLow)) caught_up(session);
}

void Coordinator::Impl::look_at_behind() {
    std::erase_if(behind_, [this](uint64_t id) {
        std::unique_ptr<Session>* const session = sessions_.find(id);
        if (!session || !*session) return true;
        perhaps_caught_up(**session);
        return (*session)->behind_since_us == 0;
    });
    if (!behind_.empty()) loop_.arm(behind_timer_, loop_.turn_us() + kBehindLookUs);
    request_turn_end();
}

void Coordinator::Impl::caught_up(Session& session) {
    if (std::exchange(session.behind_since_us, 0) == 0) return;
    session.looks_behind = 0;
    if (Gamer* gamer = gamers_.find(session.gamer)) place_tasks(*gamer);
    read_again(session, loop_.turn_us());
}

void Coordinator::Impl::read_again(Session& session, uint64_t now_us) {
    if (session.phase == Session::Phase::kClosed || !session.is_read_from()) return;
    // It may have said, and sent, what has not been listened to.
    session.heard_us = session.read_since_us = now_us;
    session.connection->pause_reading(false);
}

// ---- its tasks ---------------------------------------------------------------------------------

void Coordinator::Impl::hold_tasks(Gamer& gamer) {
    gamer.behind = true;
    for (const uint64_t client_task : gamer.tasks.sorted_keys()) {
        const uint64_t task = *gamer.tasks.find(client_task);
        if (!relay(task).flies || !scheduler_.hold(task)) continue;
        relay(task).flies = false;
        gamer.share->landed();
        fly_next(*gamer.share);
    }
}

void Coordinator::Impl::place_tasks(Gamer& gamer) noexcept {
    if (!gamer.behind) return;
    try {
        const std::vector<uint64_t> keys = gamer.tasks.sorted_keys();
        gamer.behind = false;
        for (const uint64_t client_task : keys) {
            const uint64_t task = *gamer.tasks.find(client_task);
            const Relay& held = relay(task);
            if (!held.flies && held.waits_for == 0 && waits_for_its_turn(task)) wait(gamer, task);
        }
        while (fly_next(*gamer.share)) {
        }
    } catch (const std::bad_alloc&) {
        gamer.behind = true;  // until the next look at all
    }
}

// ---- the peers, while memory is full -----------------------------------------------------------

void Coordinator::Impl::stop_reading(Session& peer) {
    was_full_ = true;
    if (peer.phase != Session::Phase::kPeer || peer.stopped) return;
    stopped_.push_back(peer.id);
    loop_.arm(stopped_timer_, loop_.turn_us() + kStoppedLookUs);
    peer.connection->pause_reading(true);
    peer.stopped = true;
    scheduler_.peer_unread(peer.peer, true, loop_.turn_us());
}

void Coordinator::Impl::look_at_stopped() {
    loop_.arm(stopped_timer_, loop_.turn_us() + kStoppedLookUs);
    request_turn_end();
}

void Coordinator::Impl::perhaps_read_peers() {
    if (is_memory_full()) return;
    loop_.disarm(stopped_timer_);
    for (const uint64_t id : std::exchange(stopped_, {})) {
        std::unique_ptr<Session>* found = sessions_.find(id);
        if (!found || !*found || !std::exchange((*found)->stopped, false)) continue;
        scheduler_.peer_unread((*found)->peer, false, loop_.turn_us());
        read_again(**found, loop_.turn_us());
    }
}

bool Coordinator::Impl::do_others_wait(uint64_t gamer) {
    if (scheduler_.queued() > 0) return true;  // those of who is behind are held
    return std::any_of(stopped_.begin(), stopped_.end(), [&](uint64_t id) {
        std::unique_ptr<Session>* peer = sessions_.find(id);
        const sched::PeerRecord* record =
            peer && *peer ? scheduler_.peers().find((*peer)->peer) : nullptr;
        return record && std::any_of(record->leases.begin(), record->leases.end(),
                                     [&](uint64_t task) { return relay(task).gamer != gamer; });
    });
}

void Coordinator::Impl::close_most_behind() {
    full_scans_ = std::exchange(was_full_, !stopped_.empty()) ? full_scans_ + 1 : 0;
    Session* most = nullptr;
    sessions_.for_each([&](uint64_t, std::unique_ptr<Session>& session) {
        // Who has more to read for a moment reads it.
        if (session->behind_since_us == 0 || ++session->looks_behind < 2) return;
        if (!most || session->behind() > most->behind()) most = session.get();
    });
    if (full_scans_ < 2 || !most || !do_others_wait(most->gamer)) return;
    ++stats_.closed_for_memory;
    end_session(*most, Status::kLimit,
                "the coordinator's memory is full, and of all results those of this connection "
                "that wait to be read take most of it");
}

// ------------------------------------------------------------------------------------------------

void Coordinator::Impl::look_who_is_behind() {
    look_at_bytes_ = delivering_bytes_ + queued_bytes_ +
                     std::min(kBehindMark, options_.memory_max / kLooksOfMemory);
    std::vector<uint64_t> behind;
    sessions_.for_each([&](uint64_t id, std::unique_ptr<Session>& session) {
        if (session->behind_since_us == 0 && session->waiting() >= behind_mark()) {
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
    if (session.is_read_from() &&
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
