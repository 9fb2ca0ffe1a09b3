// `p2c2r bench frames`: a game's frames while one in five of its helpers misbehaves.
//
// A coordinator and its peers run as processes of their own (frame_peers_posix.h); this is the
// game. At each tick it pushes a small picture to be upscaled and pulls the answer with what is
// left of the frame. First without faults, for the picture that is to be expected; then with them.
// Three bars: no pull returns after its budget; 95 % of the frames use a remote answer of their own
// or one of the two before; and the picture shown is within 1 dB of that without faults, against
// what it should have been.
#include "cli/bench_frames.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/bench.h"
#include "cli/frame_peers_posix.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/statistics.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr double kBarFresh = 0.95;
constexpr double kBarDecibels = 1.0;
constexpr uint64_t kFreshFrames = 2;
constexpr uint64_t kWarmUpFrames = 120;  // the first meet cold caches and unlearned speeds
constexpr uint64_t kRenderUs = 1'000;    // of each frame, for what a game does with its answer
constexpr uint64_t kSpinUs = 500;

struct FramesHandleDeleter {
    void operator()(p2c2r_frames* frames) const { p2c2r_frames_destroy(frames); }
};
using FramesHandle = std::unique_ptr<p2c2r_frames, FramesHandleDeleter>;

struct Run {
    uint64_t frames = 0;
    uint64_t late_returns = 0;
    uint64_t late_preempted = 0;  // of these, while the system ran something else in between
    uint64_t late_us_max = 0;
    uint64_t own = 0;
    uint64_t previous = 0;
    uint64_t none = 0;
    uint64_t fresh = 0;
    uint64_t late_answers = 0;
    uint64_t skipped_ticks = 0;  // this process did not run in time for them
    double psnr_sum = 0;
    double expected_sum = 0;  // what the same frames had without faults
    std::vector<uint64_t> used_us;
    std::vector<uint64_t> age_us;

    [[nodiscard]] double fresh_share() const {
        return static_cast<double>(fresh) / static_cast<double>(std::max<uint64_t>(frames, 1));
    }
    [[nodiscard]] double lost_db() const {
        return (expected_sum - psnr_sum) / static_cast<double>(std::max<uint64_t>(frames, 1));
    }
    [[nodiscard]] double psnr_mean() const {
        return psnr_sum / static_cast<double>(std::max<uint64_t>(frames, 1));
    }
};

void wait_until(uint64_t at_us) {
    const uint64_t now = p2c2r_now_us();
    if (now + kSpinUs < at_us) {
        std::this_thread::sleep_for(std::chrono::microseconds(at_us - now - kSpinUs));
    }
    while (p2c2r_now_us() < at_us) {
    }
}

// The game: its pictures and its loop.
class FrameGame {
  public:
    // The camera comes by the same places again after `period` frames.
    FrameGame(p2c2r_frames* frames, uint32_t budget_us, uint64_t period)
        : frames_(frames),
          budget_us_(budget_us),
          view_(period),
          expected_(period),
          params_(json({{"input_res", {MovingView::kWidth / 2, MovingView::kHeight / 2}},
                        {"output_res", {MovingView::kWidth, MovingView::kHeight}},
                        {"channels", 3},
                        {"output_format", "raw"},
                        {"quality", "balanced"}})
                      .dump()) {}

    // `expects`: what it shows is what is to be expected at these places.
    Result<Run> run(uint64_t count, bool expects, StopSignals& signals, Progress& progress) {
        Run run;
        expects_ = expects;
        shown_ = 0;
        uint64_t tick_us = p2c2r_now_us() + budget_us_;
        for (uint64_t i = 0; i < count; ++i, tick_us += budget_us_) {
            if (signals.count() > 0) return Failure{kExitSomeFailed, "stopped"};
            wait_until(tick_us);
            while (p2c2r_now_us() >= tick_us + budget_us_) {
                tick_us += budget_us_;
                ++run.skipped_ticks;
            }
            if (Outcome failure = tick(tick_us, run)) return *failure;
            if (i % 60 == 0) progress.update({i, 0}, "");
        }
        return run;
    }

