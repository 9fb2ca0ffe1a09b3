// upscale_bench: our resize beside zimg and OpenCV in the same run, on a real frame.
//
// 720p to 1080p, RGB, 8 bits, one thread, compute only: no decoding, pixels warm; ours and OpenCV
// interleaved, zimg in planes (what it likes best). All contestants take turns for many rounds and
// the fastest round of each counts, in processor time: on a shared machine the clock on the wall
// would favour whoever is short enough not to be interrupted. Two threads with a frame each and
// every Vulkan device, with its copies, compute too, by the wall clock, for information; so does
// the algorithm edge, which has no peer. Ends with one line of JSON; exit status 0 when both bars
// hold: lanczos <= 2.5 x zimg, bicubic <= 0.8 x OpenCV.
//
// Usage: upscale_bench [FRAME]  (JPEG or PNG of 1280 x 720; default: a frame of the data set)
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "bench_row.h"
#include "codec/image.h"
#include "core/crypto.h"
#include "gpu/compute.h"
#include "kernels/upscale_gpu.h"
#include "kernels/upscale_native.h"
#include "upscale_peers.h"

using namespace p2c2r;
using namespace p2c2r::kernels;
using bench::FrameSizes;

namespace {

using bench::processor_ms;
using bench::wall_ms;

constexpr FrameSizes kSizes{1280, 720, 1920, 1080};
constexpr int kRounds = 60;
constexpr int kRoundsVulkan = 5;
constexpr double kLanczosBar = 2.5;
constexpr double kLanczosGoal = 1.5;
constexpr double kBicubicBar = 0.8;
constexpr double kBicubicGoal = 0.5;

struct Contestant {
    std::string name;
    std::function<void()> run;
    std::function<std::vector<uint8_t>()> result;
    double best_ms = 1e9;
};

void measure(std::vector<Contestant>& contestants, int rounds) {
    for (int round = 0; round < rounds; ++round) {
        for (Contestant& contestant : contestants) {
            const double start = processor_ms();
            contestant.run();
            contestant.best_ms = std::min(contestant.best_ms, processor_ms() - start);
        }
    }
}

double psnr(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        const double difference = int{a[i]} - int{b[i]};
        sum += difference * difference;
    }
    if (sum == 0) return 99;
    return 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.size()) / sum);
}

std::vector<uint8_t> load_frame(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
    const Result<codec::Image> image = codec::decode_image(bytes);
    if (!image || image->width != kSizes.input_width || image->height != kSizes.input_height ||
        image->channels != 3) {
        return {};
    }
    return {image->pixels.data(), image->pixels.data() + image->pixels.size()};
}

std::string default_frame() {
    const char* given = std::getenv("P2C2R_DATA");
    const std::string folder = given ? given : P2C2R_SOURCE_DIR "/../shared/data";
    return folder + "/frames/openarena_lava.low.jpg";
}

// Waves of many lengths, where there is no real frame.
std::vector<uint8_t> make_frame() {
    std::vector<uint8_t> rgb(size_t{kSizes.input_width} * kSizes.input_height * 3);
    for (size_t i = 0; i < rgb.size(); ++i) {
        const double x = static_cast<double>(i / 3 % kSizes.input_width);
        const double y = static_cast<double>(i / 3 / kSizes.input_width);
        rgb[i] = static_cast<uint8_t>(128 + 100 * std::sin((x * x + y * y) / 30000 + i % 3));
    }
    return rgb;
}

UpscalePlan make_plan(ResampleFilter filter) {
    return make_upscale_plan(kSizes.input_width, kSizes.input_height, kSizes.output_width,
                             kSizes.output_height, 3, filter);
}

std::vector<uint8_t> output() {
    return std::vector<uint8_t>(size_t{kSizes.output_width} * kSizes.output_height * 3);
}

double two_threads(const UpscalePlan& plan, const std::vector<uint8_t>& frame) {
    std::vector<uint8_t> targets[2] = {output(), output()};
    return bench::two_threads_ms(kRounds / 2, [&](size_t thread) {
        upscale_native(plan, frame.data(), targets[thread].data());
    });
}

// One algorithm: the table, and what its bar is about.
struct Verdict {
    bench::BenchRow row;
    ResampleFilter filter;
    std::string digest;
};

Verdict run_edge(const std::vector<uint8_t>& frame) {
    const UpscalePlan plan = make_plan(ResampleFilter::kEdge);
    std::vector<uint8_t> ours = output();
    std::vector<Contestant> all;
    all.push_back(
        {"ours", [&] { upscale_native(plan, frame.data(), ours.data()); }, [&] { return ours; }});
    measure(all, kRounds / 4);
    bench::BenchRow row{"upscale edge", "ms", all[0].best_ms, two_threads(plan, frame)};
    const std::string digest = to_hex(sha256(ours));
    std::printf("edge\n  ours %29.3f ms\n  pixels %s\n", row.one, digest.c_str());
    return {row, ResampleFilter::kEdge, digest};
}

