#include "wire/frame.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/prng.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::wire;
using Kind = FrameParse::Kind;

namespace {

using Blob = std::vector<uint8_t>;

Blob random_blob(Prng& prng, size_t size) {
    Blob blob(size);
    for (uint8_t& byte : blob) byte = static_cast<uint8_t>(prng.next());
    return blob;
}

Blob build(Message message, uint8_t flags, uint64_t id, const Blob& envelope, const Blob& params,
           const Blob& data) {
    Blob out(kFrameHeadMax + envelope.size() + params.size() + data.size());
    size_t size = write_frame_start(out.data(), message, flags, id, envelope, params.size());
    std::copy(params.begin(), params.end(), out.begin() + static_cast<std::ptrdiff_t>(size));
    size += params.size();
    size += write_bin_header(out.data() + size, data.size());
    std::copy(data.begin(), data.end(), out.begin() + static_cast<std::ptrdiff_t>(size));
    out.resize(size + data.size());
    return out;
}

// A copy in memory of exactly its size, so that a sanitizer sees any read past the end.
FrameParse parse_exact(std::span<const uint8_t> bytes, const FrameLimits& frame_limits) {
    const auto exact = std::make_unique<uint8_t[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), exact.get());
    FrameParse parse = parse_frame({exact.get(), bytes.size()}, frame_limits);
    parse.frame = Frame{};  // points into memory that is gone
    return parse;
}

Blob text(const char* literal) {
    return Blob(literal, literal + std::strlen(literal));
}

std::string why_broken(const Blob& bytes, const FrameLimits& frame_limits = kLimitsAfterLogin) {
    const FrameParse parse = parse_exact(bytes, frame_limits);
    REQUIRE(parse.kind == Kind::kBroken);
    REQUIRE(parse.why != nullptr);
    return parse.why;
}

}  // namespace

TEST_CASE("frame: the bytes are those of the document") {
    const Blob frame = build(Message::kTaskSubmit, kFlagMore, 0x0102030405060708ull,
                             {0x81, 0x10, 0xa4, 'e', 'c', 'h', 'o'}, {0x80}, text("hi"));
    const Blob golden = {0x96, 0xcc, 20,   0xcc, 1,    0xcf, 1,    2,   3,   4,   5,   6,
                         7,    8,    0xc4, 7,    0x81, 0x10, 0xa4, 'e', 'c', 'h', 'o',  // envelope
                         0xc4, 1,    0x80,                                              // params
                         0xc4, 2,    'h',  'i'};                                        // data
    CHECK(frame == golden);
}

TEST_CASE("frame: any message number flags id and sizes come back as they went") {
    Prng prng(test::seed());
    const size_t sizes[] = {0, 1, 2, 63, 255, 256, 257, 4000, 65535, 65536, 70000};
    for (int round = 0; round < 300; ++round) {
        const Blob envelope = random_blob(prng, sizes[prng.below(8)]);
        const Blob params = random_blob(prng, sizes[prng.below(11)]);
        const Blob data = random_blob(prng, sizes[prng.below(11)]);
        const uint64_t id = prng.next();
        const auto message = static_cast<Message>(prng.below(256));
        const auto flags = static_cast<uint8_t>(prng.below(256));
        const Blob bytes = build(message, flags, id, envelope, params, data);
        const FrameParse parse = parse_frame(bytes, kLimitsAfterLogin);
        REQUIRE(parse.kind == Kind::kFrame);
        CHECK(parse.size == bytes.size());
        CHECK(parse.data_offset == bytes.size() - data.size());
        CHECK(parse.frame.message == message);
        CHECK(parse.frame.flags == flags);
        CHECK(parse.frame.id == id);
        CHECK(std::ranges::equal(parse.frame.envelope, envelope));
        CHECK(std::ranges::equal(parse.frame.params, params));
        CHECK(std::ranges::equal(parse.frame.data, data));
    }
}

TEST_CASE("frame: every prefix needs more and never asks for more than the frame has") {
    Prng prng(test::seed());
    for (const size_t params_size : {0u, 1u, 300u}) {
        for (const size_t data_size : {0u, 1u, 300u, 66000u}) {
            const Blob bytes = build(Message::kTaskResult, 0, prng.next(), random_blob(prng, 40),
                                     random_blob(prng, params_size), random_blob(prng, data_size));
            size_t asked = 0;
            const size_t whole_known = bytes.size() - data_size;
            for (size_t size = 0; size < bytes.size(); size += size < 400 ? 1 : 997) {
                const FrameParse parse = parse_exact({bytes.data(), size}, kLimitsAfterLogin);
                REQUIRE(parse.kind == Kind::kNeedMore);
                REQUIRE(parse.size > size);
                REQUIRE(parse.size <= bytes.size());
                REQUIRE(parse.size >= asked);
                asked = parse.size;
                REQUIRE(parse.data_offset == (size >= whole_known ? whole_known : 0));
                if (size >= whole_known) REQUIRE(parse.size == bytes.size());
            }
        }
    }
}

