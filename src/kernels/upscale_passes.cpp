#include "kernels/upscale_passes.h"

#include <algorithm>

#include "shaders/upscale.h"

namespace p2c2r::kernels {

namespace {

template <uint32_t kChannels>
void horizontal_row(const HorizontalPass& pass, const uint8_t* source, int16_t* target) {
    for (uint32_t x = pass.column_first; x < pass.column_end; ++x, target += kChannels) {
        const int16_t* weights = pass.weights + size_t{x} * pass.taps;
        const uint32_t first = pass.first[x];
        const uint32_t taps = std::min(pass.taps, pass.input_size - first);
        int32_t sums[kChannels];
        for (int32_t& sum : sums) sum = kUpscaleFirstRounding;
        for (uint32_t k = 0; k < taps; ++k) {
            const uint8_t* pixel = source + size_t{first + k} * kChannels;
            for (uint32_t c = 0; c < kChannels; ++c) sums[c] += weights[k] * pixel[c];
        }
        for (uint32_t c = 0; c < kChannels; ++c) {
            target[c] = static_cast<int16_t>(sums[c] >> kUpscaleFirstShift);
        }
    }
}

void horizontal(const HorizontalPass& pass) {
    for (uint32_t row = 0; row < kUpscaleRowGroup; ++row) {
        if (pass.channels == 3) {
            horizontal_row<3>(pass, pass.source[row], pass.target[row]);
        } else {
            horizontal_row<4>(pass, pass.source[row], pass.target[row]);
        }
    }
}

// In blocks, so that the inner loop runs along a row and compilers turn it into SIMD.
void vertical(const VerticalPass& pass) {
    constexpr size_t kBlock = 64;
    int32_t sums[kBlock];
    for (size_t at = 0; at < pass.samples; at += kBlock) {
        const size_t count = std::min(kBlock, pass.samples - at);
        std::fill_n(sums, count, kUpscaleSecondRounding);
        for (uint32_t k = 0; k < pass.taps; ++k) {
            const int16_t* row = pass.rows[k] + at;
            const int32_t weight = pass.weights[k];
            for (size_t i = 0; i < count; ++i) sums[i] += weight * row[i];
        }
        for (size_t i = 0; i < count; ++i) {
            const int32_t value = std::clamp(sums[i] >> kUpscaleSecondShift, 0, 255);
            pass.target[at + i] = static_cast<uint8_t>(value);
        }
    }
}

}  // namespace

const UpscalePasses& upscale_passes_plain() {
    static constexpr UpscalePasses kPasses{"plain", horizontal, vertical};
    return kPasses;
}

const UpscalePasses& upscale_passes() {
    static const UpscalePasses& best =
        upscale_passes_avx2() ? *upscale_passes_avx2() : upscale_passes_plain();
    return best;
}

}  // namespace p2c2r::kernels
