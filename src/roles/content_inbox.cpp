#include "roles/content_inbox.h"

#include <algorithm>

namespace p2c2r::roles {

ContentInbox::Taken ContentInbox::take(const wire::Frame& frame, uint64_t size_max) {
    try {
        return frame.envelope.empty() ? next(frame) : first(frame, size_max);
    } catch (const std::bad_alloc&) {
        end(frame.id);
        throw;
    }
}

ContentInbox::Taken ContentInbox::first(const wire::Frame& frame, uint64_t size_max) {
    Taken taken;
    wire::ContentPut message;
    end(frame.id);  // the same id once more: what came before is dropped
    if ((why_ = decode(frame.envelope, message))) {
        taken.state = State::kBroken;
        return taken;
    }
    taken.stated = digest_of(message.digest);
    const bool more = frame.flags & wire::kFlagMore;
    if (!frame.params.empty() || (message.sizes && message.sizes->params_size > 0)) {
        why_ = "a content has no params";
        taken.state = State::kBroken;
        return taken;
    }
    if (more && !message.sizes) {
        why_ = "a payload in chunks without its sizes";
        taken.state = State::kBroken;
        return taken;
    }
    const uint64_t size = more ? message.sizes->data_size : frame.data.size();
    taken.too_large = size > size_max || size > limits::kPayloadSizeMax;
    const bool is_alone = open_.size() == 0;
    const bool is_too_much =
        more && !is_alone &&
        (open_.size() >= limits_.open_max ||
         size > limits_.bytes_max - std::min(announced_bytes_, limits_.bytes_max));
    if (taken.too_large || is_too_much) {
        taken.state = State::kRefused;
        return taken;
    }
    if (!more) {
        taken = whole(taken.stated, sha256(frame.data), Bytes::copy(frame.data));
        taken.size = size;
        return taken;
    }
    auto incoming = std::make_unique<Incoming>();
    incoming->stated = taken.stated;
    incoming->size = size;
    incoming->come = frame.data.size();
    incoming->digest.add(frame.data);
    Payload unused;
    if (assembler_.first(frame, message.sizes, unused) == Assembler::State::kBroken) {
        why_ = assembler_.why();
        taken.state = State::kBroken;
        return taken;
    }
    open_[frame.id] = std::move(incoming);
    announced_bytes_ += size;
    taken.state = State::kMore;
    taken.size = size;
    return taken;
}

ContentInbox::Taken ContentInbox::next(const wire::Frame& frame) {
    Taken taken;
    std::unique_ptr<Incoming>* found = open_.find(frame.id);
    if (!found) return taken;
    Incoming& incoming = **found;
    taken.stated = incoming.stated;
    incoming.come += frame.data.size();
    incoming.digest.add(frame.data);
    Payload payload;
    switch (assembler_.next(frame, payload)) {
        case Assembler::State::kWhole: {
            const Digest256 computed = incoming.digest.finish();
            end(frame.id);
            return whole(taken.stated, computed, std::move(payload.data));
        }
        case Assembler::State::kMore:
            taken.state = State::kMore;
            return taken;
        default:
            why_ = assembler_.why();
            end(frame.id);
            taken.state = State::kBroken;
            return taken;
    }
}

ContentInbox::Taken ContentInbox::whole(Digest256 stated, Digest256 computed, Bytes&& bytes) {
    Taken taken;
    taken.stated = stated;
    taken.state = stated == computed ? State::kWhole : State::kForged;
    if (stated == computed) taken.bytes = std::move(bytes);
    return taken;
}

void ContentInbox::end(uint64_t id) {
    assembler_.drop(id);
    std::unique_ptr<Incoming>* found = open_.find(id);
    if (!found) return;
    announced_bytes_ -= (*found)->size;
    open_.erase(id);
}

bool ContentInbox::is_coming(const Digest256& digest) {
    for (const uint64_t id : open_.sorted_keys()) {
        if ((*open_.find(id))->stated == digest) return true;
    }
    return false;
}

std::vector<Digest256> ContentInbox::refuse_slow(uint64_t bytes_least) {
    std::vector<Digest256> slow;
    for (const uint64_t id : open_.sorted_keys()) {
        Incoming& incoming = **open_.find(id);
        const uint64_t come = std::exchange(incoming.come, 0);
        if (std::exchange(incoming.is_new, false) || come >= bytes_least) continue;
        slow.push_back(incoming.stated);
        end(id);
    }
    return slow;
}

void ContentInbox::clear() {
    open_.clear();
    assembler_.clear();
    announced_bytes_ = 0;
}

}  // namespace p2c2r::roles
