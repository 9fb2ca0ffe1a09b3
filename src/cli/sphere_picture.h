// Draws spheres in a box, and a curve: what `demo physics` shows.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/picture.h"

namespace p2c2r::cli {

struct DrawnSphere {
    double position[3];
    double radius;
    Color color;
};

struct DrawnBox {
    double min[3];
    double max[3];
};

// Seen from in front and a little above, y up, with light from the upper left; the box as its floor
// and edges.
Picture sphere_picture(const std::vector<DrawnSphere>& spheres, const DrawnBox& box, uint32_t width,
                       uint32_t height);

// (x, y) with x ascending; both axes are labelled with their ends.
Picture curve_picture(const std::vector<std::pair<double, double>>& points,
                      const std::string& title, const std::string& x_unit, uint32_t width,
                      uint32_t height);

}  // namespace p2c2r::cli
