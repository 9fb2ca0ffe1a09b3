// The ray tracer on a GPU: see raytrace.h for the arithmetic, raytrace_layout.h for the buffers. One
// loop does everything, a step a turn: a plane, a node with its two children, or what follows a ray.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "raytrace_layout.h"

layout(local_size_x = kRtGroupSide, local_size_y = kRtGroupSide) in;

layout(std430, binding = 0) readonly buffer Frame { uint frame_words[]; };
layout(std430, binding = 1) readonly buffer Prims { uint prim_words[]; };
layout(std430, binding = 2) readonly buffer Nodes { uint node_words[]; };
layout(std430, binding = 3) buffer State { uint state_words[]; };
layout(std430, binding = 4) writeonly buffer Sums { uint sum_words[]; };
layout(std430, binding = 5) buffer Counters { uint counters[]; };
layout(push_constant) uniform Push { RtSlice slice; };

#include "raytrace.h"

// ---- one pixel ----------------------------------------------------------------------------------

RtPath path;
uint stack[kRtStackMax];
uint stack_count;
uint plane_next;
bool walking;
bool found_block;
float best;
uint best_prim;
uint sums[3];

void begin_walk() {
    walking = true;
    found_block = false;
    best = path.ray.limit;
    best_prim = kRtNone;
    plane_next = 0u;
    stack[0] = 0u;
    stack_count = frame_words[kRtFrameNodeCount] > 0u ? 1u : 0u;
}

void take_prim(uint prim, RtSpan span) {
    float distance = rt_meet(path.ray, prim * kRtPrimWords, span);
    if (path.phase == kRtShadow) {
        if (!rt_blocks(path.ray, prim * kRtPrimWords, distance)) return;
        found_block = true;
        stack_count = 0u;
        plane_next = frame_words[kRtFramePlaneCount];
    } else if (rt_nearer(distance, prim, best, best_prim)) {
        best = distance;
        best_prim = prim;
    }
}

RtSpan child_span(uint at) {
    RtVec3 low = RtVec3(bits_float(node_words[at]), bits_float(node_words[at + 1u]),
                        bits_float(node_words[at + 2u]));
    RtVec3 high = RtVec3(bits_float(node_words[at + 3u]), bits_float(node_words[at + 4u]),
                         bits_float(node_words[at + 5u]));
    return rt_slab(path.ray, low, high);
}

bool counts(RtSpan span) { return span.first <= span.last && span.first <= best; }

void visit_node(uint node) {
    uint at = node * kRtNodeWords;
    RtSpan low = child_span(at);
    RtSpan high = child_span(at + 6u);
    uint low_child = node_words[at + 12u];
    uint high_child = node_words[at + 13u];
    if (counts(low) && (low_child & kRtLeaf) != 0u) take_prim(low_child & ~kRtLeaf, low);
    if (found_block) return;
    if (counts(high) && (high_child & kRtLeaf) != 0u) take_prim(high_child & ~kRtLeaf, high);
    if (found_block) return;
    bool to_low = counts(low) && (low_child & kRtLeaf) == 0u;
    bool to_high = counts(high) && (high_child & kRtLeaf) == 0u;
    if (to_low && to_high) {
        // The nearer one comes next.
        bool low_first = low.first <= high.first;
        stack[stack_count] = low_first ? high_child : low_child;
        stack[stack_count + 1u] = low_first ? low_child : high_child;
        stack_count += 2u;
    } else if (to_low || to_high) {
        stack[stack_count] = to_low ? low_child : high_child;
        stack_count += 1u;
    }
}

void step_walk() {
    if (plane_next < frame_words[kRtFramePlaneCount]) {
        uint plane = frame_words[kRtFramePlanes + plane_next];
        plane_next += 1u;
        RtSpan whole;
        whole.first = 0.0f;
        whole.last = kRtFar;
        take_prim(plane, whole);
    } else if (stack_count > 0u) {
        stack_count -= 1u;
        visit_node(stack[stack_count]);
    } else {
        walking = false;
        if (path.phase == kRtShadow) {
            rt_after_shadow(path, found_block);
        } else {
            rt_after_nearest(path, best_prim == kRtNone ? kRtNone : best_prim * kRtPrimWords, best);
        }
    }
}

// ---- kept between dispatches --------------------------------------------------------------------

