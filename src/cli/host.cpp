// `p2c2r host`: this machine coordinates and helps, over TLS, for those who were invited.
#include <cstdio>

#include "cli/addresses_posix.h"
#include "cli/commands.h"
#include "cli/coordinator_log.h"
#include "cli/daemon.h"
#include "cli/device_choice.h"
#include "cli/files.h"
#include "cli/invitation.h"
#include "cli/machine.h"
#include "cli/owner_options.h"
#include "cli/pause_signals_posix.h"
#include "cli/peer_control_posix.h"
#include "cli/process_posix.h"
#include "cli/service.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kPortDefault = 8765;
constexpr uint64_t kRenewDaysLeft = 30;

struct HostOptions {
    std::optional<uint64_t> port;
    std::optional<std::string> listen_address;
    std::optional<std::string> device;
    std::optional<uint64_t> tasks;
    bool no_peer = false;
    bool no_invite = false;
    bool service = false;
    SettingOptions owner{Daemon::kHost};
    InvitationOptions invitation;
    DaemonOptions daemon;
};

struct Host {
    OpenedRuntime runtime;
    Identity certificate;
    CoordinatorHandle coordinator;
    PeerHandle peer;
    uint32_t port = 0;
};

Result<json> ask_coordinator(p2c2r_coordinator* coordinator, const char* name,
                             const json& arguments) {
    p2c2r_result* answer = nullptr;
    p2c2r_error why = {};
    const p2c2r_status status =
        p2c2r_coordinator_call(coordinator, name, arguments.dump().c_str(), 0, &answer, &why);
    const ResultHandle owned(answer);
    if (status != P2C2R_OK) {
        return library_failure(kExitSomeFailed, std::string("asking for ") + name, why);
    }
    return fields_of(answer);
}

Outcome start_coordinator(Host& host, const HostOptions& options, const std::string& folder,
                          LogWriter& log) {
    const std::string key = join_path(folder, "key.pem");
    const std::string certificate = join_path(folder, "certificate.pem");
    const std::string access = join_path(folder, "access.json");
    const std::string audit = join_path(folder, "audit.log");
    const Result<Identity> own = open_identity(host.runtime.handle.get(), key, certificate);
    if (!own) return own.failure();
    host.certificate = *own;
    // Clients believe the key, which stays: they notice nothing.
    const Result<json> renewed = ask_runtime(
        host.runtime.handle.get(), "keys.renew",
        {{"file", key}, {"certificate_file", certificate}, {"days_left", kRenewDaysLeft}});
    if (!renewed) {
        log.write(P2C2R_LOG_WARN, "host",
                  "the certificate is not renewed: " + renewed.failure().text);
    } else if (renewed->value("renewed", false)) {
        log.write(P2C2R_LOG_INFO, "host",
                  "the certificate is renewed until " +
                      day_text(renewed->value("valid_until_s", uint64_t{0})));
    }
    const std::string address = options.listen_address.value_or("0.0.0.0");
    p2c2r_coordinator_config config = {};
    config.struct_size = sizeof config;
    const uint64_t port = options.port.value_or(kPortDefault);
    config.listen_port = port == 0 ? P2C2R_ANY : static_cast<uint32_t>(port);
    config.prometheus_port = P2C2R_NONE;
    config.deliver = P2C2R_DELIVER_ON_LOOP;
    config.listen_address = address.c_str();
    config.certificate_file = certificate.c_str();
    config.key_file = key.c_str();
    config.access_file = access.c_str();
    config.audit_file = audit.c_str();
    config.event = log_coordinator_event;
    config.user = &log;
    p2c2r_coordinator* coordinator = nullptr;
    p2c2r_error why = {};
    p2c2r_status status =
        p2c2r_coordinator_create(host.runtime.handle.get(), &config, &coordinator, &why);
    host.coordinator.reset(coordinator);
    if (status == P2C2R_OK) status = p2c2r_coordinator_start(coordinator, &why);
    if (status != P2C2R_OK) return library_failure(kExitSomeFailed, "cannot listen", why);
    p2c2r_coordinator_port(coordinator, &host.port, nullptr);
    return std::nullopt;
}