  private:
    Outcome tick(uint64_t tick_us, Run& run) {
        const std::vector<uint8_t> truth = view_.truth(shown_);
        const std::vector<uint8_t> rendered = MovingView::rendered(truth);
        p2c2r_bytes data = {rendered.data(), rendered.size(), nullptr, nullptr};
        p2c2r_task_desc desc = {};
        desc.struct_size = sizeof desc;
        desc.task_type = "upscale";
        desc.params_format = P2C2R_FORMAT_JSON;
        desc.params = params_.data();
        desc.params_size = params_.size();
        desc.data = &data;
        desc.place = P2C2R_PLACE_REMOTE;
        desc.flags = P2C2R_TASK_NO_CACHE;  // the camera comes by the same places again
        uint64_t frame = 0;
        p2c2r_error why = {};
        if (p2c2r_frames_push(frames_, &desc, &frame, &why) != P2C2R_OK) {
            return library_failure(kExitSomeFailed, "push", why);
        }
        p2c2r_answer answer = {};
        answer.struct_size = sizeof answer;
        const uint64_t preempted = times_preempted();
        const uint64_t before_us = p2c2r_now_us();
        const uint64_t end_us = tick_us + budget_us_ - kRenderUs;
        const uint64_t left_us = end_us > before_us + 1'000 ? end_us - before_us : 1'000;
        const p2c2r_status status =
            p2c2r_frames_pull(frames_, frame, static_cast<uint32_t>(left_us), &answer);
        const uint64_t used_us = p2c2r_now_us() - before_us;
        const ResultHandle owned(answer.result);
        if (status != P2C2R_OK) {
            return Failure{kExitSomeFailed, std::string("pull: ") + p2c2r_status_name(status)};
        }
        if (used_us > left_us && times_preempted() > preempted) ++run.late_preempted;
        count(answer, used_us, left_us, run);
        show(answer, truth, run);
        return std::nullopt;
    }
    void count(const p2c2r_answer& answer, uint64_t used_us, uint64_t left_us, Run& run) {
        ++run.frames;
        run.used_us.push_back(used_us);
        if (used_us > left_us) {
            ++run.late_returns;
            run.late_us_max = std::max(run.late_us_max, used_us - left_us);
        }
        run.late_answers = answer.late_count;
        if (answer.source == P2C2R_SOURCE_NONE) {
            ++run.none;
            return;
        }
        ++(answer.source == P2C2R_SOURCE_PREVIOUS ? run.previous : run.own);
        run.age_us.push_back(answer.age_us);
        if (answer.frame - answer.answers_frame <= kFreshFrames) ++run.fresh;
    }
    // What the player sees: the answer, or what was there before.
    void show(const p2c2r_answer& answer, const std::vector<uint8_t>& truth, Run& run) {
        size_t size = 0;
        const void* data = answer.result ? p2c2r_result_data(answer.result, &size) : nullptr;
        if (data && size == truth.size()) {
            const auto* bytes = static_cast<const uint8_t*>(data);
            screen_.assign(bytes, bytes + size);
        }
        const double decibels = psnr(truth, screen_.data(), screen_.size());
        double& expected = expected_[shown_++ % expected_.size()];
        if (expects_) expected = decibels;
        run.psnr_sum += decibels;
        run.expected_sum += expected;
    }

    p2c2r_frames* const frames_;
    const uint32_t budget_us_;
    const MovingView view_;
    std::vector<double> expected_;  // decibels by place of the camera
    const std::string params_;
    std::vector<uint8_t> screen_ =
        std::vector<uint8_t>(size_t{MovingView::kWidth} * MovingView::kHeight * 3);
    uint64_t shown_ = 0;
    bool expects_ = false;
};

