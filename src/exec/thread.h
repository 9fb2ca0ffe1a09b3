// A thread of the library: named, with all signals blocked, joined by its owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/status.h"

namespace p2c2r::exec {

class Thread {
  public:
    struct Options {
        std::string name;       // at most 15 bytes are shown by the system
        size_t stack_size = 0;  // 0: the system's
        int niceness = 0;       // above 0: gives way to others (best effort)
    };
    static Result<std::unique_ptr<Thread>> start(Options options, std::function<void()> body);
    virtual ~Thread() = default;  // joins
    // How many this process has started so far.
    static uint64_t started();
};

// Processors this process may run on, at least 1.
unsigned processors();

}  // namespace p2c2r::exec
