// Hashing many bytes with looks whether to stop: 64 MB take a tenth of a second.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/crypto.h"
#include "core/stop_looks.h"

namespace p2c2r::kernels {

// Adds `bytes` to `digest`. False when `looks` said to stop; the digest is then of no use.
inline bool hash_with_looks(Sha256& digest, std::span<const uint8_t> bytes, StopLooks& looks) {
    constexpr size_t kPiece = 65'536;
    constexpr uint64_t kNsPerByte = 3;
    for (size_t at = 0; at < bytes.size(); at += kPiece) {
        const auto piece = bytes.subspan(at, std::min(kPiece, bytes.size() - at));
        digest.add(piece);
        if (looks.after(piece.size() * kNsPerByte)) return false;
    }
    return true;
}

}  // namespace p2c2r::kernels
