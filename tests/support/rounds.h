// How many random inputs a comparison takes.
#pragma once

#include <cstdlib>

namespace p2c2r::test {

// Set for runs that may take long: P2C2R_FULL in the environment.
inline bool is_full_run() {
    return std::getenv("P2C2R_FULL") != nullptr;
}

// `usual`, or ten times as many in a full run.
inline int rounds(int usual) {
    return is_full_run() ? usual * 10 : usual;
}

}  // namespace p2c2r::test
