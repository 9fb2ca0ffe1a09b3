// raytrace_bench: our ray tracer beside Embree 3 in the same run.
//
// 500 spheres, 1280 x 720, a ray for each pixel and one to the light for each hit that faces it,
// two threads, spheres and picture warm. Both take turns for many rounds and the fastest round of
// each counts: the machine may be shared. Ours includes everything up to the words of the picture.
// Ends with one line of JSON; exit status 0 when the bar holds: at least half of Embree's rays a
// second. With an argument every Vulkan device traces too.
//
// Usage: raytrace_bench [vulkan]
#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench_row.h"
#include "core/crypto.h"
#include "core/prng.h"
#include "gpu/compute.h"
#include "kernels/raytrace_gpu.h"
#include "kernels/raytrace_native.h"
#include "model/value_writer.h"
#include "raytrace_embree.h"

using namespace p2c2r;
using namespace p2c2r::kernels;
using bench::BenchSphere;
using bench::BenchView;

namespace {

constexpr uint32_t kWidth = 1280;
constexpr uint32_t kHeight = 720;
constexpr uint32_t kSpheres = 500;
constexpr uint32_t kThreads = 2;
constexpr int kRounds = 30;
constexpr double kBar = 0.5;
constexpr double kGpuBar = 50;
constexpr double kLight[3] = {20, 30, 25};
constexpr double kEye[3] = {0, 0, 24};

double wall_s() {
    return bench::wall_ms() / 1000;
}

// Of all threads.
double processor_s() {
    return bench::processor_ms() / 1000;
}

// The fastest of many rounds.
struct Best {
    double wall = 1e9;
    double processor = 1e9;

    template <class Body>
    void measure(const Body& body) {
        const double wall_start = wall_s();
        const double processor_start = processor_s();
        body();
        processor = std::min(processor, processor_s() - processor_start);
        wall = std::min(wall, wall_s() - wall_start);
    }
    // Rays a second of threads that are never interrupted.
    [[nodiscard]] double rate(uint64_t rays, uint32_t threads = kThreads) const {
        return static_cast<double>(rays) * threads / processor / 1e6;
    }
    [[nodiscard]] double wall_rate(uint64_t rays) const {
        return static_cast<double>(rays) / wall / 1e6;
    }
};

std::vector<BenchSphere> make_spheres() {
    Prng prng(7);
    std::vector<BenchSphere> spheres;
    for (uint32_t i = 0; i < kSpheres; ++i) {
        const auto draw = [&prng](double low, double high) {
            return static_cast<float>(low + prng.unit() * (high - low));
        };
        spheres.push_back({draw(-12, 12), draw(-7, 7), draw(-8, 8), draw(0.3, 1)});
    }
    return spheres;
}

Bytes make_params(const std::vector<BenchSphere>& spheres) {
    ValueWriter writer;
    writer.map(5);
    writer.key("ambient").number(0.2);
    writer.key("camera").map(3);
    writer.key("direction").array(3).number(0).number(0).number(-1);
    writer.key("fov_deg").number(45);
    writer.key("position").array(3).number(kEye[0]).number(kEye[1]).number(kEye[2]);
    writer.key("lights").array(1).map(2);
    writer.key("intensity").number(0.8);
    writer.key("position").array(3).number(kLight[0]).number(kLight[1]).number(kLight[2]);
    writer.key("objects").array(kSpheres);
    for (const BenchSphere& sphere : spheres) {
        writer.map(3);
        writer.key("position").array(3).number(sphere.x).number(sphere.y).number(sphere.z);
        writer.key("radius").number(sphere.radius);
        writer.key("type").text("sphere");
    }
    writer.key("resolution").array(2).integer(kWidth).integer(kHeight);
    return writer.take();
}

// Counts the rays of a walk.
std::atomic<uint64_t> g_rays{0};
RtHit counted_nearest(const RtScene& scene, const RtData& data, const RtRay& ray) {
    ++g_rays;
    return rt_walk().nearest(scene, data, ray);
}
bool counted_blocked(const RtScene& scene, const RtData& data, const RtRay& ray) {
    ++g_rays;
    return rt_walk().blocked(scene, data, ray);
}

// The first device's figures go into `row`.
void run_vulkan(const RtPass& pass, const std::shared_ptr<const RtScene>& scene, uint64_t rays,
                const std::vector<uint32_t>& expected, bench::BenchRow& row) {
    const Result<std::unique_ptr<gpu::Devices>> devices = gpu::Devices::open({});
    if (!devices) {
        std::printf("Vulkan: %s\n", devices.error().text.c_str());
        return;
    }
    std::vector<uint32_t> words(expected.size());
    for (size_t i = 0; i < (*devices)->list().size(); ++i) {
        const Result<std::shared_ptr<gpu::Device>> device = (*devices)->device(i);
        if (!device) continue;
        const Result<std::unique_ptr<RaytraceGpu>> raytrace = RaytraceGpu::create(*device);
        if (!raytrace) {
            std::printf("  vulkan:%zu %s\n", i, raytrace.error().text.c_str());
            continue;
        }
        double best = 1e9;
        const gpu::DeviceInfo& info = (*devices)->list()[i];
        for (int round = 0; round < (info.software ? 2 : 6); ++round) {
            const double start = wall_s();
            const Result<Done> done = (*raytrace)->run(pass, scene, words.data());
            if (done) best = std::min(best, wall_s() - start);
        }
        const double rate = static_cast<double>(rays) / best / 1e6;
        std::printf("  vulkan:%zu %-40s %8.2f Mrays/s with copies, words %s\n", i,
                    info.name.c_str(), rate, words == expected ? "equal" : "DIFFER");
        row.equal = row.equal && words == expected;
        if (i > 0) continue;
        row.vulkan = rate;
        row.device = info.name;
    }
}

}  // namespace

