// What a host gets wrong comes back as a status that names it, and nothing else happens.
#include <set>

#include "world.h"

using namespace capi_test;

namespace {

// One call a row, on handles that are given as plain pointers. Destroying has rows of its own.
struct Row {
    const char* name;
    std::function<p2c2r_status(void*)> call;
};

template <class Handle, class Call>
Row row(const char* name, Call call) {
    return {name, [call](void* handle) { return call(static_cast<Handle*>(handle)); }};
}

std::vector<Row> runtime_rows() {
    using H = p2c2r_runtime;
    static p2c2r_client* client;
    static p2c2r_peer* peer;
    static p2c2r_coordinator* coordinator;
    static p2c2r_result* result;
    return {
        row<H>("poll", [](H* it) { return p2c2r_runtime_poll(it, 0); }),
        row<H>("dispatch", [](H* it) { return p2c2r_runtime_dispatch(it, 0, 0, nullptr); }),
        row<H>("work", [](H* it) { return p2c2r_runtime_work(it, 0, 0); }),
        row<H>("backend", [](H* it) { return p2c2r_runtime_backend(it, nullptr, nullptr); }),
        row<H>("wake", [](H* it) { return p2c2r_runtime_wake(it); }),
        row<H>("call",
               [](H* it) {
                   return p2c2r_runtime_call(it, "task_types", nullptr, nullptr, 0, &result,
                                             nullptr);
               }),
        row<H>("close", [](H* it) { return p2c2r_runtime_close(it, 0); }),
        row<H>("add_executor",
               [](H* it) {
                   const auto desc = sized<p2c2r_executor_desc>();
                   return p2c2r_runtime_add_executor(it, &desc, nullptr);
               }),
        row<H>("remove_executor",
               [](H* it) { return p2c2r_runtime_remove_executor(it, "echo", 0); }),
        row<H>("client_create",
               [](H* it) {
                   const auto config = sized<p2c2r_client_config>();
                   return p2c2r_client_create(it, &config, &client, nullptr);
               }),
        row<H>("peer_create",
               [](H* it) {
                   const auto config = sized<p2c2r_peer_config>();
                   return p2c2r_peer_create(it, &config, &peer, nullptr);
               }),
        row<H>("coordinator_create",
               [](H* it) {
                   const auto config = sized<p2c2r_coordinator_config>();
                   return p2c2r_coordinator_create(it, &config, &coordinator, nullptr);
               }),
    };
}

std::vector<Row> client_rows() {
    using H = p2c2r_client;
    static p2c2r_task task;
    static p2c2r_result* result;
    static p2c2r_frames* frames;
    return {
        row<H>("connect", [](H* it) { return p2c2r_client_connect(it, 0, nullptr); }),
        row<H>("submit",
               [](H* it) {
                   const Task echo("echo");
                   return p2c2r_client_submit(it, &echo.desc, &task, nullptr);
               }),
        row<H>("submit_many",
               [](H* it) {
                   const Task echo("echo");
                   return p2c2r_client_submit_many(it, &echo.desc, 1, &task, nullptr, nullptr);
               }),
        row<H>("cancel", [](H* it) { return p2c2r_client_cancel(it, 1); }),
        row<H>("forget", [](H* it) { return p2c2r_client_forget(it, 1); }),
        row<H>("keep", [](H* it) { return p2c2r_client_keep(it, 0, &task, 1, nullptr); }),
        row<H>("poll", [](H* it) { return p2c2r_client_poll(it, 1, &result); }),
        row<H>("wait", [](H* it) { return p2c2r_client_wait(it, &task, 1, 0, nullptr); }),
        row<H>("get_result", [](H* it) { return p2c2r_client_get_result(it, 1, 0, &result); }),
        row<H>("submit_and_wait",
               [](H* it) {
                   const Task echo("echo");
                   return p2c2r_client_submit_and_wait(it, &echo.desc, &result, nullptr);
               }),
        row<H>("dispatch", [](H* it) { return p2c2r_client_dispatch(it, 0, 0, nullptr); }),
        row<H>("stats_get",
               [](H* it) {
                   auto stats = sized<p2c2r_client_stats>();
                   return p2c2r_client_stats_get(it, &stats);
               }),
        row<H>("call",
               [](H* it) { return p2c2r_client_call(it, "status", nullptr, 0, &result, nullptr); }),
        row<H>("frames_create",
               [](H* it) {
                   const auto config = sized<p2c2r_frames_config>();
                   return p2c2r_frames_create(it, &config, &frames, nullptr);
               }),
        row<H>("submit_frame_for_upscaling",
               [](H* it) {
                   const auto frame = sized<p2c2r_image>();
                   return p2c2r_client_submit_frame_for_upscaling(it, &frame, 8, 8, 0, &task,
                                                                  nullptr);
               }),
        row<H>("get_upscaled_frame",
               [](H* it) {
                   auto view = sized<p2c2r_image>();
                   return p2c2r_client_get_upscaled_frame(it, 1, 0, &view, &result);
               }),
    };
}

std::vector<Row> peer_rows() {
    using H = p2c2r_peer;
    return {
        row<H>("start", [](H* it) { return p2c2r_peer_start(it, nullptr); }),
        row<H>("pause", [](H* it) { return p2c2r_peer_pause(it); }),
        row<H>("resume", [](H* it) { return p2c2r_peer_resume(it); }),
        row<H>("activity", [](H* it) { return p2c2r_peer_activity(it, 0); }),
        row<H>("set_speed", [](H* it) { return p2c2r_peer_set_speed(it, 1000); }),
        row<H>("why",
               [](H* it) {
                   char text[256] = "";
                   size_t size = sizeof text;
                   return p2c2r_peer_why(it, text, &size);
               }),
        row<H>("capabilities",
               [](H* it) {
                   auto out = sized<p2c2r_capabilities>();
                   return p2c2r_peer_capabilities(it, &out);
               }),
        row<H>("id",
               [](H* it) {
                   size_t size = 0;
                   return p2c2r_peer_id(it, nullptr, &size);
               }),
        row<H>("stats_get",
               [](H* it) {
                   auto stats = sized<p2c2r_peer_stats>();
                   return p2c2r_peer_stats_get(it, &stats);
               }),
        row<H>("drain", [](H* it) { return p2c2r_peer_drain(it, 0); }),
    };
}

std::vector<Row> coordinator_rows() {
    using H = p2c2r_coordinator;
    static p2c2r_result* result;
    return {
        row<H>("start", [](H* it) { return p2c2r_coordinator_start(it, nullptr); }),
        row<H>("port", [](H* it) { return p2c2r_coordinator_port(it, nullptr, nullptr); }),
        row<H>("stats_get",
               [](H* it) {
                   auto stats = sized<p2c2r_coordinator_stats>();
                   return p2c2r_coordinator_stats_get(it, &stats);
               }),
        row<H>("call",
               [](H* it) {
                   return p2c2r_coordinator_call(it, "status", nullptr, 0, &result, nullptr);
               }),
        row<H>("drain", [](H* it) { return p2c2r_coordinator_drain(it, 0); }),
    };
}

std::vector<Row> frames_rows() {
    using H = p2c2r_frames;
    return {
        row<H>("push",
               [](H* it) {
                   const Task echo("echo");
                   return p2c2r_frames_push(it, &echo.desc, nullptr, nullptr);
               }),
        row<H>("push_forms",
               [](H* it) {
                   const Task echo("echo");
                   return p2c2r_frames_push_forms(it, &echo.desc, 0, nullptr, 0, nullptr, nullptr);
               }),
        row<H>("pull",
               [](H* it) {
                   auto answer = sized<p2c2r_answer>();
                   return p2c2r_frames_pull(it, 1, 1, &answer);
               }),
        row<H>("step",
               [](H* it) {
                   auto answer = sized<p2c2r_answer>();
                   return p2c2r_frames_step(it, 1, &answer);
               }),
    };
}

void all_give(const std::vector<Row>& rows, void* handle, p2c2r_status expected) {
    for (const Row& row : rows) {
        CAPTURE(row.name);
        CHECK(row.call(handle) == expected);
    }
}

}  // namespace

