#include "net/send_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace p2c2r::net {

namespace {

constexpr size_t kPiecesKept = 128;  // capacity that an idle queue may keep

}  // namespace

// ---- BatchPool ---------------------------------------------------------------------------------

BatchPool::~BatchPool() {
    while (free_) delete std::exchange(free_, free_->next_free);
}

BatchChunk* BatchPool::take() {
    if (!free_) return new BatchChunk;
    BatchChunk* chunk = std::exchange(free_, free_->next_free);
    --free_count_;
    chunk->used = 0;
    return chunk;
}

void BatchPool::give(BatchChunk* chunk) {
    if (free_count_ >= kFreeMax) {
        delete chunk;
        return;
    }
    chunk->next_free = free_;
    free_ = chunk;
    ++free_count_;
}

// ---- appending ---------------------------------------------------------------------------------

uint8_t* SendQueue::new_room() {
    BatchChunk* fresh = pool_.take();
    // A chunk without a stretch is nobody's: its bytes have all been sent.
    if (open_ && open_->stretches == 0) pool_.give(open_);
    open_ = fresh;
    room_behind_ = 0;
    return open_->bytes;
}

void SendQueue::commit(size_t size) {
    if (room_behind_ < size) {
        Piece piece;
        piece.data = open_->bytes + open_->used;
        piece.chunk = open_;
        pieces_.push_back(std::move(piece));
        ++open_->stretches;
        room_behind_ = BatchChunk::kSize - open_->used;
    }
    lengthen(size);
}

void SendQueue::copy(std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
        uint8_t* target = room(1);
        const size_t size = std::min(bytes.size(), BatchChunk::kSize - open_->used);
        std::memcpy(target, bytes.data(), size);
        commit(size);
        bytes = bytes.subspan(size);
    }
}

void SendQueue::append_part(const Bytes& part) {
    if (part.size() < kCopyBelow) {
        copy(part.span());
        return;
    }
    Piece piece;
    piece.data = part.data();
    piece.size = part.size();
    piece.bytes = part;
    pieces_.push_back(std::move(piece));
    room_behind_ = 0;
    size_ += part.size();
}

void SendQueue::append_start(wire::Message message, uint8_t flags, uint64_t id,
                             std::span<const uint8_t> envelope, size_t params_size) {
    if (wire::kFrameHeadMax + envelope.size() <= BatchChunk::kSize) {
        uint8_t* target = room(wire::kFrameHeadMax + envelope.size());
        commit(wire::write_frame_start(target, message, flags, id, envelope, params_size));
        return;
    }
    // An envelope larger than a chunk: the start is written beside and copied in pieces.
    std::vector<uint8_t> start(wire::kFrameHeadMax + envelope.size());
    start.resize(wire::write_frame_start(start.data(), message, flags, id, envelope, params_size));
    copy(start);
}

void SendQueue::append_bin_header(size_t size) {
    uint8_t* target = room(5);
    commit(wire::write_bin_header(target, size));
}

size_t SendQueue::append(wire::Message message, uint8_t flags, uint64_t id,
                         std::span<const uint8_t> envelope, const Bytes& params,
                         const Bytes& data) {
    if (params.size() < kCopyBelow && data.size() < kCopyBelow) {
        return append_copy(message, flags, id, envelope, params.span(), data.span());
    }
    const size_t before = size_;
    append_start(message, flags, id, envelope, params.size());
    append_part(params);
    append_bin_header(data.size());
    append_part(data);
    return size_ - before;
}

size_t SendQueue::append_parts(wire::Message message, uint8_t flags, uint64_t id,
                               std::span<const uint8_t> envelope, std::span<const uint8_t> params,
                               std::span<const uint8_t> data) {
    const size_t before = size_;
    for (const auto& part : {params, data}) {
        if (part.size() >= kCopyBelow) pool_.payload_bytes_copied += part.size();
    }
    const size_t most = wire::kFrameHeadMax + envelope.size() + params.size() + data.size();
    if (most <= BatchChunk::kSize) {
        commit(wire::write_frame(room(most), message, flags, id, envelope, params, data));
        return size_ - before;
    }
    append_start(message, flags, id, envelope, params.size());
    copy(params);
    append_bin_header(data.size());
    copy(data);
    return size_ - before;
}

// ---- sending -----------------------------------------------------------------------------------

SendQueue::Gathered SendQueue::gather(IoPiece* pieces, size_t max) const {
    Gathered gathered;
    gathered.count = std::min(max, pieces_.size() - first_);
    for (size_t i = 0; i < gathered.count; ++i) {
        const Piece& piece = pieces_[first_ + i];
        pieces[i] = {const_cast<uint8_t*>(piece.data), piece.size};
        gathered.size += piece.size;
    }
    return gathered;
}

void SendQueue::release(Piece& piece) {
    if (piece.chunk) {
        if (--piece.chunk->stretches == 0 && piece.chunk != open_) pool_.give(piece.chunk);
        piece.chunk = nullptr;
    } else {
        piece.bytes = Bytes();
    }
}

void SendQueue::consume(size_t size) {
    P2C2R_CHECK(size <= size_);
    size_ -= size;
    while (size > 0) {
        Piece& piece = pieces_[first_];
        const size_t taken = std::min(size, piece.size);
        piece.data += taken;
        piece.size -= taken;
        size -= taken;
        if (piece.size > 0) break;
        release(piece);
        ++first_;
    }
    if (size_ == 0) {
        emptied();
    } else if (first_ > kIoPiecesMax && first_ * 2 > pieces_.size()) {
        pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<ptrdiff_t>(first_));
        first_ = 0;
    }
}

void SendQueue::emptied() {
    pieces_.clear();
    if (pieces_.capacity() > kPiecesKept) std::vector<Piece>().swap(pieces_);
    first_ = room_behind_ = 0;
    if (open_) pool_.give(std::exchange(open_, nullptr));
}

void SendQueue::clear() {
    while (first_ < pieces_.size()) release(pieces_[first_++]);
    size_ = 0;
    emptied();
}

}  // namespace p2c2r::net
