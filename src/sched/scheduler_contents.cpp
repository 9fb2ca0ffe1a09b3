// Tasks whose data is a content: what is known of where it lies, and what its way there took.
// Whom it makes the better peer is in peer_choice.cpp.
#include <algorithm>

#include "sched/scheduler.h"

namespace p2c2r::sched {

void Scheduler::content_known(uint64_t task, uint64_t content) {
    P2C2R_CHECK(contents_ != nullptr);
    if (TaskRecord* record = tasks_.find(task)) record->content = content;
}

uint64_t Scheduler::lacking(const TaskRecord& record, uint64_t peer) const {
    for (const ContentStore::Holder& holder : contents_->peers(record.content)) {
        if (holder.peer == peer && holder.has_it()) return 0;
    }
    return contents_->bytes(record.content).size();
}

// From here on it is as good as on its way there: the next task of it need not bring it to a third.
void Scheduler::bring_content(const TaskRecord& record, const PeerRecord& peer,
                              uint64_t there_us) noexcept {
    if (contents_->bytes(record.content).size() > peer.content_bytes) return;
    contents_->note_coming(record.content, peer.id, there_us);
}

// Whatever was believed of it.
void Scheduler::content_lacking(uint64_t task, uint64_t peer, uint64_t now_us) {
    TaskRecord* record = tasks_.find(task);
    if (!record || record->state != TaskRecord::State::kLeased) return;
    Attempt* const run = attempt_at(task, *record, peer);
    if (!run) return;
    run->lacked_data = run->asked_data = 1;
    const uint64_t size = contents_->bytes(record->content).size();
    contents_->note_coming(record->content, peer,
                           now_us + PeerTable::way_us(*peers_.find(peer), size));
    renew_lease(task, *record, *run, now_us);
}

// The way of its data is the line's, and nothing that a task of the type takes: it is learned
// apart. Behind other work nobody could tell it from that.
uint64_t Scheduler::round_without_data(const TaskRecord& record, const Attempt& run,
                                       PeerRecord& peer, uint64_t compute_us, uint64_t round_us) {
    const double own = static_cast<double>(std::min(compute_us, round_us)) + peer.link_us;
    const double way = static_cast<double>(round_us) - own;
    if (way <= 0) return round_us;
    if (run.asked_data && run.ahead_us < way / 4) {
        PeerTable::content_came(peer, contents_->bytes(record.content).size(), way);
    }
    return static_cast<uint64_t>(own);
}

}  // namespace p2c2r::sched
