#include "bindings/c/peer_state.h"

#include <cmath>

#include "bindings/c/clock.h"
#include "bindings/c/failure.h"
#include "bindings/c/runtime_state.h"

namespace p2c2r::capi {

namespace {

uint32_t to_u32(double value) {
    return value >= 4294967295.0 ? 0xFFFFFFFFu : static_cast<uint32_t>(std::lround(value));
}

}  // namespace

PeerState::PeerState(RuntimeState& runtime, const p2c2r_peer_config& config, PeerSettings settings)
    : RoleState(runtime, HandleKind::kPeer, config.deliver, config.event, config.user),
      settings_(std::move(settings)),
      gate_(std::make_shared<exec::JobGate>([] { return now_us(); })) {}

Status PeerState::open() {
    if (settings_.owner.looks_at_sensors()) {
        watch_ = std::make_unique<OwnerWatch>(settings_.owner, gate_, settings_.data.path,
                                              runtime.log(), [this] { runtime.mail(*this); });
    }
    return runtime.driver().run([this] {
        roles::PeerEvents& events = *this;
        net::Transport& transport =
            transport_.open(runtime, settings_.local, settings_.fake_network);
        roles::PeerOptions options = settings_.options;
        options.memory = runtime.pool().hook();
        options.owner = {settings_.owner, gate_, settings_.data.counts};
        role_ = std::make_unique<roles::Peer>(runtime.loop(), transport, runtime.workers(),
                                              runtime.random(), runtime.fork_prng(), runtime.log(),
                                              std::move(options), events);
    });
}

void PeerState::on_peer_state(Status status, const std::string& text) {
    post_event(P2C2R_EVENT_STATE, status, 0, place_text(role_), text);
}

void PeerState::on_peer_accepts(bool accepts, const std::string& why) {
    post_event(P2C2R_EVENT_ACCEPTS, accepts ? Status::kOk : Status::kBusy, 0, {}, why);
}

// ---- the owner ----------------------------------------------------------------------------------

void PeerState::say_active(bool active) noexcept {
    said_active_.store(active);
    // While he plays, the owner is there all the time: then a share of the time is what he gives.
    if (active && settings_.owner.mode != owner::Mode::kWhileGaming) {
        gate_->close(exec::JobGate::kByHost);
    }
    runtime.mail(*this);
}

void PeerState::take_mail() {
    if (!role_) return;
    const bool active = said_active_.load();
    if (active != heard_active_) {
        heard_active_ = active;
        role_->say_active(active);
    }
    if (!active) {
        gate_->open(exec::JobGate::kByHost);
        // Said again meanwhile: its mail is on the way.
        if (said_active_.load() && settings_.owner.mode != owner::Mode::kWhileGaming) {
            gate_->close(exec::JobGate::kByHost);
        }
    }
    if (!watch_) return;
    const OwnerWatch::Reading reading = watch_->take();
    if (reading.is_new) role_->sensed(reading.signals, reading.date);
    watch_->keep(role_->data_text());
}

Status PeerState::why(std::string& out) {
    return runtime.driver().run([&] {
        if (role_) out = role_->stats().why;
    });
}

Status PeerState::start() {
    if (watch_) {
        if (const Result<Done> started = watch_->start(); !started) return started.error().status;
    }
    return runtime.driver().run([this] {
        if (role_) role_->start();
    });
}

Status PeerState::pause(bool paused) {
    return runtime.driver().run([this, paused] {
        if (!role_) return;
        paused ? role_->pause() : role_->resume();
    });
}

Status PeerState::set_speed(double speed) {
    return runtime.driver().run([this, speed] {
        if (role_) role_->set_speed(speed);
    });
}

Status PeerState::stats(p2c2r_peer_stats& out) {
    out = {};
    return runtime.driver().run([&] {
        if (!role_) return;
        const roles::PeerStats& stats = role_->stats();
        out.state = stats.given_up    ? P2C2R_STATE_CLOSED
                    : stats.connected ? P2C2R_STATE_CONNECTED
                                      : P2C2R_STATE_CONNECTING;
        out.running = stats.running;
        out.waiting = stats.waiting;
        out.slots_free = stats.slots_free;
        out.load_permille = to_u32(static_cast<double>(stats.load) * 1000);
        out.paused = stats.paused ? 1 : 0;
        out.completed = stats.completed;
        out.failed = stats.failed;
        out.compute_us = stats.compute_us;
        out.bytes_in = stats.bytes_in;
        out.bytes_out = stats.bytes_out;
        out.reconnects = stats.reconnects;
        out.accepts = stats.accepts ? 1 : 0;
        out.mode = static_cast<int32_t>(stats.mode);
        out.duty_cap_permille = stats.duty_percent * 10;
        out.duty_used_permille = stats.duty_used_permille;
        out.worked_us = stats.worked_us;
        out.data_day_bytes = stats.data_day_bytes;
        out.data_month_bytes = stats.data_month_bytes;
        out.handed_back = stats.handed_back;
    });
}

const char* PeerState::lasting(const std::string& text) {
    const std::lock_guard lock(mutex_);
    for (const std::string& known : texts_) {
        if (known == text) return known.c_str();
    }
    return texts_.emplace_back(text).c_str();
}

Status PeerState::capabilities(p2c2r_capabilities& out) {
    out = {};
    Capabilities found;
    double speed = 0;
    const Status status = runtime.driver().run([&] {
        if (!role_) return;
        found = role_->options().capabilities;
        found.task_types = role_->task_types();
        speed = role_->options().speed;
    });
    if (status != Status::kOk) return status;
    std::string types;
    for (const std::string& type : found.task_types) types += (types.empty() ? "" : ",") + type;
    out.cpu_cores = found.cpu_cores;
    out.ram_mb = to_u32(found.ram_gb * 1024);
    out.gpu_vram_mb = to_u32(found.gpu_vram_gb * 1024);
    out.gpu = found.gpu ? 1 : 0;
    out.network_kbps = to_u32(found.network_mbps * 1000);
    out.speed_milli = to_u32(speed * 1000);
    out.gpu_model = lasting(found.gpu_model);
    out.task_types = lasting(types);
    out.location = lasting(found.location);
    return Status::kOk;
}

Status PeerState::id(std::string& out) {
    return runtime.driver().run([&] {
        if (role_) out = role_->options().peer_id;
    });
}

Status PeerState::drain(uint64_t deadline_us) {
    const Status asked = runtime.driver().run([this] {
        {
            const std::lock_guard lock(mutex_);
            drained_ = false;
        }
        if (!role_) return;
        role_->drain([this] {
            const std::lock_guard lock(mutex_);
            drained_ = true;
            changed_.notify_all();
        });
    });
    if (asked != Status::kOk) return asked;
    std::unique_lock lock(mutex_);
    (void)runtime.driver().wait(lock, changed_, deadline_us, [&] { return drained_ || closed_; });
    return drained_ ? Status::kOk : closed_ ? Status::kClosed : Status::kTimeout;
}

void PeerState::wake_waiting() {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
}

Status PeerState::shut(uint64_t deadline_us) {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        changed_.notify_all();
    }
    (void)runtime.driver().run([this] {
        if (!role_) return;
        runtime.host_executors().begin_orphans();
        try {
            role_->close();
            if (watch_) watch_->keep(role_->data_text());
        } catch (const std::bad_alloc&) {
            // Short of memory it goes without a goodbye.
        }
        role_.reset();
        runtime.host_executors().end_orphans();
        transport_.reset();
    });
    watch_.reset();
    runtime.driver().send_off();  // the goodbye
    const bool outside =
        runtime.host_executors().wait_outside(deadline_us, [this](const std::string& task_type) {
            runtime.log().format(LogLevel::kWarn, "capi",
                                 "peer_destroy waits for the executor of '%s' to return",
                                 task_type.c_str());
        });
    return outside ? Status::kOk : Status::kTimeout;
}

}  // namespace p2c2r::capi
