// Results that say what changed, and the state that they make of the one before.
#include "world.h"

using namespace capi_test;

namespace {

using Bytes = std::vector<uint8_t>;

// A runtime with a client of its own, which computes what it asks.
struct Machine {
    Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    Client client = make_client(runtime.get());

    Result ask(const char* type, const std::string& params, const Bytes& data = {}) const {
        Task task(type, data.data(), data.size());
        task.desc.params_format = P2C2R_FORMAT_JSON;
        task.desc.params = params.data();
        task.desc.params_size = params.size();
        Result result = fetch(client.get(), submit(client.get(), task.desc));
        REQUIRE_MESSAGE(p2c2r_result_status(result.get()) == P2C2R_OK,
                        p2c2r_result_text(result.get(), P2C2R_TEXT_MESSAGE, nullptr));
        return result;
    }
};

Bytes bytes_of(const Result& result) {
    const std::string data = data_of(result.get());
    return {data.begin(), data.end()};
}

// The status, and the field it is about.
std::pair<p2c2r_status, std::string> apply(const p2c2r_result* result, const Bytes& before,
                                           Bytes& out) {
    p2c2r_error why = {};
    size_t room = out.size();
    const p2c2r_status status =
        p2c2r_result_apply_delta(result, before.data(), before.size(), out.data(), &room, &why);
    CHECK((status == P2C2R_OK) == (why.text[0] == 0));
    if (status == P2C2R_OK) CHECK(room == before.size());
    return {status, why.field};
}

std::string scene(const char* x, const std::string& more = "") {
    return std::string(R"({"resolution": [40, 30], "camera": {"position": [)") + x +
           R"(, 2, 8], "direction": [0, -0.2, -1]}, "objects": [{"type": "plane", "position":
           [0, 0, 0], "normal": [0, 1, 0]}, {"type": "sphere", "position": [0, 1, 0], "radius": 1}],
           "lights": [{"position": [4, 6, 3]}])" +
           more + "}";
}

Bytes fall_of(uint32_t bodies) {
    Bytes records;
    for (uint32_t i = 0; i < bodies; ++i) {
        const float numbers[10] = {static_cast<float>(i), 5, 0, 1e-30f, 0, 0, 1, 0.6f, 0.5f, 0};
        const auto* at = reinterpret_cast<const uint8_t*>(numbers);
        records.insert(records.end(), at, at + sizeof numbers);
    }
    return records;
}

}  // namespace

TEST_CASE("a delta makes of what was before the bytes of the whole") {
    const Machine machine;
    // Layers: the camera moved.
    const Bytes shadows = bytes_of(machine.ask("rt_shadows", scene("0")));
    const Bytes shadows_now = bytes_of(machine.ask("rt_shadows", scene("0.5")));
    const Result moved =
        machine.ask("rt_shadows", scene("0.5", R"(, "previous": {"camera": {"position": [0, 2, 8],
                                       "direction": [0, -0.2, -1]}})"));
    REQUIRE(shadows != shadows_now);
    CHECK(bytes_of(moved).size() < shadows.size());
    // Bodies: two steps, each from the state that the one before gave.
    Bytes state = fall_of(20);
    for (int step = 0; step < 2; ++step) {
        const Bytes whole =
            bytes_of(machine.ask("physics", R"({"collisions": false, "num_steps": 9})", state));
        const Result delta = machine.ask(
            "physics", R"({"collisions": false, "num_steps": 9, "result": "delta"})", state);
        CHECK(bytes_of(delta).size() < state.size());
        // In place.
        REQUIRE(apply(delta.get(), state, state).first == P2C2R_OK);
        CHECK(state == whole);
    }
    Bytes out(shadows.size() + 5, 7);
    p2c2r_error why = {};
    size_t room = 0;
    CHECK(p2c2r_result_apply_delta(moved.get(), shadows.data(), shadows.size(), nullptr, &room,
                                   &why) == P2C2R_E_SIZE);
    CHECK(std::string(why.field) == "out_size");
    CHECK(room == shadows.size());
    room = shadows.size() - 1;
    CHECK(p2c2r_result_apply_delta(moved.get(), shadows.data(), shadows.size(), out.data(), &room,
                                   nullptr) == P2C2R_E_SIZE);
    CHECK(out == Bytes(out.size(), 7));
    room = out.size();
    REQUIRE(p2c2r_result_apply_delta(moved.get(), shadows.data(), shadows.size(), out.data(), &room,
                                     &why) == P2C2R_OK);
    CHECK(room == shadows.size());
    CHECK(std::equal(shadows_now.begin(), shadows_now.end(), out.begin()));
    CHECK(out[room] == 7);
    // Beginning a byte further on in the same memory.
    std::copy(shadows.begin(), shadows.end(), out.begin() + 1);
    REQUIRE(p2c2r_result_apply_delta(moved.get(), out.data() + 1, shadows.size(), out.data(), &room,
                                     &why) == P2C2R_OK);
    CHECK(std::equal(shadows_now.begin(), shadows_now.end(), out.begin()));
}

