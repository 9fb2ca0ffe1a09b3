// Questions that are asked more than once: the later ones follow the first, and get its answer, or
// one that is known already. Who may share with whom is in sched/answer_cache.h.
#include <algorithm>

#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

namespace {

// Types whose tasks take less than this are computed faster than looking them up is worth.
constexpr double kWorthUs = 200;

}  // namespace

bool Coordinator::Impl::may_share(const wire::TaskSubmit& message, sched::TypeIndex type,
                                  size_t size) const {
    // First what most tasks fail.
    return scheduler_.mean_compute_us(type) >= kWorthUs && answers_.is_on() &&
           !(message.task_flags & (task_flag::kNoCache | task_flag::kResident)) &&
           message.depends_on.empty() && size <= sched::AnswerCache::kQuestionSizeMax;
}

void Coordinator::Impl::answer_known(Session& session, Gamer& gamer, uint64_t client_task,
                                     sched::TypeIndex type,
                                     const sched::AnswerCache::Answer& answer) {
    tell_shared(gamer, client_task, type, answer);
    gamer.ended.add(client_task, true);
    push_back(session, nullptr);
}

void Coordinator::Impl::tell_shared(Gamer& gamer, uint64_t client_task, sched::TypeIndex type,
                                    const sched::AnswerCache::Answer& answer) {
    ++stats_.completed_tasks;
    if (type < stats_.types.size()) ++stats_.types[type].completed;
    wire::ResultDelivery delivery;
    delivery.source = Source::kCache;
    delivery.processing_us = answer.processing_us;
    if (needs_chunks(answer.info.size(), answer.data.size())) {
        delivery.sizes = wire::PayloadSizes{answer.info.size(), answer.data.size()};
    }
    if (answer.coding != Coding::kNone) {
        delivery.coding = answer.coding;
        delivery.plain_sizes = wire::PayloadSizes{answer.plain_info_size, answer.plain_data_size};
    }
    encode(delivery, envelope_);
    deliver(gamer, client_task, 0, answer.info, answer.data);
}

// One that would have its turn before who computes it does not wait for that.
bool Coordinator::Impl::may_follow(uint64_t question, const sched::Admission& admission) const {
    const sched::TaskRecord* leader = scheduler_.find(answers_.leader(question));
    if (!leader || leader->priority < admission.priority) return false;
    using State = sched::TaskRecord::State;
    if (leader->state == State::kLeased || leader->state == State::kLocal) return true;
    return sched::TaskQueue::key_of(leader->priority, leader->deadline_us) <=
           sched::TaskQueue::key_of(admission.priority, admission.deadline_us);
}

sched::ContentStore::Scope Coordinator::Impl::account_of(const Session& peer) const {
    const PeerLink* link = link_of(peer);
    return link ? link->scope : 0;
}

void Coordinator::Impl::attach_question(uint64_t task, Relay& relay,
                                        const sched::AnswerCache::Question& question,
                                        uint64_t followed) {
    if (followed != 0) {
        answers_.follow(followed, task);
        relay.question = followed;
    } else {
        relay.question = answers_.lead(question, task);
    }
    relay.asks = relay.question != 0;
    relay.collected.reset();
}

bool Coordinator::Impl::leads(uint64_t task, const Relay& relay) const {
    return relay.asks && answers_.leader(relay.question) == task;
}

void Coordinator::Impl::begin_collecting(uint64_t task, Relay& relay,
                                         const wire::PayloadSizes& sizes,
                                         const wire::Frame& frame) {
    drop_collected(relay);
    const uint64_t size = sizes.params_size + sizes.data_size;
    if (!leads(task, relay) || size > answers_.answer_size_max() ||
        collecting_bytes_ + size > answers_.bytes_max()) {
        return;
    }
    relay.collected = std::make_unique<Collected>();
    relay.collected->size = size;
    collecting_bytes_ += size;
    collect(relay, frame);
}

void Coordinator::Impl::collect(Relay& relay, const wire::Frame& frame) {
    if (!relay.collected) return;
    Collected& parts = *relay.collected;
    parts.info.insert(parts.info.end(), frame.params.begin(), frame.params.end());
    parts.data.insert(parts.data.end(), frame.data.begin(), frame.data.end());
}

void Coordinator::Impl::drop_collected(Relay& relay) noexcept {
    if (relay.staying) {
        collecting_bytes_ -= relay.staying->size;
        relay.staying.reset();
    }
    if (!relay.collected) return;
    collecting_bytes_ -= relay.collected->size;
    relay.collected.reset();
}

// The answer of `task`, which has been told to its own gamer: to those that followed, and kept.
void Coordinator::Impl::share_answer(uint64_t task, Relay& shared, std::span<const uint8_t> info,
                                     std::span<const uint8_t> data, const wire::TaskResult& result,
                                     sched::ContentStore::Scope by) {
    if (!leads(task, shared)) return;
    std::vector<uint64_t> followers;
    sched::AnswerCache::Answer answer;
    try {
        answer = {Bytes::copy(info), Bytes::copy(data), result.processing_us, by};
        if (result.coding != Coding::kNone) {
            answer.coding = result.coding;
            answer.plain_info_size = result.plain_sizes->params_size;
            answer.plain_data_size = result.plain_sizes->data_size;
        }
        followers = answers_.answered(shared.question, answer);
    } catch (const std::bad_alloc&) {
        return;  // as if it had failed: the next one computes it
    }
    shared.asks = false;
    drop_collected(shared);
    for (const uint64_t follower : followers) relay(follower).asks = false;
    for (const uint64_t follower : followers) {
        // Telling one may end its connection, and others with that.
        if (!scheduler_.find(follower)) continue;
        Relay& told = relay(follower);
        Gamer* gamer = gamers_.find(told.gamer);
        try {
            if (gamer) tell_shared(*gamer, told.client_task, told.type, answer);
        } catch (const std::bad_alloc&) {
            waits_less(follower);  // it computes it itself
            continue;
        }
        scheduler_.withdraw(follower, loop_.turn_us(), actions_);
        drop_task(follower, true);
        if (gamer && gamer->session) push_back(*gamer->session, nullptr);
    }
    if (!followers.empty()) request_turn_end();
}

// The task ends, and nobody gets its answer from it: one that followed it computes it in its place.
void Coordinator::Impl::detach_question(uint64_t task, Relay& gone) {
    gone.asks = false;
    drop_collected(gone);
    if (answers_.leader(gone.question) != task) return answers_.unfollow(gone.question, task);
    if (const uint64_t next = answers_.give_up(gone.question)) waits_less(next);
}

}  // namespace p2c2r::roles
