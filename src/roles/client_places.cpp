// Here or there: how tasks of Place::kAuto are placed by worth, the trials, and what is learned.
#include <algorithm>

#include "model/task_scale.h"
#include "model/value_writer.h"
#include "roles/client_impl.h"

namespace p2c2r::roles {

namespace {

// A payload that is the caller's own memory is copied for a trial; a larger one is not tried.
constexpr size_t kTrialCopyMost = 4 * 1024 * 1024;

// Says nothing about the side that it happened on.
bool is_about_task(Status status) {
    switch (status) {
        case Status::kParams:
        case Status::kArgument:
        case Status::kSize:
        case Status::kState:
        case Status::kCancelled:
        case Status::kClosed:
        case Status::kDisconnected:
        case Status::kMemory:
            return true;
        default:
            return false;
    }
}

// What travels: of a content that stays only what it is changed by.
uint64_t payload_bytes(const TaskSpec& spec) {
    return spec.params.size() + spec.data.size();
}
// What is computed on, here as there.
uint64_t input_bytes(const TaskSpec& spec) {
    return spec.params.size() + (spec.content ? spec.content->bytes.size() : spec.data.size());
}

bool can_copy(const Bytes& bytes) {
    return !bytes.is_borrowed() || bytes.size() <= kTrialCopyMost;
}

}  // namespace

// ---- where it goes ----------------------------------------------------------------------------

void Client::Impl::go_by_worth(Task& task) {
    const uint64_t now = loop_.turn_us();
    task.go_us = now;
    if (is_trial(task.id)) return go_away(task);
    Placed* const placed = placement_->find(task.spec->task_type, input_bytes(*task.spec),
                                            pixels_asked_for(task.spec->params.span()));
    if (!placed) return go_away(task);
    // Without a connection nothing is learned of helpers, and what stays here goes on doing so.
    const bool reachable = link_->ready();
    placed->learn_deadline(task.deadline_us - task.submitted_us);
    Side side = reachable ? placed->choose(now, placement_->link()) : placed->side();
    if (side == Side::kHere && !can_run_local(task)) side = Side::kThere;
    if (reachable || side == Side::kHere) task.placed = placed;
    bool tries = false;
    if (reachable && trial_.id == 0 && placed->is_trial_due(now)) {
        tries = prepare_trial(task, *placed, side);
        if (!tries) placed->trial_declined();
    }
    if (side == Side::kHere) {
        ++stats_.kept_here;
        task.kept = true;
        start_local(task);  // which may end it
    } else {
        go_away(task);
    }
    if (tries) run_trial();
}

bool Client::Impl::prepare_trial(const Task& task, Placed& placed, Side side) {
    const TaskSpec& spec = *task.spec;
    if (!can_run_local(task)) return false;
    if (!can_copy(spec.params) || !can_copy(spec.data)) return false;
    try {
        trial_.spec = spec;
        trial_.spec.params = spec.params.owned(options_.memory);
        trial_.spec.data = spec.data.owned(options_.memory);
    } catch (const std::bad_alloc&) {
        trial_ = {};
        return false;
    }
    trial_.spec.depends_on.clear();
    trial_.spec.flags |= task_flag::kNoCache;  // a known answer would tell nothing
    trial_.spec.flags &= ~(task_flag::kLocalAtDeadline | task_flag::kResident);
    trial_.spec.place = side == Side::kHere ? Place::kRemote : Place::kLocal;
    trial_.placed = &placed;
    // Taken now: the task that it copies may end at once, and its gamer ask for the next one then.
    trial_.id = ++trials_begun_ << 32;
    placed.trial_begins();
    return true;
}

void Client::Impl::run_trial() {
    try {
        submit(trial_.id, trial_.spec);
    } catch (const std::bad_alloc&) {
        trial_ = {};
    }
}

bool Client::Impl::send_instead(Task& task, Status status) {
    if (is_about_task(status) || !link_->ready() || loop_.turn_us() >= task.deadline_us) {
        return false;
    }
    task.placed->learn_failed(Side::kHere);
    task.kept = false;
    task.local_started_us = 0;
    unplan_local(task);
    arm(task);
    send(task);
    return true;
}

// ---- what is learned --------------------------------------------------------------------------

void Client::Impl::told_failed_away(Task& task) {
    task.away = false;
    placement_->lose();
    task.placed->learn_failed(Side::kThere);
}

void Client::Impl::learn(Task& task, const TaskResult& result) {
    const uint64_t now = loop_.turn_us();
    Placed& placed = *task.placed;
    const bool learns = is_trial(task.id) || placed.is_learning(now);
    if (task.away) learn_away(task, result, learns);
    if (task.local_started_us != 0) {
        const uint64_t here_us = now - std::min(now, task.local_started_us);
        if (result.status == Status::kOk && result.source == Source::kLocal) {
            if (learns) {
                const auto computing = static_cast<double>(result.processing_us);
                placed.learn_here(now, computing,
                                  std::max(static_cast<double>(here_us) - computing, 0.0),
                                  is_trial(task.id));
            }
        } else if (result.status == Status::kDeadline) {
            placed.learn_late(Side::kHere, now, static_cast<double>(here_us));
        } else if (result.source == Source::kLocal && !is_about_task(result.status)) {
            placed.learn_failed(Side::kHere);
        }
    }
    if (is_trial(task.id)) placed.trial_ended(now, now - task.submitted_us);
}

// Whoever has placed it: what the line takes is everybody's.
void Client::Impl::tell_flow(const Task& task, const TaskResult& result, uint64_t now) {
    FlowRate& flow = placement_->flow();
    const bool is_good = result.status == Status::kOk;
    const bool is_answer = is_good && result.source != Source::kLocal;
    // In vain, if it was computed here meanwhile or too late.
    if (is_good || result.status == Status::kDeadline) {
        const uint64_t spent_us = is_answer ? result.queue_us + result.processing_us : 0;
        const double round_us = placement_->link().rtt_us();
        const double away_us = static_cast<double>(now - std::min(now, task.sent_us + spent_us));
        flow.waited(now, std::max(away_us - round_us, 0.0), round_us, task.payload_size,
                    task.bytes_down);
    }
    flow.ends(now);
}

void Client::Impl::learn_away(Task& task, const TaskResult& result, bool learns) {
    const uint64_t now = loop_.turn_us();
    task.away = false;
    const auto waited_us = static_cast<double>(now - task.go_us);
    const bool is_answer = result.status == Status::kOk && (result.source == Source::kPeer ||
                                                            result.source == Source::kCoordinator);
    if (!is_answer) {
        placement_->lose();
        // Too late for its deadline, or for this machine.
        const bool is_late = result.status == Status::kDeadline ||
                             (result.status == Status::kOk && result.source == Source::kLocal);
        if (is_late) task.placed->learn_late(Side::kThere, now, waited_us);
        return;
    }
    const auto spent_us = static_cast<double>(result.queue_us + result.processing_us);
    Placement::Answer answer;
    answer.left = task.left;
    answer.sent_us = task.sent_us;
    answer.now_us = now;
    answer.network_us = std::max(static_cast<double>(now - task.sent_us) - spent_us, 0.0);
    answer.bytes_up = payload_bytes(*task.spec);
    answer.bytes_down = task.bytes_down;
    answer.learns = learns;
    placement_->arrive(answer);
    if (!learns) return;
    task.placed->learn_there(
        now, static_cast<double>(result.processing_us), static_cast<double>(result.queue_us),
        std::max(waited_us - spent_us, 0.0), answer.bytes_up, answer.bytes_down, is_trial(task.id));
}

// ---- what is told of it -----------------------------------------------------------------------

namespace {

void write_link(ValueWriter& writer, const Placement& placement) {
    const LinkEstimate& link = placement.link();
    const bool up = placement.up_bits_per_s() > 0, down = placement.down_bits_per_s() > 0;
    writer.map(2u + (up ? 1u : 0u) + (down ? 1u : 0u));
    writer.key("rtt_us").number(link.rtt_us());
    writer.key("rtt_from").text(round_from_name(link.rtt_from()));
    if (up) writer.key("up_mbps").number(placement.up_bits_per_s() / 1e6);
    if (down) writer.key("down_mbps").number(placement.down_bits_per_s() / 1e6);
}

// How long a task may take there, and what this end knows of its own sending. Whoever looks twice
// while something waits has the rate.
void write_sending(ValueWriter& writer, const net::Connection& connection,
                   uint32_t task_timeout_ms) {
    writer.key("task_timeout_ms").unsigned_integer(task_timeout_ms);
    const uint64_t given = connection.bytes_out() + connection.queued_bytes();
    const uint64_t unsent = std::min<uint64_t>(connection.unsent_bytes(), given);
    writer.key("sending").map(2);
    writer.key("acknowledged_bytes").unsigned_integer(given - unsent);
    writer.key("unacknowledged_bytes").unsigned_integer(unsent);
}

void write_placed(ValueWriter& writer, const Placement::Type& type, size_t size,
                  const LinkEstimate& link, bool can_run) {
    const Placed& placed = type.sizes[size];
    const bool known = placed.is_known();
    const bool here = placed.side() == Side::kHere && can_run;
    writer.map((known ? 10u : 6u) + (type.pixels > 0 ? 1u : 0u));
    writer.key("task_type").text(type.name);
    if (type.pixels > 0) writer.key("pixels_below").unsigned_integer(uint64_t{1} << type.pixels);
    writer.key("bytes_below").unsigned_integer(uint64_t{1} << size);
    writer.key("place").text(here ? "here" : "helper");
    writer.key("text").text(can_run ? placed.why(link)
                                    : "send: this machine has no executor of that type");
    writer.key("tasks").unsigned_integer(placed.tasks());
    writer.key("trials").unsigned_integer(placed.trials());
    if (!known) return;
    const WorthCase task = placed.worth_case(link);
    const Worth worth = weigh_worth(task);
    writer.key("local_us").number(worth.local_us);
    writer.key("remote_us").number(worth.remote_us);
    writer.key("bytes_up").unsigned_integer(task.bytes_up);
    writer.key("bytes_down").unsigned_integer(task.bytes_down);
}

}  // namespace

Bytes Client::Impl::placement_fields() const {
    ValueWriter writer;
    const bool sends = link_ && link_->ready();
    if (!placement_) {
        writer.map(sends ? 3 : 1).key("place_by_worth").boolean(false);
        if (sends) write_sending(writer, link_->connection(), task_timeout_ms_);
        return writer.take();
    }
    uint32_t count = 0;
    for (const auto& type : placement_->types()) {
        for (const Placed& placed : type->sizes) count += placed.tasks() > 0 ? 1 : 0;
    }
    writer.map(sends ? 5 : 3).key("place_by_worth").boolean(true);
    if (sends) write_sending(writer, link_->connection(), task_timeout_ms_);
    writer.key("link");
    write_link(writer, *placement_);
    writer.key("types").array(count);
    for (const auto& type : placement_->types()) {
        for (size_t size = 0; size < type->sizes.size(); ++size) {
            if (type->sizes[size].tasks() == 0) continue;
            write_placed(writer, *type, size, placement_->link(), runner_->can_run(type->name));
        }
    }
    return writer.take();
}

}  // namespace p2c2r::roles