TEST_CASE("a delta for another state and a result without one are errors that say which") {
    const Machine machine;
    const Bytes state = fall_of(20);
    const Result delta = machine.ask("physics", R"({"result": "delta"})", state);
    const Result whole = machine.ask("physics", "{}", state);
    const Result layer = machine.ask("rt_shadows", scene("0", R"(, "previous": {})"));
    using Answer = std::pair<p2c2r_status, std::string>;
    Bytes out(2000, 7);
    CHECK(apply(delta.get(), fall_of(40), out) == Answer{P2C2R_E_EXECUTOR, ""});
    CHECK(apply(delta.get(), Bytes(799), out) == Answer{P2C2R_E_SIZE, "before"});
    CHECK(apply(layer.get(), Bytes(151), out) == Answer{P2C2R_E_SIZE, "before"});
    CHECK(apply(whole.get(), state, out).first == P2C2R_E_STATE);
    CHECK(apply(machine.ask("echo", "{}", state).get(), state, out).first == P2C2R_E_STATE);
    Task task("physics", "abc", 3);
    const Result failed = fetch(machine.client.get(), submit(machine.client.get(), task.desc));
    REQUIRE(p2c2r_result_status(failed.get()) == P2C2R_E_SIZE);
    CHECK(apply(failed.get(), state, out) == Answer{P2C2R_E_STATE, "data"});
    size_t room = out.size();
    CHECK(p2c2r_result_apply_delta(nullptr, state.data(), state.size(), out.data(), &room,
                                   nullptr) == P2C2R_E_ARGUMENT);
    CHECK(p2c2r_result_apply_delta(delta.get(), nullptr, state.size(), out.data(), &room,
                                   nullptr) == P2C2R_E_ARGUMENT);
    CHECK(p2c2r_result_apply_delta(delta.get(), state.data(), state.size(), out.data(), nullptr,
                                   nullptr) == P2C2R_E_ARGUMENT);
    CHECK(out == Bytes(2000, 7));
}

TEST_CASE("a delta that a lying executor sends changes nothing") {
    HostExecutor liar;
    const Machine machine;
    std::string fields;
    Bytes data;
    liar.run = [&](p2c2r_job* job) {
        const p2c2r_bytes bytes = {data.data(), data.size(), nullptr, nullptr};
        REQUIRE(p2c2r_job_output_adopt(job, &bytes) == P2C2R_OK);
        return p2c2r_job_output_fields(job, P2C2R_FORMAT_JSON, fields.data(), fields.size());
    };
    liar.add(machine.runtime.get(), "liar");
    // A type of the host's own holds no delta through a client; "exec" does not say the type, so
    // there the fields decide.
    const auto lie = [&](const std::string& said, const Bytes& bytes) {
        fields = said;
        data = bytes;
        p2c2r_result* result = nullptr;
        REQUIRE(p2c2r_runtime_call(machine.runtime.get(), "exec", R"({"task_type": "liar"})",
                                   nullptr, 30'000, &result, nullptr) == P2C2R_OK);
        return Result(result);
    };
    Bytes out(80, 7);
    const auto status = [&](const Result& result) {
        const p2c2r_status got = apply(result.get(), fall_of(2), out).first;
        if (got != P2C2R_OK) CHECK(out == Bytes(80, 7));
        return got;
    };
    const std::string layers = R"({"delta": true, "full_size": 80})";
    CHECK(status(lie(layers, {79, 2, 1, 1})) == P2C2R_E_EXECUTOR);
    CHECK(status(lie(layers, {1, 1})) == P2C2R_E_EXECUTOR);
    CHECK(status(lie(R"({"delta": true, "full_size": 9007199254740991})", {})) == P2C2R_E_SIZE);
    const std::string state = R"({"state": {"offset": 0, "size": 7}})";
    CHECK(status(lie(state, {1, 0, 0, 0, 0, 0})) == P2C2R_E_EXECUTOR);
    CHECK(status(lie(state, {1, 0, 0, 0, 0, 0, 0x80})) == P2C2R_E_EXECUTOR);
    CHECK(status(lie(R"({"state": {"offset": 1, "size": 9007199254740991}})", {0})) ==
          P2C2R_E_EXECUTOR);
    CHECK(status(lie(layers, {0, 1, 9})) == P2C2R_OK);
    fields = layers;
    CHECK(apply(machine.ask("liar", "{}").get(), fall_of(2), out).first == P2C2R_E_STATE);
}
