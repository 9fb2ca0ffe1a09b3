// Plain loops, which any compiler turns into what its machine has.
#include "kernels/raytrace_walk.h"

namespace p2c2r::kernels {

namespace {

#define RT_TARGET

class BoxTest {
  public:
    explicit BoxTest(const RtRay& ray) : ray_(ray) {}

    uint32_t test(const RtWideNode& node, float best, float (&first)[8], float (&last)[8]) const {
        for (int lane = 0; lane < 8; ++lane) {
            const RtVec3 low(node.low[0][lane], node.low[1][lane], node.low[2][lane]);
            const RtVec3 high(node.high[0][lane], node.high[1][lane], node.high[2][lane]);
            const RtSpan span = rt_slab(ray_, low, high);
            first[lane] = span.first;
            last[lane] = span.last;
        }
        uint32_t met = 0;
        for (int lane = 0; lane < 8; ++lane) {
            if (first[lane] <= last[lane] && first[lane] <= best) met |= 1u << lane;
        }
        return met;
    }

  private:
    const RtRay& ray_;
};

#include "kernels/raytrace_walk_steps.h"

#undef RT_TARGET

}  // namespace

const RtWalk& rt_walk_plain() {
    static constexpr RtWalk kWalk{"plain", nearest, blocked};
    return kWalk;
}

const RtWalk& rt_walk() {
    static const RtWalk& best = rt_walk_avx2() ? *rt_walk_avx2() : rt_walk_plain();
    return best;
}

}  // namespace p2c2r::kernels
