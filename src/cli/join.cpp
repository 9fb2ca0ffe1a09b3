// `p2c2r join CODE`: enrols this machine with a coordinator, and remembers it.
#include <algorithm>
#include <cstdio>
#include <mutex>

#include "cli/addresses_posix.h"
#include "cli/commands.h"
#include "cli/first_benchmark.h"
#include "cli/join_code.h"
#include "cli/library_words.h"
#include "cli/machine.h"
#include "cli/owner_options.h"
#include "cli/printable.h"
#include "cli/process_posix.h"
#include "cli/service.h"
#include "cli/session.h"

namespace p2c2r::cli {

namespace {

constexpr size_t kCodeLengthMax = 16 * 1024;  // of all hosts that a code may have, and more
constexpr uint32_t kConnectMs = 4000;         // of one place
constexpr uint32_t kAnswersMs = 6000;         // more, of one that answers over a long link
constexpr const char* kWrongKey = "key is not the one that is expected";  // the library's words
constexpr uint64_t kEventUs = 1'000'000;
constexpr uint64_t kLookAgainUs = 2000;

// It introduces itself under one name, whatever it asks for.
constexpr Renamed kNames[] = {{"client_id", "--name"}, {"peer_id", "--name"}};

struct JoinOptions {
    std::optional<std::string> code;
    std::optional<std::string> name;
    SettingOptions owner{Daemon::kOwner};
    bool service = false;
    bool remove_service = false;
    bool no_benchmark = false;
};

// A code that comes by standard input stands in no history of a shell and in no list of processes.
// With --service alone nothing is read: that is for a machine that has joined already, and a script
// whose input never ends would wait for ever.
Result<std::string> given_code(const JoinOptions& options) {
    const bool is_asked = options.code == "-";
    if (options.code && !is_asked) return *options.code;
    const bool is_typed = input_is_terminal();
    if (!is_asked && (options.service || is_typed)) {
        return usage_failure(
            "the join code is missing: p2c2r join CODE, or p2c2r join - and then "
            "the code on standard input, where nobody else sees it");
    }
    if (is_typed) std::fprintf(stderr, "join code: ");
    std::string line;
    for (int c = std::getchar(); c != EOF && c != '\n'; c = std::getchar()) {
        if (line.size() == kCodeLengthMax) {
            return usage_failure(
                "standard input holds no join code: its first line is longer than " +
                std::to_string(kCodeLengthMax) + " bytes");
        }
        line += static_cast<char>(c);
    }
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
        return usage_failure("the join code is missing: standard input has none in its first line");
    }
    return line;
}

// What became of one round over all places of the code, which the library tries in their order.
struct Attempt {
    p2c2r_status status = P2C2R_PENDING;
    std::string where;                 // "host:port" of the one that let it in
    std::vector<std::string> reasons;  // of the places so far that did not, in their order
    std::string why;                   // where none was tried
    std::string account = {};          // as which it is known there; "": it did not say

