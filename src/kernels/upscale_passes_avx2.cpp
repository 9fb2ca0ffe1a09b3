// The AVX2 form. Both passes multiply pairs of 16-bit values and add the two products (pmaddwd), so
// weights are used two at a time.
//
// Horizontal: a 128-bit lane holds one output pixel of one row, its four 32-bit sums being the
// channels; a shuffle picks the samples of two neighbouring input pixels out of 16 bytes. Two
// registers carry four rows, so one load of weights serves four rows. With three channels the
// fourth sum is garbage that the next pixel overwrites.
//
// Vertical: two rows are interleaved sample by sample, so a pair of weights serves eight samples.
#include "kernels/upscale_passes.h"
#include "shaders/upscale.h"

#if defined(__x86_64__)

#include <immintrin.h>

// Only these functions are compiled for AVX2; the rest of the program runs anywhere.
#define P2C2R_AVX2 __attribute__((target("avx2")))

namespace p2c2r::kernels {

namespace {

// ---- horizontal -------------------------------------------------------------------------------

// Two rows, one in each lane.
P2C2R_AVX2 inline __m256i load_two_rows(const uint8_t* low, const uint8_t* high) {
    const __m256i lower =
        _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(low)));
    return _mm256_inserti128_si256(lower, _mm_loadu_si128(reinterpret_cast<const __m128i*>(high)),
                                   1);
}

// A shuffle that spreads samples of pixels `pixel` and `pixel + 1` to 16-bit pairs, one pair a
// channel; -1 gives zero.
template <int kChannels>
P2C2R_AVX2 inline __m256i pair_shuffle(int pixel) {
    alignas(16) int8_t picks[16];
    for (int c = 0; c < 4; ++c) {
        const int a = pixel * kChannels + c;
        picks[4 * c] = static_cast<int8_t>(c < kChannels ? a : -1);
        picks[4 * c + 1] = -1;
        picks[4 * c + 2] = static_cast<int8_t>(c < kChannels ? a + kChannels : -1);
        picks[4 * c + 3] = -1;
    }
    return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(picks)));
}

P2C2R_AVX2 inline __m256i broadcast_pair(const int16_t* weights) {
    int pair;
    __builtin_memcpy(&pair, weights, sizeof pair);
    return _mm256_set1_epi32(pair);
}

P2C2R_AVX2 inline void store_pixel(int16_t* target, __m128i pixel) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(target), pixel);
}

// kPairs: the number of weight pairs, or 0 for "as many as the axis says". 16 bytes hold two pairs
// of pixels, so a load serves two pairs.
template <int kChannels, int kPairs>
P2C2R_AVX2 void horizontal_columns(const HorizontalPass& pass) {
    const __m256i shuffle_low = pair_shuffle<kChannels>(0);
    const __m256i shuffle_high = pair_shuffle<kChannels>(2);
    const __m256i rounding = _mm256_set1_epi32(kUpscaleFirstRounding);
    const uint32_t pairs = kPairs ? kPairs : pass.taps / 2;
    const uint8_t* const source[4] = {pass.source[0], pass.source[1], pass.source[2],
                                      pass.source[3]};
    int16_t* target[4] = {pass.target[0], pass.target[1], pass.target[2], pass.target[3]};
    const int16_t* weights = pass.weights + size_t{pass.column_first} * pass.taps;
    for (uint32_t x = pass.column_first; x < pass.column_end; ++x, weights += 2 * pairs) {
        size_t at = size_t{pass.first[x]} * kChannels;
        __m256i sum_low = rounding;   // rows 0 and 1
        __m256i sum_high = rounding;  // rows 2 and 3
        for (uint32_t pair = 0; pair < pairs; pair += 2, at += 4 * kChannels) {
            const __m256i low = load_two_rows(source[0] + at, source[1] + at);
            const __m256i high = load_two_rows(source[2] + at, source[3] + at);
            const __m256i weight = broadcast_pair(weights + 2 * pair);
            sum_low = _mm256_add_epi32(
                sum_low, _mm256_madd_epi16(_mm256_shuffle_epi8(low, shuffle_low), weight));
            sum_high = _mm256_add_epi32(
                sum_high, _mm256_madd_epi16(_mm256_shuffle_epi8(high, shuffle_low), weight));
            if (pair + 1 < pairs) {
                const __m256i next = broadcast_pair(weights + 2 * pair + 2);
                sum_low = _mm256_add_epi32(
                    sum_low, _mm256_madd_epi16(_mm256_shuffle_epi8(low, shuffle_high), next));
                sum_high = _mm256_add_epi32(
                    sum_high, _mm256_madd_epi16(_mm256_shuffle_epi8(high, shuffle_high), next));
            }
        }
        const __m256i packed = _mm256_packs_epi32(_mm256_srai_epi32(sum_low, kUpscaleFirstShift),
                                                  _mm256_srai_epi32(sum_high, kUpscaleFirstShift));
        const __m128i even = _mm256_castsi256_si128(packed);  // rows 0 and 2
        const __m128i odd = _mm256_extracti128_si256(packed, 1);
        store_pixel(target[0], even);
        store_pixel(target[1], odd);
        store_pixel(target[2], _mm_unpackhi_epi64(even, even));
        store_pixel(target[3], _mm_unpackhi_epi64(odd, odd));
        for (int16_t*& row : target) row += kChannels;
    }
}

