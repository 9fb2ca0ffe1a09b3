// `p2c2r host`: this machine coordinates and helps, over TLS, for those who were invited.
#include <atomic>
#include <cstdio>
#include <optional>

#include "cli/addresses_posix.h"
#include "cli/commands.h"
#include "cli/contact.h"
#include "cli/coordinator_log.h"
#include "cli/daemon.h"
#include "cli/device_choice.h"
#include "cli/files.h"
#include "cli/first_benchmark.h"
#include "cli/folder_claim_posix.h"
#include "cli/invitation.h"
#include "cli/machine.h"
#include "cli/own_coordinator.h"
#include "cli/owner_options.h"
#include "cli/pause_signals_posix.h"
#include "cli/peer_control_posix.h"
#include "cli/process_posix.h"
#include "cli/service.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

// IPv6, and IPv4 on the same socket; where the system has no IPv6, the latter alone.
constexpr const char* kListenAddress = "::";
constexpr const char* kListenAddressFour = "0.0.0.0";
constexpr const char* kInUse = " is in use";  // the library's words
constexpr uint64_t kRenewDaysLeft = 30;
constexpr const char* kHostService = "p2c2r-host";

struct HostOptions {
    bool no_peer = false;
    bool no_invite = false;
    bool no_benchmark = false;
    bool service = false;
    bool remove_service = false;
    SettingOptions settings{Daemon::kHost};
    InvitationOptions invitation;
    DaemonOptions daemon;
};

// What the peer's events, on the loop, need.
struct PeerNews {
    LogWriter* log = nullptr;
    std::atomic<bool> stops{
        false};  // then it is the end of this program that keeps it from helping
};

struct Host {
    // The first to come and the last to go: what a start that fails has made goes with them.
    std::optional<FolderClaim> machine_folder;
    std::optional<FolderClaim> folder;
    OpenedRuntime runtime;
    OwnCoordinator own;
    std::optional<PeerLock> lock;  // with a peer: p2c2r pause finds it
    PeerNews news;                 // outlives the peer
    PeerHandle peer;
    std::string pin;
    Reach reach;
};

// A certificate of its own unless one is named; the pair is made at the first start, the
// certificate renewed before it ends.
Outcome choose_certificate(p2c2r_runtime* runtime, const Settings& settings,
                           const std::string& folder, CoordinatorPlace& place, LogWriter& log) {
    if (settings.has("certificate_file") || settings.has("key_file")) {
        place.certificate_file = settings.text("certificate_file").value_or("");
        place.key_file = settings.text("key_file").value_or("");
        if (!place.certificate_file.empty() && !place.key_file.empty()) return std::nullopt;
        return usage_failure("--certificate-file and --key-file go together");
    }
    place.certificate_file = join_path(folder, "certificate.pem");
    place.key_file = join_path(folder, "key.pem");
    const Result<Identity> made = open_identity(runtime, place.key_file, place.certificate_file);
    if (!made) return made.failure();
    // Clients believe the key, which stays: they notice nothing.
    const Result<json> renewed = ask_runtime(runtime, "keys.renew",
                                             {{"file", place.key_file},
                                              {"certificate_file", place.certificate_file},
                                              {"days_left", kRenewDaysLeft}});
    if (!renewed) {
        log.write(P2C2R_LOG_WARN, "host",
                  "the certificate is not renewed: " + renewed.failure().text);
    } else if (renewed->value("renewed", false)) {
        log.write(P2C2R_LOG_INFO, "host",
                  "the certificate is renewed until " +
                      day_text(renewed->value("valid_until_s", uint64_t{0})));
    }
    return std::nullopt;
}

