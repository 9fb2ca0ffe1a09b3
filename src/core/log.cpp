#include "core/log.h"

#include <cstdarg>
#include <cstdio>

namespace p2c2r {

void Log::format(LogLevel level, const char* room, const char* pattern, ...) const {
    if (!enabled(level)) return;
    char text[1024];
    va_list arguments;
    va_start(arguments, pattern);
    const int size = std::vsnprintf(text, sizeof text, pattern, arguments);
    va_end(arguments);
    if (size < 0) return;
    const size_t length = static_cast<size_t>(size) < sizeof text ? static_cast<size_t>(size)
                                                                  : sizeof text - 1;
    sink_->write(level, room, std::string_view(text, length));
}

}  // namespace p2c2r
