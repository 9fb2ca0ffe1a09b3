// A stream whose bytes are encrypted: between the socket and the reader and queue that it has in
// any case.
#include <algorithm>
#include <new>

#include "net/uv_stream.h"

namespace p2c2r::net {

namespace {

constexpr size_t kPiecesPerRecord = 64;
constexpr size_t kKeepBlockFrom = 16 * 1024;  // less is copied, and holds no block

}  // namespace

std::string Stream::peer_identity() const {
    return tls_ ? tls_->peer_pin() : std::string();
}

std::string Stream::channel_binding() const {
    // Also when the other side has said meanwhile that nothing follows: what it said before counts.
    return tls_ ? tls_->channel_binding() : std::string();
}

bool StreamTable::may_meet_caller() {
    if (const uint64_t turn = loop_.turn_us(); turn != callers_turn_us_) {
        callers_turn_us_ = turn;
        callers_left_ = kCallersPerTurn;
    }
    return callers_left_-- > 0;
}

// Throws std::bad_alloc.
void Stream::meet_caller() {
    tls_ = TlsSession::create(called_with_, {});
    if (!tls_) throw std::bad_alloc();
    called_with_.reset();
}

// What was fed to the session: all of it, as far as anybody still wants it.
void Stream::read_sealed() {
    std::vector<uint8_t>& answers = table_.sealing_->answers;
    answers.clear();
    const bool shook = shakes_hands();
    bool answered = false;
    const bool had_partial = tls_->partial_size() > 0;
    const uint64_t opened_before = tls_->records_opened();
    while (state_ == State::kOpen && events_) {
        IoPiece pieces[2];
        const size_t count = reader_.prepare(pieces);
        const size_t size = tls_->read({pieces, count}, answers);
        if (!answers.empty()) {
            answered = true;
            keep_unsent(answers.data(), answers.size());
            table_.mark_dirty(*this);
            answers.clear();
        }
        if (size == 0) break;
        take(size);
        if (tls_->is_done()) break;
    }
    if (tls_->partial_size() > 0 && (!had_partial || tls_->records_opened() != opened_before)) {
        record_since_us_ = table_.loop_.now_us();
    }
    if (shook && (answered || !shakes_hands())) words_ended();
    if (state_ != State::kOpen || !events_) return;
    if (shook && !shakes_hands() && !queue_.empty()) table_.mark_dirty(*this);
    if (tls_->state() == TlsSession::State::kFailed) {
        fail(tls_->failure(), tls_->failure_text());
    } else if (tls_->state() == TlsSession::State::kEnded) {
        fail(Status::kDisconnected, "closed by the other side");
    }
}

// Up to kAtOnce of the queue as records, each as full as the queue allows.
void Stream::seal() {
    StreamTable::Sealing& sealing = *table_.sealing_;
    sealing.sealed_size = 0;
    if (!sealing.sealed && !sealing.spare.empty()) {
        sealing.sealed = std::move(sealing.spare.back());
        sealing.spare.pop_back();
    }
    if (!sealing.sealed) {
        sealing.spare.reserve(StreamTable::Sealing::kSpareMax);
        sealing.sealed.reset(new uint8_t[StreamTable::Sealing::kSealedSize]);
    }
    while (!queue_.empty() && sealing.sealed_size < StreamTable::Sealing::kAtOnce) {
        IoPiece* const pieces = table_.pieces_.get();
        const SendQueue::Gathered offer = queue_.gather(pieces, kPiecesPerRecord);
        size_t count = 0;
        size_t size = 0;
        while (count < offer.count && size < TlsSession::kRecordSize) {
            IoPiece& piece = pieces[count++];
            piece.size = std::min(piece.size, TlsSession::kRecordSize - size);
            size += piece.size;
        }
        const size_t sealed =
            tls_->write({pieces, count}, sealing.sealed.get() + sealing.sealed_size);
        if (sealed == 0) return fail_in_turn(tls_->failure(), tls_->failure_text());
        sealing.sealed_size += sealed;
        queue_.consume(size);
    }
}

void Stream::write_sealed() {
    if (!tls_) return;
    while (send_unsent() && !queue_.empty() && !shakes_hands()) {
        seal();
        if (failed_ != Status::kOk || !send_sealed()) return;
    }
}

// What was just sealed. False when the system would not take all of it: the rest is kept.
bool Stream::send_sealed() {
    StreamTable::Sealing& sealing = *table_.sealing_;
    const IoPiece piece{sealing.sealed.get(), sealing.sealed_size};
    const IoResult result = net::send(socket_, &piece, 1);
    const bool gone = result.kind == IoResult::Kind::kFailed;
    // Kept first: a failure is told in is_sent().
    if (!gone && result.size < piece.size) {
        if (piece.size - result.size >= kKeepBlockFrom) {
            block_ = std::move(sealing.sealed);
            block_first_ = result.size;
            block_last_ = piece.size;
        } else {
            keep_unsent(piece.data + result.size, piece.size - result.size);
        }
    }
    return is_sent(result, piece.size);
}

void Stream::keep_unsent(const uint8_t* from, size_t size) {
    unsent_.insert(unsent_.end(), from, from + size);
}

// False when something is left.
bool Stream::send_unsent() {
    if (unsent_left() == 0) return true;
    if (block_ && !send_unsent_block()) return false;
    if (unsent_.empty()) return true;
    const IoPiece piece{unsent_.data() + unsent_first_, unsent_.size() - unsent_first_};
    const IoResult result = net::send(socket_, &piece, 1);
    if (result.kind == IoResult::Kind::kDone) unsent_first_ += result.size;
    if (unsent_first_ == unsent_.size()) {
        unsent_ = {};
        unsent_first_ = 0;
    }
    return is_sent(result, piece.size);
}

bool Stream::send_unsent_block() {
    const IoPiece piece{block_.get() + block_first_, block_last_ - block_first_};
    const IoResult result = net::send(socket_, &piece, 1);
    if (result.kind == IoResult::Kind::kDone) block_first_ += result.size;
    if (block_first_ == block_last_) give_block_back();
    return is_sent(result, piece.size);
}

void Stream::give_block_back() noexcept {
    if (!block_) return;
    block_first_ = block_last_ = 0;
    std::vector<StreamTable::Sealing::Block>& spare = table_.sealing_->spare;
    if (spare.size() < StreamTable::Sealing::kSpareMax) {
        spare.push_back(std::move(block_));  // there is room for it
    } else {
        block_.reset();
    }
}

// Nothing follows; said if there is room for it.
void Stream::end_sealed() noexcept {
    uint8_t last[TlsSession::kEndSize];
    const IoPiece piece{last, tls_->end(last)};
    if (piece.size == 0) return;
    const IoResult result = net::send(socket_, &piece, 1);
    if (result.kind == IoResult::Kind::kDone) bytes_out_ += result.size;
}

}  // namespace p2c2r::net
