// Three numbers and what the game does with them.
#pragma once

#include <cmath>

namespace game {

struct Vec {
    float x = 0;
    float y = 0;
    float z = 0;
};

inline Vec operator+(Vec a, Vec b) {
    return {a.x + b.x, a.y + b.y, a.z + b.z};
}
inline Vec operator-(Vec a, Vec b) {
    return {a.x - b.x, a.y - b.y, a.z - b.z};
}
inline Vec operator*(Vec a, float s) {
    return {a.x * s, a.y * s, a.z * s};
}
inline float dot(Vec a, Vec b) {
    return a.x * b.x + a.y * b.y + a.z * b.z;
}
inline Vec cross(Vec a, Vec b) {
    return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
inline float length(Vec a) {
    return std::sqrt(dot(a, a));
}
// `a` as a direction; what has no length stays nothing.
inline Vec normalised(Vec a) {
    const float l = length(a);
    return l > 0 ? a * (1 / l) : Vec{};
}
inline Vec mix(Vec a, Vec b, float t) {
    return a + (b - a) * t;
}

}  // namespace game
