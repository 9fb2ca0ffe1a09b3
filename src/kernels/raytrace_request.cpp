#include "kernels/raytrace_request.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <mutex>
#include <string>

#include "kernels/float_scope.h"
#include "kernels/hash_looks.h"
#include "kernels/raytrace_camera.h"
#include "model/params_reader.h"

namespace p2c2r::kernels {

namespace {

constexpr double kIntensityMax = 1e6;
// Samples of one task: hours on a slow machine.
constexpr uint64_t kSamplesOfTaskMax = 1ull << 32;

// What reading a scene needs beside its fields.
struct SceneSource {
    RtSceneCache& scenes;
    StopLooks looks;
};

Error cancelled() {
    return make_error(Status::kCancelled, "the task was cancelled");
}

uint32_t fine_word(double value) {
    return std::bit_cast<uint32_t>(
        static_cast<float>(std::nearbyint(value * kRtFineGrid) / kRtFineGrid));
}

void read_camera(ParamsReader& reader, RaytraceRequest& request) {
    const std::optional<Value> map = reader.map("camera");
    if (!map) return;
    ParamsReader fields(*map, reader, "camera");
    RtCamera camera;
    fields.numbers("position", camera.position, -kRtPlaceMax, kRtPlaceMax);
    fields.numbers("direction", camera.direction, -kRtPlaceMax, kRtPlaceMax);
    fields.numbers("up", camera.up, -kRtPlaceMax, kRtPlaceMax, false);
    camera.fov_degrees = fields.number("fov_deg", 1, 170, 60);
    fields.done();
    if (!reader.ok()) return;
    const auto words = make_camera_words(camera, request.height);
    if (!words) {
        fields.fail("direction", "and camera.up must have a length and not be parallel");
        return;
    }
    for (size_t i = 0; i < words->size(); ++i) {
        request.frame[kRtFrameOrigin + i] = std::bit_cast<uint32_t>((*words)[i]);
    }
}

void read_lights(ParamsReader& reader, RaytraceRequest& request) {
    for (ParamsReader light : reader.maps("lights", kRtLightsMax, false)) {
        if (!reader.ok()) return;
        double place[3] = {};
        double color[3] = {1, 1, 1};
        light.numbers("position", place, -kRtPlaceMax, kRtPlaceMax);
        light.numbers("color", color, 0, 1, false);
        const double intensity = light.number("intensity", 0, kIntensityMax, 1);
        const double radius = light.number("radius", 0, kRtPlaceMax, 0);
        light.done();
        uint32_t* words =
            request.frame.data() + kRtFrameLights + request.lights_count * kRtLightWords;
        for (size_t i = 0; i < 3; ++i) {
            words[i] = std::bit_cast<uint32_t>(rt_grid_place(place[i]));
            words[3 + i] = fine_word(color[i] * intensity);
        }
        words[6] = std::bit_cast<uint32_t>(rt_grid_place(radius));
        ++request.lights_count;
    }
    request.frame[kRtFrameLightCount] = request.lights_count;
}

void read_surroundings(ParamsReader& reader, RaytraceRequest& request) {
    double background[3] = {};
    if (reader.numbers("background", background, 0, 1, false)) {
        for (size_t i = 0; i < 3; ++i) {
            request.frame[kRtFrameBackground + i] = fine_word(background[i]);
        }
    }
    if (reader.has("ambient")) {
        request.frame[kRtFrameAmbient] = fine_word(reader.number("ambient", 0, 1));
    }
}

std::optional<Digest256> digest_of(std::span<const uint8_t> bytes, StopLooks& looks) {
    Sha256 digest;
    if (!hash_with_looks(digest, bytes, looks)) return std::nullopt;
    return digest.finish();
}

// Objects from the cache where their bytes were seen before: frames of a game differ in the camera.
void read_objects(ParamsReader& reader, RaytraceRequest& request, SceneSource& source) {
    if (!reader.array("objects", kRtObjectsMax)) return;
    const auto digest = digest_of(reader.encoded("objects"), source.looks);
    if (!digest) return;
    RtSceneCache& scenes = source.scenes;
    Result<std::shared_ptr<const RtScene>> found = scenes.find_or_claim(*digest, &source.looks);
    if (!found) return;
    request.scene = std::move(*found);
    if (request.scene) return;
    try {
        request.scene = read_rt_scene(reader, source.looks);
        if (request.scene) return scenes.add(*digest, request.scene);
    } catch (...) {
        scenes.give_up(*digest);
        throw;
    }
    scenes.give_up(*digest);
}

void read_scene_objects(ParamsReader& reader, RaytraceRequest& request, SceneSource& source) {
    read_objects(reader, request, source);
    if (!request.scene) return;
    const RtScene& scene = *request.scene;
    RtFrame& frame = request.frame;
    frame[kRtFramePlaneCount] = static_cast<uint32_t>(scene.planes.size());
    std::fill_n(frame.begin() + kRtFramePlanes, kRtPlanesMax, 0);
    std::copy(scene.planes.begin(), scene.planes.end(), frame.begin() + kRtFramePlanes);
    frame[kRtFrameNodeCount] = scene.nodes_count();
    frame[kRtFrameMaterials] = scene.materials_at();
}

void read_scene(ParamsReader& reader, RaytraceRequest& request, SceneSource& source) {
    read_lights(reader, request);
    read_surroundings(reader, request);
    read_scene_objects(reader, request, source);
}

// `previous`: what was different when the layer was made that the receiver has.
void read_previous(ParamsReader& reader, RaytraceRequest& request, SceneSource& source) {
    const std::optional<Value> map = reader.map("previous", false);
    if (!map) return;
    ParamsReader fields(*map, reader, "previous");
    auto before = std::make_shared<RaytraceRequest>(request);
    if (request.kind != RaytraceKind::kProbes && fields.has("camera")) {
        read_camera(fields, *before);
        // Where the camera was it saw another G-buffer.
        if (request.gbuffer) fields.fail("camera", "was another one: that of a G-buffer stays");
    }
    if (fields.has("lights")) {
        before->lights_count = 0;
        read_lights(fields, *before);
        if (request.kind == RaytraceKind::kShadows &&
            before->lights_count != request.lights_count) {
            fields.fail("lights", "are " + std::to_string(before->lights_count) +
                                      ", now they are " + std::to_string(request.lights_count));
        }
    }
    read_surroundings(fields, *before);
    if (fields.has("objects")) read_scene_objects(fields, *before, source);
    fields.done();
    request.previous = std::move(before);
}

void read_size(RaytraceKind kind, ParamsReader& reader, RaytraceRequest& request) {
    int64_t sides[2] = {1, 1};
    reader.integers("resolution", sides, 1, codec::kImageSideMax);
    if (kind != RaytraceKind::kPicture && reader.boolean("half_resolution", false)) {
        for (int64_t& side : sides) side = (side + 1) / 2;
    }
    request.width = static_cast<uint32_t>(sides[0]);
    request.height = static_cast<uint32_t>(sides[1]);
    if (uint64_t{request.width} * request.height > codec::kImagePixelsMax) {
        reader.fail("resolution",
                    "has " + std::to_string(uint64_t{request.width} * request.height) +
                        " pixels, the limit is " + std::to_string(codec::kImagePixelsMax),
                    Status::kLimit);
    }
    request.frame[kRtFrameWidth] = request.width;
    request.frame[kRtFrameHeight] = request.height;
    request.tile = {0, 0, request.width, request.height};
    int64_t tile[4];
    if (!reader.integers("tile", tile, 0, codec::kImageSideMax, false)) return;
    const auto inside = [](int64_t first, int64_t size, uint32_t whole) {
        return size >= 1 && first + size <= whole;
    };
    if (!inside(tile[0], tile[2], request.width) || !inside(tile[1], tile[3], request.height)) {
        reader.fail("tile", "[x, y, width, height] is empty or not inside the " +
                                std::to_string(request.width) + " x " +
                                std::to_string(request.height) + " pixels");
        return;
    }
    request.tile = {static_cast<uint32_t>(tile[0]), static_cast<uint32_t>(tile[1]),
                    static_cast<uint32_t>(tile[2]), static_cast<uint32_t>(tile[3])};
}

void read_bounces(ParamsReader& reader, RaytraceRequest& request) {
    request.frame[kRtFrameBounces] =
        static_cast<uint32_t>(reader.integer("max_bounces", 0, kRtBouncesMax, 4));
    request.frame[kRtFrameSeed] = static_cast<uint32_t>(reader.integer("seed", 0, UINT32_MAX, 0));
}

void read_samples(ParamsReader& reader, RaytraceRequest& request) {
    const int64_t samples = reader.integer("samples_per_pixel", 1, kRtSamplesMax, 1);
    const int64_t first = reader.integer("sample_first", 0, samples - 1, 0);
    const int64_t count = reader.integer("sample_count", 1, samples - first, samples - first);
    request.sample_first = static_cast<uint32_t>(first);
    request.sample_count = static_cast<uint32_t>(count);
    read_bounces(reader, request);
    if (request.tile.pixels() * request.sample_count > kSamplesOfTaskMax) {
        reader.fail("sample_count",
                    "makes " + std::to_string(request.tile.pixels() * request.sample_count) +
                        " samples of this tile, the limit is " + std::to_string(kSamplesOfTaskMax),
                    Status::kLimit);
    }
}

void read_format(ParamsReader& reader, RaytraceRequest& request) {
    const std::string_view name =
        reader.choice("output_format", {"png", "jpeg", "raw", "sums"}, "png");
    if (name == "sums") request.format = RaytraceRequest::Format::kSums;
    if (name == "jpeg") request.image_format = codec::ImageFormat::kJpeg;
    if (name == "raw") request.image_format = codec::ImageFormat::kRaw;
    request.srgb = reader.choice("transfer", {"linear", "srgb"}, "linear") == "srgb";
    request.jpeg_quality =
        static_cast<uint32_t>(reader.integer("jpeg_quality", 1, 100, codec::kJpegQualityDefault));
}

void read_layers(ParamsReader& reader, RaytraceRequest& request) {
    const std::optional<Value> list = reader.array("layers", 4, false);
    if (!list) return;
    constexpr const char* kNames[] = {"color", "hit_id", "depth", "normal"};
    request.layers = 0;
    size_t index = 0;
    for (const Value item : list->items()) {
        const std::string place = "layers[" + std::to_string(index++) + "]";
        const auto* const found =
            std::find_if(std::begin(kNames), std::end(kNames),
                         [&](const char* name) { return item.text() == name; });
        if (found == std::end(kNames)) {
            reader.fail(place, "is not one of color, hit_id, depth, normal");
            return;
        }
        const auto bit = static_cast<uint8_t>(1 << (found - kNames));
        if (request.layers & bit) reader.fail(place, std::string("asks for ") + *found + " again");
        request.layers |= bit;
    }
    if (request.layers == 0) reader.fail("layers", "is empty");
}

// What the result takes, before any of it is computed.
void check_result_size(ParamsReader& reader, const RaytraceRequest& request) {
    uint64_t bytes_per_pixel = 0;
    if (request.layers & RaytraceRequest::kColor) {
        bytes_per_pixel += request.format == RaytraceRequest::Format::kSums ? 12 : 3;
    }
    if (request.layers & RaytraceRequest::kHitId) bytes_per_pixel += 4;
    if (request.layers & RaytraceRequest::kDepth) bytes_per_pixel += 4;
    if (request.layers & RaytraceRequest::kNormal) bytes_per_pixel += 3;
    const uint64_t bytes = request.tile.pixels() * bytes_per_pixel;
    if (bytes <= codec::kImageBytesMax) return;
    reader.fail("tile",
                "makes a result of " + std::to_string(bytes) + " bytes, the limit is " +
                    std::to_string(codec::kImageBytesMax),
                Status::kLimit);
}

// A grid of probes: their places stand in the frame, x first, then y, then z.
void read_probes(ParamsReader& reader, RaytraceRequest& request) {
    read_bounces(reader, request);
    const auto rays =
        static_cast<uint32_t>(reader.integer("rays_per_side", 1, kRtRaysOfProbeMax, 64));
    const std::optional<Value> map = reader.map("probes");
    if (!map) return;
    ParamsReader fields(*map, reader, "probes");
    double low[3] = {};
    double high[3] = {};
    int64_t counts[3] = {1, 1, 1};
    fields.numbers("min", low, -kRtPlaceMax, kRtPlaceMax);
    fields.numbers("max", high, -kRtPlaceMax, kRtPlaceMax);
    fields.integers("counts", counts, 1, kRtProbesMax);
    fields.done();
    const int64_t total = counts[0] * counts[1] * counts[2];
    if (reader.ok() && total > kRtProbesMax) {
        fields.fail("counts",
                    "are " + std::to_string(total) + " probes, the limit is " +
                        std::to_string(kRtProbesMax),
                    Status::kLimit);
    }
    if (!reader.ok()) return;
    for (size_t i = 0; i < 3; ++i) request.probe_counts[i] = static_cast<uint32_t>(counts[i]);
    request.width = request.probe_counts[0];
    request.height = request.probe_counts[1] * request.probe_counts[2];
    request.tile = {0, 0, request.width, request.height};
    int64_t owned[2] = {0, total};
    if (reader.integers("owned", owned, 0, total, false) && owned[0] >= owned[1]) {
        reader.fail("owned", "is [" + std::to_string(owned[0]) + ", " + std::to_string(owned[1]) +
                                 "], which holds no probe");
    }
    request.probe_first = static_cast<uint32_t>(owned[0]);
    request.probe_end = static_cast<uint32_t>(owned[1]);
    request.sample_count = rays;
    request.frame[kRtFrameWidth] = request.width;
    request.frame[kRtFrameHeight] = request.height;
    request.frame[kRtFrameRays] = rays;
    request.frame.resize(kRtFrameWords + rays * 3);
    const auto place = [&](int64_t index, size_t axis) {
        const double step =
            counts[axis] > 1 ? (high[axis] - low[axis]) / static_cast<double>(counts[axis] - 1) : 0;
        request.frame.push_back(
            std::bit_cast<uint32_t>(rt_grid_place(low[axis] + step * static_cast<double>(index))));
    };
    for (int64_t z = 0; z < counts[2]; ++z) {
        for (int64_t y = 0; y < counts[1]; ++y) {
            for (int64_t x = 0; x < counts[0]; ++x) {
                place(x, 0);
                place(y, 1);
                place(z, 2);
            }
        }
    }
}

void read_task(RaytraceKind kind, ParamsReader& reader, std::span<const uint8_t> data,
               RaytraceRequest& request) {
    if (kind == RaytraceKind::kProbes && reader.has("gbuffer")) kind = RaytraceKind::kGather;
    request.kind = kind;
    if (kind == RaytraceKind::kProbes) {
        read_probes(reader, request);
        return;
    }
    read_size(kind, reader, request);
    read_camera(reader, request);
    read_samples(reader, request);
    if (kind != RaytraceKind::kPicture && reader.ok()) {
        request.gbuffer = read_rt_gbuffer(reader, kind == RaytraceKind::kReflections,
                                          {request.tile.width, request.tile.height}, data);
    }
    if (kind != RaytraceKind::kShadows) read_format(reader, request);
    if (kind == RaytraceKind::kPicture) read_layers(reader, request);
    if (request.layers != RaytraceRequest::kColor &&
        request.format == RaytraceRequest::Format::kImage) {
        // Numbers and directions are no picture, and beside them colours are plain bytes, too.
        if (reader.has("output_format") && request.image_format != codec::ImageFormat::kRaw) {
            reader.fail("output_format",
                        std::string("is ") + codec::format_name(request.image_format) +
                            ", with other layers than color allowed are raw (the default), sums");
        }
        request.image_format = codec::ImageFormat::kRaw;
    }
    if (reader.ok()) check_result_size(reader, request);
}

}  // namespace

Result<std::shared_ptr<const RtScene>> RtSceneCache::find_or_claim(const Digest256& digest,
                                                                   StopLooks* looks) {
    std::unique_lock lock(mutex_);
    for (;;) {
        if (std::shared_ptr<const RtScene> scene = find(digest)) return scene;
        if (std::find(claimed_.begin(), claimed_.end(), digest) == claimed_.end()) break;
        if (looks && looks->now()) return cancelled();
        ++waiting_;
        changed_.wait(lock);
        --waiting_;
    }
    claimed_.push_back(digest);
    return std::shared_ptr<const RtScene>();
}

// With the lock held.
std::shared_ptr<const RtScene> RtSceneCache::find(const Digest256& digest) {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& entry) { return entry.digest == digest; });
    if (found == entries_.end()) return nullptr;
    std::rotate(entries_.begin(), found, found + 1);  // the newest comes first
    return entries_.front().scene;
}