TEST_CASE("every call on a NULL handle is E_ARGUMENT and destroying NULL is fine") {
    all_give(runtime_rows(), nullptr, P2C2R_E_ARGUMENT);
    all_give(client_rows(), nullptr, P2C2R_E_ARGUMENT);
    all_give(peer_rows(), nullptr, P2C2R_E_ARGUMENT);
    all_give(coordinator_rows(), nullptr, P2C2R_E_ARGUMENT);
    all_give(frames_rows(), nullptr, P2C2R_E_ARGUMENT);
    CHECK(p2c2r_runtime_destroy(nullptr) == P2C2R_OK);
    CHECK(p2c2r_client_destroy(nullptr) == P2C2R_OK);
    CHECK(p2c2r_peer_destroy(nullptr) == P2C2R_OK);
    CHECK(p2c2r_coordinator_destroy(nullptr) == P2C2R_OK);
    CHECK(p2c2r_frames_destroy(nullptr) == P2C2R_OK);
    p2c2r_result_release(nullptr);
    p2c2r_job_release(nullptr);
}

TEST_CASE("every call on a destroyed handle is E_STALE") {
    Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    Coordinator coordinator = make_coordinator(runtime.get());
    Peer peer = make_peer(runtime.get(), coordinator.get());
    Client client = make_client(runtime.get(), coordinator.get());
    p2c2r_frames* made = nullptr;
    const auto config = sized<p2c2r_frames_config>();
    REQUIRE(p2c2r_frames_create(client.get(), &config, &made, nullptr) == P2C2R_OK);
    Frames frames(made);
    void* const gone_frames = frames.get();
    void* const gone_client = client.get();
    void* const gone_peer = peer.get();
    void* const gone_coordinator = coordinator.get();
    void* const gone_runtime = runtime.get();
    frames.reset();
    client.reset();
    peer.reset();
    coordinator.reset();
    runtime.reset();
    // Others take their places: the old handles must not become theirs.
    const Runtime other = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator other_coordinator = make_coordinator(other.get());
    const Peer other_peer = make_peer(other.get(), other_coordinator.get());
    const Client other_client = make_client(other.get(), other_coordinator.get());
    all_give(frames_rows(), gone_frames, P2C2R_E_STALE);
    all_give(client_rows(), gone_client, P2C2R_E_STALE);
    all_give(peer_rows(), gone_peer, P2C2R_E_STALE);
    all_give(coordinator_rows(), gone_coordinator, P2C2R_E_STALE);
    all_give(runtime_rows(), gone_runtime, P2C2R_E_STALE);
    CHECK(p2c2r_client_destroy(static_cast<p2c2r_client*>(gone_client)) == P2C2R_E_STALE);
    CHECK(p2c2r_runtime_destroy(static_cast<p2c2r_runtime*>(gone_runtime)) == P2C2R_E_STALE);
}

