#include "sim/sim_connect.h"

#include <algorithm>

#include "sim/short_memory.h"

namespace p2c2r::sim {

namespace {

constexpr uint64_t kSynAgainUs =
    1'000'000;  // how long an unanswered attempt waits before it asks again
constexpr uint32_t kListenerHost = 0;

}  // namespace

Result<std::unique_ptr<net::Listener>> SimTransport::listen(const std::string& address,
                                                            uint32_t port, Accept accept,
                                                            std::shared_ptr<net::TlsContext>) {
    if (network_.accept_) {
        return field_error(Status::kExists, "listen_port",
                           address + ":" + std::to_string(port) + " is in use");
    }
    network_.accept_ = std::move(accept);
    network_.listen_port_ = port;
    return std::unique_ptr<net::Listener>(
        std::make_unique<SimListener>(network_, port, ++network_.listener_number_));
}

SimListener::~SimListener() {
    // A later listener on the same port is not ours to end.
    if (network_.listener_number_ == number_) network_.accept_ = nullptr;
}

std::unique_ptr<net::Transport::Attempt> SimTransport::connect(const std::string&, uint32_t port,
                                                               uint64_t timeout_us,
                                                               Connected connected,
                                                               std::shared_ptr<net::TlsContext>) {
    const Plenty plenty;
    auto attempt = std::make_unique<SimAttempt>(network_, ++network_.attempts_made_, host_, port,
                                                std::move(connected));
    network_.attempts_[attempt->number_] = attempt.get();
    network_.start_connect(*attempt, timeout_us);
    return attempt;
}

void Network::start_connect(SimAttempt& attempt, uint64_t timeout_us) {
    attempt.until_us_ = world_.now_us() + timeout_us;
    world_.send(attempt.until_us_, address_, kConnectTimeout, attempt.number_);
    world_.send(world_.now_us() + delay_us(hosts_[attempt.host_].link), address_, kSyn,
                attempt.number_);
}

// The request has reached the listening host, unless the way is blocked.
void Network::on_syn(uint64_t number) {
    const auto found = attempts_.find(number);
    if (found == attempts_.end()) return;
    SimAttempt& attempt = *found->second;
    Host& host = hosts_[attempt.host_];
    const uint64_t now = world_.now_us();
    const uint64_t held = std::max(host.held_until_us[0], host.held_until_us[1]);
    if (held > now || !hosts_[kListenerHost].up) {
        world_.send(now + kSynAgainUs, address_, kSyn, number);
        return;
    }
    const uint64_t back = delay_us(host.link);
    if (!accept_ || attempt.port_ != listen_port_) {
        world_.send(now + back, address_, kRefused, number);
        return;
    }
    const uint64_t pipe = pipes_.size();
    pipes_.push_back(std::make_unique<Pipe>());
    ++pipes_alive_;
    Pipe& both = *pipes_.back();
    both.attempt = number;
    both.ends[0].host = attempt.host_;
    both.ends[0].life = host.life;
    both.ends[1].host = kListenerHost;
    both.ends[1].life = hosts_[kListenerHost].life;
    both.waiting = std::make_unique<SimConnection>(*this, pipe, 0);
    both.ends[0].handle = both.waiting.get();
    both.streams[1].last_at_us = now + back;
    world_.send(now + back, address_, kConnected, pipe);
    auto accepted = std::make_unique<SimConnection>(*this, pipe, 1);
    both.ends[1].handle = accepted.get();
    hosts_[kListenerHost].loop->turn([&] { accept_(std::move(accepted)); });
}

// The answer has reached the host that asked.
void Network::on_connected(uint64_t pipe) {
    Pipe* both = find(pipe);
    if (!both || !both->waiting) return;
    const auto found = attempts_.find(both->attempt);
    std::unique_ptr<SimConnection> connection = std::move(both->waiting);
    if (found == attempts_.end()) {
        connection.reset();  // nobody waits for it any more
        flush(both->ends[0].host);
        return;
    }
    // The callback may destroy the attempt.
    const net::Transport::Connected connected = std::move(found->second->connected_);
    attempts_.erase(found);
    hosts_[both->ends[0].host].loop->turn(
        [&] { connected(std::unique_ptr<net::Connection>(std::move(connection))); });
}

void Network::fail_connect(uint64_t number, Status status, const char* why) {
    const auto found = attempts_.find(number);
    if (found == attempts_.end()) return;
    const uint32_t host = found->second->host_;
    const net::Transport::Connected connected = std::move(found->second->connected_);
    attempts_.erase(found);
    hosts_[host].loop->turn([&] { connected(make_error(status, why)); });
}

}  // namespace p2c2r::sim
