// How fine and how often a layer is asked for: as much as the link carries beside the others. The
// client knows what its tasks have shown of the link, the library picks what fits.
#pragma once

#include <p2c2r/p2c2r.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace game {

class LayerPlan {
  public:
    // `every` frames at most often; `share` of what the link may take is this layer's.
    LayerPlan(uint64_t every, double share) : least_every_(every), every_(every), share_(share) {}

    // What one has taken at the present divisor: params, and pixels.
    void took(size_t bytes_up, size_t bytes_down);
    // Asks again; to be called about once a second.
    void look(p2c2r_runtime* runtime, p2c2r_client* client);

    int divisor() const { return divisor_; }  // of width and height
    uint64_t every() const { return every_; }
    // "1/2 resolution, 30 a second: ..."; "": not asked yet.
    const std::string& text() const { return text_; }

  private:
    uint64_t least_every_;
    uint64_t every_;
    double share_;
    int divisor_ = 1;
    size_t bytes_up_ = 0;
    double area_bytes_down_ = 0;  // of a whole one
    std::string text_;
};

}  // namespace game
