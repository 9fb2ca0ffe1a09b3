// What a SPIR-V module may contain: the deterministic subset in which every device gives the same
// bytes. Testing cannot show a violation (a driver that happens not to fuse a multiplication and an
// addition computes the right thing), so a module is read and everything that is not known to be
// exact is refused, naming the instruction and its place:
//
//   - integers of 32 and 64 bits; divisors are constants that are not 0 (nor -1 where signed),
//     shifts are by a constant or a masked amount below the width
//   - float32 + - * and negation, each decorated NoContraction, under an entry point that declares
//     RoundingModeRTE and SignedZeroInfNanPreserve; comparisons, select, floor, ceil, trunc,
//     roundEven, conversions; constants that are normal numbers
//   - storage buffers, push constants, shared and private memory; one compute entry point "main"
//   - integer atomics whose old value nobody looks at; barriers
//
// What it cannot see: values that leave a conversion's range, an index out of bounds, phases of
// shared memory without a barrier. Those are for review and tests.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/status.h"

namespace p2c2r::gpu {

inline constexpr size_t kModuleWordsMax = 256 * 1024;
inline constexpr uint32_t kModuleIdsMax = 1u << 18;

struct ModuleInfo {
    std::array<uint32_t, 3> local_size{};
    bool uses_float = false;  // needs a device with both float modes of DeviceInfo
};

// The list above. Pure; does not look at types or structure.
Result<ModuleInfo> check_allow_list(std::span<const uint32_t> words);

// The rules of SPIR-V and Vulkan 1.1, as the SPIRV-Tools validator knows them.
Result<Done> validate_module(std::span<const uint32_t> words);

// Both. Errors are kKernel.
Result<ModuleInfo> check_module(std::span<const uint32_t> words);

}  // namespace p2c2r::gpu