    // Refused by the coordinator itself: every place of it would say the same.
    [[nodiscard]] bool is_refused() const {
        return status == P2C2R_E_AUTH || status == P2C2R_E_DENIED || status == P2C2R_E_VERSION ||
               status == P2C2R_E_ARGUMENT || status == P2C2R_E_EXISTS || is_full();
    }
    // For now: it has no room, or has to do with others.
    [[nodiscard]] bool is_full() const { return status == P2C2R_E_LIMIT || status == P2C2R_E_BUSY; }
    void take(const p2c2r_event& event) {
        const std::string text = event.text ? event.text : "";
        if (event.status == P2C2R_OK) {
            where = event.subject ? event.subject : "";
            account = text;
        } else {
            reasons.push_back(text.empty() ? p2c2r_status_text(event.status) : text);
        }
        if (event.status != P2C2R_E_DISCONNECTED) status = event.status;
    }
    // "192.0.2.7:8765: no answer in time; desk.example.org:8765: ..."
    [[nodiscard]] std::string text(const std::vector<std::string>& places) const {
        if (reasons.empty()) return why;
        std::string all;
        for (size_t i = 0; i < places.size(); ++i) {
            std::string reason = i < reasons.size() ? reasons[i] : "not tried";
            const std::string known = "cannot connect to " + places[i] + ": ";
            if (reason.starts_with(known)) reason.erase(0, known.size());
            all += (i == 0 ? "" : "; ") + places[i] + ": " + reason;
        }
        return all;
    }
};

void P2C2R_CALL on_gamer_event(void* user, const p2c2r_event* event) {
    if (event->type == P2C2R_EVENT_STATE) static_cast<Attempt*>(user)->take(*event);
}

Attempt try_as_gamer(p2c2r_runtime* runtime, Contact& contact, const std::string& name,
                     uint32_t timeout_ms) {
    Attempt attempt;
    const std::string urls = contact.urls();
    p2c2r_client_config config = {};
    config.struct_size = sizeof config;
    config.coordinator_url = urls.c_str();
    config.client_id = name.c_str();
    config.credentials = contact.credentials();
    config.connect_timeout_ms = kConnectMs;
    config.reconnect_attempts = P2C2R_NONE;
    config.event = on_gamer_event;
    config.user = &attempt;
    p2c2r_client* client = nullptr;
    p2c2r_error why = {};
    p2c2r_status status = p2c2r_client_create(runtime, &config, &client, &why);
    const ClientHandle owned(client);
    if (status == P2C2R_OK) status = p2c2r_client_connect(client, timeout_ms, &why);
    // The event that says where comes a moment after the connection.
    const uint64_t until_us = p2c2r_now_us() + kEventUs;
    Waker nobody;
    while (status == P2C2R_OK && attempt.where.empty() && p2c2r_now_us() < until_us) {
        uint32_t run = 0;
        p2c2r_client_dispatch(client, 0, 0, &run);
        if (run == 0) nobody.wait(kLookAgainUs, nullptr);
    }
    // What each place said waits before the answer.
    for (uint32_t run = 1; run > 0;) p2c2r_client_dispatch(client, 0, 0, &run);
    attempt.status = status;
    attempt.why = in_options(why, kNames);
    return attempt;
}

struct PeerState {
    std::mutex mutex;  // guards attempt
    Attempt attempt;
    Waker waker;