Verdict run_algorithm(bool lanczos, const std::vector<uint8_t>& frame) {
    const ResampleFilter filter = lanczos ? ResampleFilter::kLanczos : ResampleFilter::kBicubic;
    const UpscalePlan plan = make_plan(filter);
    std::vector<uint8_t> ours = output();
    std::vector<uint8_t> plain(ours.size());
    bench::ZimgResize zimg(kSizes, lanczos, false, frame);
    bench::ZimgResize zimg_wide(kSizes, lanczos, true, frame);
    bench::OpenCvResize opencv(kSizes, lanczos, frame);
    std::vector<Contestant> all;
    all.push_back({std::string("ours, ") + upscale_passes().name,
                   [&] { upscale_native(plan, frame.data(), ours.data()); }, [&] { return ours; }});
    all.push_back({"zimg", [&] { zimg.run(); }, [&] { return zimg.result(); }});
    all.push_back(
        {"zimg, 64-byte vectors", [&] { zimg_wide.run(); }, [&] { return zimg_wide.result(); }});
    all.push_back({lanczos ? "OpenCV (4 lobes)" : "OpenCV", [&] { opencv.run(); },
                   [&] { return opencv.result(); }});
    all.push_back(
        {"ours, plain",
         [&] { upscale_native(plan, frame.data(), plain.data(), {}, upscale_passes_plain()); },
         [&] { return plain; }});
    measure(all, kRounds);

    std::printf("%s, 1280 x 720 to 1920 x 1080, RGB, one thread\n",
                lanczos ? "lanczos" : "bicubic");
    for (const Contestant& row : all) {
        std::printf("  %-24s %8.3f ms   ours is %5.2f x   PSNR to ours %5.1f dB\n",
                    row.name.c_str(), row.best_ms, all[0].best_ms / row.best_ms,
                    psnr(ours, row.result()));
    }
    const double zimg_ms = std::min(all[1].best_ms, all[2].best_ms);
    const std::string digest = to_hex(sha256(ours));
    std::printf("  pixels %s\n", digest.c_str());
    bench::BenchRow row;
    row.kernel = lanczos ? "upscale lanczos" : "upscale bicubic";
    row.unit = "ms";
    row.one = all[0].best_ms;
    row.two = two_threads(plan, frame);
    row.peer = lanczos ? "zimg lanczos3" : "OpenCV bicubic";
    row.peer_value = lanczos ? zimg_ms : all[3].best_ms;
    row.ratio = row.one / row.peer_value;
    row.must = lanczos ? kLanczosBar : kBicubicBar;
    row.goal = lanczos ? kLanczosGoal : kBicubicGoal;
    return {row, filter, digest};
}

// With upload, download and slices of 2 ms. The first device's figures go into the rows.
void run_vulkan(const std::vector<uint8_t>& frame, std::vector<Verdict>& verdicts) {
    const Result<std::unique_ptr<gpu::Devices>> devices = gpu::Devices::open({});
    if (!devices) {
        std::printf("Vulkan: %s\n", devices.error().text.c_str());
        return;
    }
    std::vector<uint8_t> target = output();
    for (size_t i = 0; i < (*devices)->list().size(); ++i) {
        const Result<std::shared_ptr<gpu::Device>> device = (*devices)->device(i);
        if (!device) continue;
        const Result<std::unique_ptr<UpscaleGpu>> upscale = UpscaleGpu::create(*device);
        if (!upscale) continue;
        for (Verdict& verdict : verdicts) {
            const UpscalePlan plan = make_plan(verdict.filter);
            double best_ms = 1e9;
            for (int round = 0; round < kRoundsVulkan; ++round) {
                const double start = wall_ms();
                const Result<Done> done = (*upscale)->run(plan, frame.data(), target.data());
                if (done) best_ms = std::min(best_ms, wall_ms() - start);
            }
            const bool equal = to_hex(sha256(target)) == verdict.digest;
            std::printf("  vulkan:%zu %-40s %8.3f ms %s with copies, bytes %s\n", i,
                        (*devices)->list()[i].name.c_str(), best_ms, verdict.row.kernel.c_str(),
                        equal ? "equal" : "DIFFER");
            verdict.row.equal = verdict.row.equal && equal;
            if (i > 0) continue;
            verdict.row.vulkan = best_ms;
            verdict.row.device = (*devices)->list()[i].name;
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::string path = argc > 1 ? argv[1] : default_frame();
    std::vector<uint8_t> frame = load_frame(path);
    if (frame.empty()) {
        std::printf("%s is no frame of 1280 x 720; waves are drawn instead\n", path.c_str());
        frame = make_frame();
    }
    std::vector<Verdict> verdicts = {run_algorithm(true, frame), run_algorithm(false, frame),
                                     run_edge(frame)};
    run_vulkan(frame, verdicts);
    std::vector<bench::BenchRow> rows;
    for (const Verdict& verdict : verdicts) rows.push_back(verdict.row);
    const bool good = rows[0].ratio <= kLanczosBar && rows[1].ratio <= kBicubicBar;
    std::printf(
        "{\"lanczos_ms\": %.3f, \"lanczos_to_zimg\": %.3f, \"bicubic_ms\": %.3f, "
        "\"bicubic_to_opencv\": %.3f, \"rows\": %s, \"good\": %s}\n",
        rows[0].one, rows[0].ratio, rows[1].one, rows[1].ratio, bench::rows_json(rows).c_str(),
        good ? "true" : "false");
    return good ? 0 : 1;
}
