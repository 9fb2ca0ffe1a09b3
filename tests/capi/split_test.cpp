// Tasks that are cut for several peers, through the C interface.
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "world.h"

using namespace capi_test;

namespace {

// Forty balls that fall on each other.
std::string falling_balls() {
    std::string list;
    for (int i = 0; i < 40; ++i) {
        list += (i == 0 ? "" : ",") + std::string(R"({"position":[)") + std::to_string(i % 7) +
                "," + std::to_string(2 + i % 5) + "," + std::to_string(i % 3) + "]}";
    }
    return R"({"num_steps":5,"objects":[)" + list + "]}";
}

struct SplitWorld {
    Runtime runtime;
    Coordinator coordinator;
    std::vector<Peer> peers;
    Client client;
    std::string params = falling_balls();
    std::vector<uint32_t> indices;
    std::vector<std::string> notes;  // what was told, in order
    uint64_t units = 0;
    Result ended;

    explicit SplitWorld(int32_t mode, uint32_t count = 2, int32_t deliver = 0)
        : runtime(make_runtime(mode)), coordinator(make_coordinator(runtime.get())) {
        for (uint32_t i = 0; i < count; ++i) {
            peers.push_back(make_peer(runtime.get(), coordinator.get()));
        }
        client = make_client(runtime.get(), coordinator.get(), nullptr, deliver);
        connect_with_peers(runtime.get(), client.get(), count);
    }
    p2c2r_task_desc desc(int32_t split) {
        auto desc = sized<p2c2r_task_desc>();
        desc.task_type = "physics_rigid_body";
        desc.params_format = P2C2R_FORMAT_JSON;
        desc.params = params.data();
        desc.params_size = params.size();
        desc.deadline_us = kLongUs;
        desc.flags = P2C2R_TASK_NO_CACHE;
        desc.place = P2C2R_PLACE_REMOTE;
        desc.split = split;
        return desc;
    }
    p2c2r_task_desc told(int32_t split) {
        p2c2r_task_desc told = desc(split);
        told.part = [](void* user, p2c2r_task, const p2c2r_part* part, const p2c2r_result* result) {
            auto* world = static_cast<SplitWorld*>(user);
            CHECK(part->struct_size == sizeof *part);
            CHECK(p2c2r_result_status(result) == P2C2R_OK);
            CHECK(std::string(part->unit_name) == "bodies");
            CHECK(part->first_unit + part->unit_count <= part->units);
            CHECK(std::string(p2c2r_result_text(result, P2C2R_TEXT_TASK_TYPE, nullptr)) ==
                  "physics");
            world->indices.push_back(part->index);
            world->units += part->unit_count;
            world->notes.push_back("part");
        };
        told.done = [](void* user, p2c2r_task, p2c2r_result* result) {
            auto* world = static_cast<SplitWorld*>(user);
            world->ended.reset(result);
            world->notes.push_back("done");
        };
        told.user = this;
        return told;
    }
    p2c2r_client_stats stats() {
        auto stats = sized<p2c2r_client_stats>();
        CHECK(p2c2r_client_stats_get(client.get(), &stats) == P2C2R_OK);
        return stats;
    }
    p2c2r_status refused(const p2c2r_task_desc& desc, const char* field) {
        p2c2r_task task = 0;
        p2c2r_error why = {};
        const p2c2r_status status = p2c2r_client_submit(client.get(), &desc, &task, &why);
        CHECK_MESSAGE(std::string(why.field) == field, why.text);
        CHECK(task == 0);
        return status;
    }
};

}  // namespace

TEST_CASE("split: several peers give the bytes of the whole and each part is told before done") {
    for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
        for (const int32_t deliver : {P2C2R_DELIVER_ON_DISPATCH, P2C2R_DELIVER_ON_LOOP}) {
            CAPTURE(mode);
            CAPTURE(deliver);
            SplitWorld world(mode, 2, deliver);
            const Result whole =
                fetch(world.client.get(), submit(world.client.get(), world.desc(0)));
            REQUIRE(p2c2r_result_status(whole.get()) == P2C2R_OK);
            uint64_t parts = 0;
            for (const int32_t split : {2, 5, 4096}) {
                CAPTURE(split);
                const Result merged =
                    fetch(world.client.get(), submit(world.client.get(), world.desc(split)));
                REQUIRE_MESSAGE(p2c2r_result_status(merged.get()) == P2C2R_OK,
                                p2c2r_result_text(merged.get(), P2C2R_TEXT_MESSAGE, nullptr));
                CHECK(json_of(merged.get()) == json_of(whole.get()));
                CHECK(data_of(merged.get()) == data_of(whole.get()));
                parts += static_cast<uint64_t>(std::min(split, 40));
            }
            CHECK(world.stats().cut == 3);
            CHECK(world.stats().parts == parts);
            CHECK(world.stats().submitted == 4);
            if (deliver == P2C2R_DELIVER_ON_LOOP && mode == P2C2R_RUN_THREAD) continue;
            submit(world.client.get(), world.told(7));
            REQUIRE(turn_until(world.runtime.get(), [&] { return world.ended != nullptr; }));
            CHECK(json_of(world.ended.get()) == json_of(whole.get()));
            CHECK(std::set<uint32_t>(world.indices.begin(), world.indices.end()).size() == 7);
            CHECK(world.units == 40);
            REQUIRE(world.notes.size() == 8);
            CHECK(world.notes.back() == "done");
        }
    }
}

