// A stream whose bytes are encrypted: between the socket and the reader and queue that it has in
// any case.
#include <algorithm>
#include <cstring>
#include <new>

#include "net/uv_stream.h"

namespace p2c2r::net {

namespace {

constexpr size_t kPiecesPerRecord = 64;

}  // namespace

std::string Stream::peer_identity() const {
    return tls_ && tls_->state() != TlsSession::State::kHandshake ? tls_->peer_pin()
                                                                  : std::string();
}

std::string Stream::channel_binding() const {
    // Also when the other side has said meanwhile that nothing follows: what it said before counts.
    return tls_ && tls_->state() != TlsSession::State::kHandshake ? tls_->channel_binding()
                                                                  : std::string();
}

// Throws std::bad_alloc.
void Stream::meet_caller() {
    tls_ = TlsSession::create(called_with_, {});
    if (!tls_) throw std::bad_alloc();
    called_with_.reset();
}

// What was fed to the session: all of it, as far as anybody still wants it.
void Stream::read_sealed() {
    std::vector<uint8_t>& answers = table_.sealing_->sealed;
    answers.clear();
    const bool shook = shakes_hands();
    while (state_ == State::kOpen && events_) {
        IoPiece pieces[2];
        const size_t count = reader_.prepare(pieces);
        size_t size = tls_->read({pieces[0].data, pieces[0].size}, answers);
        if (count == 2 && size == pieces[0].size) {
            size += tls_->read({pieces[1].data, pieces[1].size}, answers);
        }
        if (!answers.empty()) {
            keep_unsent(answers.data(), answers.size());
            table_.mark_dirty(*this);
            answers.clear();
        }
        if (size == 0) break;
        take(size);
    }
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
    sealing.sealed.clear();
    while (!queue_.empty() && sealing.sealed.size() < StreamTable::Sealing::kAtOnce) {
        const SendQueue::Gathered offer = queue_.gather(table_.pieces_.get(), kPiecesPerRecord);
        const IoPiece& first = table_.pieces_[0];
        std::span<const uint8_t> record(first.data, std::min(first.size, sizeof sealing.record));
        if (offer.count > 1 && record.size() < sizeof sealing.record) {
            size_t size = 0;
            for (size_t i = 0; i < offer.count && size < sizeof sealing.record; ++i) {
                const IoPiece& piece = table_.pieces_[i];
                const size_t part = std::min(piece.size, sizeof sealing.record - size);
                std::memcpy(sealing.record + size, piece.data, part);
                size += part;
            }
            record = {sealing.record, size};
        }
        if (!tls_->write(record, sealing.sealed)) {
            return fail_in_turn(tls_->failure(), tls_->failure_text());
        }
        queue_.consume(record.size());
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
    std::vector<uint8_t>& sealed = table_.sealing_->sealed;
    const IoPiece piece{sealed.data(), sealed.size()};
    const IoResult result = net::send(socket_, &piece, 1);
    const bool gone = result.kind == IoResult::Kind::kFailed;
    // Kept first: a failure is told in is_sent().
    if (!gone && result.size < sealed.size()) {
        keep_unsent(sealed.data() + result.size, sealed.size() - result.size);
    }
    const size_t offered = sealed.size();
    sealed.clear();
    return is_sent(result, offered);
}

void Stream::keep_unsent(const uint8_t* from, size_t size) {
    unsent_.insert(unsent_.end(), from, from + size);
}

// False when something is left.
bool Stream::send_unsent() {
    if (unsent_left() == 0) return true;
    const IoPiece piece{unsent_.data() + unsent_first_, unsent_left()};
    const IoResult result = net::send(socket_, &piece, 1);
    if (result.kind == IoResult::Kind::kDone) unsent_first_ += result.size;
    if (unsent_left() == 0) {
        unsent_ = {};
        unsent_first_ = 0;
    }
    return is_sent(result, piece.size);
}

// Nothing follows; said if there is room for it.
void Stream::end_sealed() noexcept {
    std::vector<uint8_t>& sealed = table_.sealing_->sealed;
    sealed.clear();
    tls_->end(sealed);
    const IoPiece piece{sealed.data(), sealed.size()};
    if (!sealed.empty()) {
        const IoResult result = net::send(socket_, &piece, 1);
        if (result.kind == IoResult::Kind::kDone) bytes_out_ += result.size;
    }
    sealed.clear();
}

}  // namespace p2c2r::net
