// Not exact: a division of floats. The build step must refuse it.
#version 450

layout(local_size_x = 1) in;

layout(std430, binding = 0) buffer Values { float values[]; };

void main() { values[0] = values[1] / values[2]; }
