// p2c2r_peer_...: the peer's functions.
#include <algorithm>
#include <cstring>

#include "bindings/c/handles.h"
#include "bindings/c/role_config.h"
#include "bindings/c/structs.h"
#include "bindings/c/vulkan_host.h"
#include "model/task_type.h"

using namespace p2c2r;
using namespace p2c2r::capi;

namespace {

constexpr uint32_t kConcurrentMax = 1024;
constexpr uint32_t kSpeedMilliMax = 1'000'000;

// "upscale,echo" as a list of canonical names.
Result<std::vector<std::string>> split_types(std::string_view text) {
    std::vector<std::string> types;
    while (!text.empty()) {
        const size_t comma = text.find(',');
        std::string_view name = text.substr(0, comma);
        text = comma == std::string_view::npos ? "" : text.substr(comma + 1);
        while (name.starts_with(' ')) name.remove_prefix(1);
        while (name.ends_with(' ')) name.remove_suffix(1);
        if (const Result<Done> good = roles::check_task_type(name); !good) {
            return field_error(Status::kArgument, "task_types", good.error().text);
        }
        types.emplace_back(canonical_task_type(name));
    }
    if (types.size() > limits::kTaskTypesPerPeerMax) {
        return field_error(Status::kLimit, "task_types",
                           std::to_string(types.size()) + " task types exceed " +
                               std::to_string(limits::kTaskTypesPerPeerMax));
    }
    return types;
}

p2c2r_status read_capabilities(RuntimeState& runtime, const p2c2r_capabilities* given,
                               roles::PeerOptions& options, p2c2r_error* why) {
    Capabilities& out = options.capabilities;
    out = runtime.builtin().detect();
    if (!given) return P2C2R_OK;
    InStruct<p2c2r_capabilities> wish;
    if (const p2c2r_status bad = wish.read(given, "capabilities", why)) return bad;
    if (wish->cpu_cores != 0) out.cpu_cores = wish->cpu_cores;
    if (wish->ram_mb != 0) out.ram_gb = wish->ram_mb / 1024.0;
    if (wish->gpu_vram_mb != 0) out.gpu_vram_gb = wish->gpu_vram_mb / 1024.0;
    if (wish->gpu != 0) out.gpu = true;
    if (wish->network_kbps != 0) out.network_mbps = wish->network_kbps / 1000.0;
    if (wish->speed_milli > kSpeedMilliMax) {
        return fail(why, Status::kArgument, "speed_milli",
                    "speed_milli of " + std::to_string(wish->speed_milli) + " exceeds 1000000");
    }
    options.speed = wish->speed_milli / 1000.0;
    const auto take_text = [&](const char* text, const char* field, std::string& to) {
        const Result<Done> good = text ? read_role_id(text, field, to) : Result<Done>(Done{});
        return good ? number_of(Status::kOk) : fail(why, good.error());
    };
    if (const p2c2r_status bad = take_text(wish->gpu_model, "gpu_model", out.gpu_model)) return bad;
    if (const p2c2r_status bad = take_text(wish->location, "location", out.location)) return bad;
    if (wish->task_types) {
        Result<std::vector<std::string>> types = split_types(wish->task_types);
        if (!types) return fail(why, types.error());
        out.task_types = std::move(*types);
    }
    return P2C2R_OK;
}

p2c2r_status read_peer(RuntimeState& runtime, const p2c2r_peer_config& config,
                       PeerSettings& settings, p2c2r_error* why) {
    if (Result<Done> own = check_not_lent(runtime.builtin().is_lent(), "a peer"); !own) {
        return fail(why, own.error());
    }
    if (config.flags != 0) {
        return fail(why, Status::kArgument, "flags", "there are no peer flags in this version");
    }
    if (config.deliver < P2C2R_DELIVER_ON_DISPATCH || config.deliver > P2C2R_DELIVER_ON_LOOP) {
        return fail(why, Status::kArgument, "deliver", "deliver is not a P2C2R_DELIVER_ constant");
    }
    if (!config.local == !config.coordinator_url) {
        return fail(why, Status::kArgument, "coordinator_url",
                    "a peer needs either a coordinator_url or a local coordinator");
    }
    if (config.max_concurrent_tasks > kConcurrentMax) {
        return fail(why, Status::kArgument, "max_concurrent_tasks",
                    "max_concurrent_tasks of " + std::to_string(config.max_concurrent_tasks) +
                        " exceeds 1024");
    }
    Result<PeerOptionsRead> read = read_peer_options(config.options);
    if (!read) return fail(why, read.error());
    const LinkSettings* const link = &read->link;
    settings.owner = std::move(read->owner);
    roles::PeerOptions& options = settings.options;
    settings.fake_network = link->fake_network;
    if (const Result<Done> good = read_role_id(config.peer_id, "peer_id", options.peer_id); !good) {
        return fail(why, good.error());
    }
    if (const p2c2r_status bad = read_capabilities(runtime, config.capabilities, options, why)) {
        return bad;
    }
    for (kernels::RefusedType& refused : runtime.builtin().refused_types()) {
        const std::vector<std::string>& listed = options.capabilities.task_types;
        if (std::find(listed.begin(), listed.end(), refused.task_type) != listed.end()) {
            return fail(why, refused.why.status, "task_types", refused.why.text);
        }
        // That a type has no form for this device is its nature; that the device is wrong is news.
        if (refused.why.status != Status::kUnsupported) {
            runtime.log().write(LogLevel::kWarn, "capi",
                                "'" + refused.task_type + "' is not offered: " + refused.why.text);
        }
        options.withheld_types.push_back(std::move(refused.task_type));
    }
    if (config.max_concurrent_tasks != 0) options.slots = config.max_concurrent_tasks;
    options.prefetch = config.prefetch_tasks == P2C2R_NONE ? 0
                       : config.prefetch_tasks == 0        ? options.slots
                                                           : config.prefetch_tasks;
    options.window_bytes = std::min(options.window_bytes, runtime.pool().memory_max());
    options.content_bytes_max = std::min(link->content_bytes_max, runtime.pool().memory_max() / 2);
    options.checksum = link->checksum;
    if (link->code_results) options.coder = runtime.coder();
    options.circle_accepted = link->circle;
    options.codec_class = runtime.builtin().codec_class();
    fill_reconnect(options.reconnect, *link, 0, config.reconnect_attempts);
    const std::vector<std::string>& listed = options.capabilities.task_types;
    if (const Result<Done> good =
            roles::check_offer(options, listed.empty() ? runtime.registry().task_types() : listed);
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
    return read_endpoint(config.coordinator_url, config.credentials, link->allow_plaintext,
                         options.coordinator, why);
}

// As the functions that give a text have it: room in, need out.
p2c2r_status copy_text(const std::string& text, char* out, size_t* out_size) {
    if (!out_size) return P2C2R_E_ARGUMENT;
    const size_t room = *out_size;
    *out_size = text.size() + 1;
    if (!out || room < text.size() + 1) return P2C2R_E_SIZE;
    std::memcpy(out, text.c_str(), text.size() + 1);
    return P2C2R_OK;
}

}  // namespace

extern "C" {

p2c2r_status P2C2R_CALL p2c2r_peer_create(p2c2r_runtime* runtime, const p2c2r_peer_config* given,
                                          p2c2r_peer** out, p2c2r_error* why) {
    if (out) *out = nullptr;
    return with_waiting(runtime, why, [&](RuntimeState& state) -> p2c2r_status {
        if (!out) return fail_null(why, "out");
        InStruct<p2c2r_peer_config> config;
        if (const p2c2r_status bad = config.read(given, "config", why)) return bad;
        PeerSettings settings;
        if (const p2c2r_status bad = read_peer(state, *config, settings, why)) return bad;
        Result<DataFile> data = DataFile::open(settings.owner.data_file);
        if (!data) return fail(why, data.error());
        settings.data = std::move(*data);
        auto peer = std::make_unique<PeerState>(state, *config, std::move(settings));
        return open_role(state, std::move(peer), out, why);
    });
}

p2c2r_status P2C2R_CALL p2c2r_peer_start(p2c2r_peer* peer, p2c2r_error* why) {
    return with(peer, why, [&](PeerState& state) -> p2c2r_status {
        const Status status = state.start();
        return status == Status::kOk ? number_of(status) : fail(why, status);
    });
}

p2c2r_status P2C2R_CALL p2c2r_peer_pause(p2c2r_peer* peer) {
    return with(peer, nullptr, [](PeerState& state) { return number_of(state.pause(true)); });
}

p2c2r_status P2C2R_CALL p2c2r_peer_resume(p2c2r_peer* peer) {
    return with(peer, nullptr, [](PeerState& state) { return number_of(state.pause(false)); });
}

p2c2r_status P2C2R_CALL p2c2r_peer_activity(p2c2r_peer* peer, int32_t active) {
    return with(peer, nullptr, [active](PeerState& state) -> p2c2r_status {
        if (active != 0 && active != 1) return P2C2R_E_ARGUMENT;
        state.say_active(active == 1);
        return P2C2R_OK;
    });
}

p2c2r_status P2C2R_CALL p2c2r_peer_set_speed(p2c2r_peer* peer, uint32_t speed_milli) {
    return with(peer, nullptr, [speed_milli](PeerState& state) -> p2c2r_status {
        if (speed_milli > kSpeedMilliMax) return P2C2R_E_ARGUMENT;
        return number_of(state.set_speed(speed_milli / 1000.0));
    });
}

p2c2r_status P2C2R_CALL p2c2r_peer_why(p2c2r_peer* peer, char* out, size_t* out_size) {
    return with(peer, nullptr, [&](PeerState& state) -> p2c2r_status {
        std::string why;
        const Status status = state.why(why);
        return status == Status::kOk ? copy_text(why, out, out_size) : number_of(status);
    });
}

p2c2r_status P2C2R_CALL p2c2r_peer_capabilities(p2c2r_peer* peer, p2c2r_capabilities* out) {
    return with(peer, nullptr, [&](PeerState& state) -> p2c2r_status {
        if (const p2c2r_status bad = check_out_struct(out, "out")) return bad;
        p2c2r_capabilities capabilities;
        const Status status = state.capabilities(capabilities);
        if (status == Status::kOk) write_struct(out, capabilities);
        return number_of(status);
    });
}

p2c2r_status P2C2R_CALL p2c2r_peer_id(p2c2r_peer* peer, char* out, size_t* out_size) {
    return with(peer, nullptr, [&](PeerState& state) -> p2c2r_status {
        std::string id;
        const Status status = state.id(id);
        return status == Status::kOk ? copy_text(id, out, out_size) : number_of(status);
    });
}

p2c2r_status P2C2R_CALL p2c2r_peer_stats_get(p2c2r_peer* peer, p2c2r_peer_stats* out) {
    return with(peer, nullptr, [&](PeerState& state) -> p2c2r_status {
        if (const p2c2r_status bad = check_out_struct(out, "out")) return bad;
        p2c2r_peer_stats stats;
        const Status status = state.stats(stats);
        if (status == Status::kOk) write_struct(out, stats);
        return number_of(status);
    });
}

p2c2r_status P2C2R_CALL p2c2r_peer_drain(p2c2r_peer* peer, uint32_t timeout_ms) {
    return with_waiting(peer, nullptr, [&](PeerState& state) {
        return number_of(state.drain(deadline_in(uint64_t{timeout_ms} * 1000)));
    });
}

p2c2r_status P2C2R_CALL p2c2r_peer_destroy(p2c2r_peer* peer) {
    if (!peer) return P2C2R_OK;
    return with_waiting(peer, nullptr, [&](PeerState& state) {
        return number_of(state.runtime.destroy_role(state, P2C2R_FOREVER));
    });
}

}  // extern "C"
