// Limits of envelopes and fields, at their edge and one past it.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "unit/wire_raw.h"

using namespace p2c2r;
using namespace p2c2r::wire;
using namespace p2c2r::test;

TEST_CASE("limits: limits on nesting and counts hold at their edge and one past it") {
    const auto decode = decode_into<TaskTimeout>;
    // The envelope's own map is level 1, so 7 arrays inside make 8.
    const auto nested = [](int arrays) {
        Raw bytes = raw({0x81, 100});
        for (int i = 0; i < arrays; ++i) bytes.add({0x91});
        return bytes.add({0xc0}).bytes;
    };
    CHECK(why(decode(nested(7))) == "accepted");
    CHECK(why(decode(nested(8))) != "accepted");
    const auto maps = [](int count) {
        Raw bytes = raw({0x81, 100});
        for (int i = 0; i < count; ++i) bytes.add({0x81, 1});
        return bytes.add({0xc0}).bytes;
    };
    CHECK(why(decode(maps(7))) == "accepted");
    CHECK(why(decode(maps(8))) != "accepted");
    // A bomb of nested headers costs nothing: refused at the ninth.
    CHECK(why(decode(raw({0x81, 100}).raw(std::vector<uint8_t>(60000, 0x91)).bytes)) != "accepted");

    const auto array = [](size_t count) {
        Raw bytes =
            raw({0x81, 100, 0xdc, static_cast<int>(count >> 8), static_cast<int>(count & 255)});
        return bytes.raw(std::vector<uint8_t>(count, 0xc0)).bytes;
    };
    CHECK(why(decode(array(limits::kEnvelopeArrayMax))) == "accepted");
    CHECK(why(decode(array(limits::kEnvelopeArrayMax + 1))) != "accepted");
    const auto map = [](size_t count) {
        Raw bytes = raw({0x81, 100, 0xde, 0, static_cast<int>(count)});
        return bytes.raw(std::vector<uint8_t>(2 * count, 0x01)).bytes;
    };
    CHECK(why(decode(map(limits::kEnvelopeMapMax))) == "accepted");
    CHECK(why(decode(map(limits::kEnvelopeMapMax + 1))) != "accepted");
    const auto fields = [](int count) {
        Raw bytes = raw({0xde, 0, count});
        for (int i = 0; i < count; ++i) bytes.add({60 + i % 68, 0xc0});
        return bytes.bytes;
    };
    CHECK(why(decode(fields(64))) == "accepted");
    CHECK(why(decode(fields(65))) == "the envelope is not a map of at most 64 fields");
}

