#include "request_sweep.h"

#include <doctest/doctest.h>

#include <limits>
#include <string_view>

#include "support/request_cost.h"
#include "support/rounds.h"
#include "support/seed.h"

namespace p2c2r::test {

namespace {

using nlohmann::json;
using Place = json::json_pointer;

void collect(const json& value, const Place& at, std::vector<Place>& places) {
    if (value.is_object()) {
        for (const auto& [name, field] : value.items()) {
            places.push_back(at / name);
            collect(field, at / name, places);
        }
    } else if (value.is_array()) {
        for (size_t i = 0; i < value.size(); ++i) {
            places.push_back(at / i);
            collect(value[i], at / i, places);
        }
    }
}

std::vector<Place> places_of(const json& params) {
    std::vector<Place> places;
    collect(params, Place(), places);
    return places;
}

// "/objects/3/radius" as errors say it: "objects[3].radius".
std::string name_of(const json& params, Place at) {
    if (at.empty()) return "";
    const std::string last = at.back();
    at.pop_back();
    const std::string before = name_of(params, at);
    if (params[at].is_array()) return before + "[" + last + "]";
    return before.empty() ? last : before + "." + last;
}

std::string top_of(const std::string& name) {
    return name.substr(0, name.find_first_of(".["));
}

const std::vector<json>& wrong_values() {
    static const std::vector<json> values = [] {
        const double infinity = std::numeric_limits<double>::infinity();
        json deep = json::array();
        for (int i = 0; i < 100; ++i) deep = json::array({deep});
        std::vector<json> list{
            nullptr,
            true,
            -1,
            0,
            3,
            0.5,
            -0.0,
            1e-300,
            1e300,
            -1e300,
            4294967296,
            std::numeric_limits<int64_t>::min(),
            std::numeric_limits<uint64_t>::max(),
            infinity,
            -infinity,
            std::numeric_limits<double>::quiet_NaN(),
            "",
            "x",
            json::array(),
            json::array({1, 2}),
            json::array({nullptr, -1, 1e300}),
            json::object(),
            json::object({{"x", 1}}),
            json::binary({1, 2, 3}),
            json::binary({}),
            deep,
        };
        return list;
    }();
    return values;
}

bool starts_with(std::string_view text, std::string_view start) {
    return text.substr(0, start.size()) == start;
}

// What holds this place: "a[1].b" for "a[1].b.c[2]"; for "a[1][2]" the field itself, "a".
std::string around(std::string name) {
    while (!name.empty() && name.back() == ']') name.resize(name.rfind('['));
    const size_t dot = name.rfind('.');
    return dot == std::string::npos ? name : name.substr(0, dot);
}

// An error about this place, about one in the same map or list, or about a partner.
bool is_about(const std::string& field, const std::string& place, const Partners& partners) {
    if (starts_with(field, around(place)) || starts_with(place, field)) return true;
    const auto found = partners.find(top_of(place));
    if (found == partners.end()) return false;
    return std::find(found->second.begin(), found->second.end(), top_of(field)) !=
           found->second.end();
}

bool is_refusal(Status status) {
    return status == Status::kParams || status == Status::kLimit || status == Status::kSize ||
           status == Status::kUnsupported;
}

void run_changed(RequestBench& bench, const json& params, const Bytes& data,
                 const std::string& place, const Partners& partners) {
    const Bytes bytes = encode(params);
    if (!is_affordable(bench.task_type(), bytes.span(), data.span())) return;
    INFO(place << " in " << params.dump(-1, ' ', true, json::error_handler_t::replace));
    const RequestAnswer answer = bench.run(bytes, data);
    if (answer.status == Status::kOk) return;
    CAPTURE(answer.error);
    CAPTURE(answer.field);
    CHECK(is_refusal(answer.status));
    CHECK(is_about(answer.field, place, partners));
}

// What one change makes of the container at hand: the item once more, or one item less.
void drop(json& params, const Place& at) {
    const Place parent = at.parent_pointer();
    if (params[parent].is_array()) {
        params[parent].erase(std::stoul(at.back()));
    } else {
        params[parent].erase(at.back());
    }
}

// Parts of MessagePack that hold what they should not.
const std::vector<std::vector<uint8_t>>& broken_parts() {
    static const std::vector<std::vector<uint8_t>> parts{
        {0xdd, 0xff, 0xff, 0xff, 0xff},                    // 2^32 - 1 items
        {0xdf, 0xff, 0xff, 0xff, 0xff},                    // fields
        {0xdb, 0xff, 0xff, 0xff, 0xff},                    // bytes of text
        {0xc6, 0xff, 0xff, 0xff, 0xff},                    // bytes
        {0xdc, 0xff, 0xff},                                // 65 535 items
        {0xc1},                                            // nothing
        {0xc7, 0x01, 0x05, 0x00},                          // an extension
        {0xa2, 0xff, 0xfe},                                // a text that is not UTF-8
        {0xa1, 0xc0},                                      //
        {0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0},              // not a number
        {0xca, 0xff, 0x80, 0, 0},                          // minus infinity
        std::vector<uint8_t>(200, 0x91),                   // 200 arrays inside each other
        {0x81, 0x01, 0x01},                                // a key that is no text
        {0x82, 0xa1, 'a', 0x01, 0xa1, 'a', 0x01},          // a key twice
        {0x81, 0xa1, 0xff, 0x01},                          // a key that is not UTF-8
        {0xde, 0x00, 0x41, 0xa1, 'a', 0x01},               // more fields than come
        {0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},  // an integer that is cut
    };
    return parts;
}

Bytes random_damage(const Bytes& bytes, Prng& prng) {
    std::vector<uint8_t> damaged(bytes.data(), bytes.data() + bytes.size());
    for (uint64_t steps = 1 + prng.below(3); steps > 0; --steps) {
        const auto at = static_cast<ptrdiff_t>(prng.below(damaged.size() + 1));
        const auto& part = broken_parts()[prng.below(broken_parts().size())];
        switch (prng.below(5)) {
            case 0:
                damaged.resize(static_cast<size_t>(at));
                break;
            case 1:
                damaged.insert(damaged.begin() + at, part.begin(), part.end());
                break;
            case 2:
                damaged.insert(damaged.begin() + at, static_cast<uint8_t>(prng.next()));
                break;
            default:
                if (at < static_cast<ptrdiff_t>(damaged.size())) {
                    damaged[static_cast<size_t>(at)] ^= static_cast<uint8_t>(1u << prng.below(8));
                }
        }
    }
    return Bytes::copy(damaged);
}

json random_value(Prng& prng) {
    switch (prng.below(4)) {
        case 0:
            return static_cast<int64_t>(prng.below(20)) - 4;
        case 1:
            return (prng.unit() - 0.5) * 10;
        default:
            return wrong_values()[prng.below(wrong_values().size())];
    }
}

void random_change(json& params, Prng& prng) {
    const std::vector<Place> places = places_of(params);
    if (places.empty()) return;
    const Place& at = places[prng.below(places.size())];
    const Place& other = places[prng.below(places.size())];
    switch (prng.below(5)) {
        case 0:
            drop(params, at);
            break;
        case 1:  // one field's value in another
            params[at] = json(params[other]);
            break;
        case 2:
            if (params[at].is_array() && !params[at].empty()) {
                params[at].push_back(json(params[at].back()));
            }
            break;
        default:
            params[at] = random_value(prng);
    }
}

}  // namespace

Bytes encode(const json& params) {
    return Bytes::copy(json::to_msgpack(params));
}

int mutation_rounds() {
    return is_full_run() ? 5'000 : 150;
}

void sweep(RequestBench& bench, const GoodRequest& good, const Partners& partners) {
    REQUIRE(is_affordable(bench.task_type(), encode(good.params).span(), good.data.span()));
    const RequestAnswer answer = bench.run(encode(good.params), good.data);
    REQUIRE_MESSAGE(answer.status == Status::kOk, answer.error);
    for (const Place& at : places_of(good.params)) {
        const std::string name = name_of(good.params, at);
        for (const json& value : wrong_values()) {
            json params = good.params;
            params[at] = value;
            run_changed(bench, params, good.data, name, partners);
        }
        json params = good.params;
        drop(params, at);
        run_changed(bench, params, good.data, name, partners);
        if (good.params[at].is_array() && !good.params[at].empty()) {
            params = good.params;
            params[at].push_back(json(params[at].back()));
            run_changed(bench, params, good.data, name, partners);
        }
        if (good.params[at].is_object()) {
            params = good.params;
            params[at]["unheard_of"] = 1;
            const RequestAnswer unknown = bench.run(encode(params), good.data);
            CHECK(unknown.status == Status::kParams);
            CHECK(unknown.field == name + ".unheard_of");
        }
    }
}

void sweep_bytes(RequestBench& bench, const GoodRequest& good) {
    const Bytes whole = encode(good.params);
    // Behind the last field: nothing, or what should not be there.
    const auto refused = [&](std::vector<uint8_t> bytes) {
        const RequestAnswer answer = bench.run(Bytes::copy(bytes), good.data);
        CAPTURE(answer.error);
        CHECK((answer.status == Status::kParams || answer.status == Status::kLimit));
    };
    for (const auto& part : broken_parts()) {
        refused(part);
        for (const char* field : {"unheard_of", good.params.begin().key().c_str()}) {
            std::vector<uint8_t> bytes{0x81};
            const std::vector<uint8_t> key = json::to_msgpack(json(field));
            bytes.insert(bytes.end(), key.begin(), key.end());
            bytes.insert(bytes.end(), part.begin(), part.end());
            refused(bytes);
        }
        std::vector<uint8_t> bytes(whole.data(), whole.data() + whole.size());
        bytes.insert(bytes.end(), part.begin(), part.end());
        refused(bytes);
    }
    for (size_t size = 1; size < whole.size(); ++size) {
        refused({whole.data(), whole.data() + size});
    }
    // The first field once more, as a last one.
    const size_t count = good.params.size() + 1;
    std::vector<uint8_t> twice{0xde, static_cast<uint8_t>(count >> 8), static_cast<uint8_t>(count)};
    twice.insert(twice.end(), whole.data() + (count > 16 ? 3 : 1), whole.data() + whole.size());
    const std::vector<uint8_t> field =
        json::to_msgpack(json{{good.params.begin().key(), good.params.begin().value()}});
    twice.insert(twice.end(), field.begin() + 1, field.end());
    const RequestAnswer answer = bench.run(Bytes::copy(twice), good.data);
    CHECK(answer.status == Status::kParams);
    CHECK_MESSAGE(answer.error.find("given twice") != std::string::npos, answer.error);
    CHECK_MESSAGE(answer.error.find(good.params.begin().key()) != std::string::npos, answer.error);
}

void mutate(RequestBench& bench, const std::vector<GoodRequest>& good, Prng& prng, int rounds) {
    for (int round = 0; round < rounds; ++round) {
        CAPTURE(round);
        const GoodRequest& start = good[prng.below(good.size())];
        json changed = start.params;
        const uint64_t changes = prng.below(4);
        for (uint64_t i = 0; i < changes; ++i) random_change(changed, prng);
        Bytes params = encode(changed);
        Bytes data = start.data;
        if (prng.chance(0.2)) params = random_damage(params, prng);
        if (prng.chance(0.3)) data = random_damage(data, prng);
        if (!is_affordable(bench.task_type(), params.span(), data.span())) continue;
        INFO(changed.dump(-1, ' ', true, json::error_handler_t::replace));
        const RequestAnswer answer = bench.run(params, data);
        CHECK_MESSAGE((answer.status == Status::kOk || is_refusal(answer.status)), answer.error);
    }
}

void try_everything(RequestBench& bench, const std::vector<GoodRequest>& good,
                    const Partners& partners) {
    for (const GoodRequest& each : good) {
        sweep(bench, each, partners);
        sweep_bytes(bench, each);
    }
    Prng prng(seed());
    mutate(bench, good, prng, mutation_rounds());
    MESSAGE(bench.task_type() << ": " << bench.computed() << " results, " << bench.refused()
                              << " errors");
    CHECK(bench.computed() > 0);
    CHECK(bench.refused() > 0);
}

}  // namespace p2c2r::test
