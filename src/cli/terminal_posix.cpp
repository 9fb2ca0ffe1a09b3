#include "cli/terminal_posix.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace p2c2r::cli {

size_t line_width() {
    constexpr size_t kLineWidthMin = 60;  // below that no table can be read, however it breaks
    struct winsize window = {};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0) return kLineWidth;
    return std::clamp<size_t>(window.ws_col, kLineWidthMin, kLineWidth);
}

size_t error_columns() {
    struct winsize window = {};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 ? window.ws_col : 0;
}

}  // namespace p2c2r::cli