TEST_CASE("frame: the head of a frame whose data is still to come can be read") {
    const Blob bytes = build(Message::kTaskResult, kFlagMore, 77, {}, {}, Blob(1000, 0x55));
    const FrameParse parse = parse_frame(std::span(bytes).first(100), kLimitsAfterLogin);
    REQUIRE(parse.kind == Kind::kNeedMore);
    CHECK(parse.data_offset == bytes.size() - 1000);
    CHECK(parse.size == bytes.size());
    CHECK(parse.frame.message == Message::kTaskResult);
    CHECK(parse.frame.flags == kFlagMore);
    CHECK(parse.frame.id == 77);
    CHECK(parse.frame.envelope.empty());
    CHECK(parse.frame.params.empty());
    CHECK(parse.frame.data.empty());
}

TEST_CASE("frame: a stream cut at any byte gives the same frames") {
    Prng prng(test::seed());
    Blob stream;
    std::vector<Blob> frames;
    for (int i = 0; i < 20; ++i) {
        frames.push_back(build(Message::kTaskSubmit, 0, prng.next(), random_blob(prng, 30),
                               random_blob(prng, prng.below(300)),
                               random_blob(prng, prng.below(600))));
        stream.insert(stream.end(), frames.back().begin(), frames.back().end());
    }
    for (int round = 0; round < 50; ++round) {
        std::vector<Blob> seen;
        Blob waiting;
        for (size_t at = 0; at < stream.size();) {
            const size_t piece = std::min<size_t>(1 + prng.below(200), stream.size() - at);
            waiting.insert(waiting.end(), stream.begin() + static_cast<std::ptrdiff_t>(at),
                           stream.begin() + static_cast<std::ptrdiff_t>(at + piece));
            at += piece;
            for (;;) {
                const FrameParse parse = parse_frame(waiting, kLimitsAfterLogin);
                if (parse.kind != Kind::kFrame) {
                    REQUIRE(parse.kind == Kind::kNeedMore);
                    break;
                }
                const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(parse.size);
                seen.emplace_back(waiting.begin(), end);
                waiting.erase(waiting.begin(), end);
            }
        }
        CHECK(seen == frames);
        CHECK(waiting.empty());
    }
}

TEST_CASE("frame: a wrong fixed byte is broken as soon as it is there") {
    const Blob good = build(Message::kHeartbeat, 0, 0, {0x80}, {}, {});
    for (const size_t offset : {0u, 1u, 3u, 5u}) {
        for (int value = 0; value < 256; ++value) {
            if (value == good[offset]) continue;
            Blob bytes = good;
            bytes[offset] = static_cast<uint8_t>(value);
            CHECK(parse_exact(bytes, kLimitsAfterLogin).kind == Kind::kBroken);
            bytes.resize(offset + 1);
            CHECK(parse_exact(bytes, kLimitsAfterLogin).kind == Kind::kBroken);
        }
    }
    CHECK(why_broken(text("GET / HTTP/1.1")).find("array of 6") != std::string::npos);
}

TEST_CASE("frame: only bin is accepted for the three parts") {
    for (const size_t part : {14u, 17u, 19u}) {  // envelope, params, data
        for (int value = 0; value < 256; ++value) {
            Blob bytes = build(Message::kHeartbeat, 0, 0, {0x80}, {}, {});
            if (value >= 0xc4 && value <= 0xc6) continue;
            bytes[part] = static_cast<uint8_t>(value);
            CHECK(why_broken(bytes) == "envelope, params and data of a frame must be bin");
        }
    }
}

