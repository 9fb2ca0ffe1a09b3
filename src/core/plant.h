// P2C2R_PLANT: a bug that is planted on purpose, to see that the simulator finds it. Constant false
// in the library; in the simulator's own build one plant can be chosen by name at run time.
#pragma once

#ifdef P2C2R_SIMULATOR

#include <cstring>

namespace p2c2r {

// Set before any seed runs, and by the simulator alone.
inline const char* active_plant = nullptr;

inline bool is_planted(const char* name) {
    return active_plant && std::strcmp(active_plant, name) == 0;
}

}  // namespace p2c2r

#define P2C2R_PLANT(name) (::p2c2r::is_planted(name))

#else

#define P2C2R_PLANT(name) false

#endif
