// A progress bar on standard error: redrawn in place on a terminal, a line at each tenth elsewhere.
#pragma once

#include <cstdint>
#include <string>

namespace p2c2r::cli {

class Progress {
  public:
    Progress(size_t total, std::string noun, bool quiet);
    // `note` stands behind the bar: "3 in flight, 29.8 a second".
    void update(size_t done, size_t failed, const std::string& note);
    void finish(size_t done, size_t failed, const std::string& note);

  private:
    void draw(size_t done, size_t failed, const std::string& note);

    const size_t total_;
    const std::string noun_;
    const bool quiet_;
    const bool terminal_;
    uint64_t drawn_us_ = 0;
    size_t tenth_ = 0;
};

}  // namespace p2c2r::cli
