// A progress bar on standard error: redrawn in place on a terminal, a line at each tenth elsewhere.
#pragma once

#include <cstdint>
#include <string>

namespace p2c2r::cli {

class Progress {
  public:
    Progress(size_t total, std::string noun, bool quiet);
    struct Counts {
        size_t done = 0;  // well
        size_t failed = 0;
        size_t cancelled = 0;
    };
    // `note` stands behind the bar: "3 in flight, 29.8 a second".
    void update(const Counts& counts, const std::string& note);
    void finish(const Counts& counts, const std::string& note);
    // "[####xx........] 12/30 frames, 6 failed": full only when all are done.
    static std::string bar(const Counts& counts, size_t total, const std::string& noun);

  private:
    void draw(const Counts& counts, const std::string& note);

    const size_t total_;
    const std::string noun_;
    const bool quiet_;
    const bool terminal_;
    uint64_t drawn_us_ = 0;
    size_t tenth_ = 0;
};

}  // namespace p2c2r::cli
