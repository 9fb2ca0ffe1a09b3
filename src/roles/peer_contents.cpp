#include "roles/peer_contents.h"

namespace p2c2r::roles {

uint64_t PeerContents::use(const Digest256& digest) {
    const uint64_t entry = store_.find(digest, kCoordinator);
    if (entry != 0) store_.pin(entry);
    return entry;
}

void PeerContents::wait_for(const Digest256& digest, uint64_t slot) {
    const auto [awaited, is_new] = waiting_.try_emplace(digest);
    try {
        awaited->second.slots.push_back(slot);
        if (is_new) to_ask_.push_back(digest);
    } catch (...) {
        std::erase(awaited->second.slots, slot);
        if (is_new) waiting_.erase(awaited);
        throw;
    }
}

void PeerContents::leave(const Digest256& digest, uint64_t slot) {
    const auto found = waiting_.find(digest);
    if (found == waiting_.end()) return;
    Awaited& awaited = found->second;
    std::erase(awaited.slots, slot);
    const bool was_asker = awaited.asker == slot;
    if (was_asker) asked_no_more(awaited);
    if (awaited.slots.empty()) {
        waiting_.erase(found);
    } else if (was_asker) {
        // The coordinator answers for tasks that it has given; this one may have ended unheard.
        to_ask_.push_front(digest);
    }
}

uint64_t PeerContents::next_asker() {
    while (!to_ask_.empty() && asked_ < kAskedMax && store_.pinned_bytes() < store_.bytes_max()) {
        const auto found = waiting_.find(to_ask_.front());
        to_ask_.pop_front();
        if (found == waiting_.end() || found->second.asker != 0) continue;
        Awaited& awaited = found->second;
        awaited.asker = awaited.slots.front();
        ++asked_;
        if (!inbox_.is_coming(found->first)) return awaited.asker;
    }
    return 0;
}

ContentInbox::Taken PeerContents::take(const wire::Frame& frame) {
    ContentInbox::Taken taken = inbox_.take(frame, store_.bytes_max());
    if (taken.state != ContentInbox::State::kWhole) return taken;
    const bool needed = waiting_.count(taken.stated) > 0;
    store_.add(taken.stated, Bytes(taken.bytes), kCoordinator, needed);
    return taken;
}

void PeerContents::keep(const Bytes& data) noexcept {
    if (data.size() > std::min(limits::kOwnResultKeptMax, store_.bytes_max())) return;
    try {
        store_.add(sha256(data.span()), data.owned(), kCoordinator);
    } catch (const std::bad_alloc&) {
        // Then it is asked for when it is wanted.
    }
}

std::vector<uint64_t> PeerContents::take_waiting(const Digest256& digest) {
    std::vector<uint64_t> slots;
    if (const auto found = waiting_.find(digest); found != waiting_.end()) {
        asked_no_more(found->second);
        slots = std::move(found->second.slots);
        waiting_.erase(found);
    }
    return slots;
}

void PeerContents::connection_lost() {
    inbox_.clear();
    waiting_.clear();
    to_ask_.clear();
    asked_ = 0;
}

}  // namespace p2c2r::roles
