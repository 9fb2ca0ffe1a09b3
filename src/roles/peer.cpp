#include "roles/peer.h"

#include <algorithm>
#include <deque>

#include "core/flat_map.h"
#include "core/plant.h"
#include "core/slot_map.h"
#include "model/task_type.h"
#include "roles/link.h"
#include "roles/session_rules.h"
#include "roles/streams.h"

namespace p2c2r::roles {

namespace {

// `options.capabilities.task_types` is what it offers.
wire::PeerRegister registration_of(const PeerOptions& options) {
    wire::PeerRegister message;
    message.peer_id = options.peer_id;
    message.capabilities = options.capabilities;
    message.slots = options.slots;
    message.window_tasks = options.slots + options.prefetch;
    message.window_bytes = options.window_bytes;
    message.circle_accepted = options.circle_accepted;
    // Where nobody logs in it would be nobody's otherwise, and get nothing.
    message.circle = options.circle_accepted;
    message.codec_class = options.codec_class;
    return message;
}

bool fits_before_login(wire::PeerRegister& message) {
    if (message.capabilities.task_types.size() > limits::kTaskTypesPerPeerMax) return false;
    // As large as it ever gets: with the secret of a session to be resumed.
    const wire::Login login = std::exchange(message.login, {0, {}, Nonce{}});
    wire::EnvelopeBuffer out;
    encode(message, out);
    message.login = login;
    return out.span().size() <= limits::kEnvelopeSizeMaxBeforeLogin;
}

}  // namespace

Result<Done> check_offer(const PeerOptions& options, const std::vector<std::string>& task_types) {
    wire::PeerRegister message = registration_of(options);
    if (message.peer_id.empty()) message.peer_id = "peer-0123456789ab";  // as long as an automatic
    message.capabilities.task_types = task_types;
    if (fits_before_login(message)) return Done{};
    size_t size = 0;
    for (const std::string& type : task_types) size += type.size();
    return field_error(
        Status::kLimit, "task_types",
        std::to_string(task_types.size()) + " task types with names of " + std::to_string(size) +
            " bytes exceed what a peer can offer, " + std::to_string(limits::kTaskTypesPerPeerMax) +
            " types in a registration of " + std::to_string(limits::kEnvelopeSizeMaxBeforeLogin) +
            " bytes; name fewer");
}

class Peer::Impl final : public LinkEvents, public exec::RunnerEvents {
  public:
    Impl(net::Loop& loop, net::Transport& transport, exec::Runner& runner, RandomSource& random,
         Prng prng, Log log, PeerOptions options, PeerEvents& events)
        : loop_(loop), runner_(runner), log_(log), options_(std::move(options)), events_(events) {
        if (options_.peer_id.empty()) options_.peer_id = automatic_id("peer", random);
        owner_ = std::make_unique<PeerOwner>(
            loop, std::move(options_.owner),
            [this] { return link_ ? link_->bytes_in() + link_->bytes_out() : 0; },
            [this] { owner_changed(); });
        options_.slots = std::clamp(options_.slots, 1u, kWindowTasksMax);
        options_.prefetch = std::min(options_.prefetch, kWindowTasksMax - options_.slots);
        offers_all_ = options_.capabilities.task_types.empty();
        link_ = std::make_unique<Link>(loop, transport, random, prng, log, Role::kPeer,
                                       options_.coordinator, options_.reconnect, *this);
    }
    ~Impl() {
        runner_.forget(*this);
        link_.reset();
    }

    void start() {
        started_ = true;
        owner_->start();
        if (owner_->knows()) link_->start();
    }
    // A peer that connects can be given tasks: it says what it takes from the first word on.
    void sensed(const owner::Signals& signals, uint32_t date) {
        owner_->sensed(signals, date);
        if (started_) link_->start();
    }
    void pause();
    void resume();
    void drain(std::function<void()> drained) {
        drained_ = std::move(drained);
        draining_ = true;
        stop_taking(false);
    }
    [[nodiscard]] PeerOwner& owner() { return *owner_; }
    void close();
    const PeerStats& stats();
    const PeerOptions& options() const { return options_; }
    std::vector<std::string> task_types() const;

  private:
    struct Job {
        enum class State : uint8_t { kReceiving, kWaiting, kRunning };
        State state = State::kReceiving;
        uint64_t id = 0;  // on the coordinator's hop; 0: of a connection that is gone
        Nonce attempt{};
        std::string task_type;
        Payload payload;
        uint64_t deadline_us = 0;  // 0: none
        uint64_t runner_job = 0;
        bool cancelled = false;
        bool has_checksum = false;
        uint64_t checksum = 0;
    };

