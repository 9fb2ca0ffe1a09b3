// The second half of a TLS connection: records in both directions, and the few messages that are
// none of the application's (RFC 8446, sections 4.6 and 6).
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "core/check.h"
#include "core/openssl.h"
#include "net/tls_session.h"

namespace p2c2r::net {

namespace {

namespace alert {
constexpr uint8_t kCloseNotify = 0;
constexpr uint8_t kUnexpectedMessage = 10;
constexpr uint8_t kBadRecordMac = 20;
constexpr uint8_t kDecodeError = 50;
constexpr uint8_t kUserCanceled = 90;
}  // namespace alert
constexpr uint8_t kFatal = 2;
constexpr uint8_t kWarning = 1;

constexpr uint8_t kNewSessionTicket = 4;
constexpr uint8_t kKeyUpdate = 24;
constexpr size_t kKeyUpdateSize = 5;

// A change of keys costs more than the bytes that ask for it.
constexpr uint32_t kUpdatesFree = 4;
constexpr uint64_t kRecordsPerUpdate = 1024;

}  // namespace

// Where the caller has room for plaintext.
struct TlsSession::Room {
    std::array<IoPiece, 2> pieces;
    size_t count = 0;
    size_t used = 0;

    explicit Room(std::span<const IoPiece> into) {
        P2C2R_CHECK(into.size() <= pieces.size());
        for (const IoPiece& piece : into) {
            if (piece.size > 0) pieces[count++] = piece;
        }
    }
    [[nodiscard]] std::span<const IoPiece> span() const { return {pieces.data(), count}; }
    [[nodiscard]] size_t left() const {
        return (count > 0 ? pieces[0].size : 0) + (count > 1 ? pieces[1].size : 0);
    }
    void take(size_t size) {
        used += size;
        while (size > 0) {
            const size_t part = std::min(size, pieces[0].size);
            pieces[0].data += part;
            pieces[0].size -= part;
            size -= part;
            if (pieces[0].size > 0) break;
            pieces[0] = pieces[1];
            --count;
        }
    }
    void copy(const uint8_t* from, size_t size) {
        while (size > 0) {
            const size_t part = std::min(size, pieces[0].size);
            std::memcpy(pieces[0].data, from, part);
            from += part;
            size -= part;
            take(part);
        }
    }
    // The first bytes of what lies there, at most `size`.
    size_t peek(uint8_t* to, size_t size) const {
        size_t done = 0;
        for (size_t i = 0; i < count && done < size; ++i) {
            const size_t part = std::min(size - done, pieces[i].size);
            std::memcpy(to + done, pieces[i].data, part);
            done += part;
        }
        return done;
    }
};

TlsSession::~TlsSession() {
    free_handshake();
}

size_t TlsSession::read(std::span<const IoPiece> into, std::vector<uint8_t>& out) {
    if (state_ == State::kHandshake) shake_hands(out);
    Room room(into);
    if (const size_t left = spilled_.size() - spilled_first_; left > 0) {
        const size_t size = std::min(left, room.left());
        room.copy(spilled_.data() + spilled_first_, size);
        spilled_first_ += size;
        if (size < left) return room.used;
        spilled_ = {};
        spilled_first_ = 0;
    }
    if (state_ != State::kOpen || arrived_.empty()) return room.used;
    while (state_ == State::kOpen) {
        const std::span<const uint8_t> record = next_record(out);
        if (record.empty()) break;
        const size_t size = record.size() - RecordKey::kOverhead;
        if (size <= room.left()) {
            open_record(record, room, out);
        } else if (room.used > 0) {
            break;  // the caller comes again, with more room
        } else {
            // More than there will ever be: what is left of it waits here.
            spilled_.resize(size);
            const IoPiece whole{spilled_.data(), size};
            Room aside({&whole, 1});
            open_record(record, aside, out);
            spilled_.resize(aside.used);
            const size_t part = std::min(aside.used, room.left());
            room.copy(spilled_.data(), part);
            spilled_first_ = part;
            used(record);
            break;
        }
        used(record);
    }
    return room.used;
}

// The next record that has come whole; empty when its rest is still to come, or it is none.
std::span<const uint8_t> TlsSession::next_record(std::vector<uint8_t>& out) {
    const auto none = [&] {
        broken(alert::kUnexpectedMessage, "what came is no TLS record", &out);
        return std::span<const uint8_t>();
    };
    if (partial_.empty()) {
        if (arrived_.size() >= RecordKey::kHeadSize) {
            const size_t size = RecordKey::sealed_size(arrived_.data());
            if (size == 0) return none();
            if (size <= arrived_.size()) return arrived_.first(size);
        }
        partial_.assign(arrived_.begin(), arrived_.end());
        arrived_ = {};
        return {};
    }
    const auto complete = [&](size_t size) {
        const size_t missing = size - std::min(size, partial_.size());
        const std::span<const uint8_t> more = arrived_.first(std::min(missing, arrived_.size()));
        partial_.insert(partial_.end(), more.begin(), more.end());
        arrived_ = arrived_.subspan(more.size());
        return partial_.size() == size;
    };
    if (partial_.size() < RecordKey::kHeadSize && !complete(RecordKey::kHeadSize)) return {};
    const size_t size = RecordKey::sealed_size(partial_.data());
    if (size == 0) return none();
    return complete(size) ? std::span<const uint8_t>(partial_) : std::span<const uint8_t>();
}

size_t TlsSession::partial_size() const {
    if (partial_.empty()) return 0;
    const bool known = partial_.size() >= RecordKey::kHeadSize;
    return known ? RecordKey::sealed_size(partial_.data()) : RecordKey::kHeadSize;
}

void TlsSession::used(std::span<const uint8_t> record) {
    if (partial_.empty()) {
        arrived_ = arrived_.subspan(record.size());
    } else {
        partial_ = {};
    }
}

void TlsSession::open_record(std::span<const uint8_t> record, Room& room,
                             std::vector<uint8_t>& out) {
    RecordType type{};
    size_t size = 0;
    if (!opens_->open(record, room.span(), type, size)) {
        return broken(alert::kBadRecordMac, "a TLS record was forged or damaged", &out);
    }
    if (type == RecordType::kData) return room.take(size);
    std::array<uint8_t, kKeyUpdateSize> content{};
    room.peek(content.data(), std::min(size, content.size()));
    if (type == RecordType::kAlert) {
        hear_alert(content.data(), size, out);
    } else if (type == RecordType::kHandshake) {
        hear_handshake(content.data(), size, out);
    } else {
        broken(alert::kUnexpectedMessage, "a TLS record of an unknown type", &out);
    }
}

void TlsSession::hear_alert(const uint8_t* content, size_t size, std::vector<uint8_t>& out) {
    if (size != 2) return broken(alert::kDecodeError, "a TLS alert that is none", &out);
    switch (content[1]) {
        case alert::kCloseNotify:
            state_ = State::kEnded;
            return;
        case alert::kUserCanceled:
            return;  // the end follows
        default:
            return broken(content[1], "the other side ended the TLS connection with an alert",
                          nullptr);
    }
}

void TlsSession::hear_handshake(const uint8_t* content, size_t size, std::vector<uint8_t>& out) {
    // Tickets are of no use here. A coordinator of this project gives none.
    if (size > 4 && content[0] == kNewSessionTicket && !context_->is_server_) return;
    const uint8_t head[4] = {kKeyUpdate, 0, 0, 1};
    if (size != kKeyUpdateSize || !std::equal(head, head + 4, content) || content[4] > 1) {
        return broken(alert::kUnexpectedMessage, "a TLS message that is not expected", &out);
    }
    const uint64_t opened = opened_before_ + opens_->records();
    if (++updates_heard_ > kUpdatesFree + opened / kRecordsPerUpdate) {
        return broken(alert::kUnexpectedMessage, "too many changes of TLS keys", &out);
    }
    opened_before_ = opened;
    opens_->update();
    if (content[4] == 1) {
        uint8_t answer[kKeyUpdateSize] = {kKeyUpdate, 0, 0, 1, 0};
        add_record(RecordType::kHandshake, answer, out);
        seals_->update();
    }
}

size_t TlsSession::write(std::span<const IoPiece> pieces, uint8_t* to) {
    if (state_ != State::kOpen && state_ != State::kEnded) return 0;
    uint8_t* at = to;
    const auto seal = [&](RecordType type, std::span<const IoPiece> content) {
        if (!seals_->seal(type, content, at)) {
            broken(0, "a TLS record could not be made", nullptr);
            return false;
        }
        at += RecordKey::kOverhead;
        for (const IoPiece& piece : content) at += piece.size;
        return true;
    };
    if (seals_->records() >= records_per_key_) {
        uint8_t update[kKeyUpdateSize] = {kKeyUpdate, 0, 0, 1, 0};
        const IoPiece piece{update, sizeof update};
        if (!seal(RecordType::kHandshake, {&piece, 1})) return 0;
        seals_->update();
    }
    if (!seal(RecordType::kData, pieces)) return 0;
    return static_cast<size_t>(at - to);
}

size_t TlsSession::end(uint8_t* to) noexcept {
    if (state_ != State::kOpen && state_ != State::kEnded) return 0;
    uint8_t content[2] = {kWarning, alert::kCloseNotify};
    const IoPiece piece{content, sizeof content};
    return seals_->seal(RecordType::kAlert, {&piece, 1}, to) ? kEndSize : 0;
}

void TlsSession::add_record(RecordType type, std::span<uint8_t> content,
                            std::vector<uint8_t>& out) {
    const size_t before = out.size();
    out.resize(before + content.size() + RecordKey::kOverhead);
    const IoPiece piece{content.data(), content.size()};
    if (!seals_->seal(type, {&piece, 1}, out.data() + before)) out.resize(before);
}

// The other side is told by an alert, where `out` is there for it.
void TlsSession::broken(uint8_t why_alert, const char* why, std::vector<uint8_t>* out) {
    if (out) {
        uint8_t content[2] = {kFatal, why_alert};
        add_record(RecordType::kAlert, content, *out);
    }
    state_ = State::kFailed;
    failure_ = Status::kProtocol;
    failure_text_ = why;
}

}  // namespace p2c2r::net
