// The libraries that upscale_bench measures beside ours, behind one small function each.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace p2c2r::bench {

struct FrameSizes {
    uint32_t input_width, input_height, output_width, output_height;
};

// zimg works on planes; they are made once, outside of what is measured.
class ZimgResize {
  public:
    // `wide_vectors` lets it use 64-byte vectors, which it does not by default.
    ZimgResize(const FrameSizes& sizes, bool lanczos, bool wide_vectors,
               const std::vector<uint8_t>& rgb);
    ~ZimgResize();
    void run();
    // Interleaved again.
    [[nodiscard]] std::vector<uint8_t> result() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// OpenCV on interleaved pixels; its Lanczos has four lobes instead of three.
class OpenCvResize {
  public:
    OpenCvResize(const FrameSizes& sizes, bool lanczos, const std::vector<uint8_t>& rgb);
    ~OpenCvResize();
    void run();
    [[nodiscard]] std::vector<uint8_t> result() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace p2c2r::bench
