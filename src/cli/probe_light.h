// Light from a grid of probes, as a game would take it: between the probes around a point, from the
// sides that a surface faces.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

namespace p2c2r::cli {

using Point = std::array<double, 3>;

class ProbeLight {
  public:
    // `probes` as in the task; `bytes` are the layer `probes` of its result and MUST be three for
    // each side of each probe.
    ProbeLight(const nlohmann::json& probes, std::vector<uint8_t> bytes);

    [[nodiscard]] size_t count() const { return size_t{counts_[0]} * counts_[1] * counts_[2]; }
    [[nodiscard]] Point place(size_t probe) const;
    // 0..1, linear. Sides: +x, -x, +y, -y, +z, -z.
    [[nodiscard]] Point side(size_t probe, size_t side) const;
    // What a white surface at `point` sends on; `normal` has length 1. Probes that see nothing at
    // all lie inside something and are left out.
    [[nodiscard]] Point at(const Point& point, const Point& normal) const;

  private:
    std::array<uint32_t, 3> counts_{};
    Point min_{}, step_{};
    std::vector<uint8_t> bytes_;
    std::vector<uint8_t> sees_;
};

}  // namespace p2c2r::cli
