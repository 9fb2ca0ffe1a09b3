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

// A detail is shown by its own pixels, only enlarged: what the eye sees is what the frames hold.
Picture contact_sheet(const std::vector<SheetRow>& rows);

}  // namespace p2c2r::cli
