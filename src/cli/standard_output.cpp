#include "cli/standard_output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace p2c2r::cli {

Outcome flush_standard_output() {
    // An earlier write may have failed whose reason is lost by now.
    errno = 0;
    const bool flushed = std::fflush(stdout) == 0;
    const int reason = errno;
    if (flushed && !std::ferror(stdout)) return std::nullopt;
    std::clearerr(stdout);
    if (reason == EPIPE) return std::nullopt;
    return Failure{kExitSomeFailed,
                   std::string("standard output: ") +
                       (flushed ? "not all of it could be written" : std::strerror(reason))};
}

}  // namespace p2c2r::cli
