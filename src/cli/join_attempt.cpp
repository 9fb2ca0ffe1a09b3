#include "cli/join_attempt.h"

#include <mutex>

#include "cli/handles.h"
#include "cli/library_words.h"
#include "cli/wait_posix.h"

namespace p2c2r::cli {

namespace {

constexpr uint64_t kEventUs = 1'000'000;
constexpr uint64_t kLookAgainUs = 2000;

// It introduces itself under one name, whatever it asks for.
constexpr Renamed kNames[] = {{"client_id", "--name"}, {"peer_id", "--name"}};

void P2C2R_CALL on_gamer_event(void* user, const p2c2r_event* event) {
    if (event->type == P2C2R_EVENT_STATE) static_cast<Attempt*>(user)->take(*event);
}

}  // namespace

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

namespace {

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

}  // namespace

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

}  // namespace p2c2r::cli
