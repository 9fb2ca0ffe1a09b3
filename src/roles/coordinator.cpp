#include "roles/coordinator.h"

#include <algorithm>

#include "core/fault.h"
#include "core/plant.h"
#include "net/loopback.h"
#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

namespace {

constexpr size_t kActionsUsual = 256;  // in one turn, without memory

}  // namespace

Coordinator::Impl::Impl(net::Loop& loop, net::Transport& transport, exec::Runner* runner,
                        RandomSource& random, Log log, CoordinatorOptions options,
                        CoordinatorEvents& events)
    : loop_(loop),
      transport_(transport),
      runner_(options.local_execution ? runner : nullptr),
      random_(random),
      log_(log),
      options_(std::move(options)),
      events_(events),
      contents_(std::min(options_.content_bytes_max, options_.memory_max / 2),
                std::min(options_.content_bytes_max, options_.memory_max / 2) / 2),
      answers_(std::min(options_.answer_bytes_max, options_.memory_max / 8), random),
      scheduler_(options_.max_peers, random, &contents_) {
    turn_end_.run = [this] { turn_end(); };
    timer_.fire = [this] { on_time(); };
    scan_timer_.fire = [this] { scan_sessions(); };
    count_timer_.fire = [this] { send_counts(); };
    handshake_timer_.fire = [this] { expire_handshakes(); };
    stopped_timer_.fire = [this] { look_at_stopped(); };
    behind_timer_.fire = [this] { look_at_behind(); };
    pulse_timer_.fire = [this] { look_at_pulses(); };
    actions_.reserve(kActionsUsual);
    scheduler_.set_copies_percent(options_.copies_percent);
    scheduler_.keep_types(contract_task_types());
    started_us_ = beat_us_ = loop_.turn_us();
    scan_sessions();
}

Coordinator::Impl::~Impl() {
    loop_.disarm(timer_);
    loop_.disarm(scan_timer_);
    loop_.disarm(count_timer_);
    loop_.disarm(handshake_timer_);
    loop_.disarm(stopped_timer_);
    loop_.disarm(behind_timer_);
    loop_.disarm(pulse_timer_);
    loop_.forget_turn_end(turn_end_);
    if (runner_) runner_->forget(*this);
}

Result<Done> Coordinator::Impl::start() {
    if (!options_.listen) return Done{};
    const bool near = net::is_loopback_host(options_.listen_address);
    if (!near && !options_.tls && !options_.plaintext_anywhere) {
        return field_error(Status::kDenied, "listen_address",
                           "'" + options_.listen_address +
                               "' is not a loopback address, and this connection is not "
                               "encrypted; it must be forced by name");
    }
    if (!near && options_.tls && !options_.access) {
        return field_error(Status::kDenied, "listen_address",
                           "'" + options_.listen_address +
                               "' can be reached by others, and nobody is asked for a login");
    }
    auto listener = transport_.listen(
        options_.listen_address, options_.listen_port,
        [this](std::unique_ptr<net::Connection> connection) {
            accept(std::move(connection), false);
        },
        options_.tls);
    if (!listener.ok()) return listener.error();
    listener_ = std::move(*listener);
    log_.format(LogLevel::kInfo, "roles", "coordinator listens on %s:%u%s",
                options_.listen_address.c_str(), listener_->port(), options_.tls ? " (TLS)" : "");
    watch_certificate();
    if (is_open() && !near) {
        log_.format(
            LogLevel::kWarn, "roles",
            "nothing is encrypted and nobody is asked for a login: whoever reaches %s:%u is "
            "taken for the operator's, and sees and sends tasks; tasks of circle own are "
            "taken from this machine alone",
            options_.listen_address.c_str(), listener_->port());
    }
    return Done{};
}

// ---- deciding and performing -------------------------------------------------------------------

// Everything this turn brought is in: place what waits, and do what was decided. It runs before the
// connections are flushed, so a lost peer's tasks leave in the turn that saw the loss.
void Coordinator::Impl::turn_end() {
    scheduler_.dispatch(loop_.turn_us(), actions_);
    if (!here_waits_.empty()) run_what_waits_here();
    perform();
    if (delivering_bytes_ + queued_bytes_ >= look_at_bytes_) look_who_is_behind();
    if (!stopped_.empty()) perhaps_read_peers();
    close_for_memory();
    graveyard_.clear();
    arm_timer();
    check_drained();
}

