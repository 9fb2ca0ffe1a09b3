// Which codecs decode and encode alike.
#pragma once

#include "core/crypto.h"
#include "core/status.h"

namespace p2c2r::codec {

// A digest of what this machine's codecs make of a fixed set of pictures: files and pixels, JPEG of
// several qualities and PNG. JPEG bytes of two peers may be compared only when these are equal.
// Takes about a millisecond: callers keep the value.
Result<Digest256> codec_class();

}  // namespace p2c2r::codec
