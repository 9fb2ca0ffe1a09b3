#include "cli/processors_posix.h"

#include <sched.h>

namespace p2c2r::cli {

bool bind_to_processors(uint32_t count) {
    static const cpu_set_t all = [] {
        cpu_set_t set;
        CPU_ZERO(&set);
        sched_getaffinity(0, sizeof set, &set);
        return set;
    }();
    if (count == 0) return sched_setaffinity(0, sizeof all, &all) == 0;
    cpu_set_t chosen;
    CPU_ZERO(&chosen);
    for (int cpu = 0; cpu < CPU_SETSIZE && count > 0; ++cpu) {
        if (!CPU_ISSET(cpu, &all)) continue;
        CPU_SET(cpu, &chosen);
        --count;
    }
    return count == 0 && sched_setaffinity(0, sizeof chosen, &chosen) == 0;
}

}  // namespace p2c2r::cli