Outcome start_coordinator(Host& host, const Settings& settings, const std::string& folder,
                          CoordinatorPlace& place, LogWriter& log) {
    p2c2r_runtime* const runtime = host.runtime.handle.get();
    place.listen_address = settings.text("listen_address").value_or(kListenAddress);
    place.prometheus_port = settings.port("monitoring.prometheus_port").value_or(P2C2R_NONE);
    place.access_file = settings.text("access_file").value_or(join_path(folder, "access.json"));
    place.audit_file = settings.text("audit_file").value_or(join_path(folder, "audit.log"));
    place.given_hosts = host.reach.given_hosts;
    if (Outcome bad = choose_certificate(runtime, settings, folder, place, log)) return bad;
    Result<OwnCoordinator> own = start_own_coordinator(runtime, place, settings, log);
    // A port that is taken is so by IPv4 as well, and the address that was meant is to be told.
    const bool is_taken = !own && own.failure().text.find(kInUse) != std::string::npos;
    if (!own && !is_taken && !settings.has("listen_address")) {
        place.listen_address = kListenAddressFour;
        own = start_own_coordinator(runtime, place, settings, log);
    }
    if (!own) return own.failure();
    host.reach.listen_address = place.listen_address;
    host.own = std::move(*own);
    host.pin = pin_of_own(host.own.handle.get());
    return std::nullopt;
}

void P2C2R_CALL on_peer_event(void* user, const p2c2r_event* event) {
    if (event->type != P2C2R_EVENT_ACCEPTS) return;
    const auto* news = static_cast<PeerNews*>(user);
    if (!news->stops) news->log->write(P2C2R_LOG_INFO, "host", willing_text(*event));
}

Outcome start_peer(Host& host, const Settings& settings, LogWriter& log) {
    const Result<std::string> wishes = owner_options(settings, process_environment(), false);
    if (!wishes) return wishes.failure();
    const std::string name = host_name();
    p2c2r_capabilities capabilities = {};
    capabilities.struct_size = sizeof capabilities;
    capabilities.speed_milli = speed_milli(settings);
    p2c2r_peer_config config = {};
    config.struct_size = sizeof config;
    config.capabilities = &capabilities;
    config.deliver = P2C2R_DELIVER_ON_LOOP;
    config.local = host.own.handle.get();
    config.peer_id = name.c_str();
    config.max_concurrent_tasks = settings.integer("max_concurrent_tasks").value_or(0);
    config.event = on_peer_event;
    host.lock.emplace(PeerKind::kHost);  // before its first task
    if (!host.lock->unreachable().empty()) {
        log.write(P2C2R_LOG_WARN, "host", host.lock->unreachable());
    }
    host.news.log = &log;
    config.user = &host.news;
    p2c2r_error why = {};
    p2c2r_status status = create_helper(host.runtime.handle.get(), config, *wishes, host.peer, why);
    if (status == P2C2R_OK) status = p2c2r_peer_start(host.peer.get(), &why);
    if (status != P2C2R_OK) {
        const int code = status == P2C2R_E_ARGUMENT ? kExitUsage : kExitUnreachable;
        return library_failure(code, "cannot offer this machine", why);
    }
    return std::nullopt;
}

// Names of the open codes that earlier starts have made: what nobody with an account has asked for.
std::vector<std::string> codes_of_starts(const Ask& ask) {
    std::vector<std::string> names;
    const Result<json> list = ask("key.invitations", json::object());
    if (!list) return names;
    for (const json& open : list->value("invitations", json::array())) {
        if (open.value("by", "") == "operator") names.push_back(open.value("name", ""));
    }
    return names;
}

// One code of a start is open, the last one: each of them lets a machine in for a day.
void withdraw_codes(const Ask& ask, const std::vector<std::string>& names, LogWriter& log) {
    size_t withdrawn = 0;
    for (const std::string& name : names) {
        const Result<json> done = ask("key.withdraw", {{"name", name}});
        withdrawn += done ? 1 : 0;
        if (!done) {
            log.write(P2C2R_LOG_WARN, "host",
                      "the code of an earlier start is still good: " + done.failure().text);
        }
    }
    if (withdrawn == 0) return;
    std::printf("%s of an earlier start, which nobody had used, %s withdrawn.\n",
                count_text(withdrawn, "code").c_str(), withdrawn == 1 ? "is" : "are");
}

