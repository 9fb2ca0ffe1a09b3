// Placing tasks whose data is a content: peers that are believed to hold it are spared its way.
#include <algorithm>

#include "sched/scheduler.h"

namespace p2c2r::sched {

namespace {

// Of a link that no large input has shown yet: 100 Mbit/s.
constexpr double kBytesPerUsUsual = 12.5;

}  // namespace

void Scheduler::content_known(uint64_t task, uint64_t content) {
    P2C2R_CHECK(contents_ != nullptr);
    if (TaskRecord* record = tasks_.find(task)) record->content = content;
}

uint64_t Scheduler::lacking(const TaskRecord& record, uint64_t peer) const {
    for (const ContentStore::Holder& holder : contents_->peers(record.content)) {
        if (holder.peer == peer && holder.has_it) return 0;
    }
    return contents_->bytes(record.content).size();
}

void Scheduler::content_lacking(uint64_t task, uint64_t peer, uint64_t now_us) {
    answer_continues(task, peer, now_us);
}

// `choice` is who would be done first if the content lay everywhere. Its way there is part of the
// time; holders are few, and each of them is looked at. Where it is on its way already it is as
// good as there: nobody else has to wait for less.
void Scheduler::prefer_holders(const TaskRecord& record, PeerTable::Choice& choice,
                               uint64_t now_us) {
    const uint64_t size = contents_->bytes(record.content).size();
    const std::span<const ContentStore::Holder> holders = contents_->peers(record.content);
    if (choice.peer == 0 ||
        std::any_of(holders.begin(), holders.end(), [&](const ContentStore::Holder& holder) {
            return holder.peer == choice.peer;
        })) {
        return;
    }
    const double rate = peers_.find(choice.peer)->bytes_per_us;
    choice.finish_us +=
        static_cast<uint64_t>(static_cast<double>(size) / (rate > 0 ? rate : kBytesPerUsUsual));
    for (const auto& [holder, has_it] : holders) {
        PeerRecord* peer = peers_.find(holder);
        if (!peer || !peer->is_within(record.reach) || !peer->takes(record.bytes)) continue;
        if (!peers_.learned(*peer, record.type)) continue;
        const uint64_t* const tried_end = record.tried + record.tried_count;
        if (std::find(record.tried, tried_end, holder) != tried_end) continue;
        const uint64_t finish_us = peers_.finish_us(*peer, record.type, now_us);
        if (finish_us > choice.finish_us) continue;
        choice.peer = holder;
        choice.finish_us = finish_us;
        choice.free_slot = peer->held < peer->slots;
    }
}

}  // namespace p2c2r::sched
