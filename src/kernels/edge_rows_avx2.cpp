#include "kernels/edge_rows.h"
#include "shaders/upscale_edge.h"

#if defined(__x86_64__)

// Only what is between these lines is compiled for AVX2; the rest of the program runs anywhere.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
namespace p2c2r::kernels {
namespace {
#include "kernels/edge_rows.inc"
}  // namespace
}  // namespace p2c2r::kernels
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace p2c2r::kernels {

const EdgeRows* edge_rows_avx2() {
    static constexpr EdgeRows kRows{"avx2", sharpen, bounds, soften};
    return __builtin_cpu_supports("avx2") ? &kRows : nullptr;
}

}  // namespace p2c2r::kernels

#else

namespace p2c2r::kernels {

const EdgeRows* edge_rows_avx2() {
    return nullptr;
}

}  // namespace p2c2r::kernels

#endif
