// Tasks from G-buffers as a game gives them, and the planes of a scene in every format.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "exec/job_control.h"
#include "kernels/kernels.h"

namespace p2c2r::test {

using nlohmann::json;

using Plane = std::vector<uint8_t>;

struct LayerAnswer {
    Status status = Status::kExecutor;
    std::string field;
    std::string error;
    json info;
    Plane data;
};

class LayerBench {
  public:
    LayerBench() {
        kernels::KernelOptions options;
        options.device = kernels::DeviceChoice::kNative;
        REQUIRE(kernels::add_builtin_executors(registry_, options).ok());
    }

    LayerAnswer run(const std::string& type, const json& params, const Plane& data = {}) {
        exec::Job* job = exec::JobControl::make();
        job->task_type = type;
        job->params = Bytes::copy(json::to_msgpack(params));
        if (!data.empty()) job->data = Bytes::copy(data);
        LayerAnswer answer;
        answer.status = exec::JobControl::run(*job, *registry_.find(type));
        const exec::Output& output = job->output;
        answer.field = output.field;
        answer.error = output.error;
        if (answer.status == Status::kOk) {
            answer.info =
                json::from_msgpack(output.info.data(), output.info.data() + output.info.size());
            answer.data.assign(output.data.data(), output.data.data() + output.data.size());
        }
        job->release();
        return answer;
    }

    Plane made(const std::string& type, const json& params, const Plane& data = {}) {
        LayerAnswer answer = run(type, params, data);
        REQUIRE_MESSAGE(answer.status == Status::kOk, answer.error);
        return std::move(answer.data);
    }

