// Fuzz target: the frame splitter. The first byte chooses the limits and how the stream is cut; the
// rest is the stream. Whatever it is, the frames are the same for every way of cutting it, and no
// more is ever asked for than the limits allow.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "core/check.h"
#include "wire/frame.h"

using namespace p2c2r;
using namespace p2c2r::wire;

namespace {

struct Seen {
    Message message;
    uint8_t flags;
    uint64_t id;
    size_t envelope_size;
    size_t params_size;
    size_t data_size;
    bool operator==(const Seen&) const = default;
};

struct Split {
    std::vector<Seen> frames;
    size_t consumed = 0;
    bool broken = false;
};

// Reads the stream as it arrives: nothing, the first `first` bytes, then `piece` bytes at a time;
// each look is at memory that ends where the bytes end.
Split split(std::span<const uint8_t> stream, const FrameLimits& frame_limits, size_t first,
            size_t piece) {
    Split result;
    for (size_t arrived = 0;;) {
        const size_t waiting = arrived - result.consumed;
        const std::unique_ptr<uint8_t[]> exact(new uint8_t[waiting]);
        if (waiting > 0) std::memcpy(exact.get(), stream.data() + result.consumed, waiting);
        for (size_t at = 0;;) {
            const size_t left = waiting - at;
            const FrameParse parse = parse_frame({exact.get() + at, left}, frame_limits);
            if (parse.kind == FrameParse::Kind::kBroken) {
                P2C2R_CHECK(parse.why != nullptr);
                result.broken = true;
                return result;
            }
            P2C2R_CHECK(parse.size <= frame_limits.frame_size_max);
            if (parse.kind == FrameParse::Kind::kNeedMore) {
                P2C2R_CHECK(parse.size > left);
                break;
            }
            P2C2R_CHECK(parse.size <= left);
            P2C2R_CHECK(parse.data_offset + parse.frame.data.size() == parse.size);
            result.frames.push_back({parse.frame.message, parse.frame.flags, parse.frame.id,
                                     parse.frame.envelope.size(), parse.frame.params.size(),
                                     parse.frame.data.size()});
            at += parse.size;
            result.consumed += parse.size;
        }
        if (arrived == stream.size()) return result;
        arrived = std::min(stream.size(), arrived + (arrived == 0 ? first : piece));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const FrameLimits frame_limits = data[0] & 0x80 ? kLimitsAfterLogin : FrameLimits{};
    const std::span<const uint8_t> stream(data + 1, std::min<size_t>(size - 1, 4096));
    const Split whole = split(stream, frame_limits, stream.size(), 1);
    const size_t first = 1u + (data[0] & 0x7f);
    const Split pieces = split(stream, frame_limits, first, 1 + stream.size() / 8);
    P2C2R_CHECK(whole.frames == pieces.frames);
    P2C2R_CHECK(whole.consumed == pieces.consumed && whole.broken == pieces.broken);
    return 0;
}
