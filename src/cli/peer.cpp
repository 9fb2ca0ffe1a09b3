// `p2c2r peer`: offers this machine to a coordinator.
#include <atomic>
#include <cstdio>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "cli/commands.h"
#include "cli/daemon.h"
#include "cli/device_choice.h"
#include "cli/first_benchmark.h"
#include "cli/owner_options.h"
#include "cli/pause_signals_posix.h"
#include "cli/peer_control_posix.h"
#include "cli/process_posix.h"
#include "cli/session.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

namespace {

struct PeerOptions {
    SettingOptions settings{Daemon::kPeer};
    bool no_benchmark = false;
    DaemonOptions daemon;
};

// What the events of the loop leave for the main thread.
struct PeerWatch {
    LogWriter* log = nullptr;
    Waker* waker = nullptr;
    Contact contact;
    std::atomic<bool> given_up{false};
    std::atomic<bool> is_refused{false};  // set before given_up: a coordinator was there
    std::mutex mutex;                     // guards answered
    std::string answered;  // "host:port" of the coordinator, until the main thread has seen it
};

void P2C2R_CALL on_event(void* user, const p2c2r_event* event) {
    auto* watch = static_cast<PeerWatch*>(user);
    if (event->type == P2C2R_EVENT_ACCEPTS) {
        watch->log->write(P2C2R_LOG_INFO, "peer", willing_text(*event));
    }
    if (event->type != P2C2R_EVENT_STATE) return;
    const std::string reason = event->text && *event->text ? std::string(": ") + event->text : "";
    if (event->status == P2C2R_OK) {
        const std::string where = event->subject ? event->subject : "";
        watch->log->write(P2C2R_LOG_INFO, "peer", "connected to " + where);
        const std::lock_guard lock(watch->mutex);
        watch->answered = where;
        watch->waker->wake();
    } else if (event->status == P2C2R_E_DISCONNECTED) {
        // One that refuses for now is there: it says so itself.
        const bool is_refusal = reason.starts_with(": the coordinator refused: ");
        watch->log->write(P2C2R_LOG_WARN, "peer",
                          is_refusal ? reason.substr(2) + "; trying again"
                                     : "not connected, trying again" + reason);
    } else {
        watch->log->write(P2C2R_LOG_ERROR, "peer",
                          std::string("given up: ") + p2c2r_status_name(event->status) + reason);
        watch->is_refused = event->status == P2C2R_E_AUTH || event->status == P2C2R_E_DENIED ||
                            event->status == P2C2R_E_VERSION || event->status == P2C2R_E_ARGUMENT;
        watch->given_up = true;
        watch->waker->wake();
    }
}

Result<Contact> contact_of(const Settings& settings) {
    ContactOptions options;
    options.coordinator = settings.text("coordinator_url");
    options.server_pin = settings.text("server_pin");
    options.ca_file = settings.text("ca_file");
    options.identity_file = settings.text("identity_file");
    options.token_file = settings.text("token_file");
    options.plaintext_anywhere = settings.boolean("plaintext_anywhere").value_or(false);
    return Contact::resolve(options);
}

uint32_t megabytes(double gigabytes) {
    return static_cast<uint32_t>(gigabytes * 1024.0);
}

// What this machine runs, with commas between; empty: nothing.
Result<std::string> types_of(p2c2r_runtime* runtime, p2c2r_peer_config config) {
    config.capabilities = nullptr;
    config.options = kPlaintextOptions;  // it never connects
    p2c2r_peer* peer = nullptr;
    p2c2r_error why = {};
    if (p2c2r_peer_create(runtime, &config, &peer, &why) != P2C2R_OK) {
        return library_failure(kExitUsage, "cannot make the peer", why);
    }
    const PeerHandle owned(peer);
    auto offer = p2c2r_capabilities{};
    offer.struct_size = sizeof offer;
    p2c2r_peer_capabilities(peer, &offer);
    return std::string(offer.task_types ? offer.task_types : "");
}

std::set<std::string> names_in(const std::string& list) {
    std::set<std::string> names;
    std::istringstream rest(list);
    for (std::string name; std::getline(rest, name, ',');) names.insert(name);
    return names;
}

// A type that nobody can add any more would take tasks and fail them all.
Outcome check_types(const std::string& offered, const std::string& present) {
    const std::set<std::string> there = names_in(present);
    for (const std::string& type : names_in(offered)) {
        if (there.count(type) > 0) continue;
        return usage_failure("task type '" + type + "' does not run here; there is: " + present);
    }
    return std::nullopt;
}

Result<PeerHandle> start_peer(p2c2r_runtime* runtime, const Settings& settings, PeerWatch& watch) {
    const std::string task_types = settings.text("task_types").value_or("");
    const std::string gpu_model = settings.text("capabilities.gpu_model").value_or("");
    const std::string location = settings.text("capabilities.location").value_or("");
    const std::string peer_id = settings.text("peer_id").value_or("");
    const auto or_null = [](const std::string& text) {
        return text.empty() ? nullptr : text.c_str();
    };

    p2c2r_capabilities capabilities = {};
    capabilities.struct_size = sizeof capabilities;
    capabilities.cpu_cores = settings.integer("capabilities.cpu_cores").value_or(0);
    capabilities.ram_mb = megabytes(settings.real("capabilities.ram_gb").value_or(0));
    capabilities.gpu_vram_mb = megabytes(settings.real("capabilities.gpu_vram_gb").value_or(0));
    capabilities.network_kbps =
        static_cast<uint32_t>(settings.real("capabilities.network_mbps").value_or(0) * 1000.0);
    capabilities.gpu_model = or_null(gpu_model);
    capabilities.task_types = or_null(task_types);
    capabilities.location = or_null(location);
    capabilities.speed_milli = speed_milli(settings);

    p2c2r_peer_config config = {};
    config.struct_size = sizeof config;
    config.max_concurrent_tasks = settings.integer("max_concurrent_tasks").value_or(0);
    config.deliver = P2C2R_DELIVER_ON_LOOP;
    if (const auto attempts = settings.integer("reconnect_attempts")) {
        config.reconnect_attempts = *attempts == 0 ? P2C2R_NONE : *attempts;
    }
    const std::string urls = watch.contact.urls();
    config.coordinator_url = urls.c_str();
    config.credentials = watch.contact.credentials();
    const Result<std::string> options =
        owner_options(settings, process_environment(), watch.contact.plaintext_anywhere());
    if (!options) return options.failure();
    config.peer_id = or_null(peer_id);
    config.capabilities = &capabilities;
    config.event = on_event;
    config.user = &watch;
    PeerHandle owned;
    p2c2r_error why = {};
    if (create_helper(runtime, config, *options, owned, why) != P2C2R_OK) {
        return library_failure(kExitUsage, "cannot make the peer", why);
    }
    p2c2r_peer* const peer = owned.get();
    auto offer = p2c2r_capabilities{};
    offer.struct_size = sizeof offer;
    p2c2r_peer_capabilities(peer, &offer);
    if (!offer.task_types || !*offer.task_types) {
        return Failure{kExitUnreachable,
                       "the device runs no task type; the log lines before say why"};
    }
    if (!task_types.empty()) {
        const Result<std::string> present = types_of(runtime, config);
        if (!present) return present.failure();
        if (Outcome bad = check_types(offer.task_types, *present)) return *bad;
    }
    if (p2c2r_peer_start(peer, &why) != P2C2R_OK) {
        return library_failure(kExitUnreachable, "cannot start the peer", why);
    }
    return owned;
}

std::string id_of(p2c2r_peer* peer) {
    char id[256] = "";
    size_t size = sizeof id;
    p2c2r_peer_id(peer, id, &size);
    return id;
}

// Not on the loop, where no file is written. False: nobody has answered since.
bool remember_answer(PeerWatch& watch) {
    std::string answered;
    {
        const std::lock_guard lock(watch.mutex);
        answered.swap(watch.answered);
    }
    if (!answered.empty()) watch.contact.remember(answered);
    return !answered.empty();
}

int run_peer(const PeerOptions& options) {
    Result<Settings> settings = options.settings.merge(process_environment());
    if (!settings) return report("peer", settings.failure());
    Result<std::unique_ptr<LogWriter>> log = open_log(*settings);
    if (!log) return report("peer", log.failure());
    Result<DeviceChoice> device = device_of(*settings);
    if (!device) return report("peer", device.failure());
    StopSignals signals;
    if (options.daemon.stop_with_input) signals.stop_with_input();
    Waker waker;
    PauseSignals pauses(waker);
    PeerWatch watch;
    watch.log = log->get();
    watch.waker = &waker;
    const Result<Contact> contact = contact_of(*settings);
    if (!contact) return report("peer", contact.failure());
    watch.contact = *contact;

    RuntimeOptions runtime_options;
    runtime_options.device = *device;
    runtime_options.worker_threads = settings->integer("worker_threads").value_or(0);
    runtime_options.log = log->get();
    Result<OpenedRuntime> runtime = open_runtime(runtime_options, owner_runtime_options(*settings));
    if (!runtime) return report("peer", runtime.failure());
    const PeerLock lock(PeerKind::kPeer);  // p2c2r pause finds it, from before its first task
    Result<PeerHandle> peer = start_peer(runtime->handle.get(), *settings, watch);
    if (!peer) return report("peer", peer.failure());
    std::printf("peer %s on %s\n", id_of(peer->get()).c_str(), device_in_use(*runtime).c_str());
    if (!lock.unreachable().empty()) {
        (*log)->write(P2C2R_LOG_WARN, "peer", lock.unreachable());
    }
    if (lock.others() > 0) {
        (*log)->write(P2C2R_LOG_INFO, "peer",
                      "this machine has " + count_text(lock.others(), "other peer") +
                          "; pause, resume and drain reach all of them");
    }
    // Once, by the first peer of a machine that can keep it; when a coordinator has let it in.
    bool to_look = kept_benchmark().empty();
    if (to_look && (options.no_benchmark || !lock.in_machine_folder() || lock.others() > 0)) {
        std::printf("p2c2r bench this-machine says how many gamers it can serve\n");
        to_look = false;
    }
    std::fflush(stdout);

    bool paused = false;
    const auto see_to_owner = [&] {
        if (pauses.changed(paused)) {
            paused ? p2c2r_peer_pause(peer->get()) : p2c2r_peer_resume(peer->get());
        }
        return paused || signals.count() > 0 || watch.given_up;
    };
    while (signals.count() == 0 && !watch.given_up) {
        waker.wait(UINT64_MAX, &signals);
        const bool has_answered = remember_answer(watch);
        if (see_to_owner() || !has_answered || !std::exchange(to_look, false)) continue;
        run_first_benchmark(
            watch.contact.may_send() ? std::optional<Contact>(watch.contact) : std::nullopt,
            device_text(*settings), see_to_owner);
        p2c2r_peer_set_speed(peer->get(), speed_milli(*settings));
        std::fflush(stdout);
    }
    if (watch.given_up) {
        const std::string urls = watch.contact.urls();
        return report(
            "peer", {kExitUnreachable, (watch.is_refused ? "the coordinator at " + urls + " refused"
                                                         : "no coordinator at " + urls) +
                                           "; the log line before says why"});
    }
    (*log)->write(P2C2R_LOG_INFO, "peer", "stopping");
    const bool drained = drain_patiently(signals, [&](uint32_t step_ms) {
        return p2c2r_peer_drain(peer->get(), step_ms) == P2C2R_OK;
    });
    if (!drained) {
        (*log)->write(P2C2R_LOG_WARN, "peer", "tasks that still run are left to the coordinator");
    }
    peer->reset();
    (*log)->write(P2C2R_LOG_INFO, "peer", "stopped");
    return kExitOk;
}

}  // namespace

void add_peer_command(Command& root) {
    static PeerOptions options;
    Command command = root.add_command("peer", "Offer this machine to a coordinator",
                                       [] { return run_peer(options); });
    options.settings.add_to(command);
    command.add_flag("--no-benchmark", options.no_benchmark,
                     "Do not look how many gamers this machine can serve, the first time that a "
                     "coordinator lets it in");
    options.daemon.add_to(command);
}

}  // namespace p2c2r::cli
