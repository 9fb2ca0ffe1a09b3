#include "roles/client.h"

#include <algorithm>
#include <bitset>
#include <map>

#include "core/flat_map.h"
#include "core/plant.h"
#include "core/slot_map.h"
#include "core/utf8.h"
#include "model/task_type.h"
#include "roles/link.h"
#include "roles/streams.h"
#include "sched/deadline_wheel.h"

namespace p2c2r::roles {

namespace {

constexpr uint64_t kDeadlineDefaultUs = 5'000'000;  // of a type the contract does not name
constexpr uint64_t kLocalSlackUs = 2'000;           // a local run is meant to end this long before
// Payloads of this size and more wait at the gamer for the window; smaller ones always go out.
constexpr size_t kWindowedSize = 16 * 1024;
constexpr uint64_t kWindowFloor = 512 * 1024;

constexpr const char* kWhyNotOk = "a task that this one depends on has not ended with OK";

// How the latest tasks ended, for later ones that depend on them. An id that is neither pending nor
// here was never given out or is too old to be told: either way nobody can say that it ended well.
class Ended {
  public:
    static constexpr size_t kCount = 4096;

    void add(uint64_t id, bool good) {
        const size_t at = next_++ % kCount;
        ids_[at] = id;
        good_[at] = good;
    }
    // NULL for a task that ended with OK.
    [[nodiscard]] const char* refusal(uint64_t id) const {
        const auto found = std::find(ids_.begin(), ids_.end(), id);
        if (id == 0 || found == ids_.end()) {
            return "depends_on names a task that this client has not had, or that ended more than "
                   "4096 tasks ago";
        }
        return good_[static_cast<size_t>(found - ids_.begin())] ? nullptr : kWhyNotOk;
    }

  private:
    std::vector<uint64_t> ids_ = std::vector<uint64_t>(kCount);
    std::bitset<kCount> good_;
    size_t next_ = 0;
};

}  // namespace

Result<Done> check_task_type(std::string_view name) {
    if (name.empty() || name.size() > limits::kTaskTypeLengthMax) {
        return field_error(Status::kArgument, "task_type",
                           "task_type must have 1 to " +
                               std::to_string(limits::kTaskTypeLengthMax) + " bytes, not " +
                               std::to_string(name.size()));
    }
    if (!is_name_text(name)) {
        return field_error(Status::kArgument, "task_type",
                           "task_type must be UTF-8 without control characters");
    }
    return Done{};
}

Result<Done> check_task_spec(const TaskSpec& spec) {
    const uint64_t size = static_cast<uint64_t>(spec.params.size()) + spec.data.size();
    if (size > limits::kPayloadSizeMax) {
        return field_error(Status::kSize, "data",
                           "params and data of " + std::to_string(size) +
                               " bytes exceed the limit of " +
                               std::to_string(limits::kPayloadSizeMax));
    }
    if (spec.circle == Circle::kPublic) {
        return field_error(Status::kUnsupported, "circle",
                           "circle public is not available; there are own and invited");
    }
    // Nothing compares answers yet: a class above the lowest would be a promise that nobody keeps.
    if (spec.verify > VerifyClass::kA) {
        return field_error(Status::kUnsupported, "verify",
                           "verify classes B, C and D are not available; there are A and the "
                           "type's own");
    }
    if (spec.depends_on.size() > limits::kDependsOnMax) {
        return field_error(Status::kLimit, "depends_on",
                           std::to_string(spec.depends_on.size()) + " dependencies exceed " +
                               std::to_string(limits::kDependsOnMax));
    }
    return Done{};
}

class Client::Impl final : public LinkEvents, public exec::RunnerEvents {
  public:
    Impl(net::Loop& loop, net::Transport* transport, exec::Runner* runner, RandomSource& random,
         Prng prng, Log log, ClientOptions options, ClientEvents& events)
        : loop_(loop), runner_(runner), options_(std::move(options)), events_(events) {
        if (options_.client_id.empty()) options_.client_id = automatic_id("gamer", random);
        if (transport) {
            link_ = std::make_unique<Link>(loop, *transport, random, prng, log, Role::kGamer,
                                           options_.host, options_.port, options_.reconnect, *this);
        }
        timer_.fire = [this] { on_time(); };
        call_timer_.fire = [this] { expire_calls(); };
    }
    ~Impl() {
        loop_.disarm(timer_);
        loop_.disarm(call_timer_);
        if (runner_) runner_->forget(*this);
        link_.reset();
    }

