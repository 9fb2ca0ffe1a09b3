// Connections that have not registered: which are taken, and until when each has to be done.
#include <algorithm>
#include <functional>
#include <new>

#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

namespace {

constexpr uint32_t kUnregisteredPerNetworkMax = 8;  // connections of one address
constexpr size_t kHandshakesUsual = 16;
// More than these are a crowd: half of the places.
constexpr uint32_t kCrowd = limits::kConnectionsUnauthenticatedMax / 2;
constexpr uint32_t kCrowdPerNetwork = kUnregisteredPerNetworkMax / 2;

}  // namespace

void Coordinator::Impl::accept(std::unique_ptr<net::Connection> connection, bool in_process) {
    if (closed_ || unauthenticated_ >= limits::kConnectionsUnauthenticatedMax) {
        ++stats_.rejected_connections;
        connection->close();
        return;
    }
    // One address shall not hold all places; this machine's own roles are many. What needs memory
    // for that is done before anything is counted.
    std::string network;
    uint32_t* of_network = nullptr;
    if (!in_process && !connection->is_loopback()) {
        network = identity::network_of(connection->peer_address());
        of_network = &unregistered_[network];
        if (*of_network >= kUnregisteredPerNetworkMax) {
            ++stats_.rejected_connections;
            connection->close();
            return;
        }
    }
    auto session = std::make_unique<Session>(*this);
    session->opened_us = session->heard_us = loop_.turn_us();
    session->in_process = in_process;
    session->connection = std::move(connection);
    session->connection->set_events(session.get());
    session->connection->count_queue_in(&queued_bytes_);
    session->out.count_in(&delivering_bytes_);
    // Losing a session needs no memory: its place among the dead is there from the beginning.
    const size_t dead_at_most = graveyard_.size() + sessions_.size() + 1;
    if (dead_at_most > graveyard_.capacity()) graveyard_.reserve(2 * dead_at_most);
    if (handshakes_.size() == handshakes_.capacity()) {
        handshakes_.reserve(2 * handshakes_.size() + kHandshakesUsual);
    }
    // Of those who are in already the first may be due later than this one.
    const uint64_t until_us = handshake_until_us(session->opened_us, 0);
    if (handshakes_.empty() || until_us < handshakes_.front().first) {
        loop_.arm(handshake_timer_, until_us);
    }
    session->id = sessions_.insert();
    if (session->id == 0) {
        session->connection->close();
        return;
    }
    watch_handshake(until_us, session->id);
    ++unauthenticated_;
    if (of_network) {
        session->network = std::move(network);
        ++*of_network;
    }
    *sessions_.find(session->id) = std::move(session);
    const bool crowds_network = of_network && *of_network == kCrowdPerNetwork + 1;
    if (unauthenticated_ == kCrowd + 1 || crowds_network) look_at_handshakes_again();
}

// One has registered, or is gone.
void Coordinator::Impl::handshake_over(Session& session) {
    if (const auto known = unregistered_.find(session.network); known != unregistered_.end()) {
        if (--known->second == 0) unregistered_.erase(known);
    }
    if (--unauthenticated_ > 0) return;
    handshakes_.clear();
    loop_.disarm(handshake_timer_);
}

// There is room for it.
void Coordinator::Impl::watch_handshake(uint64_t until_us, uint64_t id) {
    handshakes_.emplace_back(until_us, id);
    std::push_heap(handshakes_.begin(), handshakes_.end(), std::greater<>());
}

// So many wait that none has more time than the least: places run out no sooner for whoever makes
// long links up.
bool Coordinator::Impl::is_crowded(const Session& session) const {
    const auto known = unregistered_.find(session.network);
    return unauthenticated_ > kCrowd ||
           (known != unregistered_.end() && known->second > kCrowdPerNetwork);
}

// It has become crowded: who had got more than the least is looked at now. There are no more of
// them than places, and but one look for each that comes.
void Coordinator::Impl::look_at_handshakes_again() {
    bool is_changed = false;
    for (auto& [until_us, id] : handshakes_) {
        std::unique_ptr<Session>* const session = sessions_.find(id);
        if (!session) continue;
        const uint64_t least_us = handshake_until_us((*session)->opened_us, 0);
        if (until_us <= least_us || !is_crowded(**session)) continue;
        until_us = least_us;
        is_changed = true;
    }
    if (!is_changed) return;
    std::make_heap(handshakes_.begin(), handshakes_.end(), std::greater<>());
    loop_.arm(handshake_timer_, handshakes_.front().first);
}

void Coordinator::Impl::expire_handshakes() {
    using Phase = Session::Phase;
    const uint64_t now = loop_.turn_us();
    while (!handshakes_.empty()) {
        const auto [until_us, id] = handshakes_.front();
        std::unique_ptr<Session>* session = sessions_.find(id);
        const bool waits = session && ((*session)->phase == Phase::kHello ||
                                       (*session)->phase == Phase::kRegister);
        if (waits && until_us > now) return loop_.arm(handshake_timer_, until_us);
        std::pop_heap(handshakes_.begin(), handshakes_.end(), std::greater<>());
        handshakes_.pop_back();
        if (!waits) continue;
        const uint64_t later_us =
            handshake_until_us((*session)->opened_us, (*session)->connection->last_words_us());
        if (later_us > now && !is_crowded(**session)) {
            watch_handshake(later_us, id);
            continue;
        }
        try {
            const std::string took = seconds_text(now - (*session)->opened_us);
            end_session(**session, Status::kTimeout, "no registration within " + took + " s");
        } catch (const std::bad_alloc&) {
            // It goes without a word, and the others are still looked at.
            if (std::unique_ptr<Session>* left = sessions_.find(id)) bury(**left);
        }
    }
}

}  // namespace p2c2r::roles
