#include "bindings/c/loop_driver.h"

#include <algorithm>
#include <exception>

#include "bindings/c/clock.h"
#include "bindings/c/failure.h"
#include "bindings/c/host_scope.h"
#include "bindings/c/process.h"

namespace p2c2r::capi {

namespace {

constexpr uint64_t kTurnSleepMaxUs = 10'000'000;

Status run_caught(FunctionRef<void()> work) noexcept {
    try {
        work();
        return Status::kOk;
    } catch (...) {
        return thrown_status();
    }
}

}  // namespace

Result<std::unique_ptr<LoopDriver>> LoopDriver::create(bool manual,
                                                       std::atomic<const void*>& owner) {
    Result<std::unique_ptr<net::UvLoop>> loop = net::UvLoop::create();
    if (!loop) return loop.error();
    std::unique_ptr<LoopDriver> driver(new LoopDriver(manual, owner));
    driver->loop_ = std::move(*loop);
    driver->turn_end_.run = [raw = driver.get()] { raw->settle(); };
    driver->loop_->set_intake([raw = driver.get()] { return raw->begin_turn(); });
    return driver;
}

LoopDriver::~LoopDriver() {
    stop();
    if (loop_) loop_->forget_turn_end(turn_end_);
}

bool LoopDriver::is_on_loop() const noexcept {
    return owner_.load(std::memory_order_relaxed) == this_thread_token();
}

void LoopDriver::set_hooks(std::function<bool()> intake, std::function<void()> settle) {
    intake_ = std::move(intake);
    settle_ = std::move(settle);
}

void LoopDriver::ask_settle() noexcept {
    if (run_caught([this] { loop_->at_turn_end(turn_end_); }) != Status::kOk) loop_->wake();
}

// A turn begins with the intake, so outside of turns there is nobody to be woken. The order
// decides: turn_held() says that it turns and then looks, others store and then ask whether it
// turns.
void LoopDriver::wake() noexcept {
    if (turning_.load(std::memory_order_seq_cst)) loop_->wake();
}

void LoopDriver::backend(int32_t& fd, int32_t& timeout_ms) {
    foreign_.store(true);
    turning_.store(true, std::memory_order_seq_cst);
    fd = loop_->backend_fd();
    timeout_ms = loop_->backend_timeout_ms();
}

void LoopDriver::settle() {
    if (settle_) settle_();
}

bool LoopDriver::begin_turn() {
    const bool has_work = has_work_.load(std::memory_order_acquire);
    if (has_work) do_work();
    return (intake_ && intake_()) || has_work;
}

// ---- the thread of RUN_THREAD -----------------------------------------------------------------

void LoopDriver::start(p2c2r_thread_fn thread, void* user, const Log& log) {
    if (manual_ || running_) return;
    stopping_.store(false);
    thread_ = start_quiet_thread(
        [&] { return std::thread([this, thread, user, log] { thread_main(thread, user, log); }); });
    running_ = true;
}

void LoopDriver::thread_main(p2c2r_thread_fn thread, void* user, const Log& log) {
    mark_library_thread();
    if (thread) {
        const HostScope scope;
        thread(user, "p2c2r-loop", 1);
    }
    owner_.store(this_thread_token(), std::memory_order_relaxed);
    turning_.store(true, std::memory_order_seq_cst);
    while (!stopping_.load(std::memory_order_acquire)) {
        try {
            loop_->turn(kTurnSleepMaxUs);
        } catch (...) {
            // Memory was short for something that belongs to nobody in particular; what belongs to
            // a task or a connection has been told to it.
            log.write(LogLevel::kError, "capi", status_text(thrown_status()));
        }
    }
    turning_.store(false, std::memory_order_seq_cst);
    owner_.store(nullptr, std::memory_order_relaxed);
    if (thread) {
        const HostScope scope;
        thread(user, "p2c2r-loop", 0);
    }
}

void LoopDriver::stop() {
    if (!running_) return;
    stopping_.store(true, std::memory_order_release);
    loop_->wake();
    thread_.join();
    running_ = false;
}

// ---- getting at the loop ----------------------------------------------------------------------

void LoopDriver::do_work() noexcept {
    Work* list;
    {
        const std::lock_guard lock(work_mutex_);
        list = work_first_;
        work_first_ = nullptr;
        work_last_ = &work_first_;
        has_work_.store(false, std::memory_order_relaxed);
    }
    while (list) {
        Work* next = list->next;
        const Status status = run_caught(list->work);
        const Status settled = run_caught([this] { settle(); });
        const std::lock_guard lock(work_mutex_);
        list->status = status == Status::kOk ? settled : status;
        list->done = true;  // from here on it is the waiting thread's again
        work_done_.notify_all();
        list = next;
    }
}

Status LoopDriver::run(FunctionRef<void()> work) noexcept {
    if (is_on_loop()) return run_caught(work);
    if (manual_ || !running_) {
        turns_.acquire(P2C2R_FOREVER, [this] { loop_->wake(); });
        owner_.store(this_thread_token(), std::memory_order_relaxed);
        Status status = run_caught(work);
        const Status settled = run_caught([this] { settle(); });
        if (status == Status::kOk) status = settled;
        owner_.store(nullptr, std::memory_order_relaxed);
        turns_.release();
        return status;
    }
    Work node{work};
    std::unique_lock lock(work_mutex_);
    *work_last_ = &node;
    work_last_ = &node.next;
    has_work_.store(true, std::memory_order_seq_cst);
    loop_->wake();
    work_done_.wait(lock, [&] { return node.done; });
    return node.status;
}

// ---- turning by hand --------------------------------------------------------------------------

void LoopDriver::turn_held(uint64_t timeout_us) {
    struct Held {
        LoopDriver& driver;
        explicit Held(LoopDriver& of) : driver(of) {
            driver.owner_.store(this_thread_token(), std::memory_order_relaxed);
            driver.turning_.store(true, std::memory_order_seq_cst);
        }
        ~Held() {
            driver.turning_.store(driver.foreign_.load(), std::memory_order_seq_cst);
            driver.owner_.store(nullptr, std::memory_order_relaxed);
            driver.turns_.release();
        }
    } held(*this);
    // Whoever turns looks for what this has brought: work that needed no wait is brought at once.
    loop_->turn(timeout_us, net::UvLoop::Wait::kReturnAfterWork);
}

bool LoopDriver::turn(uint64_t timeout_us) {
    if (!turns_.acquire_politely(timeout_us)) return false;
    turn_held(timeout_us);
    return true;
}

void LoopDriver::send_off() noexcept {
    if (!manual_) return;
    for (int turns = 0; turns < 2; ++turns) {
        (void)run_caught([this] { (void)turn(0); });
    }
}

bool LoopDriver::wait(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                      uint64_t deadline_us, FunctionRef<bool()> ready, bool spins) {
    const uint64_t spin_us = spins || manual_ ? kSpinUs : 0;
    while (!ready()) {
        const uint64_t now = now_us();
        if (now >= deadline_us) return false;
        const uint64_t sleep_us = deadline_us - now > spin_us ? deadline_us - now - spin_us : 0;
        if (!manual_) {
            if (sleep_us > 0) {
                changed.wait_until(lock, wait_point(now + sleep_us));
                continue;
            }
            lock.unlock();
            for (int i = 0; i < 32; ++i) relax_core();
            lock.lock();
            continue;
        }
        lock.unlock();
        if (turns_.acquire(deadline_us, [this] { loop_->wake(); })) {
            lock.lock();
            const bool done = ready();  // the thread before may have brought it
            lock.unlock();
            if (done) {
                turns_.release();
            } else {
                turn_held(std::min(sleep_us, kTurnSleepMaxUs));
            }
        }
        lock.lock();
    }
    return true;
}

}  // namespace p2c2r::capi