template <int kChannels>
P2C2R_AVX2 void horizontal_of(const HorizontalPass& pass) {
    switch (pass.taps) {
        case 4:
            return horizontal_columns<kChannels, 2>(pass);
        case 6:
            return horizontal_columns<kChannels, 3>(pass);
        default:
            return horizontal_columns<kChannels, 0>(pass);
    }
}

P2C2R_AVX2 void horizontal(const HorizontalPass& pass) {
    return pass.channels == 3 ? horizontal_of<3>(pass) : horizontal_of<4>(pass);
}

// ---- vertical ---------------------------------------------------------------------------------

// 16 samples of the result, as 16-bit values that are not yet clamped.
template <int kPairs>
P2C2R_AVX2 inline __m256i vertical_16(const VerticalPass& pass, uint32_t pairs, size_t at) {
    __m256i low = _mm256_set1_epi32(kUpscaleSecondRounding);
    __m256i high = low;
    for (uint32_t pair = 0; pair < (kPairs ? kPairs : pairs); ++pair) {
        const __m256i weight = broadcast_pair(pass.weights + 2 * pair);
        const __m256i a =
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pass.rows[2 * pair] + at));
        const __m256i b =
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pass.rows[2 * pair + 1] + at));
        low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), weight));
        high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), weight));
    }
    return _mm256_packs_epi32(_mm256_srai_epi32(low, kUpscaleSecondShift),
                              _mm256_srai_epi32(high, kUpscaleSecondShift));
}

template <int kPairs>
P2C2R_AVX2 void vertical_rows(const VerticalPass& pass) {
    constexpr size_t kStep = 32;
    const uint32_t pairs = pass.taps / 2;
    for (size_t at = 0; at < pass.samples; at += kStep) {
        // The last step reaches back, so that no partial one is needed.
        if (pass.samples - at < kStep) at = pass.samples - kStep;
        const __m256i first = vertical_16<kPairs>(pass, pairs, at);
        const __m256i second = vertical_16<kPairs>(pass, pairs, at + 16);
        const __m256i bytes =
            _mm256_permute4x64_epi64(_mm256_packus_epi16(first, second), 0b11011000);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(pass.target + at), bytes);
    }
}

P2C2R_AVX2 void vertical(const VerticalPass& pass) {
    if (pass.samples < 32) return upscale_passes_plain().vertical(pass);
    switch (pass.taps) {
        case 4:
            return vertical_rows<2>(pass);
        case 6:
            return vertical_rows<3>(pass);
        default:
            return vertical_rows<0>(pass);
    }
}

}  // namespace

const UpscalePasses* upscale_passes_avx2() {
    static constexpr UpscalePasses kPasses{"avx2", horizontal, vertical};
    return __builtin_cpu_supports("avx2") ? &kPasses : nullptr;
}

}  // namespace p2c2r::kernels

#else

namespace p2c2r::kernels {

const UpscalePasses* upscale_passes_avx2() {
    return nullptr;
}

}  // namespace p2c2r::kernels

#endif