    void start() {
        if (link_) link_->start();
    }

    void submit(uint64_t task, const TaskSpec& spec);
    void cancel(uint64_t task);
    void call(uint64_t call, const std::string& name, Bytes arguments, uint64_t timeout_us);
    void close();

    const ClientStats& stats() {
        stats_.connected = link_ && link_->ready();
        if (link_) {
            stats_.bytes_in = link_->bytes_in();
            stats_.bytes_out = link_->bytes_out();
            stats_.reconnects = link_->reconnects();
        }
        return stats_;
    }
    const std::string& client_id() const { return options_.client_id; }

  private:
    struct Task {
        uint64_t id = 0;
        uint64_t slot = 0;
        const TaskSpec* spec = nullptr;  // its owner's, until the task has ended
        uint64_t submitted_us = 0;
        uint64_t deadline_us = 0;
        uint64_t local_at_us = 0;       // when a local run starts at the latest; 0: never
        uint64_t local_started_us = 0;  // 0: not running here
        uint64_t local_job = 0;
        uint64_t sent_us = 0;    // when its payload began to leave
        uint32_t waits_for = 0;  // dependencies that have not ended
        bool sent = false;
        bool windowed = false;          // counts against the window
        bool receiving = false;         // chunks of `delivery` are still coming in
        wire::ResultDelivery delivery;  // of a result in chunks
    };

    // LinkEvents
    wire::Message registration(const wire::Login& login, wire::EnvelopeBuffer& out) override {
        wire::GamerRegister message;
        message.client_id = options_.client_id;
        message.login = login;
        encode(message, out);
        return wire::Message::kGamerRegister;
    }
    void on_link_ready(const wire::RegisterResponse& response) override;
    bool on_link_frame(const wire::Frame& frame, const char*& why) override;
    uint8_t* on_link_place(wire::Message message, uint64_t id, size_t size) override {
        return message == wire::Message::kResultDelivery ? assembler_.place(id, size) : nullptr;
    }
    void on_link_writable() override { out_.pump(link_->connection()); }
    void fill_heartbeat(wire::Heartbeat&) override {}
    void on_link_lost(Status status, const std::string& why, bool given_up) override;

    // RunnerEvents
    void on_job_done(uint64_t tag, exec::Output&& output) override;

    Task* find(uint64_t task) {
        uint64_t* slot = slots_.find(task);
        return slot ? tasks_.find(*slot) : nullptr;
    }
    bool on_call_response(const wire::Frame& frame, const char*& why);
    void end_call(uint64_t call, const Error* error, Payload&& payload);
    bool on_delivery(const wire::Frame& frame, const char*& why);
    void fetch_ahead(uint64_t id);
    void deliver(Task& task, const wire::ResultDelivery& delivery, Payload&& payload);
    void remote_failed(Task& task, Status status, std::string field, std::string error,
                       const wire::ResultDelivery& told = {});
    void admit(Task& task);
    void forget(const Task& task);
    void go(Task& task);
    void send(Task& task);
    void send_waiting();
    void send_cancel(const Task& task);
    bool can_run_local(const Task& task) const {
        return runner_ && task.spec->place != Place::kRemote &&
               runner_->can_run(task.spec->task_type);
    }
    void start_local(Task& task);
    void plan_local(Task& task, uint64_t now_us);
    void arm(Task& task);
    void on_time();
    void end(Task& task, TaskResult&& result);
    // `result` is what else is known of it.
    void end_error(Task& task, Status status, std::string_view field, std::string_view error,
                   TaskResult&& result = {});
    void count(const Task& task, const TaskResult& result);
    void expire_calls();
    double& local_estimate(const std::string& task_type);
    [[nodiscard]] uint64_t window() const {
        const double wanted = 2 * rate_bytes_per_us_ * static_cast<double>(latency_min_us_);
        return std::clamp(static_cast<uint64_t>(wanted), std::min(kWindowFloor, window_bytes_max_),
                          window_bytes_max_);
    }

    net::Loop& loop_;
    exec::Runner* runner_;
    ClientOptions options_;
    ClientEvents& events_;
    std::unique_ptr<Link> link_;
    Error given_up_;  // while stats_.given_up
    bool closed_ = false;

