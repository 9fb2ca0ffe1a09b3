#include "proxy/fault_line.h"

#include <algorithm>
#include <cmath>

namespace p2c2r::test {

namespace {

constexpr size_t kRoom = 256 * 1024;         // held for each way; more stays with whoever sends it
constexpr size_t kThrottledRoom = 8 * 1024;  // so that the sender feels the limit
constexpr uint64_t kThrottledStepsPerS = 100;
constexpr double kTwoPi = 6.283185307179586;

uint64_t seed_of(uint64_t seed, uint32_t number, Way way) {
    return seed * 0x9E3779B97F4A7C15ull + number * 2ull + (way == Way::kUp ? 0 : 1);
}

}  // namespace

FaultLine::FaultLine(const FaultPlan& plan, uint64_t seed, uint32_t number, uint64_t now_us)
    : begin_us_(now_us),
      up_(seed_of(seed, number, Way::kUp)),
      down_(seed_of(seed, number, Way::kDown)) {
    for (const FaultClause& clause : plan.clauses) {
        if (clause.connection == 0 || clause.connection == number) waiting_.push_back(&clause);
    }
    turn(now_us);
}

bool FaultLine::is_due(const FaultClause& clause, uint64_t now_us) const {
    if (clause.after_bytes) return side(clause.after_way).passed >= *clause.after_bytes;
    return now_us - begin_us_ >= clause.at_us;
}

void FaultLine::turn(uint64_t now_us) {
    for (size_t i = 0; i < waiting_.size();) {
        if (!is_due(*waiting_[i], now_us)) {
            ++i;
            continue;
        }
        const FaultClause& clause = *waiting_[i];
        waiting_.erase(waiting_.begin() + static_cast<ptrdiff_t>(i));
        for (const Fault& fault : clause.faults) apply(fault, now_us);
    }
}

void FaultLine::apply(const Fault& fault, uint64_t now_us) {
    using Kind = Fault::Kind;
    if (fault.kind == Kind::kCut) {
        if (cut_ == Cut::kNone) cut_ = fault.abrupt ? Cut::kRst : Cut::kFin;
        return;
    }
    for (const Way way : kWays) {
        if (!(way == Way::kUp ? fault.up : fault.down)) continue;
        Side& one = side(way);
        one.piece = 0;
        if (fault.kind == Kind::kDelay) one.delay_us = fault.value;
        if (fault.kind == Kind::kJitter) one.jitter_us = fault.value;
        if (fault.kind == Kind::kSlice) one.slice = fault.value;
        if (fault.kind == Kind::kThrottle) one.bytes_s = fault.value;
        if (fault.kind == Kind::kStall) {
            one.stalled_until_us = std::max(one.stalled_until_us, now_us + fault.value);
        }
        if (fault.kind == Kind::kSilence) {
            one.silent = true;
            give_up(way);
        }
    }
}

size_t FaultLine::room(Way way) const {
    const Side& one = side(way);
    if (one.ended) return 0;
    const size_t most = one.bytes_s > 0 ? kThrottledRoom : kRoom;
    return most > one.queued ? most - one.queued : 0;
}

// Never before what came earlier.
uint64_t FaultLine::due_us(Side& side, uint64_t now_us) {
    double delay_us = static_cast<double>(side.delay_us);
    if (side.jitter_us > 0) {
        const double radius = std::sqrt(-2 * std::log(1 - side.random.unit()));
        const double normal = radius * std::cos(kTwoPi * side.random.unit());
        delay_us = std::max(0.0, delay_us + normal * static_cast<double>(side.jitter_us));
    }
    side.last_due_us = std::max(side.last_due_us, now_us + static_cast<uint64_t>(delay_us));
    return side.last_due_us;
}

void FaultLine::take(Way way, std::string_view bytes, uint64_t now_us) {
    Side& one = side(way);
    if (one.silent || bytes.empty()) return;
    one.parts.push_back({due_us(one, now_us), std::string(bytes)});
    one.queued += bytes.size();
}

void FaultLine::end(Way way, uint64_t now_us) {
    Side& one = side(way);
    one.ended = true;
    due_us(one, now_us);
}

// Bytes that may go that way before a clause has to be looked at.
size_t FaultLine::until_clause(Way way) const {
    size_t most = SIZE_MAX;
    for (const FaultClause* clause : waiting_) {
        if (!clause->after_bytes || clause->after_way != way) continue;
        most = std::min<size_t>(most, *clause->after_bytes - side(way).passed);
    }
    return most;
}

std::string_view FaultLine::piece(Way way, uint64_t now_us) {
    Side& one = side(way);
    if (one.parts.empty() || one.parts.front().due_us > now_us) return {};
    if (one.stalled_until_us > now_us || one.free_us > now_us || cut_ != Cut::kNone) return {};
    const std::string& bytes = one.parts.front().bytes;
    if (one.piece == 0) {
        one.piece = std::min(bytes.size(), until_clause(way));
        if (one.bytes_s > 0) {
            const uint64_t step = std::max<uint64_t>(1, one.bytes_s / kThrottledStepsPerS);
            one.piece = std::min<size_t>(one.piece, step);
        }
        if (one.slice > 0) {
            one.piece = std::min<size_t>(one.piece, 1 + one.random.below(one.slice));
        }
    }
    return std::string_view(bytes).substr(0, one.piece);
}

void FaultLine::gone(Way way, size_t size, uint64_t now_us) {
    Side& one = side(way);
    Part& part = one.parts.front();
    if (size == part.bytes.size()) {
        one.parts.pop_front();
    } else {
        part.bytes.erase(0, size);
    }
    one.queued -= size;
    one.passed += size;
    one.piece = 0;
    if (one.bytes_s > 0) {
        one.free_us = std::max(one.free_us, now_us) + size * 1'000'000 / one.bytes_s;
    }
    turn(now_us);
}

void FaultLine::give_up(Way way) {
    side(way).parts.clear();
    side(way).queued = 0;
    side(way).piece = 0;
}

bool FaultLine::ends(Way way, uint64_t now_us) {
    Side& one = side(way);
    if (!one.ended || one.told || one.silent || !one.parts.empty()) return false;
    if (one.last_due_us > now_us || one.stalled_until_us > now_us) return false;
    one.told = true;
    return true;
}

bool FaultLine::is_over() const {
    const auto is_done = [](const Side& one) { return one.ended && (one.told || one.silent); };
    return cut_ != Cut::kNone || (is_done(up_) && is_done(down_));
}

uint64_t FaultLine::next_clause_us() const {
    uint64_t next = UINT64_MAX;
    for (const FaultClause* clause : waiting_) {
        if (!clause->after_bytes) next = std::min(next, begin_us_ + clause->at_us);
    }
    return next;
}

uint64_t FaultLine::next_us(Way way) const {
    const Side& one = side(way);
    const bool has_end = one.ended && !one.told && !one.silent;
    if (one.parts.empty() && !has_end) return UINT64_MAX;
    const uint64_t due = one.parts.empty() ? one.last_due_us : one.parts.front().due_us;
    return std::max({due, one.stalled_until_us, one.free_us});
}

}  // namespace p2c2r::test