int main(int argc, char**) {
    const std::vector<BenchSphere> spheres = make_spheres();
    const Bytes params = make_params(spheres);
    RtSceneCache scenes;
    const double build_start = wall_s();
    const Result<RaytraceRequest> request =
        read_raytrace_request(RaytraceKind::kPicture, params.span(), {}, scenes);
    if (!request) {
        std::printf("%s\n", request.error().text.c_str());
        return 1;
    }
    const double build_ms = (wall_s() - build_start) * 1e3;
    const RtPass pass{request->scene.get(), &request->frame, request->tile, 0, 1};
    std::vector<uint32_t> words(pass.tile.pixels() * kRtWordsPerPixel);
    const RtWalk counting{"counting", counted_nearest, counted_blocked};
    (void)raytrace_native(pass, words.data(), 1, {}, counting);
    const uint64_t rays = g_rays;

    Best one;
    Best ours;
    Best theirs;
    uint64_t their_rays = 0;
#ifdef P2C2R_WITH_EMBREE
    BenchView view{};
    view.width = kWidth;
    view.height = kHeight;
    for (int i = 0; i < 3; ++i) {
        const auto word = [&](uint32_t at) {
            return std::bit_cast<float>(request->frame[at + static_cast<uint32_t>(i)]);
        };
        view.origin[i] = word(kRtFrameOrigin);
        view.forward[i] = word(kRtFrameForward);
        view.right[i] = word(kRtFrameRight) * 1024;
        view.down[i] = word(kRtFrameDown) * 1024;
        view.light[i] = static_cast<float>(kLight[i]);
    }
    bench::EmbreeTracer embree(spheres);
    std::vector<float> image(pass.tile.pixels());
#endif
    for (int round = 0; round < kRounds; ++round) {
        one.measure([&] { (void)raytrace_native(pass, words.data(), 1); });
        ours.measure([&] { (void)raytrace_native(pass, words.data(), kThreads); });
#ifdef P2C2R_WITH_EMBREE
        theirs.measure([&] { their_rays = embree.run(view, kThreads, image); });
#endif
    }
    const double our_rate = ours.rate(rays);
    const double their_rate = theirs.rate(their_rays);
    std::printf("%u spheres, %u x %u, read and built in %.2f ms\n", kSpheres, kWidth, kHeight,
                build_ms);
    std::printf("  ours, %s, 2 threads  %8.2f Mrays/s  (%llu rays; by the wall %.2f)\n",
                rt_walk().name, our_rate, static_cast<unsigned long long>(rays),
                ours.wall_rate(rays));
#ifdef P2C2R_WITH_EMBREE
    size_t alike = 0;
    for (size_t i = 0; i < image.size(); ++i) {
        const int a = static_cast<int>(words[i * kRtWordsPerPixel] / 257);
        const int b = static_cast<int>(std::min(image[i], 1.0f) * 255);
        alike += std::abs(a - b) <= 2 ? 1 : 0;
    }
    std::printf(
        "  Embree 3, 2 threads    %8.2f Mrays/s  (%llu rays; by the wall %.2f), ours is %.2f x "
        "(%.2f), %.2f %% of the pixels alike\n",
        their_rate, static_cast<unsigned long long>(their_rays), theirs.wall_rate(their_rays),
        our_rate / their_rate, ours.wall_rate(rays) / theirs.wall_rate(their_rays),
        100.0 * static_cast<double>(alike) / static_cast<double>(image.size()));
#endif
    std::vector<uint8_t> bytes;
    for (const uint32_t word : words) {
        for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<uint8_t>(word >> (8 * i)));
    }
    std::printf("  words %s\n", to_hex(sha256(bytes)).c_str());
    const bool good = their_rays > 0 && our_rate >= kBar * their_rate;
    bench::BenchRow row{"raytracing, 500 spheres", "Mrays/s", one.rate(rays, 1), our_rate};
    row.peer = "Embree 3, 2 threads";
    row.peer_value = their_rate;
    row.ratio = their_rate > 0 ? our_rate / their_rate : 0;
    row.must = kBar;
    row.goal = kBar;
    row.at_least = true;
    std::vector<bench::BenchRow> rows = {row};
    if (argc > 1) {
        run_vulkan(pass, request->scene, rays, words, rows[0]);
        // A bar of real GPUs.
        bench::BenchRow gpu = rows[0];
        gpu.kernel += ", GPU";
        gpu.one = gpu.two = 0;
        gpu.ratio = their_rate > 0 ? gpu.vulkan / their_rate : 0;
        gpu.must = gpu.goal = kGpuBar;
        if (gpu.device.find("llvmpipe") == std::string::npos && gpu.vulkan > 0) rows.push_back(gpu);
    }
    std::printf(
        "{\"mrays_per_s\": %.2f, \"embree_mrays_per_s\": %.2f, \"rows\": %s, \"good\": %s}\n",
        our_rate, their_rate, bench::rows_json(rows).c_str(), good ? "true" : "false");
    return good ? 0 : 1;
}
