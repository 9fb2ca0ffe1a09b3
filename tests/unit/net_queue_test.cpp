// SendQueue without a socket: what goes in comes out, and large parts are not copied.
#include <doctest/doctest.h>

#include <algorithm>

#include "core/prng.h"
#include "net/send_queue.h"
#include "support/seed.h"
#include "unit/net_sockets.h"
#include "unit/net_support.h"

using namespace p2c2r;
using namespace p2c2r::net;

namespace {

void append_expected(std::vector<uint8_t>& stream, wire::Message message, uint8_t flags,
                     uint64_t id, std::span<const uint8_t> envelope,
                     std::span<const uint8_t> params, std::span<const uint8_t> data) {
    const auto bytes = test::raw_frame(message, flags, id, envelope, params, data);
    stream.insert(stream.end(), bytes.begin(), bytes.end());
}

}  // namespace

TEST_CASE("queued frames come out as the bytes they are however much is taken at a time") {
    Prng prng(test::seed());
    BatchPool pool;
    for (int round = 0; round < 10; ++round) {
        SendQueue queue(pool);
        std::vector<uint8_t> expected;
        std::vector<uint8_t> taken;
        const auto take = [&](size_t most) {
            IoPiece pieces[16];
            const auto gathered = queue.gather(pieces, 1 + prng.below(16));
            size_t size = std::min(gathered.size, most);
            const size_t all = size;
            for (size_t i = 0; i < gathered.count && size > 0; ++i) {
                const size_t part = std::min(size, pieces[i].size);
                taken.insert(taken.end(), pieces[i].data, pieces[i].data + part);
                size -= part;
            }
            queue.consume(all);
        };
        for (int i = 0; i < 300; ++i) {
            const auto envelope = test::pattern(prng.below(prng.chance(0.02) ? 60'000 : 200), i);
            const auto params = test::pattern(prng.below(prng.chance(0.1) ? 20'000 : 50), i + 1);
            const auto data = test::pattern(prng.below(prng.chance(0.2) ? 90'000 : 3000), i + 2);
            const auto message = static_cast<wire::Message>(prng.below(256));
            const uint64_t id = prng.next();
            const size_t before = queue.size();
            const size_t size =
                prng.chance(0.5)
                    ? queue.append(message, 3, id, envelope, Bytes::copy(params), Bytes::copy(data))
                    : queue.append_copy(message, 3, id, envelope, params, data);
            CHECK(queue.size() == before + size);
            append_expected(expected, message, 3, id, envelope, params, data);
            if (prng.chance(0.4)) take(prng.below(200'000));
        }
        while (!queue.empty()) take(SIZE_MAX);
        REQUIRE(taken.size() == expected.size());
        CHECK(taken == expected);
    }
}

TEST_CASE("parts of 4 KiB and more are referenced and smaller ones are copied") {
    BatchPool pool;
    SendQueue queue(pool);
    const Bytes large = Bytes::copy(test::pattern(4096, 1));
    const Bytes small = Bytes::copy(test::pattern(4095, 2));
    queue.append(wire::Message::kTaskSubmit, 0, 1, {}, large, large);
    CHECK(pool.payload_bytes_copied == 0);
    CHECK_FALSE(large.is_unique());
    IoPiece pieces[8];
    const auto gathered = queue.gather(pieces, 8);
    CHECK(gathered.count == 4);
    CHECK(pieces[1].data == large.data());
    CHECK(pieces[3].data == large.data());
    queue.append(wire::Message::kTaskSubmit, 0, 1, {}, {}, small);
    CHECK(pool.payload_bytes_copied == 0);  // as it is meant to be
    CHECK(small.is_unique());
    queue.append_copy(wire::Message::kTaskSubmit, 0, 1, {}, small.span(), large.span());
    CHECK(pool.payload_bytes_copied == 4096);
    queue.consume(queue.size());
    CHECK(large.is_unique());
    CHECK(queue.empty());
}

TEST_CASE("many small frames leave as few pieces") {
    BatchPool pool;
    SendQueue queue(pool);
    const auto envelope = test::pattern(20, 1);
    const auto data = test::pattern(64, 2);
    for (uint64_t i = 0; i < 1000; ++i) {
        queue.append_copy(wire::Message::kTaskSubmit, 0, i, envelope, {}, data);
    }
    IoPiece pieces[kIoPiecesMax];
    const auto gathered = queue.gather(pieces, kIoPiecesMax);
    CHECK(gathered.size == queue.size());
    CHECK(gathered.count <= queue.size() / (BatchChunk::kSize - 256) + 1);
}

TEST_CASE("a cleared queue lets go of everything and can be used again") {
    BatchPool pool;
    SendQueue queue(pool);
    const Bytes large = Bytes::copy(test::pattern(50'000, 1));
    for (int i = 0; i < 100; ++i) {
        queue.append(wire::Message::kTaskSubmit, 0, 1, test::pattern(300, 1), {}, large);
    }
    queue.consume(60'000);
    queue.clear();
    CHECK(queue.empty());
    CHECK(large.is_unique());
    queue.append_copy(wire::Message::kHeartbeat, 0, 0, {}, {}, {});
    IoPiece pieces[4];
    const auto gathered = queue.gather(pieces, 4);
    CHECK(gathered.count == 1);
    CHECK(gathered.size == queue.size());
    CHECK(pieces[0].data[0] == 0x96);
}
