#include "kernels/physics_team.h"

#include "kernels/float_scope.h"

namespace p2c2r::kernels {

namespace {

// Some 10 us: as long as most steps take, and less than it takes to be woken.
constexpr int kLooks = 2000;

}  // namespace

PhysicsTeam::PhysicsTeam(uint32_t members) {
    for (uint32_t member = 1; member < members; ++member) {
        exec::Thread::Options options;
        options.name = "p2c2r-physics";
        Result<std::unique_ptr<exec::Thread>> thread =
            exec::Thread::start(std::move(options), [this, member] { serve(member); });
        if (!thread) break;  // fewer do the same work
        threads_.push_back(std::move(*thread));
    }
}

PhysicsTeam::~PhysicsTeam() {
    leaving_.store(true, std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
    threads_.clear();
}

void PhysicsTeam::run(const std::function<void(uint32_t)>& work) {
    if (threads_.empty()) {
        work(0);
        return;
    }
    work_ = &work;
    busy_.store(static_cast<uint32_t>(threads_.size()), std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
    work(0);
    for (uint32_t left = busy_.load(std::memory_order_acquire); left > 0;
         left = busy_.load(std::memory_order_acquire)) {
        wait_change(busy_, left);
    }
}

void PhysicsTeam::serve(uint32_t member) {
    const FloatScope floats;
    uint32_t seen = 0;
    for (;;) {
        wait_change(round_, seen);
        // Rounds are never missed: the next begins after everybody has ended this one.
        seen = round_.load(std::memory_order_acquire);
        if (leaving_.load(std::memory_order_relaxed)) return;
        (*work_)(member);
        if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
    }
}

void PhysicsTeam::wait_change(const std::atomic<uint32_t>& value, uint32_t old) {
    for (int look = 0; look < kLooks; ++look) {
        if (value.load(std::memory_order_acquire) != old) return;
    }
    value.wait(old, std::memory_order_acquire);
}

}  // namespace p2c2r::kernels