TEST_CASE("split: what is wrong with the wish is refused and auto leaves whole what is not cut") {
    SplitWorld world(P2C2R_RUN_THREAD);
    CHECK(world.refused(world.desc(-2), "split") == P2C2R_E_ARGUMENT);
    CHECK(world.refused(world.desc(4097), "split") == P2C2R_E_ARGUMENT);
    p2c2r_task_desc desc = world.desc(0);
    desc.split_by = "bodies";
    CHECK(world.refused(desc, "split_by") == P2C2R_E_ARGUMENT);
    desc = world.desc(2);
    desc.split_by = "rows";
    CHECK(world.refused(desc, "split_by") == P2C2R_E_UNSUPPORTED);
    desc.split = P2C2R_SPLIT_AUTO;
    CHECK(world.refused(desc, "split_by") == P2C2R_E_UNSUPPORTED);
    desc = world.told(2);
    desc.done = nullptr;
    CHECK(world.refused(desc, "part") == P2C2R_E_ARGUMENT);
    desc = world.desc(2);
    desc.task_type = "echo";
    CHECK(world.refused(desc, "split") == P2C2R_E_UNSUPPORTED);
    desc.split = P2C2R_SPLIT_AUTO;
    const Result echoed = fetch(world.client.get(), submit(world.client.get(), desc));
    CHECK(p2c2r_result_status(echoed.get()) == P2C2R_OK);
    desc = world.desc(3);
    desc.split_by = "bodies";
    const Result merged = fetch(world.client.get(), submit(world.client.get(), desc));
    CHECK(p2c2r_result_status(merged.get()) == P2C2R_OK);
    CHECK(world.stats().cut == 1);
}

TEST_CASE("split: the part that fails is named with the error of it") {
    SplitWorld world(P2C2R_RUN_THREAD);
    p2c2r_task_desc desc = world.desc(4);
    world.params.replace(world.params.rfind("[2"), 2, "[\"x\"");
    desc.params = world.params.data();
    desc.params_size = world.params.size();
    const Result failed = fetch(world.client.get(), submit(world.client.get(), desc));
    CHECK(p2c2r_result_status(failed.get()) == P2C2R_E_PARAMS);
    CHECK(world.stats().failed == 1);
}

TEST_CASE("split: a task with part is not forgotten but cancelled and its client may go") {
    for (const bool destroys : {false, true}) {
        CAPTURE(destroys);
        SplitWorld world(P2C2R_RUN_MANUAL, 0);
        const p2c2r_task task = submit(world.client.get(), world.told(8));
        p2c2r_runtime_poll(world.runtime.get(), 0);
        CHECK(p2c2r_client_forget(world.client.get(), task) == P2C2R_E_STATE);
        CHECK_FALSE(world.ended);
        if (destroys) {
            world.client.reset();
        } else {
            CHECK(p2c2r_client_cancel(world.client.get(), task) == P2C2R_OK);
            REQUIRE(turn_until(world.runtime.get(), [&] { return world.ended != nullptr; }));
        }
        REQUIRE(world.ended);
        CHECK(p2c2r_result_status(world.ended.get()) ==
              (destroys ? P2C2R_E_CLOSED : P2C2R_E_CANCELLED));
        CHECK(world.notes == std::vector<std::string>{"done"});
    }
}

TEST_CASE("split: a budget of functions counts those of parts") {
    SplitWorld world(P2C2R_RUN_THREAD);
    submit(world.client.get(), world.told(6));
    const uint64_t until = p2c2r_now_us() + kLongUs;
    uint32_t run = 0;
    uint32_t all = 0;
    while (!world.ended && p2c2r_now_us() < until) {
        p2c2r_client_dispatch(world.client.get(), 1, 0, &run);
        CHECK(run <= 1);
        all += run;
    }
    CHECK(world.notes.size() == 7);
    CHECK(all >= 7);
}