  private:
    exec::Registry registry_;
};

// The planes of a scene as its own `raytracing` sees it.
struct Planes {
    std::vector<uint32_t> ids;
    std::vector<float> depths;
    std::vector<std::array<double, 3>> normals;
};

inline Planes planes_of(LayerBench& bench, json params) {
    params.erase("samples_per_pixel");
    params["layers"] = {"hit_id", "depth", "normal"};
    const Plane data = bench.made("raytracing", params);
    Planes planes;
    const size_t pixels = data.size() / 11;
    planes.ids.resize(pixels);
    planes.depths.resize(pixels);
    std::memcpy(planes.ids.data(), data.data(), pixels * 4);
    std::memcpy(planes.depths.data(), data.data() + pixels * 4, pixels * 4);
    for (size_t i = 0; i < pixels; ++i) {
        const uint8_t* const at = data.data() + pixels * 8 + i * 3;
        planes.normals.push_back(
            {double(int8_t(at[0])), double(int8_t(at[1])), double(int8_t(at[2]))});
    }
    return planes;
}

inline void put_word(Plane& plane, uint32_t word, int bytes) {
    for (int i = 0; i < bytes; ++i) plane.push_back(static_cast<uint8_t>(word >> 8 * i));
}

inline json bytes_of(const Plane& plane) {
    return json::binary(plane);
}

// The part of each depth along the camera's direction.
inline std::vector<float> linear_depths(const Planes& planes, size_t width, size_t height,
                                        double fov_degrees) {
    const double step =
        2 * std::tan(fov_degrees * 3.14159265358979 / 360) / static_cast<double>(height);
    std::vector<float> linear = planes.depths;
    for (size_t i = 0; i < linear.size(); ++i) {
        const double x = (double(i % width) + 0.5 - double(width) / 2) * step;
        const double y = (double(i / width) + 0.5 - double(height) / 2) * step;
        // By the length of the pixel's ray whose part along the direction is 1.
        linear[i] = static_cast<float>(linear[i] / std::sqrt(1 + x * x + y * y));
    }
    return linear;
}

inline json f32_plane(const std::vector<float>& depths) {
    Plane plane;
    for (const float depth : depths) put_word(plane, std::bit_cast<uint32_t>(depth), 4);
    return {{"format", "f32"}, {"data", bytes_of(plane)}};
}

inline json u16_plane(const std::vector<float>& depths, double near, double far) {
    Plane plane;
    for (const double depth : depths) {
        const double part = std::clamp((depth - near) / (far - near), 0.0, 1.0);
        put_word(plane, depth == 0 ? 0 : uint32_t(std::lround(part * 65534)) + 1, 2);
    }
    return {{"format", "u16"}, {"range", {near, far}}, {"data", bytes_of(plane)}};
}

inline json log16_plane(const std::vector<float>& depths, double near, double far) {
    Plane plane;
    for (const double depth : depths) {
        const double part = std::log(std::max(depth, near) / near) / std::log(far / near);
        put_word(plane, depth == 0 ? 0 : uint32_t(std::lround(std::min(part * 65536, 65534.0))) + 1,
                 2);
    }
    return {{"format", "log16"}, {"range", {near, far}}, {"data", bytes_of(plane)}};
}

inline json s8x3_plane(const Planes& planes) {
    Plane plane;
    for (const auto& normal : planes.normals) {
        for (const double part : normal) plane.push_back(static_cast<uint8_t>(int8_t(part)));
    }
    return {{"format", "s8x3"}, {"data", bytes_of(plane)}};
}

// As a game's shader packs them.
inline json octahedral_plane(const Planes& planes, int bytes) {
    const double most = bytes == 2 ? 127 : 32767;
    Plane plane;
    for (const auto& [x, y, z] : planes.normals) {
        const double sum = std::max(std::fabs(x) + std::fabs(y) + std::fabs(z), 1e-9);
        double u = x / sum;
        double v = y / sum;
        if (z < 0) {
            const double folded = (1 - std::fabs(v)) * (u < 0 ? -1 : 1);
            v = (1 - std::fabs(u)) * (v < 0 ? -1 : 1);
            u = folded;
        }
        put_word(plane, uint32_t(int32_t(std::lround(u * most))), bytes / 2);
        put_word(plane, uint32_t(int32_t(std::lround(v * most))), bytes / 2);
    }
    return {{"format", bytes == 2 ? "oct16" : "oct32"}, {"data", bytes_of(plane)}};
}

inline double share_of_different(const Plane& a, const Plane& b, size_t unit, int least = 1) {
    REQUIRE(a.size() == b.size());
    size_t different = 0;
    for (size_t i = 0; i < a.size(); i += unit) {
        bool differs = false;
        for (size_t k = i; k < i + unit; ++k) differs |= std::abs(int(a[k]) - int(b[k])) >= least;
        different += differs ? 1 : 0;
    }
    return double(different) / double(a.size() / unit);
}

// Of the pixels that show something.
inline double share_of_hits(const Plane& a, const Plane& b, size_t unit, const Planes& planes,
                            int least) {
    const auto hits =
        planes.ids.size() - size_t(std::count(planes.ids.begin(), planes.ids.end(), 0u));
    return share_of_different(a, b, unit, least) * double(planes.ids.size()) /
           double(std::max<size_t>(hits, 1));
}

// A byte a pixel of the first mask.
inline Plane mask_pixels(const Plane& mask, size_t width, size_t height) {
    Plane pixels;
    for (size_t i = 0; i < width * height; ++i) {
        const size_t x = i % width;
        pixels.push_back(mask[i / width * ((width + 7) / 8) + x / 8] >> (x % 8) & 1);
    }
    return pixels;
}

// Boxes and a plane: their points are nowhere mended, their normals are axes.
inline json straight_scene(uint32_t width = 67, uint32_t height = 41) {
    json scene = json::parse(R"({"camera":{"position":[0.5,2,8],"direction":[0.1,-0.15,-1],
        "fov_deg":40},"objects":[
        {"type":"box","min":[-3,0.1,-1],"max":[-1.5,2,0],"color":[0.9,0.2,0.1]},
        {"type":"box","min":[0,0,-2],"max":[2,1.5,0]},
        {"type":"plane","position":[0,0,0],"normal":[0,1,0],"material":"mirror"}],
        "lights":[{"position":[3,6,2],"intensity":0.5},{"position":[-4,5,3]}],
        "ambient":0.2,"background":[0.1,0.2,0.8],"max_bounces":3})");
    scene["resolution"] = {width, height};
    return scene;
}

inline json with_gbuffer(json params, const json& depth, const json& normal) {
    params["gbuffer"]["depth"] = depth;
    params["gbuffer"]["normal"] = normal;
    return params;
}

}  // namespace p2c2r::test
