// Fuzz target: coded payloads. Whatever comes, there are as many bytes as were announced or an
// error, and no more memory is taken than that, the coder's own, and what the frame can hold.
//
// A file: the announced size (four bytes, low one first), then the coded bytes.
#include <cstdint>

#include "codec/zstd.h"
#include "core/check.h"
#include "fuzz/memory_watch.h"

using namespace p2c2r;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    static const std::unique_ptr<PayloadCoder> coder = codec::make_zstd_coder();
    if (!coder || size < 4) return 0;
    const uint64_t plain_size =
        bytes[0] | bytes[1] << 8 | bytes[2] << 16 | static_cast<uint64_t>(bytes[3]) << 24;
    const std::span<const uint8_t> coded(bytes + 4, size - 4);
    test::watch_memory();
    const Result<Bytes> plain = coder->decode(coded, plain_size, plain_size / 3, nullptr);
    // 256 KiB are the decoder's.
    P2C2R_CHECK(test::memory_peak() <=
                256 * 1024 + static_cast<int64_t>(plain.ok() ? plain_size : size * 32 * 1024));
    if (plain) {
        P2C2R_CHECK(plain->size() == plain_size);
    } else {
        P2C2R_CHECK(plain.error().status == Status::kContent && !plain.error().text.empty());
    }
    return 0;
}