// In the machine's folder others are at work as well: files go from it only where all of it is new.
Result<std::string> claim_folder(Host& host) {
    const Result<std::string> machine = machine_folder_path();
    if (!machine) return machine.failure();
    const bool is_new = !is_there(*machine);
    Result<FolderClaim> outer = FolderClaim::take(*machine);
    if (!outer) return outer.failure();
    host.machine_folder.emplace(std::move(*outer));
    if (!is_new) host.machine_folder->keep_files();
    const std::string folder = join_path(*machine, "host");
    Result<FolderClaim> inner = FolderClaim::take(folder);
    if (!inner) return inner.failure();
    host.folder.emplace(std::move(*inner));
    return folder;
}

Outcome start(Host& host, const HostOptions& options, const Settings& settings, LogWriter& log) {
    const Result<std::string> folder = claim_folder(host);
    if (!folder) return folder.failure();
    const Result<DeviceChoice> device = device_of(settings);
    if (!device) return device.failure();
    RuntimeOptions runtime_options;
    runtime_options.device = *device;
    runtime_options.worker_threads = settings.integer("worker_threads").value_or(0);
    runtime_options.log = &log;
    Result<OpenedRuntime> runtime = open_runtime(runtime_options, owner_runtime_options(settings));
    if (!runtime) return runtime.failure();
    host.runtime = std::move(*runtime);
    CoordinatorPlace place;
    if (Outcome failed = start_coordinator(host, settings, *folder, place, log)) return failed;
    if (!options.no_peer) {
        if (Outcome failed = start_peer(host, settings, log)) return failed;
    }
    // Last: it changes what this machine remembers.
    if (Outcome failed = enrol_self(host.runtime.handle.get(), host.own, place, log)) return failed;
    host.machine_folder->keep();
    host.folder->keep();
    const std::string& address = host.reach.listen_address;
    std::printf("hosting on %s, pin %s\n", host_port(address, host.own.port).c_str(),
                host.pin.c_str());
    if (host.own.monitoring_port != 0) {
        std::printf("monitoring on %s\n", host_port(address, host.own.monitoring_port).c_str());
    }
    std::fflush(stdout);
    if (options.no_invite) return std::nullopt;
    const Ask ask = [&](const char* name, const json& arguments) {
        return ask_own(host.own.handle.get(), name, arguments);
    };
    const InvitedTo to{host.pin, static_cast<uint16_t>(host.own.port), {}, host.reach};
    const std::vector<std::string> former = codes_of_starts(ask);
    const Result<Invited> invited = invite(ask, options.invitation, to);
    if (invited) {
        withdraw_codes(ask, former, log);
        print_invitation(*invited, options.invitation, to);
    } else {
        log.write(P2C2R_LOG_WARN, "host", "no join code: " + invited.failure().text);
    }
    return std::nullopt;
}

// What the service could not begin with is told by whoever writes it down.
Outcome check_settings(const HostOptions& options, const Settings& settings) {
    if (settings.has("certificate_file") != settings.has("key_file")) {
        return usage_failure("--certificate-file and --key-file go together");
    }
    const std::string address = settings.text("listen_address").value_or(kListenAddress);
    if (address != "localhost" && numeric_address(address).empty()) {
        return usage_failure("--listen-address: '" + address + "' is no IPv4 or IPv6 address");
    }
    // Refused by the library as well, which is asked when the service begins.
    const uint32_t monitoring = settings.port("monitoring.prometheus_port").value_or(P2C2R_NONE);
    if (monitoring != P2C2R_NONE && !is_loopback(address) &&
        !settings.boolean("plaintext_anywhere").value_or(false)) {
        return usage_failure("--prometheus-port: monitoring in plaintext on '" + address +
                             "', which is not loopback, needs --plaintext-anywhere");
    }
    return options.no_peer ? std::nullopt : check_helper(settings);
}

// The same command as a service, without the code that nobody would see.
Outcome install_host(const HostOptions& options, const Settings& settings) {
    Service service;
    service.name = kHostService;
    service.description = "P2C2R: coordinates and helps those who were invited";
    service.program = own_path();
    service.arguments = {"host", "--no-invite"};
    if (options.no_peer) service.arguments.emplace_back("--no-peer");
    if (options.no_benchmark) service.arguments.emplace_back("--no-benchmark");
    if (options.invitation.address) {
        service.arguments.insert(service.arguments.end(),
                                 {"--address", *options.invitation.address});
    }
    const std::vector<std::string> environment = process_environment();
    service.environment = service_environment(settings, environment);
    // A coordinator is there also while nobody has logged in to a desktop.
    return install_service(service, environment);
}

