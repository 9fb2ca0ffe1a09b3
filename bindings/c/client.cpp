// p2c2r_client_...: the client's functions.
#include "bindings/c/bytes_in.h"
#include "bindings/c/clock.h"
#include "bindings/c/handles.h"
#include "bindings/c/images.h"
#include "bindings/c/results.h"
#include "bindings/c/role_config.h"
#include "bindings/c/structs.h"

using namespace p2c2r;
using namespace p2c2r::capi;

namespace {

p2c2r_status read_client(RuntimeState& runtime, const p2c2r_client_config& config,
                         ClientSettings& settings, p2c2r_error* why) {
    if (config.flags != 0) {
        return fail(why, Status::kArgument, "flags", "there are no client flags in this version");
    }
    if (config.deliver < P2C2R_DELIVER_ON_DISPATCH || config.deliver > P2C2R_DELIVER_ON_LOOP) {
        return fail(why, Status::kArgument, "deliver", "deliver is not a P2C2R_DELIVER_ constant");
    }
    if (config.local && config.coordinator_url) {
        return fail(why, Status::kArgument, "local",
                    "local and coordinator_url exclude each other");
    }
    constexpr uint32_t kTasksMax = 1u << 20;
    if (config.tasks_max > kTasksMax) {
        return fail(why, Status::kArgument, "tasks_max",
                    "tasks_max of " + std::to_string(config.tasks_max) + " exceeds " +
                        std::to_string(kTasksMax));
    }
    const Result<LinkSettings> link = read_link_settings(config.options);
    if (!link) return fail(why, link.error());
    if (config.tasks_max != 0) settings.tasks_max = config.tasks_max;
    if (config.bytes_max != 0) settings.bytes_max = config.bytes_max;
    roles::ClientOptions& options = settings.options;
    options.checksum = link->checksum;
    if (link->code_results) options.coder = runtime.coder();
    options.place_by_worth = link->place_by_worth;
    settings.fake_network = link->fake_network;
    fill_reconnect(options.reconnect, *link, config.connect_timeout_ms, config.reconnect_attempts);
    if (const Result<Done> good = read_role_id(config.client_id, "client_id", options.client_id);
        !good) {
        return fail(why, good.error());
    }
    if (config.local) {
        return with(config.local, why, [&](CoordinatorState& coordinator) -> p2c2r_status {
            if (&coordinator.runtime != &runtime) {
                return fail(why, Status::kArgument, "local",
                            "the coordinator belongs to another runtime");
            }
            settings.local = coordinator.port();
            return P2C2R_OK;
        });
    }
    if (!config.coordinator_url) return P2C2R_OK;
    return read_endpoint(config.coordinator_url, config.credentials, link->allow_plaintext,
                         options.coordinator, why);
}

// The desc at `index` of an array whose elements all have the size of the first.
p2c2r_status read_desc(const p2c2r_task_desc* descs, uint32_t index,
                       InStruct<p2c2r_task_desc>& desc, p2c2r_error* why) {
    const uint32_t step = descs->struct_size;
    const auto* at = reinterpret_cast<const p2c2r_task_desc*>(
        reinterpret_cast<const unsigned char*>(descs) + size_t{step} * index);
    if (at->struct_size != step) {
        return fail(why, Status::kArgument, "struct_size",
                    "element " + std::to_string(index) + " has another struct_size than the first");
    }
    return desc.read(at, "descs", why);
}

}  // namespace

