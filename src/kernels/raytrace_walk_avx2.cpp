// Eight boxes at once. The sign of a direction tells which face of a box comes first: the smaller
// of the two products, as multiplication keeps the order of its other factor.
#include "kernels/raytrace_walk.h"

#if defined(__x86_64__)

#include <immintrin.h>

// Only these functions are compiled for AVX2; the rest of the program runs anywhere.
#define RT_TARGET __attribute__((target("avx2")))

namespace p2c2r::kernels {

namespace {

class BoxTest {
  public:
    RT_TARGET explicit BoxTest(const RtRay& ray) {
        const float origin[3] = {ray.origin.x, ray.origin.y, ray.origin.z};
        const float inverse[3] = {ray.inverse.x, ray.inverse.y, ray.inverse.z};
        for (int axis = 0; axis < 3; ++axis) {
            origin_[axis] = _mm256_set1_ps(origin[axis]);
            inverse_[axis] = _mm256_set1_ps(inverse[axis]);
            backwards_[axis] = inverse[axis] < 0.0f;
        }
    }

    RT_TARGET __attribute__((always_inline)) uint32_t test(const RtWideNode& node, float best,
                                                           float (&first)[8],
                                                           float (&last)[8]) const {
        __m256 enters = _mm256_setzero_ps();
        __m256 leaves = _mm256_set1_ps(3e38f);
        for (int axis = 0; axis < 3; ++axis) {
            const float* near = backwards_[axis] ? node.high[axis] : node.low[axis];
            const float* far = backwards_[axis] ? node.low[axis] : node.high[axis];
            enters = _mm256_max_ps(enters, distance(near, axis));
            leaves = _mm256_min_ps(leaves, distance(far, axis));
        }
        _mm256_store_ps(first, enters);
        _mm256_store_ps(last, leaves);
        const __m256 met = _mm256_and_ps(_mm256_cmp_ps(enters, leaves, _CMP_LE_OQ),
                                         _mm256_cmp_ps(enters, _mm256_set1_ps(best), _CMP_LE_OQ));
        return static_cast<uint32_t>(_mm256_movemask_ps(met));
    }

  private:
    RT_TARGET __attribute__((always_inline)) __m256 distance(const float* faces, int axis) const {
        return _mm256_mul_ps(_mm256_sub_ps(_mm256_load_ps(faces), origin_[axis]), inverse_[axis]);
    }

    __m256 origin_[3];
    __m256 inverse_[3];
    bool backwards_[3];
};

#include "kernels/raytrace_walk_steps.h"

}  // namespace

const RtWalk* rt_walk_avx2() {
    static constexpr RtWalk kWalk{"avx2", nearest, blocked};
    static const bool there = __builtin_cpu_supports("avx2");
    return there ? &kWalk : nullptr;
}

}  // namespace p2c2r::kernels

#else

namespace p2c2r::kernels {

const RtWalk* rt_walk_avx2() {
    return nullptr;
}

}  // namespace p2c2r::kernels

#endif
