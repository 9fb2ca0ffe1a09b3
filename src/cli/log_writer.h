// Log lines of the daemons: one line an event, as text or as JSON, on standard error or in a file.
// Payloads, params and secrets are never part of a line.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/failure.h"

namespace p2c2r::cli {

enum class LogFormat { kText, kJson };

// "error" .. "trace" -> P2C2R_LOG_; 0: no such level.
int32_t log_level_from(std::string_view name);
const char* log_level_name(int32_t level);

// "2024-05-01T12:00:00.123Z"
std::string iso_time_now();

class LogWriter {
  public:
    using Ids = std::vector<std::pair<std::string, std::string>>;

    // An empty file name: standard error. The file is appended to, never cut.
    static Result<std::unique_ptr<LogWriter>> open(const std::string& file, LogFormat format,
                                                   int32_t level);
    ~LogWriter();

    // Any thread. The ids name what the line is about: {"peer_id", "peer-a"}.
    void write(int32_t level, std::string_view room, std::string_view text, const Ids& ids = {});
    [[nodiscard]] int32_t level() const { return level_; }

    // For p2c2r_runtime_config: log, with the writer as user.
    static void P2C2R_CALL from_library(void* user, int32_t level, const char* room,
                                        const char* text, size_t size);

  private:
    LogWriter(std::FILE* file, bool owned, LogFormat format, int32_t level);

    std::mutex mutex_;  // guards the file: a line is written in one piece
    std::FILE* file_;
    const bool owned_;
    const LogFormat format_;
    const int32_t level_;
};

// One line, without its end, as it would be written.
std::string log_line(LogFormat format, std::string_view time, int32_t level, std::string_view room,
                     std::string_view text, const LogWriter::Ids& ids);

}  // namespace p2c2r::cli
