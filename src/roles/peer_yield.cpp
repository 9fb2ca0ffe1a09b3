// A peer that gives way: its owner wants the machine, it is paused, or it leaves. What it has not
// begun, and what it is not to finish, goes back to the coordinator at once.
#include "roles/peer_impl.h"

namespace p2c2r::roles {

std::string Peer::Impl::why_not() const {
    if (paused_) return "this peer is paused";
    if (draining_) return "this peer is leaving";
    return owner_->decision().why;
}

// The word for the coordinator goes first: what is handed back shall go to others.
void Peer::Impl::tell_window() {
    if (takes() != told_takes_ || why_not() != told_why_) {
        told_takes_ = takes();
        told_why_ = why_not();
        events_.on_peer_accepts(told_takes_, told_why_);
    }
    if (!link_ || !link_->ready()) return;
    wire::Heartbeat beat;
    beat.timestamp_ms = loop_.unix_ms();
    fill_heartbeat(beat);
    encode(beat, envelope_);
    link_->connection().send_copy(wire::Message::kHeartbeat, 0, 0, envelope_.span(), {}, {});
}

// A task that runs is taken back from its executor, which still has to stop; until then its slot
// is taken.
void Peer::Impl::hand_back(uint64_t slot) {
    Job& job = *jobs_.find(slot);
    if (link_->ready()) refuse(job);
    if (job.state != Job::State::kRunning) return forget(slot);
    ++stats_.handed_back;
    assembler_.drop(job.id);
    slots_.erase(job.id);
    job.id = 0;
    runner_.cancel(job.runner_job);
}

void Peer::Impl::stop_taking(bool started_too) {
    tell_window();
    for (uint64_t id : slots_.sorted_keys()) {
        uint64_t slot = 0;
        const Job* job = find(id, &slot);
        if (job && (started_too || job->state != Job::State::kRunning)) hand_back(slot);
    }
    waiting_.clear();
    check_drained();
}

void Peer::Impl::owner_changed() {
    const owner::Decision& decision = owner_->decision();
    log_.format(LogLevel::kInfo, "roles", "%s%s%s", decision.accepts ? "helps" : "does not help",
                decision.why.empty() ? "" : ": ", decision.why.c_str());
    if (decision.accepts) return tell_window();
    stop_taking(decision.work == owner::Work::kHandBack);
}

void Peer::Impl::pause() {
    if (paused_) return;
    paused_ = true;
    owner_->hold(true);
    stop_taking(true);
}

void Peer::Impl::resume() {
    if (!paused_ && !draining_) return;
    paused_ = draining_ = false;
    drained_ = nullptr;
    owner_->hold(false);
    tell_window();
}

void Peer::Impl::check_drained() {
    if (!drained_ || running_ > 0 || !out_.idle()) return;
    if (link_->ready() && link_->connection().queued_bytes() > net::kSendLowMark) return;
    const std::function<void()> drained = std::exchange(drained_, nullptr);
    drained();
}

}  // namespace p2c2r::roles
