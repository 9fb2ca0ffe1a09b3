#include "net/frame_reader.h"

#include <algorithm>
#include <cstring>

#include "net/send_queue.h"

namespace p2c2r::net {

namespace {

// Memory for what has only been announced grows with what has arrived over the connection: never
// more than four times that and this.
constexpr size_t kUnearned = 64 * 1024;
constexpr size_t kGrowth = 4;

size_t earned_by(uint64_t arrived) {
    return static_cast<size_t>(std::min<uint64_t>(arrived, 1u << 30) * kGrowth + kUnearned);
}

bool is_large_chunk(uint8_t flags, size_t data_size) {
    return (flags & wire::kFlagMore) && data_size >= FrameReader::kPlaceMin;
}

}  // namespace

size_t FrameReader::prepare(IoPiece (&pieces)[2]) {
    into_waiting_ = full_size_ = 0;
    size_t count = 0;
    if (waiting_ != Waiting::kNothing && waiting_ != Waiting::kCarried) {
        into_waiting_ = std::min(need_, capacity_) - have_;
        pieces[count++] = {memory_ + have_, into_waiting_};
        // What comes behind is read at once only if it is known where this frame ends.
        if (!exact_ || capacity_ < need_) return count;
    }
    space_ = blocks_.space();
    // Here the next frame's head is wanted, and little of what has to be moved with it.
    const bool goes_on = waiting_ == Waiting::kPlaced ? is_large_chunk(placed_flags_, need_)
                                                      : chunk_follows_ && is_placed_here_;
    if (goes_on || (into_waiting_ > 0 && blocks_.crowded())) space_.size = kCarryMax;
    const bool small = into_waiting_ == 0 && last_frame_size_ < kPlaceMin;
    if (small) space_.size = std::min(space_.size, kSmallRead);
    uint8_t* start = space_.block->buffer.data() + space_.offset;
    size_t skip = 0;
    if (waiting_ == Waiting::kCarried) {
        skip = have_;
        std::memcpy(start, carry_.get(), skip);
    }
    pieces[count++] = {start + skip, space_.size - skip};
    full_size_ = small ? space_.size - skip : 0;
    return count;
}

const char* FrameReader::received(size_t size, const wire::FrameLimits& limits, FrameSink& sink) {
    bytes_received_ += size;
    wants_more_ = size == full_size_;
    if (into_waiting_ > 0) {
        const size_t into = std::min(size, into_waiting_);
        have_ += into;
        size -= into;
        if (into < into_waiting_) return nullptr;
        if (const char* why = finish_waiting(limits, sink)) return why;
        if (size == 0 || !sink.wants_frames()) return nullptr;
    }
    if (waiting_ == Waiting::kCarried) {
        size += have_;
        reset();
    }
    return parse_space(size, limits, sink);
}

// Whole frames at the beginning of space_, then the rest.
const char* FrameReader::parse_space(size_t size, const wire::FrameLimits& limits,
                                     FrameSink& sink) {
    wire::FrameMemory memory{&space_.block->buffer, blocks_.roomy()};
    const uint8_t* at = memory.block->data() + space_.offset;
    const uint8_t* const end = at + size;
    blocks_.used_until(space_.offset + size);
    wire::Frame small;
    small.memory = &memory;
    while (at < end) {
        const std::span<const uint8_t> rest(at, static_cast<size_t>(end - at));
        if (const size_t frame_size = wire::parse_small_frame(rest, limits, small)) {
            at += frame_size;
            last_frame_size_ = frame_size;
            chunk_follows_ = is_large_chunk(small.flags, small.data.size());
            small.next_id = wire::peek_id(rest.subspan(frame_size));
            if (!sink.take_frame(small)) break;
            continue;
        }
        wire::FrameParse parse = wire::parse_frame(rest, limits);
        if (parse.kind == wire::FrameParse::Kind::kBroken) return parse.why;
        if (parse.kind == wire::FrameParse::Kind::kNeedMore) {
            keep(at, static_cast<size_t>(end - at), parse, sink);
            break;
        }
        at += parse.size;
        last_frame_size_ = parse.size;
        chunk_follows_ = is_large_chunk(parse.frame.flags, parse.frame.data.size());
        parse.frame.memory = &memory;
        if (!sink.take_frame(parse.frame)) break;
    }
    // What nobody has kept is read into again at once, while it is in the cache.
    if (!memory.held && waiting_ != Waiting::kInPlace) blocks_.used_until(space_.offset);
    return nullptr;
}

// The waiting frame has got all that was asked for by the last prepare().
const char* FrameReader::finish_waiting(const wire::FrameLimits& limits, FrameSink& sink) {
    if (waiting_ == Waiting::kPlaced) {
        wire::Frame frame;
        frame.message = placed_message_;
        frame.flags = placed_flags_;
        frame.id = placed_id_;
        frame.data = {memory_, have_};
        reset();
        chunk_follows_ = is_large_chunk(frame.flags, frame.data.size());
        sink.take_frame(frame);
        return nullptr;
    }
    if (have_ < need_) {
        make_own(memory_, have_, need_, data_offset_);
        return nullptr;
    }
    wire::FrameParse parse = wire::parse_frame({memory_, have_}, limits);
    if (parse.kind == wire::FrameParse::Kind::kBroken) return parse.why;
    if (parse.kind == wire::FrameParse::Kind::kNeedMore) {
        need_ = partial_size_ = parse.size;
        exact_ = parse.data_offset != 0;
        if (need_ > capacity_) make_own(memory_, have_, need_, parse.data_offset);
        return nullptr;
    }
    // The sink may reset this reader, so the frame's memory is held here meanwhile.
    struct Held {
        ReadBlocks& blocks;
        ReadBlock* pinned;
        Buffer own;
        ~Held() {
            if (pinned) blocks.unpin(*pinned);
        }
    } held{blocks_, std::exchange(pinned_, nullptr), std::move(own_)};
    reset();
    last_frame_size_ = parse.size;
    chunk_follows_ = is_large_chunk(parse.frame.flags, parse.frame.data.size());
    wire::FrameMemory memory{held.pinned ? &held.pinned->buffer : &held.own};
    parse.frame.memory = &memory;
    sink.take_frame(parse.frame);
    return nullptr;
}

// `rest` is the beginning of a frame at the end of what was read.
void FrameReader::keep(const uint8_t* rest, size_t size, const wire::FrameParse& parse,
                       FrameSink& sink) {
    const bool known = parse.data_offset != 0;
    if (known && place(rest, size, parse, sink)) return;
    if (!sink.wants_frames()) return;
    const size_t offset = static_cast<size_t>(rest - space_.block->buffer.data());
    if (known && parse.size >= kCarryMax && parse.size <= earned_by(bytes_received_) &&
        parse.size <= space_.block->buffer.capacity() - offset && blocks_.pin(*space_.block)) {
        waiting_ = Waiting::kInPlace;
        pinned_ = space_.block;
        memory_ = pinned_->buffer.data() + offset;
        have_ = size;
        need_ = capacity_ = parse.size;
        exact_ = true;
        blocks_.used_until(offset + parse.size);
    } else if (size < kCarryMax && !(known && blocks_.crowded() && parse.size >= kPlaceMin)) {
        carry_ = std::make_unique<uint8_t[]>(size);
        std::memcpy(carry_.get(), rest, size);
        if (known) count_moved(size, parse.size, parse.data_offset);
        waiting_ = Waiting::kCarried;
        have_ = size;
    } else {
        exact_ = known;
        make_own(rest, size, parse.size, parse.data_offset);
    }
    partial_size_ = parse.size;
}

// True when the receiver of a continuation frame has a place for its data, or wants nothing more.
bool FrameReader::place(const uint8_t* rest, size_t size, const wire::FrameParse& parse,
                        FrameSink& sink) {
    const size_t data_size = parse.size - parse.data_offset;
    if (data_size < kPlaceMin || !parse.frame.envelope.empty() || !parse.frame.params.empty() ||
        parse.size > earned_by(bytes_received_)) {
        return false;
    }
    uint8_t* target = sink.place_data(parse.frame.message, parse.frame.id, data_size);
    is_placed_here_ = target != nullptr;
    if (!target || !sink.wants_frames()) return false;
    const size_t here = size - parse.data_offset;
    if (here > 0) std::memcpy(target, rest + parse.data_offset, here);
    waiting_ = Waiting::kPlaced;
    placed_message_ = parse.frame.message;
    placed_flags_ = parse.frame.flags;
    placed_id_ = parse.frame.id;
    memory_ = target;
    have_ = here;
    need_ = capacity_ = data_size;
    partial_size_ = data_size;
    exact_ = true;
    return true;
}

// Moves the unfinished frame to a larger block of its own, with its data on a 64-byte boundary.
void FrameReader::make_own(const uint8_t* from, size_t have, size_t need, size_t data_offset) {
    const size_t lead = (kPayloadAlign - data_offset % kPayloadAlign) % kPayloadAlign;
    const size_t capacity = std::min(need, earned_by(have + last_frame_size_));
    if (data_offset > 0) count_moved(have, need, data_offset);
    Buffer larger = Buffer::allocate(lead + capacity, blocks_.hook());
    std::memcpy(larger.data() + lead, from, have);
    if (pinned_) blocks_.unpin(*std::exchange(pinned_, nullptr));
    own_ = std::move(larger);
    waiting_ = Waiting::kOwn;
    memory_ = own_.data() + lead;
    have_ = have;
    need_ = need;
    capacity_ = capacity;
    data_offset_ = data_offset;
}

void FrameReader::count_moved(size_t have, size_t frame_size, size_t data_offset) {
    if (frame_size - data_offset >= kCopyBelow) blocks_.payload_bytes_copied += have - data_offset;
}

void FrameReader::reset() {
    if (pinned_) blocks_.unpin(*std::exchange(pinned_, nullptr));
    carry_.reset();
    own_ = Buffer();
    waiting_ = Waiting::kNothing;
    memory_ = nullptr;
    have_ = need_ = capacity_ = partial_size_ = 0;
    exact_ = false;
}

size_t FrameReader::partial_received() const {
    return waiting_ == Waiting::kNothing ? 0 : have_;
}

}  // namespace p2c2r::net
