// `p2c2r coordinator`: listens, places tasks, and says who comes and goes.
#include <cstdio>
#include <string>

#include "cli/commands.h"
#include "cli/contact.h"
#include "cli/coordinator_log.h"
#include "cli/daemon.h"
#include "cli/device_choice.h"
#include "cli/own_coordinator.h"
#include "cli/process_posix.h"

namespace p2c2r::cli {

namespace {

constexpr uint32_t kMonitoringPortDefault = 9090;

struct Started {
    OpenedRuntime runtime;
    OwnCoordinator own;  // after the runtime: destroyed before it
};

CoordinatorPlace place_of(const Settings& settings) {
    CoordinatorPlace place;
    place.listen_address = settings.text("listen_address").value_or("127.0.0.1");
    place.certificate_file = settings.text("certificate_file").value_or("");
    place.key_file = settings.text("key_file").value_or("");
    place.access_file = settings.text("access_file").value_or("");
    place.audit_file = settings.text("audit_file").value_or("");
    return place;
}

Result<Started> start(const Settings& settings, LogWriter& log, CoordinatorPlace place,
                      uint32_t prometheus_port) {
    Started started;
    RuntimeOptions options;
    options.device.kind = DeviceChoice::Kind::kNative;  // the last resort computes without a GPU
    options.log = &log;
    Result<OpenedRuntime> runtime = open_runtime(options);
    if (!runtime) return runtime.failure();
    started.runtime = std::move(*runtime);
    place.prometheus_port = prometheus_port;
    Result<OwnCoordinator> own =
        start_own_coordinator(started.runtime.handle.get(), place, settings, log);
    if (!own) return own.failure();
    started.own = std::move(*own);
    return started;
}

// 9090 is where scrapers look first. When nobody asked for it by name and another program has it,
// the coordinator runs without and says so.
Result<Started> start_monitored(const Settings& settings, LogWriter& log,
                                const CoordinatorPlace& place) {
    if (const auto port = settings.port("monitoring.prometheus_port")) {
        return start(settings, log, place, *port);
    }
    Result<Started> started = start(settings, log, place, kMonitoringPortDefault);
    if (started) return started;
    Result<Started> without = start(settings, log, place, P2C2R_NONE);
    if (without) {
        log.write(P2C2R_LOG_WARN, "coordinator",
                  "monitoring is off (" + started.failure().text +
                      "); give --prometheus-port another number, or 0 for any free one");
    }
    return without;
}

// A coordinator without a home for keys, as in a container, still serves those of its access file.
void let_self_in(const Started& started, const CoordinatorPlace& place, LogWriter& log) {
    const Outcome failed = enrol_self(started.runtime.handle.get(), started.own, place, log);
    if (!failed) return;
    log.write(P2C2R_LOG_WARN, "coordinator",
              "the key of this machine could not be made an admin (" + failed->text +
                  "); only those of the access file come in");
}

int run_coordinator(const SettingOptions& options, const DaemonOptions& daemon) {
    Result<Settings> settings = options.merge(process_environment());
    if (!settings) return report("coordinator", settings.failure());
    Result<std::unique_ptr<LogWriter>> log = open_log(*settings);
    if (!log) return report("coordinator", log.failure());
    StopSignals signals;
    if (daemon.stop_with_input) signals.stop_with_input();
    signals.catch_reload();
    const CoordinatorPlace place = place_of(*settings);
    Result<Started> started = start_monitored(*settings, **log, place);
    if (!started) return report("coordinator", started.failure());
    p2c2r_coordinator* coordinator = started->own.handle.get();
    if (!place.access_file.empty()) {
        let_self_in(*started, place, **log);
    }
    std::printf("listening on %s\n", host_port(place.listen_address, started->own.port).c_str());
    if (started->own.monitoring_port != 0) {
        std::printf("monitoring on %s\n",
                    host_port(place.listen_address, started->own.monitoring_port).c_str());
    }
    const std::string& at = place.listen_address;
    const bool is_near = at == "::1" || at == "localhost" || at.starts_with("127.");
    if (!is_near && place.access_file.empty() && place.certificate_file.empty()) {
        std::printf(
            "WARNING: nothing is encrypted and nobody is asked for a login. Whoever reaches this "
            "address is taken for the operator's. --certificate-file, --key-file and --access-file "
            "close it; p2c2r host does so by itself.\n");
    }
    if (!place.certificate_file.empty()) std::printf("pin %s\n", pin_of_own(coordinator).c_str());
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
    started->own.handle.reset();
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
