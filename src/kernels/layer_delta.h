// What changed between two layers of the same size, in few bytes: parts of a picture that stay as
// they were cost nothing.
//
// A delta is a row of patches to the end: how many bytes stay, how many follow, those bytes. Both
// numbers are LEB128 (seven bits a byte, low ones first, the high bit says that more follow). Equal
// inputs give equal deltas.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/status.h"

namespace p2c2r::kernels {

// `before` and `after` MUST be of one size.
std::vector<uint8_t> make_layer_delta(std::span<const uint8_t> before,
                                      std::span<const uint8_t> after);

// Makes `layer`, which is what was before, what is after. kSize when the delta does not fit it or
// is cut; `layer` is then as it was. Nothing is allocated.
Result<Done> apply_layer_delta(std::span<const uint8_t> delta, std::span<uint8_t> layer);
// What it would say of a layer of so many bytes.
Result<Done> check_layer_delta(std::span<const uint8_t> delta, size_t layer_size);

}  // namespace p2c2r::kernels