struct Measured {
    Run whole;   // nobody misbehaves
    Run faulty;  // one in five does
    uint64_t kills = 0;
    uint64_t freezes = 0;
    uint64_t slows = 0;
    uint64_t blackholes = 0;
    std::string no_blackholes;  // why there are none; "": there are
};

Result<Measured> measure(uint32_t budget_us, uint64_t peers_count, uint64_t seconds,
                         uint64_t calm_seconds, uint64_t seed) {
    StopSignals signals;
    Result<std::unique_ptr<FramePeers>> peers = FramePeers::start(peers_count);
    if (!peers) return peers.failure();
    SessionOptions options;
    options.coordinator_url = (*peers)->url();
    options.device.kind = DeviceChoice::Kind::kNative;
    options.worker_threads = 1;
    Result<std::unique_ptr<Session>> session = Session::open(options);
    if (!session) return session.failure();
    if (!(*session)->wait_for_peers(static_cast<uint32_t>(peers_count), kJoinTimeoutUs, &signals)) {
        return Failure{kExitSomeFailed, signals.count() > 0 ? "stopped" : "not all peers joined"};
    }
    p2c2r_frames_config config = {};
    config.struct_size = sizeof config;
    config.budget_us = budget_us;
    config.flags = P2C2R_FRAMES_NO_LOCAL;
    p2c2r_frames* made = nullptr;
    p2c2r_error why = {};
    if (p2c2r_frames_create((*session)->client(), &config, &made, &why) != P2C2R_OK) {
        return library_failure(kExitSomeFailed, "frames", why);
    }
    const FramesHandle frames(made);
    const uint64_t fps = 1'000'000 / budget_us;
    FrameGame game(made, budget_us, fps * calm_seconds);
    Progress progress(fps * (calm_seconds + seconds), "frames", !error_is_terminal());
    Measured measured;
    if (Result<Run> warm = game.run(kWarmUpFrames, false, signals, progress); !warm) {
        return warm.failure();
    }
    Result<Run> whole = game.run(fps * calm_seconds, true, signals, progress);
    if (!whole) return whole.failure();
    measured.whole = std::move(*whole);
    BadPeers bad(**peers);
    bad.start(seed);
    Result<Run> faulty = game.run(fps * seconds, false, signals, progress);
    bad.stop();
    if (!faulty) return faulty.failure();
    if (!bad.failure.empty()) return Failure{kExitSomeFailed, bad.failure};
    measured.faulty = std::move(*faulty);
    measured.kills = bad.kills;
    measured.freezes = bad.freezes;
    measured.slows = bad.slows;
    measured.blackholes = bad.blackholes;
    measured.no_blackholes = (*peers)->no_star();
    progress.finish({fps * (calm_seconds + seconds), 0}, "");
    return measured;
}

void print_run(const char* name, const Run& run) {
    const auto percent = [&](uint64_t part) {
        return 100.0 * static_cast<double>(part) /
               static_cast<double>(std::max<uint64_t>(run.frames, 1));
    };
    std::printf("%s: %llu frames: own answer %.2f %%, an earlier frame's %.2f %%, none %.2f %%\n",
                name, static_cast<unsigned long long>(run.frames), percent(run.own),
                percent(run.previous), percent(run.none));
    std::printf(
        "  pull p50 %.2f ms, p99 %.2f ms; %llu returned late, by at most %.3f ms, %llu of them\n"
        "  after the system had run something else on this core; %llu ticks skipped\n",
        ms(percentile(run.used_us, 0.5)), ms(percentile(run.used_us, 0.99)),
        static_cast<unsigned long long>(run.late_returns), ms(run.late_us_max),
        static_cast<unsigned long long>(run.late_preempted),
        static_cast<unsigned long long>(run.skipped_ticks));
    std::printf("  answer's age p50 %.1f ms, p99 %.1f ms, max %.1f ms; picture %.2f dB\n",
                ms(percentile(run.age_us, 0.5)), ms(percentile(run.age_us, 0.99)),
                ms(percentile(run.age_us, 1)), run.psnr_mean());
}