TEST_CASE("a handle of another kind and an address are E_ARGUMENT") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    int64_t memory = 1;
    all_give(client_rows(), runtime.get(), P2C2R_E_ARGUMENT);
    all_give(runtime_rows(), client.get(), P2C2R_E_ARGUMENT);
    all_give(peer_rows(), client.get(), P2C2R_E_ARGUMENT);
    all_give(coordinator_rows(), &memory, P2C2R_E_ARGUMENT);
    all_give(frames_rows(), &memory, P2C2R_E_ARGUMENT);
}

// ---- structs ----------------------------------------------------------------------------------

TEST_CASE("a struct_size that no version has is E_ARGUMENT and names the struct") {
    for (const uint32_t size : {0u, 4u, 7u, 12u, 100u, 4104u, 0xFFFFFFFFu}) {
        CAPTURE(size);
        auto config = runtime_config(P2C2R_RUN_THREAD);
        config.struct_size = size;
        p2c2r_runtime* runtime = nullptr;
        p2c2r_error why = {};
        CHECK(p2c2r_runtime_create(&config, &runtime, &why) == P2C2R_E_ARGUMENT);
        CHECK(runtime == nullptr);
        CHECK(std::string(why.field) == "struct_size");
        CHECK(std::string(why.text).find("config") != std::string::npos);
    }
}

