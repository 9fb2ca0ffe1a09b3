// A body looks at each large one, and at those in 27 cells as wide as the largest of the rest,
// which are filled like the rest is on average. But where there are only small ones it may be
// crowded: too many for the loops of a shader, from some eight times the usual radius on.
#include "kernels/physics_large.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "shaders/physics_report.h"

namespace p2c2r::kernels {

namespace {

constexpr double kAroundFilled = 31;  // 27 cells, six tenths full of balls as wide as a cell
constexpr double kCrowdedFrom = 8;
static_assert(kAroundFilled * kCrowdedFrom * kCrowdedFrom * kCrowdedFrom < kPhysicsNearMax);

constexpr double cube(double radius) {
    return radius * radius * radius;
}

// Those with larger radii are large.
float large_radius(std::vector<float> radii) {
    const size_t count = radii.size();
    const auto descending = std::greater<>();
    const auto middle = radii.begin() + static_cast<ptrdiff_t>(count / 2);
    std::nth_element(radii.begin(), middle, radii.end(), descending);
    const double crowded = kCrowdedFrom * *middle;
    const size_t most = std::min<size_t>(kPhysicsLargeMax, count - 1);
    const auto others = radii.begin() + static_cast<ptrdiff_t>(most) + 1;
    std::partial_sort(radii.begin(), others, radii.end(), descending);
    float best = radii[0];
    if (count <= kPhysicsLargeFrom) return best;
    double volume = 0;  // of those that are not large, as cubes of their radii
    for (auto other = others; other != radii.end(); ++other) volume += cube(*other);
    auto least = static_cast<double>(2 * count);
    for (size_t large = most + 1; large-- > 0;) {
        volume += cube(radii[large]);
        if (large > 0 && radii[large] == radii[large - 1]) continue;
        const auto rest = static_cast<double>(count - large);
        const double around = std::min(kAroundFilled * cube(radii[large]) * rest / volume, rest);
        const double cost = static_cast<double>(large) + (radii[large] > crowded ? rest : around);
        if (cost > least) continue;
        least = cost;
        best = radii[large];
    }
    return best;
}

}  // namespace

void choose_large_bodies(const PhysicsWorld& world, PhysicsPush& push) {
    std::vector<float> radii;
    radii.reserve(world.bodies.size());
    for (const PhysicsBody& body : world.bodies) radii.push_back(body.radius);
    push.large_radius = large_radius(std::move(radii));
    push.large = 0;
    for (const PhysicsBody& body : world.bodies) push.large += body.radius > push.large_radius;
    // A little more than a diameter, so that rounding of cells never hides a pair.
    push.cell_inverse = 1.0f / std::max(physics_reach(push.large_radius) * 2.001f, 2e-3f);
}

}  // namespace p2c2r::kernels
