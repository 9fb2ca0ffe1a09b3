#include "sched/content_store.h"

#include <algorithm>

namespace p2c2r::sched {

namespace {

// An empty content counts as one byte: scopes with nothing are not kept.
uint64_t weight_of(const Bytes& bytes) {
    return std::max<uint64_t>(bytes.size(), 1);
}

}  // namespace

const ContentStore::Entry& ContentStore::at(uint64_t entry) const {
    const Entry* found = entries_.find(entry);
    P2C2R_CHECK(found);
    return *found;
}

// ---- the order of use --------------------------------------------------------------------------

void ContentStore::link_newest(uint64_t id, Entry& entry) {
    entry.newer = 0;
    entry.older = newest_;
    if (newest_ != 0) at(newest_).newer = id;
    newest_ = id;
    if (oldest_ == 0) oldest_ = id;
}

void ContentStore::unlink(Entry& entry) {
    (entry.newer != 0 ? at(entry.newer).older : newest_) = entry.older;
    (entry.older != 0 ? at(entry.older).newer : oldest_) = entry.newer;
    entry.newer = entry.older = 0;
}

// ---- scopes ------------------------------------------------------------------------------------

void ContentStore::count_scope(Scope scope, uint64_t size, bool more) {
    uint64_t* held = scope_bytes_.find(scope);
    if (more) {
        (held ? *held : scope_bytes_[scope]) += size;
    } else if ((*held -= size) == 0) {
        scope_bytes_.erase(scope);
    }
}

uint64_t ContentStore::bytes_of_scope(Scope scope) {
    const uint64_t* held = scope_bytes_.find(scope);
    return held ? *held : 0;
}

bool ContentStore::join_scope(Entry& entry, Scope scope) {
    const auto place = std::lower_bound(entry.scopes.begin(), entry.scopes.end(), scope);
    if (place != entry.scopes.end() && *place == scope) return false;
    entry.scopes.insert(place, scope);
    return true;
}

void ContentStore::leave_scope(Entry& entry, size_t position) {
    count_scope(entry.scopes[position], weight_of(entry.bytes), false);
    entry.scopes.erase(entry.scopes.begin() + static_cast<ptrdiff_t>(position));
}

// ---- finding and adding ------------------------------------------------------------------------

uint64_t ContentStore::find(const Digest256& digest, Scope scope) {
    const auto known = by_digest_.find(digest);
    if (known != by_digest_.end()) {
        Entry& entry = at(known->second);
        if (std::binary_search(entry.scopes.begin(), entry.scopes.end(), scope)) {
            unlink(entry);
            link_newest(known->second, entry);
            ++stats_.hits;
            return known->second;
        }
    }
    ++stats_.misses;
    return 0;
}

bool ContentStore::has_room(uint64_t size, Scope) const {
    return size <= scope_bytes_max_ && pinned_bytes_ <= bytes_max_ - size;
}

uint64_t ContentStore::add(const Digest256& digest, Bytes&& bytes, Scope scope, bool needed) {
    if (const auto known = by_digest_.find(digest); known != by_digest_.end()) {
        const uint64_t id = known->second;
        if (find(digest, scope) != 0) return id;
        Entry& entry = at(id);
        if (entry.bytes.size() > scope_bytes_max_) {
            ++stats_.refused;
            return 0;
        }
        pin(id);  // making room for this scope must not take it away
        make_room(entry.bytes.size(), scope);
        scope_bytes_[scope];  // what needs memory comes first
        if (join_scope(entry, scope)) count_scope(scope, weight_of(entry.bytes), true);
        unlink(entry);
        link_newest(id, entry);
        unpin(id);
        return id;
    }
    make_room(bytes.size(), scope);
    const bool fits = needed ? bytes.size() <= scope_bytes_max_ : has_room(bytes.size(), scope);
    if (!fits) {
        ++stats_.refused;
        return 0;
    }
    const uint64_t id = entries_.insert();
    if (id == 0) {
        ++stats_.refused;
        return 0;
    }
    Entry& entry = at(id);
    try {
        entry.scopes.assign(1, scope);
        scope_bytes_[scope];
        by_digest_.emplace(digest, id);
    } catch (...) {
        entry.scopes.clear();
        entries_.erase(id);
        throw;
    }
    entry.digest = digest;
    entry.bytes = std::move(bytes);
    entry.pins = 0;
    count_scope(scope, weight_of(entry.bytes), true);
    bytes_ += entry.bytes.size();
    link_newest(id, entry);
    ++stats_.added;
    return id;
}

// ---- making room -------------------------------------------------------------------------------

void ContentStore::make_room(uint64_t size, Scope scope) {
    if (size > scope_bytes_max_) return;
    // First what this scope has too much of, so that others do not pay for it.
    uint64_t next = 0;
    for (uint64_t id = oldest_; id != 0 && bytes_of_scope(scope) > scope_bytes_max_ - size;
         id = next) {
        Entry& entry = at(id);
        next = entry.newer;
        if (entry.pins > 0) continue;
        const auto place = std::lower_bound(entry.scopes.begin(), entry.scopes.end(), scope);
        if (place == entry.scopes.end() || *place != scope) continue;
        leave_scope(entry, static_cast<size_t>(place - entry.scopes.begin()));
        if (!entry.scopes.empty()) continue;
        ++stats_.evicted;
        erase(id, entry);
    }
    shrink_to(bytes_max_ - size);  // size is at most scope_bytes_max_
    if (entries_.size() >= kEntriesMax) {
        for (uint64_t id = oldest_; id != 0; id = at(id).newer) {
            if (at(id).pins > 0) continue;
            ++stats_.evicted;
            erase(id, at(id));
            break;
        }
    }
}

void ContentStore::shrink_to(uint64_t bytes_max) {
    uint64_t next = 0;
    for (uint64_t id = oldest_; id != 0 && bytes_ > std::max(bytes_max, pinned_bytes_); id = next) {
        Entry& entry = at(id);
        next = entry.newer;
        if (entry.pins > 0) continue;
        ++stats_.evicted;
        erase(id, entry);
    }
}

void ContentStore::erase(uint64_t id, Entry& entry) {
    while (!entry.scopes.empty()) leave_scope(entry, entry.scopes.size() - 1);
    unlink(entry);
    by_digest_.erase(entry.digest);
    bytes_ -= entry.bytes.size();
    entry.bytes = Bytes();
    entry.peers.clear();
    entries_.erase(id);
}

// ---- use ---------------------------------------------------------------------------------------

void ContentStore::pin(uint64_t id) {
    Entry& entry = at(id);
    if (entry.pins++ == 0) pinned_bytes_ += entry.bytes.size();
}

void ContentStore::unpin(uint64_t id) {
    Entry& entry = at(id);
    P2C2R_CHECK(entry.pins > 0);
    if (--entry.pins > 0) return;
    pinned_bytes_ -= entry.bytes.size();
    if (entry.scopes.empty()) return erase(id, entry);
    shrink_to(bytes_max_);
}

void ContentStore::drop(const Digest256& digest, Scope scope) {
    const auto known = by_digest_.find(digest);
    if (known == by_digest_.end()) return;
    const uint64_t id = known->second;
    Entry& entry = at(id);
    const auto place = std::lower_bound(entry.scopes.begin(), entry.scopes.end(), scope);
    if (place == entry.scopes.end() || *place != scope) return;
    leave_scope(entry, static_cast<size_t>(place - entry.scopes.begin()));
    if (entry.scopes.empty() && entry.pins == 0) erase(id, entry);
}

void ContentStore::forget_scope(Scope scope) {
    uint64_t next = 0;
    for (uint64_t id = oldest_; id != 0 && bytes_of_scope(scope) > 0; id = next) {
        next = at(id).newer;
        drop(Digest256(at(id).digest), scope);
    }
}

// ---- what lies where ---------------------------------------------------------------------------

void ContentStore::note_peer(uint64_t id, uint64_t peer) {
    std::vector<uint64_t>& peers = at(id).peers;
    if (std::find(peers.begin(), peers.end(), peer) != peers.end()) return;
    if (peers.size() >= kPeersMax) peers.erase(peers.begin());
    peers.push_back(peer);
}

void ContentStore::forget_peer(uint64_t id, uint64_t peer) {
    std::erase(at(id).peers, peer);
}

}  // namespace p2c2r::sched