void Coordinator::Impl::perform() {
    // Performing may decide more: a short local job ends at once. The list grows while it is
    // walked.
    if (performing_) return;
    performing_ = true;
    const uint64_t now = loop_.turn_us();
    for (performed_ = 0; performed_ < actions_.size(); ++performed_) {
        const sched::Action action = actions_[performed_];
        try {
            perform(action, now);
        } catch (const std::bad_alloc&) {
            give_up(action);
        }
    }
    actions_.clear();
    performing_ = false;
}

void Coordinator::Impl::perform(const sched::Action& action, uint64_t now) {
    switch (action.kind) {
        case sched::Action::Kind::kAssign:
            assign(action, now);
            break;
        case sched::Action::Kind::kCancelAttempt: {
            const uint32_t index = SlotMap<sched::PeerRecord>::index_of(action.peer);
            if (index >= peer_by_slot_.size() || !peer_by_slot_[index]) break;
            PeerLink& link = *peer_by_slot_[index];
            if (link.id != action.peer || !link.session) break;
            if (P2C2R_PLANT("cancel_not_sent")) break;
            if (link.session->out.drop(action.attempt_id) &&
                !P2C2R_PLANT("unheard_order_holds_slot")) {
                // The peer does not know this id and would not answer: the slot is free.
                scheduler_.answer_ended(action.peer, action.attempt_id, now, true);
                request_turn_end();
                break;
            }
            encode(wire::TaskCancel{}, envelope_);
            send(*link.session, wire::Message::kTaskCancel, action.attempt_id);
            break;
        }
        case sched::Action::Kind::kRunLocal:
            run_local(action.task);
            break;
        case sched::Action::Kind::kCancelLocal:
            cancel_local(relay(action.task));
            break;
        case sched::Action::Kind::kEnd: {
            Relay& ended = relay(action.task);
            const bool is_refused = action.status == Status::kBusy;
            if (is_refused) ++stats_.refused_deadline;
            ++(is_refused ? stats_.refused_tasks : stats_.failed_tasks);
            if (ended.type < stats_.types.size()) ++stats_.types[ended.type].failed;
            if (Gamer* gamer = gamers_.find(ended.gamer)) {
                if (action.status == Status::kDeadline) {
                    answer_timeout(*gamer, ended.client_task, timeout_text(ended, action.text));
                } else {
                    answer_error(*gamer, ended.client_task, action.status, {}, action.text,
                                 is_refused ? kRetryAfterMs : 0);
                }
            }
            drop_task(action.task, false);
            break;
        }
    }
}

// Memory was short for performing it. Whoever was to hear of it loses the connection, and so hears
// of it in another way: a peer's tasks go elsewhere, a gamer asks again.
void Coordinator::Impl::give_up(const sched::Action& action) noexcept {
    try {
        Session* session = nullptr;
        switch (action.kind) {
            case sched::Action::Kind::kAssign:
            case sched::Action::Kind::kCancelAttempt: {
                const uint32_t index = SlotMap<sched::PeerRecord>::index_of(action.peer);
                PeerLink* link = index < peer_by_slot_.size() ? peer_by_slot_[index] : nullptr;
                if (link && link->id == action.peer) session = link->session;
                break;
            }
            case sched::Action::Kind::kRunLocal: {
                exec::Output output;
                output.status = Status::kMemory;
                return on_job_done(action.task, std::move(output));
            }
            case sched::Action::Kind::kCancelLocal:
                break;
            case sched::Action::Kind::kEnd:
                return lose_end(action.task);
        }
        if (session) session_lost(*session, Status::kMemory, "memory is short");
    } catch (const std::bad_alloc&) {
        // Then deadlines and heartbeats bring it to an end.
    }
}

void Coordinator::Impl::arm_timer() {
    const uint64_t next = scheduler_.next_us();
    if (next >= armed_us_) return;
    armed_us_ = next;
    uint64_t at = next;
    // Then nothing is due, and it is armed again.
    if (P2C2R_FAULT("timer_early")) at -= (next - std::min(next, loop_.turn_us())) / 2;
    loop_.arm(timer_, at);
}

void Coordinator::Impl::on_time() {
    armed_us_ = UINT64_MAX;
    request_turn_end();  // first: the timer is armed again there, whatever fails here
    scheduler_.expire(loop_.turn_us(), actions_);
    perform();
}

// ---- leaving -----------------------------------------------------------------------------------

void Coordinator::Impl::drain(std::function<void()> drained) {
    draining_ = true;
    drained_ = std::move(drained);
    request_turn_end();
}

