// What a ray meets and what lies there: the first half of the ray tracer's arithmetic, for C++ and
// GLSL. raytrace.h says what it rests on; it ends the macros that begin here.
#ifndef P2C2R_SHADERS_RAYTRACE_MEET_H
#define P2C2R_SHADERS_RAYTRACE_MEET_H

#ifdef __cplusplus
#include "raytrace_cpp.h"
#define RT_FN inline __attribute__((always_inline))
#define RT_IN(type) const type&
#define RT_INOUT(type) type&
#define RT_DATA const RtData &rt,
#define RT_PASS rt,
#define RT_FRAME(i) rt.frame[i]
#define RT_PRIM(i) rt.prims[i]
#else
#include "exact.h"
#define RtVec3 vec3
#define RT_FN
#define RT_IN(type) type
#define RT_INOUT(type) inout type
#define RT_DATA
#define RT_PASS
#define RT_FRAME(i) frame_words[i]
#define RT_PRIM(i) prim_words[i]
#endif
#define RT_FRAME_F(i) bits_float(RT_FRAME(i))
#define RT_PRIM_F(i) bits_float(RT_PRIM(i))

#ifdef __cplusplus
namespace p2c2r::kernels {
#else
#include "raytrace_layout.h"
#endif

// ---- vectors ------------------------------------------------------------------------------------

RT_FN float rt_dot(RtVec3 a, RtVec3 b) {
    return a.x * b.x + a.y * b.y + a.z * b.z;
}
RT_FN RtVec3 rt_scale(RtVec3 a, float factor) {
    return RtVec3(a.x * factor, a.y * factor, a.z * factor);
}
RT_FN RtVec3 rt_cross(RtVec3 a, RtVec3 b) {
    return RtVec3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}
// Towards zero; floats of 2^23 and above have no fraction.
RT_FN float rt_whole(float value) {
    return exact_abs(value) < 8388608.0f ? float(int(value)) : value;
}
RT_FN float rt_on_grid(float value) {
    return rt_whole(value * 1048576.0f) * 9.5367431640625e-07f;  // 2^20
}
RT_FN RtVec3 rt_place(RtVec3 a) {
    return RtVec3(rt_on_grid(a.x), rt_on_grid(a.y), rt_on_grid(a.z));
}
RT_FN float rt_on_fine_grid(float value) {
    return rt_whole(value * 16777216.0f) * 5.9604644775390625e-08f;  // 2^24
}
// `a` MUST not be shorter than 2^-40.
RT_FN RtVec3 rt_unit(RtVec3 a) {
    float inverse = exact_div(1.0f, exact_sqrt(rt_dot(a, a)));
    return RtVec3(rt_on_fine_grid(a.x * inverse), rt_on_fine_grid(a.y * inverse),
                  rt_on_fine_grid(a.z * inverse));
}
// 1 / direction for slab tests. In place of infinity a value that no product makes overflow.
RT_FN float rt_inverse(float component) {
    return component == 0.0f ? kRtInverseOfZero : exact_div(1.0f, component);
}
RT_FN float rt_largest(RtVec3 a) {
    return exact_max(exact_max(exact_abs(a.x), exact_abs(a.y)), exact_abs(a.z));
}
RT_FN RtVec3 rt_frame_vec(RT_DATA uint at) {
    return RtVec3(RT_FRAME_F(at), RT_FRAME_F(at + 1u), RT_FRAME_F(at + 2u));
}
RT_FN RtVec3 rt_prim_vec(RT_DATA uint at) {
    return RtVec3(RT_PRIM_F(at), RT_PRIM_F(at + 1u), RT_PRIM_F(at + 2u));
}

// ---- what a ray meets -----------------------------------------------------------------------

struct RtRay {
    RtVec3 origin;
    RtVec3 direction;
    RtVec3 inverse;
    float limit;  // what is not nearer counts as not there
};

// Where the ray enters and leaves a box.
struct RtSpan {
    float first;  // 0 where the ray begins inside
    float last;   // below `first`: not met
};

RT_FN RtSpan rt_slab(RT_IN(RtRay) ray, RtVec3 low, RtVec3 high) {
    RtVec3 a = (low - ray.origin) * ray.inverse;
    RtVec3 b = (high - ray.origin) * ray.inverse;
    float first = exact_max(exact_min(a.x, b.x), exact_min(a.y, b.y));
    float last = exact_min(exact_max(a.x, b.x), exact_max(a.y, b.y));
    RtSpan span;
    span.first = exact_max(exact_max(first, exact_min(a.z, b.z)), 0.0f);
    span.last = exact_min(last, exact_max(a.z, b.z));
    return span;
}

// Distances of the primitives themselves; 0: not met.

RT_FN float rt_meet_sphere(RT_IN(RtRay) ray, RtVec3 center, float radius) {
    RtVec3 to_center = center - ray.origin;
    float along = rt_dot(to_center, ray.direction);
    RtVec3 aside = to_center - rt_scale(ray.direction, along);
    float rest = radius * radius - rt_dot(aside, aside);
    if (rest < 0.0f) return 0.0f;
    float half_chord = exact_sqrt(rest);
    float near = along - half_chord;
    float far = along + half_chord;
    return near > 0.0f ? near : (far > 0.0f ? far : 0.0f);
}

RT_FN float rt_meet_plane(RT_IN(RtRay) ray, RtVec3 normal, float offset) {
    float speed = rt_dot(normal, ray.direction);
    float height = offset - rt_dot(normal, ray.origin);
    if (speed == 0.0f || (height < 0.0f) != (speed < 0.0f)) return 0.0f;
    if (exact_abs(height) >= exact_abs(speed) * kRtFar) return 0.0f;
    return exact_div(height, speed);
}

// Both sides count. An edge belongs to both of its triangles.
RT_FN float rt_meet_triangle(RT_IN(RtRay) ray, RtVec3 corner, RtVec3 edge_1, RtVec3 edge_2) {
    RtVec3 across = rt_cross(ray.direction, edge_2);
    float volume = rt_dot(edge_1, across);
    if (volume == 0.0f) return 0.0f;
    float side = volume < 0.0f ? -1.0f : 1.0f;
    float size = volume * side;
    RtVec3 from_corner = ray.origin - corner;
    float u = rt_dot(from_corner, across) * side;
    if (u < 0.0f || u > size) return 0.0f;
    RtVec3 other = rt_cross(from_corner, edge_1);
    float v = rt_dot(ray.direction, other) * side;
    if (v < 0.0f || u + v > size) return 0.0f;
    float height = rt_dot(edge_2, other) * side;
    if (height <= 0.0f || height >= size * kRtFar) return 0.0f;
    return exact_div(height, size);
}

// The distance of the primitive at word `at`, whose box the ray meets at `span`; 0: not met.
RT_FN float rt_meet(RT_DATA RT_IN(RtRay) ray, uint at, RT_IN(RtSpan) span) {
    uint kind = RT_PRIM(at) & kRtKindMask;
    uint data = at + kRtPrimData;
    float distance;
    if (kind == kRtSphere) {
        distance = rt_meet_sphere(ray, rt_prim_vec(RT_PASS data), RT_PRIM_F(data + 3u));
    } else if (kind == kRtTriangle) {
        distance = rt_meet_triangle(ray, rt_prim_vec(RT_PASS data), rt_prim_vec(RT_PASS data + 3u),
                                    rt_prim_vec(RT_PASS data + 6u));
    } else if (kind == kRtPlane) {
        distance = rt_meet_plane(ray, rt_prim_vec(RT_PASS data), RT_PRIM_F(data + 3u));
    } else {
        distance = span.first > 0.0f ? span.first : span.last;
    }
    return distance > 0.0f ? exact_max(distance, span.first) : 0.0f;
}

// Is this hit nearer than the best so far? The number of the primitive decides ties.
RT_FN bool rt_nearer(float distance, uint prim, float best, uint best_prim) {
    return distance > 0.0f && (distance < best || (distance == best && prim < best_prim));
}
RT_FN bool rt_blocks(RT_DATA RT_IN(RtRay) ray, uint at, float distance) {
    return distance > 0.0f && distance < ray.limit && (RT_PRIM(at) & kRtLightPasses) == 0u;
}

// ---- what lies there ----------------------------------------------------------------------------

struct RtSurface {
    RtVec3 point;
    RtVec3 normal;  // of the side where the ray comes from
    bool outside;   // that side is the outer one
    float lift;     // rays that leave start this far above the point: more than its error
};

RT_FN RtVec3 rt_box_normal(RT_IN(RtRay) ray, RtVec3 low, RtVec3 high, float distance, bool leaves) {
    RtVec3 a = (low - ray.origin) * ray.inverse;
    RtVec3 b = (high - ray.origin) * ray.inverse;
    float x = leaves ? exact_max(a.x, b.x) : exact_min(a.x, b.x);
    float y = leaves ? exact_max(a.y, b.y) : exact_min(a.y, b.y);
    float side = leaves ? 1.0f : -1.0f;
    if (x == distance) return RtVec3(ray.direction.x < 0.0f ? -side : side, 0.0f, 0.0f);
    if (y == distance) return RtVec3(0.0f, ray.direction.y < 0.0f ? -side : side, 0.0f);
    return RtVec3(0.0f, 0.0f, ray.direction.z < 0.0f ? -side : side);
}

RT_FN RtSurface rt_surface(RT_DATA RT_IN(RtRay) ray, uint at, float distance) {
    RtSurface surface;
    uint kind = RT_PRIM(at) & kRtKindMask;
    uint data = at + kRtPrimData;
    RtVec3 first = rt_prim_vec(RT_PASS data);
    RtVec3 point = ray.origin + rt_scale(ray.direction, distance);
    float lift = kRtLift + kRtLiftOfDistance * (rt_largest(point) + distance);
    RtVec3 normal = -ray.direction;
    if (kind == kRtSphere) {
        float radius = RT_PRIM_F(data + 3u);
        RtVec3 out_of_center = rt_place(point) - first;
        if (rt_dot(out_of_center, out_of_center) > 0.0f) normal = rt_unit(out_of_center);
        point = first + rt_scale(normal, radius);
        lift = lift + kRtLiftOfRadius * radius;
    } else if (kind == kRtTriangle) {
        RtVec3 area = rt_cross(rt_prim_vec(RT_PASS data + 3u), rt_prim_vec(RT_PASS data + 6u));
        if (rt_dot(area, area) > 0.0f) normal = rt_unit(area);
    } else if (kind == kRtPlane) {
        normal = first;
    } else {
        RtVec3 high = rt_prim_vec(RT_PASS data + 3u);
        RtSpan span = rt_slab(ray, first, high);
        normal = rt_box_normal(ray, first, high, distance, !(span.first > 0.0f));
    }
    surface.outside = rt_dot(normal, ray.direction) <= 0.0f;
    surface.normal = surface.outside ? normal : -normal;
    surface.point = point;
    surface.lift = lift;
    return surface;
}

#ifdef __cplusplus
}  // namespace p2c2r::kernels
#endif

#endif