TEST_CASE("an unknown tail that is zero is accepted and one that is not is E_VERSION") {
    struct Newer {
        p2c2r_runtime_config config;
        uint64_t later[2];
    } newer = {};
    newer.config = runtime_config(P2C2R_RUN_THREAD);
    newer.config.struct_size = sizeof newer;
    p2c2r_runtime* made = nullptr;
    REQUIRE(p2c2r_runtime_create(&newer.config, &made, nullptr) == P2C2R_OK);
    const Runtime runtime(made);
    newer.later[1] = 1;
    p2c2r_error why = {};
    p2c2r_runtime* refused = nullptr;
    CHECK(p2c2r_runtime_create(&newer.config, &refused, &why) == P2C2R_E_VERSION);
    CHECK(why.status == P2C2R_E_VERSION);
    CHECK(refused == nullptr);
}

TEST_CASE("a struct of an older version counts as having a zero tail") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    auto config = sized<p2c2r_client_config>();
    config.struct_size = offsetof(p2c2r_client_config, local);
    config.coordinator_url = "not a url, and behind the end of the older struct";
    p2c2r_client* made = nullptr;
    REQUIRE(p2c2r_client_create(runtime.get(), &config, &made, nullptr) == P2C2R_OK);
    const Client client(made);
}

TEST_CASE("an out struct is written as far as the caller knows it and zeroed behind") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    const Task echo("echo", "x", 1);
    fetch(client.get(), submit(client.get(), echo.desc));
    struct Newer {
        p2c2r_client_stats stats;
        uint64_t later;
    } newer;
    std::memset(&newer, 0xAB, sizeof newer);
    newer.stats.struct_size = sizeof newer;
    REQUIRE(p2c2r_client_stats_get(client.get(), &newer.stats) == P2C2R_OK);
    CHECK(newer.later == 0);
    CHECK(newer.stats.struct_size == sizeof newer);
    CHECK(newer.stats.completed == 1);

    p2c2r_client_stats older;
    std::memset(&older, 0xAB, sizeof older);
    older.struct_size = offsetof(p2c2r_client_stats, completed);
    REQUIRE(p2c2r_client_stats_get(client.get(), &older) == P2C2R_OK);
    CHECK(older.submitted == 1);
    CHECK(older.completed == 0xABABABABABABABABull);
    older.struct_size = 3;
    CHECK(p2c2r_client_stats_get(client.get(), &older) == P2C2R_E_ARGUMENT);
    CHECK(p2c2r_client_stats_get(client.get(), nullptr) == P2C2R_E_ARGUMENT);
}

TEST_CASE("elements of an array of structs must have the size of the first") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    p2c2r_task_desc descs[3] = {Task("echo").desc, Task("echo").desc, Task("echo").desc};
    for (auto& desc : descs) desc.data = nullptr;
    descs[2].struct_size = offsetof(p2c2r_task_desc, depends_on);
    p2c2r_task tasks[3] = {};
    uint32_t accepted = 0;
    p2c2r_error why = {};
    CHECK(p2c2r_client_submit_many(client.get(), descs, 3, tasks, &accepted, &why) ==
          P2C2R_E_ARGUMENT);
    CHECK(accepted == 2);
    CHECK(std::string(why.text).find("element 2") != std::string::npos);
    for (uint32_t i = 0; i < accepted; ++i) fetch(client.get(), tasks[i]);
}

// ---- values -----------------------------------------------------------------------------------

