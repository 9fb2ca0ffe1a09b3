// The n-th allocation of a whole life fails, for every n: every role in one process, from the first
// create to the last destroy. Each call says OK or E_MEMORY, each task that was accepted is told
// once, memory that was given away comes back once, and nothing hangs. When it was short only once,
// the host may just try again, and all answers are right.
#include <array>
#include <fstream>
#include <sstream>
#include <string_view>

#include "short_memory.h"
#include "world.h"

using namespace capi_test;

namespace {

enum class Way { kInside, kSockets };  // how the roles reach each other

struct Counts {
    uint32_t accepted = 0;  // tasks with done
    uint32_t told = 0;
    uint32_t given = 0;  // payloads that were given away
    uint32_t released = 0;
    uint32_t executors = 0;
    uint32_t destroyed = 0;
};

// What a life holds. Unlike the owners of world.h it does not insist while memory is short.
struct Life {
    Shortage& memory;
    const Way way;
    p2c2r_runtime_config config = runtime_config(P2C2R_RUN_MANUAL);
    p2c2r_runtime* runtime = nullptr;
    p2c2r_coordinator* coordinator = nullptr;
    p2c2r_peer* peer = nullptr;
    p2c2r_client* client = nullptr;
    p2c2r_frames* frames = nullptr;
    char url[64] = "";
    int step_now = 0;
    int steps_done = 0;
    bool step_failed = false;
    Counts counts;

    Life(Shortage& of, Way by) : memory(of), way(by) { config.worker_threads = P2C2R_NONE; }
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;

    // Ends whatever there is, still without memory: an end needs none.
    ~Life() {
        memory.expect("frames_destroy", p2c2r_frames_destroy(frames) == P2C2R_OK);
        memory.expect("client_destroy", p2c2r_client_destroy(client) == P2C2R_OK);
        memory.expect("peer_destroy", p2c2r_peer_destroy(peer) == P2C2R_OK);
        memory.expect("coordinator_destroy", p2c2r_coordinator_destroy(coordinator) == P2C2R_OK);
        memory.expect("runtime_destroy", p2c2r_runtime_destroy(runtime) == P2C2R_OK);
        memory.expect("each task told once", counts.told == counts.accepted);
        memory.expect("each payload released once", counts.released == counts.given);
        memory.expect("each executor destroyed once", counts.destroyed == counts.executors);
    }

    // Short once: the same call again succeeds. For ever: the life ends here.
    template <class Call>
    bool insist(const char* name, Call&& call) {
        p2c2r_status status = memory.note(name, call());
        const bool again = !memory.is_lasting() || !memory.is_short();
        if (status == P2C2R_E_MEMORY && again) status = memory.note(name, call());
        return status == P2C2R_OK;
    }

    // The next of the steps of begin(); none is taken twice, and none behind one that failed.
    template <class Call>
    void step(const char* name, Call&& call) {
        const int which = ++step_now;
        if (step_failed || which <= steps_done) return;
        if (insist(name, call)) {
            steps_done = which;
        } else {
            step_failed = true;
        }
    }
    void begin_steps() {
        step_now = 0;
        step_failed = false;
    }

    // Asks until there is an answer. For ever: once memory is short nothing may come any more, and
    // waiting longer would not help; then the answer is E_MEMORY too.
    template <class Ask>
    p2c2r_status wait_for(p2c2r_status none_yet, Ask&& ask) {
        const uint64_t until = p2c2r_now_us() + kLongUs;
        for (;;) {
            const bool hopeless = memory.is_short() && memory.was_felt() && memory.is_lasting();
            const p2c2r_status status = ask();
            if (status != none_yet || p2c2r_now_us() > until) return status;
            if (hopeless) return P2C2R_E_MEMORY;
        }
    }
    bool wait_until(const char* what, const std::function<bool()>& ready) {
        const p2c2r_status status = memory.note(what, wait_for(P2C2R_PENDING, [&] {
                                                    turn();
                                                    return ready() ? P2C2R_OK : P2C2R_PENDING;
                                                }));
        return status == P2C2R_OK;
    }

