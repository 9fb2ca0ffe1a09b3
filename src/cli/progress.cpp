#include "cli/progress.h"

#include <algorithm>
#include <cstdio>

#include "cli/message.h"
#include "cli/wait_posix.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::cli {

namespace {
constexpr size_t kBarWidth = 30;
constexpr uint64_t kRedrawUs = 50'000;
}  // namespace

Progress::Progress(size_t total, std::string noun, bool quiet)
    : total_(total), noun_(std::move(noun)), quiet_(quiet), terminal_(error_is_terminal()) {}

std::string Progress::bar(const Counts& counts, size_t total, const std::string& noun) {
    const auto share = [&](size_t count) {
        return total == 0 ? 0 : std::min(count * kBarWidth / total, kBarWidth);
    };
    const size_t failed = counts.failed > 0 ? std::max<size_t>(share(counts.failed), 1) : 0;
    const size_t done = total == 0 ? kBarWidth : std::min(share(counts.done), kBarWidth - failed);
    std::string text = "[" + std::string(done, '#') + std::string(failed, 'x') +
                       std::string(kBarWidth - done - failed, '.') + "] " +
                       std::to_string(counts.done) + "/" + std::to_string(total) + " " + noun;
    if (counts.failed > 0) text += ", " + std::to_string(counts.failed) + " failed";
    if (counts.cancelled > 0) text += ", " + std::to_string(counts.cancelled) + " cancelled";
    return text;
}

void Progress::draw(const Counts& counts, const std::string& note) {
    const std::string text = bar(counts, total_, noun_) + ", " + note;
    if (terminal_) return draw_status_line(text);
    std::fprintf(stderr, "%s\n", text.c_str());
    std::fflush(stderr);
}

void Progress::update(const Counts& counts, const std::string& note) {
    if (quiet_) return;
    if (terminal_) {
        const uint64_t now_us = p2c2r_now_us();
        if (now_us - drawn_us_ < kRedrawUs) return;
        drawn_us_ = now_us;
    } else {
        const size_t ended = counts.done + counts.failed + counts.cancelled;
        const size_t tenth = total_ == 0 ? 10 : ended * 10 / total_;
        if (tenth == tenth_ || ended == total_) return;  // finish() draws the last one
        tenth_ = tenth;
    }
    draw(counts, note);
}

void Progress::finish(const Counts& counts, const std::string& note) {
    if (quiet_) return;
    draw(counts, note);
    if (terminal_) end_status_line();
}

}  // namespace p2c2r::cli
