#include "net/uv_loop.h"

#include <uv.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <utility>
#include <vector>

#include "net/timer_heap.h"
#include "net/wait.h"

namespace p2c2r::net {

namespace {

// Where there is no WaitTimer: libuv waits in whole milliseconds. Longer waits are rounded down and
// left to it; the rest of a wait, below this, is waited for exactly.
constexpr uint64_t kExactBelowUs = 1000;
constexpr uint64_t kWaitMaxUs = 3'600'000'000;
// Hooks and flushes of one turn that may follow from each other before the next turn takes over.
constexpr int kRoundsMax = 8;
constexpr size_t kHooksUsual = 64;
constexpr size_t kTimersUsual = 256;

// Whether a wake() has to write to the descriptor that ends a wait.
enum WakeState : int { kAwake, kAsleep, kWoken };

}  // namespace

class UvLoop::Impl {
  public:
    explicit Impl(uint64_t& shown) : shown_turn_us(shown) {}

    uv_loop_t loop{};
    uv_async_t async{};
    WaitTimer exact;
    uv_poll_t exact_watch{};
    uint64_t exact_at_us = UINT64_MAX;  // when `exact` becomes readable; UINT64_MAX: it will not
    bool has_exact = false;
    uv_timer_t wait_timer{};        // where there is no WaitTimer
    uint64_t wait_timer_at_ms = 0;  // 0: not armed for any time
    bool in_turn = false;
    bool watch_changed = false;
    uint64_t turn_us = 0;
    uint64_t& shown_turn_us;    // what Loop::turn_us() reads
    bool turn_time_old = true;  // the wait has begun and nothing has come yet
    uint64_t events = 0;

    TimerHeap timers;
    std::function<bool()> intake;
    std::vector<TurnPart*> parts;
    std::vector<TurnEnd*> hooks;  // asked for; NULL: forgotten or run

    std::atomic<int> wake_state{kAwake};
    std::atomic<bool> foreign{false};  // somebody waits on the descriptor outside of turns

    std::mutex post_mutex;  // guards `posted`
    std::vector<std::function<void()>> posted;
    std::atomic<bool> has_posted{false};
    std::vector<std::function<void()>> running;  // taken from `posted`; those behind
    size_t running_next = 0;                     // this one have not run yet

    // A turn must not wait: something is to be done that no descriptor tells of.
    [[nodiscard]] bool has_work() const {
        if (!hooks.empty() || running_next < running.size() ||
            has_posted.load(std::memory_order_acquire)) {
            return true;
        }
        return std::any_of(parts.begin(), parts.end(), [](const TurnPart* part) {
            return part->wants_flush() || part->wants_notify();
        });
    }

    void run_posted() {
        if (running_next == running.size()) {
            running.clear();
            running_next = 0;
            if (!has_posted.load(std::memory_order_acquire)) return;
            const std::lock_guard lock(post_mutex);
            running.swap(posted);
            has_posted.store(false, std::memory_order_relaxed);
        }
        while (running_next < running.size()) {
            const std::function<void()> work = std::move(running[running_next++]);
            work();
        }
    }

    void run_hooks() {
        const size_t count = hooks.size();
        for (size_t i = 0; i < count; ++i) {
            TurnEnd* hook = std::exchange(hooks[i], nullptr);
            if (!hook) continue;
            hook->asked = false;
            hook->run();
        }
        hooks.erase(hooks.begin(), hooks.begin() + static_cast<ptrdiff_t>(count));
    }

    // The end of a turn. What a flush brings about (a connection is lost, its tasks go elsewhere)
    // still leaves in this turn.
    bool settle() {
        bool worked = false;
        for (int round = 0; round < kRoundsMax; ++round) {
            worked = worked || !hooks.empty();
            run_hooks();
            bool flushed = false;
            for (size_t i = 0; i < parts.size(); ++i) {
                if (!parts[i]->wants_flush()) continue;
                parts[i]->flush();
                flushed = worked = true;
            }
            if (hooks.empty() &&
                (!flushed || std::none_of(parts.begin(), parts.end(), [](const TurnPart* part) {
                    return part->wants_flush();
                }))) {
                break;
            }
        }
        return worked;
    }

    void notify() {
        for (size_t i = 0; i < parts.size(); ++i) {
            if (parts[i]->wants_notify()) parts[i]->notify();
        }
    }

    // True: something was done, which may have taken time.
    bool begin() {
        refresh_turn_time();
        const bool worked = intake && intake();
        return settle() || worked;
    }

    void refresh_turn_time() {
        turn_us = uv_hrtime() / 1000;
        if (in_turn) shown_turn_us = turn_us;
        turn_time_old = false;
    }

