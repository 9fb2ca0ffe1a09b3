// `p2c2r bench overload`: four gamers ask for three times what four peers can do. Goodput is what
// comes within its deadline; its peak is measured just before, with as many tasks in flight as keep
// every slot busy. A refusal is an answer E_BUSY, the client's own included. A task starts too late
// when the peer that begins it can see that it will not be over by its deadline. Then the load goes
// down to a half again.
#include <algorithm>
#include <cstdio>

#include "cli/bench.h"
#include "cli/bench_rows.h"
#include "cli/hold_field.h"
#include "cli/statistics.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr size_t kOverloadGamers = 4;
constexpr double kOverloadTimes = 3;
constexpr uint64_t kOverloadDeadlineUs = 100'000;
constexpr uint64_t kOverloadWarmUs = 1'000'000;
constexpr uint64_t kOverloadPartUsMax = 3'000'000;  // of the normal load, and of the peak
constexpr uint64_t kRecoveryUs = 500'000;
constexpr double kGoodputMin = 0.9;
constexpr uint64_t kRefusalP99Us = 2000;
constexpr double kNormalFactor = 1.5;  // that is "normal" again: of the p99 before

struct Played {
    std::vector<HoldEnded> ended;
    uint64_t from_us = 0;
    uint64_t until_us = 0;
    [[nodiscard]] double seconds() const { return static_cast<double>(until_us - from_us) / 1e6; }
    // A second, of what ended within this time.
    [[nodiscard]] double goodput() const {
        const auto good = std::count_if(ended.begin(), ended.end(), [&](const HoldEnded& one) {
            return one.status == P2C2R_OK && one.took_us() <= kOverloadDeadlineUs &&
                   one.ended_us >= from_us && one.ended_us <= until_us;
        });
        return static_cast<double>(good) / seconds();
    }
};

// All gamers ask alike for a time.
Result<Played> play_load(HoldField& field, const HoldAsk& all, uint64_t for_us, bool drain) {
    HoldAsk each = all;
    each.rate = all.rate / static_cast<double>(field.gamers());
    if (all.rate <= 0) each.window = static_cast<uint32_t>(all.window / field.gamers());
    Played played;
    played.from_us = p2c2r_now_us();
    for (size_t gamer = 0; gamer < field.gamers(); ++gamer) field.ask(gamer, each);
    if (Outcome failure = field.turn(for_us)) return *failure;
    played.until_us = p2c2r_now_us();
    if (drain) {
        if (Outcome failure = field.drain()) return *failure;
    }
    for (size_t gamer = 0; gamer < field.gamers(); ++gamer) {
        std::vector<HoldEnded> ended = field.take(gamer);
        played.ended.insert(played.ended.end(), ended.begin(), ended.end());
    }
    return played;
}

HoldAsk paced_load(double rate) {
    HoldAsk ask;
    ask.deadline_us = kOverloadDeadlineUs;
    ask.window = UINT32_MAX;
    ask.rate = rate;
    return ask;
}

BenchRow goodput_row(const Played& peak, const Played& over, const FieldShape& shape) {
    const double share = peak.goodput() > 0 ? over.goodput() / peak.goodput() : 0;
    const uint64_t asked = over.ended.size();
    BenchRow row;
    row.name = "goodput";
    row.measured = number_text(100 * share, 1) +
                   " % of the peak: " + number_text(over.goodput(), 0) + " of " +
                   number_text(peak.goodput(), 0) + " a second";
    row.bar = ">= 90 % of the peak";
    row.verdict = verdict_of(share >= kGoodputMin);
    row.why = number_text(static_cast<double>(asked) / over.seconds(), 0) +
              " tasks a second asked for, for " + number_text(over.seconds(), 0) + " s; " +
              count_text(shape.peers * shape.slots, "slot") +
              " of 20 ms: " + number_text(shape.capacity(), 0) + " a second";
    row.figures = {{"goodput", over.goodput()},
                   {"peak", peak.goodput()},
                   {"share", share},
                   {"asked", asked},
                   {"bar_share", kGoodputMin}};
    return row;
}

