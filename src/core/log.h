// Log lines go to a sink that the runtime owns; there are no globals and nothing is printed here.
#pragma once

#include <cstdint>
#include <string_view>

namespace p2c2r {

enum class LogLevel : int32_t { kError = 1, kWarn = 2, kInfo = 3, kDebug = 4, kTrace = 5 };

class LogSink {
  public:
    virtual ~LogSink() = default;
    // Any thread. `room` names the source folder's name; `text` has no line end.
    virtual void write(LogLevel level, std::string_view room, std::string_view text) = 0;
};

// A sink with a level in front; cheap to copy. Without a sink nothing is written.
class Log {
  public:
    Log() = default;
    Log(LogSink* sink, LogLevel level) : sink_(sink), level_(level) {}

    [[nodiscard]] bool enabled(LogLevel level) const { return sink_ && level <= level_; }
    void write(LogLevel level, std::string_view room, std::string_view text) const {
        if (enabled(level)) sink_->write(level, room, text);
    }
    // printf form, for lines that are built only when somebody reads them. Cut at 1023 bytes.
    void format(LogLevel level, const char* room, const char* pattern, ...) const
        __attribute__((format(printf, 4, 5)));

  private:
    LogSink* sink_ = nullptr;
    LogLevel level_ = LogLevel::kInfo;
};

}  // namespace p2c2r
