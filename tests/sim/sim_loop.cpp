#include "sim/sim_loop.h"

#include <algorithm>

#include "core/check.h"
#include "sim/short_memory.h"

namespace p2c2r::sim {

// ---- World -------------------------------------------------------------------------------------

World::World() {
    targets_.push_back(nullptr);  // address 0: call_at
    heap_.reserve(4096);
}

uint32_t World::enter(Target& target) {
    targets_.push_back(&target);
    return static_cast<uint32_t>(targets_.size() - 1);
}

void World::leave(uint32_t address) {
    targets_[address] = nullptr;
}

void World::send(uint64_t at_us, uint32_t address, uint32_t kind, uint64_t tag) {
    heap_.push_back({std::max(at_us, now_us_), sequence_++, tag, address, kind});
    std::push_heap(heap_.begin(), heap_.end(), later);
}

void World::call_at(uint64_t at_us, std::function<void()> work) {
    uint32_t slot = static_cast<uint32_t>(calls_.size());
    if (free_calls_.empty()) {
        calls_.emplace_back();
    } else {
        slot = free_calls_.back();
        free_calls_.pop_back();
    }
    calls_[slot] = std::move(work);
    send(at_us, 0, 0, slot);
}

bool World::step(uint64_t until_us) {
    while (!heap_.empty() && heap_.front().at_us <= until_us) {
        const Event event = heap_.front();
        std::pop_heap(heap_.begin(), heap_.end(), later);
        heap_.pop_back();
        Target* target = targets_[event.address];
        if (event.address != 0 && !target) continue;
        now_us_ = event.at_us;
        ++events_;
        mix(event.at_us);
        mix(event.sequence ^
            (static_cast<uint64_t>(event.address) << 40 | static_cast<uint64_t>(event.kind) << 56));
        mix(event.tag);
        if (target) {
            target->on_event(event.kind, event.tag);
        } else {
            const std::function<void()> work = std::move(calls_[event.tag]);
            calls_[event.tag] = nullptr;
            free_calls_.push_back(static_cast<uint32_t>(event.tag));
            work();
        }
        return true;
    }
    now_us_ = until_us;
    return false;
}

// ---- SimLoop -----------------------------------------------------------------------------------

SimLoop::SimLoop(World& world, Prng prng, ClockOptions clock)
    : world_(world),
      prng_(prng),
      clock_(clock),
      late_us_max_(clock.late_us_max),
      address_(world.enter(*this)) {}

SimLoop::~SimLoop() {
    world_.leave(address_);
}

uint64_t SimLoop::local_us(uint64_t true_us) const {
    const int64_t product = static_cast<int64_t>(true_us) * clock_.drift_ppm;
    // Rounded towards minus infinity, so that the clock never runs backwards at zero.
    const int64_t drift = product >= 0 ? product / 1'000'000 : -((-product + 999'999) / 1'000'000);
    return static_cast<uint64_t>(kClockBaseUs + clock_.offset_us + static_cast<int64_t>(true_us) +
                                 drift);
}

uint64_t SimLoop::true_us(uint64_t local) const {
    const int64_t elapsed = static_cast<int64_t>(local) - kClockBaseUs - clock_.offset_us;
    if (elapsed <= 0) return 0;
    // A drift of 500 ppm over minutes: the quotient is off by a microsecond at most.
    const double guess = static_cast<double>(elapsed) / (1.0 + clock_.drift_ppm * 1e-6);
    uint64_t at = guess > 4 ? static_cast<uint64_t>(guess) - 4 : 0;
    while (local_us(at) < local) ++at;
    return at;
}

const SimLoop::Armed* SimLoop::first() const {
    const Armed* best = nullptr;
    for (const Armed& armed : armed_) {
        if (!best || armed.at_us < best->at_us ||
            (armed.at_us == best->at_us && armed.sequence < best->sequence)) {
            best = &armed;
        }
    }
    return best;
}

void SimLoop::arm(net::Timer& timer, uint64_t at_us) {
    const Plenty plenty;
    for (Armed& armed : armed_) {
        if (armed.timer != &timer) continue;
        armed.at_us = at_us;
        armed.sequence = sequence_++;
        schedule_wake();
        return;
    }
    armed_.push_back({&timer, at_us, sequence_++});
    schedule_wake();
}

void SimLoop::disarm(net::Timer& timer) {
    for (Armed& armed : armed_) {
        if (armed.timer != &timer) continue;
        armed = armed_.back();
        armed_.pop_back();
        return;  // a wake that finds nothing due looks for the next one
    }
}

void SimLoop::schedule_wake() {
    const Armed* next = first();
    if (!next || next->at_us >= wake_for_us_) return;
    const bool was_pending = std::exchange(wake_for_us_, next->at_us) != kNever;
    uint64_t late_us = 0;
    if (clock_.late_us_max > 0) {
        // Mostly a little, sometimes all that is allowed.
        const uint64_t most = prng_.chance(0.8) ? clock_.late_us_max / 20 : clock_.late_us_max;
        late_us = prng_.below(most + 1);
        if (late_us > 1000) ++late_timers_;
    }
    const uint64_t due = std::max(true_us(next->at_us), world_.now_us());
    // A wake that is on its way, late or not, comes for all that is due by then.
    wake_at_us_ = was_pending ? std::min(due + late_us, wake_at_us_) : due + late_us;
    world_.send(wake_at_us_, address_, kWake, ++wake_number_);
}

void SimLoop::fire_due() {
    // What is armed for now or earlier by one of these callbacks fires in a later turn.
    const uint64_t armed_before = sequence_;
    const uint64_t now = now_us();
    for (;;) {
        const Armed* due = nullptr;
        for (const Armed& armed : armed_) {
            if (armed.at_us > now || armed.sequence >= armed_before) continue;
            if (!due || armed.at_us < due->at_us ||
                (armed.at_us == due->at_us && armed.sequence < due->sequence)) {
                due = &armed;
            }
        }
        if (!due) return;
        net::Timer* timer = due->timer;
        disarm(*timer);
        timer->fire();
    }
}

void SimLoop::post(std::function<void()> work) {
    const Plenty plenty;
    if (posted_.empty()) world_.send(world_.now_us(), address_, kPosted, 0);
    posted_.push_back(std::move(work));
}

void SimLoop::at_turn_end(TurnEnd& hook) {
    const Plenty plenty;
    if (hook.asked) return;
    hook.asked = true;
    hooks_.push_back(&hook);
}

void SimLoop::forget_turn_end(TurnEnd& hook) {
    hook.asked = false;
    std::erase(hooks_, &hook);
}

void SimLoop::end_turn() {
    // A hook may ask for itself again: it then runs once more in this turn, as nothing that was
    // decided may wait for the next event.
    for (int rounds = 0; !hooks_.empty(); ++rounds) {
        P2C2R_CHECK(rounds < 1000);  // else a hook never comes to rest
        TurnEnd* hook = hooks_.front();
        hooks_.erase(hooks_.begin());
        hook->asked = false;
        hook->run();
    }
    if (flush_) flush_();
}

void SimLoop::forget_posted() {
    posted_.clear();
    hooks_.clear();
}

void SimLoop::on_event(uint32_t kind, uint64_t tag) {
    if (kind == kWake) {
        if (tag != wake_number_) return;
        wake_for_us_ = kNever;
        turn([this] { fire_due(); });
        schedule_wake();
        return;
    }
    std::vector<std::function<void()>> work;
    work.swap(posted_);
    turn([&] {
        for (const std::function<void()>& one : work) one();
    });
}

}  // namespace p2c2r::sim
