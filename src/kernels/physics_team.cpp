#include "kernels/physics_team.h"

#include <algorithm>

#include "kernels/float_scope.h"

namespace p2c2r::kernels {

namespace {

// Some 30 us: as long as most phases take, and what it costs to be woken. With a tenth of it two
// threads took a quarter longer for a step.
constexpr int kLooks = 20'000;
constexpr uint32_t kMembersMax = 64;

}  // namespace

PhysicsTeam::PhysicsTeam(uint32_t members) {
    for (uint32_t member = 1; member < std::min(members, kMembersMax); ++member) {
        exec::Thread::Options options;
        options.name = "p2c2r-physics";
        Result<std::unique_ptr<exec::Thread>> thread =
            exec::Thread::start(std::move(options), [this] { serve(); });
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

void PhysicsTeam::run(uint32_t count, const std::function<void(uint32_t)>& work) {
    P2C2R_CHECK(count > 0 && count <= kPiecesMax);
    if (threads_.empty()) {
        for (uint32_t piece = 0; piece < count; ++piece) work(piece);
        return;
    }
    work_ = &work;
    left_.store(count, std::memory_order_relaxed);
    const uint32_t round = round_.load(std::memory_order_relaxed) + 1;
    ticket_.store(uint64_t{round} << 32 | count << 16, std::memory_order_release);
    round_.store(round, std::memory_order_release);
    round_.notify_all();
    while (take_piece()) {
    }
    for (uint32_t left = left_.load(std::memory_order_acquire); left > 0;
         left = left_.load(std::memory_order_acquire)) {
        wait_change(left_, left);
    }
}

bool PhysicsTeam::take_piece() {
    uint64_t ticket = ticket_.load(std::memory_order_acquire);
    do {
        if ((ticket & 0xFFFF) >= (ticket >> 16 & 0xFFFF)) return false;
    } while (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel,
                                            std::memory_order_acquire));
    (*work_)(static_cast<uint32_t>(ticket & 0xFFFF));
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) left_.notify_one();
    return true;
}

void PhysicsTeam::serve() {
    const FloatScope floats;
    while (!leaving_.load(std::memory_order_relaxed)) {
        const uint32_t seen = round_.load(std::memory_order_acquire);
        while (take_piece()) {
        }
        if (leaving_.load(std::memory_order_relaxed)) return;
        wait_change(round_, seen);
    }
}

void PhysicsTeam::wait_change(const std::atomic<uint32_t>& value, uint32_t old) {
    for (int look = 0; look < kLooks; ++look) {
        if (value.load(std::memory_order_acquire) != old) return;
    }
    value.wait(old, std::memory_order_acquire);
}

}  // namespace p2c2r::kernels