void RtSceneCache::add(const Digest256& digest, std::shared_ptr<const RtScene> scene) {
    // Freed after the lock is: what is large takes milliseconds, and a cancel may wait for the
    // lock.
    std::vector<Entry> evicted;
    const std::lock_guard lock(mutex_);
    entries_.insert(entries_.begin(), Entry{digest, std::move(scene)});
    end_claim(digest);
    uint64_t bytes = 0;
    size_t kept = 0;
    while (kept < entries_.size() && kept < kScenesMax) {
        bytes += entries_[kept].scene->bytes();
        if (kept > 0 && bytes > kBytesMax) break;
        ++kept;
    }
    evicted.assign(std::make_move_iterator(entries_.begin() + static_cast<ptrdiff_t>(kept)),
                   std::make_move_iterator(entries_.end()));
    entries_.resize(kept);
}

void RtSceneCache::give_up(const Digest256& digest) {
    const std::lock_guard lock(mutex_);
    end_claim(digest);
}

void RtSceneCache::look_again() {
    // With the lock: who has asked its `stop` and does not wait yet would miss it.
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
}

size_t RtSceneCache::claims() const {
    const std::lock_guard lock(mutex_);
    return claimed_.size();
}

size_t RtSceneCache::waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_;
}

// With the lock held.
void RtSceneCache::end_claim(const Digest256& digest) {
    std::erase(claimed_, digest);
    changed_.notify_all();
}

