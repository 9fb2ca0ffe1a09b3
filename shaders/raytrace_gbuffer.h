// Where a path begins: at the eye, or, with a G-buffer, at what the game has drawn. For C++ and
// GLSL; the end of raytrace.h. The words of a G-buffer stand behind those of the frame
// (raytrace_layout.h).
//
// The place of a pixel's surface, from its depth:
//
//   x = 1024 * column + 512 - 512 * width + jitter_x         steps of 1/1024 of a pixel
//   y = 1024 * row + 512 - 512 * height + jitter_y
//   direction = forward + right * x + down * y               words kRtFrameForward and on
//   distance = depth, or  min(depth * sqrt(direction . direction), kRtFar)  where depth counts
//              along the camera's direction
//   place = position + unit(direction) * distance
//
// which is what rt_begin() and rt_surface() make of the first sample and its hit, operation for
// operation; only the place on a sphere is mended there. Rays that leave start
//   kRtLift + kRtLiftOfDistance * (largest coordinate + distance) + bias + share * distance + along
// above it along the normal. A step of 16 bits is part of the bias, or, where depth counts along
// the camera's direction,  along = step * sqrt(direction . direction),  since it moves the place by
// so much along the ray.
#ifndef P2C2R_SHADERS_RAYTRACE_GBUFFER_H
#define P2C2R_SHADERS_RAYTRACE_GBUFFER_H

