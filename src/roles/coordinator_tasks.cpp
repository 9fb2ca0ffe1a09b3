// How a task ends at the coordinator: what its gamer is told, and what goes with it.
#include <algorithm>

#include "core/fault.h"
#include "core/plant.h"
#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

namespace {

constexpr size_t kKeptMax = 64;  // deliveries that wait for an absent gamer
constexpr uint64_t kKeptBytesMax = 16ull << 20;

}  // namespace

// ---- to the gamer ------------------------------------------------------------------------------

// The envelope is in envelope_.
void Coordinator::Impl::deliver(Gamer& gamer, uint64_t client_task, uint8_t flags,
                                const Bytes& params, const Bytes& data) {
    if (gamer.session) {
        gamer.session->out.drop(client_task);
        gamer.session->out.send(*gamer.session->connection, wire::Message::kResultDelivery, flags,
                                client_task, envelope_.span(), params, data);
        if (P2C2R_PLANT("duplicate_delivered")) {
            gamer.session->out.send(*gamer.session->connection, wire::Message::kResultDelivery,
                                    flags, client_task, envelope_.span(), params, data);
        }
        return;
    }
    const uint64_t size = params.size() + data.size();
    // More than this is not kept: the gamer submits again what it has not heard of.
    if (gamer.kept.size() >= kKeptMax || gamer.kept_bytes + size > kKeptBytesMax ||
        budget_bytes() + size > options_.memory_max / 10 * 9 || P2C2R_FAULT("answer_not_kept")) {
        return;
    }
    const std::span<const uint8_t> envelope = envelope_.span();
    // Borrowed parts are the task's input, or its executor's: they end with this call.
    gamer.kept.push_back({client_task, std::vector<uint8_t>(envelope.begin(), envelope.end()),
                          flags, params.owned(), data.owned()});
    gamer.kept_bytes += size;
    held_bytes_ += size;
}

void Coordinator::Impl::answer_error(Gamer& gamer, uint64_t client_task, Status status,
                                     std::string_view field, std::string_view error,
                                     uint32_t retry_after_ms) {
    wire::ResultDelivery delivery;
    delivery.status = status;
    delivery.source = Source::kCoordinator;
    delivery.field = field;
    delivery.error = error.substr(0, limits::kTextLengthMax);
    delivery.retry_after_ms = retry_after_ms;
    encode(delivery, envelope_);
    deliver(gamer, client_task, 0, {}, {});
    told_error_ = true;
}

std::string Coordinator::Impl::timeout_text(const Relay& ended, const char* text) {
    if (ended.complete || !ended.in_chunks) return text;
    const uint64_t size = ended.sizes.params_size + ended.sizes.data_size;
    return std::string(text) + "; " + std::to_string(size - ended.input.left()) + " of " +
           std::to_string(size) + " bytes of the input had come";
}

void Coordinator::Impl::answer_timeout(Gamer& gamer, uint64_t client_task, std::string_view text) {
    if (!gamer.session) {
        answer_error(gamer, client_task, Status::kDeadline, {}, text);
        return;
    }
    gamer.session->out.drop(client_task);
    encode(wire::TaskTimeout{text}, envelope_);
    send(*gamer.session, wire::Message::kTaskTimeout, client_task);
}

void Coordinator::Impl::on_cancel(Session& session, const wire::Frame& frame) {
    wire::TaskCancel message;
    if (const char* why = decode(frame.envelope, message)) {
        return end_session(session, Status::kProtocol, why);
    }
    Gamer& gamer = *gamers_.find(session.gamer);
    const uint64_t task = task_of(gamer, frame.id);
    if (task == 0) return;
    ++stats_.cancelled_tasks;
    gamer.share->cancelled(loop_.turn_us());
    answer_error(gamer, frame.id, Status::kCancelled, {}, "cancelled");
    withdraw(task);
}

// ---- the end of a task -------------------------------------------------------------------------

// Ends a task of which the gamer has heard already, or never will.
void Coordinator::Impl::withdraw(uint64_t task) {
    if (!scheduler_.find(task)) return;  // its record is another's by now
    scheduler_.withdraw(task, loop_.turn_us(), actions_);
    settle();
    drop_task(task, false);
}

// Memory was short for the last word on a task that the scheduler has forgotten. Nothing of it
// stays behind: its place is the next one's. Its gamer loses the connection, and asks again.
void Coordinator::Impl::lose_end(uint64_t task) noexcept {
    Gamer* const gamer = gamers_.find(relay(task).gamer);
    Session* const session = gamer ? gamer->session : nullptr;
    try {
        drop_task(task, false);
    } catch (const std::bad_alloc&) {
        // The rest are others that wait for it: they end at their deadlines.
    }
    try {
        if (session) session_lost(*session, Status::kMemory, "memory is short");
    } catch (const std::bad_alloc&) {
        // Then deadlines and heartbeats bring it to an end.
    }
}

// A chain of tasks that wait for each other may be as long as a gamer likes: it is walked along,
// not descended into.
void Coordinator::Impl::drop_task(uint64_t task, bool good) {
    std::vector<uint64_t> fallen;
    drop_one(task, good, fallen);
    for (size_t i = 0; i < fallen.size(); ++i) {
        const uint64_t next = fallen[i];
        const sched::TaskRecord* record = scheduler_.find(next);
        if (!record || record->state != sched::TaskRecord::State::kHeld) continue;
        ++stats_.failed_tasks;
        if (Gamer* gamer = gamers_.find(relay(next).gamer)) {
            answer_error(*gamer, relay(next).client_task, Status::kState, "depends_on",
                         "a task that this one depends on has not ended with OK");
        }
        scheduler_.withdraw(next, loop_.turn_us(), actions_);
        drop_one(next, false, fallen);
    }
    if (!fallen.empty()) settle();
}

// Those that waited for this one alone may be placed; those that cannot any more are added to
// `fallen`.
void Coordinator::Impl::drop_one(uint64_t task, bool good, std::vector<uint64_t>& fallen) {
    Relay& gone = relay(task);
    const uint64_t budget = std::exchange(gone.budget, 0);
    held_bytes_ -= budget;
    if (P2C2R_PLANT("budget_underflow") && gone.result_begun) held_bytes_ -= budget;
    gone.whole = Chunk();
    if (gone.hold) small_holds_.drop(std::exchange(gone.hold, nullptr));
    if (gone.has_content) detach_content(task, gone);
    if (gone.asks) detach_question(task, gone);
    if (gone.is_resident) drop_collected(gone);
    if (gone.in_chunks) gone.chunks.clear();
    gone.result_begun = false;
    const uint64_t client_task = gone.client_task;
    Gamer* gamer = gamers_.find(gone.gamer);
    if (!gamer) return;
    if (budget > 0) {
        gamer->share->holds_less(budget - kTaskOverhead);
        gamer->share->went();
    }
    if (std::exchange(gone.flies, false)) {
        gamer->share->landed();
        fly_next(*gamer->share);
    }
    gamer->tasks.erase(client_task, task);
    gamer->ended.add(client_task, good);
    if (gamer->dependents.empty()) return;
    const auto waiting = gamer->dependents.find(client_task);
    if (waiting == gamer->dependents.end()) return;
    const std::vector<uint64_t> tasks = std::move(waiting->second);
    gamer->dependents.erase(waiting);
    for (uint64_t next : tasks) {
        const sched::TaskRecord* record = scheduler_.find(next);
        if (!record || record->state != sched::TaskRecord::State::kHeld) continue;
        if (!good) {
            fallen.push_back(next);
        } else {
            waits_less(next);
        }
    }
}

}  // namespace p2c2r::roles
