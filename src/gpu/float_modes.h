// Pins the float arithmetic of a SPIR-V module, so that shader sources need nothing special: a
// driver must neither fuse, reorder nor drop operations, nor round otherwise than to nearest even.
// Compilers of GLSL leave this out where the source does not say `precise`, and some lose it in
// called functions, so every instruction is marked in the module itself.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/status.h"
#include "gpu/compute.h"

namespace p2c2r::gpu {

// The module with
//   - NoContraction on every instruction of float arithmetic
//   - in modules that have the type float32: the execution modes RoundingModeRTE 32 and
//     SignedZeroInfNanPreserve 32 on each entry point, with their capabilities and extension
// What is there already is not added again: doing it twice changes nothing. Errors are kKernel: the
// words are no sequence of instructions, or their sections are not in order. Nothing else is
// judged; that is check_module()'s work.
Result<std::vector<uint32_t>> pin_float_modes(std::span<const uint32_t> words);

// kUnsupported, naming what is missing, when the module declares one of the two modes and the
// device has it not.
Result<Done> check_float_modes(std::span<const uint32_t> words, const DeviceInfo& device);

}  // namespace p2c2r::gpu
