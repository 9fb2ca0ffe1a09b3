#include "cli/progress.h"

#include <cstdio>

#include "cli/wait_posix.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::cli {

namespace {
constexpr size_t kBarWidth = 30;
constexpr uint64_t kRedrawUs = 50'000;
}  // namespace

Progress::Progress(size_t total, std::string noun, bool quiet)
    : total_(total), noun_(std::move(noun)), quiet_(quiet), terminal_(error_is_terminal()) {}

void Progress::draw(size_t done, size_t failed, const std::string& note) {
    const size_t filled = total_ == 0 ? kBarWidth : done * kBarWidth / total_;
    std::string bar(filled, '#');
    bar.append(kBarWidth - filled, '.');
    std::fprintf(stderr, "%s[%s] %zu/%zu %s", terminal_ ? "\r\x1b[K" : "", bar.c_str(), done,
                 total_, noun_.c_str());
    if (failed > 0) std::fprintf(stderr, ", %zu failed", failed);
    std::fprintf(stderr, ", %s%s", note.c_str(), terminal_ ? "" : "\n");
    std::fflush(stderr);
}

void Progress::update(size_t done, size_t failed, const std::string& note) {
    if (quiet_) return;
    if (terminal_) {
        const uint64_t now_us = p2c2r_now_us();
        if (now_us - drawn_us_ < kRedrawUs) return;
        drawn_us_ = now_us;
    } else {
        const size_t tenth = total_ == 0 ? 10 : done * 10 / total_;
        if (tenth == tenth_ || done == total_) return;  // finish() draws the last one
        tenth_ = tenth;
    }
    draw(done, failed, note);
}

void Progress::finish(size_t done, size_t failed, const std::string& note) {
    if (quiet_) return;
    draw(done, failed, note);
    if (terminal_) std::fputc('\n', stderr);
}

}  // namespace p2c2r::cli
