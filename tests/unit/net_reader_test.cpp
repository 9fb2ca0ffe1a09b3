// FrameReader without a socket: splits, alignment, copies, placement, limits of memory.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <optional>

#include "core/prng.h"
#include "net/frame_reader.h"
#include "support/seed.h"
#include "unit/net_sockets.h"
#include "unit/net_support.h"

using namespace p2c2r;
using namespace p2c2r::net;

namespace {

struct Taker : FrameSink {
    std::vector<test::SeenFrame> seen;
    std::vector<Bytes> held;
    bool hold = false;
    bool open = true;
    std::function<uint8_t*(uint64_t, size_t)> placer;
    std::function<void(const wire::Frame&)> hook;

    bool take_frame(const wire::Frame& frame) override {
        seen.push_back({frame.message,
                        frame.flags,
                        frame.id,
                        {frame.envelope.begin(), frame.envelope.end()},
                        {frame.params.begin(), frame.params.end()},
                        {frame.data.begin(), frame.data.end()}});
        if (hold && frame.memory) held.push_back(frame.hold(frame.data));
        if (hook) hook(frame);
        return open;
    }
    uint8_t* place_data(wire::Message, uint64_t id, size_t size) override {
        return placer ? placer(id, size) : nullptr;
    }
    bool wants_frames() const override { return open; }
};

// Gives `bytes` to the reader as reads of at most `limit` bytes.
const char* feed(FrameReader& reader, std::span<const uint8_t> bytes, size_t limit, Taker& taker,
                 const wire::FrameLimits& limits = wire::kLimitsAfterLogin) {
    while (!bytes.empty() && taker.open) {
        IoPiece pieces[2];
        const size_t count = reader.prepare(pieces);
        size_t given = 0;
        for (size_t i = 0; i < count; ++i) {
            const size_t size = std::min({pieces[i].size, bytes.size(), limit - given});
            if (size == 0) break;
            std::memcpy(pieces[i].data, bytes.data(), size);
            bytes = bytes.subspan(size);
            given += size;
        }
        if (const char* why = reader.received(given, limits, taker)) return why;
    }
    return nullptr;
}

// Counts what is allocated for payloads.
struct Counter {
    size_t now = 0;
    size_t peak = 0;
    size_t blocks = 0;
    MemoryHook hook;
    Counter() {
        hook.user = this;
        hook.allocate = [](void* user, size_t size, size_t align) {
            auto* counter = static_cast<Counter*>(user);
            counter->now += size;
            counter->peak = std::max(counter->peak, counter->now);
            ++counter->blocks;
            return std::aligned_alloc(align, (size + align - 1) / align * align);
        };
        hook.deallocate = [](void* user, void* data, size_t size, size_t) {
            auto* counter = static_cast<Counter*>(user);
            counter->now -= size;
            --counter->blocks;
            std::free(data);
        };
    }
};

}  // namespace

