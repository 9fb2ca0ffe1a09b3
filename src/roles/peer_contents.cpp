#include "roles/peer_contents.h"

namespace p2c2r::roles {

uint64_t PeerContents::use(const Digest256& digest, uint64_t slot, bool& must_ask) {
    must_ask = false;
    if (const uint64_t entry = store_.find(digest, kCoordinator)) {
        store_.pin(entry);
        return entry;
    }
    std::vector<uint64_t>& slots = waiting_[digest];
    slots.push_back(slot);
    must_ask = slots.size() == 1 && !inbox_.is_coming(digest);
    return 0;
}

uint64_t PeerContents::leave(const Digest256& digest, uint64_t slot) {
    const auto found = waiting_.find(digest);
    if (found == waiting_.end()) return 0;
    std::vector<uint64_t>& slots = found->second;
    const bool was_asker = !slots.empty() && slots.front() == slot;
    std::erase(slots, slot);
    if (slots.empty()) {
        waiting_.erase(found);
        return 0;
    }
    return was_asker && !inbox_.is_coming(digest) ? slots.front() : 0;
}

ContentInbox::Taken PeerContents::take(const wire::Frame& frame) {
    ContentInbox::Taken taken = inbox_.take(frame, store_.bytes_max());
    if (taken.state != ContentInbox::State::kWhole) return taken;
    const bool needed = waiting_.count(taken.stated) > 0;
    store_.add(taken.stated, Bytes(taken.bytes), kCoordinator, needed);
    return taken;
}

std::vector<uint64_t> PeerContents::take_waiting(const Digest256& digest) {
    std::vector<uint64_t> slots;
    if (const auto found = waiting_.find(digest); found != waiting_.end()) {
        slots = std::move(found->second);
        waiting_.erase(found);
    }
    return slots;
}

void PeerContents::connection_lost() {
    inbox_.clear();
    waiting_.clear();
}

}  // namespace p2c2r::roles