TEST_CASE("frame: a bin header that is longer than needed is refused") {
    const Blob head = {0x96, 0xcc, 30, 0xcc, 0, 0xcf, 0, 0, 0, 0, 0, 0, 0, 0};
    const std::vector<Blob> headers = {{0xc5, 0, 0},
                                       {0xc5, 0, 255},
                                       {0xc6, 0, 0, 0, 0},
                                       {0xc6, 0, 0, 0, 1},
                                       {0xc6, 0, 0, 255, 255}};
    const Blob empty = {0xc4, 0};
    for (int part = 0; part < 3; ++part) {
        for (const Blob& header : headers) {
            Blob bytes = head;
            for (int i = 0; i < part; ++i) bytes.insert(bytes.end(), empty.begin(), empty.end());
            bytes.insert(bytes.end(), header.begin(), header.end());
            CHECK(why_broken(bytes) == "a bin header of a frame is not in its shortest form");
        }
    }
}

TEST_CASE("frame: each limit holds at its edge and one past it is broken") {
    const FrameLimits before;
    const Blob one(1, 0x80);
    SUBCASE("envelope before login") {
        const Blob fits(before.envelope_size_max, 0x80);
        const Blob past(before.envelope_size_max + 1, 0x80);
        CHECK(parse_frame(build(Message::kHello, 0, 0, fits, {}, {}), before).kind == Kind::kFrame);
        CHECK(why_broken(build(Message::kHello, 0, 0, past, {}, {}), before) ==
              "the envelope is too large");
    }
    SUBCASE("frame before login") {
        const size_t rest = before.frame_size_max - (limits::kFrameHeadSize + 3 + 2 + 3);
        const Blob fits = build(Message::kHello, 0, 0, one, {}, Blob(rest, 7));
        const Blob past = build(Message::kHello, 0, 0, one, {}, Blob(rest + 1, 7));
        REQUIRE(fits.size() == before.frame_size_max);
        CHECK(parse_frame(fits, before).kind == Kind::kFrame);
        CHECK(why_broken(past, before) == "the frame is too large");
    }
    SUBCASE("envelope after login") {
        const Blob fits(limits::kEnvelopeSizeMax, 0x80);
        const Blob past(limits::kEnvelopeSizeMax + 1, 0x80);
        CHECK(parse_frame(build(Message::kCall, 0, 0, fits, {}, {}), kLimitsAfterLogin).kind ==
              Kind::kFrame);
        CHECK(why_broken(build(Message::kCall, 0, 0, past, {}, {})) == "the envelope is too large");
    }
    SUBCASE("params and data of one frame") {
        const Blob largest(limits::kChunkSizeMax, 7);
        const Blob envelope(limits::kEnvelopeSizeMax, 0x80);
        const Message submit = Message::kTaskSubmit;
        CHECK(parse_frame(build(submit, 1, 9, envelope, largest, {}), kLimitsAfterLogin).kind ==
              Kind::kFrame);
        CHECK(parse_frame(build(submit, 1, 9, envelope, {}, largest), kLimitsAfterLogin).kind ==
              Kind::kFrame);
        CHECK(why_broken(build(submit, 1, 9, one, one, largest)) ==
              "params and data of a frame exceed 256 KiB");
        CHECK(why_broken(build(submit, 1, 9, one, largest, one)) ==
              "params and data of a frame exceed 256 KiB");
        CHECK(why_broken(build(submit, 1, 9, one, Blob(limits::kChunkSizeMax + 1), {})) ==
              "params of a frame exceed 256 KiB");
    }
}

TEST_CASE("frame: a length lie is found from its header alone") {
    const Blob head = {0x96, 0xcc, 20, 0xcc, 0, 0xcf, 0, 0, 0, 0, 0, 0, 0, 0};
    const Blob lie = {0xc6, 0xff, 0xff, 0xff, 0xff};
    for (int part = 0; part < 3; ++part) {
        Blob bytes = head;
        for (int i = 0; i < part; ++i) bytes.insert(bytes.end(), {0xc4, 0});
        bytes.insert(bytes.end(), lie.begin(), lie.end());
        CHECK(parse_exact(bytes, kLimitsAfterLogin).kind == Kind::kBroken);
        CHECK(parse_exact(bytes, FrameLimits{}).kind == Kind::kBroken);
    }
}

TEST_CASE("frame: random bytes are broken or wait for more but never ask past the limit") {
    Prng prng(test::seed());
    for (int round = 0; round < 20000; ++round) {
        Blob bytes = build(static_cast<Message>(prng.below(256)), 0, prng.next(),
                           random_blob(prng, prng.below(20)), random_blob(prng, prng.below(20)),
                           random_blob(prng, prng.below(20)));
        for (uint64_t hits = 1 + prng.below(3); hits > 0; --hits) {
            bytes[prng.below(bytes.size())] = static_cast<uint8_t>(prng.next());
        }
        bytes.resize(prng.below(bytes.size() + 1));
        const FrameParse parse = parse_exact(bytes, FrameLimits{});
        if (parse.kind == Kind::kNeedMore) {
            CHECK(parse.size <= limits::kFrameSizeMaxBeforeLogin);
            CHECK(parse.size > bytes.size());
        }
        if (parse.kind == Kind::kFrame) CHECK(parse.size <= bytes.size());
        if (parse.kind == Kind::kBroken) CHECK(parse.why != nullptr);
    }
}

