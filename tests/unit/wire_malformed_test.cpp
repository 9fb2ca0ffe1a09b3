// What the envelope decoder refuses, and that it says why and names the field.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "unit/wire_raw.h"

using namespace p2c2r;
using namespace p2c2r::wire;
using namespace p2c2r::test;

TEST_CASE("malformed: the smallest form of each message is accepted and nothing may be missing") {
    for (const Kind& kind : kinds()) {
        INFO(kind.message);
        CHECK(why(kind.decode(with_more(kind, 0, {}))) == "accepted");
        const std::string missing = why(kind.decode(raw({0x80}).bytes));
        if (kind.required_count == 0) {
            CHECK(missing == "accepted");
        } else {
            CHECK(missing.find(" is missing") != std::string::npos);
        }
    }
}

TEST_CASE("malformed: a wrong type is refused with a text that starts with the field's name") {
    // nil, a map of one, an array of one nil, an extension, a float that is no integer, a negative
    // one below every range, and the byte that MessagePack never uses.
    const std::vector<std::vector<uint8_t>> wrong = {
        {0xc0}, {0x81, 0xc0, 0xc0}, {0x91, 0xc0}, {0xd4, 1, 1}, {0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0},
        {0xc1}};
    for (const Kind& kind : kinds()) {
        for (const Field& known : kind.known) {
            INFO(kind.message, " ", known.name);
            for (const auto& value : wrong) {
                const std::string said = why(kind.decode(raw({0x81, known.key}).raw(value).bytes));
                CHECK(starts_with(said, known.name));
            }
            // Cut after the key.
            CHECK(why(kind.decode(raw({0x81, known.key}).bytes)) != "accepted");
        }
    }
}

TEST_CASE("malformed: fields that this version does not know are skipped whatever they hold") {
    const std::vector<std::vector<uint8_t>> values = {
        {0xc0},
        {0xc3},
        {0x05},
        {0xff},
        {0xcc, 200},
        {0xcd, 1, 2},
        {0xce, 1, 2, 3, 4},
        {0xcf, 1, 2, 3, 4, 5, 6, 7, 8},
        {0xd0, 0x80},
        {0xd1, 0x80, 0},
        {0xd2, 0x80, 0, 0, 0},
        {0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0},
        {0xca, 0x7f, 0xc0, 0, 0},  // NaN: of no concern here
        {0xcb, 1, 2, 3, 4, 5, 6, 7, 8},
        {0xa3, 'a', 'b', 'c'},
        {0xd9, 2, 'a', 'b'},
        {0xda, 0, 1, 'a'},
        {0xdb, 0, 0, 0, 1, 'a'},
        {0xc4, 2, 1, 2},
        {0xc5, 0, 1, 9},
        {0xc6, 0, 0, 0, 1, 9},
        {0x92, 1, 0xa1, 'x'},
        {0xdc, 0, 1, 7},
        {0xdd, 0, 0, 0, 1, 7},
        {0x81, 0xa1, 'k', 0x91, 0x80},
        {0xde, 0, 1, 1, 2},
        {0xdf, 0, 0, 0, 1, 1, 2},
    };
    for (const Kind& kind : kinds()) {
        for (const auto& value : values) {
            INFO(kind.message, " ", static_cast<int>(value[0]));
            const auto two = raw({100}).raw(value).add({127}).raw(value).bytes;
            CHECK(why(kind.decode(with_more(kind, 2, two))) == "accepted");
            // The same, each byte cut off.
            for (size_t cut = 1; cut < value.size(); ++cut) {
                auto whole = with_more(kind, 1, raw({100}).raw(value).bytes);
                whole.resize(whole.size() - cut);
                CHECK(why(kind.decode(whole)) != "accepted");
            }
        }
    }
}