int run_host(const HostOptions& options) {
    if (options.remove_service) {
        if (options.service) {
            return report("host", usage_failure("--service and --remove-service are two commands"));
        }
        const Outcome failed = remove_service(kHostService, process_environment());
        return failed ? report("host", *failed) : kExitOk;
    }
    const Result<Settings> settings = options.settings.merge(process_environment());
    if (!settings) return report("host", settings.failure());
    const Result<std::vector<std::string>> given = options.invitation.hosts();
    if (!given) return report("host", given.failure());
    const Result<json> wish = options.invitation.account.wish("gamer");
    if (!wish) return report("host", wish.failure());
    if (options.service) {
        if (Outcome bad = check_settings(options, *settings)) return report("host", *bad);
        const Outcome failed = install_host(options, *settings);
        return failed ? report("host", *failed) : kExitOk;
    }
    StopSignals signals;
    if (options.daemon.stop_with_input) signals.stop_with_input();
    signals.catch_reload();
    Result<std::unique_ptr<LogWriter>> log = open_log(*settings);
    if (!log) return report("host", log.failure());
    Waker waker;
    PauseSignals pauses(waker);
    Host host;
    host.reach.given_hosts = *given;
    if (Outcome failed = start(host, options, *settings, **log)) return report("host", *failed);

    bool paused = false;
    const auto see_to_owner = [&] {
        if (host.peer && pauses.changed(paused)) {
            paused ? p2c2r_peer_pause(host.peer.get()) : p2c2r_peer_resume(host.peer.get());
        }
        return paused || signals.count() > 0;
    };
    if (host.peer && !options.no_benchmark && kept_benchmark().empty()) {
        run_first_benchmark(std::nullopt, device_text(*settings), see_to_owner);
        p2c2r_peer_set_speed(host.peer.get(), speed_milli(*settings));
        std::fflush(stdout);
    }
    int reloads = 0;
    while (signals.count() == 0) {
        waker.wait(UINT64_MAX, &signals);
        see_to_owner();
        if (signals.reloads() == reloads) continue;
        reloads = signals.reloads();
        reload_certificate(host.own.handle.get(), **log);
    }
    (*log)->write(P2C2R_LOG_INFO, "host", "stopping");
    host.news.stops = true;
    if (host.peer) p2c2r_peer_pause(host.peer.get());
    (void)drain_patiently(signals, [&](uint32_t step_ms) {
        return p2c2r_coordinator_drain(host.own.handle.get(), step_ms) == P2C2R_OK;
    });
    host.peer.reset();
    host.own.handle.reset();
    (*log)->write(P2C2R_LOG_INFO, "host", "stopped");
    return kExitOk;
}

}  // namespace

void add_host_command(Command& root) {
    static HostOptions options;
    Command command = root.add_command(
        "host", "Coordinate and help on this machine, for machines that were invited",
        [] { return run_host(options); });
    command.add_flag("--no-peer", options.no_peer, "Coordinate only");
    command.add_flag("--service", options.service, "Do so as a service of this user, from now on");
    command.add_flag("--remove-service", options.remove_service,
                     "Stop and remove that service; keys and accounts stay");
    command.add_flag("--no-benchmark", options.no_benchmark,
                     "Do not look how many gamers this machine can serve at its first start");
    command.add_flag("--no-invite", options.no_invite, "Show no join code");
    options.settings.add_to(
        command,
        "Keys, the list of who may come in and the audit log lie in host/ of $P2C2R_HOME (else "
        "~/.config/p2c2r). More codes: p2c2r invite. Who is there: p2c2r status, p2c2r accounts.");
    options.invitation.add_to(command);
    options.daemon.add_to(command);
}

}  // namespace p2c2r::cli
