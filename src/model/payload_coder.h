// PayloadCoder: fewer bytes of a payload on its way, and the same bytes again behind it. The seam
// between the roles, which decide when that pays, and the library that does it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/bytes.h"
#include "core/status.h"

namespace p2c2r {

// How a payload is coded, as on the wire.
enum class Coding : uint8_t { kNone = 0, kZstd = 1 };

class PayloadCoder {
  public:
    virtual ~PayloadCoder() = default;

    // The coded form of params followed by data; empty where that takes more than `size_most`. Any
    // thread. Throws std::bad_alloc when memory is short, as decode() does.
    [[nodiscard]] virtual Bytes code(std::span<const uint8_t> params, std::span<const uint8_t> data,
                                     size_t size_most) const = 0;
    // What was coded, if that is exactly `plain_size` bytes; kContent otherwise. Its byte number
    // `data_at`, at most that, lies on a boundary of payloads: what is behind the params is handed
    // out as it is. Nothing is allocated that `coded` is too small to hold.
    [[nodiscard]] virtual Result<Bytes> decode(std::span<const uint8_t> coded, uint64_t plain_size,
                                               uint64_t data_at,
                                               const MemoryHook* memory) const = 0;
};

}  // namespace p2c2r
