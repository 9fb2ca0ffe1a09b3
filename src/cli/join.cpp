// `p2c2r join CODE`: enrols this machine with a coordinator, and remembers it.
#include <algorithm>
#include <cstdio>

#include "cli/addresses_posix.h"
#include "cli/commands.h"
#include "cli/first_benchmark.h"
#include "cli/hidden_line_posix.h"
#include "cli/join_attempt.h"
#include "cli/join_code.h"
#include "cli/machine.h"
#include "cli/owner_options.h"
#include "cli/printable.h"
#include "cli/process_posix.h"
#include "cli/service.h"
#include "cli/session.h"

namespace p2c2r::cli {

namespace {

constexpr size_t kCodeLengthMax = 16 * 1024;  // of all hosts that a code may have, and more
constexpr uint32_t kAnswersMs = 6000;         // more, of one that answers over a long link
constexpr const char* kWrongKey = "key is not the one that is expected";  // the library's words
constexpr const char* kRevoked = "' was revoked";                         // the same

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
    std::string line;
    if (is_typed) {
        Result<std::string> typed =
            read_hidden_line("join code (it is not shown): ", kCodeLengthMax);
        if (!typed) return typed;
        line = std::move(*typed);
    }
    for (int c = is_typed ? EOF : std::getchar(); c != EOF && c != '\n'; c = std::getchar()) {
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
void look_at_machine(bool may_send, const JoinOptions& options) {
    if (options.no_benchmark) {
        std::printf("  p2c2r bench this-machine   says how many gamers it can serve\n");
        return;
    }
    std::fflush(stdout);
    const Result<Contact> coordinator = Contact::resolve({});
    run_first_benchmark(
        may_send && coordinator ? std::optional<Contact>(*coordinator) : std::nullopt, "auto");
}

// What this machine knows of the coordinator of a code; nothing: it has not joined it.
std::optional<Joined> former_of(const std::vector<Joined>& others, const std::string& pin) {
    const auto it = std::find_if(others.begin(), others.end(),
                                 [&](const Joined& other) { return other.pin == pin; });
    return it == others.end() ? std::nullopt : std::optional<Joined>(*it);
}

// Roles are added by a code and never taken: those of before and the code's are what it has.
void print_joined(const Joined& joined, const std::optional<Joined>& former,
                  const std::optional<std::string>& wished) {
    const bool is_other = wished && *wished != joined.name;
    std::printf("%s %s as %s%s\n", former ? "joined already:" : "joined",
                joined.urls.front().c_str(), printable(joined.name).c_str(),
                is_other ? (", not '" + printable(*wished) + "'").c_str() : "");
    if (!former) return;
    const bool may_send_now = joined.gamer && !former->gamer;
    const bool may_help_now = joined.peer && !former->peer;
    if (may_send_now || may_help_now) {
        std::printf("  new by this code: this machine may %s\n", may_send_now ? "send" : "help");
        return;
    }
    std::printf(
        "  it may do there what it could before: this code adds no role. As long as p2c2r invite "
        "--list shows it there, it is good for another machine\n");
}

// To somebody who was thrown out: the key stays out, whatever code comes with it.
std::string way_back_text(const std::string& identity_file) {
    return "; that is of this machine's key, and no code changes it. The way back, if the "
           "coordinator's operator wants it: a new code (p2c2r invite there; one that nobody has "
           "used yet is good as well), and here a new key: move '" +
           identity_file +
           "' away, as other coordinators know this machine by it, and join with the code, as "
           "another account";
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
    if (Outcome bad = check_helper(*settings)) return report("join", *bad);
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
    // A code is good once: not for a list that cannot be added to.
    const Result<std::vector<Joined>> others = joined_coordinators();
    if (!others) return report("join", others.failure());
    std::vector<std::string> urls;
    std::vector<std::string> places;
    for (const std::string& host : code->hosts) {
        urls.push_back(url_of(host, code->port, true));
        places.push_back(host_port(host, code->port));
    }
    Contact contact;
    contact.set_places(urls, code->pin, {});
    std::optional<Joined> former = former_of(*others, contact.pin_hex());
    if (options.service && !code->peer && !(former && former->peer)) {
        return report("join", usage_failure("--service: this code lets no machine help"));
    }
    if (options.service) {
        if (Outcome bad = check_helper(*settings)) return report("join", *bad);
    }
    RuntimeOptions runtime_options;
    runtime_options.device.kind = DeviceChoice::Kind::kNative;
    runtime_options.worker_threads = 1;
    Result<OpenedRuntime> runtime = open_runtime(runtime_options);
    if (!runtime) return report("join", runtime.failure());
    const Result<Identity> identity = machine_identity(runtime->handle.get());
    if (!identity) return report("join", identity.failure());
    const std::string name = options.name.value_or(former ? former->name : host_name());
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
        std::string reasons = attempt.text(places);
        if (attempt.status == P2C2R_E_AUTH && reasons.find(kRevoked) != std::string::npos) {
            reasons += way_back_text(identity->file);
        }
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
    // With another account than before nothing of that one's holds.
    if (former && former->name != known_as) former.reset();
    Joined joined{known_as, urls, contact.pin_hex(), code->gamer, code->peer, {}};
    if (former) {
        joined.gamer |= former->gamer;
        joined.peer |= former->peer;
    }
    if (Outcome failed = remember_coordinator(joined)) return report("join", *failed);
    print_joined(joined, former, former ? options.name : name);
    if (joined.gamer) std::printf("  p2c2r submit ...   sends tasks there\n");
    if (joined.peer && !options.service) {
        std::printf("  p2c2r peer         offers this machine to it\n");
    }
    if (joined.peer && !(former && former->peer)) look_at_machine(joined.gamer, options);
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