    // The host's loop: what it says does not matter, but for what it may say.
    void turn() {
        if (config.worker_threads == P2C2R_NONE) {
            const p2c2r_status worked = p2c2r_runtime_work(runtime, 0, 0);
            if (worked != P2C2R_E_AGAIN) memory.note("runtime_work", worked);
        }
        if (config.run_mode == P2C2R_RUN_MANUAL) {
            memory.note("runtime_poll", p2c2r_runtime_poll(runtime, 1));
        } else {
            memory.note("runtime_dispatch", p2c2r_runtime_dispatch(runtime, 0, 0, nullptr));
        }
    }
};

// ---- the host's own functions: they take no memory ---------------------------------------------

p2c2r_status P2C2R_CALL double_bytes(void*, p2c2r_job* job) {
    size_t size = 0;
    const auto* input = static_cast<const char*>(p2c2r_job_input(job, 0, &size));
    void* out = nullptr;
    const p2c2r_status status = p2c2r_job_output_alloc(job, 2 * size, &out);
    if (status != P2C2R_OK) return status;
    std::memcpy(out, input, size);
    std::memcpy(static_cast<char*>(out) + size, input, size);
    return P2C2R_OK;
}

// Uses all that a job has, and finishes it itself.
p2c2r_status P2C2R_CALL show_job(void*, p2c2r_job* job) {
    static constexpr char kFields[] = R"({"kind": "shown"})";
    static constexpr char kBytes[] = "adopted";
    p2c2r_job_retain(job);
    size_t size = 0;
    (void)p2c2r_job_left_us(job);
    (void)p2c2r_job_state(job);
    p2c2r_status status =
        p2c2r_job_params(job, P2C2R_FORMAT_JSON, &size) ? P2C2R_OK : P2C2R_E_MEMORY;
    if (!p2c2r_job_params(job, P2C2R_FORMAT_MSGPACK, &size)) status = P2C2R_E_MEMORY;
    if (std::string_view(p2c2r_job_task_type(job)) != "show") status = P2C2R_E_INTERNAL;
    p2c2r_bytes bytes = {kBytes, sizeof kBytes - 1, nullptr, nullptr};
    if (status == P2C2R_OK) status = p2c2r_job_output_adopt(job, &bytes);
    if (status == P2C2R_OK) {
        status = p2c2r_job_output_fields(job, P2C2R_FORMAT_JSON, kFields, sizeof kFields - 1);
    }
    if (status != P2C2R_OK) (void)p2c2r_job_explain(job, "data", "memory was short for it");
    (void)p2c2r_job_finish(job, status);
    p2c2r_job_release(job);
    return P2C2R_PENDING;
}

void P2C2R_CALL on_destroyed(void* user) {
    ++static_cast<Counts*>(user)->destroyed;
}
void P2C2R_CALL on_done(void* user, p2c2r_task, p2c2r_result* result) {
    ++static_cast<Counts*>(user)->told;
    p2c2r_result_release(result);
}
void P2C2R_CALL on_release(void* user, const void*, size_t) {
    ++static_cast<Counts*>(user)->released;
}
void P2C2R_CALL on_event(void*, const p2c2r_event*) {}

// ---- the parts of a life -----------------------------------------------------------------------

void add_executor(Life& life, const char* type, p2c2r_run_fn run, uint32_t flags) {
    auto executor = sized<p2c2r_executor_desc>();
    executor.task_type = type;
    executor.flags = flags;
    executor.run = run;
    executor.destroy = on_destroyed;
    executor.user = &life.counts;
    life.step("add_executor", [&] {
        const p2c2r_status status = p2c2r_runtime_add_executor(life.runtime, &executor, nullptr);
        life.counts.executors += status == P2C2R_OK;
        return status;
    });
}

// Step by step until one fails for good; called again it goes on there.
bool begin(Life& life) {
    static constexpr char kQuick[] = R"({"reconnect_first_ms": 1})";
    auto place = sized<p2c2r_coordinator_config>();
    place.listen_port = life.way == Way::kSockets ? P2C2R_ANY : P2C2R_NONE;
    place.event = on_event;
    auto helper = sized<p2c2r_peer_config>();
    helper.options = kQuick;
    helper.event = on_event;
    auto game = sized<p2c2r_client_config>();
    game.options = kQuick;
    game.event = on_event;
    const auto reach = [&](auto& config) {
        config.local = life.way == Way::kInside ? life.coordinator : nullptr;
        config.coordinator_url = life.way == Way::kSockets ? life.url : nullptr;
        return &config;
    };
    life.begin_steps();
    life.step("runtime_create",
              [&] { return p2c2r_runtime_create(&life.config, &life.runtime, nullptr); });
    add_executor(life, "double", double_bytes, P2C2R_EXECUTOR_SHORT);
    add_executor(life, "show", show_job, 0);
    life.step("coordinator_create", [&] {
        return p2c2r_coordinator_create(life.runtime, &place, &life.coordinator, nullptr);
    });
    life.step("coordinator_start",
              [&] { return p2c2r_coordinator_start(life.coordinator, nullptr); });
    life.step("coordinator_port", [&] {
        uint32_t port = 0;
        const p2c2r_status status = p2c2r_coordinator_port(life.coordinator, &port, nullptr);
        std::snprintf(life.url, sizeof life.url, "p2c2r+plain://127.0.0.1:%u",
                      static_cast<unsigned>(port));
        return status;
    });
    life.step("peer_create",
              [&] { return p2c2r_peer_create(life.runtime, reach(helper), &life.peer, nullptr); });
    life.step("peer_start", [&] { return p2c2r_peer_start(life.peer, nullptr); });
    life.step("client_create", [&] {
        return p2c2r_client_create(life.runtime, reach(game), &life.client, nullptr);
    });
    life.step("client_connect", [&] {
        return life.wait_for(P2C2R_E_TIMEOUT,
                             [&] { return p2c2r_client_connect(life.client, 1, nullptr); });
    });
    life.step("a peer", [&] {
        return life.wait_for(P2C2R_PENDING, [&] {
            life.turn();
            auto stats = sized<p2c2r_client_stats>();
            life.memory.note("client_stats", p2c2r_client_stats_get(life.client, &stats));
            return stats.peers_available > 0 ? P2C2R_OK : P2C2R_PENDING;
        });
    });
    return !life.step_failed;
}

// E_BUSY: there was no room for one more job, and memory is room.
p2c2r_status no_room(const Shortage& memory, p2c2r_status status) {
    return status == P2C2R_E_BUSY && memory.was_felt() ? P2C2R_E_MEMORY : status;
}

// Submits and gives the result, which is OK or E_MEMORY. NULL: it was not accepted, or no answer
// comes.
p2c2r_result* ask(Life& life, const p2c2r_task_desc& desc) {
    p2c2r_task task = 0;
    if (!life.insist("submit",
                     [&] { return p2c2r_client_submit(life.client, &desc, &task, nullptr); })) {
        return nullptr;
    }
    if (desc.data && desc.data->release) ++life.counts.given;
    p2c2r_result* result = nullptr;
    const p2c2r_status status = life.wait_for(P2C2R_PENDING, [&] {
        life.turn();
        return p2c2r_client_get_result(life.client, task, 1000, &result);
    });
    life.memory.note("get_result", status);
    if (result) {
        life.memory.note(desc.task_type, no_room(life.memory, p2c2r_result_status(result)));
    }
    return result;
}

// Asks again when the answer was that memory was short, once.
void ask_for(Life& life, const p2c2r_task_desc& desc, std::string_view expected) {
    for (int tries = 0; tries < 2; ++tries) {
        p2c2r_result* result = ask(life, desc);
        if (!result) return;
        const bool good = p2c2r_result_status(result) == P2C2R_OK;
        size_t size = 0;
        const void* data = p2c2r_result_data(result, &size);
        life.memory.expect(
            "the right answer",
            !good || (size == expected.size() && std::memcmp(data, expected.data(), size) == 0));
        (void)p2c2r_result_text(result, P2C2R_TEXT_MESSAGE, &size);
        (void)p2c2r_result_text(result, P2C2R_TEXT_TASK_ID, &size);
        p2c2r_result_release(result);
        if (good || (life.memory.is_lasting() && life.memory.is_short())) return;
    }
    life.memory.expect("an answer at the second try", false);
}

std::string_view large_text() {
    static const std::string text(600 * 1024, 'x');  // in three chunks
    return text;
}

void ask_small_and_large(Life& life) {
    const Task small("echo", "ab", 2);
    ask_for(life, small.desc, "ab");
    const Task doubled("double", "ab", 2);
    ask_for(life, doubled.desc, "abab");
    Task large("echo", large_text().data(), large_text().size());
    large.data.release = on_release;
    large.data.user = &life.counts;
    ask_for(life, large.desc, large_text());
    Task shown("show", "ab", 2);
    shown.desc.params_format = P2C2R_FORMAT_JSON;
    shown.desc.params = R"({"a": [1, 2.5, "b"]})";
    shown.desc.params_size = std::strlen(static_cast<const char*>(shown.desc.params));
    ask_for(life, shown.desc, "adopted");
}

// An input that stays, as it is and with a change.
void ask_over_a_content(Life& life) {
    // Both made in the round that has memory.
    const std::string_view text = large_text();
    static const std::string changed = std::string(text).replace(1, 2, "yz");
    const p2c2r_bytes bytes = {text.data(), text.size(), nullptr, nullptr};
    p2c2r_content content = 0;
    if (!life.insist("client_put",
                     [&] { return p2c2r_client_put(life.client, &bytes, &content, nullptr); })) {
        return;
    }
    Task task("echo", nullptr, 0);
    task.desc.data = nullptr;
    task.desc.content = content;
    ask_for(life, task.desc, text);
    const p2c2r_patch patch = {1, "yz", 2};
    task.desc.patches = &patch;
    task.desc.patch_count = 1;
    ask_for(life, task.desc, changed);
    life.memory.note("client_drop", p2c2r_client_drop(life.client, content));
}

// A result that stays, what becomes of it, and its bytes.
void ask_for_what_stays(Life& life) {
    const std::string_view text = large_text();
    Task task("echo", text.data(), text.size());
    task.desc.flags = P2C2R_TASK_RESIDENT;
    p2c2r_result* result = nullptr;
    if (!life.insist("submit", [&] {
            return p2c2r_client_submit_and_wait(life.client, &task.desc, &result, nullptr);
        })) {
        return;
    }
    p2c2r_content content = 0;
    const bool is_put =
        p2c2r_result_status(result) == P2C2R_OK && life.insist("client_put_result", [&] {
            return p2c2r_client_put_result(life.client, result, &content, nullptr);
        });
    p2c2r_result_release(result);
    if (!is_put) return;
    // As of client_call: the connection is lost where memory is short for it.
    p2c2r_result* bytes = nullptr;
    const p2c2r_status heard = p2c2r_client_get_content(life.client, content, 200, &bytes, nullptr);
    const bool lost = heard == P2C2R_E_DISCONNECTED || heard == P2C2R_E_TIMEOUT;
    if (!lost || !life.memory.was_felt()) life.memory.note("client_get_content", heard);
    p2c2r_result_release(bytes);
    life.memory.note("client_drop", p2c2r_client_drop(life.client, content));
}

// Several at once, told by done; one that waits for another; one cancelled and one forgotten.
void ask_in_other_ways(Life& life) {
    std::array<p2c2r_task, 5> tasks = {};
    Task task("double", "ab", 2);
    task.desc.done = on_done;
    task.desc.user = &life.counts;
    const std::array<p2c2r_task_desc, 3> descs = {task.desc, task.desc, task.desc};
    uint32_t accepted = 0;
    life.memory.note("submit_many", p2c2r_client_submit_many(life.client, descs.data(), 3,
                                                             tasks.data(), &accepted, nullptr));
    life.counts.accepted += accepted;
    p2c2r_task_desc after = task.desc;
    after.depends_on = tasks.data();
    after.depends_count = accepted;
    p2c2r_task last = 0;
    const p2c2r_status said = p2c2r_client_submit(life.client, &after, &last, nullptr);
    // What it depends on may have ended, for want of memory, before it was sent.
    if (life.memory.note("submit", said) == P2C2R_OK) ++life.counts.accepted;
    if (life.memory.note("submit", p2c2r_client_submit(life.client, &task.desc, &last, nullptr)) ==
        P2C2R_OK) {
        ++life.counts.accepted;
        (void)p2c2r_client_cancel(life.client, last);
    }
    p2c2r_task_desc quiet = task.desc;
    quiet.done = nullptr;
    if (life.memory.note("submit", p2c2r_client_submit(life.client, &quiet, &last, nullptr)) ==
        P2C2R_OK) {
        life.memory.note("forget", p2c2r_client_forget(life.client, last));
    }
    p2c2r_task either[2] = {};
    for (p2c2r_task& one : either) {
        life.memory.note("submit", p2c2r_client_submit(life.client, &quiet, &one, nullptr));
    }
    life.memory.note("keep", p2c2r_client_keep(life.client, 0, either, 2, nullptr));
    life.wait_until("each done", [&] { return life.counts.told == life.counts.accepted; });
}

void ask_questions(Life& life) {
    for (const char* name : {"status", "peers", "tasks"}) {
        p2c2r_result* result = nullptr;
        const p2c2r_status said =
            p2c2r_coordinator_call(life.coordinator, name, nullptr, 1000, &result, nullptr);
        life.memory.note(name, said);
        if (result) (void)p2c2r_result_fields(result, P2C2R_FORMAT_JSON, nullptr);
        p2c2r_result_release(result);
        result = nullptr;
        // It has no more time than a test has patience: an answer that cannot come is a timeout.
        const p2c2r_status heard =
            p2c2r_client_call(life.client, name, nullptr, 20, &result, nullptr);
        const bool lost = heard == P2C2R_E_DISCONNECTED || heard == P2C2R_E_TIMEOUT;
        if (!lost || !life.memory.was_felt()) life.memory.note(name, heard);
        p2c2r_result_release(result);
    }
    p2c2r_result* result = nullptr;
    life.memory.note("metrics", p2c2r_coordinator_call(life.coordinator, "metrics", nullptr, 1000,
                                                       &result, nullptr));
    p2c2r_result_release(result);
    auto capabilities = sized<p2c2r_capabilities>();
    life.memory.note("capabilities", p2c2r_peer_capabilities(life.peer, &capabilities));
    char id[64];
    size_t size = sizeof id;
    life.memory.note("peer_id", p2c2r_peer_id(life.peer, id, &size));
    auto peer = sized<p2c2r_peer_stats>();
    life.memory.note("peer_stats", p2c2r_peer_stats_get(life.peer, &peer));
    auto coordinator = sized<p2c2r_coordinator_stats>();
    life.memory.note("coordinator_stats",
                     p2c2r_coordinator_stats_get(life.coordinator, &coordinator));
}

// Pauses, drains, removes an executor, and closes the runtime with all its roles.
void leave(Life& life) {
    char reason[256];
    size_t reason_size = sizeof reason;
    life.memory.note("why", p2c2r_peer_why(life.peer, reason, &reason_size));
    life.insist("activity", [&] { return p2c2r_peer_activity(life.peer, 0); });
    life.insist("set_speed", [&] { return p2c2r_peer_set_speed(life.peer, 2000); });
    life.insist("pause", [&] { return p2c2r_peer_pause(life.peer); });
    life.insist("resume", [&] { return p2c2r_peer_resume(life.peer); });
    const auto drained = [&](const char* what, auto&& drain) {
        life.insist(what, [&] { return life.wait_for(P2C2R_E_TIMEOUT, drain); });
    };
    drained("peer_drain", [&] { return p2c2r_peer_drain(life.peer, 1); });
    drained("coordinator_drain", [&] { return p2c2r_coordinator_drain(life.coordinator, 1); });
    life.insist("remove_executor",
                [&] { return p2c2r_runtime_remove_executor(life.runtime, "double", 1000); });
    life.memory.expect("close", p2c2r_runtime_close(life.runtime, 30'000) == P2C2R_OK);
    life.client = nullptr;
    life.peer = nullptr;
    life.coordinator = nullptr;
}

// ---- pictures ----------------------------------------------------------------------------------

constexpr uint32_t kSide = 16;

p2c2r_image one_colour(const unsigned char* pixels) {
    auto image = sized<p2c2r_image>();
    image.format = P2C2R_PIXEL_RGBA8;
    image.width = image.height = kSide;
    image.bytes.data = pixels;
    image.bytes.size = kSide * kSide * 4;
    return image;
}
const std::array<unsigned char, kSide* kSide* 4> kPixels = [] {
    std::array<unsigned char, kSide * kSide * 4> pixels;
    pixels.fill(0x5A);
    return pixels;
}();

p2c2r_status P2C2R_CALL capture(void*, p2c2r_image* out) {
    *out = one_colour(kPixels.data());
    return P2C2R_OK;
}
void P2C2R_CALL display(void*, const p2c2r_image*, const p2c2r_answer*) {}
p2c2r_status P2C2R_CALL give_something(void*, uint64_t, uint32_t, p2c2r_bytes* out) {
    out->data = "x";
    out->size = 1;
    return P2C2R_OK;
}

// All forms of a result that is a picture.
void look_at(Shortage& memory, const p2c2r_result* result) {
    size_t size = 0;
    uint8_t digest[32];
    auto view = sized<p2c2r_image>();
    auto info = sized<p2c2r_result_info>();
    memory.note("info", p2c2r_result_info_get(result, &info));
    if (info.status != P2C2R_OK) return;
    memory.note("digest", p2c2r_result_digest(result, digest));
    memory.note("image", p2c2r_result_image(result, &view));
    const void* fields = p2c2r_result_fields(result, P2C2R_FORMAT_JSON, &size);
    memory.expect("fields", fields || memory.was_felt());
    (void)p2c2r_result_fields(result, P2C2R_FORMAT_MSGPACK, &size);
    (void)p2c2r_result_text(result, P2C2R_TEXT_ALGORITHM, &size);
    (void)p2c2r_result_text(result, P2C2R_TEXT_TASK_TYPE, &size);
}

void ask_for_pictures(Life& life) {
    for (const char* format : {"png", "jpeg", "raw"}) {
        char params[160];
        std::snprintf(params, sizeof params,
                      R"({"input_res": [16, 16], "output_res": [24, 24], "output_format": "%s"})",
                      format);
        Task task("upscale", kPixels.data(), kPixels.size());
        task.desc.params_format = P2C2R_FORMAT_JSON;
        task.desc.params = params;
        task.desc.params_size = std::strlen(params);
        p2c2r_result* result = ask(life, task.desc);
        if (!result) continue;
        look_at(life.memory, result);
        // The answer in its format is the next one's picture.
        size_t size = 0;
        Task again("upscale", p2c2r_result_data(result, &size), 0);
        again.data.size = size;
        again.desc.params_format = P2C2R_FORMAT_JSON;
        again.desc.params = R"({"scale": 0.5, "input_res": [24, 24]})";
        again.desc.params_size = std::strlen(static_cast<const char*>(again.desc.params));
        if (p2c2r_result_status(result) == P2C2R_OK) p2c2r_result_release(ask(life, again.desc));
        p2c2r_result_release(p2c2r_result_retain(result));
        p2c2r_result_release(result);
    }
    const p2c2r_image frame = one_colour(kPixels.data());
    p2c2r_task task = 0;
    if (!life.insist("submit_frame", [&] {
            return p2c2r_client_submit_frame_for_upscaling(life.client, &frame, 24, 24, 0, &task,
                                                           nullptr);
        })) {
        return;
    }
    auto view = sized<p2c2r_image>();
    p2c2r_result* result = nullptr;
    life.memory.note("get_upscaled_frame", life.wait_for(P2C2R_PENDING, [&] {
        life.turn();
        return p2c2r_client_get_upscaled_frame(life.client, task, 1000, &view, &result);
    }));
    p2c2r_result_release(result);
}

void look_at_part(void*, p2c2r_task, const p2c2r_part*, const p2c2r_result* result) {
    (void)p2c2r_result_status(result);
}

void stream_frames(Life& life) {
    auto config = sized<p2c2r_frames_config>();
    config.output_width = config.output_height = 24;
    config.capture = capture;
    config.display = display;
    config.fallback = give_something;
    config.pipeline_max = 2;
    config.budget_us = 300;
    if (!life.insist("frames_create", [&] {
            return p2c2r_frames_create(life.client, &config, &life.frames, nullptr);
        })) {
        return;
    }
    const Task task("double", "ab", 2);
    constexpr const char* kBalls =
        R"({"num_steps": 1, "objects": [{"position": [0, 1, 0]}, {"position": [3, 1, 0]}]})";
    Task cut("physics");
    cut.desc.params_format = P2C2R_FORMAT_JSON;
    cut.desc.params = kBalls;
    cut.desc.params_size = std::strlen(kBalls);
    cut.desc.split = 2;
    cut.desc.part = look_at_part;
    for (int i = 0; i < 2; ++i) {
        uint64_t frame = 0;
        auto answer = sized<p2c2r_answer>();
        if (life.memory.note("push in parts", p2c2r_frames_push(life.frames, &cut.desc, &frame,
                                                                nullptr)) == P2C2R_OK) {
            life.memory.note("pull in parts",
                             p2c2r_frames_pull(life.frames, frame, 2'000, &answer));
            p2c2r_result_release(answer.result);
        }
        answer = sized<p2c2r_answer>();
        if (life.memory.note("push", p2c2r_frames_push(life.frames, &task.desc, &frame, nullptr)) ==
            P2C2R_OK) {
            life.memory.note("pull", p2c2r_frames_pull(life.frames, frame, 0, &answer));
            p2c2r_result_release(answer.result);
        }
        auto form = sized<p2c2r_frame_form>();
        form.quality = P2C2R_QUALITY_FAST;
        form.params = "\x80";
        form.params_size = 1;
        life.memory.note("push_forms",
                         p2c2r_frames_push_forms(life.frames, &task.desc, P2C2R_QUALITY_BALANCED,
                                                 &form, 1, nullptr, nullptr));
        answer = sized<p2c2r_answer>();
        life.memory.note("step", p2c2r_frames_step(life.frames, 0, &answer));
        p2c2r_result_release(answer.result);
    }
}

// ---- lives -------------------------------------------------------------------------------------

void live_over_sockets(Shortage& memory) {
    Life life(memory, Way::kSockets);
    if (begin(life)) ask_small_and_large(life);
}

// Whatever the shortage has left behind, afterwards the same handles do all they are for.
void live_and_recover(Shortage& memory) {
    Life life(memory, Way::kInside);
    if (begin(life)) ask_small_and_large(life);
    memory.end();
    memory.expect("a life after the shortage", begin(life));
    ask_small_and_large(life);
    ask_in_other_ways(life);
}

void live_with_pictures(Shortage& memory) {
    Life life(memory, Way::kInside);
    if (!begin(life)) return;
    ask_for_pictures(life);
    stream_frames(life);
}

// The library's own threads: which allocation is the n-th differs from round to round.
void live_with_threads(Shortage& memory) {
    Life life(memory, Way::kSockets);
    life.config.run_mode = P2C2R_RUN_THREAD;
    life.config.worker_threads = 2;
    if (!begin(life)) return;
    ask_small_and_large(life);
    ask_in_other_ways(life);
    leave(life);
}

// A body at rest, and what a delta makes of it.
void ask_for_a_delta(Life& life) {
    const float body[10] = {0, 0, 0, 0, 0, 0, 1, 0.5f, 0, 0};
    const p2c2r_bytes input = {body, sizeof body, nullptr, nullptr};
    p2c2r_result* result = nullptr;
    const bool answered = life.insist("exec physics", [&] {
        constexpr const char* kArguments =
            R"({"task_type": "physics", "params": {"result": "delta"}})";
        return no_room(life.memory, p2c2r_runtime_call(life.runtime, "exec", kArguments, &input,
                                                       1000, &result, nullptr));
    });
    if (answered && life.memory.note("physics", p2c2r_result_status(result)) == P2C2R_OK) {
        float after[10] = {};
        size_t size = sizeof after;
        life.memory.note("apply_delta", p2c2r_result_apply_delta(result, body, sizeof body, after,
                                                                 &size, nullptr));
    }
    p2c2r_result_release(result);
}

// Calls that need no role.
void ask_the_runtime(Shortage& memory) {
    Life life(memory, Way::kInside);
    if (!life.insist("runtime_create",
                     [&] { return p2c2r_runtime_create(&life.config, &life.runtime, nullptr); })) {
        return;
    }
    memory.expect("what never fails",
                  p2c2r_abi_version() == P2C2R_ABI_VERSION && p2c2r_version_text() &&
                      p2c2r_status_name(P2C2R_E_MEMORY) && p2c2r_status_text(P2C2R_E_MEMORY));
    char out[256];
    size_t size = sizeof out;
    constexpr std::string_view kJson = R"({"a": [1, 2.5, "a longer text than most"], "b": null})";
    life.insist("params_from_json", [&] {
        size = sizeof out;
        return p2c2r_params_from_json(kJson.data(), kJson.size(), out, &size, nullptr);
    });
    char text[256];
    size_t text_size = sizeof text;
    life.memory.note("params_to_json", p2c2r_params_to_json(out, size, text, &text_size, nullptr));
    const p2c2r_bytes input = {"ab", 2, nullptr, nullptr};
    const std::array<std::array<const char*, 2>, 3> questions = {
        {{"devices", "{}"}, {"task_types", "{}"}, {"exec", R"({"task_type": "echo"})"}}};
    for (const auto& question : questions) {
        const char* const name = question[0];
        const char* const arguments = question[1];
        p2c2r_result* result = nullptr;
        life.insist(name, [&] {
            return no_room(life.memory, p2c2r_runtime_call(life.runtime, name, arguments, &input,
                                                           1000, &result, nullptr));
        });
        p2c2r_result_release(result);
    }
    ask_for_a_delta(life);
    int32_t descriptor = -1;
    int32_t wait_ms = -1;
    life.memory.note("backend", p2c2r_runtime_backend(life.runtime, &descriptor, &wait_ms));
    life.memory.note("wake", p2c2r_runtime_wake(life.runtime));
    auto alone = sized<p2c2r_client_config>();
    if (!life.insist("client_create", [&] {
            return p2c2r_client_create(life.runtime, &alone, &life.client, nullptr);
        })) {
        return;
    }
    const Task task("echo", "ab", 2);
    p2c2r_result* result = nullptr;
    life.memory.note("submit_and_wait",
                     p2c2r_client_submit_and_wait(life.client, &task.desc, &result, nullptr));
    if (result) life.memory.note("echo", p2c2r_result_status(result));
    p2c2r_result_release(result);
    p2c2r_task id = 0;
    uint32_t which = 0;
    if (life.memory.note("submit", p2c2r_client_submit(life.client, &task.desc, &id, nullptr)) ==
        P2C2R_OK) {
        life.memory.note("wait", p2c2r_client_wait(life.client, &id, 1, kLongUs, &which));
        life.memory.note("dispatch", p2c2r_client_dispatch(life.client, 0, 0, nullptr));
        result = nullptr;
        life.memory.note("poll", p2c2r_client_poll(life.client, id, &result));
        p2c2r_result_release(result);
    }
}

void live_and_do_all(Shortage& memory) {
    Life life(memory, Way::kInside);
    if (!begin(life)) return;
    ask_in_other_ways(life);
    ask_over_a_content(life);
    ask_for_what_stays(life);
    ask_questions(life);
    leave(life);
}

// Once with all the memory there is, for what is taken once and kept; then without.
void sweep_lives(const char* what, const std::function<void(Shortage&)>& piece, uint64_t step = 1) {
    if (!memory_can_be_short()) {
        MESSAGE("skipped: a sanitizer has the heap");
        return;
    }
    {
        Shortage plenty(UINT64_MAX, false);
        piece(plenty);
        plenty.end();
        plenty.look();
    }
    sweep(what, piece, step);
}

}  // namespace

TEST_CASE("a life survives each of its allocations failing and then goes on") {
    sweep_lives("inside", live_and_recover);
}

TEST_CASE("a life over sockets survives each of its allocations failing") {
    sweep_lives("sockets", live_over_sockets);
}

TEST_CASE("every other way to ask survives each of its allocations failing") {
    sweep_lives("all ways", live_and_do_all);
}

TEST_CASE("pictures and frames survive each of their allocations failing") {
    sweep_lives("pictures", live_with_pictures);
}

TEST_CASE("a runtime alone survives each of its allocations failing") {
    sweep_lives("runtime", ask_the_runtime);
}

TEST_CASE("each function of the interface is called here while memory is short") {
    const auto read = [](const std::string& place) {
        std::ifstream file(std::string(P2C2R_SOURCE_DIR) + place);
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    const std::string here = read("/tests/capi/allocations_test.cpp");
    std::istringstream names(read("/bindings/c/exports.map"));
    int count = 0;
    for (std::string name; names >> name;) {
        if (name.rfind("p2c2r_", 0) != 0) continue;
        ++count;
        CHECK_MESSAGE(here.find(name + "(") != std::string::npos, name);
    }
    CHECK(count > 70);
}

TEST_CASE("threads of the library survive allocations failing") {
    sweep_lives("threads", live_with_threads, 7);
}