TEST_CASE("malformed: the envelope itself") {
    for (const Kind& kind : kinds()) {
        INFO(kind.message);
        CHECK(why(kind.decode({})) == "the envelope is not a map of at most 64 fields");
        CHECK(why(kind.decode(raw({0x90}).bytes)) ==
              "the envelope is not a map of at most 64 fields");
        CHECK(why(kind.decode(raw({0xc0}).bytes)) ==
              "the envelope is not a map of at most 64 fields");
        CHECK(why(kind.decode(raw({0xdf, 0xff, 0xff, 0xff, 0xff}).bytes)) ==
              "the envelope is not a map of at most 64 fields");
        CHECK(why(kind.decode(with_more(kind, 1, {}))) ==
              "the envelope ends in the middle of a field");
        CHECK(why(kind.decode(with_more(kind, 0, {0xc0}))) ==
              "bytes follow the last field of the envelope");
        for (const int key : {0x80, 0x90, 0xa1, 0xc0, 0xcc, 0xd0, 0xe0, 0xff}) {
            CHECK(why(kind.decode(with_more(kind, 1, raw({key, 1, 1}).bytes))) ==
                  "a field number of the envelope is not 0 to 127 in one byte");
        }
        // A field twice: unknown ones, and each known one that is required.
        CHECK(why(kind.decode(with_more(kind, 2, {100, 1, 100, 1}))) ==
              "a field of the envelope is given twice");
        if (kind.required_count == 1) {
            CHECK(why(kind.decode(with_more(kind, 1, kind.required))) ==
                  "a field of the envelope is given twice");
        }
        for (const int form : {0xc1, 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8}) {
            const auto unknown = raw({100, form, 0, 0, 0, 0, 0, 0, 0, 0, 0}).bytes;
            CHECK(why(kind.decode(with_more(kind, 1, unknown))) ==
                  "an unknown field of the envelope is malformed or nested too deeply");
        }
    }
}

TEST_CASE("malformed: text that is no UTF-8 is refused wherever text is expected") {
    int texts = 0;
    for (const Kind& kind : kinds()) {
        for (const Field& known : kind.known) {
            const std::vector<uint8_t> good = {0xa2, 'a', 'b'};
            const std::vector<uint8_t> bad = {0xa2, 0xc3, 0x28};
            const auto whole = [&](const std::vector<uint8_t>& value) {
                return raw({0x81, known.key}).raw(value).bytes;
            };
            // Only texts take the good one.
            const std::string said = why(kind.decode(whole(good)));
            if (starts_with(said, known.name) && said.find(" is missing") == std::string::npos) {
                continue;
            }
            INFO(kind.message, " ", known.name);
            CHECK(starts_with(why(kind.decode(whole(bad))), known.name));
            ++texts;
        }
    }
    CHECK(texts == 24);
}

TEST_CASE("malformed: capabilities") {
    const auto decode = [](const Raw& capabilities) {
        return why(decode_into<PeerRegister>(
            raw({0x81, field::kCapabilities}).raw(capabilities.bytes).bytes));
    };
    CHECK(decode(raw({0x80})) == "accepted");
    CHECK(decode(raw({0x81}).text("new_key").add({0x91, 0x80})) == "accepted");
    CHECK(decode(raw({0x81}).text("cpu_cores").add({0xff})) ==
          "cpu_cores must be an unsigned integer of 32 bits");
    CHECK(decode(raw({0x81}).text("ram_gb").add({0xca, 0x7f, 0xc0, 0, 0})) ==
          "ram_gb must be a number of at least 0");
    CHECK(decode(raw({0x81}).text("ram_gb").add({0xff})) ==
          "ram_gb must be a number of at least 0");
    CHECK(decode(raw({0x81}).text("gpu").add({1})) == "gpu must be true or false");
    CHECK(decode(raw({0x81}).text("gpu_model").text(std::string(129, 'x'))) ==
          "gpu_model must be UTF-8 text of at most 128 bytes");
    CHECK(decode(raw({0x81}).text("gpu_vram_gb").add({0xc3})) ==
          "gpu_vram_gb must be a number of at least 0");
    CHECK(decode(raw({0x81}).text("network_mbps").add({0xc3})) ==
          "network_mbps must be a number of at least 0");
    CHECK(decode(raw({0x81}).text("location").add({0xc4, 0})) ==
          "location must be UTF-8 text of at most 128 bytes");
    Raw many = raw({0x81}).text("task_types").add({0xdc, 0, 64});
    for (int i = 0; i < 64; ++i) many.text("t");
    CHECK(decode(many) == "accepted");
    many = raw({0x81}).text("task_types").add({0xdc, 0, 65});
    for (int i = 0; i < 65; ++i) many.text("t");
    CHECK(decode(many) == "task_types must be an array of at most 64 texts of 1 to 64 bytes");
    CHECK(decode(raw({0x81}).text("task_types").add({0x91, 0xa0})) ==
          "task_types must be an array of at most 64 texts of 1 to 64 bytes");
    const std::string twice = "capabilities must be a map of at most 64 names, each given once";
    CHECK(decode(raw({0x82}).text("gpu").add({0xc3}).text("gpu").add({0xc2})) == twice);
    CHECK(decode(raw({0x82}).text("x").add({0xc3}).text("x").add({0xc2})) == twice);
    CHECK(decode(raw({0x81, 5, 5})) == twice);
    CHECK(decode(raw({0x81}).text("x").add({0xc1})) == twice);
}

