// `p2c2r bench fairness`: ten gamers of one coordinator, of whom one asks for twenty times its
// share of what the peers can do. The nine others ask for four fifths of theirs, first alone and
// then beside it. At last all ten ask for more than there is, and each should get the same.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/bench.h"
#include "cli/bench_rows.h"
#include "cli/hold_field.h"
#include "cli/statistics.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr size_t kFairGamers = 10;
constexpr size_t kFlooder = 0;
constexpr double kFloodTimes = 20;    // times its share
constexpr double kModestTimes = 0.8;  // of theirs
constexpr double kGreedyTimes = 2;
constexpr uint64_t kFairDeadlineUs = 100'000;
constexpr uint64_t kFairWarmUs = 1'000'000;
constexpr uint64_t kFairPartUsMax = 5'000'000;  // of the others alone, and of the shares
// Where all ask for too much: beyond what their full queues take, so that it is about who is served
// and not about what comes too late.
constexpr uint64_t kLongDeadlineUs = 5'000'000;
constexpr uint64_t kFillUs = 1'000'000;  // until the queues are full, and shares are counted
constexpr double kSuccessMin = 0.95;
constexpr double kFactorMax = 1.5;
constexpr double kShareErrorMax = 0.05;

// Times of a gamer's share that are asked for.
struct Wishes {
    double flooder = 0;
    double others = kModestTimes;
    uint64_t deadline_us = kFairDeadlineUs;
    bool drain = true;  // until all has ended
};

Result<FieldPlay> play_shares(HoldField& field, double share, const Wishes& wishes,
                              uint64_t for_us) {
    const auto ask_of = [&](size_t gamer) {
        HoldAsk ask;
        ask.deadline_us = wishes.deadline_us;
        ask.rate = share * (gamer == kFlooder ? wishes.flooder : wishes.others);
        ask.window = ask.rate > 0 ? UINT32_MAX : 0;
        return ask;
    };
    return field.play(ask_of, for_us, wishes.drain);
}

uint64_t p99_of_others(const FieldPlay& play) {
    std::vector<uint64_t> times;
    for (size_t gamer = 0; gamer < play.ended.size(); ++gamer) {
        if (gamer == kFlooder) continue;
        const std::vector<uint64_t> own = times_of(play.ended[gamer]);
        times.insert(times.end(), own.begin(), own.end());
    }
    return percentile(std::move(times), 0.99);
}

double success_of(const std::vector<HoldEnded>& ended) {
    if (ended.empty()) return 0;
    return static_cast<double>(in_time(ended, kFairDeadlineUs)) / static_cast<double>(ended.size());
}

BenchRow success_row(const FieldPlay& flooded) {
    double worst = 1;
    for (size_t gamer = 0; gamer < flooded.ended.size(); ++gamer) {
        if (gamer != kFlooder) worst = std::min(worst, success_of(flooded.ended[gamer]));
    }
    const double flooder = success_of(flooded.ended[kFlooder]);
    BenchRow row;
    row.name = "success of others";
    row.measured = number_text(100 * worst, 2) + " % of the worst of nine; the flooder " +
                   number_text(100 * flooder, 1) + " %";
    row.bar = ">= 95 %";
    row.verdict = verdict_of(worst >= kSuccessMin);
    row.figures = {{"worst", worst}, {"flooder", flooder}, {"bar", kSuccessMin}};
    return row;
}

BenchRow latency_row(const FieldPlay& alone, const FieldPlay& flooded) {
    const uint64_t alone_us = p99_of_others(alone);
    const uint64_t flooded_us = p99_of_others(flooded);
    const double factor =
        alone_us > 0 ? static_cast<double>(flooded_us) / static_cast<double>(alone_us) : 0;
    BenchRow row;
    row.name = "p99 of others";
    row.measured = number_text(factor, 2) + " times: " + number_text(ms(flooded_us), 2) +
                   " ms beside the flood, " + number_text(ms(alone_us), 2) + " without";
    row.bar = "<= 1.5 times";
    row.verdict = verdict_of(alone_us > 0 && factor <= kFactorMax);
    row.figures = {{"p99_us", flooded_us},
                   {"alone_p99_us", alone_us},
                   {"factor", factor},
                   {"bar", kFactorMax}};
    return row;
}

// Of what each got from `from_us` to `until_us`, while all ten wanted more.
BenchRow shares_row(const FieldPlay& play, uint64_t from_us, uint64_t until_us) {
    std::vector<double> got;
    double sum = 0;
    for (const std::vector<HoldEnded>& own : play.ended) {
        const auto served = std::count_if(own.begin(), own.end(), [&](const HoldEnded& one) {
            return one.status == P2C2R_OK && one.ended_us >= from_us && one.ended_us < until_us;
        });
        got.push_back(static_cast<double>(served));
        sum += got.back();
    }
    const double fair = sum / static_cast<double>(play.ended.size());
    double error = 0;
    for (const double one : got) error = std::max(error, fair > 0 ? std::abs(one / fair - 1) : 1);
    const auto [least, most] = std::minmax_element(got.begin(), got.end());
    BenchRow row;
    row.name = "share error";
    row.measured = number_text(100 * error, 2) + " %: " + number_text(*least, 0) + " to " +
                   number_text(*most, 0) + " tasks each, " + number_text(fair, 0) + " are fair";
    row.bar = "< 5 %";
    row.verdict = verdict_of(error < kShareErrorMax);
    row.why = "one asks for 20 times its share, nine for twice theirs, with deadlines of 5 s";
    row.figures = {{"error", error}, {"fair", fair}, {"got", got}, {"bar", kShareErrorMax}};
    return row;
}

Result<std::vector<BenchRow>> measure_fairness(uint64_t seconds) {
    StopSignals signals;
    FieldShape shape;
    shape.gamers = kFairGamers;
    Result<std::unique_ptr<HoldField>> started = HoldField::start(shape, signals);
    if (!started) return started.failure();
    HoldField& field = **started;
    const double share = shape.capacity() / static_cast<double>(kFairGamers);
    const uint64_t flood_us = seconds * 1'000'000;
    const uint64_t part_us = std::min(kFairPartUsMax, flood_us);
    if (const auto warm = play_shares(field, share, {}, kFairWarmUs); !warm) return warm.failure();
    const Result<FieldPlay> alone = play_shares(field, share, {}, part_us);
    if (!alone) return alone.failure();
    const Result<FieldPlay> flooded =
        play_shares(field, share, {kFloodTimes, kModestTimes, kFairDeadlineUs}, flood_us);
    if (!flooded) return flooded.failure();
    const uint64_t from_us = p2c2r_now_us() + kFillUs;
    const Result<FieldPlay> greedy = play_shares(
        field, share, {kFloodTimes, kGreedyTimes, kLongDeadlineUs, false}, kFillUs + part_us);
    if (!greedy) return greedy.failure();
    return std::vector<BenchRow>{success_row(*flooded), latency_row(*alone, *flooded),
                                 shares_row(*greedy, from_us, from_us + part_us)};
}

}  // namespace

int run_bench_fairness(const LoadBenchOptions& options) {
    const Result<std::vector<BenchRow>> rows = measure_fairness(options.seconds.value_or(20));
    if (!rows) return report("bench fairness", rows.failure());
    return finish_rows("fairness", *rows, options.json);
}

}  // namespace p2c2r::cli
