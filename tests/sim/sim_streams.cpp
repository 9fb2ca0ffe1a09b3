// Connections of the simulated network: the handle that roles hold, how an end comes to its end,
// and the faults that a script may inject.
#include <algorithm>
#include <cstring>

#include "sim/short_memory.h"
#include "sim/sim_connect.h"

namespace p2c2r::sim {

// ---- the handle --------------------------------------------------------------------------------

Network::End* SimConnection::end() const {
    Network::Pipe* pipe = network_.find(pipe_);
    return pipe ? &pipe->ends[side_] : nullptr;
}

SimConnection::~SimConnection() {
    close();
    network_.handle_gone(pipe_, side_);
}

void SimConnection::set_events(net::ConnectionEvents* events) {
    if (Network::End* mine = end()) mine->events = events;
}

void SimConnection::set_limits(const wire::FrameLimits& limits) {
    if (Network::End* mine = end()) mine->limits = limits;
}

size_t SimConnection::queued_bytes() const {
    const Network::Pipe* pipe = network_.find(pipe_);
    if (!pipe) return 0;
    const Network::Stream& out = pipe->streams[side_];
    return static_cast<size_t>(out.written - out.sent);
}

void SimConnection::pause_reading(bool paused) {
    const Plenty plenty;
    Network::End* mine = end();
    if (!mine || mine->paused == paused) return;
    mine->paused = paused;
    if (!paused && !mine->resume_asked) {
        mine->resume_asked = true;
        network_.world_.send(network_.world_.now_us(), network_.address_, Network::kResume,
                             Network::tag_of(pipe_, side_));
    }
}

void SimConnection::close() {
    const Plenty plenty;
    network_.close_end(pipe_, side_);
}

std::string SimConnection::peer_address() const {
    const Plenty plenty;
    // All of one network: hosts that share a token may use it.
    const Network::End* mine = end();
    return mine ? "10.0.0." + std::to_string(network_.other_host(pipe_, mine->host)) + ":1"
                : "gone";
}

uint64_t SimConnection::last_words_us() const {
    const Network::End* mine = end();
    return mine ? mine->last_words_us : 0;
}

uint64_t SimConnection::bytes_in() const {
    const Network::End* mine = end();
    return mine ? mine->bytes_in : 0;
}

uint64_t SimConnection::bytes_out() const {
    const Network::End* mine = end();
    return mine ? mine->bytes_out - queued_bytes() : 0;
}

void SimConnection::write(wire::Message message, uint8_t flags, uint64_t id,
                          std::span<const uint8_t> envelope, std::span<const uint8_t> params,
                          std::span<const uint8_t> data) {
    const Plenty plenty;
    Network::End* mine = end();
    if (!mine || !mine->open) return;
    Network::Stream& out = network_.find(pipe_)->streams[side_];
    if (network_.observer_) {
        wire::Frame frame;
        frame.message = message;
        frame.flags = flags;
        frame.id = id;
        frame.envelope = envelope;
        frame.params = params;
        frame.data = data;
        network_.observer_->on_sent(pipe_, mine->host, frame, queued_bytes());
    }
    const size_t start = out.bytes.size();
    const size_t size_max = wire::kFrameHeadMax + envelope.size() + params.size() + data.size();
    out.bytes.resize(start + size_max);
    uint8_t* at = out.bytes.data() + start;
    at += wire::write_frame_start(at, message, flags, id, envelope, params.size());
    if (!params.empty()) std::memcpy(at, params.data(), params.size());
    at += params.size();
    at += wire::write_bin_header(at, data.size());
    if (!data.empty()) std::memcpy(at, data.data(), data.size());
    at += data.size();
    const size_t size = static_cast<size_t>(at - out.bytes.data()) - start;
    out.bytes.resize(start + size);
    out.written += size;
    mine->bytes_out += size;
    network_.hosts_[mine->host].queued_bytes += size;
    if (out.written - out.sent > net::kSendHighMark) out.above_mark = true;
    network_.mark_dirty(pipe_, side_);
}

void SimConnection::write_raw(std::span<const uint8_t> bytes) {
    Network::End* mine = end();
    if (!mine || !mine->open) return;
    Network::Stream& out = network_.find(pipe_)->streams[side_];
    out.bytes.insert(out.bytes.end(), bytes.begin(), bytes.end());
    out.written += bytes.size();
    mine->bytes_out += bytes.size();
    network_.hosts_[mine->host].queued_bytes += bytes.size();
    network_.mark_dirty(pipe_, side_);
}

// ---- how an end comes to its end ---------------------------------------------------------------

void Network::end_gone(uint64_t pipe, uint32_t side) {
    End& end = find(pipe)->ends[side];
    end.placed = nullptr;
    perhaps_over_.push_back(pipe);
    if (end.gone_told) return;
    end.gone_told = true;
    if (observer_) observer_->on_end_gone(pipe, end.host);
}

// The network ends it: the role is told, in a turn of its host.
void Network::lose(uint64_t pipe, uint32_t side, Status status, const std::string& why) {
    End& end = find(pipe)->ends[side];
    if (!end.open) return;
    end.open = false;
    drop_queued(pipe, side);
    end_gone(pipe, side);
    if (!is_alive(end) || !end.handle || !end.events) return;
    hosts_[end.host].loop->turn([&] { end.events->on_closed(*end.handle, status, why); });
}

// The role ends it: what was sent still goes out.
void Network::close_end(uint64_t pipe, uint32_t side) {
    Pipe* both = find(pipe);
    if (!both) return;
    End& end = both->ends[side];
    if (end.closed) return;
    end.closed = true;
    if (!end.open) return;
    end.open = false;
    end_gone(pipe, side);
    if (!is_alive(end)) return;
    const Stream& in = both->streams[1 - side];
    const bool unread = in.arrived > in.base || end.filled > end.parsed;
    if (unread && link_of(*both).reset_when_unread) {
        drop_queued(pipe, side);
        send_reset(pipe, 1 - side);
        return;
    }
    both->streams[side].fin_asked = true;
    mark_dirty(pipe, side);
}

void Network::handle_gone(uint64_t pipe, uint32_t side) {
    const Plenty plenty;
    if (Pipe* both = find(pipe)) {
        both->ends[side].handle = nullptr;
        both->ends[side].events = nullptr;
        perhaps_over_.push_back(pipe);
    }
}

void Network::send_reset(uint64_t pipe, uint32_t to_side) {
    Pipe& both = *find(pipe);
    if (!both.ends[to_side].open || both.streams[1 - to_side].dropped) return;
    uint64_t at = world_.now_us() + delay_us(link_of(both));
    // Before the other side knows of the connection there is nothing to reset.
    if (both.waiting) at = std::max(at, both.streams[1].last_at_us);
    world_.send(at, address_, kReset, tag_of(pipe, to_side));
}

// Frees the pipes whose both ends are done. Between events only.
void Network::reap() {
    for (uint64_t pipe : perhaps_over_) {
        const Pipe* both = find(pipe);
        if (!both || both->waiting) continue;
        const End& a = both->ends[0];
        const End& b = both->ends[1];
        if (a.open || b.open || a.handle || b.handle || a.dirty || b.dirty) continue;
        drop_queued(pipe, 0);
        drop_queued(pipe, 1);
        pipes_[pipe].reset();
        --pipes_alive_;
    }
    perhaps_over_.clear();
}

// ---- faults ------------------------------------------------------------------------------------

std::vector<Network::Open> Network::open_pipes() const {
    std::vector<Open> open;
    for (uint64_t pipe = 0; pipe < pipes_.size(); ++pipe) {
        const Pipe* both = pipes_[pipe].get();
        if (both && both->ends[0].open && both->ends[1].open && !both->waiting) {
            open.push_back({pipe, both->ends[0].host});
        }
    }
    return open;
}

void Network::reset(uint64_t pipe) {
    Pipe* both = find(pipe);
    if (!both) return;
    coverage_.hit(Sometimes::kReset);
    for (uint32_t side = 0; side < 2; ++side) {
        both->streams[side].flight.clear();
        both->streams[side].dropped = true;
        world_.send(world_.now_us() + prng_.below(2000), address_, kAbort, tag_of(pipe, side));
    }
}

void Network::drop_silently(uint64_t pipe, bool from_host) {
    Pipe* both = find(pipe);
    if (!both) return;
    coverage_.hit(Sometimes::kHalfOpen);
    Stream& stream = both->streams[from_host ? 0 : 1];
    stream.dropped = true;
    stream.flight.clear();
}

void Network::hold(uint32_t host, bool from_host, uint64_t until_us) {
    coverage_.hit(until_us == kNever ? Sometimes::kBlackHoleForever
                  : from_host        ? Sometimes::kHoleFromHost
                                     : Sometimes::kHoleToHost);
    uint64_t& held = hosts_[host].held_until_us[from_host];
    held = std::max(held, until_us);
}

void Network::stall_reading(uint32_t host, uint64_t until_us) {
    coverage_.hit(Sometimes::kSlowReader);
    hosts_[host].stalled_until_us = std::max(hosts_[host].stalled_until_us, until_us);
}

void Network::kill_host(uint32_t host, bool silently) {
    Host& dead = hosts_[host];
    dead.dirty.clear();
    for (uint64_t pipe = 0; pipe < pipes_.size(); ++pipe) {
        Pipe* both = pipes_[pipe].get();
        if (!both) continue;
        for (uint32_t side = 0; side < 2; ++side) {
            End& end = both->ends[side];
            if (end.host != host) continue;
            end.dirty = false;
            if (!end.open) continue;
            end.open = false;
            drop_queued(pipe, side);
            end_gone(pipe, side);
            if (!silently) send_reset(pipe, 1 - side);
        }
        if (both->ends[0].host == host) both->waiting.reset();
    }
    ++dead.life;
    dead.up = !silently;  // a living machine answers for the dead process
    dead.stalled_until_us = 0;
    if (host == 0) accept_ = nullptr;
}

void Network::revive_host(uint32_t host) {
    hosts_[host].up = true;
    // Whoever still sends to the former life learns now that it is over.
    for (uint64_t pipe = 0; pipe < pipes_.size(); ++pipe) {
        Pipe* both = pipes_[pipe].get();
        if (!both) continue;
        for (uint32_t side = 0; side < 2; ++side) {
            const End& end = both->ends[side];
            const Stream& in = both->streams[1 - side];
            if (end.host == host && end.life != hosts_[host].life && in.sent > in.base) {
                send_reset(pipe, 1 - side);
            }
        }
    }
}

void Network::calm() {
    const uint64_t now = world_.now_us();
    user_timeout_us_ = 0;
    short_chance_ = 0;
    for (Host& host : hosts_) {
        host.link = LinkOptions{};
        host.held_until_us = {};
        host.stalled_until_us = 0;
    }
    for (uint64_t pipe = 0; pipe < pipes_.size(); ++pipe) {
        if (!pipes_[pipe]) continue;
        for (uint32_t side = 0; side < 2; ++side) {
            world_.send(now, address_, kArrive, tag_of(pipe, side));
            world_.send(now, address_, kWindow, tag_of(pipe, side));
            world_.send(now, address_, kResume, tag_of(pipe, side));
        }
    }
}

// ---- looking -----------------------------------------------------------------------------------

size_t Network::ends_open(uint32_t host) const {
    size_t count = 0;
    for (const auto& pipe : pipes_) {
        if (!pipe) continue;
        for (const End& end : pipe->ends) count += end.open && end.host == host;
    }
    return count;
}

size_t Network::pipes_alive() const {
    return pipes_alive_;
}

const std::string& Network::host_name(uint32_t host) const {
    return hosts_[host].name;
}

uint32_t Network::other_host(uint64_t pipe, uint32_t host) const {
    const Pipe& both = *find(pipe);
    return both.ends[0].host == host ? both.ends[1].host : both.ends[0].host;
}

}  // namespace p2c2r::sim
