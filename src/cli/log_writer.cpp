#include "cli/log_writer.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>

#include "cli/printable.h"

namespace p2c2r::cli {

namespace {

constexpr std::array<const char*, 6> kLevelNames = {"", "error", "warn", "info", "debug", "trace"};

}  // namespace

int32_t log_level_from(std::string_view name) {
    for (size_t level = 1; level < kLevelNames.size(); ++level) {
        if (name == kLevelNames[level]) return static_cast<int32_t>(level);
    }
    return name == "warning" ? P2C2R_LOG_WARN : 0;
}

const char* log_level_name(int32_t level) {
    return level >= 1 && level <= 5 ? kLevelNames[static_cast<size_t>(level)] : "info";
}

std::string iso_time_now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
    std::tm parts = {};
    gmtime_r(&seconds, &parts);
    char text[40];
    const size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text + size, sizeof text - size, ".%03dZ", static_cast<int>(ms % 1000));
    return text;
}

std::string log_line(LogFormat format, std::string_view time, int32_t level, std::string_view room,
                     std::string_view text, const LogWriter::Ids& ids) {
    if (format == LogFormat::kJson) {
        nlohmann::ordered_json line = {
            {"time", time}, {"level", log_level_name(level)}, {"room", room}, {"text", text}};
        for (const auto& [name, value] : ids) line[name] = value;
        // ASCII alone: control characters above it are for no terminal either.
        return line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    }
    std::string line(time);
    line += ' ';
    line += log_level_name(level);
    line += ' ';
    line += room;
    line += ": ";
    line += printable(text);
    for (const auto& [name, value] : ids) line += " " + name + "=" + printable(value);
    return line;
}

LogWriter::LogWriter(std::FILE* file, bool owned, LogFormat format, int32_t level)
    : file_(file), owned_(owned), format_(format), level_(level) {}

LogWriter::~LogWriter() {
    if (owned_) std::fclose(file_);
}

Result<std::unique_ptr<LogWriter>> LogWriter::open(const std::string& file, LogFormat format,
                                                   int32_t level) {
    std::FILE* target = stderr;
    if (!file.empty()) {
        target = std::fopen(file.c_str(), "ae");
        if (!target) {
            return usage_failure("cannot write log.file " + file + ": " + std::strerror(errno));
        }
    }
    return std::unique_ptr<LogWriter>(new LogWriter(target, !file.empty(), format, level));
}

void LogWriter::write(int32_t level, std::string_view room, std::string_view text, const Ids& ids) {
    if (level > level_) return;
    const std::string line = log_line(format_, iso_time_now(), level, room, text, ids) + "\n";
    const std::lock_guard lock(mutex_);
    std::fwrite(line.data(), 1, line.size(), file_);
    std::fflush(file_);
}

void P2C2R_CALL LogWriter::from_library(void* user, int32_t level, const char* room,
                                        const char* text, size_t size) {
    // The program logs these itself, from events, with their ids as fields.
    if (std::string_view(room) == "peers") return;
    static_cast<LogWriter*>(user)->write(level, room, std::string_view(text, size));
}

}  // namespace p2c2r::cli
