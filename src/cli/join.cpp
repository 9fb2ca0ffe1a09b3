// `p2c2r join CODE`: enrols this machine with a coordinator, and remembers it.
#include <atomic>
#include <cstdio>

#include "cli/addresses_posix.h"
#include "cli/commands.h"
#include "cli/join_code.h"
#include "cli/machine.h"
#include "cli/owner_options.h"
#include "cli/process_posix.h"
#include "cli/service.h"
#include "cli/session.h"

namespace p2c2r::cli {

namespace {

constexpr uint32_t kConnectMs = 4000;

struct JoinOptions {
    std::optional<std::string> code;
    std::optional<std::string> name;
    SettingOptions owner{Daemon::kHost};
    bool service = false;
};

std::string url_of(const std::string& host, uint16_t port) {
    const bool is_six = host.find(':') != std::string::npos;
    return "p2c2r://" + (is_six ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

// What became of one try. A refusal is final: another address is the same coordinator.
struct Attempt {
    p2c2r_status status = P2C2R_OK;
    std::string text;

    [[nodiscard]] bool is_final() const {
        return status == P2C2R_OK || status == P2C2R_E_AUTH || status == P2C2R_E_DENIED ||
               status == P2C2R_E_VERSION || status == P2C2R_E_ARGUMENT || status == P2C2R_E_EXISTS;
    }
};

Attempt try_as_gamer(p2c2r_runtime* runtime, Contact& contact, const std::string& name) {
    p2c2r_client_config config = {};
    config.struct_size = sizeof config;
    config.coordinator_url = contact.url().c_str();
    config.client_id = name.c_str();
    config.credentials = contact.credentials();
    config.connect_timeout_ms = kConnectMs;
    config.reconnect_attempts = P2C2R_NONE;
    p2c2r_client* client = nullptr;
    p2c2r_error why = {};
    p2c2r_status status = p2c2r_client_create(runtime, &config, &client, &why);
    const ClientHandle owned(client);
    if (status == P2C2R_OK) status = p2c2r_client_connect(client, kConnectMs, &why);
    return {status, sentence(why)};
}

struct PeerState {
    std::atomic<int32_t> status{P2C2R_PENDING};
    std::string text;
    Waker waker;
};

void P2C2R_CALL on_helper_event(void* user, const p2c2r_event* event) {
    if (event->type != P2C2R_EVENT_STATE) return;
    auto* state = static_cast<PeerState*>(user);
    if (state->status.load() != P2C2R_PENDING) return;
    state->text = event->text ? event->text : "";
    state->status.store(event->status);
    state->waker.wake();
}

Attempt try_as_peer(p2c2r_runtime* runtime, Contact& contact, const std::string& name) {
    PeerState state;
    p2c2r_peer_config config = {};
    config.struct_size = sizeof config;
    config.deliver = P2C2R_DELIVER_ON_LOOP;
    config.reconnect_attempts = P2C2R_NONE;
    config.coordinator_url = contact.url().c_str();
    config.peer_id = name.c_str();
    config.credentials = contact.credentials();
    config.event = on_helper_event;
    config.user = &state;
    p2c2r_peer* peer = nullptr;
    p2c2r_error why = {};
    const p2c2r_status made = p2c2r_peer_create(runtime, &config, &peer, &why);
    const PeerHandle owned(peer);
    if (made != P2C2R_OK) return {made, sentence(why)};
    p2c2r_peer_pause(peer);  // it only introduces itself
    if (p2c2r_peer_start(peer, &why) != P2C2R_OK) return {why.status, sentence(why)};
    const uint64_t until_us = p2c2r_now_us() + uint64_t{kConnectMs} * 1000;
    while (state.status.load() == P2C2R_PENDING && p2c2r_now_us() < until_us) {
        state.waker.wait(100'000, nullptr);
    }
    const p2c2r_status status = state.status.load();
    if (status == P2C2R_PENDING) return {P2C2R_E_TIMEOUT, "no answer in time"};
    return {status, state.text};
}

// `p2c2r peer` as a service of this user.
Outcome install_peer(const Settings& settings) {
    const std::vector<std::string> environment = process_environment();
    Service service;
    service.name = "p2c2r-peer";
    service.description = "P2C2R: this machine helps while its owner allows it";
    service.program = own_path();
    service.arguments = {"peer"};
    service.environment = owner_environment(settings, environment);
    service.with_desktop = !settings.text("display").value_or(display_in(environment)).empty();
    return install_service(service, environment);
}

int run_join(const JoinOptions& options) {
    if (!options.code) return report("join", usage_failure("the join code is missing"));
    const Result<JoinCode> code = read_join_code(*options.code);
    if (!code) return report("join", code.failure());
    const Result<Settings> settings = options.owner.merge(process_environment());
    if (!settings) return report("join", settings.failure());
    if (options.service && !code->peer) {
        return report("join", usage_failure("--service: this code lets no machine help"));
    }
    RuntimeOptions runtime_options;
    runtime_options.device.kind = DeviceChoice::Kind::kNative;
    runtime_options.worker_threads = 1;
    Result<OpenedRuntime> runtime = open_runtime(runtime_options);
    if (!runtime) return report("join", runtime.failure());
    const Result<Identity> identity = machine_identity(runtime->handle.get());
    if (!identity) return report("join", identity.failure());
    const std::string name = options.name.value_or(host_name());
    std::string reasons;
    for (const std::string& host : code->hosts) {
        Contact contact;
        contact.set_place(url_of(host, code->port), code->pin, identity->file);
        contact.set_invite(code->secret);
        std::fprintf(stderr, "trying %s\n", contact.url().c_str());
        const Attempt attempt = code->gamer ? try_as_gamer(runtime->handle.get(), contact, name)
                                            : try_as_peer(runtime->handle.get(), contact, name);
        if (attempt.status == P2C2R_OK) {
            const Joined joined{name, contact.url(), contact.pin_hex(), code->gamer, code->peer};
            if (Outcome failed = remember_coordinator(joined)) return report("join", *failed);
            std::printf("joined %s as %s\n", contact.url().c_str(), name.c_str());
            if (code->gamer) std::printf("  p2c2r submit ...   sends tasks there\n");
            if (code->peer && !options.service) {
                std::printf("  p2c2r peer         offers this machine to it\n");
            }
            if (code->peer) {
                std::printf("  p2c2r bench this-machine   says how many gamers it can serve\n");
            }
            if (!options.service) return kExitOk;
            const Outcome failed = install_peer(*settings);
            return failed ? report("join", *failed) : kExitOk;
        }
        if (attempt.is_final()) {
            const char* const hint =
                attempt.status == P2C2R_E_EXISTS
                    ? "; the code is still good: join again with --name and another name"
                    : "";
            return report("join",
                          {attempt.status == P2C2R_E_ARGUMENT ? kExitUsage : kExitSomeFailed,
                           contact.url() + ": " + attempt.text + hint});
        }
        reasons += (reasons.empty() ? "" : "; ") + contact.url() + ": " + attempt.text;
    }
    return report("join", {kExitUnreachable, "no coordinator found: " + reasons});
}

}  // namespace

void add_join_command(Command& root) {
    static JoinOptions options;
    Command command = root.add_command("join", "Enrol this machine with a join code",
                                       [] { return run_join(options); });
    command.add_text("code,--code", options.code, "What `p2c2r host` or `p2c2r invite` shows");
    command.add_text("--name", options.name, "What this machine is called there (its host name)");
    command.add_flag("--service", options.service,
                     "Help from now on, as a service of this user; the options below are its own");
    options.owner.add_to(command);
}

}  // namespace p2c2r::cli
