#include "sim/sim_network.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "core/hash.h"
#include "sim/sim_connect.h"

namespace p2c2r::sim {

Network::Network(World& world, Prng prng, Coverage& coverage)
    : world_(world), prng_(prng), coverage_(coverage), address_(world.enter(*this)) {}

Network::~Network() {
    observer_ = nullptr;
    // Their handles look at the pipes once more.
    for (auto& pipe : pipes_) {
        if (pipe) pipe->waiting.reset();
    }
    world_.leave(address_);
}

uint32_t Network::add_host(std::string name, SimLoop& loop, const LinkOptions& link) {
    const uint32_t number = static_cast<uint32_t>(hosts_.size());
    Host& host = hosts_.emplace_back();
    host.name = std::move(name);
    host.loop = &loop;
    host.link = link;
    host.transport = std::make_unique<SimTransport>(*this, number);
    loop.set_flush([this, number] { flush(number); });
    return number;
}

net::Transport& Network::transport(uint32_t host) {
    return *hosts_[host].transport;
}

void Network::on_event(uint32_t kind, uint64_t tag) {
    reap();
    const uint64_t pipe = tag >> 1;
    const uint32_t side = tag & 1;
    switch (static_cast<Kind>(kind)) {
        case kSyn:
            return on_syn(tag);
        case kConnected:
            return on_connected(tag);
        case kRefused:
            coverage_.hit(Sometimes::kConnectRefused);
            return fail_connect(tag, Status::kDisconnected, "the connection was refused");
        case kConnectTimeout:
            if (attempts_.count(tag)) coverage_.hit(Sometimes::kConnectTimeout);
            return fail_connect(tag, Status::kTimeout, "no answer to the connection attempt");
        default:
            break;
    }
    Pipe* found = find(pipe);
    if (!found) return;
    End& end = found->ends[side];
    switch (static_cast<Kind>(kind)) {
        case kArrive:
            return arrive(pipe, side);
        case kWindow:
            found->streams[side].window_asked = false;
            return pump(pipe, side);
        case kReset: {
            const uint64_t held = held_until(found->ends[0].host, side == 1);
            if (held > world_.now_us()) {
                if (held != kNever) world_.send(held, address_, kReset, tag);
                return;
            }
            return lose(pipe, side, Status::kDisconnected, "connection reset by the other side");
        }
        case kAbort:
            return lose(pipe, side, Status::kDisconnected, "connection reset");
        case kResume:
            end.resume_asked = false;
            if (end.open && is_alive(end)) {
                hosts_[end.host].loop->turn([&] { read(pipe, side); });
            }
            return;
        case kWritable:
            if (end.open && is_alive(end) && end.events) {
                coverage_.hit(Sometimes::kWritable);
                hosts_[end.host].loop->turn([&] { end.events->on_writable(*end.handle); });
            }
            return;
        case kGiveUp: {
            Stream& out = found->streams[side];
            out.give_up_asked = false;
            if (!end.open || out.sent == out.base) return;
            send_reset(pipe, 1 - side);
            return lose(pipe, side, Status::kDisconnected, "the other side acknowledges nothing");
        }
        case kOverflow:
            if (!end.open) return;
            coverage_.hit(Sometimes::kSendOverflow);
            send_reset(pipe, 1 - side);
            return lose(pipe, side, Status::kLimit, "the other side reads too slowly");
        default:
            return;
    }
}

// ---- sending -----------------------------------------------------------------------------------

uint64_t Network::delay_us(const LinkOptions& link) {
    uint64_t delay = link.latency_us;
    if (link.jitter_us > 0) {
        const double mean = static_cast<double>(link.jitter_us);
        delay += static_cast<uint64_t>(std::min(-std::log(1 - prng_.unit()), 10.0) * mean);
    }
    if (link.deviation_us > 0) {
        const double radius = std::sqrt(-2 * std::log(1 - prng_.unit()));
        const double angle = 2 * std::numbers::pi * prng_.unit();
        const double off = radius * std::cos(angle) * static_cast<double>(link.deviation_us);
        delay = static_cast<uint64_t>(std::max(0.0, static_cast<double>(delay) + off));
    }
    if (link.burst_chance > 0 && prng_.chance(link.burst_chance)) {
        delay += link.burst_us;
        coverage_.hit(Sometimes::kBurst);
    }
    if (delay > 50'000) coverage_.hit(Sometimes::kLongDelay);
    return delay;
}

void Network::mark_dirty(uint64_t pipe, uint32_t side) {
    End& end = find(pipe)->ends[side];
    if (end.dirty) return;
    end.dirty = true;
    hosts_[end.host].dirty.emplace_back(pipe, side);
}

void Network::flush(uint32_t host) {
    std::vector<std::pair<uint64_t, uint32_t>>& dirty = hosts_[host].dirty;
    for (size_t i = 0; i < dirty.size(); ++i) {
        const auto [pipe, side] = dirty[i];
        if (Pipe* found = find(pipe)) {
            found->ends[side].dirty = false;
            pump(pipe, side);
        }
    }
    dirty.clear();
}

// Sends what the window allows, in pieces.
void Network::pump(uint64_t pipe, uint32_t side) {
    Pipe& both = *find(pipe);
    End& end = both.ends[side];
    Stream& out = both.streams[side];
    const LinkOptions& link = link_of(both);
    const uint64_t unread = out.sent - out.base;
    const uint64_t room = link.window_bytes > unread ? link.window_bytes - unread : 0;
    const uint64_t size = std::min(out.written - out.sent, room);
    if (size < out.written - out.sent) coverage_.hit(Sometimes::kWindowFull);
    uint64_t at = out.sent;
    const uint64_t to = out.sent + size;
    uint64_t pieces = link.pieces_max > 1 && size > 1 ? 1 + prng_.below(link.pieces_max) : 1;
    if (pieces > 1) coverage_.hit(Sometimes::kCutWrite);
    while (at < to) {
        uint64_t length = to - at;
        if (pieces > 1 && length > 1) {
            if (prng_.chance(link.single_byte_chance)) {
                length = 1;
                coverage_.hit(Sometimes::kSingleByte);
            } else {
                length = 1 + prng_.below(length);
            }
        }
        at += length;
        --pieces;
        if (pieces == 0) at = to;
        launch(pipe, side, at, false);
    }
    if (out.fin_asked && !out.fin_sent && out.sent == out.written) {
        out.fin_sent = true;
        launch(pipe, side, out.sent, true);
    }
    const uint64_t queued = out.written - out.sent;
    if (end.handle) end.handle->queue_is(queued);
    if (out.above_mark && queued < net::kSendLowMark) {
        out.above_mark = false;
        world_.send(world_.now_us(), address_, kWritable, tag_of(pipe, side));
    }
    if (queued > send_limit_ && !end.overflow && end.open) {
        end.overflow = true;
        world_.send(world_.now_us(), address_, kOverflow, tag_of(pipe, side));
    }
}

// What has not been sent never will be.
void Network::drop_queued(uint64_t pipe, uint32_t side) {
    Pipe& both = *find(pipe);
    Stream& out = both.streams[side];
    host_of(both, side).queued_bytes -= out.written - out.sent;
    out.written = out.sent;
    if (SimConnection* handle = both.ends[side].handle) handle->queue_is(0);
    out.bytes.resize(out.head + static_cast<size_t>(out.sent - out.base));
}

// One piece goes on its way: it reaches stream offset `end`.
void Network::launch(uint64_t pipe, uint32_t side, uint64_t end, bool fin) {
    Pipe& both = *find(pipe);
    Stream& out = both.streams[side];
    const LinkOptions& link = link_of(both);
    const double size = static_cast<double>(end - out.sent);
    host_of(both, side).queued_bytes -= end - out.sent;
    out.sent = end;
    const bool lost = out.dropped;
    const bool stuck =
        held_until(both.ends[0].host, side == 0) == kNever || !hosts_[both.ends[1 - side].host].up;
    if ((lost || stuck) && user_timeout_us_ > 0 && !out.give_up_asked) {
        out.give_up_asked = true;
        world_.send(world_.now_us() + user_timeout_us_, address_, kGiveUp, tag_of(pipe, side));
    }
    if (lost) return;
    out.link_free_us = std::max(out.link_free_us, world_.now_us()) +
                       static_cast<uint64_t>(size / link.bytes_per_us);
    const uint64_t at = std::max(out.link_free_us + delay_us(link), out.last_at_us);
    out.last_at_us = at;
    out.flight.push_back({end, at, fin});
    world_.send(at, address_, kArrive, tag_of(pipe, side));
}

// ---- receiving ---------------------------------------------------------------------------------

void Network::arrive(uint64_t pipe, uint32_t from_side) {
    Pipe& both = *find(pipe);
    Stream& in = both.streams[from_side];
    const uint64_t now = world_.now_us();
    if (in.flight.empty() || in.dropped) return;
    const uint64_t held = held_until(both.ends[0].host, from_side == 0);
    if (held > now) {
        // Sent again and again until it gets through, a while after the way is free.
        if (held != kNever && !in.retry_asked) {
            in.retry_asked = true;
            world_.send(held + prng_.below(200'000), address_, kArrive, tag_of(pipe, from_side));
        }
        return;
    }
    in.retry_asked = false;
    while (!in.flight.empty() && in.flight.front().at_us <= now) {
        in.arrived = in.flight.front().end;
        in.fin_arrived |= in.flight.front().fin;
        in.flight.pop_front();
    }
    End& end = both.ends[1 - from_side];
    if (!hosts_[end.host].up) return;
    if (!end.open || !is_alive(end)) {
        // Nobody reads here any more, and the sender is told so.
        if (in.arrived > in.base) {
            bytes_read(pipe, from_side, static_cast<size_t>(in.arrived - in.base));
            send_reset(pipe, from_side);
        }
        perhaps_over_.push_back(pipe);
        return;
    }
    hosts_[end.host].loop->turn([&] { read(pipe, 1 - from_side); });
}

// Hands over what has arrived. Inside a turn of the host. The role may close or destroy its
// connection in any of its events.
void Network::read(uint64_t pipe, uint32_t side) {
    Pipe& both = *find(pipe);  // pipes are freed between events only
    End& end = both.ends[side];
    Stream& in = both.streams[1 - side];
    Host& host = hosts_[end.host];
    while (end.open && end.events) {
        if (end.paused) return;
        if (host.stalled_until_us > world_.now_us()) {
            if (!end.resume_asked) {
                end.resume_asked = true;
                world_.send(host.stalled_until_us, address_, kResume, tag_of(pipe, side));
            }
            return;
        }
        if (end.placed) {
            const size_t size = static_cast<size_t>(
                std::min<uint64_t>(in.arrived - in.base, end.placed_size - end.placed_filled));
            if (size > 0) {
                std::memcpy(end.placed + end.placed_filled, in.bytes.data() + in.head, size);
                world_.mix(hash64({end.placed + end.placed_filled, size}));
                end.placed_filled += size;
                bytes_read(pipe, 1 - side, size);
            }
            if (end.placed_filled < end.placed_size) break;
            wire::Frame frame = end.placed_frame;
            frame.data = {end.placed, end.placed_size};
            end.placed = nullptr;
            coverage_.hit(Sometimes::kPlacedData);
            deliver(pipe, side, frame);
            continue;
        }
        if (end.filled > end.parsed && split(pipe, side)) continue;
        if (!end.open || end.placed) continue;
        if (in.arrived == in.base) break;
        make_room(end);
        const size_t size = static_cast<size_t>(
            std::min<uint64_t>(in.arrived - in.base, end.block.capacity() - end.filled));
        std::memcpy(end.block.data() + end.filled, in.bytes.data() + in.head, size);
        world_.mix(hash64({end.block.data() + end.filled, size}));
        end.filled += size;
        bytes_read(pipe, 1 - side, size);
    }
    if (end.open && in.fin_arrived && in.base == in.arrived) {
        // Inside this turn: lose() opens none of its own here.
        end.open = false;
        end_gone(pipe, side);
        if (end.events) {
            end.events->on_closed(*end.handle, Status::kDisconnected,
                                  "the other side closed the connection");
        }
    }
}

// Splits one frame off the block. True: something was done, look again.
bool Network::split(uint64_t pipe, uint32_t side) {
    Pipe& both = *find(pipe);
    End& end = both.ends[side];
    const std::span<const uint8_t> rest{end.block.data() + end.parsed, end.filled - end.parsed};
    const wire::FrameParse parse = wire::parse_frame(rest, end.limits);
    switch (parse.kind) {
        case wire::FrameParse::Kind::kFrame: {
            end.parsed += parse.size;
            end.need = 0;
            end.place_asked = false;
            wire::Frame frame = parse.frame;
            // Both kinds of receivers: those that are short of blocks, and those that are not.
            end.memory = {&end.block, (pipe & 1) == 0};
            frame.memory = &end.memory;
            deliver(pipe, side, frame);
            return true;
        }
        case wire::FrameParse::Kind::kBroken:
            both.streams[side].fin_asked = true;
            mark_dirty(pipe, side);
            end.open = false;
            end_gone(pipe, side);
            end.events->on_closed(*end.handle, Status::kProtocol, parse.why);
            return true;
        case wire::FrameParse::Kind::kNeedMore:
            break;
    }
    coverage_.hit(Sometimes::kSplitFrame);
    end.need = parse.size;
    const size_t data_size = parse.data_offset == 0 ? 0 : parse.size - parse.data_offset;
    if (data_size < place_threshold_ || end.place_asked || !parse.frame.envelope.empty() ||
        !parse.frame.params.empty()) {
        return false;
    }
    end.place_asked = true;
    uint8_t* target =
        end.events->place_data(*end.handle, parse.frame.message, parse.frame.id, data_size);
    if (!target || !end.open) return false;
    end.placed = target;
    end.placed_size = data_size;
    end.placed_filled = rest.size() - parse.data_offset;
    std::memcpy(target, rest.data() + parse.data_offset, end.placed_filled);
    end.placed_frame = parse.frame;
    end.placed_frame.envelope = end.placed_frame.params = {};
    end.memory = {&end.block};
    end.placed_frame.memory = &end.memory;
    end.parsed = end.filled;
    end.place_asked = false;
    return false;
}

// Makes room in the block behind what has not been split yet.
void Network::make_room(End& end) {
    const size_t rest = end.filled - end.parsed;
    if (end.parsed == end.filled && end.block.valid() && end.block.is_unique()) {
        end.parsed = end.filled = 0;
    }
    const size_t room = end.block.capacity() - end.filled;
    if (end.block.valid() && room > 0 && end.parsed + end.need <= end.block.capacity()) return;
    Buffer larger = Buffer::allocate(std::max(kBlockSize, end.need));
    if (rest > 0) std::memcpy(larger.data(), end.block.data() + end.parsed, rest);
    end.block = std::move(larger);
    end.parsed = 0;
    end.filled = rest;
}

void Network::deliver(uint64_t pipe, uint32_t side, const wire::Frame& frame) {
    End& end = find(pipe)->ends[side];
    if (observer_) observer_->on_delivered(pipe, end.host, frame);
    hand_over(pipe, side, frame);
    end.last_words_us = end.words_since_us;
    end.words_since_us = end.filled > end.parsed ? world_.now_us() : 0;
}

// The receiver has taken bytes: the sender's window opens, after the way back.
void Network::bytes_read(uint64_t pipe, uint32_t from_side, size_t size) {
    Pipe& both = *find(pipe);
    Stream& in = both.streams[from_side];
    in.base += size;
    in.head += size;
    End& end = both.ends[1 - from_side];
    end.bytes_in += size;
    if (end.words_since_us == 0) end.words_since_us = world_.now_us();
    if (in.head == in.bytes.size()) {
        in.bytes.clear();
        in.head = 0;
    } else if (in.head > 64 * 1024 && in.head * 2 > in.bytes.size()) {
        in.bytes.erase(in.bytes.begin(), in.bytes.begin() + static_cast<ptrdiff_t>(in.head));
        in.head = 0;
    }
    if (in.written > in.sent && !in.window_asked) {
        in.window_asked = true;
        world_.send(world_.now_us() + link_of(both).latency_us, address_, kWindow,
                    tag_of(pipe, from_side));
    }
}

}  // namespace p2c2r::sim
