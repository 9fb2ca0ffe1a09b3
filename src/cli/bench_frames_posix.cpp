#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <random>

#include "cli/bench_frames.h"
#include "cli/test_card.h"

namespace p2c2r::cli {

// ---- the pictures -------------------------------------------------------------------------------

namespace {

constexpr uint32_t kWorldWidth = 960;
constexpr uint32_t kWorldHeight = 540;
constexpr double kPsnrMost = 99;

}  // namespace

MovingView::MovingView(uint64_t period)
    : world_(test_card(kWorldWidth, kWorldHeight)), period_(static_cast<double>(period)) {}

// Along a lying eight: in a period of 15 s at 60 frames a second some 2.5 pixels a frame.
std::vector<uint8_t> MovingView::truth(uint64_t frame) const {
    constexpr double kTurn = 6.283185307179586;
    const double angle = kTurn * std::fmod(static_cast<double>(frame), period_) / period_;
    const auto place = [](uint32_t room, double along) {
        return static_cast<uint32_t>(std::lround(room * (0.5 + 0.5 * std::sin(along))));
    };
    const uint32_t left = place(kWorldWidth - kWidth, angle);
    const uint32_t top = place(kWorldHeight - kHeight, 2 * angle);
    std::vector<uint8_t> pixels(size_t{kWidth} * kHeight * 3);
    for (uint32_t row = 0; row < kHeight; ++row) {
        const uint8_t* from = world_.pixels.data() + (size_t{top + row} * kWorldWidth + left) * 3;
        std::copy(from, from + size_t{kWidth} * 3, pixels.data() + size_t{row} * kWidth * 3);
    }
    return pixels;
}

std::vector<uint8_t> MovingView::rendered(const std::vector<uint8_t>& truth) {
    std::vector<uint8_t> pixels(size_t{kWidth / 2} * (kHeight / 2) * 3);
    for (size_t row = 0; row < kHeight / 2; ++row) {
        for (size_t column = 0; column < kWidth / 2; ++column) {
            for (size_t channel = 0; channel < 3; ++channel) {
                const size_t at = ((row * 2) * kWidth + column * 2) * 3 + channel;
                const size_t below = at + size_t{kWidth} * 3;
                const unsigned sum =
                    truth[at] + truth[at + 3] + truth[below] + truth[below + 3] + 2u;
                pixels[(row * (kWidth / 2) + column) * 3 + channel] = static_cast<uint8_t>(sum / 4);
            }
        }
    }
    return pixels;
}

double psnr(const std::vector<uint8_t>& a, const uint8_t* b, size_t size) {
    if (a.size() != size || size == 0) return 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < size; ++i) {
        const int difference = int{a[i]} - int{b[i]};
        sum += static_cast<uint64_t>(difference * difference);
    }
    if (sum == 0) return kPsnrMost;
    const double mean = static_cast<double>(sum) / static_cast<double>(size);
    return std::min(kPsnrMost, 10 * std::log10(255.0 * 255.0 / mean));
}

uint64_t times_preempted() {
#ifdef RUSAGE_THREAD
    struct rusage usage = {};
    if (getrusage(RUSAGE_THREAD, &usage) == 0) return static_cast<uint64_t>(usage.ru_nivcsw);
#endif
    return 0;
}

// ---- peers that misbehave -----------------------------------------------------------------------

namespace {

constexpr uint64_t kBadUsMin = 500'000;
constexpr uint64_t kBadUsMax = 2'000'000;
constexpr uint64_t kSlowRunUs = 2'000;
constexpr uint64_t kSlowStandUs = 18'000;
constexpr size_t kOneIn = 5;
// Helpers are other machines. Here they would take the game's core when they start, and the game
// would be late for that.
constexpr int kPeerNice = 10;

}  // namespace

std::string BadPeers::peer_id(size_t index) {
    return "frames-" + std::to_string(index + 1);
}

Result<Process> BadPeers::start_peer(const std::string& url, size_t index) {
    return start_peer_process(url, peer_id(index), "",
                              {"--device", "native", "--log-level", "error"}, {}, kPeerNice);
}

void BadPeers::start(uint64_t seed) {
    is_bad_.assign(peers_.size(), false);
    for (size_t i = 0; i < peers_.size() / kOneIn; ++i) {
        threads_.emplace_back([this, seed, i] { misbehave(seed + i); });
    }
}

void BadPeers::stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

bool BadPeers::wait_us(uint64_t us) {
    const uint64_t until = p2c2r_now_us() + us;
    while (!stopping_) {
        const uint64_t now = p2c2r_now_us();
        if (now >= until) return true;
        std::this_thread::sleep_for(
            std::chrono::microseconds(std::min<uint64_t>(until - now, 20'000)));
    }
    return false;
}

void BadPeers::misbehave(uint64_t seed) {
    std::mt19937_64 random(seed);
    for (uint64_t round = seed; !stopping_; ++round) {
        size_t index;
        {
            const std::lock_guard lock(mutex_);
            do {
                index = random() % peers_.size();
            } while (is_bad_[index]);
            is_bad_[index] = true;
            ++(round % 3 == 0 ? kills : round % 3 == 1 ? freezes : slows);
        }
        Process& peer = peers_[index];
        const uint64_t bad_us = kBadUsMin + random() % (kBadUsMax - kBadUsMin);
        if (round % 3 == 0) {
            peer.kill_now();
            (void)wait_us(bad_us);
            Result<Process> again = start_peer(url_, index);
            const std::lock_guard lock(mutex_);
            if (again) {
                peer = std::move(*again);
            } else if (failure.empty()) {
                failure = again.failure().text;
            }
        } else if (round % 3 == 1) {
            peer.signal(SIGSTOP);
            (void)wait_us(bad_us);
            peer.signal(SIGCONT);
        } else {
            const uint64_t until = p2c2r_now_us() + bad_us;
            while (p2c2r_now_us() < until && !stopping_) {
                peer.signal(SIGSTOP);
                (void)wait_us(kSlowStandUs);
                peer.signal(SIGCONT);
                (void)wait_us(kSlowRunUs);
            }
        }
        const std::lock_guard lock(mutex_);
        is_bad_[index] = false;
    }
}

}  // namespace p2c2r::cli
