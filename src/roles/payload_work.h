// Coding and decoding of payloads as jobs of a runner: off the loop, like any other work.
#pragma once

#include <memory>

#include "exec/executor.h"
#include "model/payload_coder.h"
#include "wire/messages.h"

namespace p2c2r::roles {

// Up to so many plain bytes are decoded where they arrive: 64 KiB take less than waking a thread
// does on a busy machine.
inline constexpr uint64_t kDecodeAtOnceMost = 64 * 1024;

// A job's params and data are the payload; its output is data alone, the coded bytes, or nothing
// where they would be more than CodingChoice::size_most.
std::shared_ptr<exec::Executor> make_coding_work(std::shared_ptr<const PayloadCoder> coder);

// The other way: of `coded` as data, and with `decoding_params` as params.
std::shared_ptr<exec::Executor> make_decoding_work(std::shared_ptr<const PayloadCoder> coder,
                                                   const MemoryHook* memory);
Bytes decoding_params(const wire::PayloadSizes& plain_sizes);

struct DecodedPayload {
    Bytes params;
    Bytes data;
};
// What that job does.
Result<DecodedPayload> decode_payload(const PayloadCoder& coder, const Bytes& coded,
                                      const wire::PayloadSizes& plain_sizes,
                                      const MemoryHook* memory);

// NULL, or what is wrong with what a coded result says of itself; static text.
const char* check_coded(const std::optional<wire::PayloadSizes>& plain_sizes, size_t params_size);

}  // namespace p2c2r::roles