    void finish() {
        if (turn_time_old) refresh_turn_time();
        if (intake) (void)intake();
        if (!timers.empty()) timers.fire_due(turn_us);
        run_posted();
        notify();
        settle();
    }

    void run(uv_run_mode mode) {
        watch_changed = false;  // libuv tells the system of changes just before it polls
        uv_run(&loop, mode);
    }

    // Waits until something happens, at most until `until_us`. Reading the clock is the larger part
    // of what a turn costs by itself, so a reading is handed on wherever it is still good enough.
    void wait(uint64_t now, uint64_t until_us) {
        const uint64_t events_before = events;
        bool first = true;
        while (events == events_before) {
            if (!first) now = uv_hrtime() / 1000;
            if (now >= until_us) {
                if (first) run(UV_RUN_NOWAIT);
                return;
            }
            const uint64_t left = until_us - now;
            if (has_exact) {
                // Earlier than needed will do: then the rest is waited for.
                if (exact_at_us > until_us || exact_at_us <= now) {
                    exact.set(until_us);
                    exact_at_us = until_us;
                }
                run(UV_RUN_ONCE);
            } else if (left >= kExactBelowUs) {
                arm_wait_timer(now / 1000, left / 1000);
                run(UV_RUN_ONCE);
            } else {
                if (first || watch_changed) run(UV_RUN_NOWAIT);
                if (events == events_before) {
                    wait_readable(uv_backend_fd(&loop), left);
                    run(UV_RUN_NOWAIT);
                }
            }
            first = false;
        }
    }

    // Libuv then waits without an end: it has no timer of its own.
    int watch_exact() {
        if (exact.descriptor() < 0) return 0;
        const int error = uv_poll_init(&loop, &exact_watch, exact.descriptor());
        if (error != 0) return error;
        has_exact = true;
        exact_watch.data = this;
        return uv_poll_start(&exact_watch, UV_READABLE, [](uv_poll_t* watch, int, int) {
            Impl& impl = *static_cast<Impl*>(watch->data);
            impl.exact.clear();
            impl.exact_at_us = UINT64_MAX;
        });
    }

    // Closes what is open and lets libuv finish with it.
    void close() {
        uv_close(reinterpret_cast<uv_handle_t*>(&async), nullptr);
        uv_close(reinterpret_cast<uv_handle_t*>(&wait_timer), nullptr);
        if (has_exact) uv_close(reinterpret_cast<uv_handle_t*>(&exact_watch), nullptr);
        uv_run(&loop, UV_RUN_DEFAULT);
        P2C2R_CHECK(uv_loop_close(&loop) == 0);
    }