    // LinkEvents
    [[nodiscard]] const std::string& link_id() const override { return options_.peer_id; }
    wire::Message registration(const wire::Login& login, wire::EnvelopeBuffer& out) override;
    void on_link_ready(const wire::RegisterResponse& response) override;
    bool on_link_frame(const wire::Frame& frame, const char*& why) override;
    uint8_t* on_link_place(wire::Message message, uint64_t id, size_t size) override {
        return message == wire::Message::kTaskAssign ? assembler_.place(id, size) : nullptr;
    }
    void on_link_writable() override {
        out_.pump(link_->connection());
        check_drained();
    }
    void fill_heartbeat(wire::Heartbeat& beat) override;
    void on_link_lost(Status status, const std::string& why, bool given_up) override;

    // RunnerEvents
    void on_job_done(uint64_t tag, exec::Output&& output) override;

    Job* find(uint64_t id, uint64_t* slot = nullptr) {
        uint64_t* found = slots_.find(id);
        if (!found) return nullptr;
        if (slot) *slot = *found;
        return jobs_.find(*found);
    }
    bool on_assign(const wire::Frame& frame, const char*& why);
    bool on_chunk(const wire::Frame& frame, const char*& why);
    void received(uint64_t slot, Payload&& payload);
    void run(uint64_t slot);
    void run_waiting();
    void cancel(uint64_t id);
    void refuse(const Job& job);
    void answer(const Job& job, Status status, const std::string& field, const std::string& error,
                uint64_t processing_us, uint64_t memory_peak, const Bytes& info, const Bytes& data);
    void answer_error(const Job& job, Status status, const std::string& error) {
        answer(job, status, {}, error, 0, 0, {}, {});
    }
    void forget(uint64_t slot);
    void check_drained();
    [[nodiscard]] bool takes() const {
        return !paused_ && !draining_ && owner_->decision().accepts;
    }
    [[nodiscard]] std::string why_not() const;
    void owner_changed();
    void stop_taking(bool started_too);
    void hand_back(uint64_t slot);
    void tell_window();
    void report_owner(wire::Heartbeat& beat);
    [[nodiscard]] uint32_t slots_free() const {
        return running_ >= options_.slots ? 0 : options_.slots - running_;
    }

    net::Loop& loop_;
    exec::Runner& runner_;
    Log log_;
    PeerOptions options_;
    PeerEvents& events_;
    std::unique_ptr<Link> link_;
    bool offers_all_ = false;
    std::unique_ptr<PeerOwner> owner_;
    bool paused_ = false;
    bool draining_ = false;
    bool started_ = false;
    bool told_takes_ = true;  // what the host was told last
    std::string told_why_;
    // What the coordinator knows of the owner; made void by a new connection.
    struct {
        bool known = false;
        std::string why;
        uint32_t duty_permille = 0;
        uint64_t data_used = 0;
    } reported_;
    std::string why_;  // what a heartbeat refers to
    std::function<void()> drained_;

    SlotMap<Job> jobs_;
    FlatMap<uint64_t> slots_;
    std::deque<uint64_t> waiting_;  // slots, in the order they came
    uint32_t running_ = 0;
    uint64_t registered_revision_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for work that was posted

