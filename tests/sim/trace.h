// The last lines of a run, for whoever must understand a failure. Off while seeds are swept: a
// seed that fails is run once more with it.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace p2c2r::sim {

// As "%llu" wants it.
inline unsigned long long number(uint64_t value) {
    return value;
}

class Trace {
  public:
    // `lines_max` 0: off.
    explicit Trace(size_t lines_max = 0) : lines_max_(lines_max) {}

    [[nodiscard]] bool on() const { return lines_max_ > 0; }
    void line(uint64_t at_us, const char* pattern, ...) __attribute__((format(printf, 3, 4))) {
        if (!on()) return;
        char text[512];
        const int head =
            std::snprintf(text, sizeof text, "%9.6f  ", static_cast<double>(at_us) / 1'000'000);
        va_list arguments;
        va_start(arguments, pattern);
        std::vsnprintf(text + head, sizeof text - static_cast<size_t>(head), pattern, arguments);
        va_end(arguments);
        if (lines_.size() < lines_max_) {
            lines_.emplace_back(text);
        } else {
            lines_[next_ % lines_max_] = text;
        }
        ++next_;
    }
    // Oldest first.
    void print(std::FILE* out) const {
        const size_t count = lines_.size();
        for (size_t i = 0; i < count; ++i) {
            std::fprintf(out, "  %s\n", lines_[(next_ - count + i) % lines_max_].c_str());
        }
    }

  private:
    const size_t lines_max_;
    std::vector<std::string> lines_;
    size_t next_ = 0;
};

}  // namespace p2c2r::sim