extern "C" {

p2c2r_status P2C2R_CALL p2c2r_client_create(p2c2r_runtime* runtime,
                                            const p2c2r_client_config* given, p2c2r_client** out,
                                            p2c2r_error* why) {
    if (out) *out = nullptr;
    return with_waiting(runtime, why, [&](RuntimeState& state) -> p2c2r_status {
        if (!out) return fail_null(why, "out");
        InStruct<p2c2r_client_config> config;
        if (const p2c2r_status bad = config.read(given, "config", why)) return bad;
        ClientSettings settings;
        if (const p2c2r_status bad = read_client(state, *config, settings, why)) return bad;
        auto client = std::make_unique<ClientState>(state, *config, std::move(settings));
        return open_role(state, std::move(client), out, why);
    });
}

p2c2r_status P2C2R_CALL p2c2r_client_connect(p2c2r_client* client, uint32_t timeout_ms,
                                             p2c2r_error* why) {
    return with_waiting(client, why, [&](ClientState& state) {
        return state.connect(uint64_t{timeout_ms} * 1000, why);
    });
}

p2c2r_status P2C2R_CALL p2c2r_client_submit(p2c2r_client* client, const p2c2r_task_desc* given,
                                            p2c2r_task* out, p2c2r_error* why) {
    return with(client, why, [&](ClientState& state) -> p2c2r_status {
        if (!out) return fail_null(why, "out");
        *out = 0;
        InStruct<p2c2r_task_desc> desc;
        if (const p2c2r_status bad = desc.read(given, "desc", why)) return bad;
        return state.submit(*desc, recent_us(), out, why);
    });
}

p2c2r_status P2C2R_CALL p2c2r_client_submit_many(p2c2r_client* client, const p2c2r_task_desc* descs,
                                                 uint32_t count, p2c2r_task* out,
                                                 uint32_t* accepted, p2c2r_error* why) {
    if (accepted) *accepted = 0;
    return with(client, why, [&](ClientState& state) -> p2c2r_status {
        if (count == 0) return P2C2R_OK;
        if (!descs) return fail_null(why, "descs");
        if (!out) return fail_null(why, "out");
        const uint64_t now = now_us();
        for (uint32_t index = 0; index < count; ++index) {
            InStruct<p2c2r_task_desc> desc;
            if (const p2c2r_status bad = read_desc(descs, index, desc, why)) return bad;
            if (const p2c2r_status bad = state.submit(*desc, now, out + index, why)) return bad;
            if (accepted) *accepted = index + 1;
        }
        return P2C2R_OK;
    });
}

p2c2r_status P2C2R_CALL p2c2r_client_put(p2c2r_client* client, const p2c2r_bytes* bytes,
                                         p2c2r_content* out, p2c2r_error* why) {
    if (out) *out = 0;
    return with(client, why, [&](ClientState& state) -> p2c2r_status {
        if (!out) return fail_null(why, "out");
        if (const p2c2r_status bad = check_bytes(bytes, "bytes", why)) return bad;
        return state.put(*bytes, out, why);
    });
}

p2c2r_status P2C2R_CALL p2c2r_client_drop(p2c2r_client* client, p2c2r_content content) {
    return with(client, nullptr,
                [&](ClientState& state) { return number_of(state.drop_content(content)); });
}

p2c2r_status P2C2R_CALL p2c2r_client_put_result(p2c2r_client* client, const p2c2r_result* result,
                                                p2c2r_content* out, p2c2r_error* why) {
    if (out) *out = 0;
    return with(client, why, [&](ClientState& state) -> p2c2r_status {
        if (!out) return fail_null(why, "out");
        if (!result) return fail_null(why, "result");
        p2c2r_status bad = P2C2R_OK;
        const TaskResult* const answer = answer_of(result, bad);
        if (!answer)
            return fail(why, static_cast<Status>(bad), "result", "result is none any more");
        return state.put_result(*answer, out, why);
    });
}

p2c2r_status P2C2R_CALL p2c2r_client_get_content(p2c2r_client* client, p2c2r_content content,
                                                 uint32_t timeout_ms, p2c2r_result** out,
                                                 p2c2r_error* why) {
    if (out) *out = nullptr;
    return with_waiting(client, why, [&](ClientState& state) -> p2c2r_status {
        if (!out) return fail_null(why, "out");
        return state.get_content(content, uint64_t{timeout_ms} * 1000, out, why);
    });
}

p2c2r_status P2C2R_CALL p2c2r_client_cancel(p2c2r_client* client, p2c2r_task task) {
    return with(client, nullptr, [&](ClientState& state) { return number_of(state.cancel(task)); });
}

p2c2r_status P2C2R_CALL p2c2r_client_forget(p2c2r_client* client, p2c2r_task task) {
    return with(client, nullptr, [&](ClientState& state) { return number_of(state.forget(task)); });
}

p2c2r_status P2C2R_CALL p2c2r_client_keep(p2c2r_client* client, p2c2r_task task,
                                          const p2c2r_task* tasks, uint32_t count,
                                          p2c2r_error* why) {
    return with(client, why, [&](ClientState& state) -> p2c2r_status {
        if (count > 0 && !tasks) return fail_null(why, "tasks");
        return state.keep(task, tasks, count, why);
    });
}

p2c2r_status P2C2R_CALL p2c2r_client_poll(p2c2r_client* client, p2c2r_task task,
                                          p2c2r_result** out) {
    if (out) *out = nullptr;
    return with(client, nullptr, [&](ClientState& state) -> p2c2r_status {
        if (!out) return P2C2R_E_ARGUMENT;
        return number_of(state.poll(task, out));
    });
}

p2c2r_status P2C2R_CALL p2c2r_client_wait(p2c2r_client* client, const p2c2r_task* tasks,
                                          uint32_t count, uint64_t timeout_us, uint32_t* which) {
    return with_waiting(client, nullptr, [&](ClientState& state) -> p2c2r_status {
        if (!tasks || count == 0) return P2C2R_E_ARGUMENT;
        return number_of(state.wait(tasks, count, timeout_us, which));
    });
}

p2c2r_status P2C2R_CALL p2c2r_client_get_result(p2c2r_client* client, p2c2r_task task,
                                                uint64_t timeout_us, p2c2r_result** out) {
    if (out) *out = nullptr;
    return with_waiting(client, nullptr, [&](ClientState& state) -> p2c2r_status {
        if (!out) return P2C2R_E_ARGUMENT;
        return number_of(state.get_result(task, timeout_us, out));
    });
}

p2c2r_status P2C2R_CALL p2c2r_client_submit_and_wait(p2c2r_client* client,
                                                     const p2c2r_task_desc* given,
                                                     p2c2r_result** out, p2c2r_error* why) {
    if (out) *out = nullptr;
    return with_waiting(client, why, [&](ClientState& state) -> p2c2r_status {
        if (!out) return fail_null(why, "out");
        InStruct<p2c2r_task_desc> desc;
        if (const p2c2r_status bad = desc.read(given, "desc", why)) return bad;
        if (desc->done) {
            return fail(why, Status::kArgument, "done",
                        "done must be NULL: the result is returned");
        }
        p2c2r_task task = 0;
        if (const p2c2r_status bad = state.submit(*desc, now_us(), &task, why)) return bad;
        // Each task ends, by its deadline at the latest.
        const Status status = state.get_result(task, P2C2R_FOREVER, out);
        return status == Status::kOk ? number_of(status) : fail(why, status);
    });
}

p2c2r_status P2C2R_CALL p2c2r_client_stats_get(p2c2r_client* client, p2c2r_client_stats* out) {
    return with(client, nullptr, [&](ClientState& state) -> p2c2r_status {
        if (const p2c2r_status bad = check_out_struct(out, "out")) return bad;
        p2c2r_client_stats stats;
        const Status status = state.stats(stats);
        if (status == Status::kOk) write_struct(out, stats);
        return number_of(status);
    });
}

p2c2r_status P2C2R_CALL p2c2r_client_call(p2c2r_client* client, const char* name,
                                          const char* args_json, uint32_t timeout_ms,
                                          p2c2r_result** out, p2c2r_error* why) {
    if (out) *out = nullptr;
    return with_waiting(client, why, [&](ClientState& state) -> p2c2r_status {
        if (!name) return fail_null(why, "name");
        if (!out) return fail_null(why, "out");
        Result<Bytes> arguments = read_arguments(args_json);
        if (!arguments) return fail(why, arguments.error());
        return state.call(name, std::move(*arguments), uint64_t{timeout_ms} * 1000, out, why);
    });
}

p2c2r_status P2C2R_CALL p2c2r_client_submit_frame_for_upscaling(p2c2r_client* client,
                                                                const p2c2r_image* given,
                                                                uint32_t width, uint32_t height,
                                                                int32_t quality, p2c2r_task* out,
                                                                p2c2r_error* why) {
    return with(client, why, [&](ClientState& state) -> p2c2r_status {
        if (!out) return fail_null(why, "out");
        *out = 0;
        InStruct<p2c2r_image> frame;
        if (const p2c2r_status bad = frame.read(given, "frame", why)) return bad;
        const Result<Bytes> params = upscale_params(*frame, width, height, quality);
        if (!params) return fail(why, params.error());
        p2c2r_task_desc desc = {};
        desc.struct_size = sizeof desc;
        desc.task_type = "upscale";
        desc.params = params->data();
        desc.params_size = params->size();
        desc.data = &frame->bytes;
        return state.submit(desc, now_us(), out, why);
    });
}

p2c2r_status P2C2R_CALL p2c2r_client_get_upscaled_frame(p2c2r_client* client, p2c2r_task task,
                                                        uint64_t timeout_us, p2c2r_image* view,
                                                        p2c2r_result** out) {
    if (out) *out = nullptr;
    return with_waiting(client, nullptr, [&](ClientState& state) -> p2c2r_status {
        if (!out) return P2C2R_E_ARGUMENT;
        if (const p2c2r_status bad = check_out_struct(view, "view")) return bad;
        const Status status = state.get_result(task, timeout_us, out);
        if (status != Status::kOk) return number_of(status);
        p2c2r_image image = {};
        image.struct_size = sizeof image;
        // A task that failed has no picture; its result says why.
        if (p2c2r_result_image(*out, &image) != P2C2R_OK) image = {};
        write_struct(view, image);
        return P2C2R_OK;
    });
}

p2c2r_status P2C2R_CALL p2c2r_client_destroy(p2c2r_client* client) {
    if (!client) return P2C2R_OK;
    return with_waiting(client, nullptr, [&](ClientState& state) -> p2c2r_status {
        if (state.has_frames()) return P2C2R_E_STATE;
        return number_of(state.runtime.destroy_role(state, P2C2R_FOREVER));
    });
}

}  // extern "C"
