#include "sim/plants.h"

#include <cstring>

#include "core/plant.h"

namespace p2c2r::sim {

bool choose_plant(const char* name) {
    if (!name) {
        active_plant = nullptr;
        return true;
    }
    for (const Plant& plant : kPlants) {
        if (std::strcmp(plant.name, name) != 0) continue;
        active_plant = plant.name;
        return true;
    }
    return false;
}

}  // namespace p2c2r::sim