TEST_CASE("frames of every kind of size arrive intact however the stream is cut") {
    Prng prng(test::seed());
    Counter counter;
    int crowded_rounds = 0;
    {
        ReadBlocks blocks(&counter.hook);
        std::vector<Bytes> kept;  // over the rounds, so that later ones read into short stretches
        for (int round = 0; round < 24; ++round) {
            FrameReader reader(blocks);
            Taker taker;
            taker.hold = round % 3 != 2 && round % 4 != 1;  // placed data cannot be held
            std::map<uint64_t, std::vector<uint8_t>> places;
            if (round % 4 == 1) {
                taker.placer = [&](uint64_t id, size_t size) {
                    auto& place = places[id];
                    place.resize(size);
                    return place.data();
                };
            }
            std::vector<test::SeenFrame> expected;
            std::vector<uint8_t> stream;
            for (int i = 0; i < 30; ++i) {
                test::SeenFrame frame;
                frame.message = static_cast<wire::Message>(1 + prng.below(40));
                frame.flags = static_cast<uint8_t>(prng.below(4));
                frame.id = static_cast<uint64_t>(round * 1000 + i);
                const bool continuation = prng.chance(0.3);
                const size_t sizes[] = {0,    1,     30,    255,   256,    4000,
                                        4096, 20000, 65535, 65536, 131072, limits::kChunkSizeMax};
                const size_t data = prng.chance(0.5) ? sizes[prng.below(std::size(sizes))]
                                                     : prng.below(limits::kChunkSizeMax);
                if (!continuation) {
                    frame.envelope =
                        test::pattern(prng.below(prng.chance(0.1) ? 60000 : 100), prng.next());
                    frame.params = test::pattern(
                        std::min(limits::kChunkSizeMax - data, prng.below(300)), prng.next());
                }
                frame.data = test::pattern(data, prng.next());
                const auto bytes = test::raw_frame(frame.message, frame.flags, frame.id,
                                                   frame.envelope, frame.params, frame.data);
                stream.insert(stream.end(), bytes.begin(), bytes.end());
                expected.push_back(std::move(frame));
            }
            const size_t most[] = {7, 100, 1500, 4096, 70'000, 1 << 20};
            std::span<const uint8_t> rest(stream);
            while (!rest.empty()) {
                const size_t cut = std::min(rest.size(), size_t{1} + prng.below(300'000));
                const size_t limit = size_t{1} + prng.below(most[round % std::size(most)]);
                REQUIRE(feed(reader, rest.first(cut), limit, taker) == nullptr);
                rest = rest.subspan(cut);
            }
            REQUIRE(taker.seen.size() == expected.size());
            size_t held = 0;
            for (size_t i = 0; i < expected.size(); ++i) {
                CAPTURE(i);
                REQUIRE(taker.seen[i].message == expected[i].message);
                REQUIRE(taker.seen[i].flags == expected[i].flags);
                REQUIRE(taker.seen[i].id == expected[i].id);
                REQUIRE(taker.seen[i].envelope == expected[i].envelope);
                REQUIRE(taker.seen[i].params == expected[i].params);
                REQUIRE(taker.seen[i].data == expected[i].data);
                if (taker.hold) {  // what was held is unchanged after all the later reads
                    const Bytes& kept = taker.held[held++];
                    REQUIRE(std::equal(kept.span().begin(), kept.span().end(),
                                       expected[i].data.begin(), expected[i].data.end()));
                }
            }
            CHECK(reader.partial_size() == 0);
            crowded_rounds += blocks.crowded();
            kept.insert(kept.end(), taker.held.begin(), taker.held.end());
        }
        CHECK(crowded_rounds > 0);
        CHECK(crowded_rounds < 24);
    }
    CHECK(counter.now == 0);
}

TEST_CASE("payloads of 4 KiB and more are not moved on a stream of equal frames") {
    for (const size_t size : {4096u, 16384u, 65536u, 131072u}) {
        CAPTURE(size);
        ReadBlocks blocks(nullptr);
        FrameReader reader(blocks);
        Taker taker;
        const auto envelope = test::pattern(40, 1);
        const auto bytes =
            test::raw_frame(wire::Message::kTaskSubmit, 0, 1, envelope, {}, test::pattern(size, 2));
        std::vector<uint8_t> stream;
        for (int i = 0; i < 200; ++i) stream.insert(stream.end(), bytes.begin(), bytes.end());
        // Cuts that fall into the data: only a cut inside a frame's head has to be carried.
        std::span<const uint8_t> rest(stream);
        size_t at = 0;
        Prng prng(7);
        while (at < stream.size()) {
            size_t next = std::min(stream.size(), at + 1 + prng.below(400'000));
            const size_t inside = next % bytes.size();
            if (inside > 0 && inside < 100) next += 100 - inside;
            next = std::min(next, stream.size());
            REQUIRE(feed(reader, rest.subspan(at, next - at), SIZE_MAX, taker) == nullptr);
            at = next;
        }
        CHECK(taker.seen.size() == 200);
        CHECK(blocks.payload_bytes_copied == 0);
    }
}

TEST_CASE("memory for a frame that has only been announced grows with what arrived") {
    Counter counter;
    ReadBlocks blocks(&counter.hook);
    Taker taker;
    // A first read makes the shared block, which belongs to nobody in particular.
    FrameReader first(blocks);
    REQUIRE(feed(first, test::raw_frame(wire::Message::kHeartbeat, 0, 0, {}, {}, {}), 100, taker) ==
            nullptr);
    const size_t shared = counter.now;
    const auto large = test::raw_frame(wire::Message::kTaskSubmit, 0, 1, test::pattern(50000, 1),
                                       test::pattern(100'000, 2), test::pattern(150'000, 3));
    FrameReader reader(blocks);
    const size_t before = taker.seen.size();
    size_t given = 0;
    for (const size_t step : {5u, 200u, 4000u, 10000u, 30000u, 60000u}) {
        given = step;
        FrameReader fresh(blocks);
        REQUIRE(feed(fresh, std::span(large).first(given), 1000, taker) == nullptr);
        CHECK(counter.now - shared <= 4 * given + 64 * 1024 + 256);
    }
    REQUIRE(feed(reader, large, 3000, taker) == nullptr);
    CHECK(taker.seen.size() == before + 1);
    CHECK(taker.seen.back().data == test::pattern(150'000, 3));
    // Nothing is left behind by it.
    CHECK(counter.now == shared);
}

TEST_CASE("many unfinished frames do not keep many blocks") {
    Counter counter;
    ReadBlocks blocks(&counter.hook);
    Taker taker;
    const auto frame =
        test::raw_frame(wire::Message::kTaskSubmit, 0, 1, {}, {}, test::pattern(60'000, 1));
    const auto other =
        test::raw_frame(wire::Message::kTaskSubmit, 0, 2, {}, {}, test::pattern(200'000, 1));
    FrameReader busy(blocks);
    std::vector<std::unique_ptr<FrameReader>> slow;
    constexpr size_t kSlow = 200;
    for (size_t i = 0; i < kSlow; ++i) {
        slow.push_back(std::make_unique<FrameReader>(blocks));
        REQUIRE(feed(*slow.back(), std::span(frame).first(5000), 5000, taker) == nullptr);
        REQUIRE(feed(busy, other, 1 << 20, taker) == nullptr);
    }
    const size_t block = ReadBlocks::kReadSize + ReadBlocks::kTailSize;
    CHECK(counter.now <= (ReadBlocks::kPinsMax + ReadBlocks::kSpareMax + 1) * (block + 256) +
                             kSlow * (4 * 5000 + 64 * 1024 + 256));
    taker.seen.clear();
    for (auto& reader : slow) {
        REQUIRE(feed(*reader, std::span(frame).subspan(5000), 1 << 20, taker) == nullptr);
    }
    REQUIRE(taker.seen.size() == kSlow);
    for (const auto& seen : taker.seen) CHECK(seen.data == test::pattern(60'000, 1));
}

TEST_CASE("held payloads among much that passes through keep little more than themselves") {
    Counter counter;
    ReadBlocks blocks(&counter.hook);
    FrameReader gamer(blocks);
    FrameReader peer(blocks);
    Taker keeps;
    Taker passes;
    keeps.hold = true;
    constexpr size_t kHeld = 20'000;
    const auto held =
        test::raw_frame(wire::Message::kTaskSubmit, 0, 1, {}, {}, test::pattern(kHeld, 1));
    const auto passing =
        test::raw_frame(wire::Message::kTaskResult, 0, 2, {}, {}, test::pattern(150'000, 1));
    const size_t block = ReadBlocks::kReadSize + ReadBlocks::kTailSize + 256;
    constexpr size_t kCount = 600;
    for (size_t i = 0; i < kCount; ++i) {
        // Several frames of each at once, as they lie in the buffers of a busy system.
        REQUIRE(feed(gamer, held, 1 << 20, keeps) == nullptr);
        REQUIRE(feed(peer, passing, 1 << 20, passes) == nullptr);
        passes.seen.clear();
        keeps.seen.clear();
        CHECK(counter.now <= (i + 1) * (kHeld + 1000) + 40 * block);
    }
    CHECK(blocks.crowded());
    const auto expected = test::pattern(kHeld, 1);
    for (const Bytes& bytes : keeps.held) {
        REQUIRE(std::equal(expected.begin(), expected.end(), bytes.data()));
    }
    // Once they are gone reads are long and in place again.
    keeps.held.clear();
    keeps.hold = false;
    for (size_t i = 0; i < 200; ++i) {
        REQUIRE(feed(peer, passing, 1 << 20, passes) == nullptr);
        passes.seen.clear();
    }
    CHECK_FALSE(blocks.crowded());
    CHECK(counter.now <= (ReadBlocks::kSpareMax + 2) * block);
}

TEST_CASE("what nobody holds is read into again at once, and what is held is not") {
    ReadBlocks blocks(nullptr);
    FrameReader reader(blocks);
    FrameReader other(blocks);
    Taker passes;
    Taker keeps;
    keeps.hold = true;
    const auto frame =
        test::raw_frame(wire::Message::kTaskResult, 0, 1, {}, {}, test::pattern(900, 1));
    const auto where = [](FrameReader& of) {
        IoPiece pieces[2];
        REQUIRE(of.prepare(pieces) == 1);
        return static_cast<const uint8_t*>(pieces[0].data);
    };
    REQUIRE(feed(reader, frame, 1 << 20, keeps) == nullptr);
    const uint8_t* const behind = where(other);
    CHECK(behind >= keeps.held[0].data() + 900);
    for (int i = 0; i < 5; ++i) {
        REQUIRE(feed(other, frame, 1 << 20, passes) == nullptr);
        CHECK(where(other) == behind);
    }
    REQUIRE(feed(other, frame, 1 << 20, keeps) == nullptr);
    CHECK(where(other) >= keeps.held[1].data() + 900);
    const auto expected = test::pattern(900, 1);
    for (const Bytes& bytes : keeps.held) {
        CHECK(std::equal(expected.begin(), expected.end(), bytes.data()));
    }
}

TEST_CASE("a frame says which id stands behind it in the same read") {
    ReadBlocks blocks(nullptr);
    FrameReader reader(blocks);
    Taker taker;
    std::vector<uint64_t> next;
    taker.hook = [&](const wire::Frame& frame) { next.push_back(frame.next_id); };
    std::vector<uint8_t> bytes;
    for (const uint64_t id : {5, 6, 7}) {
        const auto frame =
            test::raw_frame(wire::Message::kTaskResult, 0, id, {}, {}, test::pattern(40, 1));
        bytes.insert(bytes.end(), frame.begin(), frame.end());
    }
    REQUIRE(feed(reader, bytes, 1 << 20, taker) == nullptr);
    CHECK(next == std::vector<uint64_t>{6, 7, 0});
    next.clear();
    // As much of the third as its head, and less.
    const size_t size = bytes.size() / 3;
    for (const size_t more : {limits::kFrameHeadSize, limits::kFrameHeadSize - 1}) {
        FrameReader cut(blocks);
        REQUIRE(feed(cut, std::span(bytes).first(2 * size + more), 1 << 20, taker) == nullptr);
    }
    CHECK(next == std::vector<uint64_t>{6, 7, 6, 0});
}

TEST_CASE("small frames are read in short stretches, of which a full one wants more") {
    ReadBlocks blocks(nullptr);
    FrameReader reader(blocks);
    Taker taker;
    const auto offered = [&] {
        IoPiece pieces[2];
        const size_t count = reader.prepare(pieces);
        size_t size = 0;
        for (size_t i = 0; i < count; ++i) size += pieces[i].size;
        return size;
    };
    const auto small =
        test::raw_frame(wire::Message::kTaskResult, 0, 1, {}, {}, test::pattern(900, 1));
    REQUIRE(feed(reader, small, 1 << 20, taker) == nullptr);
    CHECK_FALSE(reader.wants_more());
    CHECK(offered() == FrameReader::kSmallRead);
    std::vector<uint8_t> many;
    while (many.size() < FrameReader::kSmallRead)
        many.insert(many.end(), small.begin(), small.end());
    many.resize(FrameReader::kSmallRead);
    REQUIRE(feed(reader, many, 1 << 20, taker) == nullptr);
    CHECK(reader.wants_more());
    FrameReader fresh(blocks);
    const auto large =
        test::raw_frame(wire::Message::kTaskResult, 0, 2, {}, {}, test::pattern(20'000, 1));
    REQUIRE(feed(fresh, large, 1 << 20, taker) == nullptr);
    IoPiece pieces[2];
    REQUIRE(fresh.prepare(pieces) == 1);
    CHECK(pieces[0].size > FrameReader::kSmallRead);
    CHECK_FALSE(fresh.wants_more());
}

TEST_CASE("the data of a frame with a block of its own begins on a 64 byte boundary") {
    ReadBlocks blocks(nullptr);
    const auto large = test::raw_frame(wire::Message::kTaskSubmit, 0, 1, test::pattern(33, 1), {},
                                       test::pattern(200'000, 3));
    // More unfinished frames than may be completed in place: the last have blocks of their own.
    std::vector<std::unique_ptr<FrameReader>> readers;
    Taker taker;
    for (size_t i = 0; i <= ReadBlocks::kPinsMax + 2; ++i) {
        readers.push_back(std::make_unique<FrameReader>(blocks));
        REQUIRE(feed(*readers.back(), std::span(large).first(60'000), 60'000, taker) == nullptr);
    }
    taker.hook = [](const wire::Frame& frame) {
        CHECK(reinterpret_cast<uintptr_t>(frame.data.data()) % kPayloadAlign == 0);
    };
    REQUIRE(feed(*readers.back(), std::span(large).subspan(60'000), 9000, taker) == nullptr);
    REQUIRE(taker.seen.size() == 1);
    CHECK(taker.seen[0].data == test::pattern(200'000, 3));
}

TEST_CASE("a large continuation is received where the receiver wants it") {
    ReadBlocks blocks(nullptr);
    FrameReader reader(blocks);
    Taker taker;
    std::vector<uint8_t> place;
    uint64_t placed_id = 0;
    taker.placer = [&](uint64_t id, size_t size) {
        placed_id = id;
        place.assign(size, 0);
        return place.data();
    };
    const auto data = test::pattern(100'000, 5);
    const auto bytes =
        test::raw_frame(wire::Message::kTaskResult, wire::kFlagMore, 99, {}, {}, data);
    // What was received before has earned the memory.
    const auto warm = test::raw_frame(wire::Message::kTaskResult, 0, 1, test::pattern(9, 1), {},
                                      test::pattern(30'000, 1));
    REQUIRE(feed(reader, warm, 1 << 20, taker) == nullptr);
    taker.hook = [&](const wire::Frame& frame) { CHECK(frame.data.data() == place.data()); };
    std::vector<uint8_t> stream(bytes);
    const auto small = test::raw_frame(wire::Message::kHeartbeat, 0, 0, {}, {}, {});
    REQUIRE(feed(reader, std::span(stream).first(50), 50, taker) == nullptr);
    CHECK(placed_id == 99);
    CHECK(reader.partial_size() == data.size());
    CHECK(reader.partial_received() == 50 - 23);
    taker.hook = nullptr;
    std::vector<uint8_t> rest(stream.begin() + 50, stream.end());
    rest.insert(rest.end(), small.begin(), small.end());
    REQUIRE(feed(reader, rest, 1 << 20, taker) == nullptr);
    REQUIRE(taker.seen.size() == 3);
    CHECK(taker.seen[1].flags == wire::kFlagMore);
    CHECK(taker.seen[1].id == 99);
    CHECK(taker.seen[1].data == data);
    CHECK(place == data);
    CHECK(taker.seen[2].message == wire::Message::kHeartbeat);
}

TEST_CASE("placed memory is not touched after a reset inside the question") {
    ReadBlocks blocks(nullptr);
    FrameReader reader(blocks);
    Taker taker;
    uint8_t guard[32] = {};
    taker.placer = [&](uint64_t, size_t) {
        taker.open = false;
        reader.reset();
        return guard;
    };
    const auto bytes =
        test::raw_frame(wire::Message::kTaskResult, 0, 9, {}, {}, test::pattern(60'000, 5));
    REQUIRE(feed(reader, std::span(bytes).first(50'000), 50'000, taker) == nullptr);
    CHECK(std::count(std::begin(guard), std::end(guard), 0) == 32);
    CHECK(taker.seen.empty());
}

TEST_CASE("a reset inside a frame leaves its memory readable until the call returns") {
    for (const size_t limit : {size_t{3000}, size_t{100'000}, size_t{1} << 20}) {
        ReadBlocks blocks(nullptr);
        FrameReader reader(blocks);
        Taker taker;
        const auto data = test::pattern(120'000, 8);
        taker.hook = [&](const wire::Frame& frame) {
            reader.reset();
            taker.open = false;
            CHECK(std::equal(frame.data.begin(), frame.data.end(), data.begin(), data.end()));
        };
        const auto bytes =
            test::raw_frame(wire::Message::kTaskResult, 0, 9, test::pattern(5000, 2), {}, data);
        REQUIRE(feed(reader, bytes, limit, taker) == nullptr);
        CHECK(taker.seen.size() == 1);
    }
}

TEST_CASE("broken and too large frames are named at once and those before them arrive") {
    struct Case {
        std::vector<uint8_t> bytes;
        wire::FrameLimits limits;
    };
    const auto good = test::raw_frame(wire::Message::kHeartbeat, 0, 0, {}, {}, {});
    std::vector<Case> cases;
    cases.push_back({{0x95}, wire::kLimitsAfterLogin});
    cases.push_back({{0x96, 0xcd}, wire::kLimitsAfterLogin});
    auto wrong_bin = good;
    wrong_bin[14] = 0xa0;
    cases.push_back({wrong_bin, wire::kLimitsAfterLogin});
    auto huge = test::raw_frame(wire::Message::kHello, 0, 0, {}, {}, {});
    huge.resize(18);
    huge.insert(huge.end(), {0xc6, 0xff, 0xff, 0xff, 0xff});
    cases.push_back({huge, wire::kLimitsAfterLogin});
    cases.push_back(
        {test::raw_frame(wire::Message::kHello, 0, 0, {}, {}, test::pattern(4200, 1)), {}});
    for (const Case& one : cases) {
        for (const size_t limit : {size_t{1}, size_t{4096}}) {
            ReadBlocks blocks(nullptr);
            FrameReader reader(blocks);
            Taker taker;
            std::vector<uint8_t> stream(good);
            stream.insert(stream.end(), one.bytes.begin(), one.bytes.end());
            const char* why = feed(reader, stream, limit, taker, one.limits);
            REQUIRE(why != nullptr);
            CHECK(std::strlen(why) > 10);
            CHECK(taker.seen.size() == 1);
        }
    }
}