TEST_CASE("each wrong field of a task is named and its data stays the caller's") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    static int released;
    released = 0;
    const auto refused = [&](const char* field, p2c2r_status expected,
                             const std::function<void(p2c2r_task_desc&)>& spoil) {
        CAPTURE(field);
        static uint8_t payload[4096];
        p2c2r_bytes data = {payload, sizeof payload, [](void*, const void*, size_t) { ++released; },
                            nullptr};
        Task task("echo");
        task.desc.data = &data;
        spoil(task.desc);
        p2c2r_task id = 77;
        p2c2r_error why = {};
        CHECK(p2c2r_client_submit(client.get(), &task.desc, &id, &why) == expected);
        CHECK(why.status == expected);
        CHECK(std::string(why.field) == field);
        CHECK(std::string(why.text) != "");
        CHECK(id == 0);
    };
    refused("task_type", P2C2R_E_ARGUMENT, [](auto& desc) { desc.task_type = nullptr; });
    refused("task_type", P2C2R_E_ARGUMENT, [](auto& desc) { desc.task_type = ""; });
    const std::string long_name(65, 'a');
    refused("task_type", P2C2R_E_ARGUMENT, [&](auto& desc) { desc.task_type = long_name.c_str(); });
    refused("task_type", P2C2R_E_ARGUMENT, [](auto& desc) { desc.task_type = "\xff\xfe"; });
    refused("task_type", P2C2R_E_ARGUMENT, [](auto& desc) { desc.task_type = "echo\n"; });
    refused("priority", P2C2R_E_ARGUMENT, [](auto& desc) { desc.priority = 128; });
    refused("priority", P2C2R_E_ARGUMENT, [](auto& desc) { desc.priority = -129; });
    refused("verify", P2C2R_E_ARGUMENT, [](auto& desc) { desc.verify = 5; });
    for (const int32_t verify : {P2C2R_VERIFY_B, P2C2R_VERIFY_C, P2C2R_VERIFY_D}) {
        refused("verify", P2C2R_E_UNSUPPORTED, [&](auto& desc) { desc.verify = verify; });
    }
    refused("place", P2C2R_E_ARGUMENT, [](auto& desc) { desc.place = -1; });
    refused("circle", P2C2R_E_ARGUMENT, [](auto& desc) { desc.circle = 4; });
    refused("circle", P2C2R_E_UNSUPPORTED, [](auto& desc) { desc.circle = P2C2R_CIRCLE_PUBLIC; });
    refused("flags", P2C2R_E_ARGUMENT, [](auto& desc) { desc.flags = 1u << 31; });
    refused("format", P2C2R_E_ARGUMENT, [](auto& desc) { desc.params_format = 7; });
    refused("params", P2C2R_E_ARGUMENT, [](auto& desc) { desc.params_size = 4; });
    refused("depends_count", P2C2R_E_ARGUMENT, [](auto& desc) { desc.depends_count = 17; });
    refused("depends_on", P2C2R_E_ARGUMENT, [](auto& desc) { desc.depends_count = 1; });
    refused("output", P2C2R_E_ARGUMENT, [](auto& desc) { desc.output_size = 8; });
    static const p2c2r_bytes no_data = {nullptr, 10, nullptr, nullptr};
    refused("data", P2C2R_E_ARGUMENT, [](auto& desc) { desc.data = &no_data; });
    static const p2c2r_bytes huge = {"x", (64u << 20) + 1, nullptr, nullptr};
    refused("data", P2C2R_E_SIZE, [](auto& desc) { desc.data = &huge; });
    CHECK(released == 0);
}

TEST_CASE("names of task types are UTF-8 without control characters wherever a host gives them") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get());
    const std::string too_long(65, 'a');
    HostExecutor executor;
    executor.run = [](p2c2r_job*) { return P2C2R_E_EXECUTOR; };
    p2c2r_error why = {};
    for (const char* name :
         {"", "\xc3", "\xed\xa0\x80", "a\tb", "a\x7f", "a,b", too_long.c_str()}) {
        CAPTURE(name);
        const p2c2r_executor_desc desc = executor.desc(name);
        why = {};
        CHECK(p2c2r_runtime_add_executor(runtime.get(), &desc, &why) == P2C2R_E_ARGUMENT);
        CHECK(std::string(why.field) == "task_type");
    }
    for (const char* list : {"\xc3", "echo,a\tb", "echo,,upscale", too_long.c_str()}) {
        CAPTURE(list);
        auto capabilities = sized<p2c2r_capabilities>();
        capabilities.task_types = list;
        auto config = sized<p2c2r_peer_config>();
        config.local = coordinator.get();
        config.capabilities = &capabilities;
        p2c2r_peer* peer = nullptr;
        why = {};
        CHECK(p2c2r_peer_create(runtime.get(), &config, &peer, &why) == P2C2R_E_ARGUMENT);
        CHECK(std::string(why.field) == "task_types");
    }
    executor.add(runtime.get(),
                 "stra\xc3\x9f"
                 "e \xe2\x9c\x93");
}

