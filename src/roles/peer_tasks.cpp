// How a peer gets a task, computes it and answers.
#include <algorithm>

#include "core/fault.h"
#include "core/plant.h"
#include "model/task_type.h"
#include "roles/peer_impl.h"

namespace p2c2r::roles {

namespace {
constexpr uint64_t kLinePart = 8;  // of what a task takes: so much at most is left for the line
}  // namespace

bool Peer::Impl::on_assign(const wire::Frame& frame, const char*& why) {
    if (frame.envelope.empty()) return on_chunk(frame, why);
    if (frame.id == 0) {
        why = "task_assign with id 0";
        return false;
    }
    wire::TaskAssign& message = assign_;
    if ((why = decode(frame.envelope, message))) return false;
    uint64_t slot = 0;
    if (Job* old = find(frame.id, &slot)) {
        // The same id once more: the coordinator starts it anew.
        if (old->state == Job::State::kRunning) {
            old->id = 0;
            runner_.cancel(old->runner_job);
            slots_.erase(frame.id);
        } else {
            forget(slot);
        }
    }
    slot = jobs_.insert();
    Job& job = *jobs_.find(slot);
    job.state = Job::State::kReceiving;
    job.id = frame.id;
    job.attempt = message.attempt;
    // A slot that is used again mostly had a job of the same type.
    if (!same_text(job.task_type, message.task_type)) job.task_type.assign(message.task_type);
    job.deadline_us = message.deadline_us ? loop_.turn_us() + *message.deadline_us : 0;
    job.runner_job = 0;
    job.cancelled = false;
    job.has_checksum = message.checksum.has_value();
    job.checksum = message.checksum.value_or(0);
    job.has_content = message.payload_place == 1 && options_.content_bytes_max > 0;
    job.content = 0;
    job.may_be_coded = (message.task_flags & task_flag::kCodedResult) && coding_work_;
    job.is_resident = message.task_flags & task_flag::kResident;
    if (message.payload_place != 0) {
        if (!job.has_content || message.digest.empty()) {
            job.has_content = false;
            answer_error(job, Status::kUnsupported,
                         "this payload_place, or one without a digest, is not available here");
            forget(slot);
            return true;
        }
        job.digest = digest_of(message.digest);
    }
    if (!takes() || P2C2R_FAULT("task_handed_back")) {
        refuse(job);
        forget(slot);
        return true;
    }
    Payload payload;
    const Assembler::State state = assembler_.first(frame, message.sizes, payload);
    if (state == Assembler::State::kWhole) {
        // A short job has ended already, without ever having to be found by its id.
        if (!received(slot, job, std::move(payload))) return true;
    } else if (state == Assembler::State::kBroken) {
        why = assembler_.why();
        return false;
    }
    slots_[frame.id] = slot;
    begin_beating();
    return true;
}

bool Peer::Impl::on_chunk(const wire::Frame& frame, const char*& why) {
    uint64_t slot = 0;
    Job* const job = find(frame.id, &slot);
    if (!job) {
        assembler_.drop(frame.id);
        return true;
    }
    Payload payload;
    switch (assembler_.next(frame, payload)) {
        case Assembler::State::kBroken:
            why = assembler_.why();
            return false;
        case Assembler::State::kWhole:
            (void)received(slot, *job, std::move(payload));
            return true;
        default:
            // Not only when a job ends: an input may be more than what is left of a cap.
            owner_->data_moved();
            return true;
    }
}

// The whole payload is here.
inline bool Peer::Impl::received(uint64_t slot, Job& job, Payload&& payload) {
    if (job.has_checksum && job.checksum != payload_checksum(payload.params, payload.data)) {
        // The coordinator only passes bytes on: whoever spoiled them, it costs this task alone.
        answer_error(job, Status::kContent, "the checksum of the task does not match its bytes");
        ++stats_.failed;
        forget(slot, job);
        return false;
    }
    job.payload = std::move(payload);
    if (job.has_content) {
        if (!P2C2R_FAULT("content_forgotten")) job.content = contents_.use(job.digest);
        if (job.content == 0) {
            await_content(slot, job);
            return jobs_.find(slot) != nullptr;
        }
    }
    return ready(slot, job);
}

// All that it needs is here.
bool Peer::Impl::ready(uint64_t slot, Job& job) {
    job.state = Job::State::kWaiting;
    const uint32_t planted = P2C2R_PLANT("slots_exceeded") ? 1 : 0;
    if (running_ < options_.slots + planted && waiting_.empty()) return run(slot, job);
    job.payload.own();
    waiting_.push_back(slot);
    return true;
}

inline bool Peer::Impl::run(uint64_t slot, Job& job) {
    const uint64_t now = loop_.turn_us();
    if (job.deadline_us != 0 && now >= job.deadline_us && !P2C2R_PLANT("expired_task_started")) {
        answer_error(job, Status::kDeadline, "the deadline passed before the task was started");
        ++stats_.failed;
        forget(slot, job);
        return false;
    }
    const uint64_t least_us = job.deadline_us != 0 ? least_times_.of(job.task_type, now) : 0;
    // The deadline came over the line, which took its time, and the answer goes back over it. A
    // greeting may have been slow for other reasons.
    const uint64_t line_us = std::min(link_->greeting_us(), least_us / kLinePart);
    const uint64_t start_by_us = job.deadline_us - std::min(job.deadline_us, least_us + line_us);
    if (least_us != 0 && now >= start_by_us) {
        answer_error(job, Status::kDeadline, "it could not be done by its deadline any more");
        ++stats_.failed;
        forget(slot, job);
        return false;
    }
    if (job.has_content && !change_content(slot, job)) return false;
    job.state = Job::State::kRunning;
    ++running_;
    exec::JobSpec spec;
    spec.task_type = job.task_type;
    spec.params = std::move(job.payload.params);
    spec.data = std::move(job.payload.data);
    spec.deadline_us = job.deadline_us;
    if (least_us != 0) spec.start_by_us = start_by_us;
    spec.now_us = now;
    spec.gate = &owner_->gate();
    const uint64_t started = runner_.start(spec, slot, *this);
    // A short job has ended already, and its slot may hold another one.
    Job* after = jobs_.find(slot);
    if (!after) return false;
    if (started == 0) {
        --running_;
        // Nobody works on it: if memory is short for the answer, it goes with its connection.
        after->state = Job::State::kWaiting;
        if (runner_.can_run(after->task_type)) {
            answer_error(*after, Status::kBusy, "this peer could not start the task");
        } else {
            answer(*after, Status::kTaskType, "task_type",
                   "this peer has no executor for '" + after->task_type + "'", 0, 0);
        }
        ++stats_.failed;
        forget(slot, *after);
        return false;
    }
    after->runner_job = started;
    return true;
}

void Peer::Impl::learn_time(const Job& job, uint64_t took_us) noexcept {
    try {
        least_times_.took(job.task_type, took_us, loop_.turn_us());
    } catch (const std::bad_alloc&) {
        // Then it is not known here.
    }
}

void Peer::Impl::run_waiting() {
    while (running_ < options_.slots && !waiting_.empty()) {
        const uint64_t slot = waiting_.front();
        waiting_.pop_front();
        Job* const job = jobs_.find(slot);
        if (job && job->state == Job::State::kWaiting) (void)run(slot, *job);
    }
}

void Peer::Impl::on_job_done(uint64_t tag, exec::Output&& output) {
    Job* job = jobs_.find(tag);
    if (!job) return;
    if (job->may_be_coded && job->plain) return end_coding(tag, *job, output);
    stats_.compute_us += output.processing_us;
    if (output.status == Status::kOk) {
        ++stats_.completed;
        learn_time(*job, output.processing_us);
        if (job->may_be_coded && begin_coding(tag, output)) return;
    } else {
        ++stats_.failed;
    }
    end_job(tag, *job, output, nullptr);
}

void Peer::Impl::end_coding(uint64_t slot, Job& job, const exec::Output& output) {
    const std::unique_ptr<exec::Output> plain = std::move(job.plain);
    const bool is_coded = output.status == Status::kOk;
    // One that was stopped tells nothing.
    if (is_coded) {
        const size_t size = plain->info.size() + plain->data.size();
        coding_.learn(job.task_type, size, output.data.size());
    }
    end_job(slot, job, *plain, is_coded && !output.data.empty() ? &output.data : nullptr);
}

// As a job of its own in the same slot: whoever cancels the task, or takes it back, stops that.
bool Peer::Impl::begin_coding(uint64_t slot, exec::Output& result) {
    Job& job = *jobs_.find(slot);
    const size_t size = result.info.size() + result.data.size();
    if (job.id == 0 || job.cancelled || result.info.is_borrowed() || result.data.is_borrowed() ||
        !coding_.wants(job.task_type, size, result.data.span())) {
        return false;
    }
    exec::JobSpec spec;
    spec.task_type = "coding";
    spec.executor = coding_work_;
    spec.params = result.info;
    spec.data = result.data;
    // Without a gate: what is done shall not wait for its share of the owner's time, and this takes
    // less than a millisecond for what games ask for over slow lines.
    try {
        job.plain = std::make_unique<exec::Output>(std::move(result));
    } catch (const std::bad_alloc&) {
        return false;
    }
    const uint64_t started = runner_.start(spec, slot, *this);
    Job* const after = jobs_.find(slot);
    if (!after || !after->plain) return true;  // it has ended already
    if (started != 0) {
        after->runner_job = started;
        return true;
    }
    result = std::move(*after->plain);
    after->plain.reset();
    return false;
}

inline void Peer::Impl::end_job(uint64_t slot, Job& job, const exec::Output& result,
                                const Bytes* coded) {
    --running_;
    bool is_told = true;
    try {
        if (job.id == 0) {
            // Of a connection that is gone.
        } else if (result.status == Status::kOk) {
            if (job.is_resident) contents_.keep(result.data);
            answer_result(job, result, coded);
        } else {
            answer(job, result.status, result.field, result.error, result.processing_us,
                   result.memory_peak);
        }
    } catch (const std::bad_alloc&) {
        is_told = false;
    }
    forget(slot, job);
    // The coordinator must not wait for an answer that will not come.
    if (!is_told) return link_->fail(Status::kMemory, "memory is short");
    owner_->data_moved();
    if (!waiting_.empty()) run_waiting();
    check_drained();
}

void Peer::Impl::cancel(uint64_t id) {
    uint64_t slot = 0;
    Job* job = find(id, &slot);
    if (!job) return;
    job->cancelled = true;
    if (job->state == Job::State::kRunning) {
        if (!P2C2R_PLANT("cancel_stops_at_peer")) runner_.cancel(job->runner_job);
        return;
    }
    answer_error(*job, Status::kCancelled, "cancelled");
    forget(slot);
}

void Peer::Impl::refuse(const Job& job) {
    wire::TaskRefuse message;
    message.attempt = job.attempt;
    message.status = Status::kBusy;
    const std::string why = why_not();
    message.error = why;
    encode(message, envelope_);
    link_->connection().send_copy(wire::Message::kTaskRefuse, 0, job.id, envelope_.span(), {}, {});
}

void Peer::Impl::answer(const Job& job, Status status, const std::string& field,
                        const std::string& error, uint64_t processing_us, uint64_t memory_peak) {
    if (job.id == 0 || !link_->ready()) return;
    wire::TaskResult message;
    message.attempt = job.attempt;
    message.status = status;
    message.processing_us = processing_us;
    message.memory_peak = memory_peak;
    message.field = std::string_view(field).substr(0, limits::kIdLengthMax);
    message.error = std::string_view(error).substr(0, limits::kTextLengthMax);
    told_us_ = loop_.turn_us();
    encode(message, envelope_);
    link_->connection().send_copy(wire::Message::kTaskResult, 0, job.id, envelope_.span(), {}, {});
}

void Peer::Impl::answer_result(const Job& job, const exec::Output& result, const Bytes* coded) {
    if (!link_->ready()) return;
    if (result.info.size() + result.data.size() > limits::kPayloadSizeMax) {
        return answer(job, Status::kSize, {}, "the result exceeds the limit of 64 MiB",
                      result.processing_us, result.memory_peak);
    }
    wire::TaskResult& message = good_result_;
    message.attempt = job.attempt;
    message.processing_us = result.processing_us;
    message.memory_peak = result.memory_peak;
    message.coding = Coding::kNone;
    message.plain_sizes.reset();
    message.checksum.reset();
    message.sizes.reset();
    uint8_t flags = 0;
    if (coded) {
        ++stats_.coded;
        message.coding = Coding::kZstd;
        message.plain_sizes = wire::PayloadSizes{result.info.size(), result.data.size()};
    }
    if (options_.checksum) {
        message.checksum = payload_checksum(result.info, result.data);
        flags |= wire::kFlagChecksum;
    }
    const Bytes none;
    const Bytes& info = *(coded ? &none : &result.info);
    const Bytes& data = *(coded ? coded : &result.data);
    if (needs_chunks(info.size(), data.size())) {
        message.sizes = wire::PayloadSizes{info.size(), data.size()};
    }
    told_us_ = loop_.turn_us();
    encode(message, envelope_);
    out_.send(link_->connection(), wire::Message::kTaskResult, flags, job.id, envelope_.span(),
              info, data);
}

void Peer::Impl::forget(uint64_t slot) {
    if (Job* job = jobs_.find(slot)) forget(slot, *job);
}

inline void Peer::Impl::forget(uint64_t slot, Job& job) {
    if (job.id != 0) {
        assembler_.drop(job.id);
        slots_.erase(job.id);
    }
    drop(slot, job);
}

void Peer::Impl::drop(uint64_t slot, Job& job) {
    if (job.has_content) release_content(slot, job);
    if (job.may_be_coded) job.plain.reset();
    job.payload.params = Bytes();
    job.payload.data = Bytes();
    jobs_.erase(slot);
}

}  // namespace p2c2r::roles
