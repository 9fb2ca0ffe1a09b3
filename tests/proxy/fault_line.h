// One connection of the fault proxy, without its sockets: what has come from one end, and what may
// go to the other now. Time and chance are arguments, so that a seed and the same bytes at the same
// times give the same pieces at the same times.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "core/prng.h"
#include "proxy/fault_plan.h"

namespace p2c2r::test {

class FaultLine {
  public:
    enum class Cut : uint8_t { kNone, kRst, kFin };

    // `number`: the connection's, from 1. `plan` MUST outlive the line.
    FaultLine(const FaultPlan& plan, uint64_t seed, uint32_t number, uint64_t now_us);

    // A fault that is in no plan, from now on.
    void apply(const Fault& fault, uint64_t now_us);

    // How much may be read from the end where `way` begins; 0: not now.
    [[nodiscard]] size_t room(Way way) const;
    void take(Way way, std::string_view bytes, uint64_t now_us);
    // That end has said that no more comes.
    void end(Way way, uint64_t now_us);

    // What is to be written at the end of `way` now; empty: nothing. It stays the same until gone.
    std::string_view piece(Way way, uint64_t now_us);
    // The first `size` bytes of the piece were written; the rest is a new one.
    void gone(Way way, size_t size, uint64_t now_us);
    // Nothing more goes that way, whatever comes.
    void give_up(Way way);
    // The end is due at the other side, and told by this call.
    bool ends(Way way, uint64_t now_us);

    // Does what the plan has for this time. MUST be called before the others of a turn.
    void turn(uint64_t now_us);
    [[nodiscard]] Cut cut() const { return cut_; }
    // Both ends have said their last word, or it is cut.
    [[nodiscard]] bool is_over() const;
    // When there is something to write again, if nothing comes; UINT64_MAX: never. And when the
    // plan has something.
    [[nodiscard]] uint64_t next_us(Way way) const;
    [[nodiscard]] uint64_t next_clause_us() const;
    [[nodiscard]] uint64_t passed(Way way) const { return side(way).passed; }
    [[nodiscard]] bool is_silent(Way way) const { return side(way).silent; }

  private:
    struct Part {
        uint64_t due_us;
        std::string bytes;
    };
    struct Side {
        explicit Side(uint64_t seed) : random(seed) {}
        Prng random;
        uint64_t delay_us = 0;
        uint64_t jitter_us = 0;
        uint64_t slice = 0;    // 0: whole
        uint64_t bytes_s = 0;  // 0: no limit
        bool silent = false;
        std::deque<Part> parts;
        size_t queued = 0;
        size_t piece = 0;  // drawn; 0: not yet
        uint64_t last_due_us = 0;
        uint64_t free_us = 0;  // when a throttled line has taken what went
        uint64_t stalled_until_us = 0;
        uint64_t passed = 0;
        bool ended = false;
        bool told = false;
    };
    Side& side(Way way) { return way == Way::kUp ? up_ : down_; }
    [[nodiscard]] const Side& side(Way way) const { return way == Way::kUp ? up_ : down_; }
    [[nodiscard]] bool is_due(const FaultClause& clause, uint64_t now_us) const;
    [[nodiscard]] size_t until_clause(Way way) const;
    static uint64_t due_us(Side& side, uint64_t now_us);

    std::vector<const FaultClause*> waiting_;  // of the plan, for this connection
    const uint64_t begin_us_;
    Side up_;
    Side down_;
    Cut cut_ = Cut::kNone;
};

}  // namespace p2c2r::test
