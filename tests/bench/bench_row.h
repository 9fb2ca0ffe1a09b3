// One line of the table that kernels.py makes: a kernel beside its peer, with its bar.
#pragma once

#include <algorithm>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "clocks.h"

namespace p2c2r::bench {

struct BenchRow {
    std::string kernel;
    std::string unit;  // of all figures: "ms", "us", "Mrays/s"
    double one = 0;    // one thread; 0 in any figure: not measured
    double two = 0;    // two threads
    double vulkan = 0;
    std::string device;  // its name
    std::string peer;
    double peer_value = 0;
    double ratio = 0;  // ours / the peer's, as its bar means it
    double must = 0;   // 0: no bar
    double goal = 0;
    bool at_least = false;  // the bar is a least; else a most
    bool equal = true;      // the Vulkan device gives the same bytes
};

inline std::string rows_json(const std::vector<BenchRow>& rows) {
    std::string text;
    for (const BenchRow& row : rows) {
        char line[640];
        std::snprintf(
            line, sizeof line,
            "%s{\"kernel\": \"%s\", \"unit\": \"%s\", \"one\": %.5g, \"two\": %.5g, "
            "\"vulkan\": %.5g, \"device\": \"%s\", \"peer\": \"%s\", \"peer_value\": %.5g, "
            "\"ratio\": %.5g, \"must\": %g, \"goal\": %g, \"at_least\": %s, "
            "\"equal\": %s}",
            text.empty() ? "" : ", ", row.kernel.c_str(), row.unit.c_str(), row.one, row.two,
            row.vulkan, row.device.c_str(), row.peer.c_str(), row.peer_value, row.ratio, row.must,
            row.goal, row.at_least ? "true" : "false", row.equal ? "true" : "false");
        text += line;
    }
    return "[" + text + "]";
}

// Milliseconds a frame by the wall when two threads compute a frame each at the same time, the best
// of `rounds`; body(0) and body(1) MUST share nothing that they write.
template <class Body>
double two_threads_ms(int rounds, const Body& body) {
    double best = 1e18;
    for (int round = 0; round < rounds; ++round) {
        const double start = wall_ms();
        std::thread other([&] { body(1); });
        body(0);
        other.join();
        best = std::min(best, (wall_ms() - start) / 2);
    }
    return best;
}

}  // namespace p2c2r::bench
