// JSON <-> values (contract: "Values and JSON").
//
//   integer               <-> integer; outside +-2^53 a decimal string on output
//   number with . or e    <-> float64; a float32 prints the fewest digits that read back
//   {"$bytes": "base64"}  <-> bytes
//   null, true, text, array, object <-> nil, boolean, text, array, map
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/status.h"
#include "model/value.h"

namespace p2c2r {

// One JSON value as MessagePack that scan_value() accepts under `limits`. Refused: what is not
// JSON, keys given twice, integers beyond 64 bits, numbers beyond float64, base64 that is not
// whole, what passes the limits. Errors are kParams or kLimit and tell the byte or the key.
Result<Bytes> json_to_value(std::string_view json, const ScanLimits& limits = kParamsScan);

// Compact JSON in the value's own order. Only a map that has a field "$bytes" cannot be written.
Result<std::string> value_to_json(const Value& value);
// The same for bytes as they came; no bytes at all are an empty map.
Result<std::string> value_to_json(std::span<const uint8_t> bytes);

}  // namespace p2c2r
