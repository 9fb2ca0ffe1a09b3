// The picture that shows what was gained: some frames whole, and a detail of each before and after.
#pragma once

#include <string>
#include <vector>

#include "cli/picture.h"

namespace p2c2r::cli {

struct SheetRow {
    std::string label;
    Picture before;  // as it was sent
    Picture after;   // as it came back
};

// A part of a picture as shares of its size.
struct Part {
    double x, y, width, height;
};

// The part of width x height pixels with the most detail, of a grid of candidates.
Part busiest_part(const Picture& picture, uint32_t width, uint32_t height);
// That part, enlarged to width x height by its own pixels.
Picture detail(const Picture& picture, const Part& part, uint32_t width, uint32_t height);

// A detail is shown by its own pixels, only enlarged: what the eye sees is what the frames hold.
Picture contact_sheet(const std::vector<SheetRow>& rows);

}  // namespace p2c2r::cli
