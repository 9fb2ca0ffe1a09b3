#include "upscale_peers.h"

#include <zimg.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace p2c2r::bench {

namespace {

constexpr int kPlanes = 3;

struct AlignedFree {
    void operator()(uint8_t* memory) const { std::free(memory); }
};
using AlignedBytes = std::unique_ptr<uint8_t[], AlignedFree>;

AlignedBytes allocate(size_t size) {
    return AlignedBytes(static_cast<uint8_t*>(std::aligned_alloc(64, (size + 63) / 64 * 64)));
}

zimg_image_format plane_format(uint32_t width, uint32_t height) {
    zimg_image_format format;
    zimg_image_format_default(&format, ZIMG_API_VERSION);
    format.width = width;
    format.height = height;
    format.pixel_type = ZIMG_PIXEL_BYTE;
    format.color_family = ZIMG_COLOR_RGB;
    format.matrix_coefficients = ZIMG_MATRIX_RGB;
    format.pixel_range = ZIMG_RANGE_FULL;
    return format;
}

}  // namespace

struct ZimgResize::State {
    FrameSizes sizes{};
    size_t source_stride = 0;
    size_t target_stride = 0;
    AlignedBytes source;
    AlignedBytes target;
    AlignedBytes scratch;
    zimg_filter_graph* graph = nullptr;
    zimg_image_buffer_const from{};
    zimg_image_buffer to{};

    ~State() { zimg_filter_graph_free(graph); }
};

ZimgResize::ZimgResize(const FrameSizes& sizes, bool lanczos, bool wide_vectors,
                       const std::vector<uint8_t>& rgb)
    : state_(std::make_unique<State>()) {
    State& state = *state_;
    state.sizes = sizes;
    const zimg_image_format from = plane_format(sizes.input_width, sizes.input_height);
    const zimg_image_format to = plane_format(sizes.output_width, sizes.output_height);
    zimg_graph_builder_params params;
    zimg_graph_builder_params_default(&params, ZIMG_API_VERSION);
    params.resample_filter = lanczos ? ZIMG_RESIZE_LANCZOS : ZIMG_RESIZE_BICUBIC;
    params.filter_param_a = lanczos ? 3 : 0;
    if (!lanczos) params.filter_param_b = 0.5;
    params.resample_filter_uv = params.resample_filter;
    params.dither_type = ZIMG_DITHER_NONE;
    params.cpu_type = wide_vectors ? ZIMG_CPU_AUTO_64B : ZIMG_CPU_AUTO;
    state.graph = zimg_filter_graph_build(&from, &to, &params);
    size_t scratch_size = 0;
    if (!state.graph ||
        zimg_filter_graph_get_tmp_size(state.graph, &scratch_size) != ZIMG_ERROR_SUCCESS) {
        std::fprintf(stderr, "zimg made no filter graph\n");
        std::exit(1);
    }
    state.scratch = allocate(scratch_size);
    state.source_stride = (sizes.input_width + 63) / 64 * 64;
    state.target_stride = (sizes.output_width + 63) / 64 * 64;
    const size_t source_plane = state.source_stride * sizes.input_height;
    const size_t target_plane = state.target_stride * sizes.output_height;
    state.source = allocate(source_plane * kPlanes);
    state.target = allocate(target_plane * kPlanes);
    state.from.version = state.to.version = ZIMG_API_VERSION;
    for (int plane = 0; plane < kPlanes; ++plane) {
        uint8_t* pixels = state.source.get() + source_plane * plane;
        for (uint32_t y = 0; y < sizes.input_height; ++y) {
            for (uint32_t x = 0; x < sizes.input_width; ++x) {
                pixels[y * state.source_stride + x] =
                    rgb[(size_t{y} * sizes.input_width + x) * kPlanes + plane];
            }
        }
        state.from.plane[plane] = {pixels, static_cast<ptrdiff_t>(state.source_stride),
                                   ZIMG_BUFFER_MAX};
        state.to.plane[plane] = {state.target.get() + target_plane * plane,
                                 static_cast<ptrdiff_t>(state.target_stride), ZIMG_BUFFER_MAX};
    }
}

ZimgResize::~ZimgResize() = default;

void ZimgResize::run() {
    State& state = *state_;
    zimg_filter_graph_process(state.graph, &state.from, &state.to, state.scratch.get(), nullptr,
                              nullptr, nullptr, nullptr);
}

std::vector<uint8_t> ZimgResize::result() const {
    const State& state = *state_;
    const FrameSizes& sizes = state.sizes;
    std::vector<uint8_t> rgb(size_t{sizes.output_width} * sizes.output_height * kPlanes);
    for (int plane = 0; plane < kPlanes; ++plane) {
        const uint8_t* pixels =
            state.target.get() + state.target_stride * sizes.output_height * plane;
        for (uint32_t y = 0; y < sizes.output_height; ++y) {
            for (uint32_t x = 0; x < sizes.output_width; ++x) {
                rgb[(size_t{y} * sizes.output_width + x) * kPlanes + plane] =
                    pixels[y * state.target_stride + x];
            }
        }
    }
    return rgb;
}

struct OpenCvResize::State {
    cv::Mat source;
    cv::Mat target;
    int mode = cv::INTER_CUBIC;
};

OpenCvResize::OpenCvResize(const FrameSizes& sizes, bool lanczos, const std::vector<uint8_t>& rgb)
    : state_(std::make_unique<State>()) {
    cv::setNumThreads(1);
    state_->source.create(static_cast<int>(sizes.input_height), static_cast<int>(sizes.input_width),
                          CV_8UC3);
    std::memcpy(state_->source.data, rgb.data(), rgb.size());
    state_->target.create(static_cast<int>(sizes.output_height),
                          static_cast<int>(sizes.output_width), CV_8UC3);
    if (lanczos) state_->mode = cv::INTER_LANCZOS4;
}

OpenCvResize::~OpenCvResize() = default;

void OpenCvResize::run() {
    cv::resize(state_->source, state_->target, state_->target.size(), 0, 0, state_->mode);
}

std::vector<uint8_t> OpenCvResize::result() const {
    const uint8_t* data = state_->target.data;
    return {data, data + state_->target.total() * 3};
}

}  // namespace p2c2r::bench