    OutStreams out_;
    Assembler assembler_{options_.memory};
    wire::EnvelopeBuffer envelope_;
    wire::TaskAssign assign_;  // reused
    PeerStats stats_;
};

// ---- the connection ----------------------------------------------------------------------------

std::vector<std::string> Peer::Impl::task_types() const {
    if (!offers_all_) return options_.capabilities.task_types;
    std::vector<std::string> types = runner_.task_types();
    std::erase_if(types, [this](const std::string& type) {
        const auto& withheld = options_.withheld_types;
        return std::find(withheld.begin(), withheld.end(), type) != withheld.end();
    });
    return types;
}

wire::Message Peer::Impl::registration(const wire::Login& login, wire::EnvelopeBuffer& out) {
    options_.capabilities.task_types = task_types();
    registered_revision_ = runner_.revision();
    wire::PeerRegister message = registration_of(options_);
    // More executors than an offer has room for may come after the peer was made.
    std::vector<std::string>& types = message.capabilities.task_types;
    const size_t wanted = types.size();
    if (types.size() > limits::kTaskTypesPerPeerMax) types.resize(limits::kTaskTypesPerPeerMax);
    while (!types.empty() && !fits_before_login(message)) types.pop_back();
    if (types.size() < wanted) {
        log_.format(LogLevel::kWarn, "roles",
                    "only the first %zu of %zu task types fit into the offer", types.size(),
                    wanted);
        options_.capabilities.task_types = types;
    }
    message.login = login;
    if (!takes()) message.window_tasks = 0;
    encode(message, out);
    return wire::Message::kPeerRegister;
}

void Peer::Impl::on_link_ready(const wire::RegisterResponse&) {
    reported_.known = false;
    if (owner_->settings().owner_first) tell_window();
    events_.on_peer_state(Status::kOk, "connected as " + options_.peer_id);
}

void Peer::Impl::on_link_lost(Status status, const std::string& why, bool given_up) {
    // What was assigned over the old connection counts no more: it is placed again elsewhere. Jobs
    // that run keep their slot until they have stopped.
    out_.clear();
    assembler_.clear();
    waiting_.clear();
    slots_.clear();
    jobs_.for_each([&](uint64_t slot, Job& job) {
        if (job.state == Job::State::kRunning) {
            job.id = 0;
            runner_.cancel(job.runner_job);
        } else {
            job.payload = Payload{};
            jobs_.erase(slot);
        }
    });
    stats_.given_up = given_up;
    events_.on_peer_state(state_of_lost(status, given_up), why);
    check_drained();
}

void Peer::Impl::fill_heartbeat(wire::Heartbeat& beat) {
    beat.peer_id = options_.peer_id;
    beat.load = stats().load;
    beat.tasks_completed = stats_.completed;
    beat.tasks_failed = stats_.failed;
    beat.slots_free = slots_free();
    beat.window_tasks = takes() ? options_.slots + options_.prefetch : 0;
    report_owner(beat);
    // Executors came or went: the list is stated anew with a new registration, as soon as nothing
    // is held that a new connection would lose.
    if (offers_all_ && runner_.revision() != registered_revision_ && jobs_.empty()) {
        loop_.post([this, alive = std::weak_ptr<bool>(alive_)] {
            if (alive.lock() && link_->ready() && jobs_.empty()) {
                link_->fail(Status::kOk, "the list of task types has changed");
            }
        });
    }
}

// Rounded to what somebody who looks would notice, so that most heartbeats say nothing of it.
void Peer::Impl::report_owner(wire::Heartbeat& beat) {
    constexpr uint32_t kDutyStep = 10;
    constexpr uint64_t kDataStep = 100'000;
    why_ = why_not().substr(0, limits::kIdLengthMax);
    const uint32_t duty = stats_.duty_used_permille / kDutyStep * kDutyStep;
    const uint64_t data = stats_.data_day_bytes / kDataStep * kDataStep;
    if (!owner_->settings().owner_first && why_.empty() && !reported_.known) return;
    if (!reported_.known) beat.mode = owner::mode_name(owner_->settings().mode);
    if (!reported_.known || why_ != reported_.why) beat.why = why_;
    if (!reported_.known || duty != reported_.duty_permille) beat.duty_permille = duty;
    if (!reported_.known || data != reported_.data_used) beat.data_used = data;
    reported_ = {true, why_, duty, data};
}

bool Peer::Impl::on_link_frame(const wire::Frame& frame, const char*& why) {
    switch (frame.message) {
        case wire::Message::kTaskAssign:
            return on_assign(frame, why);
        case wire::Message::kTaskCancel: {
            wire::TaskCancel message;
            if ((why = decode(frame.envelope, message))) return false;
            cancel(frame.id);
            return true;
        }
        default:
            return true;
    }
}

// ---- tasks -------------------------------------------------------------------------------------

bool Peer::Impl::on_assign(const wire::Frame& frame, const char*& why) {
    if (frame.envelope.empty()) return on_chunk(frame, why);
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
    job.task_type.assign(message.task_type);
    job.deadline_us = message.deadline_us ? loop_.turn_us() + *message.deadline_us : 0;
    job.runner_job = 0;
    job.cancelled = false;
    job.has_checksum = message.checksum.has_value();
    job.checksum = message.checksum.value_or(0);
    if (message.payload_place != 0) {
        answer_error(job, Status::kUnsupported,
                     "payload_place other than inline is not available here");
        forget(slot);
        return true;
    }
    if (!takes()) {
        refuse(job);
        forget(slot);
        return true;
    }
    Payload payload;
    const Assembler::State state = assembler_.first(frame, message.sizes, payload);
    if (state == Assembler::State::kWhole) {
        received(slot, std::move(payload));
        // A short job has ended already, without ever having to be found by its id.
        if (!jobs_.find(slot)) return true;
    } else if (state == Assembler::State::kBroken) {
        why = assembler_.why();
        return false;
    }
    slots_[frame.id] = slot;
    return true;
}

bool Peer::Impl::on_chunk(const wire::Frame& frame, const char*& why) {
    uint64_t slot = 0;
    if (!find(frame.id, &slot)) {
        assembler_.drop(frame.id);
        return true;
    }
    Payload payload;
    switch (assembler_.next(frame, payload)) {
        case Assembler::State::kBroken:
            why = assembler_.why();
            return false;
        case Assembler::State::kWhole:
            received(slot, std::move(payload));
            return true;
        default:
            return true;
    }
}

// The whole payload is here.
void Peer::Impl::received(uint64_t slot, Payload&& payload) {
    Job& job = *jobs_.find(slot);
    if (job.has_checksum && job.checksum != payload_checksum(payload.params, payload.data)) {
        // The coordinator only passes bytes on: whoever spoiled them, it costs this task alone.
        answer_error(job, Status::kContent, "the checksum of the task does not match its bytes");
        ++stats_.failed;
        forget(slot);
        return;
    }
    job.payload = std::move(payload);
    job.state = Job::State::kWaiting;
    if (running_ < options_.slots && waiting_.empty()) {
        run(slot);
    } else {
        job.payload.own();
        waiting_.push_back(slot);
    }
}

void Peer::Impl::run(uint64_t slot) {
    Job& job = *jobs_.find(slot);
    if (job.deadline_us != 0 && loop_.turn_us() >= job.deadline_us) {
        answer_error(job, Status::kDeadline, "the deadline passed before the task was started");
        ++stats_.failed;
        forget(slot);
        return;
    }
    job.state = Job::State::kRunning;
    ++running_;
    exec::JobSpec spec;
    spec.task_type = job.task_type;
    spec.params = std::move(job.payload.params);
    spec.data = std::move(job.payload.data);
    spec.deadline_us = job.deadline_us;
    spec.gate = owner_->gate();
    job.payload = Payload{};
    const uint64_t started = runner_.start(spec, slot, *this);
    // A short job has ended already, and its slot may hold another one.
    Job* after = jobs_.find(slot);
    if (!after) return;
    if (started == 0) {
        --running_;
        if (runner_.can_run(after->task_type)) {
            answer_error(*after, Status::kBusy, "this peer could not start the task");
        } else {
            answer(*after, Status::kTaskType, "task_type",
                   "this peer has no executor for '" + after->task_type + "'", 0, 0, {}, {});
        }
        ++stats_.failed;
        forget(slot);
        return;
    }
    after->runner_job = started;
}

void Peer::Impl::run_waiting() {
    while (running_ < options_.slots && !waiting_.empty()) {
        const uint64_t slot = waiting_.front();
        waiting_.pop_front();
        const Job* job = jobs_.find(slot);
        if (job && job->state == Job::State::kWaiting) run(slot);
    }
}

void Peer::Impl::on_job_done(uint64_t tag, exec::Output&& output) {
    Job* job = jobs_.find(tag);
    if (!job) return;
    --running_;
    stats_.compute_us += output.processing_us;
    if (output.status == Status::kOk) {
        ++stats_.completed;
    } else {
        ++stats_.failed;
    }
    bool is_told = true;
    try {
        if (job->id != 0) {
            answer(*job, output.status, output.field, output.error, output.processing_us,
                   output.memory_peak, output.info, output.data);
        }
    } catch (const std::bad_alloc&) {
        is_told = false;
    }
    forget(tag);
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
                        const std::string& error, uint64_t processing_us, uint64_t memory_peak,
                        const Bytes& info, const Bytes& data) {
    if (job.id == 0 || !link_->ready()) return;
    wire::TaskResult message;
    message.attempt = job.attempt;
    message.status = status;
    message.processing_us = processing_us;
    message.memory_peak = memory_peak;
    uint8_t flags = 0;
    if (status == Status::kOk) {
        if (info.size() + data.size() > limits::kPayloadSizeMax) {
            message.status = Status::kSize;
            message.error = "the result exceeds the limit of 64 MiB";
            encode(message, envelope_);
            link_->connection().send_copy(wire::Message::kTaskResult, 0, job.id, envelope_.span(),
                                          {}, {});
            return;
        }
        if (options_.checksum) {
            message.checksum = payload_checksum(info, data);
            flags |= wire::kFlagChecksum;
        }
        if (needs_chunks(info.size(), data.size())) {
            message.sizes = wire::PayloadSizes{info.size(), data.size()};
        }
        encode(message, envelope_);
        out_.send(link_->connection(), wire::Message::kTaskResult, flags, job.id, envelope_.span(),
                  info, data);
        return;
    }
    message.field = std::string_view(field).substr(0, limits::kIdLengthMax);
    message.error = std::string_view(error).substr(0, limits::kTextLengthMax);
    encode(message, envelope_);
    link_->connection().send_copy(wire::Message::kTaskResult, 0, job.id, envelope_.span(), {}, {});
}

void Peer::Impl::forget(uint64_t slot) {
    Job* job = jobs_.find(slot);
    if (!job) return;
    if (job->id != 0) {
        assembler_.drop(job->id);
        slots_.erase(job->id);
    }
    job->payload = Payload{};
    jobs_.erase(slot);
}

// ---- pausing and leaving -----------------------------------------------------------------------

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

void Peer::Impl::close() {
    owner_->stop();
    if (link_->ready()) {
        wire::PeerDisconnect message;
        message.peer_id = options_.peer_id;
        message.reason = "closed by its owner";
        encode(message, envelope_);
        link_->connection().send_copy(wire::Message::kPeerDisconnect, 0, 0, envelope_.span(), {},
                                      {});
    }
    link_->close(Status::kOk, "peer closed");
    owner_->count_data();
    runner_.forget(*this);
    waiting_.clear();
    slots_.clear();
    jobs_.for_each([&](uint64_t slot, Job& job) {
        job.payload = Payload{};
        jobs_.erase(slot);
    });
    running_ = 0;
    if (drained_) std::exchange(drained_, nullptr)();
}

const PeerStats& Peer::Impl::stats() {
    stats_.connected = link_->ready();
    stats_.paused = paused_ || draining_;
    owner_->count_data();
    stats_.accepts = takes();
    stats_.why = why_not();
    stats_.mode = owner_->settings().mode;
    stats_.duty_percent = owner_->decision().duty_percent;
    stats_.duty_used_permille = owner_->duty_used_permille();
    stats_.worked_us = owner_->worked_us();
    stats_.data_day_bytes = owner_->data().day_bytes();
    stats_.data_month_bytes = owner_->data().month_bytes();
    stats_.running = running_;
    stats_.waiting = static_cast<uint32_t>(waiting_.size());
    stats_.slots_free = slots_free();
    stats_.load =
        static_cast<float>(std::min(running_, options_.slots)) / static_cast<float>(options_.slots);
    stats_.reconnects = link_->reconnects();
    stats_.bytes_in = link_->bytes_in();
    stats_.bytes_out = link_->bytes_out();
    return stats_;
}

// ---- the outside -------------------------------------------------------------------------------

Peer::Peer(net::Loop& loop, net::Transport& transport, exec::Runner& runner, RandomSource& random,
           Prng prng, Log log, PeerOptions options, PeerEvents& events)
    : impl_(std::make_unique<Impl>(loop, transport, runner, random, prng, log, std::move(options),
                                   events)) {}
Peer::~Peer() = default;
void Peer::start() {
    impl_->start();
}
void Peer::pause() {
    impl_->pause();
}
void Peer::resume() {
    impl_->resume();
}
void Peer::drain(std::function<void()> drained) {
    impl_->drain(std::move(drained));
}
void Peer::close() {
    impl_->close();
}
const PeerStats& Peer::stats() {
    return impl_->stats();
}
void Peer::sensed(const owner::Signals& signals, uint32_t date) {
    impl_->sensed(signals, date);
}
void Peer::say_active(bool active) {
    impl_->owner().say_active(active);
}
std::string Peer::data_text() {
    impl_->owner().count_data();
    return impl_->owner().data().text();
}
const PeerOptions& Peer::options() const {
    return impl_->options();
}
std::vector<std::string> Peer::task_types() const {
    return impl_->task_types();
}

}  // namespace p2c2r::roles
