// `p2c2r coordinator`: listens, places tasks, and says who comes and goes.
#include <cstdio>
#include <string>

#include "cli/commands.h"
#include "cli/coordinator_log.h"
#include "cli/daemon.h"
#include "cli/device_choice.h"
#include "cli/process_posix.h"

namespace p2c2r::cli {

namespace {

constexpr uint32_t kMonitoringPortDefault = 9090;

struct Started {
    OpenedRuntime runtime;
    CoordinatorHandle coordinator;  // after the runtime: destroyed before it
};

Result<Started> start(const Settings& settings, LogWriter& log, uint32_t prometheus_port) {
    Started started;
    RuntimeOptions options;
    options.device.kind = DeviceChoice::Kind::kNative;  // the last resort computes without a GPU
    options.log = &log;
    Result<OpenedRuntime> runtime = open_runtime(options);
    if (!runtime) return runtime.failure();
    started.runtime = std::move(*runtime);

    const std::string address = settings.text("listen_address").value_or("127.0.0.1");
    p2c2r_coordinator_config config = {};
    config.struct_size = sizeof config;
    config.listen_port = settings.port("listen_port").value_or(0);
    config.max_peers = settings.integer("max_peers").value_or(0);
    config.task_timeout_ms = settings.integer("task_timeout_ms").value_or(0);
    config.heartbeat_interval_ms = settings.integer("heartbeat_interval_ms").value_or(0);
    config.prometheus_port = prometheus_port;
    // Log lines are quick and take no turn of the program: they may come from the loop itself.
    config.deliver = P2C2R_DELIVER_ON_LOOP;
    if (settings.boolean("plaintext_anywhere").value_or(false)) {
        config.flags = P2C2R_COORDINATOR_PLAINTEXT_ANYWHERE;
    }
    config.listen_address = address.c_str();
    const std::string rare = role_options(settings, false);
    config.options = rare.c_str();
    const std::string certificate = settings.text("certificate_file").value_or("");
    const std::string key = settings.text("key_file").value_or("");
    const std::string access = settings.text("access_file").value_or("");
    const std::string audit = settings.text("audit_file").value_or("");
    const auto or_null = [](const std::string& text) {
        return text.empty() ? nullptr : text.c_str();
    };
    config.certificate_file = or_null(certificate);
    config.key_file = or_null(key);
    config.access_file = or_null(access);
    config.audit_file = or_null(audit);
    config.event = log_coordinator_event;
    config.user = &log;
    p2c2r_coordinator* coordinator = nullptr;
    p2c2r_error why = {};
    p2c2r_status status =
        p2c2r_coordinator_create(started.runtime.handle.get(), &config, &coordinator, &why);
    started.coordinator.reset(coordinator);
    if (status == P2C2R_OK) status = p2c2r_coordinator_start(coordinator, &why);
    if (status != P2C2R_OK) return library_failure(kExitSomeFailed, "cannot listen", why);
    return started;
}

// 9090 is where scrapers look first. When nobody asked for it by name and another program has it,
// the coordinator runs without and says so.
Result<Started> start_monitored(const Settings& settings, LogWriter& log) {
    if (const auto port = settings.port("monitoring.prometheus_port")) {
        return start(settings, log, *port);
    }
    Result<Started> started = start(settings, log, kMonitoringPortDefault);
    if (started) return started;
    Result<Started> without = start(settings, log, P2C2R_NONE);
    if (without) {
        log.write(P2C2R_LOG_WARN, "coordinator",
                  "monitoring is off (" + started.failure().text +
                      "); give monitoring.prometheus_port another number, or 0 for any free one");
    }
    return without;
}

int run_coordinator(const SettingOptions& options, const DaemonOptions& daemon) {
    Result<Settings> settings = options.merge(process_environment());
    if (!settings) return report("coordinator", settings.failure());
    Result<std::unique_ptr<LogWriter>> log = open_log(*settings);
    if (!log) return report("coordinator", log.failure());
    StopSignals signals;
    if (daemon.stop_with_input) signals.stop_with_input();
    signals.catch_reload();
    Result<Started> started = start_monitored(*settings, **log);
    if (!started) return report("coordinator", started.failure());
    p2c2r_coordinator* coordinator = started->coordinator.get();

    uint32_t port = 0;
    uint32_t monitoring_port = 0;
    p2c2r_coordinator_port(coordinator, &port, &monitoring_port);
    const std::string address = settings->text("listen_address").value_or("127.0.0.1");
    std::printf("listening on %s:%u\n", address.c_str(), port);
    if (monitoring_port != 0)
        std::printf("monitoring on %s:%u\n", address.c_str(), monitoring_port);
    const auto lacks = [&](const char* file) { return settings->text(file).value_or("").empty(); };
    const bool is_near = address == "::1" || address == "localhost" || address.starts_with("127.");
    if (!is_near && lacks("access_file") && lacks("certificate_file")) {
        std::printf(
            "WARNING: nothing is encrypted and nobody is asked for a login. Whoever reaches this "
            "address is taken for the operator's. --certificate-file, --key-file and --access-file "
            "close it; p2c2r host does so by itself.\n");
    }
    std::fflush(stdout);

    Waker waker;
    int reloads = 0;
    while (signals.count() == 0) {
        waker.wait(UINT64_MAX, &signals);
        if (signals.reloads() == reloads) continue;
        reloads = signals.reloads();
        reload_certificate(coordinator, **log);
    }
    (*log)->write(P2C2R_LOG_INFO, "coordinator", "stopping");
    const bool drained = drain_patiently(signals, [&](uint32_t step_ms) {
        return p2c2r_coordinator_drain(coordinator, step_ms) == P2C2R_OK;
    });
    if (!drained) {
        (*log)->write(P2C2R_LOG_WARN, "coordinator", "tasks that were still pending are ended");
    }
    started->coordinator.reset();
    (*log)->write(P2C2R_LOG_INFO, "coordinator", "stopped");
    return kExitOk;
}

}  // namespace

void add_coordinator_command(Command& root) {
    static SettingOptions options(Daemon::kCoordinator);
    static DaemonOptions daemon;
    Command command = root.add_command("coordinator", "Run a coordinator",
                                       [] { return run_coordinator(options, daemon); });
    options.add_to(command);
    daemon.add_to(command);
}

}  // namespace p2c2r::cli