uint state_at;
uint state_step;

void save(uint word) {
    state_words[state_at] = word;
    state_at += state_step;
}
void save_vec(RtVec3 value) {
    save(float_bits(value.x));
    save(float_bits(value.y));
    save(float_bits(value.z));
}
uint load() {
    uint word = state_words[state_at];
    state_at += state_step;
    return word;
}
RtVec3 load_vec() {
    float x = bits_float(load());
    float y = bits_float(load());
    float z = bits_float(load());
    return RtVec3(x, y, z);
}

void save_state() {
    save_vec(path.ray.origin);
    save_vec(path.ray.direction);
    save_vec(path.ray.inverse);
    save(float_bits(path.ray.limit));
    save_vec(path.through);
    save_vec(path.color);
    save_vec(path.normal);
    save_vec(path.point);
    save_vec(path.light);
    save_vec(path.part);
    save(float_bits(path.distance));
    save(path.object);
    save(path.mask);
    save(path.light_next);
    save(path.bounce);
    save(path.pixel);
    save(path.turn);
    save(path.phase);
    save((walking ? 1u : 0u) | (found_block ? 2u : 0u));
    save(plane_next);
    save(float_bits(best));
    save(best_prim);
    save(sums[0]);
    save(sums[1]);
    save(sums[2]);
    save(stack_count);
}

void load_state() {
    path.ray.origin = load_vec();
    path.ray.direction = load_vec();
    path.ray.inverse = load_vec();
    path.ray.limit = bits_float(load());
    path.through = load_vec();
    path.color = load_vec();
    path.normal = load_vec();
    path.point = load_vec();
    path.light = load_vec();
    path.part = load_vec();
    path.distance = bits_float(load());
    path.object = load();
    path.mask = load();
    path.light_next = load();
    path.bounce = load();
    path.pixel = load();
    path.turn = load();
    path.phase = load();
    uint flags = load();
    walking = (flags & 1u) != 0u;
    found_block = (flags & 2u) != 0u;
    plane_next = load();
    best = bits_float(load());
    best_prim = load();
    sums[0] = load();
    sums[1] = load();
    sums[2] = load();
    stack_count = load();
}

void main() {
    uint x = gl_GlobalInvocationID.x;
    uint y = gl_GlobalInvocationID.y;
    if (x >= slice.width || y >= slice.height) return;
    uint slot = y * slice.width + x;
    state_step = slice.width * slice.height;
    bool resumes = slice.resumes != 0u;
    // Word 0 of the state tells that the pixel is finished.
    if (resumes && state_words[slot] != 0u) return;
    state_at = slot + state_step;
    walking = false;
    found_block = false;
    if (resumes) {
        load_state();
    } else {
        stack_count = 0u;
        plane_next = 0u;
        best = 0.0f;
        best_prim = kRtNone;
        sums[0] = 0u;
        sums[1] = 0u;
        sums[2] = 0u;
        rt_start(path, slice.column + x, slice.row + y, slice.sample_first);
    }
    uint stack_at = slot + kRtStateStack * state_step;
    for (uint i = 0u; i < stack_count; ++i) stack[i] = state_words[stack_at + i * state_step];
    bool finished = false;
    uint turn = 0u;
    uint turns = slice.turns;
    for (; turn < turns && !finished; ++turn) {
        if (walking) {
            step_walk();
        } else if (path.phase == kRtLight) {
            rt_ask_light(path);
        } else if (path.phase != kRtDone) {
            begin_walk();
        } else {
            sums[0] += rt_result(path, 0u);
            sums[1] += rt_result(path, 1u);
            sums[2] += rt_result(path, 2u);
            uint next = path.turn + 1u;
            finished = next == slice.sample_end;
            if (!finished) rt_start(path, slice.column + x, slice.row + y, next);
        }
    }
    atomicAdd(counters[1], turn);
    state_words[slot] = finished ? 1u : 0u;
    if (finished) {
        atomicAdd(counters[0], 1u);
        sum_words[slot * 3u] = sums[0];
        sum_words[slot * 3u + 1u] = sums[1];
        sum_words[slot * 3u + 2u] = sums[2];
        return;
    }
    state_at = slot + state_step;
    save_state();
    for (uint i = 0u; i < stack_count; ++i) state_words[stack_at + i * state_step] = stack[i];
}