void print_faults(const Measured& measured) {
    std::printf(
        "  %llu killed and started again, %llu frozen, %llu ten times as slow, %llu in a "
        "blackhole\n",
        static_cast<unsigned long long>(measured.kills),
        static_cast<unsigned long long>(measured.freezes),
        static_cast<unsigned long long>(measured.slows),
        static_cast<unsigned long long>(measured.blackholes));
    if (measured.no_blackholes.empty()) return;
    std::printf("  blackholes are skipped: %s\n", measured.no_blackholes.c_str());
}

json summary_of(const Run& run) {
    return {{"frames", run.frames},
            {"own", run.own},
            {"previous", run.previous},
            {"none", run.none},
            {"fresh", run.fresh},
            {"late_returns", run.late_returns},
            {"late_preempted", run.late_preempted},
            {"late_us_max", run.late_us_max},
            {"late_answers", run.late_answers},
            {"skipped_ticks", run.skipped_ticks},
            {"pull_p50_us", percentile(run.used_us, 0.5)},
            {"pull_p99_us", percentile(run.used_us, 0.99)},
            {"age_p99_us", percentile(run.age_us, 0.99)},
            {"psnr_db", run.psnr_mean()}};
}

}  // namespace

int run_bench_frames(const FramesBenchOptions& options) {
    const uint64_t fps = options.fps.value_or(60);
    const uint64_t peers = options.peers.value_or(5);
    const uint64_t seconds = options.seconds.value_or(60);
    const uint64_t calm_seconds = options.calm_seconds.value_or(15);
    const auto budget_us = static_cast<uint32_t>(1'000'000 / fps);
    const Result<Measured> measured =
        measure(budget_us, peers, seconds, calm_seconds, options.seed.value_or(1));
    if (!measured) return report("bench frames", measured.failure());
    const Run& whole = measured->whole;
    const Run& faulty = measured->faulty;
    const uint64_t late = whole.late_returns + faulty.late_returns;
    const double lost_db = faulty.lost_db();
    const bool in_time = late == 0;
    const bool fresh = faulty.fresh_share() >= kBarFresh;
    const bool same_picture = lost_db <= kBarDecibels;
    const bool pass = in_time && fresh && same_picture;
    std::printf("frames: %llu a second, %llu peers\n", static_cast<unsigned long long>(fps),
                static_cast<unsigned long long>(peers));
    print_run("nobody misbehaves", whole);
    print_run("one in five misbehaves", faulty);
    print_faults(*measured);
    std::printf("late returns of pull: %llu, bar 0: %s\n", static_cast<unsigned long long>(late),
                in_time ? "holds" : "missed");
    std::printf("remote, of the frame or the two before: %.2f %%, bar >= %.0f %%: %s\n",
                100 * faulty.fresh_share(), 100 * kBarFresh, fresh ? "holds" : "missed");
    std::printf(
        "picture: %.2f dB less than at the same places without faults, bar <= %.0f dB: %s\n",
        lost_db, kBarDecibels, same_picture ? "holds" : "missed");
    if (options.json) {
        const json summary = {{"bench", "frames"},
                              {"fps", fps},
                              {"peers", peers},
                              {"whole", summary_of(whole)},
                              {"faulty", summary_of(faulty)},
                              {"kills", measured->kills},
                              {"freezes", measured->freezes},
                              {"slows", measured->slows},
                              {"blackholes", measured->blackholes},
                              {"blackholes_skipped", measured->no_blackholes},
                              {"late_returns", late},
                              {"fresh_share", faulty.fresh_share()},
                              {"lost_db", lost_db},
                              {"pass", pass}};
        std::printf("%s\n", summary.dump().c_str());
    }
    return pass ? kExitOk : kExitSomeFailed;
}

}  // namespace p2c2r::cli