BenchRow refusal_row(const Played& over) {
    std::vector<uint64_t> times;
    uint64_t expired = 0;
    for (const HoldEnded& one : over.ended) {
        if (one.status == P2C2R_E_BUSY) times.push_back(one.took_us());
        if (one.status == P2C2R_E_DEADLINE) ++expired;
    }
    const uint64_t p99_us = percentile(times, 0.99);
    BenchRow row;
    row.name = "refusals";
    row.measured = count_text(times.size(), "task") + " refused, p99 " +
                   number_text(ms(p99_us), 2) + " ms; " + std::to_string(expired) +
                   " left to their deadlines";
    row.bar = "some, p99 <= 2 ms";
    row.verdict = verdict_of(!times.empty() && p99_us <= kRefusalP99Us);
    row.figures = {{"refused", times.size()},
                   {"p99_us", p99_us},
                   {"expired", expired},
                   {"bar_p99_us", kRefusalP99Us}};
    return row;
}

BenchRow recovery_row(const Played& normal, const Played& after) {
    const uint64_t normal_us = percentile(times_of(normal.ended), 0.99);
    std::vector<uint64_t> times;
    uint64_t lost = 0;
    for (const HoldEnded& one : after.ended) {
        if (one.submitted_us < after.from_us + kRecoveryUs) continue;
        times.push_back(one.took_us());
        if (one.status != P2C2R_OK) ++lost;
    }
    const uint64_t p99_us = percentile(times, 0.99);
    const double factor =
        normal_us > 0 ? static_cast<double>(p99_us) / static_cast<double>(normal_us) : 0;
    BenchRow row;
    row.name = "recovery";
    row.measured = "p99 " + number_text(ms(p99_us), 2) + " ms from 500 ms on, " +
                   number_text(ms(normal_us), 2) + " before; " + count_text(lost, "task") + " lost";
    row.bar = "<= 1.5 times, none lost";
    row.verdict = verdict_of(!times.empty() && lost == 0 && factor <= kNormalFactor);
    row.figures = {{"p99_us", p99_us},
                   {"normal_p99_us", normal_us},
                   {"lost", lost},
                   {"bar_factor", kNormalFactor}};
    return row;
}

BenchRow late_row(const HoldField::Begun& begun) {
    BenchRow row;
    row.name = "late starts";
    row.measured = std::to_string(begun.late) + " of " + count_text(begun.tasks, "start");
    row.bar = "none";
    row.verdict = verdict_of(begun.late == 0);
    row.figures = {{"late", begun.late}, {"started", begun.tasks}};
    return row;
}

Result<std::vector<BenchRow>> measure_overload(uint64_t seconds) {
    StopSignals signals;
    FieldShape shape;
    shape.gamers = kOverloadGamers;
    Result<std::unique_ptr<HoldField>> started = HoldField::start(shape, signals);
    if (!started) return started.failure();
    HoldField& field = **started;
    const double capacity = shape.capacity();
    const uint64_t part_us = std::min(kOverloadPartUsMax, seconds * 1'000'000);
    if (const auto warm = play_load(field, paced_load(capacity / 2), kOverloadWarmUs, true);
        !warm) {
        return warm.failure();
    }
    const Result<Played> normal = play_load(field, paced_load(capacity / 2), part_us, true);
    if (!normal) return normal.failure();
    HoldAsk full;
    full.deadline_us = kOverloadDeadlineUs;
    full.window = static_cast<uint32_t>(2 * shape.peers * shape.slots);
    const Result<Played> peak = play_load(field, full, part_us, true);
    if (!peak) return peak.failure();
    const Result<Played> over =
        play_load(field, paced_load(kOverloadTimes * capacity), seconds * 1'000'000, false);
    if (!over) return over.failure();
    const Result<Played> after = play_load(field, paced_load(capacity / 2), part_us, true);
    if (!after) return after.failure();
    const Result<HoldField::Begun> begun = field.end();
    if (!begun) return begun.failure();
    return std::vector<BenchRow>{goodput_row(*peak, *over, shape), refusal_row(*over),
                                 late_row(*begun), recovery_row(*normal, *after)};
}

}  // namespace

int run_bench_overload(const LoadBenchOptions& options) {
    const Result<std::vector<BenchRow>> rows = measure_overload(options.seconds.value_or(20));
    if (!rows) return report("bench overload", rows.failure());
    return finish_rows("overload", *rows, options.json);
}

}  // namespace p2c2r::cli
