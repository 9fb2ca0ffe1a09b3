#include "cli/session.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "cli/message.h"
#include "cli/printable.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint32_t kAskTimeoutMs = 5000;
// Places where a coordinator may be are tried one after the other, each for less than this.
constexpr uint32_t kPlaceMs = 2000;
constexpr uint32_t kSliceMs = 100;  // between two looks whether a signal to stop has come

// Only the wait ended: it goes on trying.
bool is_limit(const p2c2r_error& why) {
    return std::string_view(why.text).starts_with("not connected within ");
}

// What the library says of a try that was not over when its time was.
std::string without_limit(const p2c2r_error& why) {
    const std::string text = why.text;
    const size_t reason = text.find(" ms: ");
    if (!is_limit(why)) return text;
    return reason == std::string::npos ? "no answer" : text.substr(reason + 5);
}

// The coordinator's own word, or ours on what it has shown of itself: it is there.
bool is_refusal(p2c2r_status status) {
    return status == P2C2R_E_AUTH || status == P2C2R_E_DENIED || status == P2C2R_E_VERSION ||
           status == P2C2R_E_ARGUMENT || status == P2C2R_E_EXISTS || status == P2C2R_E_LIMIT ||
           status == P2C2R_E_BUSY;
}

Failure not_connected(const std::string& url, const p2c2r_error& why, uint64_t tried_us) {
    if (is_refusal(why.status)) {
        return library_failure(kExitUnreachable, "the coordinator at " + url + " refused", why);
    }
    if (why.status != P2C2R_E_TIMEOUT) {
        return library_failure(kExitUnreachable, "not connected to " + url, why);
    }
    // The cause first: a host that just starts is waited for, so time alone tells nothing.
    std::string reason = without_limit(why);
    const std::string tried =
        " (tried for " + number_text(static_cast<double>(tried_us) / 1e6, 1) + " s)";
    // It is there and has said why not, for now.
    constexpr std::string_view kRefusalWords = "the coordinator refused: ";
    if (reason.starts_with(kRefusalWords)) {
        reason.erase(0, kRefusalWords.size());
        return {kExitUnreachable, "the coordinator at " + url + " refused: " + reason + tried};
    }
    constexpr std::string_view kPlaceWords = "cannot connect to ";
    const size_t colon = reason.find(": ");
    const bool is_one = url.find(',') == std::string::npos;
    const bool nobody = reason.starts_with(kPlaceWords) || reason == "no answer";
    if (is_one && reason.starts_with(kPlaceWords) && colon != std::string::npos) {
        reason.erase(0, colon + 2);
    }
    return {kExitUnreachable,
            (nobody ? "no coordinator at " : "not connected to ") + url + ": " + reason + tried};
}

// In slices: the library's wait knows nothing of signals.
Outcome connect_or_stop(p2c2r_client* client, const std::string& url, uint32_t timeout_ms) {
    const uint64_t began_us = p2c2r_now_us();
    const uint64_t until_us = began_us + uint64_t{timeout_ms} * 1000;
    p2c2r_error why = {};
    for (;;) {
        const uint64_t now_us = p2c2r_now_us();
        const uint64_t left_ms = now_us < until_us ? (until_us - now_us + 999) / 1000 : 0;
        const auto slice_ms = static_cast<uint32_t>(std::min<uint64_t>(left_ms, kSliceMs));
        const p2c2r_status status = p2c2r_client_connect(client, slice_ms, &why);
        if (status == P2C2R_OK) return std::nullopt;
        if (StopSignals::asked_to_stop()) {
            return Failure{kExitSomeFailed, "stopped while connecting to " + url};
        }
        const bool is_given_up = status != P2C2R_E_TIMEOUT || !is_limit(why);
        if (is_given_up || left_ms <= slice_ms) {
            return not_connected(url, why, p2c2r_now_us() - began_us);
        }
    }
}

}  // namespace

// Says when the connection is lost and found again; the first one is no news.
void P2C2R_CALL Session::tell_state(void* user, const p2c2r_event* event) {
    auto* session = static_cast<Session*>(user);
    if (event->type != P2C2R_EVENT_STATE) return;
    if (event->status == P2C2R_OK && session->contact_ && event->subject) {
        session->contact_->remember(event->subject);
    }
    if (!session->tells_state_) return;
    const std::string reason = event->text && *event->text ? ": " + printable(event->text) : "";
    if (event->status == P2C2R_OK) {
        if (session->was_connected_) say("connected again");
        session->was_connected_ = true;
    } else if (session->was_connected_) {
        say("connection lost: " + std::string(p2c2r_status_name(event->status)) + reason);
    }
}