    void arm_wait_timer(uint64_t now_ms, uint64_t ms) {
        const uint64_t at_ms = now_ms + ms;
        if (at_ms == wait_timer_at_ms) return;
        wait_timer_at_ms = at_ms;
        // It repeats, since libuv waits without an end when no timer is armed, and this one may
        // fire just before the wait when the thread was held up between here and there.
        uv_timer_start(
            &wait_timer,
            [](uv_timer_t* timer) { static_cast<Impl*>(timer->data)->wait_timer_at_ms = 0; },
            at_ms - uv_now(&loop), 1);  // libuv's idea of now may be old, but it is the same clock
    }
};

namespace {

Error no_loop(int error) {
    return make_error(error == UV_ENOMEM ? Status::kMemory : Status::kIo,
                      std::string("cannot create an event loop: ") + uv_strerror(error));
}

}  // namespace

Result<std::unique_ptr<UvLoop>> UvLoop::create(Waits waits) {
    // Before anything is open that only a UvLoop closes.
    std::unique_ptr<UvLoop> made(new UvLoop(nullptr));
    auto impl = std::make_unique<Impl>(made->turn_us_);
    // A few roles never wait for memory to be called back.
    impl->hooks.reserve(kHooksUsual);
    impl->timers.reserve(kTimersUsual);
    int error = uv_loop_init(&impl->loop);
    if (error != 0) return no_loop(error);
    error = uv_async_init(&impl->loop, &impl->async,
                          [](uv_async_t* async) { ++static_cast<Impl*>(async->data)->events; });
    if (error != 0) {
        uv_loop_close(&impl->loop);
        return no_loop(error);
    }
    impl->async.data = impl.get();
    uv_timer_init(&impl->loop, &impl->wait_timer);
    impl->wait_timer.data = impl.get();
    error = waits == Waits::kExact ? impl->watch_exact() : 0;
    if (error != 0) {
        impl->close();
        return no_loop(error);
    }
    made->impl_ = std::move(impl);
    return made;
}

UvLoop::UvLoop(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

UvLoop::~UvLoop() {
    if (!impl_) return;
    P2C2R_CHECK(!impl_->in_turn && impl_->parts.empty());
    impl_->close();
}

uint64_t UvLoop::now_us() {
    return uv_hrtime() / 1000;
}

uint64_t UvLoop::unix_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

void UvLoop::arm(Timer& timer, uint64_t at_us) {
    impl_->timers.arm(timer, at_us);
}
void UvLoop::disarm(Timer& timer) {
    impl_->timers.disarm(timer);
}

void UvLoop::post(std::function<void()> work) {
    {
        const std::lock_guard lock(impl_->post_mutex);
        impl_->posted.push_back(std::move(work));
        impl_->has_posted.store(true, std::memory_order_release);
    }
    wake();
}

void UvLoop::at_turn_end(TurnEnd& hook) {
    if (hook.asked) return;
    impl_->hooks.push_back(&hook);
    hook.asked = true;
}

void UvLoop::forget_turn_end(TurnEnd& hook) {
    if (!hook.asked) return;
    hook.asked = false;
    std::replace(impl_->hooks.begin(), impl_->hooks.end(), &hook, static_cast<TurnEnd*>(nullptr));
}

void UvLoop::turn(uint64_t timeout_us, Wait wait) {
    Impl& impl = *impl_;
    P2C2R_CHECK(!impl.in_turn);
    struct Mark {
        Impl& impl;
        explicit Mark(Impl& of) : impl(of) { impl.in_turn = true; }
        ~Mark() {
            impl.in_turn = false;
            impl.shown_turn_us = 0;
            // Whoever waits on the descriptor must see it become readable.
            if (impl.foreign.load(std::memory_order_relaxed)) {
                int awake = kAwake;
                impl.wake_state.compare_exchange_strong(awake, kAsleep);
            }
        }
    } mark(impl);

    const bool worked = impl.begin();
    uint64_t now = 0;
    uint64_t until_us = 0;
    if (worked && wait == Wait::kReturnAfterWork) timeout_us = 0;
    if (timeout_us > 0 && !impl.has_work()) {
        now = worked ? now_us() : impl.turn_us;
        until_us = std::min(now + std::min(timeout_us, kWaitMaxUs), impl.timers.next_us());
        // From here on a wake() ends the wait; one that came since the last wait cancels this one.
        int awake = kAwake;
        if (!impl.wake_state.compare_exchange_strong(awake, kAsleep) && awake == kWoken) {
            until_us = 0;
        }
    }
    impl.turn_time_old = true;
    if (until_us > 0) {
        impl.wait(now, until_us);
    } else {
        impl.run(UV_RUN_NOWAIT);
    }
    impl.wake_state.exchange(kAwake);
    impl.finish();
}

void UvLoop::wake() {
    if (impl_->wake_state.exchange(kWoken) == kAsleep) uv_async_send(&impl_->async);
}

int UvLoop::backend_fd() const {
    impl_->foreign.store(true, std::memory_order_relaxed);
    if (!impl_->in_turn) {
        int awake = kAwake;
        impl_->wake_state.compare_exchange_strong(awake, kAsleep);
    }
    return uv_backend_fd(&impl_->loop);
}

int UvLoop::backend_timeout_ms() const {
    const Impl& impl = *impl_;
    if (impl.watch_changed || impl.has_work() ||
        impl.wake_state.load(std::memory_order_relaxed) == kWoken) {
        return 0;
    }
    const uint64_t next = impl.timers.next_us();
    if (next == UINT64_MAX) return -1;
    const uint64_t now = uv_hrtime() / 1000;
    if (next <= now) return 0;
    return static_cast<int>((std::min(next - now, kWaitMaxUs) + 999) / 1000);
}

void UvLoop::set_intake(std::function<bool()> intake) {
    impl_->intake = std::move(intake);
}

uv_loop_s* UvLoop::raw() {
    return &impl_->loop;
}

void UvLoop::add_part(TurnPart& part) {
    impl_->parts.push_back(&part);
}

void UvLoop::remove_part(TurnPart& part) {
    impl_->parts.erase(std::remove(impl_->parts.begin(), impl_->parts.end(), &part),
                       impl_->parts.end());
}

void UvLoop::note_event() {
    ++impl_->events;
    if (impl_->turn_time_old) impl_->refresh_turn_time();
}
void UvLoop::note_watch_change() {
    impl_->watch_changed = true;
}

}  // namespace p2c2r::net
