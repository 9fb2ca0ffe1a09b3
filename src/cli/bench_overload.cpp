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

// What came in time within the play, a second.
double goodput_of(const FieldPlay& play) {
    const std::vector<HoldEnded> ended = play.all();
    const auto good = std::count_if(ended.begin(), ended.end(), [&](const HoldEnded& one) {
        return one.status == P2C2R_OK && one.took_us() <= kOverloadDeadlineUs &&
               one.ended_us >= play.from_us && one.ended_us <= play.until_us;
    });
    return static_cast<double>(good) / play.seconds();
}

// All gamers ask alike for a time.
Result<FieldPlay> play_load(HoldField& field, const HoldAsk& all, uint64_t for_us, bool drain) {
    HoldAsk each = all;
    each.rate = all.rate / static_cast<double>(field.gamers());
    if (all.rate <= 0) each.window = static_cast<uint32_t>(all.window / field.gamers());
    return field.play([&](size_t) { return each; }, for_us, drain);
}

HoldAsk paced_load(double rate) {
    HoldAsk ask;
    ask.deadline_us = kOverloadDeadlineUs;
    ask.window = UINT32_MAX;
    ask.rate = rate;
    return ask;
}

BenchRow goodput_row(const FieldPlay& peak, const FieldPlay& over, const FieldShape& shape) {
    const double peak_rate = goodput_of(peak);
    const double over_rate = goodput_of(over);
    const double share = peak_rate > 0 ? over_rate / peak_rate : 0;
    const uint64_t asked = over.all().size();
    BenchRow row;
    row.name = "goodput";
    row.measured = number_text(100 * share, 1) + " % of the peak: " + number_text(over_rate, 0) +
                   " of " + number_text(peak_rate, 0) + " a second";
    row.bar = ">= 90 % of the peak";
    row.verdict = verdict_of(share >= kGoodputMin);
    row.why = number_text(static_cast<double>(asked) / over.seconds(), 0) +
              " tasks a second asked for, for " + number_text(over.seconds(), 0) + " s; " +
              count_text(shape.peers * shape.slots, "slot") +
              " of 20 ms: " + number_text(shape.capacity(), 0) + " a second";
    row.figures = {{"goodput", over_rate},
                   {"peak", peak_rate},
                   {"share", share},
                   {"asked", asked},
                   {"bar_share", kGoodputMin}};
    return row;
}

BenchRow refusal_row(const FieldPlay& over) {
    std::vector<uint64_t> times;
    uint64_t expired = 0;
    for (const HoldEnded& one : over.all()) {
        if (one.status == P2C2R_E_BUSY) times.push_back(one.took_us());
        if (one.status == P2C2R_E_DEADLINE) ++expired;
    }
    const uint64_t p99_us = percentile(times, 0.99);
    BenchRow row;
    row.name = "refusals";
    const auto slow =
        std::count_if(times.begin(), times.end(), [](uint64_t us) { return us > kRefusalP99Us; });
    row.measured = count_text(times.size(), "task") + " refused, p99 " +
                   number_text(ms(p99_us), 2) + " ms; " + std::to_string(expired) +
                   " left to their deadlines";
    row.why = "the coordinator was asked about " + std::to_string(over.refused) +
              " of these, the others were held back by their clients; " + std::to_string(slow) +
              " took more than 2 ms";
    row.bar = "some, p99 <= 2 ms";
    row.verdict = verdict_of(!times.empty() && p99_us <= kRefusalP99Us);
    row.figures = {{"refused", times.size()},
                   {"p99_us", p99_us},
                   {"expired", expired},
                   {"refused_by_coordinator", over.refused},
                   {"slow", slow},
                   {"bar_p99_us", kRefusalP99Us}};
    return row;
}

BenchRow recovery_row(const FieldPlay& normal, const FieldPlay& after) {
    const uint64_t normal_us = percentile(times_of(normal.all()), 0.99);
    std::vector<uint64_t> times;
    uint64_t lost = 0;
    for (const HoldEnded& one : after.all()) {
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
    const Result<FieldPlay> normal = play_load(field, paced_load(capacity / 2), part_us, true);
    if (!normal) return normal.failure();
    HoldAsk full;
    full.deadline_us = kOverloadDeadlineUs;
    full.window = static_cast<uint32_t>(2 * shape.peers * shape.slots);
    const Result<FieldPlay> peak = play_load(field, full, part_us, true);
    if (!peak) return peak.failure();
    const Result<FieldPlay> over =
        play_load(field, paced_load(kOverloadTimes * capacity), seconds * 1'000'000, false);
    if (!over) return over.failure();
    const Result<FieldPlay> after = play_load(field, paced_load(capacity / 2), part_us, true);
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
