// Peers that fall silent. No socket tells of a machine that is gone without a word: a peer that has
// work says something every 10 ms, and one from which nothing comes any more is suspect first and
// counts as dead then, 30 to 45 ms after its last sign (sched/gap_estimate.h). What follows from
// that the scheduler decides (sched/scheduler_copies.cpp); the connection stays as it is, and the
// next byte that comes over it makes all of that undone.
//
// Silence says something only where a sign was due:
//   - Only of peers that say they beat, and only while they have work. An order takes its way, and
//     so does the first sign after it: that is due a round trip and an interval after the order.
//   - Any byte is a sign: of a large result that takes long nothing else comes.
//   - While this loop does not turn, or a connection is not read from, nothing that came was seen.
#include <algorithm>

#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

namespace {

// So that what is late is seen soon after, at little cost.
constexpr uint64_t kLookUs = 4'000;
// A look that comes so much too late shows that this loop was not turning.
constexpr uint64_t kStallUs = 5'000;
// Of a line whose rate is not known: 8 Mbit/s.
constexpr double kBytesPerUsLeast = 1;
// The longest gap in so much time is what the average learns of: one of four on an even line.
constexpr uint64_t kGapWindowUs = 40'000;
constexpr uint64_t kBytesSlow = 64 * 1024;  // what takes its time on the way

}  // namespace

// Frames are not looked at one by one: of those between two looks the last one counts.
void Coordinator::Impl::note_gap(Session& session, uint64_t now_us) {
    Pulse& pulse = session.pulse;
    const uint64_t heard_us = std::max(session.heard_us, pulse.seen_us);
    const uint64_t before_us = std::exchange(pulse.seen_us, heard_us);
    pulse.longest_us = std::max(pulse.longest_us, heard_us - before_us);
    if (now_us - pulse.window_us < kGapWindowUs || heard_us == before_us) return;
    pulse.gap.add(std::exchange(pulse.longest_us, 0));
    pulse.window_us = now_us;
}

// It has been given something.
void Coordinator::Impl::watch(Session& session) {
    Pulse& pulse = session.pulse;
    const uint64_t waiting = session.out.waiting_bytes();
    pulse.ahead_bytes = waiting > 0 ? waiting + session.connection->queued_bytes() : 0;
    if (session.watched) return;
    if (watched_.empty()) {
        pulse_looked_us_ = loop_.turn_us();
        look_due_us_ = pulse_looked_us_ + kLookUs;
        loop_.arm(pulse_timer_, look_due_us_);
    }
    watched_.push_back(session.id);
    session.watched = true;
    pulse.seen_us = pulse.window_us = loop_.turn_us();
    pulse.longest_us = 0;
    pulse.bytes = session.connection->bytes_in();
}

void Coordinator::Impl::look_at_pulses() {
    const uint64_t now = loop_.turn_us();
    const bool stalled = now > look_due_us_ + kStallUs;
    const uint64_t looked_us = std::exchange(pulse_looked_us_, now);
    look_due_us_ = now + kLookUs;
    loop_.arm(pulse_timer_, look_due_us_);
    std::erase_if(watched_, [&](uint64_t id) {
        std::unique_ptr<Session>* const found = sessions_.find(id);
        if (!found || !*found) return true;
        Session& session = **found;
        Pulse& pulse = session.pulse;
        const uint64_t bytes = session.connection->bytes_in();
        const bool has_come = std::exchange(pulse.bytes, bytes) != bytes;
        note_gap(session, now);
        if (has_come && session.heard_us < looked_us) {  // and no whole frame
            pulse.excused_us = now;
            if (session.silence != sched::Silence::kHeard) speaks_again(session);
        }
        if (stalled || !session.is_read_from()) pulse.excused_us = now;
        if (session.waiting() == 0) pulse.ahead_bytes = 0;
        const uint64_t sign_us = std::max(session.heard_us, pulse.excused_us);
        // The usual case.
        if (now < sign_us + sched::GapEstimate::kSuspectLeastUs) return false;
        const sched::PeerRecord* const record = scheduler_.peers().find(session.peer);
        if (record && record->held > 0) {
            judge(session, *record, std::max(sign_us, sign_from_us(session, *record)), now);
            return false;
        }
        session.watched = false;
        return true;
    });
    if (watched_.empty()) loop_.disarm(pulse_timer_);
    if (!actions_.empty()) settle();
}

void Coordinator::Impl::judge(Session& session, const sched::PeerRecord& record, uint64_t since_us,
                              uint64_t now_us) {
    using sched::Silence;
    Pulse& pulse = session.pulse;
    const uint64_t silent_us = now_us - std::min(now_us, since_us);
    Silence silence = session.silence;
    if (silent_us >= pulse.gap.dead_us()) {
        silence = Silence::kDead;
    } else if (silent_us >= pulse.gap.suspect_us() && silence == Silence::kHeard) {
        silence = Silence::kSuspect;
    }
    if (silence == session.silence) return;
    session.silence = silence;
    scheduler_.peer_silent(session.peer, silence, now_us, actions_);
    request_turn_end();
    if (silence == Silence::kDead) {
        log_.format(
            LogLevel::kInfo, kPeersRoom,
            "peer %s has been silent for %llu ms with %zu tasks: these go elsewhere as well",
            record.peer_id.c_str(), static_cast<unsigned long long>(silent_us / 1000),
            record.leases.size());
    }
}

// From when on it certainly has something to do, as far as its signs can be here by then: a round
// trip after the oldest order that it has not answered.
uint64_t Coordinator::Impl::sign_from_us(const Session& session,
                                         const sched::PeerRecord& record) const {
    uint64_t oldest_us = UINT64_MAX;
    uint64_t bytes = 0;
    for (const uint64_t task : record.leases) {
        const sched::Attempt* const run = scheduler_.attempt_at(task, session.peer);
        if (!run || run->placed_us >= oldest_us) continue;
        oldest_us = run->placed_us;
        bytes = scheduler_.find(task)->bytes;
    }
    for (const sched::Abandoned& abandoned : record.abandoned) {
        if (abandoned.placed_us >= oldest_us) continue;
        oldest_us = abandoned.placed_us;
        bytes = abandoned.bytes;
    }
    if (oldest_us == UINT64_MAX) return oldest_us;
    const double round_us =
        record.link_us > 0 ? record.link_us : static_cast<double>(session.pulse.greeting_us);
    const uint64_t ahead = session.pulse.ahead_bytes + (bytes >= kBytesSlow ? bytes : 0);
    const double way_us =
        static_cast<double>(ahead) / std::max(kBytesPerUsLeast, record.bytes_per_us);
    return oldest_us + static_cast<uint64_t>(round_us + way_us);
}

void Coordinator::Impl::speaks_again(Session& session) {
    session.silence = sched::Silence::kHeard;
    scheduler_.peer_silent(session.peer, sched::Silence::kHeard, loop_.turn_us(), actions_);
    request_turn_end();
}

}  // namespace p2c2r::roles