Result<std::unique_ptr<Session>> Session::open(const SessionOptions& options) {
    std::unique_ptr<Session> session(new Session());
    RuntimeOptions runtime_options;
    runtime_options.device = options.device;
    runtime_options.worker_threads = options.worker_threads;
    runtime_options.log = options.log;
    runtime_options.waker = &session->waker_;
    Result<OpenedRuntime> runtime = open_runtime(runtime_options);
    if (!runtime) return runtime.failure();
    session->runtime_ = std::move(*runtime);

    if (options.peers_in_process > 0) {
        if (Outcome failure = session->add_roles(options.peers_in_process)) return *failure;
    }
    p2c2r_client_config config = {};
    config.struct_size = sizeof config;
    config.tasks_max = options.tasks_max;
    config.connect_timeout_ms = options.connect_timeout_ms;
    config.event = tell_state;
    config.user = session.get();
    session->tells_state_ = options.tell_state;
    session->contact_ = options.contact;
    std::optional<Contact>& contact = session->contact_;
    const std::string url = contact ? contact->urls() : options.coordinator_url;
    const bool remote = !url.empty();
    if (remote) config.coordinator_url = url.c_str();
    // What is submitted by hand is meant for helpers.
    config.options = contact && contact->plaintext_anywhere()
                         ? R"({"allow_plaintext": true, "place_by_worth": false})"
                         : R"({"place_by_worth": false})";
    if (contact) config.credentials = contact->credentials();
    config.local = session->coordinator_.get();
    p2c2r_client* client = nullptr;
    p2c2r_error why = {};
    if (p2c2r_client_create(session->runtime(), &config, &client, &why) != P2C2R_OK) {
        return library_failure(kExitUsage, "coordinator " + url, why);
    }
    session->client_.reset(client);
    const auto places = static_cast<uint32_t>(contact ? contact->places() : 1);
    const uint32_t timeout_ms = places > 1 ? std::max(options.connect_timeout_ms, places * kPlaceMs)
                                           : options.connect_timeout_ms;
    if (remote || config.local) {
        if (Outcome failure = connect_or_stop(client, url, timeout_ms)) return *failure;
    }
    return session;
}

Session::~Session() {
    uint32_t run = 0;
    if (client_) p2c2r_client_dispatch(client(), 0, 0, &run);
}

Outcome Session::add_roles(uint32_t peers_count) {
    p2c2r_error why = {};
    p2c2r_coordinator_config config = {};
    config.struct_size = sizeof config;
    config.listen_port = P2C2R_NONE;
    p2c2r_coordinator* coordinator = nullptr;
    p2c2r_status status = p2c2r_coordinator_create(runtime(), &config, &coordinator, &why);
    coordinator_.reset(coordinator);
    if (status == P2C2R_OK) status = p2c2r_coordinator_start(coordinator, &why);
    for (uint32_t index = 0; status == P2C2R_OK && index < peers_count; ++index) {
        const std::string peer_id = "helper-" + std::to_string(index + 1);
        p2c2r_peer_config peer_config = {};
        peer_config.struct_size = sizeof peer_config;
        peer_config.local = coordinator;
        peer_config.peer_id = peer_id.c_str();
        p2c2r_peer* peer = nullptr;
        status = p2c2r_peer_create(runtime(), &peer_config, &peer, &why);
        peers_.emplace_back(peer);
        if (status == P2C2R_OK) status = p2c2r_peer_start(peer, &why);
    }
    if (status == P2C2R_OK) return std::nullopt;
    return library_failure(kExitSomeFailed, "cannot start the roles", why);
}

uint32_t Session::peers_total() const {
    p2c2r_client_stats stats = {};
    stats.struct_size = sizeof stats;
    p2c2r_client_stats_get(client(), &stats);
    return stats.peers_total;
}

Result<json> Session::ask(const char* name, const json& arguments) {
    p2c2r_result* answer = nullptr;
    p2c2r_error why = {};
    const p2c2r_status status =
        p2c2r_client_call(client(), name, arguments.dump().c_str(), kAskTimeoutMs, &answer, &why);
    const ResultHandle owned(answer);
    if (status != P2C2R_OK) {
        // The arguments are those of the command line.
        const bool is_usage = status == P2C2R_E_ARGUMENT || status == P2C2R_E_PARAMS;
        const int code = is_usage ? kExitUsage : kExitSomeFailed;
        return call_failure(code, name, why);
    }
    return fields_of(owned.get());
}

void Session::wait_and_dispatch(uint64_t timeout_us, StopSignals* signals) {
    uint32_t run = 0;
    p2c2r_client_dispatch(client(), 0, 0, &run);
    if (run > 0) return;
    waker_.wait(timeout_us, signals);
    p2c2r_client_dispatch(client(), 0, 0, &run);
}

bool Session::wait_for_peers(uint32_t count, uint64_t timeout_us, StopSignals* signals) {
    const uint64_t until_us = p2c2r_now_us() + timeout_us;
    while (peers_total() < count) {
        const uint64_t now_us = p2c2r_now_us();
        if (now_us >= until_us || (signals && signals->count() > 0)) return false;
        // The count arrives as an event; the short limit covers one that came before this wait.
        wait_and_dispatch(std::min<uint64_t>(until_us - now_us, 50'000), signals);
    }
    return true;
}

}  // namespace p2c2r::cli