Result<RaytraceRequest> read_raytrace_request(RaytraceKind kind, std::span<const uint8_t> params,
                                              std::span<const uint8_t> data, RtSceneCache& scenes,
                                              const std::function<bool()>& stop) {
    const FloatScope floats;
    SceneSource source{scenes, StopLooks(stop)};
    ParamsReader reader(params, &source.looks);
    RaytraceRequest request;
    read_task(kind, reader, data, request);
    if (reader.ok() && request.gbuffer) check_rt_gbuffer(reader, *request.gbuffer);
    if (request.gbuffer && request.gbuffer->in_data) data = {};
    if (data.empty()) read_scene(reader, request, source);
    // With the scene in the data, what is previous is known after it.
    const bool has_previous = kind != RaytraceKind::kPicture && reader.has("previous");
    if (has_previous && data.empty() && reader.ok()) {
        read_previous(reader, request, source);
    } else if (has_previous) {
        reader.map("previous");
    }
    if (source.looks.stopped()) return cancelled();
    if (Result<Done> good = reader.finish(); !good) return good.error();
    if (data.empty()) return request;
    ParamsReader scene(data, &source.looks, "data");
    if (!scene.ok()) {
        Error wrong = scene.finish().error();
        if (wrong.status == Status::kCancelled || wrong.field == "data") return wrong;
        return field_error(wrong.status, "data", "data: " + wrong.text);
    }
    read_scene(scene, request, source);
    if (source.looks.stopped()) return cancelled();
    if (Result<Done> good = scene.finish(); !good) return good.error();
    if (has_previous) {
        read_previous(reader, request, source);
        if (source.looks.stopped()) return cancelled();
        if (Result<Done> good = reader.finish(); !good) return good.error();
    }
    return request;
}

Result<RaytraceRequest> read_raytrace_outline(RaytraceKind kind, std::span<const uint8_t> params,
                                              std::span<const uint8_t> data, bool& has_previous) {
    const FloatScope floats;
    ParamsReader reader(params);
    RaytraceRequest request;
    read_task(kind, reader, data, request);
    if (request.gbuffer && request.gbuffer->in_data) data = {};
    has_previous = kind != RaytraceKind::kPicture && reader.has("previous");
    if (has_previous) reader.map("previous");
    std::optional<Value> lights;
    if (data.empty()) {
        for (const char* field : {"objects", "ambient", "background"}) reader.value(field);
        lights = reader.array("lights", kRtLightsMax, false);
    }
    if (Result<Done> good = reader.finish(); !good) return good.error();
    if (!data.empty()) {
        const Result<Value> map = parse_params(data);
        if (!map) return field_error(map.error().status, "data", "data: " + map.error().text);
        ParamsReader scene(data);
        lights = scene.array("lights", kRtLightsMax, false);
        if (!scene.ok()) return scene.finish().error();
    }
    if (lights) request.lights_count = lights->count();
    request.frame = RtFrame();  // of many probes it is large
    return request;
}

}  // namespace p2c2r::kernels
