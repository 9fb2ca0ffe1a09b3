#include "net/uv_stream.h"

#include <algorithm>
#include <new>
#include <utility>

namespace p2c2r::net {

namespace {

constexpr size_t kDiscardMax = 1024 * 1024;  // read from somebody who was told goodbye
constexpr int kReadsPerTurn = 8;             // while each brings all it can of small frames
constexpr int kLastReadsMax = 16;            // after a failed write

// A record of TLS: a caller's first one, or with what a TLS server answers to words that are none.
bool begins_like_tls(const IoPiece& piece, size_t size) {
    constexpr uint8_t kAlert = 0x15;
    constexpr uint8_t kHandshake = 0x16;
    constexpr uint8_t kVersion = 0x03;
    const uint8_t* const at = piece.data;
    const bool is_known = size < 2 || piece.size < 2 || at[1] == kVersion;
    return is_known && (at[0] == kAlert || at[0] == kHandshake);
}

}  // namespace

Stream::Stream(StreamTable& table, Socket socket, const Address& peer)
    : table_(table),
      socket_(std::move(socket)),
      reader_(table.blocks_),
      queue_(table.pool_),
      peer_(peer) {}

void Stream::set_events(ConnectionEvents* events) {
    if (state_ != State::kOpen) return;
    events_ = events;
    update_watch();
}

void Stream::update_watch() {
    const bool reads = state_ == State::kOpen ? events_ && !paused_ : state_ == State::kDraining;
    watch_.want(reads, blocked_);
}

void Stream::pause_reading(bool paused) {
    paused_ = paused;
    update_watch();
}

PartialFrame Stream::partial_frame() const {
    PartialFrame partial;
    partial.size = reader_.partial_size();
    if (partial.size > 0) {
        partial.received = reader_.partial_received();
        partial.since_us = partial_since_us_;
    } else if (tls_) {
        partial.size = tls_->partial_size();
        partial.received = tls_->partial_received();
        partial.since_us = record_since_us_;
    }
    return partial;
}

// ---- what the socket brings
// ----------------------------------------------------------------------

void Stream::on_ready(bool readable, bool writable) noexcept {
    if (writable && blocked_) {
        blocked_ = false;
        flush();
    }
    for (int i = 0; readable && i < kReadsPerTurn && is_reading() && read(); ++i) {
        if (!reader_.wants_more()) break;
    }
    if (readable && state_ == State::kDraining) discard();
    if (state_ != State::kClosed) update_watch();
}

// False when nothing came.
bool Stream::read() noexcept {
    try {
        if (is_encrypted()) {
            // What it said stays in the socket until the next turn.
            if (!tls_ && !table_.may_meet_caller()) return false;
            StreamTable::Sealing& sealing = *table_.sealing_;
            const IoPiece piece{sealing.arrived, sizeof sealing.arrived};
            const IoResult result = receive(socket_, &piece, 1);
            if (!is_received(result)) return false;
            if (!tls_) meet_caller();
            tls_->feed({sealing.arrived, result.size});
            read_sealed();
            tls_->feed({});
            return true;
        }
        IoPiece pieces[2];
        const size_t count = reader_.prepare(pieces);
        const IoResult result = receive(socket_, pieces, count);
        const bool is_first = bytes_in_ == 0;
        if (!is_received(result)) return false;
        if (is_first && begins_like_tls(pieces[0], result.size)) {
            fail(Status::kUnsupported, "the other side speaks TLS, and this one does not");
            return false;
        }
        take(result.size);
        return true;
    } catch (const std::bad_alloc&) {
        fail(Status::kMemory, "memory is short for what came over this connection");
    } catch (...) {
        fail(Status::kInternal, "an internal error while a frame was handled");
    }
    return false;
}

bool Stream::is_received(const IoResult& result) noexcept {
    switch (result.kind) {
        case IoResult::Kind::kDone:
            bytes_in_ += result.size;
            if (words_since_us_ == 0) words_since_us_ = table_.loop_.turn_us();
            return true;
        case IoResult::Kind::kAgain:
            return false;
        case IoResult::Kind::kEnd:
            fail(Status::kDisconnected, reader_.partial_size() > 0
                                            ? "closed by the other side inside a frame"
                                            : "closed by the other side");
            return false;
        case IoResult::Kind::kFailed:
            break;
    }
    fail(Status::kDisconnected, system_error_text(result.error).text);
    return false;
}

// `size` bytes are where the reader wanted them.
void Stream::take(size_t size) {
    const bool had_partial = reader_.partial_size() > 0;
    const uint64_t frames_before = frames_in_;
    if (const char* why = reader_.received(size, limits_, *this)) {
        fail(Status::kProtocol, why);
    } else if (reader_.partial_size() > 0 && (!had_partial || frames_in_ != frames_before)) {
        partial_since_us_ = table_.loop_.now_us();
    }
    if (frames_in_ != frames_before) words_ended();
}

// What is here beyond them is the beginning of the next ones.
void Stream::words_ended() {
    if (words_since_us_ != 0) last_words_us_ = words_since_us_;
    const bool goes_on = reader_.partial_size() > 0 || (tls_ && tls_->partial_size() > 0);
    words_since_us_ = goes_on ? table_.loop_.turn_us() : 0;
}

bool Stream::take_frame(const wire::Frame& frame) {
    ++frames_in_;
    events_->on_frame(*connection_, frame);
    return state_ == State::kOpen && events_;
}

uint8_t* Stream::place_data(wire::Message message, uint64_t id, size_t size) {
    return events_->place_data(*connection_, message, id, size);
}

void Stream::discard() noexcept {
    // The bytes go where the next real ones will overwrite them.
    try {
        const ReadBlocks::Space space = table_.blocks_.space();
        const IoPiece piece{space.block->buffer.data() + space.offset, space.size};
        const IoResult result = receive(socket_, &piece, 1);
        if (result.kind == IoResult::Kind::kAgain) return;
        discarded_ += result.size;
        if (result.kind == IoResult::Kind::kDone && discarded_ < kDiscardMax) return;
    } catch (const std::bad_alloc&) {
        // It is given up then.
    }
    finish();
}

// ---- sending
// -------------------------------------------------------------------------------------

template <class Append>
void Stream::queue_frame(const Append& append) {
    if ((state_ != State::kOpen && state_ != State::kEnding) || failed_ != Status::kOk) return;
    try {
        append();
    } catch (const std::bad_alloc&) {
        // A frame may be cut in the queue now, so nothing can be sent any more.
        return fail_in_turn(Status::kMemory, "memory is short for what is to be sent");
    }
    if (!dirty_) table_.mark_dirty(*this);
    if (queue_.size() >= kSendHighMark) {
        was_high_ = true;
        if (queue_.size() > kSendLimit) {
            fail_in_turn(Status::kLimit, "the other side is more than 128 MiB behind");
        }
    }
}

void Stream::send(wire::Message message, uint8_t flags, uint64_t id,
                  std::span<const uint8_t> envelope, const Bytes& params, const Bytes& data) {
    if (params.size() < kCopyBelow && data.size() < kCopyBelow) {
        return send_copy(message, flags, id, envelope, params.span(), data.span());
    }
    queue_frame([&] { queue_.append(message, flags, id, envelope, params, data); });
}

void Stream::send_copy(wire::Message message, uint8_t flags, uint64_t id,
                       std::span<const uint8_t> envelope, std::span<const uint8_t> params,
                       std::span<const uint8_t> data) {
    queue_frame([&] { queue_.append_copy(message, flags, id, envelope, params, data); });
}

// The caller is inside send() and may be in the middle of anything, so it is told at the turn's
// end.
void Stream::fail_in_turn(Status status, const char* why) {
    queue_.clear();
    failed_ = status;
    failed_why_ = why;
    table_.mark_dirty(*this);
}

void Stream::flush() noexcept {
    if (failed_ != Status::kOk && state_ == State::kOpen) return fail(failed_, failed_why_);
    if (has_to_send() && !blocked_) write();
    if (state_ == State::kLingering && queue_.empty() && unsent_left() == 0) {
        if (tls_) end_sealed();
        shut_down_sending(socket_);
        state_ = State::kDraining;
    }
    if (state_ != State::kClosed) update_watch();
    if (connection_) connection_->queue_is(state_ == State::kOpen ? queued_bytes() : 0);
}

void Stream::write() noexcept {
    const size_t before = queue_.size();
    if (is_encrypted()) {
        try {
            write_sealed();
        } catch (const std::bad_alloc&) {
            queue_.clear();
            return fail(Status::kMemory, "memory is short for what is to be sent");
        }
    }
    while (!is_encrypted() && !queue_.empty()) {
        const SendQueue::Gathered offer = queue_.gather(table_.pieces_.get(), kIoPiecesMax);
        const IoResult result = net::send(socket_, table_.pieces_.get(), offer.count);
        const bool all = is_sent(result, offer.size);
        if (result.kind == IoResult::Kind::kDone) queue_.consume(result.size);
        if (!all) break;
    }
    if (state_ != State::kClosed) sent_more(before);
}

// False when the system has not taken all that it was offered, or will take nothing any more.
bool Stream::is_sent(const IoResult& result, size_t offered) noexcept {
    if (result.kind == IoResult::Kind::kDone) {
        bytes_out_ += result.size;
        blocked_ = result.size < offered;
        return !blocked_;
    }
    if (result.kind == IoResult::Kind::kAgain) {
        blocked_ = true;
        return false;
    }
    queue_.clear();
    was_high_ = false;
    if (state_ != State::kOpen) {
        finish();
        return false;
    }
    // What the other side said before it went is still heard.
    for (int i = 0; i < kLastReadsMax && is_reading() && read(); ++i) {
    }
    if (state_ == State::kOpen) fail(Status::kDisconnected, system_error_text(result.error).text);
    return false;
}

void Stream::sent_more(size_t before) noexcept {
    if (!was_high_ || queue_.size() >= kSendLowMark || queue_.size() == before) return;
    was_high_ = false;
    if (notified_ || state_ != State::kOpen) return;
    try {
        table_.writable_.push_back(this);
        notified_ = true;
    } catch (const std::bad_alloc&) {
        fail(Status::kMemory, "memory is short");
    }
}

void Stream::notify_writable() noexcept {
    notified_ = false;
    if (state_ != State::kOpen || !events_) return;
    try {
        events_->on_writable(*connection_);
    } catch (const std::bad_alloc&) {
        fail(Status::kMemory, "memory is short");
    } catch (...) {
        fail(Status::kInternal, "an internal error while more was to be sent");
    }
}

// ---- the end
// -------------------------------------------------------------------------------------

void Stream::fail(Status status, const char* why) noexcept {
    if (state_ != State::kOpen) {
        if (state_ != State::kEnding && state_ != State::kClosed) finish();
        return;
    }
    const bool can_send =
        (status == Status::kProtocol || status == Status::kMemory || status == Status::kInternal ||
         status == Status::kAuth || status == Status::kUnsupported) &&
        failed_ == Status::kOk;
    state_ = State::kEnding;
    reader_.reset();
    if (!can_send) queue_.clear();
    ConnectionEvents* events = std::exchange(events_, nullptr);
    if (events && connection_) {
        try {
            std::string text;
            try {
                text = why;
            } catch (const std::bad_alloc&) {
                // The status says enough.
            }
            events->on_closed(*connection_, status, text);
        } catch (...) {
            // It was the last event: there is nobody left to tell.
        }
    }
    state_ = State::kOpen;
    can_send ? close() : finish();
}

void Stream::close() {
    if (state_ == State::kEnding) return;  // fail() goes on when the event returns
    if (state_ != State::kOpen) return;
    events_ = nullptr;
    reader_.reset();
    // Without a handshake nothing can be said but what the handshake itself has to say.
    if (is_encrypted() && (!tls_ || tls_->state() != TlsSession::State::kOpen)) queue_.clear();
    if (failed_ != Status::kOk) return finish();
    state_ = State::kLingering;
    table_.begin_linger(*this);
    update_watch();
}

void Stream::connection_gone() {
    connection_ = nullptr;
    if (state_ == State::kClosed) {
        table_.bury(*this, table_.open_);
    } else {
        close();
    }
}

// Closes the socket.
void Stream::finish() noexcept {
    if (state_ == State::kClosed) return;
    const bool lingered = state_ == State::kLingering || state_ == State::kDraining;
    state_ = State::kClosed;
    events_ = nullptr;
    blocked_ = false;
    watch_.close();
    socket_.close();
    reader_.reset();
    queue_.clear();
    give_block_back();
    if (notified_) {
        std::replace(table_.writable_.begin(), table_.writable_.end(), this,
                     static_cast<Stream*>(nullptr));
        notified_ = false;
    }
    StreamTable::List& list = lingered ? table_.lingering_ : table_.open_;
    if (connection_) {
        if (lingered) table_.open_.splice(table_.open_.end(), list, self_);
    } else {
        table_.bury(*this, list);
    }
}

}  // namespace p2c2r::net
