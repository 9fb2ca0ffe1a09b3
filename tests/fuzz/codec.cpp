// Fuzz target: the envelope decoder. The first byte chooses the message, the rest is the envelope.
// No input costs much more memory than it has bytes; what is accepted can be written again, and
// reads back as the same.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <vector>

#include "core/check.h"
#include "fuzz/memory_watch.h"
#include "wire/codec.h"

using namespace p2c2r;
using namespace p2c2r::wire;

namespace {

template <class Envelope>
void write(const Envelope& envelope, EnvelopeBuffer& out) {
    encode(envelope, out);
}
// Both forms are read by one function; which one it was shows in no field.
void write(const RegisterResponse& response, EnvelopeBuffer& out) {
    encode_peer_response(response, out);
}

template <class Envelope>
void check(std::span<const uint8_t> bytes) {
    // Memory of exactly its size, so that a sanitizer sees any read past the end.
    const auto exact = std::make_unique<uint8_t[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), exact.get());
    test::watch_memory();
    Envelope first;
    const char* refused = decode({exact.get(), bytes.size()}, first);
    P2C2R_CHECK(test::memory_peak() <= static_cast<int64_t>(4 * bytes.size() + 64 * 1024));
    if (refused) return;
    EnvelopeBuffer once, twice;
    write(first, once);
    Envelope second;
    const char* why = decode(once.span(), second);
    P2C2R_CHECK(why == nullptr);
    write(second, twice);
    const auto a = once.span(), b = twice.span();
    P2C2R_CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end()));
}

constexpr void (*kChecks[])(std::span<const uint8_t>) = {
    check<Hello>,        check<HelloResponse>,    check<Goodbye>,          check<PeerDisconnect>,
    check<PeerRegister>, check<GamerRegister>,    check<RegisterResponse>, check<TaskSubmit>,
    check<TaskAssign>,   check<wire::TaskResult>, check<ResultDelivery>,   check<TaskTimeout>,
    check<TaskCancel>,   check<TaskRefuse>,       check<Heartbeat>,        check<PeerCountUpdate>,
    check<Call>,         check<CallResponse>,
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    kChecks[data[0] % std::size(kChecks)]({data + 1, size - 1});
    return 0;
}