TEST_CASE("frame: what is said of a small frame at once is what the parser says") {
    Prng prng(test::seed());
    int taken = 0;
    for (int round = 0; round < 20000; ++round) {
        const size_t part = prng.chance(0.2) ? 400 : 20;
        Blob bytes = build(static_cast<Message>(prng.below(256)),
                           static_cast<uint8_t>(prng.below(4)), prng.next(),
                           random_blob(prng, prng.below(part)), random_blob(prng, prng.below(part)),
                           random_blob(prng, prng.below(prng.chance(0.05) ? 70'000 : part)));
        const bool is_whole = prng.chance(0.5);
        if (!is_whole) {
            for (uint64_t hits = prng.below(3); hits > 0; --hits) {
                bytes[prng.below(std::min<size_t>(bytes.size(), 40))] =
                    static_cast<uint8_t>(prng.next());
            }
            bytes.resize(prng.below(bytes.size() + 1));
        } else {
            bytes.resize(bytes.size() + prng.below(40));  // the next frame's beginning
        }
        const auto exact = std::make_unique<uint8_t[]>(bytes.size());
        std::copy(bytes.begin(), bytes.end(), exact.get());
        const std::span<const uint8_t> given(exact.get(), bytes.size());
        const FrameLimits frame_limits = prng.chance(0.5) ? FrameLimits{} : kLimitsAfterLogin;
        Frame frame;
        const size_t size = parse_small_frame(given, frame_limits, frame);
        if (size == 0) continue;
        ++taken;
        const FrameParse parse = parse_frame(given, frame_limits);
        REQUIRE(parse.kind == Kind::kFrame);
        CHECK(parse.size == size);
        CHECK(parse.frame.message == frame.message);
        CHECK(parse.frame.flags == frame.flags);
        CHECK(parse.frame.id == frame.id);
        const auto same = [](std::span<const uint8_t> a, std::span<const uint8_t> b) {
            return a.data() == b.data() && a.size() == b.size();
        };
        CHECK(same(parse.frame.envelope, frame.envelope));
        CHECK(same(parse.frame.params, frame.params));
        CHECK(same(parse.frame.data, frame.data));
    }
    CHECK(taken > 5000);
}

TEST_CASE("frame: the task id is rewritten in place and nothing else changes") {
    Blob bytes = build(Message::kTaskResult, 2, 5, {0x80}, {0x80}, text("data"));
    const Blob expected =
        build(Message::kTaskResult, 2, 0xFEDCBA9876543210ull, {0x80}, {0x80}, text("data"));
    rewrite_id(bytes.data(), 0xFEDCBA9876543210ull);
    CHECK(bytes == expected);
}

TEST_CASE("frame: every message has one name that finds it again") {
    int named = 0;
    for (int number = 0; number < 256; ++number) {
        const char* name = message_name(static_cast<Message>(number));
        if (!name) continue;
        ++named;
        CHECK(message_by_name(name) == static_cast<Message>(number));
    }
    CHECK(named == 22);
    CHECK(message_name(Message::kNone) == nullptr);
    CHECK(message_by_name("") == Message::kNone);
    CHECK(message_by_name("task_submi") == Message::kNone);
}

TEST_CASE("frame: aliases of the first contract have the number of their canonical message") {
    const std::pair<const char*, const char*> aliases[] = {
        {"register_peer", "peer_register"},
        {"register_user", "gamer_register"},
        {"register_gamer", "gamer_register"},
        {"registration_ack", "peer_register_response"},
        {"registered", "gamer_register_response"},
        {"task_request", "task_submit"},
        {"task_assignment", "task_assign"},
        {"execute_task", "task_assign"},
        {"task_failure", "task_result"},
        {"task_error", "result_delivery"},
        {"error", "goodbye"},
    };
    for (const auto& [alias, canonical] : aliases) {
        CHECK(message_by_name(alias) != Message::kNone);
        CHECK(message_by_name(alias) == message_by_name(canonical));
        CHECK(message_name(message_by_name(alias)) == std::string(canonical));
    }
}
