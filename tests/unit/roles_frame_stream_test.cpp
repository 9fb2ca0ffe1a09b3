// What a frame is answered with, what quality is advised, and which form this machine computes and
// when: the decisions alone, on a clock that the test moves.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "roles/frame_stream.h"
#include "roles/local_forms.h"

using namespace p2c2r;
using namespace p2c2r::roles;

namespace {

constexpr uint64_t kBudgetUs = 16'666;
using From = FrameStream::From;

// A stream whose tasks have the numbers of their frames, plus 1000.
struct StreamWorld {
    explicit StreamWorld(FrameSettings settings = {}) : stream(settings) {}
    FrameStream::Pushed push() {
        stream.make_room();
        return stream.push(1000 + ++pushed, 0, now);
    }
    FrameStream::Answer pull(uint64_t frame, std::optional<FrameStream::Good> own,
                             std::optional<FrameStream::Good> here = {}, bool ended = false) {
        const auto begun = stream.begin_pull(frame, now, kBudgetUs);
        REQUIRE(begun);
        now = begun->until_us;
        return stream.end_pull(*begun, now, ended || own, own, here);
    }
    FrameStream stream;
    uint64_t now = 1'000'000;
    uint64_t pushed = 0;
};

constexpr FrameStream::Good kQuick{5'000, 0};

}  // namespace

TEST_CASE("frames: the order of answers is remote then local then previous then none") {
    FrameSettings settings;
    settings.age_max = 3;
    StreamWorld world(settings);
    for (int i = 0; i < 6; ++i) world.push();
    CHECK(world.pull(1, {}).from == From::kNone);
    const FrameStream::Good fast{9'000, kQualityFast};
    FrameStream::Answer answer = world.pull(2, kQuick, fast);
    CHECK(answer.from == From::kOwn);
    CHECK(answer.quality == kQualityBalanced);
    CHECK(answer.is_newest);
    answer = world.pull(3, {}, fast);
    CHECK(answer.from == From::kHere);
    CHECK(answer.quality == kQualityFast);
    answer = world.pull(4, {});
    CHECK(answer.from == From::kPrevious);
    CHECK(answer.frame == 3);
    CHECK(answer.quality == kQualityFast);
    CHECK(answer.age_us == world.now - 1'000'000);
    CHECK(!answer.is_newest);
    CHECK(world.pull(6, {}).frame == 3);
    world.push();
    CHECK(world.pull(7, {}).from == From::kNone);  // 4 frames old
}

TEST_CASE("frames: what comes late is counted once a frame and serves the frames behind it") {
    StreamWorld world;
    for (int i = 0; i < 4; ++i) world.push();
    CHECK(world.pull(1, {}).from == From::kNone);
    CHECK(world.pull(2, {}).from == From::kNone);
    CHECK(world.stream.came_late(1002, {30'000, kQualityFast}, false));  // this machine's
    CHECK(world.pull(3, {}).quality == kQualityFast);
    CHECK(world.stream.came_late(1002, kQuick, true));  // the remote one of the same frame
    CHECK(world.stream.late_count() == 1);
    CHECK(!world.stream.came_late(1001, kQuick, true));  // older than what there is
    CHECK(world.stream.late_count() == 2);
    CHECK(!world.stream.came_late(1001, kQuick, true));  // over
    world.stream.came_to_nothing(1003);
    CHECK(world.stream.late_count() == 2);
    const FrameStream::Answer answer = world.pull(4, {});
    CHECK(answer.from == From::kPrevious);
    CHECK(answer.frame == 2);
    CHECK(answer.quality == kQualityBalanced);
}

TEST_CASE("frames: a frame that is being pulled is nobody's late answer") {
    StreamWorld world;
    world.push();
    const auto open = [&] {
        size_t count = 0;
        world.stream.for_each_open([&](uint64_t) { ++count; });
        return count;
    };
    CHECK(open() == 0);
    const auto pull = world.stream.begin_pull(1, world.now, kBudgetUs);
    CHECK(open() == 0);  // whoever pushes meanwhile leaves it alone
    (void)world.stream.end_pull(*pull, world.now + kBudgetUs, false, {}, {});
    CHECK(open() == 1);
}

TEST_CASE("frames: a frame that was pulled twice counts once for the advice") {
    FrameSettings settings;
    settings.window = 2;
    StreamWorld world(settings);
    world.push();
    const FrameStream::Good slow{100'000, 0};
    (void)world.pull(1, slow);
    (void)world.pull(1, slow);
    CHECK(world.stream.quality() == kQualityBalanced);
    world.push();
    (void)world.pull(2, slow);
    CHECK(world.stream.quality() == kQualityFast);
}

TEST_CASE("frames: the oldest beyond pipeline_max is given back and its pull knows no task") {
    FrameSettings settings;
    settings.pipeline_max = 2;
    StreamWorld world(settings);
    CHECK(world.push().dropped_task == 0);
    CHECK(world.push().dropped_task == 0);
    CHECK(world.push().dropped_task == 1001);
    std::vector<uint64_t> tasks;
    world.stream.for_each_task([&](uint64_t task) { tasks.push_back(task); });
    CHECK(tasks == std::vector<uint64_t>{1002, 1003});
    const auto pull = world.stream.begin_pull(1, world.now, kBudgetUs);
    REQUIRE(pull);
    CHECK(pull->task == 0);
    CHECK(!world.stream.begin_pull(0, world.now, kBudgetUs));
    CHECK(!world.stream.begin_pull(4, world.now, kBudgetUs));
    (void)world.pull(2, kQuick);
    CHECK(world.push().dropped_task == 0);  // one that has ended makes room
}

TEST_CASE("frames: the defaults hold tasks of 100 ms at 60 and at 144 frames a second") {
    for (const uint32_t budget_us : {16'666u, 6'944u}) {
        CAPTURE(budget_us);
        FrameSettings settings;
        settings.budget_us = budget_us;
        const FrameSettings all = settings.complete();
        CHECK(uint64_t{all.pipeline_max} * budget_us > 120'000);
        CHECK(uint64_t{all.age_max} * budget_us > 100'000 + budget_us);
        CHECK(all.age_max <= all.pipeline_max);
        CHECK(all.window == 10);
        CHECK(FrameStream(settings).next_wish(0).deadline_us ==
              uint64_t{all.pipeline_max} * budget_us);
    }
    FrameSettings slow;
    slow.budget_us = 1'000'000;
    CHECK(slow.complete().pipeline_max == 8);
    CHECK(slow.complete().age_max == 4);
    FrameSettings quick;
    quick.budget_us = 1;
    CHECK(quick.complete().pipeline_max == FrameSettings::kPipelineMax);
}

TEST_CASE(
    "frames: a task is told when its pull will end as the last one did and told anew when not") {
    StreamWorld world;
    CHECK(world.stream.next_wish(0).answer_us == kBudgetUs);
    for (int i = 0; i < 3; ++i) world.push();
    CHECK(!world.stream.begin_pull(1, world.now, kBudgetUs)->moves);
    // Two frames later than it was pushed.
    const uint64_t span = 3 * kBudgetUs;
    CHECK(world.stream.begin_pull(2, world.now + 2 * kBudgetUs, kBudgetUs)->moves);
    CHECK(world.stream.next_wish(0).answer_us == span);
    CHECK(world.stream.next_wish(20'000).answer_us == 20'000);  // then no answer is of use
    world.now += 3 * kBudgetUs;
    world.push();
    CHECK(!world.stream.begin_pull(4, world.now + 2 * kBudgetUs, kBudgetUs)->moves);
}

// ---- quality ------------------------------------------------------------------------------------

TEST_CASE("frames: a mean of the window above 33 ms advises fast and below 16 ms quality") {
    const auto advised = [](uint64_t took_us, int32_t first, uint64_t budget_us = kBudgetUs) {
        QualityWindow window(10, first, budget_us);
        for (int i = 0; i < 9; ++i) window.add(took_us);
        CHECK(window.quality() == first);  // not before it is full
        window.add(took_us);
        return window.quality();
    };
    CHECK(advised(33'001, kQualityQuality) == kQualityFast);
    CHECK(advised(33'000, kQualityQuality) == kQualityQuality);
    CHECK(advised(16'000, kQualityFast) == kQualityFast);
    CHECK(advised(15'999, kQualityFast) == kQualityQuality);
    CHECK(advised(20'000, kQualityBalanced) == kQualityBalanced);
    // At 144 frames a second in proportion: 13.7 and 6.7 ms.
    CHECK(advised(13'800, kQualityQuality, 6'944) == kQualityFast);
    CHECK(advised(13'700, kQualityQuality, 6'944) == kQualityQuality);
    CHECK(advised(6'700, kQualityFast, 6'944) == kQualityFast);
    CHECK(advised(6'600, kQualityFast, 6'944) == kQualityQuality);
}

TEST_CASE("frames: after a change of the advice the window fills anew") {
    QualityWindow window(4, kQualityQuality, kBudgetUs);
    for (int i = 0; i < 4; ++i) window.add(100'000);
    REQUIRE(window.quality() == kQualityFast);
    // The three slow ones that were answered with the old quality do not hold it back, nor does one
    // quick answer move it.
    for (int i = 0; i < 3; ++i) {
        window.add(5'000);
        CHECK(window.quality() == kQualityFast);
    }
    window.add(5'000);
    CHECK(window.quality() == kQualityQuality);
}

// ---- this machine's form -----------------------------------------------------------------------

namespace {

std::vector<LocalForm> three_forms() {
    std::vector<LocalForm> forms;
    for (const int32_t quality : {kQualityQuality, kQualityBalanced, kQualityFast}) {
        forms.push_back({quality, {}});
    }
    return forms;
}

int32_t chosen(const LocalTimes& times, uint64_t left_us, LocalChoice* out = nullptr) {
    const std::vector<LocalForm> forms = three_forms();
    const LocalChoice choice = choose_form(times, "upscale", forms, 1'000'000, 1'000'000 + left_us);
    if (out) *out = choice;
    return forms[choice.form].quality;
}

}  // namespace

TEST_CASE(
    "local forms: 95 of 100 runs are no longer than what is told and few count by their longest") {
    LocalTimes times;
    CHECK(times.p95_us("upscale", kQualityFast) == 0);
    times.learn("upscale", kQualityFast, 1'000);
    times.learn("upscale", kQualityFast, 3'000);
    CHECK(times.p95_us("upscale", kQualityFast) == 3'000);
    for (int i = 0; i < 62; ++i) times.learn("upscale", kQualityFast, 2'000);
    CHECK(times.p95_us("upscale", kQualityFast) == 2'000);
    for (int i = 0; i < 4; ++i) times.learn("upscale", kQualityFast, 9'000);
    CHECK(times.p95_us("upscale", kQualityFast) == 9'000);
    for (int i = 0; i < 64; ++i) times.learn("upscale", kQualityFast, 500);
    CHECK(times.p95_us("upscale", kQualityFast) == 500);  // what is long ago is forgotten
    CHECK(times.p95_us("upscale", kQualityBalanced) == 0);
    CHECK(times.p95_us("raytracing", kQualityFast) == 0);
    // One that was stopped takes longer than it has run, if that is news.
    times.learn_longer_than("upscale", kQualityFast, 400);
    CHECK(times.p95_us("upscale", kQualityFast) == 500);
    times.learn_longer_than("upscale", kQualityBalanced, 8'000);
    CHECK(times.p95_us("upscale", kQualityBalanced) == 8'000);
}

TEST_CASE(
    "local forms: of what fits into the time the best is chosen and begins as late as it can") {
    LocalTimes times;
    times.learn("upscale", kQualityFast, 2'000);
    times.learn("upscale", kQualityBalanced, 5'000);
    times.learn("upscale", kQualityQuality, 10'000);
    LocalChoice choice;
    CHECK(chosen(times, 16'666, &choice) == kQualityQuality);
    CHECK(choice.fits);
    const uint64_t set_aside = 1'016'666 - choice.begin_us;
    CHECK(set_aside >= 10'000);
    CHECK(set_aside <= 12'500);
    CHECK(chosen(times, 10'000) == kQualityBalanced);
    CHECK(chosen(times, 6'944) == kQualityFast);  // balanced would leave the helpers nothing
    CHECK(chosen(times, 3'000, &choice) == kQualityFast);
    CHECK(choice.fits);
    CHECK(chosen(times, 2'000, &choice) == kQualityFast);
    CHECK(!choice.fits);
    CHECK(choice.begin_us == 1'001'000);  // half of the time is the helpers'
    CHECK(chosen(times, 0, &choice) == kQualityFast);
    CHECK(choice.begin_us == 1'000'000);
}

TEST_CASE(
    "local forms: what is not known yet begins with the quickest and is tried one step at a time") {
    LocalTimes times;
    LocalChoice choice;
    CHECK(chosen(times, 16'000, &choice) == kQualityFast);
    CHECK(choice.begin_us == 1'008'000);
    times.learn("upscale", kQualityFast, 1'000);
    // Taken for twice and four times as long.
    CHECK(chosen(times, 16'000) == kQualityQuality);
    CHECK(chosen(times, 5'000, &choice) == kQualityBalanced);
    CHECK(choice.begin_us <= 1'002'500);
    times.learn("upscale", kQualityFast, 7'000);
    CHECK(chosen(times, 16'000) == kQualityFast);
}

// ---- parts of a frame ---------------------------------------------------------------------------

TEST_CASE(
    "frames: parts are told for their frame until it was asked for and counted in its answer") {
    FrameSettings settings;
    settings.pipeline_max = 2;
    StreamWorld world(settings);
    world.push();
    world.push();
    CHECK(world.stream.part_came(1001, 4) == 1);
    CHECK(world.stream.part_came(1002, 3) == 2);
    CHECK(world.stream.part_came(1001, 4) == 1);
    FrameStream::Answer answer = world.pull(1, {});
    CHECK(answer.from == From::kNone);
    CHECK(answer.parts == 4);
    CHECK(answer.parts_came == 2);
    // Later ones are not told, and the first pull is what counts.
    CHECK(world.stream.part_came(1001, 4) == 0);
    answer = world.pull(1, kQuick);
    CHECK(answer.parts == 4);
    CHECK(answer.parts_came == 2);
    // The whole is one answer.
    CHECK(world.pull(2, kQuick).parts_came == 1);
    CHECK(world.stream.late_count() == 0);
    CHECK(world.stream.part_came(1002, 3) == 0);
    // None of a frame that was dropped, nor of one that nobody knows.
    world.push();
    world.push();
    CHECK(world.push().dropped_task == 1003);
    CHECK(world.stream.part_came(1003, 4) == 0);
    CHECK(world.stream.part_came(9, 4) == 0);
    CHECK(world.pull(4, {}).parts == 0);
}