    SlotMap<Task> tasks_;
    FlatMap<uint64_t> slots_;  // task id to slot
    std::vector<uint64_t> slot_ids_;
    sched::DeadlineWheel wheel_;
    net::Timer timer_;
    uint64_t armed_us_ = UINT64_MAX;
    std::map<uint64_t, std::vector<uint64_t>> dependents_;  // task to those that wait for it
    Ended ended_;
    std::map<uint64_t, uint64_t> calls_;  // call to its time limit
    net::Timer call_timer_;

    OutStreams out_;
    Assembler assembler_{options_.memory};
    wire::EnvelopeBuffer envelope_;
    wire::TaskSubmit submit_;        // reused: keeps its memory
    wire::ResultDelivery delivery_;  // the one that is being read
    std::string last_type_;          // most tasks are of the type of the one before
    uint64_t last_deadline_us_ = 0;

    // The window of large payloads: twice what the path delivers in its shortest round.
    uint64_t windowed_bytes_ = 0;
    uint64_t window_bytes_max_ = kWindowFloor;
    double rate_bytes_per_us_ = 0;
    uint64_t latency_min_us_ = 0;
    uint64_t rate_since_us_ = 0;
    uint64_t rate_bytes_ = 0;
    std::deque<uint64_t> window_queue_;