#ifdef __cplusplus
namespace p2c2r::kernels {
#endif

// `size` bits of a word from `at` on, in two's complement; the lowest value counts as the next one,
// as in SNORM formats, so that it is from -most to most.
RT_FN int rt_snorm(uint word, uint at, uint size) {
    int value = int(word << ((32u - at - size) & 31u)) >> ((32u - size) & 31u);
    int most = (1 << ((size - 1u) & 31u)) - 1;
    return value < -most ? -most : value;
}

// Octahedral: a point of the square [-most, most]^2, whose outer half is folded over the inner one.
RT_FN RtVec3 rt_octahedral(uint word, uint size) {
    int most = (1 << ((size - 1u) & 31u)) - 1;
    int x = rt_snorm(word, 0u, size);
    int y = rt_snorm(word, size, size);
    int width = x < 0 ? -x : x;
    int height = y < 0 ? -y : y;
    int z = most - width - height;
    if (z < 0) {
        x = x < 0 ? height - most : most - height;
        y = y < 0 ? width - most : most - width;
    }
    return rt_unit(RtVec3(float(x), float(y), float(z)));
}

RT_FN RtVec3 rt_gbuffer_normal(uint format, uint word) {
    if (format == kRtNormalOct16) return rt_octahedral(word, 8u);
    if (format == kRtNormalOct32) return rt_octahedral(word, 16u);
    return rt_unit(RtVec3(float(rt_snorm(word, 0u, 8u)), float(rt_snorm(word, 8u, 8u)),
                          float(rt_snorm(word, 16u, 8u))));
}

// The point of the unit circle after `part` / 2^32 of a turn, off by less than 10^-6.
RT_FN RtVec3 rt_turned(uint part) {
    // From the nearest quarter it is at most an eighth of a turn, pi / 4, to either side.
    uint quarter = (part + 0x20000000u) >> 30;
    float angle = float(int((part + 0x20000000u) & 0x3FFFFFFFu) - 0x20000000) * 1.46291808e-09f;
    float square = flush_tiny(angle * angle);
    float sine =
        angle *
        (1.0f - square * (0.166666672f - square * (8.33333377e-03f - square * 1.98412701e-04f)));
    float cosine = 1.0f - square * (0.5f - square * (4.16666679e-02f - square * 1.38888892e-03f));
    if (quarter == 0u) return RtVec3(cosine, sine, 0.0f);
    if (quarter == 1u) return RtVec3(-sine, cosine, 0.0f);
    if (quarter == 2u) return RtVec3(-cosine, -sine, 0.0f);
    return RtVec3(sine, -cosine, 0.0f);
}

// A direction above a surface, as often as its share in what the surface receives: the normal and a
// point of the unit sphere together.
RT_FN RtVec3 rt_scattered(RT_DATA RT_IN(RtPath) path, RtVec3 normal) {
    uint start = rt_random(RT_PASS path.pixel, 0u, kRtPurposeGather);
    float height = rt_spread(start, path.turn, 0xC13FA9A9u);
    float width = exact_sqrt(exact_max(1.0f - height * height, 0.0f));
    RtVec3 sphere = rt_scale(rt_turned(hash_u32(start + 1u) + path.turn * 0x91E10DA5u), width);
    sphere.z = height;
    RtVec3 direction = normal + RtVec3(rt_on_fine_grid(sphere.x), rt_on_fine_grid(sphere.y),
                                       rt_on_fine_grid(sphere.z));
    if (rt_dot(direction, direction) < 9.5367431640625e-07f) return normal;  // 2^-20
    return rt_unit(direction);
}

RT_FN void rt_begin_gbuffer(RT_DATA RT_INOUT(RtPath) path, uint column, uint row, uint turn) {
    uint head = kRtFrameWords;
    uint pixel = (row - RT_FRAME(head + kRtGbufferRow)) * RT_FRAME(head + kRtGbufferWidth) +
                 (column - RT_FRAME(head + kRtGbufferColumn));
    uint at = head + kRtGbufferPixels + pixel * kRtGbufferWords;
    rt_reset(RT_PASS path, column, row, turn);
    rt_aim(path, path.color, path.color, 0.0f, kRtDone);
    float distance = RT_FRAME_F(at);
    uint mode = RT_FRAME(kRtFrameMode);
    float strength = RT_FRAME_F(at + 2u);
    if (distance == 0.0f || (mode == kRtModeReflections && strength == 0.0f)) return;

    int x = int(column * 1024u + 512u) - int(RT_FRAME(kRtFrameWidth) * 512u) +
            int(RT_FRAME(head + kRtGbufferJitterX));
    int y = int(row * 1024u + 512u) - int(RT_FRAME(kRtFrameHeight) * 512u) +
            int(RT_FRAME(head + kRtGbufferJitterY));
    RtVec3 direction = rt_toward(RT_PASS x, y);
    float lift_along = 0.0f;
    if (RT_FRAME(head + kRtGbufferAlong) != 0u) {
        float stretch = exact_sqrt(rt_dot(direction, direction));
        distance = exact_min(distance * stretch, kRtFar);
        lift_along = RT_FRAME_F(head + kRtGbufferBiasAlong) * stretch;
    }
    RtVec3 origin = rt_frame_vec(RT_PASS kRtFrameOrigin);
    path.ray.direction = rt_unit(direction);
    path.distance = distance;
    path.object = 1u;
    path.normal = rt_gbuffer_normal(RT_FRAME(head + kRtGbufferFormat), RT_FRAME(at + 1u));
    RtSurface surface;
    surface.outside = true;
    surface.normal = path.normal;
    surface.point = origin + rt_scale(path.ray.direction, distance);
    surface.lift = kRtLift + kRtLiftOfDistance * (rt_largest(surface.point) + distance) +
                   RT_FRAME_F(head + kRtGbufferBias) +
                   RT_FRAME_F(head + kRtGbufferBiasShare) * distance + lift_along;
    path.point = rt_place(surface.point + rt_scale(surface.normal, surface.lift));
    if (mode == kRtModeShadows) {
        path.phase = kRtLight;
    } else if (mode == kRtModeGather) {
        rt_aim(path, path.point, rt_scattered(RT_PASS path, path.normal), kRtFar, kRtNearest);
    } else {
        // A mirror whose colour is its strength.
        path.through = RtVec3(strength, strength, strength);
        if (RT_FRAME(kRtFrameBounces) == 0u) {
            path.color = rt_scale(path.through, RT_FRAME_F(kRtFrameAmbient));
            return;
        }
        rt_reflect(path, surface);
        path.bounce = 1u;
    }
}

RT_FN void rt_start(RT_DATA RT_INOUT(RtPath) path, uint column, uint row, uint turn) {
    if (RT_FRAME(kRtFrameGbuffer) != 0u) {
        rt_begin_gbuffer(RT_PASS path, column, row, turn);
    } else {
        rt_begin(RT_PASS path, column, row, turn);
    }
}

#ifdef __cplusplus
}  // namespace p2c2r::kernels
#endif

#endif
