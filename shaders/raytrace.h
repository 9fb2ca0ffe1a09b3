// The arithmetic of the ray-tracing types, once for both languages: what a ray meets, what a
// surface does, which ray comes next. Both forms drive the same steps, so both give the same bytes:
//
//   rt_start()          a sample of a pixel: a ray from the camera, or from what a G-buffer shows
//   rt_after_nearest()  the nearest hit of path.ray is known
//   rt_ask_light()      in phase kRtLight: the next light of a surface
//   rt_after_shadow()   whether something blocks path.ray is known
//   until path.phase is kRtDone; then rt_result() gives the sample as three integers
//
// The order in which boxes are visited decides nothing. A primitive is met only if the ray meets
// the primitive's own box too, at the distance  max(its own, that of its box);  the nearest is the
// least (distance, number of the primitive). The slab test is monotone under rounding: a box around
// another is entered no later and left no earlier, whatever the rounding. So a box that a ray
// misses, or enters beyond a hit, holds nothing that could be the answer, for every hierarchy over
// the same primitives.
//
// No denormals: positions lie on a grid of 2^-20 within +-2^17, directions on one of 2^-24. So
// differences and products of up to four of them are zero or above 2^-92.
//
// Colours are linear. A sample is clamped to 1 and rounded to 16 bits, and sums of samples are
// integers: ranges of samples add up in any order to what the whole gives.
#ifndef P2C2R_SHADERS_RAYTRACE_H
#define P2C2R_SHADERS_RAYTRACE_H

#include "raytrace_meet.h"

