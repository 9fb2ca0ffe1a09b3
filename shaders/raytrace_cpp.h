// What raytrace.h needs to be C++: a vector of three floats as GLSL has it, and the words of a
// scene.
#ifndef P2C2R_SHADERS_RAYTRACE_CPP_H
#define P2C2R_SHADERS_RAYTRACE_CPP_H

#include "exact.h"
#include "raytrace_layout.h"

namespace p2c2r::kernels {

struct RtVec3 {
    float x, y, z;
    RtVec3() = default;
    constexpr RtVec3(float x_, float y_, float z_) : x(x_), y(y_), z(z_) {}
};
inline RtVec3 operator+(const RtVec3& a, const RtVec3& b) {
    return {a.x + b.x, a.y + b.y, a.z + b.z};
}
inline RtVec3 operator-(const RtVec3& a, const RtVec3& b) {
    return {a.x - b.x, a.y - b.y, a.z - b.z};
}
inline RtVec3 operator*(const RtVec3& a, const RtVec3& b) {
    return {a.x * b.x, a.y * b.y, a.z * b.z};
}
inline RtVec3 operator-(const RtVec3& a) {
    return {-a.x, -a.y, -a.z};
}

struct RtData {
    const uint* frame;
    const uint* prims;
};

}  // namespace p2c2r::kernels

#endif
