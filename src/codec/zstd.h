// Payloads coded with Zstandard (RFC 8878): one frame that states its content size, at the fastest
// level: what it is for is a slow line, and the time on it.
#pragma once

#include <memory>

#include "model/payload_coder.h"

namespace p2c2r::codec {

// NULL where this library was built without Zstandard: payloads then travel as they are.
std::unique_ptr<PayloadCoder> make_zstd_coder();

}  // namespace p2c2r::codec