void Coordinator::Impl::check_drained() {
    if (!drained_ || scheduler_.pending() > 0) return;
    const std::function<void()> drained = std::exchange(drained_, nullptr);
    drained();
}

void Coordinator::Impl::close() {
    if (closed_) return;
    closed_ = true;
    listener_.reset();
    save_access_again({UINT64_MAX, loop_.unix_ms()});  // the last chance
    std::vector<uint64_t> ids;
    sessions_.for_each([&](uint64_t id, std::unique_ptr<Session>&) { ids.push_back(id); });
    // Gamers hear of each of their tasks before the goodbye.
    gamers_.for_each([&](uint64_t, Gamer& gamer) {
        for (uint64_t client_task : gamer.tasks.sorted_keys()) {
            const uint64_t* task = gamer.tasks.find(client_task);
            if (!task) continue;  // it waited for another one and went with that
            answer_error(gamer, client_task, Status::kClosed, {}, "the coordinator is closing");
            withdraw(*task);
        }
    });
    perform();
    for (uint64_t id : ids) {
        if (std::unique_ptr<Session>* session = sessions_.find(id)) {
            end_session(**session, Status::kClosed, "the coordinator is closing");
        }
    }
    loop_.disarm(timer_);
    loop_.disarm(scan_timer_);
    loop_.disarm(count_timer_);
    loop_.disarm(handshake_timer_);
    loop_.disarm(stopped_timer_);
    loop_.disarm(behind_timer_);
    loop_.disarm(pulse_timer_);
    if (drained_) std::exchange(drained_, nullptr)();
}

const CoordinatorStats& Coordinator::Impl::stats() {
    const sched::SchedulerStats& decided = scheduler_.stats();
    stats_.active_peers = static_cast<uint32_t>(scheduler_.peers().size());
    stats_.pending_tasks = static_cast<uint32_t>(scheduler_.pending());
    stats_.retries = decided.retries;
    stats_.timeouts = decided.timeouts + decided.deadlines;
    stats_.peer_failures = decided.peer_failures;
    stats_.copies = decided.copies;
    stats_.taken_back = decided.taken_back;
    stats_.bytes_in = bytes_in_before_;
    stats_.bytes_out = bytes_out_before_;
    stats_.clients = 0;
    sessions_.for_each([&](uint64_t, std::unique_ptr<Session>& session) {
        stats_.bytes_in += session->connection->bytes_in();
        stats_.bytes_out += session->connection->bytes_out();
        if (session->phase == Session::Phase::kGamer) ++stats_.clients;
    });
    if (options_.access) stats_.audit_lost = options_.access->audit_lost();
    stats_.payload_bytes_held = payload_bytes();
    stats_.answer_bytes = answer_bytes();
    stats_.answer_hits = answers_.stats().hits;
    stats_.answers_followed = answers_.stats().followed;
    stats_.content_bytes = contents_.bytes_held();
    stats_.content_hits = contents_.stats().hits;
    stats_.content_misses = contents_.stats().misses;
    stats_.content_evicted = contents_.stats().evicted;
    stats_.contents_sent = contents_sent_;
    stats_.payload_bytes_copied = transport_.payload_bytes_copied();
    double connected = 0;
    double accepted = 0;
    scheduler_.peers().slot_time(loop_.turn_us(), connected, accepted);
    stats_.utilisation = connected > 0 ? accepted / connected : 0;
    return stats_;
}

// ---- the outside -------------------------------------------------------------------------------

Coordinator::Coordinator(net::Loop& loop, net::Transport& transport, exec::Runner* runner,
                         RandomSource& random, Prng, Log log, CoordinatorOptions options,
                         CoordinatorEvents& events)
    : impl_(std::make_unique<Impl>(loop, transport, runner, random, log, std::move(options),
                                   events)) {}
Coordinator::~Coordinator() = default;
Result<Done> Coordinator::start() {
    return impl_->start();
}
uint32_t Coordinator::port() const {
    return impl_->port();
}
void Coordinator::accept(std::unique_ptr<net::Connection> connection) {
    impl_->accept(std::move(connection), true);
}
Result<Bytes> Coordinator::call(const std::string& name, std::span<const uint8_t> arguments,
                                std::string* text) {
    return impl_->call(name, arguments, text);
}
void Coordinator::drain(std::function<void()> drained) {
    impl_->drain(std::move(drained));
}
void Coordinator::close() {
    impl_->close();
}
const CoordinatorStats& Coordinator::stats() {
    return impl_->stats();
}

}  // namespace p2c2r::roles
