#include "bindings/c/runtime_state.h"

#include <algorithm>
#include <cstring>

#include "bindings/c/clock.h"
#include "bindings/c/failure.h"
#include "bindings/c/host_scope.h"
#include "bindings/c/options.h"
#include "codec/zstd.h"
#include "net/uv_transport.h"

namespace p2c2r::capi {

namespace {

LogLevel log_level_of(const p2c2r_runtime_config& config) {
    return config.log_level == 0 ? LogLevel::kInfo : static_cast<LogLevel>(config.log_level);
}

struct RuntimeSettings {
    int niceness = 5;
    size_t stack_size = 0;
    uint64_t vram_max = 0;
};

Result<RuntimeSettings> read_settings(const char* json) {
    const Result<Options> options = Options::parse(json);
    if (!options) return options.error();
    ParamsReader reader(options->encoded());
    RuntimeSettings settings;
    settings.niceness = static_cast<int>(reader.integer("worker_niceness", 0, 19, 5));
    settings.stack_size =
        static_cast<size_t>(reader.integer("worker_stack_kb", 0, 1 << 20, 0)) * 1024;
    settings.vram_max = static_cast<uint64_t>(reader.integer("vram_mb", 0, 1 << 20, 0)) << 20;
    if (const Result<Done> good = reader.finish(); !good) {
        return Options::as_argument_error(good.error());
    }
    return settings;
}

}  // namespace

RuntimeState::RuntimeState(const p2c2r_runtime_config& config)
    : delivers_on_loop_(config.deliver == P2C2R_DELIVER_ON_LOOP),
      has_worker_threads_(config.worker_threads != P2C2R_NONE),
      log_fn_(config.log),
      notify_fn_(config.notify),
      thread_fn_(config.thread),
      user_(config.user) {
    if (log_fn_) log_ = Log(this, log_level_of(config));
}

Result<std::unique_ptr<RuntimeState>> RuntimeState::create(const p2c2r_runtime_config& config,
                                                           std::optional<gpu::HostDevice> lent) {
    Result<RuntimeSettings> settings = read_settings(config.options);
    if (!settings) return settings.error();
    std::unique_ptr<RuntimeState> state(new RuntimeState(config));
    RuntimeState* const raw = state.get();
    state->pool_.reset(Pool::create(
        config.allocator, config.memory_max == 0 ? limits::kMemoryMaxDefault : config.memory_max));
    Result<std::unique_ptr<LoopDriver>> driver =
        LoopDriver::create(config.run_mode == P2C2R_RUN_MANUAL, state->pool_->loop_thread());
    if (!driver) return driver.error();
    state->driver_ = std::move(*driver);
    state->driver_->set_hooks([raw] { return raw->intake(); }, [raw] { raw->settle(); });
    state->random_ = make_system_random();
    uint64_t seed = 0;
    state->random_->fill({reinterpret_cast<uint8_t*>(&seed), sizeof seed});
    state->prng_ = Prng(seed);

    Result<std::unique_ptr<Builtin>> builtin = Builtin::create(
        config.gpu, config.gpu_index, std::move(lent), config.cache_dir, config.worker_threads,
        settings->vram_max, state->registry_, state->pool_->hook(), state->log_);
    if (!builtin) return builtin.error();
    state->builtin_ = std::move(*builtin);

    if (state->has_worker_threads_) state->coder_ = codec::make_zstd_coder();
    exec::WorkerPoolOptions workers;
    workers.threads = config.worker_threads;
    workers.niceness = settings->niceness;
    workers.stack_size = settings->stack_size;
    workers.now_us = [] { return now_us(); };
    workers.thread_hook = [raw](const char* name, bool starts) {
        mark_library_thread();
        if (!raw->thread_fn_) return;
        const HostScope scope;
        raw->thread_fn_(raw->user_, name, starts ? 1 : 0);
    };
    exec::LoopWaker& waker = *state;
    state->workers_ = std::make_unique<exec::WorkerPool>(state->registry_, waker, workers);
    if (Result<Done> opened = state->workers_->open(); !opened) return opened.error();
    state->transport_ = net::make_uv_transport(state->loop(), state->pool_->hook());
    state->driver_->start(config.thread, config.user, state->log_);
    return state;
}

RuntimeState::~RuntimeState() {
    if (driver_) driver_->stop();
    if (workers_) workers_->close();
    host_executors_.destroy_all();
    if (driver_) {
        // What still lies on the loop is taken down as if on it.
        (void)driver_->run([this] {
            workers_.reset();
            transport_.reset();
        });
    }
    builtin_.reset();
    driver_.reset();
    if (pool_) pool_->end_loop();
}

void RuntimeState::write(LogLevel level, std::string_view room, std::string_view text) {
    char name[32];
    const size_t size = std::min(room.size(), sizeof name - 1);
    std::memcpy(name, room.data(), size);
    name[size] = '\0';
    const HostScope scope;
    log_fn_(user_, static_cast<int32_t>(level), name, text.data(), text.size());
}

// ---- the loop's side --------------------------------------------------------------------------

void RuntimeState::wake_for_jobs() {
    jobs_ended_.store(true, std::memory_order_seq_cst);
    driver_->wake();
}

bool RuntimeState::intake() {
    const bool jobs = jobs_ended_.load(std::memory_order_seq_cst) && jobs_ended_.exchange(false);
    if (jobs && workers_) workers_->drain();
    if (!has_mail_.load(std::memory_order_seq_cst)) return jobs;
    for (;;) {
        RoleState* role;
        {
            const std::lock_guard lock(mail_mutex_);
            role = mail_first_;
            if (!role) {
                has_mail_.store(false, std::memory_order_relaxed);
                return true;
            }
            mail_first_ = role->next_mail_;
            role->next_mail_ = nullptr;
            role->has_mail_ = false;
        }
        role->take_mail();
    }
}

void RuntimeState::want_settle(RoleState& role) noexcept {
    if (role.wants_settle_) return;
    role.wants_settle_ = true;
    role.next_settle_ = settle_first_;
    settle_first_ = &role;
    driver_->ask_settle();
}

void RuntimeState::settle() {
    // Host functions of a role may submit more, and short tasks end at once: what comes in here is
    // still taken and sent in this turn, and settled in the next.
    settling_ = true;
    RoleState* list = std::exchange(settle_first_, nullptr);
    while (list) {
        RoleState* role = list;
        list = role->next_settle_;
        role->next_settle_ = nullptr;
        role->wants_settle_ = false;
        role->settle();
    }
    settling_ = false;
    if (has_mail_.load(std::memory_order_acquire)) {
        intake();
        if (settle_first_) driver_->wake();
    }
}

void RuntimeState::mail(RoleState& role) noexcept {
    {
        const std::lock_guard lock(mail_mutex_);
        if (role.has_mail_) return;
        role.has_mail_ = true;
        role.next_mail_ = mail_first_;
        mail_first_ = &role;
        has_mail_.store(true, std::memory_order_seq_cst);
    }
    if (!driver_->is_on_loop()) {
        driver_->wake();
    } else if (!settling_) {
        driver_->ask_settle();  // which takes it before the turn ends
    }
}

void RuntimeState::notify() noexcept {
    if (!notify_fn_) return;
    const HostScope scope;
    notify_fn_(user_);
}

void RuntimeState::wake_all() {
    driver_->loop().wake();
    const std::lock_guard lock(roles_mutex_);
    for (const auto& role : roles_) role->wake_waiting();
}

// ---- dispatching ------------------------------------------------------------------------------

bool RuntimeState::try_enter_gate() noexcept {
    const std::lock_guard lock(gate_mutex_);
    if (gate_taken_) return false;
    gate_taken_ = true;
    return true;
}

bool RuntimeState::enter_gate(uint64_t deadline_us) {
    std::unique_lock lock(gate_mutex_);
    while (gate_taken_) {
        if (now_us() >= deadline_us) return false;
        gate_opened_.wait_until(lock, wait_point(deadline_us));
    }
    gate_taken_ = true;
    return true;
}

void RuntimeState::leave_gate() noexcept {
    const std::lock_guard lock(gate_mutex_);
    gate_taken_ = false;
    gate_opened_.notify_one();
}

void RuntimeState::dispatch_all(DispatchBudget& budget) {
    for (size_t index = 0;; ++index) {
        RoleState* role;
        {
            const std::lock_guard lock(roles_mutex_);
            if (index >= roles_.size()) return;
            role = roles_[index].get();
        }
        if (!role->has_waiting()) continue;
        role->dispatch(budget);
        if (budget.callbacks_left == 0 ||
            (budget.until_us != UINT64_MAX && now_us() >= budget.until_us)) {
            return;
        }
    }
}

bool RuntimeState::has_waiting() {
    const std::lock_guard lock(roles_mutex_);
    return std::any_of(roles_.begin(), roles_.end(),
                       [](const auto& role) { return role->has_waiting(); });
}

// ---- roles come and go ------------------------------------------------------------------------

Result<void*> RuntimeState::add_role(std::unique_ptr<RoleState> role) {
    const std::lock_guard lock(roles_mutex_);
    if (closed_) return make_error(Status::kClosed, "the runtime is closed");
    roles_.reserve(roles_.size() + 1);
    role->handle = add_handle(role->kind, role.get());
    void* const handle = role->handle;
    roles_.push_back(std::move(role));
    return handle;
}

void RuntimeState::unlink(RoleState& role) {
    {
        const std::lock_guard lock(mail_mutex_);
        for (RoleState** at = &mail_first_; *at; at = &(*at)->next_mail_) {
            if (*at != &role) continue;
            *at = role.next_mail_;
            break;
        }
    }
    (void)driver_->run([&] {
        for (RoleState** at = &settle_first_; *at; at = &(*at)->next_settle_) {
            if (*at != &role) continue;
            *at = role.next_settle_;
            break;
        }
    });
}

Status RuntimeState::destroy_role(RoleState& role, uint64_t deadline_us) {
    const Status status = role.shut(deadline_us);
    if (status == Status::kTimeout) return status;
    if (!enter_gate(deadline_us)) return Status::kTimeout;
    unlink(role);
    remove_handle(role.handle);
    std::unique_ptr<RoleState> gone;
    {
        const std::lock_guard lock(roles_mutex_);
        const auto found = std::find_if(roles_.begin(), roles_.end(),
                                        [&](const auto& other) { return other.get() == &role; });
        if (found != roles_.end()) {
            gone = std::move(*found);
            roles_.erase(found);
        }
    }
    leave_gate();
    return Status::kOk;
}

bool RuntimeState::has_roles() {
    const std::lock_guard lock(roles_mutex_);
    return !roles_.empty();
}

bool RuntimeState::is_closed() {
    const std::lock_guard lock(roles_mutex_);
    return closed_;
}

Status RuntimeState::close(uint64_t deadline_us) {
    {
        const std::lock_guard lock(roles_mutex_);
        closed_ = true;
    }
    // Clients before peers before coordinators: tasks end before those that work on them go.
    for (const HandleKind kind :
         {HandleKind::kClient, HandleKind::kPeer, HandleKind::kCoordinator}) {
        for (;;) {
            RoleState* role = nullptr;
            {
                const std::lock_guard lock(roles_mutex_);
                for (const auto& other : roles_) {
                    if (other->kind == kind) role = other.get();
                }
            }
            if (!role) break;
            if (destroy_role(*role, deadline_us) == Status::kTimeout) return Status::kTimeout;
        }
    }
    return Status::kOk;
}

}  // namespace p2c2r::capi
