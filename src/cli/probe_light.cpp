#include "cli/probe_light.h"

#include <algorithm>
#include <cmath>

namespace p2c2r::cli {

namespace {

constexpr size_t kSides = 6;

}  // namespace

ProbeLight::ProbeLight(const nlohmann::json& probes, std::vector<uint8_t> bytes)
    : bytes_(std::move(bytes)) {
    for (size_t axis = 0; axis < 3; ++axis) {
        counts_[axis] = probes.at("counts").at(axis);
        min_[axis] = probes.at("min").at(axis);
        const double max = probes.at("max").at(axis);
        step_[axis] = counts_[axis] > 1 ? (max - min_[axis]) / (counts_[axis] - 1) : 0;
    }
    for (size_t probe = 0; probe < count(); ++probe) {
        const auto first = bytes_.begin() + static_cast<ptrdiff_t>(probe * kSides * 3);
        sees_.push_back(std::any_of(first, first + kSides * 3, [](uint8_t byte) { return byte; }));
    }
}

Point ProbeLight::place(size_t probe) const {
    const size_t index[3] = {probe % counts_[0], probe / counts_[0] % counts_[1],
                             probe / counts_[0] / counts_[1]};
    Point result;
    for (size_t axis = 0; axis < 3; ++axis) {
        result[axis] = min_[axis] + step_[axis] * static_cast<double>(index[axis]);
    }
    return result;
}

Point ProbeLight::side(size_t probe, size_t side) const {
    const uint8_t* const bytes = &bytes_[(probe * kSides + side) * 3];
    return {bytes[0] / 255.0, bytes[1] / 255.0, bytes[2] / 255.0};
}

Point ProbeLight::at(const Point& point, const Point& normal) const {
    size_t low[3];
    double share[3];
    for (size_t axis = 0; axis < 3; ++axis) {
        const double last = counts_[axis] - 1.0;
        const double place =
            step_[axis] > 0 ? std::clamp((point[axis] - min_[axis]) / step_[axis], 0.0, last) : 0;
        low[axis] = static_cast<size_t>(std::min(place, std::max(last - 1, 0.0)));
        share[axis] = place - static_cast<double>(low[axis]);
    }
    Point sum{};
    double weights = 0;
    for (size_t corner = 0; corner < 8; ++corner) {
        double weight = 1;
        size_t index[3];
        for (size_t axis = 0; axis < 3; ++axis) {
            const size_t up = corner >> axis & 1;
            weight *= up ? share[axis] : 1 - share[axis];
            index[axis] = std::min<size_t>(low[axis] + up, counts_[axis] - 1);
        }
        const size_t probe = (index[2] * counts_[1] + index[1]) * counts_[0] + index[0];
        if (weight <= 0 || !sees_[probe]) continue;
        weights += weight;
        for (size_t axis = 0; axis < 3; ++axis) {
            // The squares of a normal's parts add up to 1.
            const Point light = side(probe, axis * 2 + (normal[axis] < 0 ? 1 : 0));
            const double part = weight * normal[axis] * normal[axis];
            for (size_t c = 0; c < 3; ++c) sum[c] += part * light[c];
        }
    }
    if (weights > 0) {
        for (double& channel : sum) channel /= weights;
    }
    return sum;
}

}  // namespace p2c2r::cli