#ifdef __cplusplus
namespace p2c2r::kernels {
#endif

// ---- paths --------------------------------------------------------------------------------------

struct RtPath {
    RtRay ray;
    RtVec3 through;  // what share of the light at the ray's end reaches the eye
    RtVec3 color;    // what has reached it
    RtVec3 normal;   // of the surface whose lights are asked, towards the ray
    RtVec3 point;    // a little above it
    RtVec3 light;    // what comes from all lights so far
    RtVec3 part;     // what the light asked adds if nothing blocks it
    float distance;  // of the first hit
    uint object;     // of the first hit: its number + 1, 0 for none
    uint mask;       // bit n: light n does not reach the last surface
    uint light_next;
    uint bounce;
    uint pixel;
    uint turn;  // the number of the sample
    uint phase;
};

RT_FN void rt_aim(RT_INOUT(RtPath) path, RtVec3 origin, RtVec3 unit, float limit, uint phase) {
    path.ray.origin = origin;
    path.ray.direction = unit;
    path.ray.inverse = RtVec3(rt_inverse(unit.x), rt_inverse(unit.y), rt_inverse(unit.z));
    path.ray.limit = limit;
    path.phase = phase;
}

// A word for one decision of one pixel: the same wherever and in whatever part it is computed.
RT_FN uint rt_random(RT_DATA uint pixel, uint bounce, uint purpose) {
    return hash_u32(pixel ^ hash_u32(RT_FRAME(kRtFrameSeed) ^ (bounce * 256u + purpose)));
}

RT_FN void rt_reset(RT_DATA RT_INOUT(RtPath) path, uint column, uint row, uint turn) {
    path.through = RtVec3(1.0f, 1.0f, 1.0f);
    path.color = RtVec3(0.0f, 0.0f, 0.0f);
    path.normal = path.color;
    path.point = path.color;
    path.light = path.color;
    path.part = path.color;
    path.distance = 0.0f;
    path.object = 0u;
    path.mask = 0u;
    path.light_next = 0u;
    path.bounce = 0u;
    path.pixel = row * RT_FRAME(kRtFrameWidth) + column;
    path.turn = turn;
}

// From the eye: steps of 1/1024 of a pixel from the centre of the picture.
RT_FN RtVec3 rt_toward(RT_DATA int x, int y) {
    return rt_frame_vec(RT_PASS kRtFrameForward) +
           rt_scale(rt_frame_vec(RT_PASS kRtFrameRight), float(x)) +
           rt_scale(rt_frame_vec(RT_PASS kRtFrameDown), float(y));
}

RT_FN void rt_begin(RT_DATA RT_INOUT(RtPath) path, uint column, uint row, uint turn) {
    rt_reset(RT_PASS path, column, row, turn);
    if (RT_FRAME(kRtFrameMode) == kRtModeProbes) {
        uint place = kRtFrameWords + (RT_FRAME(kRtFrameRays) + path.pixel) * 3u;
        rt_aim(path, rt_frame_vec(RT_PASS place), rt_frame_vec(RT_PASS kRtFrameWords + turn * 3u),
               kRtFar, kRtNearest);
        return;
    }
    // The places of samples follow the golden ratio of two dimensions; the first one is the centre
    // of the pixel.
    uint jitter_x = (0x80000000u + turn * 0xC13FA9A9u) >> 22;
    uint jitter_y = (0x80000000u + turn * 0x91E10DA5u) >> 22;
    int x = int(column * 1024u + jitter_x) - int(RT_FRAME(kRtFrameWidth) * 512u);
    int y = int(row * 1024u + jitter_y) - int(RT_FRAME(kRtFrameHeight) * 512u);
    rt_aim(path, rt_frame_vec(RT_PASS kRtFrameOrigin), rt_unit(rt_toward(RT_PASS x, y)), kRtFar,
           kRtNearest);
}

// ---- lights -------------------------------------------------------------------------------------

// In [-1, 1), from sample to sample by the golden ratio of three dimensions.
RT_FN float rt_spread(uint start, uint turn, uint step) {
    return float((start + turn * step) >> 8) * 1.1920928955078125e-07f - 1.0f;  // 2^-23
}

// The coordinate of a cube's point in the ball that the cube is pressed into.
RT_FN float rt_pressed(float value, float other_1, float other_2) {
    float square_1 = other_1 * other_1;
    float square_2 = other_2 * other_2;
    float part = square_1 * square_2 * 0.333333343f;
    return value * exact_sqrt(1.0f - 0.5f * square_1 - 0.5f * square_2 + part);
}

// The light's place as this sample sees it: somewhere in its ball.
RT_FN RtVec3 rt_light_place(RT_DATA RT_IN(RtPath) path, uint number) {
    uint at = kRtFrameLights + number * kRtLightWords;
    RtVec3 place = rt_frame_vec(RT_PASS at);
    float radius = RT_FRAME_F(at + 6u);
    if (radius == 0.0f || RT_FRAME(kRtFrameMode) == kRtModeShadows) return place;
    uint start = rt_random(RT_PASS path.pixel, path.bounce, number);
    float x = rt_spread(start, path.turn, 0xD1B54A33u);
    float y = rt_spread(hash_u32(start + 1u), path.turn, 0xABC98389u);
    float z = rt_spread(hash_u32(start + 2u), path.turn, 0x8CB92BA7u);
    RtVec3 inside = RtVec3(rt_pressed(x, y, z), rt_pressed(y, z, x), rt_pressed(z, x, y));
    return rt_place(place + rt_scale(inside, radius));
}

// The next light of the surface at path.point: a ray to it, or nothing to ask (kRtLight again).
RT_FN void rt_ask_light(RT_DATA RT_INOUT(RtPath) path) {
    if (path.light_next == RT_FRAME(kRtFrameLightCount)) {
        path.color = path.color + path.through * path.light;
        path.phase = kRtDone;
        return;
    }
    uint number = path.light_next;
    path.light_next = number + 1u;
    path.phase = kRtLight;
    RtVec3 to_light = rt_light_place(RT_PASS path, number) - path.point;
    float square = rt_dot(to_light, to_light);
    float distance = square > 0.0f ? exact_sqrt(square) : 1.0f;
    float inverse = exact_div(1.0f, distance);
    RtVec3 unit =
        RtVec3(rt_on_fine_grid(to_light.x * inverse), rt_on_fine_grid(to_light.y * inverse),
               rt_on_fine_grid(to_light.z * inverse));
    float slope = rt_dot(path.normal, unit);
    if (slope < kRtSlopeLeast) {
        path.mask = path.mask | (1u << (number & 31u));
        return;
    }
    uint at = kRtFrameLights + number * kRtLightWords + 3u;
    path.part = rt_scale(rt_frame_vec(RT_PASS at), slope);
    rt_aim(path, path.point, unit, distance, kRtShadow);
}

RT_FN void rt_after_shadow(RT_INOUT(RtPath) path, bool blocked) {
    if (blocked) {
        path.mask = path.mask | (1u << ((path.light_next - 1u) & 31u));
    } else {
        path.light = path.light + path.part;
    }
    path.phase = kRtLight;
}

// ---- surfaces -----------------------------------------------------------------------------------

RT_FN void rt_dim(RT_INOUT(RtPath) path, RtVec3 by) {
    path.through = RtVec3(flush_tiny(path.through.x * by.x), flush_tiny(path.through.y * by.y),
                          flush_tiny(path.through.z * by.z));
}

RT_FN void rt_reflect(RT_INOUT(RtPath) path, RT_IN(RtSurface) surface) {
    float fall = rt_dot(path.ray.direction, surface.normal) * 2.0f;
    RtVec3 direction = path.ray.direction - rt_scale(surface.normal, fall);
    RtVec3 origin = rt_place(surface.point + rt_scale(surface.normal, surface.lift));
    rt_aim(path, origin, rt_unit(direction), kRtFar, kRtNearest);
}

// Reflected or let through, drawn in proportion to Schlick's approximation of Fresnel's share: one
// ray follows one ray.
RT_FN void rt_refract(RT_DATA RT_INOUT(RtPath) path, RT_IN(RtSurface) surface, uint material) {
    float ratio = RT_PRIM_F(material + (surface.outside ? 5u : 4u));  // 1 / ior or ior
    float least = RT_PRIM_F(material + 6u);  // the share that a ray along the normal reflects
    float fall = exact_clamp(-rt_dot(path.ray.direction, surface.normal), 0.0f, 1.0f);
    float square = 1.0f - ratio * ratio * (1.0f - fall * fall);
    float beyond = square > 0.0f ? exact_sqrt(square) : 0.0f;
    float steep = 1.0f - (surface.outside ? fall : exact_min(beyond, 1.0f));
    float steep_2 = steep * steep;
    float share = least + (1.0f - least) * (steep_2 * steep_2 * steep);
    uint start = rt_random(RT_PASS path.pixel, path.bounce, kRtPurposeFresnel);
    float drawn = float((start + path.turn * 0x9E3779B9u) >> 8) * 5.9604644775390625e-08f;
    if (square <= 0.0f || drawn < share) {
        rt_reflect(path, surface);
        return;
    }
    if (surface.outside) {
        rt_dim(path, rt_prim_vec(RT_PASS material + 1u));
    }
    RtVec3 direction =
        rt_scale(path.ray.direction, ratio) + rt_scale(surface.normal, ratio * fall - beyond);
    RtVec3 origin = rt_place(surface.point - rt_scale(surface.normal, surface.lift));
    rt_aim(path, origin, rt_unit(direction), kRtFar, kRtNearest);
}

// `at`: the word of the primitive hit, kRtNone for none.
RT_FN void rt_after_nearest(RT_DATA RT_INOUT(RtPath) path, uint at, float distance) {
    uint mode = RT_FRAME(kRtFrameMode);
    path.phase = kRtDone;
    if (at == kRtNone) {
        if (mode != kRtModeReflections || path.bounce > 0u) {
            path.color = path.color + path.through * rt_frame_vec(RT_PASS kRtFrameBackground);
        }
        return;
    }
    uint object = RT_PRIM(at + 1u);
    uint material = RT_FRAME(kRtFrameMaterials) + object * kRtMaterialWords;
    uint kind = RT_PRIM(material);
    RtSurface surface = rt_surface(RT_PASS path.ray, at, distance);
    bool shines = kind == kRtMirror || kind == kRtDielectric;
    if (path.bounce == 0u) {
        path.object = object + 1u;
        path.distance = distance;
        path.normal = surface.normal;
        if (mode == kRtModeLayers || (mode == kRtModeReflections && !shines)) return;
    }
    RtVec3 color = rt_prim_vec(RT_PASS material + 1u);
    bool ends = shines && path.bounce == RT_FRAME(kRtFrameBounces);
    if (kind == kRtDiffuse || mode == kRtModeShadows) {
        float ambient = RT_FRAME_F(kRtFrameAmbient);
        rt_dim(path, color);
        path.light = RtVec3(ambient, ambient, ambient);
        path.normal = surface.normal;
        path.point = rt_place(surface.point + rt_scale(surface.normal, surface.lift));
        path.light_next = 0u;
        path.mask = 0u;
        path.phase = kRtLight;
    } else if (kind == kRtEmissive) {
        path.color = path.color + path.through * color;
    } else if (ends) {
        rt_dim(path, color);
        path.color = path.color + rt_scale(path.through, RT_FRAME_F(kRtFrameAmbient));
    } else if (kind == kRtMirror) {
        rt_dim(path, color);
        rt_reflect(path, surface);
        path.bounce = path.bounce + 1u;
    } else {
        rt_refract(RT_PASS path, surface, material);
        path.bounce = path.bounce + 1u;
    }
}

RT_FN uint rt_signed_byte(float value) {
    return uint(exact_floor_int(value * 127.0f + 0.5f)) & 0xFFu;
}

// Word 0, 1 or 2 of a finished sample; the words of samples add up.
RT_FN uint rt_result(RT_DATA RT_IN(RtPath) path, uint word) {
    uint mode = RT_FRAME(kRtFrameMode);
    if (mode == kRtModeLayers) {
        if (word == 0u) return path.object;
        if (word == 1u) return float_bits(path.distance);
        return rt_signed_byte(path.normal.x) | rt_signed_byte(path.normal.y) << 8 |
               rt_signed_byte(path.normal.z) << 16;
    }
    if (mode == kRtModeShadows) return word == 0u ? path.object : (word == 1u ? path.mask : 0u);
    float channel = word == 0u ? path.color.x : (word == 1u ? path.color.y : path.color.z);
    return uint(exact_min(channel, 1.0f) * kRtSampleOne + 0.5f);
}

#ifdef __cplusplus
}  // namespace p2c2r::kernels
#endif

#include "raytrace_gbuffer.h"

#ifdef __cplusplus
#undef RT_FN
#undef RT_IN
#undef RT_INOUT
#undef RT_DATA
#undef RT_PASS
#undef RT_FRAME
#undef RT_PRIM
#undef RT_FRAME_F
#undef RT_PRIM_F
#endif

#endif
