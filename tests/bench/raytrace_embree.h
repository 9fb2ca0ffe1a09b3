// Embree 3 on the scene of raytrace_bench.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace p2c2r::bench {

struct BenchSphere {
    float x, y, z, radius;
};

struct BenchView {
    uint32_t width, height;
    float origin[3];
    float forward[3], right[3], down[3];  // right and down: one pixel
    float light[3];
};

class EmbreeTracer {
  public:
    explicit EmbreeTracer(const std::vector<BenchSphere>& spheres);
    ~EmbreeTracer();
    // A ray for each pixel and one to the light for each hit that faces it, on `threads` threads;
    // the number of rays. `image` gets a brightness for each pixel.
    uint64_t run(const BenchView& view, uint32_t threads, std::vector<float>& image);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace p2c2r::bench