    Attempt now() {
        const std::lock_guard lock(mutex);
        return attempt;
    }
};

void P2C2R_CALL on_helper_event(void* user, const p2c2r_event* event) {
    if (event->type != P2C2R_EVENT_STATE) return;
    auto* state = static_cast<PeerState*>(user);
    {
        const std::lock_guard lock(state->mutex);
        if (state->attempt.status != P2C2R_PENDING) return;
        state->attempt.take(*event);
    }
    state->waker.wake();
}

Attempt try_as_peer(p2c2r_runtime* runtime, Contact& contact, const std::string& name,
                    uint32_t timeout_ms) {
    PeerState state;
    const std::string urls = contact.urls();
    p2c2r_peer_config config = {};
    config.struct_size = sizeof config;
    config.deliver = P2C2R_DELIVER_ON_LOOP;
    config.reconnect_attempts = P2C2R_NONE;
    config.coordinator_url = urls.c_str();
    config.peer_id = name.c_str();
    config.credentials = contact.credentials();
    config.event = on_helper_event;
    config.user = &state;
    p2c2r_peer* peer = nullptr;
    p2c2r_error why = {};
    const p2c2r_status made = p2c2r_peer_create(runtime, &config, &peer, &why);
    const PeerHandle owned(peer);
    if (made != P2C2R_OK) return {made, "", {}, in_options(why, kNames)};
    p2c2r_peer_pause(peer);  // it only introduces itself
    if (p2c2r_peer_start(peer, &why) != P2C2R_OK)
        return {why.status, "", {}, in_options(why, kNames)};
    const uint64_t until_us = p2c2r_now_us() + uint64_t{timeout_ms} * 1000;
    while (state.now().status == P2C2R_PENDING && p2c2r_now_us() < until_us) {
        state.waker.wait(100'000, nullptr);
    }
    Attempt attempt = state.now();
    if (attempt.status == P2C2R_PENDING) attempt.status = P2C2R_E_TIMEOUT;
    attempt.why = "no answer in time";
    return attempt;
}

constexpr const char* kPeerService = "p2c2r-peer";

// `p2c2r peer` as a service of this user.
Outcome install_peer(const Settings& settings, bool no_benchmark) {
    const std::vector<std::string> environment = process_environment();
    Service service;
    service.name = kPeerService;
    service.description = "P2C2R: this machine helps while its owner allows it";
    service.program = own_path();
    service.arguments = {"peer"};
    if (no_benchmark) service.arguments.emplace_back("--no-benchmark");
    service.environment = service_environment(settings, environment);
    service.with_desktop = !settings.text("display").value_or(display_in(environment)).empty();
    return install_service(service, environment);
}

// What a helper can serve, once it has joined. Only a gamer may send what measures a line.
void look_at_machine(const JoinCode& code, const JoinOptions& options) {
    if (options.no_benchmark) {
        std::printf("  p2c2r bench this-machine   says how many gamers it can serve\n");
        return;
    }
    std::fflush(stdout);
    const Result<Contact> coordinator = Contact::resolve({});
    run_first_benchmark(
        code.gamer && coordinator ? std::optional<Contact>(*coordinator) : std::nullopt, "auto");
}

// As what was joined last lets it, which is what `p2c2r peer` connects to.
int serve_joined(const JoinOptions& options) {
    const Result<Settings> settings = options.owner.merge(process_environment());
    if (!settings) return report("join", settings.failure());
    const Result<std::vector<Joined>> joined = joined_coordinators();
    if (!joined) return report("join", joined.failure());
    if (joined->empty()) {
        return report("join",
                      usage_failure("--service: this machine has joined no coordinator yet; "
                                    "p2c2r join CODE --service, or - for the code on "
                                    "standard input"));
    }
    const Joined& last = joined->front();
    if (!last.peer) {
        return report("join", usage_failure("--service: " + last.urls.front() +
                                            ", which was joined last, lets this machine send and "
                                            "not help; another code is needed"));
    }
    std::printf("joined already: %s as %s\n", last.urls.front().c_str(),
                printable(last.name).c_str());
    const Outcome failed = install_peer(*settings, options.no_benchmark);
    return failed ? report("join", *failed) : kExitOk;
}

int run_join(const JoinOptions& options) {
    if (options.remove_service) {
        if (options.code || options.service) {
            return report("join", usage_failure("--remove-service stands alone"));
        }
        const Outcome failed = remove_service(kPeerService, process_environment());
        return failed ? report("join", *failed) : kExitOk;
    }
    if (options.service && !options.code) return serve_joined(options);
    const Result<std::string> text = given_code(options);
    if (!text) return report("join", text.failure());
    const Result<JoinCode> code = read_join_code(*text);
    if (!code) return report("join", code.failure());
    const Result<Settings> settings = options.owner.merge(process_environment());
    if (!settings) return report("join", settings.failure());
    if (options.service && !code->peer) {
        return report("join", usage_failure("--service: this code lets no machine help"));
    }
    // A code is good once: not for a list that cannot be added to.
    const Result<std::vector<Joined>> others = joined_coordinators();
    if (!others) return report("join", others.failure());
    RuntimeOptions runtime_options;
    runtime_options.device.kind = DeviceChoice::Kind::kNative;
    runtime_options.worker_threads = 1;
    Result<OpenedRuntime> runtime = open_runtime(runtime_options);
    if (!runtime) return report("join", runtime.failure());
    const Result<Identity> identity = machine_identity(runtime->handle.get());
    if (!identity) return report("join", identity.failure());
    const std::string name = options.name.value_or(host_name());
    std::vector<std::string> urls;
    std::vector<std::string> places;
    for (const std::string& host : code->hosts) {
        urls.push_back(url_of(host, code->port, true));
        places.push_back(host_port(host, code->port));
    }
    Contact contact;
    contact.set_places(urls, code->pin, identity->file);
    contact.set_invite(code->secret);
    std::fprintf(stderr, "trying %s\n", contact.urls().c_str());
    const auto timeout_ms = static_cast<uint32_t>(kConnectMs * urls.size() + kAnswersMs);
    const Attempt attempt = code->gamer
                                ? try_as_gamer(runtime->handle.get(), contact, name, timeout_ms)
                                : try_as_peer(runtime->handle.get(), contact, name, timeout_ms);
    if (attempt.status != P2C2R_OK) {
        if (!attempt.is_refused()) {
            return report("join",
                          {kExitUnreachable, "no coordinator found: " + attempt.text(places)});
        }
        const char* const hint =
            attempt.status == P2C2R_E_EXISTS
                ? "; the code is still good: join again with --name and another name"
            : attempt.is_full() ? "; the code is still good: join again later"
                                : "";
        // A key that is not the code's is another's coordinator: this one was not found.
        const std::string reasons = attempt.text(places);
        const bool is_other = reasons.find(kWrongKey) != std::string::npos;
        const int code_of_it = is_other                             ? kExitUnreachable
                               : attempt.status == P2C2R_E_ARGUMENT ? kExitUsage
                                                                    : kExitSomeFailed;
        return report("join", {code_of_it, reasons + hint});
    }
    // The others are kept: in another network it answers elsewhere.
    const auto at = std::find_if(urls.begin(), urls.end(), [&](const std::string& url) {
        return url.ends_with("//" + attempt.where);
    });
    if (at != urls.end()) std::rotate(urls.begin(), at, at + 1);
    // One that was there keeps its name, and where another has this one already it is numbered.
    const std::string& known_as = attempt.account.empty() ? name : attempt.account;
    const Joined joined{known_as, urls, contact.pin_hex(), code->gamer, code->peer, {}};
    if (Outcome failed = remember_coordinator(joined)) return report("join", *failed);
    std::printf("joined %s as %s%s\n", urls.front().c_str(), printable(known_as).c_str(),
                known_as == name ? "" : (", not '" + printable(name) + "'").c_str());
    if (code->gamer) std::printf("  p2c2r submit ...   sends tasks there\n");
    if (code->peer && !options.service) {
        std::printf("  p2c2r peer         offers this machine to it\n");
    }
    if (code->peer) look_at_machine(*code, options);
    if (!options.service) return kExitOk;
    const Outcome failed = install_peer(*settings, options.no_benchmark);
    return failed ? report("join", *failed) : kExitOk;
}

}  // namespace

void add_join_command(Command& root) {
    static JoinOptions options;
    Command command = root.add_command("join", "Enrol this machine with a join code",
                                       [] { return run_join(options); });
    command.add_text("code,--code", options.code,
                     "What `p2c2r host` or `p2c2r invite` shows; -, or none where standard input "
                     "is no terminal: its first line, so that the code stands in no shell history "
                     "and no list of processes");
    command.add_text("--name", options.name, "What this machine is called there (its host name)");
    command.add_flag("--service", options.service,
                     "Help from now on, as a service of this user; the options below are its own. "
                     "Without a code: where this machine has joined already");
    command.add_flag("--remove-service", options.remove_service,
                     "Stop and remove that service; the machine stays joined");
    command.add_flag("--no-benchmark", options.no_benchmark,
                     "Do not look how many gamers this machine and its uplink can serve");
    options.owner.add_to(command);
}

}  // namespace p2c2r::cli
