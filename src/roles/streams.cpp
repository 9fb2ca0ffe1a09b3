#include "roles/streams.h"

#include <algorithm>

#include "core/hash.h"
#include "core/plant.h"

namespace p2c2r::roles {

namespace {

// R14 of the reliability goals: never hold much more than has really arrived.
constexpr uint64_t kGrowth = 4;

}  // namespace

// ---- OutStreams --------------------------------------------------------------------------------

void OutStreams::send_chunks(net::Connection& connection, wire::Message message, uint8_t flags,
                             uint64_t id, std::span<const uint8_t> envelope, const Bytes& params,
                             const Bytes& data) {
    open(message, flags, id, envelope);
    const size_t total = params.size() + data.size();
    for (size_t at = 0; at < total;) {
        const size_t end = std::min(total, at + kOwnChunkSize);
        Chunk chunk;
        if (at < params.size()) {
            chunk.params = params.slice(at, std::min(end, params.size()) - at);
        }
        if (end > params.size()) {
            const size_t from = std::max(at, params.size()) - params.size();
            chunk.data = data.slice(from, end - params.size() - from);
        }
        append(id, std::move(chunk), end == total);
        at = end;
    }
    pump(connection);
}

OutStreams::Stream* OutStreams::find(uint64_t id) {
    for (auto& stream : streams_) {
        if (stream->id == id) return stream.get();
    }
    return nullptr;
}

void OutStreams::open(wire::Message message, uint8_t flags, uint64_t id,
                      std::span<const uint8_t> envelope) {
    drop(id);
    auto stream = std::make_unique<Stream>();
    stream->message = message;
    stream->flags = flags & static_cast<uint8_t>(~wire::kFlagMore);
    stream->id = id;
    stream->envelope.assign(envelope.begin(), envelope.end());
    streams_.push_back(std::move(stream));
}

void OutStreams::append(uint64_t id, Chunk&& chunk, bool last) {
    Stream* stream = find(id);
    if (!stream || stream->complete) return;
    // It may wait here for longer than its owner has promised.
    for (Bytes* part : {&chunk.params, &chunk.data}) {
        if (part->is_borrowed()) *part = part->owned();
    }
    const uint64_t size = chunk.size();
    stream->chunks.push_back(std::move(chunk));
    count_more(*stream, size);
    stream->complete = last;
}

void OutStreams::close_at(size_t position) {
    const Stream& stream = *streams_[position];
    for (const Chunk& chunk : stream.chunks) count_less(stream, chunk.size());
    streams_.erase(streams_.begin() + static_cast<ptrdiff_t>(position));
    if (turn_ > position) --turn_;
}

bool OutStreams::drop_waiting(uint64_t id) {
    ends_.erase(id);
    for (size_t i = 0; i < streams_.size(); ++i) {
        if (streams_[i]->id == id) {
            const bool unheard = !streams_[i]->started;
            close_at(i);
            return unheard;
        }
    }
    return false;
}

void OutStreams::clear() {
    while (!streams_.empty()) close_at(streams_.size() - 1);
    ends_ = {};
}

uint64_t OutStreams::unsent(uint64_t id, uint64_t end, const net::Connection& connection) {
    const uint64_t taken = connection.bytes_out() + connection.queued_bytes();
    const uint64_t unsent = connection.unsent_bytes();
    if (const Stream* stream = find(id)) {
        uint64_t waiting = 0;
        for (const Chunk& chunk : stream->chunks) waiting += chunk.size();
        return waiting + (stream->started ? unsent : 0);
    }
    if (const uint64_t* known = ends_.find(id)) end = *known;
    const uint64_t got = taken - std::min(taken, unsent);
    return end - std::min(end, got);
}

void OutStreams::pump(net::Connection& connection) {
    size_t idle = 0;  // streams in a row that had nothing to send
    while (!streams_.empty() && idle < streams_.size() &&
           (connection.queued_bytes() < net::kSendHighMark || P2C2R_PLANT("stream_overfed"))) {
        if (turn_ >= streams_.size()) turn_ = 0;
        Stream& stream = *streams_[turn_];
        if (stream.chunks.empty()) {
            ++idle;
            ++turn_;
            continue;
        }
        idle = 0;
        const Chunk chunk = std::move(stream.chunks.front());
        stream.chunks.pop_front();
        count_less(stream, chunk.size());
        const bool last = stream.complete && stream.chunks.empty();
        const uint8_t more = last ? 0 : wire::kFlagMore;
        if (!stream.started) {
            stream.started = true;
            connection.send(stream.message, static_cast<uint8_t>(stream.flags | more), stream.id,
                            stream.envelope, chunk.params, chunk.data);
        } else {
            connection.send(stream.message, more, stream.id, {}, chunk.params, chunk.data);
        }
        if (last) {
            if (remembers_ends_ && stream.message == wire::Message::kTaskSubmit) {
                ends_[stream.id] = connection.bytes_out() + connection.queued_bytes();
            }
            close_at(turn_);
        } else {
            ++turn_;
        }
    }
}

// ---- Assembler ---------------------------------------------------------------------------------

Assembler::State Assembler::take_first(const wire::Frame& frame,
                                       const std::optional<wire::PayloadSizes>& sizes,
                                       Payload& whole) {
    placed_ = 0;
    open_.erase(frame.id);
    if (!(frame.flags & wire::kFlagMore)) {
        whole.params = hold_or_borrow(frame, frame.params);
        whole.data = hold_or_borrow(frame, frame.data);
        return State::kWhole;
    }
    if (frame.id == 0) return broken("a payload in chunks without an id");
    if (!sizes) return broken("a payload in chunks without its sizes");
    if (sizes->params_size > limits::kPayloadSizeMax ||
        sizes->data_size > limits::kPayloadSizeMax - sizes->params_size) {
        return broken("a payload of more than 64 MiB");
    }
    if (open_.size() >= limits::kTasksPerGamerMax) return broken("too many open streams");
    auto assembly = std::make_unique<Assembly>();
    assembly->params.size = sizes->params_size;
    assembly->data.size = sizes->data_size;
    Assembly& added = *assembly;
    open_[frame.id] = std::move(assembly);
    return add(added, frame, whole);
}

Assembler::State Assembler::next(const wire::Frame& frame, Payload& whole) {
    placed_ = 0;
    std::unique_ptr<Assembly>* found = open_.find(frame.id);
    if (!found) return State::kIgnored;
    return add(**found, frame, whole);
}

void Assembler::drop_open(uint64_t id) {
    std::unique_ptr<Assembly>* found = open_.find(id);
    if (!found) return;
    if (id == placed_) parked_ = std::move(*found);
    open_.erase(id);
}

void Assembler::clear() {
    open_.clear();
    parked_.reset();
    placed_ = 0;
}

bool Assembler::room(Part& part, size_t more) {
    if (more > part.size - part.received) return false;
    const uint64_t need = part.received + more;
    if (need <= part.buffer.capacity()) return true;
    const uint64_t capacity = std::min(part.size, need * kGrowth);
    Buffer larger = Buffer::allocate(static_cast<size_t>(capacity), hook_);
    if (part.received > 0) std::memcpy(larger.data(), part.buffer.data(), part.received);
    part.buffer = std::move(larger);
    return true;
}

uint8_t* Assembler::place(uint64_t id, size_t size) {
    std::unique_ptr<Assembly>* found = open_.find(id);
    if (!found) return nullptr;
    Part& part = (*found)->data;
    if ((*found)->params.received != (*found)->params.size || !room(part, size)) return nullptr;
    placed_ = id;
    return part.buffer.data() + part.received;
}

Assembler::State Assembler::add(Assembly& assembly, const wire::Frame& frame, Payload& whole) {
    const auto take = [&](Part& part, std::span<const uint8_t> bytes) {
        if (bytes.empty()) return true;
        if (!room(part, bytes.size())) return false;
        uint8_t* target = part.buffer.data() + part.received;
        if (target != bytes.data()) std::memcpy(target, bytes.data(), bytes.size());
        part.received += bytes.size();
        return true;
    };
    const bool fits = take(assembly.params, frame.params) &&
                      (frame.data.empty() || assembly.params.received == assembly.params.size) &&
                      take(assembly.data, frame.data);
    const bool complete = assembly.params.received == assembly.params.size &&
                          assembly.data.received == assembly.data.size;
    const bool last = !(frame.flags & wire::kFlagMore);
    if (!fits || (last && !complete)) {
        open_.erase(frame.id);
        return broken(fits ? "a payload that ends before its announced size"
                           : "a payload of more than its announced size");
    }
    if (!last) return State::kMore;
    const auto freeze = [](Part& part) {
        return part.size == 0 ? Bytes() : std::move(part.buffer).freeze(part.size);
    };
    whole.params = freeze(assembly.params);
    whole.data = freeze(assembly.data);
    open_.erase(frame.id);
    return State::kWhole;
}

uint64_t payload_checksum(const Bytes& params, const Bytes& data) {
    return hash64(params.span(), data.span());
}

SmallHolds::Hold* SmallHolds::find(wire::FrameMemory& memory, const uint8_t* block) {
    Hold* unused = nullptr;
    for (const auto& hold : holds_) {
        if (hold->users == 0) {
            unused = hold.get();
        } else if (hold->block.data() == block) {
            return hold.get();
        }
    }
    if (!unused) {
        holds_.push_back(std::make_unique<Hold>());
        unused = holds_.back().get();
    }
    unused->block = memory.hold({block, memory.block->capacity()});
    return unused;
}

}  // namespace p2c2r::roles
