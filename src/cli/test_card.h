// A drawn picture for upscaling: letters, thin lines, discs, a star and rings, smooth at its edges
// as a photograph is.
#pragma once

#include "cli/picture.h"

namespace p2c2r::cli {

Picture test_card(uint32_t width, uint32_t height);

}  // namespace p2c2r::cli