TEST_CASE("limits: each limit of a field holds at its edge and one past it") {
    struct Edge {
        Decode decode;
        std::vector<uint8_t> required;
        int required_count;
        uint8_t key;
        std::vector<uint8_t> fits;
        std::vector<uint8_t> past;
        const char* said;
    };
    const auto text = [](size_t size) { return Raw().text(std::string(size, 'x')).bytes; };
    const auto binary = [](size_t size) { return Raw().binary(size).bytes; };
    const auto ids = [](int count) {
        return raw({0xdc, 0, count}).raw(std::vector<uint8_t>(static_cast<size_t>(count), 9)).bytes;
    };
    const auto u64 = [](uint64_t value) {
        Raw bytes = raw({0xcf});
        for (int shift = 56; shift >= 0; shift -= 8)
            bytes.add({static_cast<int>(value >> shift & 255)});
        return bytes.bytes;
    };
    const auto pair = [&](uint64_t first, uint64_t second) {
        return raw({0x92}).raw(u64(first)).raw(u64(second)).bytes;
    };
    const std::vector<uint8_t> type = {field::kTaskType, 0xa1, 't'};
    const std::vector<uint8_t> attempt = nonce_field(field::kAttempt);
    const std::vector<Edge> edges = {
        {decode_into<TaskSubmit>,
         {},
         0,
         field::kTaskType,
         text(64),
         text(65),
         "task_type must be UTF-8 text of 1 to 64 bytes"},
        {decode_into<TaskSubmit>,
         {},
         0,
         field::kTaskType,
         text(1),
         text(0),
         "task_type must be UTF-8 text of 1 to 64 bytes"},
        {decode_into<TaskSubmit>, type, 1, field::kRequesterId, text(128), text(129),
         "requester_id must be UTF-8 text of at most 128 bytes"},
        {decode_into<TaskSubmit>,
         type,
         1,
         field::kPriority,
         {0x7f},
         {0xcc, 0x80},
         "priority must be an integer of -128 to 127"},
        {decode_into<TaskSubmit>,
         type,
         1,
         field::kPriority,
         {0xd0, 0x80},
         {0xd1, 0xff, 0x7f},
         "priority must be an integer of -128 to 127"},
        {decode_into<TaskSubmit>,
         type,
         1,
         field::kDeadline,
         {0},
         {0xff},
         "deadline must be an unsigned integer of microseconds"},
        {decode_into<TaskSubmit>, type, 1, field::kCircle, {3}, {4}, "circle must be 0 to 3"},
        {decode_into<TaskSubmit>, type, 1, field::kVerify, {4}, {5}, "verify must be 0 to 4"},
        {decode_into<TaskSubmit>, type, 1, field::kTaskFlags, u64(0xffffffff), u64(0x100000000),
         "task_flags must be an unsigned integer of 32 bits"},
        {decode_into<TaskSubmit>, type, 1, field::kDigest, binary(32), binary(33),
         "digest must be 32 bytes of bin"},
        {decode_into<TaskSubmit>, type, 1, field::kDigest, binary(32), binary(31),
         "digest must be 32 bytes of bin"},
        {decode_into<TaskSubmit>, type, 1, field::kDependsOn, ids(16), ids(17),
         "depends_on must be an array of at most 16 task ids"},
        {decode_into<TaskSubmit>, type, 1, field::kSizes, pair((1ull << 53) - 1, 0),
         pair(1ull << 53, 0), "sizes must be [params_size, data_size] below 2^53 each"},
        {decode_into<TaskSubmit>,
         type,
         1,
         field::kSizes,
         {0x92, 1, 2},
         {0x93, 1, 2, 3},
         "sizes must be [params_size, data_size] below 2^53 each"},
        {decode_into<wire::TaskResult>, attempt, 1, field::kError, text(1024), text(1025),
         "error must be UTF-8 text of at most 1024 bytes"},
        {decode_into<wire::TaskResult>, attempt, 1, field::kField, text(128), text(129),
         "field must be UTF-8 text of at most 128 bytes"},
        {decode_into<wire::TaskResult>,
         attempt,
         1,
         field::kStatus,
         {0},
         {1},
         "status must be 0 or a negative number of 32 bits"},
        {decode_into<wire::TaskResult>,
         attempt,
         1,
         field::kStatus,
         {0xd2, 0x80, 0, 0, 0},
         {0xd3, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff},
         "status must be 0 or a negative number of 32 bits"},
        {decode_into<wire::TaskResult>,
         attempt,
         1,
         field::kLoad,
         {0xca, 0x3f, 0x80, 0, 0},
         {0xca, 0x3f, 0x80, 0, 1},
         "load must be a number of 0 to 1"},
        {decode_into<wire::TaskResult>,
         attempt,
         1,
         field::kLoad,
         {0},
         {0xca, 0x7f, 0xc0, 0, 0},
         "load must be a number of 0 to 1"},
        {decode_into<wire::TaskResult>,
         attempt,
         1,
         field::kLoad,
         {1},
         {0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0},
         "load must be a number of 0 to 1"},
        {decode_into<ResultDelivery>, {}, 0, field::kSource, {6}, {7}, "source must be 0 to 6"},
        {decode_into<ResultDelivery>, {}, 0, field::kCoding, {1}, {2}, "coding must be 0 or 1"},
        {decode_into<wire::TaskResult>,
         attempt,
         1,
         field::kPlainSizes,
         {0x92, 1, 2},
         {0x91, 1},
         "plain_sizes must be [params_size, data_size] below 2^53 each"},
        {decode_into<TaskAssign>, joined({type, attempt}), 2, field::kTaskFlags, u64(0xffffffff),
         u64(0x100000000), "task_flags must be an unsigned integer of 32 bits"},
        {decode_into<TaskRefuse>,
         attempt,
         1,
         field::kStatus,
         {0xff},
         {0},
         "status of a refusal must be a negative number of 32 bits"},
        {decode_into<PeerDisconnect>,
         {},
         0,
         field::kReason,
         text(1024),
         text(1025),
         "reason must be UTF-8 text of at most 1024 bytes"},
        {decode_into<GamerRegister>,
         {},
         0,
         field::kToken,
         binary(1024),
         binary(1025),
         "token must be bin of at most 1024 bytes"},
        {decode_into<GamerRegister>,
         {},
         0,
         field::kClientId,
         text(128),
         text(129),
         "client_id must be UTF-8 text of at most 128 bytes"},
        {decode_into<Call>,
         {},
         0,
         field::kName,
         text(64),
         text(65),
         "name must be UTF-8 text of 1 to 64 bytes"},
        {decode_into<HelloResponse>,
         {field::kVersion, 1},
         1,
         field::kLoginMethods,
         ids(16),
         ids(17),
         "login_methods must be an array of at most 16 unsigned integers"},
        {decode_into<HelloResponse>,
         {field::kVersion, 1},
         1,
         field::kLibrary,
         text(128),
         text(129),
         "library must be UTF-8 text of at most 128 bytes"},
    };
    for (const Edge& edge : edges) {
        INFO(edge.said);
        const auto whole = [&](const std::vector<uint8_t>& value) {
            return raw({0x80 | (edge.required_count + 1)})
                .raw(edge.required)
                .add({edge.key})
                .raw(value)
                .bytes;
        };
        CHECK(why(edge.decode(whole(edge.fits))) == "accepted");
        CHECK(why(edge.decode(whole(edge.past))) == edge.said);
    }
}
