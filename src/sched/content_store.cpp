#include "sched/content_store.h"

#include <algorithm>
#include <new>

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

bool ContentStore::is_of_scope(const Entry& entry, Scope scope) const {
    return std::binary_search(entry.scopes.begin(), entry.scopes.end(), scope);
}

// Throws std::bad_alloc, and then it has not joined.
void ContentStore::join_scope(uint64_t id, Entry& entry, Scope scope) {
    const bool is_new = bytes_of_scope(scope) == 0;
    scope_bytes_[scope];  // what needs memory comes first
    try {
        const auto place = std::lower_bound(entry.scopes.begin(), entry.scopes.end(), scope);
        entry.scopes.insert(place, scope);
    } catch (...) {
        if (is_new) scope_bytes_.erase(scope);
        throw;
    }
    count_scope(scope, weight_of(entry.bytes), true);
    order_.renew(entries_, id, entry);
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
        if (is_of_scope(entry, scope)) {
            order_.renew(entries_, known->second, entry);
            ++stats_.hits;
            return known->second;
        }
    }
    ++stats_.misses;
    return 0;
}

uint64_t ContentStore::add(const Digest256& digest, Bytes&& bytes, Scope scope, bool needed) {
    const auto known = by_digest_.find(digest);
    uint64_t id = known != by_digest_.end() ? known->second : 0;
    if (id != 0 && is_of_scope(at(id), scope)) return find(digest, scope);
    // Making room must not take it away.
    if (id != 0) pin(id);
    make_scope_room(bytes.size(), scope);
    if (id == 0) {
        make_room(bytes.size());
    } else {
        unpin_only(id);
    }
    const bool fits_scope = bytes.size() <= std::min(bytes_max_, scope_bytes_max_) &&
                            bytes_of_scope(scope) <= scope_bytes_max_ - bytes.size();
    const bool fits = id != 0 || needed || pinned_bytes_ + bytes.size() <= bytes_max_;
    if (fits_scope && fits) {
        if (id == 0) id = insert(digest, std::move(bytes));
        if (id != 0) {
            Entry& entry = at(id);
            try {
                join_scope(id, entry, scope);
            } catch (...) {
                if (entry.scopes.empty() && entry.pins == 0) erase(id, entry);
                throw;
            }
            return id;
        }
    }
    ++stats_.refused;
    return 0;
}

// Of no scope so far. 0: there are as many as there may be.
uint64_t ContentStore::insert(const Digest256& digest, Bytes&& bytes) {
    const uint64_t id = entries_.insert();
    if (id == 0) return 0;
    Entry& entry = at(id);
    try {
        by_digest_.emplace(digest, id);
    } catch (...) {
        entries_.erase(id);
        throw;
    }
    entry.digest = digest;
    entry.bytes = std::move(bytes);
    entry.pins = 0;
    bytes_ += entry.bytes.size();
    order_.add_newest(entries_, id, entry);
    ++stats_.added;
    return id;
}

// ---- making room -------------------------------------------------------------------------------

// What this scope has too much of goes first, so that others do not pay for it.
void ContentStore::make_scope_room(uint64_t size, Scope scope) {
    if (size > scope_bytes_max_) return;
    uint64_t next = 0;
    for (uint64_t id = order_.oldest(); id != 0 && bytes_of_scope(scope) > scope_bytes_max_ - size;
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
}

void ContentStore::make_room(uint64_t size) {
    if (size > bytes_max_) return;
    shrink_to(bytes_max_ - size);
    if (entries_.size() >= kEntriesMax) {
        for (uint64_t id = order_.oldest(); id != 0; id = at(id).newer) {
            if (at(id).pins > 0) continue;
            ++stats_.evicted;
            erase(id, at(id));
            break;
        }
    }
}

void ContentStore::shrink_to(uint64_t bytes_max) {
    uint64_t next = 0;
    for (uint64_t id = order_.oldest(); id != 0 && bytes_ > std::max(bytes_max, pinned_bytes_);
         id = next) {
        Entry& entry = at(id);
        next = entry.newer;
        if (entry.pins > 0) continue;
        ++stats_.evicted;
        erase(id, entry);
    }
}

void ContentStore::erase(uint64_t id, Entry& entry) {
    while (!entry.scopes.empty()) leave_scope(entry, entry.scopes.size() - 1);
    order_.remove(entries_, entry);
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

void ContentStore::unpin_only(uint64_t id) {
    Entry& entry = at(id);
    P2C2R_CHECK(entry.pins > 0);
    if (--entry.pins == 0) pinned_bytes_ -= entry.bytes.size();
}

void ContentStore::unpin(uint64_t id) {
    unpin_only(id);
    Entry& entry = at(id);
    if (entry.pins > 0) return;
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
    for (uint64_t id = order_.oldest(); id != 0 && bytes_of_scope(scope) > 0; id = next) {
        next = at(id).newer;
        drop(Digest256(at(id).digest), scope);
    }
}

// ---- what lies where ---------------------------------------------------------------------------

void ContentStore::note_peer(uint64_t id, Holder holder) noexcept {
    std::vector<Holder>& peers = at(id).peers;
    const auto known = std::find_if(peers.begin(), peers.end(),
                                    [&](const Holder& other) { return other.peer == holder.peer; });
    if (known != peers.end()) {
        *known = holder;
        return;
    }
    if (peers.size() >= kPeersMax) peers.erase(peers.begin());
    try {
        peers.push_back(holder);
    } catch (const std::bad_alloc&) {
        // Then it counts as one that lacks it.
    }
}

}  // namespace p2c2r::sched
