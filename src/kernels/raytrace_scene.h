// A scene as the ray tracer keeps it: primitives, materials and the hierarchies over them. Made
// once from the `objects` of a request and then only read, by many tasks and threads.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/status.h"
#include "core/stop_looks.h"
#include "model/params_reader.h"
#include "shaders/raytrace_layout.h"

namespace p2c2r::kernels {

inline constexpr uint32_t kRtObjectsMax = 65'536;
inline constexpr uint32_t kRtPrimsMax = 1u << 20;
// Of places and sizes: what the arithmetic is exact and safe for.
inline constexpr double kRtPlaceMax = 131'072;
inline constexpr double kRtRadiusLeast = 1.0 / 4096;
// Shares and directions are multiples of one over this: 2^24.
inline constexpr double kRtFineGrid = 16777216;

struct RtBounds {
    float low[3];
    float high[3];
};

// Eight children a node, for the processor. A child that is not there has a box nothing meets.
struct alignas(32) RtWideNode {
    float low[3][8];
    float high[3][8];
    uint32_t child[8];  // as in the nodes of the shader
};

struct RtScene {
    std::vector<uint32_t> prims;  // kRtPrimWords each, then the materials
    uint32_t prims_count = 0;
    uint32_t objects_count = 0;
    std::vector<uint32_t> planes;  // primitives that have no box
    std::vector<RtBounds> bounds;  // of the primitives with a box; those of planes are not used
    std::vector<uint32_t> nodes;   // kRtNodeWords each, the root first
    std::vector<RtWideNode> wide;  // the same hierarchy, the root first; empty if there is no box

    [[nodiscard]] uint32_t materials_at() const { return prims_count * kRtPrimWords; }
    [[nodiscard]] uint32_t nodes_count() const {
        return static_cast<uint32_t>(nodes.size() / kRtNodeWords);
    }
    // Memory it fills; what is reserved beyond that was never touched.
    [[nodiscard]] uint64_t bytes() const;
};

// Reads the array `objects`. What is wrong is reported to `reader`, and the scene is then NULL; so
// it is when `looks`, which are the reader's, said to stop.
std::shared_ptr<const RtScene> read_rt_scene(ParamsReader& reader, StopLooks& looks);

// The nearest float of the grid that places lie on.
float rt_grid_place(double value);

}  // namespace p2c2r::kernels
