#include "roles/peer.h"

#include <algorithm>

#include "roles/peer_impl.h"

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
    message.content_bytes = options.content_bytes_max;
    message.beat_interval_ms = kBeatIntervalMs;
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

void Peer::Impl::on_link_ready(const wire::RegisterResponse& response) {
    reported_.known = false;
    constexpr uint32_t kBeatMsLeast = 5;
    beat_us_ = response.beat_interval_ms == 0
                   ? 0
                   : 1000ull * std::max(response.beat_interval_ms, kBeatMsLeast);
    if (owner_->settings().owner_first) tell_window();
    events_.on_peer_state(Status::kOk, std::string(response.account));
}

void Peer::Impl::on_link_lost(Status status, const std::string& why, bool given_up) {
    // What was assigned over the old connection counts no more: it is placed again elsewhere. Jobs
    // that run keep their slot until they have stopped.
    out_.clear();
    assembler_.clear();
    contents_.connection_lost();
    waiting_.clear();
    slots_.clear();
    loop_.disarm(beat_timer_);
    beats_ = false;
    jobs_.for_each([&](uint64_t slot, Job& job) {
        if (job.state == Job::State::kRunning) {
            job.id = 0;
            runner_.cancel(job.runner_job);
        } else {
            drop(slot, job);
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

// Answers say as much as a beat. What it holds of a connection that is gone nobody waits for.
void Peer::Impl::beat() {
    beats_ = false;
    if (slots_.empty() || !link_->ready()) return;
    const uint64_t now = loop_.turn_us();
    beats_ = true;
    if (now - told_us_ < beat_us_) return loop_.arm(beat_timer_, told_us_ + beat_us_);
    loop_.arm(beat_timer_, now + beat_us_);
    encode(wire::Heartbeat{}, envelope_);
    link_->connection().send_copy(wire::Message::kHeartbeat, 0, 0, envelope_.span(), {}, {});
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
    if (frame.message == wire::Message::kTaskAssign) return on_assign(frame, why);
    switch (frame.message) {
        case wire::Message::kContentPut:
            return on_content(frame, why);
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
// ---- leaving -----------------------------------------------------------------------------------

void Peer::Impl::close() {
    owner_->stop();
    loop_.disarm(beat_timer_);
    beats_ = false;
    beat_us_ = 0;
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
    contents_.connection_lost();
    jobs_.for_each([&](uint64_t slot, Job& job) { drop(slot, job); });
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
    const sched::ContentStore& kept = contents_.store();
    stats_.content_bytes = kept.bytes_held();
    stats_.content_hits = kept.stats().hits;
    stats_.content_misses = kept.stats().misses;
    stats_.content_evicted = kept.stats().evicted;
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
std::string Peer::where() const {
    return impl_->where();
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
