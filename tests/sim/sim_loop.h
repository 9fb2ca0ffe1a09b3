// Simulated time: one world clock, one heap of events ordered by (time, sequence), and for every
// node a Loop whose clock is off, drifts, and whose timers may be late.
//
// An event is four numbers and is delivered to an address; nothing is ordered by a pointer. Each
// delivered event goes into the trace hash, so that two runs that differ anywhere differ there.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "core/prng.h"
#include "net/loop.h"

namespace p2c2r::sim {

class World {
  public:
    class Target {
      public:
        virtual void on_event(uint32_t kind, uint64_t tag) = 0;

      protected:
        ~Target() = default;
    };

    World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // True time, in microseconds since the world began. No node sees it.
    [[nodiscard]] uint64_t now_us() const { return now_us_; }
    // An address for events. It is never given out twice; what is sent to one that has left is
    // dropped.
    uint32_t enter(Target& target);
    void leave(uint32_t address);
    void send(uint64_t at_us, uint32_t address, uint32_t kind, uint64_t tag);
    // For what happens rarely: scripts and faults.
    void call_at(uint64_t at_us, std::function<void()> work);
    // Delivers the next event that is not later than `until_us`. False: there is none, and the
    // clock stands at `until_us`.
    bool step(uint64_t until_us);

    [[nodiscard]] uint64_t events() const { return events_; }
    [[nodiscard]] uint64_t hash() const { return hash_; }
    // Adds a word to the trace hash: contents that an event's four numbers do not show.
    void mix(uint64_t word) {
        hash_ = (hash_ ^ word) * 0x9FB21C651E98DF25ull;
        hash_ ^= hash_ >> 32;
    }

  private:
    struct Event {
        uint64_t at_us;
        uint64_t sequence;
        uint64_t tag;
        uint32_t address;
        uint32_t kind;
    };
    static bool later(const Event& a, const Event& b) {
        return a.at_us != b.at_us ? a.at_us > b.at_us : a.sequence > b.sequence;
    }

    std::vector<Event> heap_;
    std::vector<Target*> targets_;  // by address; NULL: has left
    std::vector<std::function<void()>> calls_;
    std::vector<uint32_t> free_calls_;
    uint64_t now_us_ = 0;
    uint64_t sequence_ = 0;
    uint64_t events_ = 0;
    uint64_t hash_ = 0x5851F42D4C957F2Dull;
};

struct ClockOptions {
    int64_t offset_us = 0;  // against true time
    int32_t drift_ppm = 0;
    uint32_t late_us_max = 0;  // how late a timer may fire
};

// The loop of one node. One event of the node is one turn: the handler, the turn-end hooks, then
// the flush of what was sent.
class SimLoop final : public net::Loop, private World::Target {
  public:
    SimLoop(World& world, Prng prng, ClockOptions clock);
    ~SimLoop() override;
    SimLoop(const SimLoop&) = delete;
    SimLoop& operator=(const SimLoop&) = delete;

    uint64_t now_us() override { return local_us(world_.now_us()); }
    uint64_t unix_ms() override { return kUnixBaseMs + now_us() / 1000; }
    void arm(net::Timer& timer, uint64_t at_us) override;
    void disarm(net::Timer& timer) override;
    void post(std::function<void()> work) override;
    void at_turn_end(TurnEnd& hook) override;
    void forget_turn_end(TurnEnd& hook) override;

    // Runs `work` as a turn of this node.
    template <class F>
    void turn(F&& work) {
        ++turns_;
        work();
        end_turn();
    }
    [[nodiscard]] uint64_t turns() const { return turns_; }
    // Called at the end of each turn, after the hooks.
    void set_flush(std::function<void()> flush) { flush_ = std::move(flush); }
    // The process of this node has died: what was posted and hooked is gone with it. Timers MUST
    // have been disarmed by their owners.
    void forget_posted();
    // From now on timers are punctual.
    void calm() { clock_.late_us_max = 0; }

    [[nodiscard]] size_t timers_armed() const { return armed_.size(); }
    [[nodiscard]] size_t hooks_asked() const { return hooks_.size(); }
    // Of any timer that has ever been armed here, before calm() or after.
    [[nodiscard]] uint32_t late_us_max() const { return late_us_max_; }
    [[nodiscard]] uint64_t late_timers() const { return late_timers_; }
    [[nodiscard]] uint64_t local_us(uint64_t true_us) const;
    // The first moment at which the node's clock shows `local_us` or more.
    [[nodiscard]] uint64_t true_us(uint64_t local_us) const;

  private:
    static constexpr uint64_t kUnixBaseMs = 1'700'000'000'000;
    static constexpr int64_t kClockBaseUs = 7'200'000'000;  // keeps a clock of -1 h positive
    static constexpr uint64_t kNever = UINT64_MAX;
    enum Kind : uint32_t { kWake = 1, kPosted = 2 };
    struct Armed {
        net::Timer* timer;
        uint64_t at_us;
        uint64_t sequence;
    };

    void on_event(uint32_t kind, uint64_t tag) override;
    void end_turn();
    void fire_due();
    void schedule_wake();
    [[nodiscard]] const Armed* first() const;

    World& world_;
    Prng prng_;
    ClockOptions clock_;
    const uint32_t late_us_max_;
    const uint32_t address_;
    std::vector<Armed> armed_;  // a handful a node
    uint64_t sequence_ = 0;
    uint64_t wake_for_us_ = kNever;  // the local time the next wake was scheduled for
    uint64_t wake_at_us_ = 0;        // and the true time at which it comes
    uint64_t wake_number_ = 0;       // wakes with another number are stale
    uint64_t late_timers_ = 0;
    uint64_t turns_ = 0;
    std::vector<std::function<void()>> posted_;
    std::vector<TurnEnd*> hooks_;
    std::function<void()> flush_;
};

}  // namespace p2c2r::sim
