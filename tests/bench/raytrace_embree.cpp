#include "raytrace_embree.h"

#include <embree3/rtcore.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>

namespace p2c2r::bench {

struct EmbreeTracer::State {
    RTCDevice device;
    RTCScene scene;
    std::vector<BenchSphere> spheres;
};

EmbreeTracer::EmbreeTracer(const std::vector<BenchSphere>& spheres)
    : state_(std::make_unique<State>()) {
    state_->spheres = spheres;
    state_->device = rtcNewDevice("threads=1");
    state_->scene = rtcNewScene(state_->device);
    rtcSetSceneBuildQuality(state_->scene, RTC_BUILD_QUALITY_HIGH);
    RTCGeometry geometry = rtcNewGeometry(state_->device, RTC_GEOMETRY_TYPE_SPHERE_POINT);
    void* const target =
        rtcSetNewGeometryBuffer(geometry, RTC_BUFFER_TYPE_VERTEX, 0, RTC_FORMAT_FLOAT4,
                                sizeof(BenchSphere), spheres.size());
    std::memcpy(target, spheres.data(), spheres.size() * sizeof(BenchSphere));
    rtcCommitGeometry(geometry);
    rtcAttachGeometry(state_->scene, geometry);
    rtcReleaseGeometry(geometry);
    rtcCommitScene(state_->scene);
}

EmbreeTracer::~EmbreeTracer() {
    rtcReleaseScene(state_->scene);
    rtcReleaseDevice(state_->device);
}

namespace {

struct Job {
    RTCScene scene;
    const std::vector<BenchSphere>& spheres;
    const BenchView& view;
    std::vector<float>& image;
    std::atomic<uint32_t> next{0};
    std::atomic<uint64_t> rays{0};

    // One pixel; the number of rays.
    uint32_t trace(uint32_t column, uint32_t row) {
        const float x = static_cast<float>(column) + 0.5f - static_cast<float>(view.width) * 0.5f;
        const float y = static_cast<float>(row) + 0.5f - static_cast<float>(view.height) * 0.5f;
        float d[3];
        for (int i = 0; i < 3; ++i) {
            d[i] = view.forward[i] + view.right[i] * x + view.down[i] * y;
        }
        const float inverse = 1.0f / std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
        RTCRayHit hit;
        hit.ray.org_x = view.origin[0];
        hit.ray.org_y = view.origin[1];
        hit.ray.org_z = view.origin[2];
        hit.ray.dir_x = d[0] * inverse;
        hit.ray.dir_y = d[1] * inverse;
        hit.ray.dir_z = d[2] * inverse;
        hit.ray.tnear = 0;
        hit.ray.tfar = std::numeric_limits<float>::infinity();
        hit.ray.time = 0;
        hit.ray.mask = 0xFFFFFFFF;
        hit.ray.flags = 0;
        hit.hit.geomID = RTC_INVALID_GEOMETRY_ID;
        hit.hit.instID[0] = RTC_INVALID_GEOMETRY_ID;
        RTCIntersectContext context;
        rtcInitIntersectContext(&context);
        context.flags = RTC_INTERSECT_CONTEXT_FLAG_COHERENT;
        rtcIntersect1(scene, &context, &hit);
        float& target = image[size_t{row} * view.width + column];
        target = 0;
        if (hit.hit.geomID == RTC_INVALID_GEOMETRY_ID) return 1;
        const BenchSphere& sphere = spheres[hit.hit.primID];
        const float p[3] = {hit.ray.org_x + hit.ray.dir_x * hit.ray.tfar,
                            hit.ray.org_y + hit.ray.dir_y * hit.ray.tfar,
                            hit.ray.org_z + hit.ray.dir_z * hit.ray.tfar};
        const float n[3] = {(p[0] - sphere.x) / sphere.radius, (p[1] - sphere.y) / sphere.radius,
                            (p[2] - sphere.z) / sphere.radius};
        float l[3];
        for (int i = 0; i < 3; ++i) l[i] = view.light[i] - p[i];
        const float distance = std::sqrt(l[0] * l[0] + l[1] * l[1] + l[2] * l[2]);
        const float slope = (n[0] * l[0] + n[1] * l[1] + n[2] * l[2]) / distance;
        target = 0.2f;
        if (slope <= 0) return 1;
        RTCRay ray = hit.ray;
        ray.org_x = p[0] + n[0] * 1e-3f;
        ray.org_y = p[1] + n[1] * 1e-3f;
        ray.org_z = p[2] + n[2] * 1e-3f;
        ray.dir_x = l[0] / distance;
        ray.dir_y = l[1] / distance;
        ray.dir_z = l[2] / distance;
        ray.tnear = 0;
        ray.tfar = distance;
        rtcOccluded1(scene, &context, &ray);
        if (ray.tfar > 0) target += 0.8f * slope;
        return 2;
    }

    void work() {
        constexpr uint32_t kSide = 16;
        const uint32_t across = (view.width + kSide - 1) / kSide;
        const uint32_t blocks = across * ((view.height + kSide - 1) / kSide);
        uint64_t count = 0;
        for (uint32_t block = next++; block < blocks; block = next++) {
            const uint32_t x_first = block % across * kSide;
            const uint32_t y_first = block / across * kSide;
            for (uint32_t y = y_first; y < y_first + kSide && y < view.height; ++y) {
                for (uint32_t x = x_first; x < x_first + kSide && x < view.width; ++x) {
                    count += trace(x, y);
                }
            }
        }
        rays += count;
    }
};

}  // namespace

uint64_t EmbreeTracer::run(const BenchView& view, uint32_t threads, std::vector<float>& image) {
    Job job{state_->scene, state_->spheres, view, image};
    std::vector<std::thread> helpers;
    for (uint32_t i = 1; i < threads; ++i) helpers.emplace_back([&job] { job.work(); });
    job.work();
    for (std::thread& helper : helpers) helper.join();
    return job.rays;
}

}  // namespace p2c2r::bench
