// The scenes of the ray-tracing demonstrations, and how they are computed: cut into bands of rows,
// each a task of its own, and put together again.
#pragma once

#include <cstring>
#include <functional>
#include <string>

#include "cli/demo.h"
#include "cli/demo_peers.h"

namespace p2c2r::cli {

struct DemoScene {
    nlohmann::json params;  // of a `raytracing` task
    std::string text;       // the whole scene as JSON, to be used again
    nlohmann::json probes;  // of `rt_global_illumination`; null: the scene says nothing of them
    uint32_t width = 0;
    uint32_t height = 0;
};

// Spheres, boxes, a mesh, a mirror, glass, light; two lamps.
nlohmann::json show_scene();
// A room with coloured walls and one lamp, and a grid of probes.
nlohmann::json room_scene();

// What the options name, or `own`; what the options say of it goes first, then the scene's, then
// `defaults` (`resolution`, `samples_per_pixel`).
Result<DemoScene> load_demo_scene(const DemoRaytracingOptions& options, nlohmann::json own,
                                  const nlohmann::json& defaults);
// As scene.json in the directory `out`, which is made.
Outcome write_scene(const DemoScene& scene, const std::string& out);

// Some rows of a result.
struct Band {
    uint32_t y = 0;
    uint32_t rows = 0;
    nlohmann::json fields;
    const uint8_t* data = nullptr;
    size_t size = 0;

    // The bytes of a layer; NULL when it has not `size` of them.
    [[nodiscard]] const uint8_t* layer(const char* name, size_t size) const;
};

struct BandsSummary {
    size_t bands = 0;
    size_t by_peers = 0;
    double seconds = 0;
};

// `params` without those that the type does not know. `take` gets every band, in any order; false
// when its bytes are not what was asked for.
Result<BandsSummary> trace_bands(Session& session, const std::string& task_type,
                                 const nlohmann::json& params,
                                 const std::function<bool(const Band&)>& take);

// A whole picture of 8-bit colours, of `raytracing` or `rt_reflections`.
Result<Picture> trace_picture(Session& session, const std::string& task_type,
                              const nlohmann::json& params, BandsSummary* summary = nullptr);

}  // namespace p2c2r::cli
