// p2c2r_coordinator_...: the coordinator's functions.
#include <algorithm>

#include "bindings/c/handles.h"
#include "bindings/c/role_config.h"
#include "bindings/c/structs.h"
#include "bindings/c/vulkan_host.h"
#include "net/loopback.h"

using namespace p2c2r;
using namespace p2c2r::capi;

namespace {

constexpr uint64_t kInUseMin = 64u << 20;

Result<Done> read_options(const char* json, roles::CoordinatorOptions& out) {
    const Result<Options> options = Options::parse(json);
    if (!options) return options.error();
    ParamsReader reader(options->encoded());
    out.local_execution = reader.boolean("local_execution", out.local_execution);
    out.resume_grace_us =
        static_cast<uint64_t>(reader.integer("resume_grace_ms", 0, 3'600'000, 10'000)) * 1000;
    out.gamer_window_bytes =
        static_cast<uint64_t>(reader.integer("gamer_window_bytes", 64 * 1024, int64_t{1} << 40,
                                             static_cast<int64_t>(out.gamer_window_bytes)));
    out.copies_percent =
        static_cast<uint32_t>(reader.integer("copies_percent", 0, 100, out.copies_percent));
    read_content_bytes_max(reader, out.content_bytes_max);
    out.answer_bytes_max = static_cast<uint64_t>(reader.integer(
        "answer_bytes_max", 0, int64_t{1} << 40, static_cast<int64_t>(out.answer_bytes_max)));
    const auto limit = [&](const char* name, uint64_t& value) {
        value = static_cast<uint64_t>(
            reader.integer(name, 0, int64_t{1} << 40, static_cast<int64_t>(value)));
    };
    limit("gamer_tasks_per_s", out.share.tasks.per_second);
    limit("gamer_bytes_per_s", out.share.bytes.per_second);
    out.share.tasks.burst = out.share.tasks.per_second;
    out.share.bytes.burst = out.share.bytes.per_second;
    out.share.in_flight = static_cast<uint32_t>(
        reader.integer("gamer_in_flight_max", 1, limits::kTasksPerGamerMax, out.share.in_flight));
    out.share.queued = static_cast<uint32_t>(
        reader.integer("gamer_queued_max", 0, limits::kTasksPerGamerMax, out.share.queued));
    out.share.connections = static_cast<uint32_t>(reader.integer(
        "account_connections_max", 1, limits::kConnectionsMax, out.share.connections));
    out.limit_operator = reader.boolean("limit_operator", out.limit_operator);
    if (const Result<Done> good = reader.finish(); !good) {
        return Options::as_argument_error(good.error());
    }
    return Done{};
}

Result<uint32_t> read_port(uint32_t given, const char* field) {
    if (given == P2C2R_ANY) return 0u;
    if (given >= 1 && given <= 65535) return given;
    return field_error(Status::kArgument, field,
                       std::string(field) + " " + std::to_string(given) +
                           " is not a port, P2C2R_ANY or P2C2R_NONE");
}

Result<Done> read_security(const p2c2r_coordinator_config& config, uint64_t unix_seconds,
                           CoordinatorSettings& settings) {
    if (!config.certificate_file != !config.key_file) {
        return field_error(Status::kArgument,
                           config.certificate_file ? "key_file" : "certificate_file",
                           "certificate_file and key_file go together");
    }
    if (config.audit_file && !config.access_file) {
        return field_error(Status::kArgument, "audit_file", "needs access_file");
    }
    if (config.certificate_file) {
        settings.security.certificate_file = config.certificate_file;
        settings.security.key_file = config.key_file;
        auto tls = load_server_tls(settings.security.certificate_file, settings.security.key_file,
                                   unix_seconds);
        if (!tls) return tls.error();
        settings.options.tls = std::move(*tls);
        settings.options.certificate_file = config.certificate_file;
    }
    if (!config.access_file) return Done{};
    auto guard = AccessGuard::open(config.access_file, config.audit_file ? config.audit_file : "");
    if (!guard) return guard.error();
    settings.security.guard = std::move(*guard);
    settings.options.access = &settings.security.guard->list;
    return Done{};
}

Result<Done> read_coordinator(RuntimeState& runtime, const p2c2r_coordinator_config& config,
                              CoordinatorSettings& settings) {
    if (config.flags & ~uint32_t{P2C2R_COORDINATOR_PLAINTEXT_ANYWHERE}) {
        return field_error(Status::kArgument, "flags",
                           "flags are not made of P2C2R_COORDINATOR_ constants");
    }
    if (config.deliver < P2C2R_DELIVER_ON_DISPATCH || config.deliver > P2C2R_DELIVER_ON_LOOP) {
        return field_error(Status::kArgument, "deliver",
                           "deliver is not a P2C2R_DELIVER_ constant");
    }
    roles::CoordinatorOptions& options = settings.options;
    if (const Result<Done> good = read_options(config.options, options); !good) return good;
    const bool computes_on_lent = options.local_execution && runtime.builtin().is_lent();
    if (Result<Done> own = check_not_lent(computes_on_lent, "a coordinator with local_execution");
        !own) {
        return field_error(own.error().status, "local_execution", own.error().text);
    }
    if (config.listen_address) options.listen_address = config.listen_address;
    if (const Result<Done> good = read_security(config, runtime.loop().unix_ms() / 1000, settings);
        !good) {
        return good;
    }
    options.plaintext_anywhere = (config.flags & P2C2R_COORDINATOR_PLAINTEXT_ANYWHERE) != 0;
    options.listen = config.listen_port != P2C2R_NONE;
    if (options.listen && config.listen_port != 0) {
        const Result<uint32_t> port = read_port(config.listen_port, "listen_port");
        if (!port) return port.error();
        options.listen_port = *port;
    }
    settings.monitoring = config.prometheus_port != 0 && config.prometheus_port != P2C2R_NONE;
    if (settings.monitoring) {
        const Result<uint32_t> port = read_port(config.prometheus_port, "prometheus_port");
        if (!port) return port.error();
        settings.monitoring_port = *port;
        if (!options.plaintext_anywhere && !net::is_loopback_host(options.listen_address)) {
            return field_error(Status::kDenied, "listen_address",
                               "monitoring in plaintext on '" + options.listen_address +
                                   "', which is not loopback, is refused without "
                                   "P2C2R_COORDINATOR_PLAINTEXT_ANYWHERE");
        }
    }
    if (config.max_peers != 0) options.max_peers = config.max_peers;
    if (config.task_timeout_ms != 0) {
        options.task_timeout_us = uint64_t{config.task_timeout_ms} * 1000;
    }
    if (config.heartbeat_interval_ms != 0) {
        options.heartbeat_interval_us = uint64_t{config.heartbeat_interval_ms} * 1000;
    }
    Pool& pool = runtime.pool();
    options.memory_max = config.memory_max != 0 ? config.memory_max : pool.memory_max();
    // What a few connections receive into is no sign of anything.
    options.in_use_max = std::max(pool.memory_max(), kInUseMin);
    options.in_use = [&pool] { return pool.held_bytes(); };
    return Done{};
}

}  // namespace

extern "C" {

p2c2r_status P2C2R_CALL p2c2r_coordinator_create(p2c2r_runtime* runtime,
                                                 const p2c2r_coordinator_config* given,
                                                 p2c2r_coordinator** out, p2c2r_error* why) {
    if (out) *out = nullptr;
    return with_waiting(runtime, why, [&](RuntimeState& state) -> p2c2r_status {
        if (!out) return fail_null(why, "out");
        InStruct<p2c2r_coordinator_config> config;
        if (const p2c2r_status bad = config.read(given, "config", why)) return bad;
        CoordinatorSettings settings;
        if (const Result<Done> good = read_coordinator(state, *config, settings); !good) {
            return fail(why, good.error());
        }
        auto role = std::make_unique<CoordinatorState>(state, *config, std::move(settings));
        return open_role(state, std::move(role), out, why);
    });
}

p2c2r_status P2C2R_CALL p2c2r_coordinator_start(p2c2r_coordinator* coordinator, p2c2r_error* why) {
    return with(coordinator, why, [&](CoordinatorState& state) -> p2c2r_status {
        const Result<Done> started = state.start();
        return started ? number_of(Status::kOk) : fail(why, started.error());
    });
}

p2c2r_status P2C2R_CALL p2c2r_coordinator_port(p2c2r_coordinator* coordinator, uint32_t* port,
                                               uint32_t* monitoring_port) {
    return with(coordinator, nullptr, [&](CoordinatorState& state) -> p2c2r_status {
        uint32_t main_port = 0;
        uint32_t other_port = 0;
        const Status status = state.ports(main_port, other_port);
        if (status != Status::kOk) return number_of(status);
        if (port) *port = main_port;
        if (monitoring_port) *monitoring_port = other_port;
        return P2C2R_OK;
    });
}

p2c2r_status P2C2R_CALL p2c2r_coordinator_stats_get(p2c2r_coordinator* coordinator,
                                                    p2c2r_coordinator_stats* out) {
    return with(coordinator, nullptr, [&](CoordinatorState& state) -> p2c2r_status {
        if (const p2c2r_status bad = check_out_struct(out, "out")) return bad;
        p2c2r_coordinator_stats stats;
        const Status status = state.stats(stats);
        if (status == Status::kOk) write_struct(out, stats);
        return number_of(status);
    });
}

p2c2r_status P2C2R_CALL p2c2r_coordinator_call(p2c2r_coordinator* coordinator, const char* name,
                                               const char* args_json, uint32_t timeout_ms,
                                               p2c2r_result** out, p2c2r_error* why) {
    (void)timeout_ms;  // the coordinator is in this process and answers at once
    if (out) *out = nullptr;
    return with_waiting(coordinator, why, [&](CoordinatorState& state) -> p2c2r_status {
        if (!name) return fail_null(why, "name");
        if (!out) return fail_null(why, "out");
        const Result<Bytes> arguments = read_arguments(args_json);
        if (!arguments) return fail(why, arguments.error());
        return state.call(name, *arguments, out, why);
    });
}

p2c2r_status P2C2R_CALL p2c2r_coordinator_drain(p2c2r_coordinator* coordinator,
                                                uint32_t timeout_ms) {
    return with_waiting(coordinator, nullptr, [&](CoordinatorState& state) {
        return number_of(state.drain(deadline_in(uint64_t{timeout_ms} * 1000)));
    });
}

p2c2r_status P2C2R_CALL p2c2r_coordinator_destroy(p2c2r_coordinator* coordinator) {
    if (!coordinator) return P2C2R_OK;
    return with_waiting(coordinator, nullptr, [&](CoordinatorState& state) {
        return number_of(state.runtime.destroy_role(state, P2C2R_FOREVER));
    });
}

}  // extern "C"
