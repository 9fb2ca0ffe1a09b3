// Base64 (RFC 4648, section 4) for bytes in JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/bytes.h"

namespace p2c2r {

void append_base64(std::string& text, std::span<const uint8_t> bytes);

// Strict: padded, no other characters, unused bits zero, so that each run of bytes has one text.
// Nothing when `text` is not that; else the size of the bytes.
std::optional<size_t> base64_decoded_size(std::string_view text);
// `text` MUST have a decoded size.
Bytes base64_decode(std::string_view text);

}  // namespace p2c2r