// This machine's own key may do everything here, so that `submit`, `status` and `invite` work
// beside the running host.
Outcome enrol_self(Host& host) {
    const Result<Identity> self = machine_identity(host.runtime.handle.get());
    if (!self) return self.failure();
    std::string name = host_name();
    const Result<json> list = ask_coordinator(host.coordinator.get(), "key.list", json::object());
    if (!list) return list.failure();
    bool is_known = false;
    bool is_taken = name == "operator";
    for (const json& account : list->value("accounts", json::array())) {
        is_known = is_known || account.value("key", "") == self->public_key;
        is_taken = is_taken || account.value("name", "") == name;
    }
    if (is_taken && !is_known) name += "-" + self->public_key.substr(0, 6);
    if (!is_known) {
        const Result<json> added = ask_coordinator(host.coordinator.get(), "key.add",
                                                   {{"name", name},
                                                    {"key", self->public_key},
                                                    {"roles", "gamer,peer,admin"},
                                                    {"circle", "own"}});
        if (!added) return added.failure();
    }
    return remember_coordinator(
        {name, "p2c2r://127.0.0.1:" + std::to_string(host.port), host.certificate.pin, true, true});
}

void P2C2R_CALL on_peer_event(void* user, const p2c2r_event* event) {
    if (event->type != P2C2R_EVENT_ACCEPTS) return;
    static_cast<LogWriter*>(user)->write(P2C2R_LOG_INFO, "host", willing_text(*event));
}

Outcome start_peer(Host& host, const HostOptions& options, const Settings& settings,
                   LogWriter& log) {
    const Result<std::string> wishes = owner_options(settings, process_environment(), false);
    if (!wishes) return wishes.failure();
    const std::string name = host_name();
    p2c2r_peer_config config = {};
    config.struct_size = sizeof config;
    config.deliver = P2C2R_DELIVER_ON_LOOP;
    config.local = host.coordinator.get();
    config.peer_id = name.c_str();
    config.max_concurrent_tasks = static_cast<uint32_t>(options.tasks.value_or(0));
    config.event = on_peer_event;
    config.user = &log;
    p2c2r_error why = {};
    p2c2r_status status = create_helper(host.runtime.handle.get(), config, *wishes, host.peer, why);
    if (status == P2C2R_OK) status = p2c2r_peer_start(host.peer.get(), &why);
    if (status != P2C2R_OK) {
        const int code = status == P2C2R_E_ARGUMENT ? kExitUsage : kExitUnreachable;
        return library_failure(code, "cannot offer this machine", why);
    }
    return std::nullopt;
}

Result<std::string> host_folder() {
    const Result<std::string> machine = machine_folder();
    if (!machine) return machine.failure();
    const std::string folder = join_path(*machine, "host");
    if (Outcome failed = make_private_directory(folder)) return *failed;
    return folder;
}

Outcome start(Host& host, const HostOptions& options, const Settings& settings, LogWriter& log) {
    const Result<std::string> folder = host_folder();
    if (!folder) return folder.failure();
    const Result<DeviceChoice> device = parse_device(options.device.value_or("auto"));
    if (!device) return device.failure();
    RuntimeOptions runtime_options;
    runtime_options.device = *device;
    runtime_options.log = &log;
    Result<OpenedRuntime> runtime = open_runtime(runtime_options, owner_runtime_options(settings));
    if (!runtime) return runtime.failure();
    host.runtime = std::move(*runtime);
    if (Outcome failed = start_coordinator(host, options, *folder, log)) return failed;
    if (Outcome failed = enrol_self(host)) return failed;
    if (!options.no_peer) {
        if (Outcome failed = start_peer(host, options, settings, log)) return failed;
    }
    std::printf("hosting on %s:%u, pin %s\n", options.listen_address.value_or("0.0.0.0").c_str(),
                host.port, host.certificate.pin.c_str());
    std::fflush(stdout);
    if (options.no_invite) return std::nullopt;
    const Ask ask = [&](const char* name, const json& arguments) {
        return ask_coordinator(host.coordinator.get(), name, arguments);
    };
    const Result<JoinCode> code =
        invite(ask, options.invitation, host.certificate.pin, static_cast<uint16_t>(host.port));
    if (code) {
        print_invitation(*code, options.invitation);
    } else {
        log.write(P2C2R_LOG_WARN, "host", "no join code: " + code.failure().text);
    }
    return std::nullopt;
}