TEST_CASE("malformed: a speed is a number of at least 0 and nothing else") {
    const auto registered = [](const Raw& speed) {
        return why(decode_into<PeerRegister>(
            raw({0x82, field::kCapabilities, 0x80, field::kSpeed}).raw(speed.bytes).bytes));
    };
    const auto beaten = [](const Raw& speed) {
        return why(decode_into<Heartbeat>(raw({0x81, field::kSpeed}).raw(speed.bytes).bytes));
    };
    const std::vector<Raw> good = {raw({0}), raw({7}), raw({0xca, 0x3f, 0x80, 0, 0}),
                                   // 1e300, more than a float holds
                                   raw({0xcb, 0x7e, 0x37, 0xe4, 0x3c, 0x88, 0, 0x75, 0x9c})};
    const std::vector<Raw> bad = {raw({0xff}),                    // -1
                                  raw({0xca, 0xbf, 0x80, 0, 0}),  // -1.0
                                  raw({0xca, 0x7f, 0xc0, 0, 0}),  // NaN
                                  raw({0xca, 0x7f, 0x80, 0, 0}),  // infinity
                                  raw({0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0}),
                                  raw({0xa1, '1'}),
                                  raw({0xc0})};
    for (const Raw& speed : good) {
        CHECK(registered(speed) == "accepted");
        CHECK(beaten(speed) == "accepted");
    }
    for (const Raw& speed : bad) {
        CHECK(registered(speed) == "speed must be a number of at least 0");
        CHECK(beaten(speed) == "speed must be a number of at least 0");
    }
}

TEST_CASE("malformed: resource_usage") {
    const auto decode = [](const Raw& usage) {
        return why(decode_into<wire::TaskResult>(raw({0x82})
                                                     .raw(nonce_field(field::kAttempt))
                                                     .add({field::kResourceUsage})
                                                     .raw(usage.bytes)
                                                     .bytes));
    };
    CHECK(decode(raw({0x80})) == "accepted");
    CHECK(decode(raw({0x82}).text("memory_peak").add({5}).text("cpu_ms").add({0x90})) ==
          "accepted");
    CHECK(starts_with(decode(raw({0x81}).text("memory_peak").add({0xff})), "resource_usage"));
    CHECK(starts_with(decode(raw({0x82}).text("memory_peak").add({5}).text("memory_peak").add({5})),
                      "resource_usage"));
    CHECK(starts_with(decode(raw({0x81, 1, 1})), "resource_usage"));
}

TEST_CASE("malformed: a response has one id and a status of the future reads as internal") {
    CHECK(why(decode_into<RegisterResponse>(raw({0x83, field::kSuccess, 0xc3, field::kPeerId, 0xa1,
                                                 'p', field::kClientId, 0xa1, 'c'})
                                                .bytes)) ==
          "peer_id and client_id exclude each other");
    Goodbye goodbye;
    const auto later = raw({0x81, field::kStatus, 0xd1, 0xfc, 0x18}).bytes;  // -1000
    REQUIRE(decode(later, goodbye) == nullptr);
    CHECK(goodbye.status == Status::kInternal);
}

TEST_CASE("malformed: a role of the future reads as none so that hello stays readable") {
    Hello hello;
    const auto bytes = raw({0x83, field::kVersions, 0x92, 2, 1, field::kRole, 77})
                           .raw(nonce_field(field::kNonce))
                           .bytes;
    REQUIRE(decode(bytes, hello) == nullptr);
    CHECK(hello.role == Role::kNone);
    CHECK(hello.versions == std::vector<uint32_t>{2, 1});
}
