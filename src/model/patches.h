// Patches: an input that is a resident content but for some ranges. Each replaces bytes at an
// offset by as many others, so the size stays; they are applied in order, and may overlap.
//
// Packed, as they travel: one after the other, offset (4 bytes), size (4 bytes), both big endian,
// then the bytes. No count and no padding.
#pragma once

#include <cstdint>
#include <span>

#include "core/bytes.h"
#include "core/status.h"

namespace p2c2r {

struct Patch {
    uint64_t offset = 0;
    std::span<const uint8_t> bytes;
};

// kSize: a patch reaches beyond `base_size`, or all of them packed beyond kPayloadSizeMax. The
// error names `name` and the patch.
Result<Bytes> pack_patches(std::span<const Patch> patches, uint64_t base_size, const char* name,
                           const MemoryHook* hook = nullptr);

// The content with all patches applied, in memory of its own. kParams, about "delta": they are cut
// or reach beyond the content.
Result<Bytes> apply_patches(std::span<const uint8_t> base, std::span<const uint8_t> packed,
                            const MemoryHook* hook = nullptr);

}  // namespace p2c2r
