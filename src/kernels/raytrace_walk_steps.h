// The walk through the boxes, included once by each form into a namespace of its own. Before it
// stand RT_TARGET, what its functions are compiled for, and
//
//   BoxTest             made from a ray
//   BoxTest::test()     the children of a node that the ray meets no later than `best`, a bit each,
//                       and where it enters and leaves all eight

struct Step {
    uint32_t node;
    float first;  // where the ray enters its box
};

constexpr uint32_t kStepsMax = kRtStackMax * 7 + 1;

inline RtSpan whole_ray() {
    return {0.0f, kRtFar};
}

// Calls meet(prim, span) for each primitive whose box counts; it returns the new `best`, or a
// negative number to end the walk.
template <class Meet>
RT_TARGET inline __attribute__((always_inline)) void walk(const RtScene& scene, const RtRay& ray,
                                                          float best, const Meet& meet) {
    const BoxTest boxes(ray);
    Step steps[kStepsMax];
    uint32_t count = 0;
    if (!scene.wide.empty()) steps[count++] = {0, 0.0f};
    while (count > 0) {
        const Step step = steps[--count];
        if (step.first > best) continue;
        const RtWideNode& node = scene.wide[step.node];
        alignas(32) float first[8];
        alignas(32) float last[8];
        const uint32_t base = count;
        for (uint32_t met = boxes.test(node, best, first, last); met != 0; met &= met - 1) {
            const auto lane = static_cast<uint32_t>(__builtin_ctz(met));
            const uint32_t child = node.child[lane];
            if (child & kRtLeaf) {
                best = meet(child & ~kRtLeaf, RtSpan{first[lane], last[lane]}, best);
                if (best < 0.0f) return;
                continue;
            }
            // The nearest goes on top.
            uint32_t place = count++;
            for (; place > base && steps[place - 1].first < first[lane]; --place) {
                steps[place] = steps[place - 1];
            }
            steps[place] = {child, first[lane]};
        }
    }
}

RT_TARGET RtHit nearest(const RtScene& scene, const RtData& data, const RtRay& ray) {
    RtHit hit;
    hit.distance = ray.limit;
    for (const uint32_t plane : scene.planes) {
        const float distance = rt_meet(data, ray, plane * kRtPrimWords, whole_ray());
        if (rt_nearer(distance, plane, hit.distance, hit.prim)) hit = {plane, distance};
    }
    walk(scene, ray, hit.distance, [&](uint32_t prim, const RtSpan& span, float best) {
        const float distance = rt_meet(data, ray, prim * kRtPrimWords, span);
        if (!rt_nearer(distance, prim, best, hit.prim)) return best;
        hit = {prim, distance};
        return distance;
    });
    return hit;
}

RT_TARGET bool blocked(const RtScene& scene, const RtData& data, const RtRay& ray) {
    for (const uint32_t plane : scene.planes) {
        const uint32_t at = plane * kRtPrimWords;
        if (rt_blocks(data, ray, at, rt_meet(data, ray, at, whole_ray()))) return true;
    }
    bool found = false;
    walk(scene, ray, ray.limit, [&](uint32_t prim, const RtSpan& span, float best) {
        const uint32_t at = prim * kRtPrimWords;
        if (!rt_blocks(data, ray, at, rt_meet(data, ray, at, span))) return best;
        found = true;
        return -1.0f;
    });
    return found;
}