    std::vector<std::pair<std::string, double>> local_us_;  // learned per type
    ClientStats stats_;
};

// ---- submitting --------------------------------------------------------------------------------

void Client::Impl::submit(uint64_t id, const TaskSpec& spec) {
    const uint64_t slot = tasks_.insert();
    const uint32_t index = SlotMap<Task>::index_of(slot);
    try {
        if (index >= slot_ids_.size()) slot_ids_.resize(index + 64);
        wheel_.make_room(index);
        slots_[id] = slot;
    } catch (...) {
        tasks_.erase(slot);
        throw;
    }
    slot_ids_[index] = slot;
    Task& task = *tasks_.find(slot);
    task.id = id;
    task.slot = slot;
    task.spec = &spec;
    task.submitted_us = loop_.turn_us();
    task.local_at_us = task.local_started_us = task.local_job = 0;
    task.waits_for = 0;
    task.sent = task.windowed = task.receiving = false;
    try {
        admit(task);
    } catch (...) {
        if (tasks_.find(slot)) {
            if (task.windowed) windowed_bytes_ -= spec.params.size() + spec.data.size();
            out_.drop(id);
            forget(task);
        }
        throw;
    }
}

void Client::Impl::admit(Task& task) {
    const TaskSpec& spec = *task.spec;
    uint64_t deadline = spec.deadline_us;
    if (deadline == 0) {
        if (spec.task_type != last_type_) {
            last_type_ = spec.task_type;
            const TaskType* type = find_contract_task_type(canonical_task_type(last_type_));
            last_deadline_us_ = type ? type->deadline_us : kDeadlineDefaultUs;
        }
        deadline = last_deadline_us_;
    }
    task.deadline_us = task.submitted_us + deadline;
    ++stats_.submitted;
    if (closed_) {
        end_error(task, Status::kClosed, {}, "the client is closed");
        return;
    }
    for (uint64_t other : spec.depends_on) {
        if (find(other)) {
            ++task.waits_for;
            dependents_[other].push_back(task.id);
        } else if (const char* why = ended_.refusal(other)) {
            end_error(task, Status::kState, "depends_on", why);
            return;
        }
    }
    if (task.waits_for > 0) {
        arm(task);
        return;
    }
    go(task);
}

// It is not known any more; its slot waits for the next task.
void Client::Impl::forget(const Task& task) {
    assembler_.drop(task.id);
    wheel_.clear(SlotMap<Task>::index_of(task.slot));
    slots_.erase(task.id);
    tasks_.erase(task.slot);
}

// All it depends on has ended: here or away.
void Client::Impl::go(Task& task) {
    if (task.spec->place == Place::kLocal || !link_) {
        if (!can_run_local(task)) {
            Error error = no_executor(task.spec->task_type,
                                      runner_ ? runner_->task_types() : std::vector<std::string>());
            end_error(task, error.status, std::move(error.field), std::move(error.text));
            return;
        }
        start_local(task);
        return;
    }
    if (stats_.given_up) {  // no answer will ever come from elsewhere
        if (can_run_local(task)) {
            start_local(task);
        } else {
            end_error(task, given_up_.status, {}, given_up_.text);
        }
        return;
    }
    plan_local(task, loop_.turn_us());
    arm(task);
    if (link_->ready()) send(task);
}

// When this machine starts to compute it, should no answer have come by then.
void Client::Impl::plan_local(Task& task, uint64_t now_us) {
    task.local_at_us = 0;
    if (!can_run_local(task)) return;
    const uint64_t estimate = static_cast<uint64_t>(local_estimate(task.spec->task_type));
    const uint64_t left = task.deadline_us > now_us ? task.deadline_us - now_us : 0;
    const uint64_t need = estimate > 0 ? estimate * 3 / 2 + kLocalSlackUs : left / 2;
    const bool reachable = link_ && link_->ready();
    if (!reachable || (task.spec->flags & task_flag::kLocalAtDeadline)) {
        task.local_at_us = std::max(now_us, task.deadline_us - std::min(left, need));
    }
}

void Client::Impl::send(Task& task) {
    const uint64_t now = loop_.turn_us();
    const size_t size = task.spec->params.size() + task.spec->data.size();
    if (size >= kWindowedSize && !task.windowed) {
        if (windowed_bytes_ > 0 && windowed_bytes_ + size > window()) {
            window_queue_.push_back(task.id);
            return;
        }
        windowed_bytes_ += size;
        task.windowed = true;
        task.sent_us = now;
    }
    wire::TaskSubmit& message = submit_;
    message.task_type = task.spec->task_type;
    message.priority = task.spec->priority;
    message.deadline_us.reset();
    if (task.spec->deadline_us != 0 || task.sent) {
        message.deadline_us = task.deadline_us > now ? task.deadline_us - now : 0;
    }
    message.circle = task.spec->circle;
    message.verify = task.spec->verify;
    message.price = task.spec->price;
    message.task_flags = task.spec->flags | (task.sent ? task_flag::kResubmitted : 0);
    message.checksum.reset();
    message.sizes.reset();
    uint8_t flags = 0;
    if (options_.checksum) {
        message.checksum = payload_checksum(task.spec->params, task.spec->data);
        flags |= wire::kFlagChecksum;
    }
    if (needs_chunks(task.spec->params.size(), task.spec->data.size())) {
        message.sizes = wire::PayloadSizes{task.spec->params.size(), task.spec->data.size()};
    }
    encode(message, envelope_);
    task.sent = true;
    out_.send(link_->connection(), wire::Message::kTaskSubmit, flags, task.id, envelope_.span(),
              task.spec->params, task.spec->data);
}

void Client::Impl::send_waiting() {
    while (!window_queue_.empty() && link_ && link_->ready()) {
        Task* task = find(window_queue_.front());
        if (task && !task->sent) {
            const size_t size = task->spec->params.size() + task->spec->data.size();
            if (windowed_bytes_ > 0 && windowed_bytes_ + size > window()) return;
            window_queue_.pop_front();
            send(*task);
        } else {
            window_queue_.pop_front();
        }
    }
}

void Client::Impl::send_cancel(const Task& task) {
    if (!task.sent || !link_ || !link_->ready()) return;
    out_.drop(task.id);
    try {
        encode(wire::TaskCancel{}, envelope_);
    } catch (const std::bad_alloc&) {
        return;  // the coordinator works on it until its deadline, and nobody waits for that
    }
    link_->connection().send_copy(wire::Message::kTaskCancel, 0, task.id, envelope_.span(), {}, {});
}

void Client::Impl::cancel(uint64_t id) {
    Task* task = find(id);
    if (!task) return;
    send_cancel(*task);
    end_error(*task, Status::kCancelled, {}, "cancelled");
}

// ---- the connection ----------------------------------------------------------------------------

void Client::Impl::on_link_ready(const wire::RegisterResponse& response) {
    // An eighth is left for the payloads that do not wait for the window.
    if (response.window_bytes > 0) {
        window_bytes_max_ = response.window_bytes - response.window_bytes / 8;
    }
    const uint64_t now = loop_.turn_us();
    // Whatever has not ended is submitted with its id, the first time or again: what the
    // coordinator still knows it ignores.
    out_.clear();
    assembler_.clear();
    windowed_bytes_ = 0;
    window_queue_.clear();
    const std::vector<uint64_t> ids = slots_.sorted_keys();
    for (uint64_t id : ids) {
        Task* task = find(id);
        if (!task) continue;
        task->windowed = task->receiving = false;
        if (task->spec->place == Place::kLocal || task->waits_for > 0) continue;
        if (P2C2R_PLANT("resume_loses_tasks") && task->sent) continue;
        if (task->local_started_us == 0) {
            plan_local(*task, now);
            arm(*task);
        }
        send(*task);
    }
    events_.on_client_state(Status::kOk, "connected");
}

void Client::Impl::on_link_lost(Status status, const std::string& why, bool given_up) {
    out_.clear();
    assembler_.clear();
    // Before any task ends: its end may bring the next one.
    stats_.given_up = given_up;
    if (given_up) {
        given_up_ = make_error(status == Status::kOk ? Status::kDisconnected : status,
                               "the coordinator has been given up: " + why);
    }
    const uint64_t now = loop_.turn_us();
    for (uint64_t id : slots_.sorted_keys()) {
        Task* task = find(id);
        if (!task || task->waits_for > 0) continue;
        task->receiving = false;
        if (task->spec->place == Place::kLocal || task->local_started_us != 0) continue;
        if (can_run_local(*task)) {
            plan_local(*task, now);
            if (given_up) task->local_at_us = now;
            arm(*task);
        } else if (given_up) {
            end_error(*task, given_up_.status, {}, given_up_.text);
        }
    }
    for (const auto& [call, until] : std::exchange(calls_, {})) {
        const Error error = make_error(Status::kDisconnected, why);
        events_.on_call_done(call, &error, {}, {});
    }
    stats_.peers_available = stats_.peers_total = 0;
    events_.on_client_state(state_of_lost(status, given_up), why);
}

bool Client::Impl::on_link_frame(const wire::Frame& frame, const char*& why) {
    switch (frame.message) {
        case wire::Message::kResultDelivery:
            return on_delivery(frame, why);
        case wire::Message::kTaskTimeout: {
            wire::TaskTimeout message;
            if ((why = decode(frame.envelope, message))) return false;
            if (Task* task = find(frame.id)) {
                remote_failed(*task, Status::kDeadline, {}, std::string(message.error));
            }
            return true;
        }
        case wire::Message::kPeerCountUpdate: {
            wire::PeerCountUpdate message;
            if ((why = decode(frame.envelope, message))) return false;
            stats_.peers_available = message.available_peers;
            stats_.peers_total = message.total_peers;
            events_.on_peer_count(message.available_peers, message.total_peers);
            return true;
        }
        case wire::Message::kCallResponse:
            return on_call_response(frame, why);
        default:
            // Messages of a later version that this one has not agreed to are not for us.
            return true;
    }
}

bool Client::Impl::on_call_response(const wire::Frame& frame, const char*& why) {
    Payload payload;
    Assembler::State state = Assembler::State::kIgnored;
    if (!frame.envelope.empty()) {
        wire::CallResponse message;
        if ((why = decode(frame.envelope, message))) return false;
        if (!calls_.count(frame.id)) return true;  // its time was over
        if (message.status != Status::kOk) {
            const Error error =
                field_error(message.status, std::string(message.field), std::string(message.error));
            end_call(frame.id, &error, {});
            return true;
        }
        state = assembler_.first(frame, message.sizes, payload);
    } else if (calls_.count(frame.id)) {
        state = assembler_.next(frame, payload);
    }
    if (state == Assembler::State::kBroken) {
        why = assembler_.why();
        return false;
    }
    if (state != Assembler::State::kWhole) return true;
    payload.own();
    end_call(frame.id, nullptr, std::move(payload));
    return true;
}

void Client::Impl::end_call(uint64_t call, const Error* error, Payload&& payload) {
    calls_.erase(call);
    assembler_.drop(call);
    events_.on_call_done(call, error, std::move(payload.params), std::move(payload.data));
}

bool Client::Impl::on_delivery(const wire::Frame& frame, const char*& why) {
    if (frame.next_id != 0) fetch_ahead(frame.next_id);
    Task* task = find(frame.id);
    Payload payload;
    Assembler::State state = Assembler::State::kIgnored;
    const wire::ResultDelivery* told = &delivery_;
    if (!frame.envelope.empty()) {
        wire::ResultDelivery& delivery = delivery_;
        if ((why = decode(frame.envelope, delivery))) return false;
        if (!task) return true;
        if (delivery.status != Status::kOk) {
            assembler_.drop(frame.id);
            remote_failed(*task, delivery.status, std::string(delivery.field),
                          std::string(delivery.error), delivery);
            return true;
        }
        state = assembler_.first(frame, delivery.sizes, payload);
        if (state == Assembler::State::kMore) {
            task->delivery = delivery;
            task->delivery.field = task->delivery.error = {};  // of the frame's memory
        }
    } else if (task) {
        told = &task->delivery;
        state = assembler_.next(frame, payload);
    }
    switch (state) {
        case Assembler::State::kBroken:
            why = assembler_.why();
            return false;
        case Assembler::State::kMore:
            task->receiving = true;
            return true;
        case Assembler::State::kIgnored:
            return true;
        case Assembler::State::kWhole:
            deliver(*task, *told, std::move(payload));
            return true;
    }
    return true;
}

void Client::Impl::fetch_ahead(uint64_t id) {
    if (const uint64_t* slot = slots_.find(id)) {
        tasks_.fetch_ahead(*slot);
        events_.expect_end(id);
    }
}

void Client::Impl::deliver(Task& task, const wire::ResultDelivery& delivery, Payload&& payload) {
    if (delivery.checksum && *delivery.checksum != payload_checksum(payload.params, payload.data)) {
        // Whoever spoiled it, it costs this task alone.
        remote_failed(task, Status::kContent, {},
                      "the checksum of the result does not match its bytes");
        return;
    }
    TaskResult result;
    result.status = Status::kOk;
    result.info = std::move(payload.params);
    result.data = std::move(payload.data);
    result.source = delivery.source;
    result.attempts = delivery.attempts;
    result.processing_us = delivery.processing_us;
    result.queue_us = delivery.queue_us;
    end(task, std::move(result));
}

// The coordinator has no answer. This machine is the last resort, if it can and there is time.
void Client::Impl::remote_failed(Task& task, Status status, std::string field, std::string error,
                                 const wire::ResultDelivery& told) {
    const bool about_task =
        status == Status::kParams || status == Status::kArgument || status == Status::kSize;
    if (task.local_started_us != 0) return;  // the local run decides
    if (!about_task && status != Status::kDeadline && can_run_local(task) &&
        loop_.turn_us() < task.deadline_us) {
        start_local(task);
        return;
    }
    TaskResult result;
    // On the wire a source that is not said is a peer; where nobody tried it is nobody.
    result.source = told.attempts > 0 || told.source != Source::kPeer ? told.source : Source::kNone;
    result.attempts = told.attempts;
    result.queue_us = told.queue_us;
    result.processing_us = told.processing_us;
    result.retry_after_ms = told.retry_after_ms;
    end_error(task, status, field, error, std::move(result));
}

// ---- computing here ----------------------------------------------------------------------------

double& Client::Impl::local_estimate(const std::string& task_type) {
    for (auto& [type, estimate] : local_us_) {
        if (type == task_type) return estimate;
    }
    local_us_.emplace_back(task_type, 0.0);
    return local_us_.back().second;
}

void Client::Impl::start_local(Task& task) {
    task.local_at_us = 0;
    task.local_started_us = std::max<uint64_t>(1, loop_.turn_us());
    arm(task);
    exec::JobSpec spec;
    spec.task_type = task.spec->task_type;
    spec.params = task.spec->params;
    spec.data = task.spec->data;
    spec.deadline_us = task.deadline_us;
    const uint64_t id = task.id;
    const uint64_t job = runner_->start(spec, id, *this);
    // A short job has ended already, and the task with it.
    Task* after = find(id);
    if (!after) return;
    if (job == 0) {
        end_error(*after, Status::kBusy, {}, "this machine could not start the task");
        return;
    }
    after->local_job = job;
}

void Client::Impl::on_job_done(uint64_t tag, exec::Output&& output) {
    Task* task = find(tag);
    if (!task || task->local_started_us == 0) return;
    task->local_job = 0;
    if (output.status == Status::kOk) {
        try {
            double& estimate = local_estimate(task->spec->task_type);
            const double took = static_cast<double>(output.processing_us);
            estimate = estimate == 0 ? took : estimate + (took - estimate) / 8;
        } catch (const std::bad_alloc&) {
            // Then nothing is learned from this one.
        }
        TaskResult result;
        result.status = Status::kOk;
        result.info = std::move(output.info);
        result.data = std::move(output.data);
        result.source = Source::kLocal;
        result.attempts = 1;
        result.processing_us = output.processing_us;
        if (task->sent) send_cancel(*task);
        end(*task, std::move(result));
        return;
    }
    TaskResult result;
    result.source = Source::kLocal;
    result.attempts = 1;
    result.processing_us = output.processing_us;
    end_error(*task, output.status, output.field, output.error, std::move(result));
}

// ---- time --------------------------------------------------------------------------------------

void Client::Impl::arm(Task& task) {
    uint64_t at = task.deadline_us;
    if (task.local_at_us != 0) at = std::min(at, task.local_at_us);
    wheel_.set(SlotMap<Task>::index_of(task.slot), at);
    if (at < armed_us_) {
        armed_us_ = at;
        loop_.arm(timer_, at);
    }
}

void Client::Impl::on_time() {
    const uint64_t now = loop_.turn_us();
    armed_us_ = UINT64_MAX;
    wheel_.expire(now, [&](uint32_t index) {
        Task* task = tasks_.find(slot_ids_[index]);
        if (!task) return;
        if (now >= task->deadline_us) {
            send_cancel(*task);
            end_error(*task, Status::kDeadline, {}, "the deadline passed before an answer came");
            return;
        }
        if (task->local_at_us != 0 && now >= task->local_at_us) {
            start_local(*task);
            return;
        }
        arm(*task);
    });
    const uint64_t next = wheel_.next_us();
    if (next < armed_us_) {
        armed_us_ = next;
        loop_.arm(timer_, next);
    }
}

// ---- ending ------------------------------------------------------------------------------------

void Client::Impl::end_error(Task& task, Status status, std::string_view field,
                             std::string_view error, TaskResult&& result) {
    result.status = status;
    try {
        result.field = field;
        result.error = error.empty() ? std::string_view(status_text(status)) : error;
    } catch (const std::bad_alloc&) {
        // The status says enough.
    }
    end(task, std::move(result));
}

void Client::Impl::count(const Task& task, const TaskResult& result) {
    if (result.status == Status::kOk) {
        ++stats_.completed;
        if (result.source == Source::kLocal) ++stats_.local;
        stats_.total_us.add(result.total_us);
    } else if (result.status == Status::kCancelled) {
        ++stats_.cancelled;
    } else {
        ++stats_.failed;
    }
    if (!task.windowed) return;
    // What the path delivers, over windows of 20 ms and more, and its shortest round.
    const uint64_t now = loop_.turn_us();
    if (result.status == Status::kOk) {
        const uint64_t latency = now - task.sent_us;  // without waiting for the window
        latency_min_us_ = latency_min_us_ == 0
                              ? latency
                              : std::min(latency_min_us_ + latency_min_us_ / 256, latency);
    }
    rate_bytes_ += task.spec->params.size() + task.spec->data.size();
    if (now - rate_since_us_ > 20'000) {
        rate_bytes_per_us_ =
            static_cast<double>(rate_bytes_) / static_cast<double>(now - rate_since_us_);
        rate_bytes_ = 0;
        rate_since_us_ = now;
    }
}

void Client::Impl::end(Task& task, TaskResult&& result) {
    const uint64_t id = task.id;
    result.total_us = loop_.turn_us() - task.submitted_us;
    const uint64_t known = result.queue_us + result.processing_us;
    result.network_us =
        result.source == Source::kLocal || result.total_us < known ? 0 : result.total_us - known;
    count(task, result);
    if (task.windowed) windowed_bytes_ -= task.spec->params.size() + task.spec->data.size();
    if (task.local_job != 0) runner_->cancel(task.local_job);
    forget(task);
    const bool good = result.status == Status::kOk;
    ended_.add(id, good);
    events_.on_task_ended(id, std::move(result));
    // Told first: what fails now is about other tasks.
    try {
        if (!window_queue_.empty()) send_waiting();
    } catch (const std::bad_alloc&) {
        link_->fail(Status::kMemory, "memory is short");  // all are sent again, on the next one
    }
    if (dependents_.empty()) return;
    const auto waiting = dependents_.find(id);
    if (waiting == dependents_.end()) return;
    const std::vector<uint64_t> ids = std::move(waiting->second);
    dependents_.erase(waiting);
    for (uint64_t next : ids) {
        Task* dependent = find(next);
        if (!dependent) continue;
        if (!good) {
            end_error(*dependent, Status::kState, "depends_on", kWhyNotOk);
        } else if (--dependent->waits_for == 0) {
            try {
                go(*dependent);
            } catch (const std::bad_alloc&) {
                end_error(*dependent, Status::kMemory, {}, {});
            }
        }
    }
}

void Client::Impl::call(uint64_t call, const std::string& name, Bytes arguments,
                        uint64_t timeout_us) {
    if (!link_ || !link_->ready()) {
        const Error error = make_error(Status::kDisconnected, "not connected to a coordinator");
        events_.on_call_done(call, &error, {}, {});
        return;
    }
    // A call is one frame. What the coordinator would have to take for a fault is refused here.
    if (name.empty() || name.size() > limits::kTaskTypeLengthMax) {
        const Error error = field_error(Status::kArgument, "name", "name must have 1 to 64 bytes");
        events_.on_call_done(call, &error, {}, {});
        return;
    }
    if (arguments.size() > limits::kChunkSizeMax) {
        const Error error = field_error(Status::kSize, "args_json",
                                        "arguments of " + std::to_string(arguments.size()) +
                                            " bytes exceed the limit of 256 KiB");
        events_.on_call_done(call, &error, {}, {});
        return;
    }
    const uint64_t until = loop_.turn_us() + timeout_us;
    calls_[call] = until;
    loop_.arm(call_timer_, until);
    expire_calls();
    encode(wire::Call{name}, envelope_);
    link_->connection().send_copy(wire::Message::kCall, 0, call, envelope_.span(), arguments.span(),
                                  {});
}

void Client::Impl::expire_calls() {
    const uint64_t now = loop_.turn_us();
    uint64_t next = UINT64_MAX;
    std::vector<uint64_t> over;
    for (const auto& [call, until] : calls_) {
        if (until <= now) {
            over.push_back(call);
        } else {
            next = std::min(next, until);
        }
    }
    if (next != UINT64_MAX) loop_.arm(call_timer_, next);
    for (uint64_t call : over) {
        const Error error = make_error(Status::kTimeout, "the coordinator did not answer in time");
        end_call(call, &error, {});
    }
}

void Client::Impl::close() {
    if (closed_) return;
    closed_ = true;
    for (uint64_t id : slots_.sorted_keys()) {
        Task* task = find(id);
        if (!task) continue;
        send_cancel(*task);
        end_error(*task, Status::kClosed, {}, "the client was closed");
    }
    for (const auto& [call, until] : std::exchange(calls_, {})) {
        const Error error = make_error(Status::kClosed, "the client was closed");
        events_.on_call_done(call, &error, {}, {});
    }
    if (link_) link_->close(Status::kOk, "client closed");
    loop_.disarm(timer_);
    loop_.disarm(call_timer_);
}

// ---- the outside -------------------------------------------------------------------------------

Client::Client(net::Loop& loop, net::Transport* transport, exec::Runner* runner,
               RandomSource& random, Prng prng, Log log, ClientOptions options,
               ClientEvents& events)
    : impl_(std::make_unique<Impl>(loop, transport, runner, random, prng, log, std::move(options),
                                   events)) {}
Client::~Client() = default;
void Client::start() {
    impl_->start();
}
void Client::submit(uint64_t task, const TaskSpec& spec) {
    impl_->submit(task, spec);
}
void Client::cancel(uint64_t task) {
    impl_->cancel(task);
}
void Client::call(uint64_t call, const std::string& name, Bytes arguments, uint64_t timeout_us) {
    impl_->call(call, name, std::move(arguments), timeout_us);
}
void Client::close() {
    impl_->close();
}
const ClientStats& Client::stats() {
    return impl_->stats();
}
const std::string& Client::client_id() const {
    return impl_->client_id();
}

}  // namespace p2c2r::roles