TEST_CASE("more task types than a peer can offer are refused when it is made") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get());
    p2c2r_error why = {};
    const auto create = [&](const char* task_types) {
        auto capabilities = sized<p2c2r_capabilities>();
        capabilities.task_types = task_types;
        auto config = sized<p2c2r_peer_config>();
        config.local = coordinator.get();
        config.capabilities = &capabilities;
        p2c2r_peer* peer = nullptr;
        why = {};
        p2c2r_peer_create(runtime.get(), &config, &peer, &why);
        return Peer(peer);
    };
    HostExecutor executor;
    executor.run = [](p2c2r_job*) { return P2C2R_E_EXECUTOR; };
    std::string list;
    for (int i = 0; i < 64; ++i) {
        std::string name = "type" + std::to_string(i);
        name.resize(63, 'x');
        list += (list.empty() ? "" : ",") + name;
        executor.add(runtime.get(), name.c_str());
    }
    for (const char* types : {static_cast<const char*>(nullptr), list.c_str()}) {
        CHECK_FALSE(create(types));
        CHECK(why.status == P2C2R_E_LIMIT);
        CHECK(std::string(why.field) == "task_types");
        CHECK(std::string(why.text).find("64 types in a registration of 3072 bytes") !=
              std::string::npos);
    }
    CHECK(create("echo,upscale"));
}

TEST_CASE("params that are no map are refused before the task is accepted") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    const std::vector<std::string> wrong = {"[1]", "{\"a\":}", "{\"a\":1,\"a\":2}", "{\"a\":1e999}",
                                            "7"};
    for (const std::string& json : wrong) {
        CAPTURE(json);
        Task task("echo");
        task.desc.params = json.data();
        task.desc.params_size = json.size();
        task.desc.params_format = P2C2R_FORMAT_JSON;
        p2c2r_task id = 0;
        p2c2r_error why = {};
        CHECK(p2c2r_client_submit(client.get(), &task.desc, &id, &why) == P2C2R_E_PARAMS);
    }
    // Five bytes that claim four thousand million elements.
    const uint8_t bomb[] = {0xdf, 0xff, 0xff, 0xff, 0xff};
    Task task("echo");
    task.desc.params = bomb;
    task.desc.params_size = sizeof bomb;
    p2c2r_task id = 0;
    CHECK(p2c2r_client_submit(client.get(), &task.desc, &id, nullptr) < 0);
}

TEST_CASE("an error text is cut at a character and never runs over its field") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    std::string name;
    for (int i = 0; i < 200; ++i) name += "\xc3\xa4";  // two bytes each
    p2c2r_result* result = nullptr;
    p2c2r_error why;
    std::memset(&why, 0x55, sizeof why);
    CHECK(p2c2r_runtime_call(runtime.get(), name.c_str(), nullptr, nullptr, 0, &result, &why) ==
          P2C2R_E_UNSUPPORTED);
    CHECK(std::memchr(why.text, 0, sizeof why.text) != nullptr);
    CHECK(std::memchr(why.field, 0, sizeof why.field) != nullptr);
}

TEST_CASE("each status has a name and a sentence and an unknown number has both too") {
    std::set<std::string> names;
    for (p2c2r_status status = P2C2R_PENDING; status >= P2C2R_E_INTERNAL; --status) {
        names.insert(p2c2r_status_name(status));
        CHECK(std::string(p2c2r_status_text(status)) != "");
    }
    CHECK(names.size() == 32);
    CHECK(std::string(p2c2r_status_name(4711)) != "");
    CHECK(std::string(p2c2r_status_text(-4711)) != "");
    CHECK(p2c2r_abi_version() == P2C2R_ABI_VERSION);
    CHECK(std::string(p2c2r_version_text()).rfind(P2C2R_VERSION_STRING, 0) == 0);
}