// The same command as a service, without the code that nobody would see.
Outcome install_host(const HostOptions& options, const Settings& settings) {
    Service service;
    service.name = "p2c2r-host";
    service.description = "P2C2R: coordinates and helps those who were invited";
    service.program = own_path();
    service.arguments = {"host", "--no-invite"};
    const auto add = [&](const char* name, const std::optional<std::string>& value) {
        if (value) service.arguments.insert(service.arguments.end(), {name, *value});
    };
    if (options.port) add("--port", std::to_string(*options.port));
    add("--listen-address", options.listen_address);
    add("--device", options.device);
    if (options.tasks) add("--max-concurrent-tasks", std::to_string(*options.tasks));
    if (options.no_peer) service.arguments.emplace_back("--no-peer");
    const std::vector<std::string> environment = process_environment();
    service.environment = owner_environment(settings, environment);
    // A coordinator is there also while nobody has logged in to a desktop.
    return install_service(service, environment);
}

int run_host(const HostOptions& options) {
    if (options.port.value_or(0) > 65535) {
        return report("host", usage_failure("--port " + std::to_string(*options.port) +
                                            " is not 0 to 65535"));
    }
    const Result<Settings> settings = options.owner.merge(process_environment());
    if (!settings) return report("host", settings.failure());
    if (options.service) {
        const Outcome failed = install_host(options, *settings);
        return failed ? report("host", *failed) : kExitOk;
    }
    StopSignals signals;
    if (options.daemon.stop_with_input) signals.stop_with_input();
    signals.catch_reload();
    Result<std::unique_ptr<LogWriter>> log = open_log(Settings(Daemon::kCoordinator));
    if (!log) return report("host", log.failure());
    Waker waker;
    PauseSignals pauses(waker);
    Host host;
    if (Outcome failed = start(host, options, *settings, **log)) return report("host", *failed);

    const PeerLock lock;  // p2c2r pause finds it
    int reloads = 0;
    while (signals.count() == 0) {
        waker.wait(UINT64_MAX, &signals);
        bool pause = false;
        if (host.peer && pauses.changed(pause)) {
            pause ? p2c2r_peer_pause(host.peer.get()) : p2c2r_peer_resume(host.peer.get());
        }
        if (signals.reloads() == reloads) continue;
        reloads = signals.reloads();
        reload_certificate(host.coordinator.get(), **log);
    }
    (*log)->write(P2C2R_LOG_INFO, "host", "stopping");
    if (host.peer) p2c2r_peer_pause(host.peer.get());
    (void)drain_patiently(signals, [&](uint32_t step_ms) {
        return p2c2r_coordinator_drain(host.coordinator.get(), step_ms) == P2C2R_OK;
    });
    host.peer.reset();
    host.coordinator.reset();
    (*log)->write(P2C2R_LOG_INFO, "host", "stopped");
    return kExitOk;
}

}  // namespace

void add_host_command(Command& root) {
    static HostOptions options;
    Command command = root.add_command(
        "host", "Coordinate and help on this machine, for machines that were invited",
        [] { return run_host(options); });
    command.add_count("--port", options.port, "Port to listen on; 0: any free one (8765)");
    command.add_text("--listen-address", options.listen_address, "Address to listen on (0.0.0.0)");
    command.add_text("--device", options.device, "auto, native or vulkan[:N] (auto)");
    command.add_count("--max-concurrent-tasks", options.tasks, "Tasks at the same time (4)");
    command.add_flag("--no-peer", options.no_peer, "Coordinate only");
    command.add_flag("--service", options.service, "Do so as a service of this user, from now on");
    command.add_flag("--no-invite", options.no_invite, "Show no join code");
    options.owner.add_to(command);
    options.invitation.add_to(command);
    options.daemon.add_to(command);
    command.set_footer(
        "Settings of the owner are those of p2c2r peer, in the same file or environment. Keys, the "
        "list of who may come in and the audit log lie in host/ of $P2C2R_HOME (else "
        "~/.config/p2c2r). More codes: p2c2r invite. Who is there: p2c2r status, p2c2r accounts.");
}

}  // namespace p2c2r::cli
