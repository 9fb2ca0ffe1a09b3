// ContentStore: inputs that stay, by what they are: bytes under their SHA-256. A scene, a level or
// a mesh travels once and is then referred to by its digest; a coordinator and each peer have such
// a store.
//
//   gamer                     coordinator                    peer
//   content_put ────────────▶ store
//   task_submit, digest ────▶ lacks it?  ◀─ content_want     task_assign, digest
//                             has it ───────────────────────▶ lacks it? content_want, and waits
//                             content_put ──────────────────▶ store, and computes
//
// The rule that keeps it right: nobody is believed to hold a content. Whoever gets a task that
// refers to one, and lacks it, asks the side that the task came from, which holds it for as long as
// the task lives. So an entry may be evicted anywhere at any time, and a store that was lost with
// its process costs the bytes once more and nothing else.
//
// Who may use what. Knowing a digest is no right to its bytes: an entry belongs to the scopes
// (accounts) that have brought all of its bytes here themselves, and for any other scope it is not
// there. What two scopes brought is kept once. Bytes enter under the digest that their receiver
// computed, never under a stated one, so that nobody can put wrong bytes in another's place.
//
// Bounded: in bytes, for all and for each scope, so that one gamer cannot push out what the others
// use. The one used longest ago goes first; what a task uses now is pinned, and stays.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "core/bytes.h"
#include "core/crypto.h"
#include "core/flat_map.h"
#include "core/slot_map.h"
#include "sched/use_order.h"

namespace p2c2r::sched {

class ContentStore {
  public:
    using Scope = uint64_t;  // not 0
    static constexpr uint32_t kEntriesMax = 4096;
    static constexpr size_t kPeersMax = 32;  // of an entry, the latest ones

    struct Stats {
        uint64_t hits = 0;    // find() that had it
        uint64_t misses = 0;  // and that had not, or not for that scope
        uint64_t added = 0;
        uint64_t evicted = 0;
        uint64_t refused = 0;  // found no room
    };

    // What is known of a peer: that it has this content, or about when it will.
    struct Holder {
        uint64_t peer = 0;
        uint64_t there_us = 0;  // 0: it has it
        [[nodiscard]] bool has_it() const { return there_us == 0; }
    };

    // No content is larger than `bytes_max`. A scope that may have more than that has what its
    // tasks need beside that.
    ContentStore(uint64_t bytes_max, uint64_t scope_bytes_max)
        : bytes_max_(bytes_max), scope_bytes_max_(scope_bytes_max) {}

    // The entry of this content if `scope` may use it, else 0; the one used last from here on.
    uint64_t find(const Digest256& digest, Scope scope);
    // The same without a word of its use.
    [[nodiscard]] bool has(const Digest256& digest, Scope scope) const {
        const auto known = by_digest_.find(digest);
        return known != by_digest_.end() && is_of_scope(at(known->second), scope);
    }
    // Adds what has just been computed to be of this digest, and makes room for it by evicting. 0:
    // it is more than a scope may have beside what it has pinned, or does not fit beside what all
    // have pinned and is not `needed`: what tasks wait for is let in, for as long as they pin it.
    // Throws std::bad_alloc, and then nothing has been added, nor pinned.
    uint64_t add(const Digest256& digest, Bytes&& bytes, Scope scope, bool needed = false);

    // Of a live entry.
    [[nodiscard]] const Bytes& bytes(uint64_t entry) const { return at(entry).bytes; }
    [[nodiscard]] const Digest256& digest(uint64_t entry) const { return at(entry).digest; }
    // Each pin is undone by one unpin; a pinned entry stays, whatever happens to its scopes.
    void pin(uint64_t entry);
    void unpin(uint64_t entry);

    // The scope does not use it any more; of all scopes' the last one takes the bytes along.
    void drop(const Digest256& digest, Scope scope);
    void forget_scope(Scope scope);
    // Evicts unpinned ones, the one used longest ago first, until at most so many bytes are left.
    void shrink_to(uint64_t bytes_max);

    // ---- what lies where: hints for placing, at most kPeersMax of an entry. Without the memory
    // for one more there is none.
    void note_holder(uint64_t entry, uint64_t peer) noexcept { note_peer(entry, {peer, 0}); }
    // It is on its way there, and will have come about then.
    void note_coming(uint64_t entry, uint64_t peer, uint64_t there_us) noexcept {
        note_peer(entry, {peer, std::max<uint64_t>(there_us, 1)});
    }
    [[nodiscard]] std::span<const Holder> peers(uint64_t entry) const { return at(entry).peers; }

    [[nodiscard]] uint64_t bytes_held() const { return bytes_; }
    [[nodiscard]] uint64_t pinned_bytes() const { return pinned_bytes_; }
    [[nodiscard]] uint64_t bytes_of_scope(Scope scope);
    [[nodiscard]] size_t size() const { return entries_.size(); }
    [[nodiscard]] uint64_t bytes_max() const { return bytes_max_; }
    [[nodiscard]] uint64_t scope_bytes_max() const { return scope_bytes_max_; }
    [[nodiscard]] const Stats& stats() const { return stats_; }

  private:
    struct Entry {
        Digest256 digest{};
        Bytes bytes;
        uint32_t pins = 0;
        std::vector<Scope> scopes;  // sorted
        std::vector<Holder> peers;
        uint64_t newer = 0;
        uint64_t older = 0;
    };

    [[nodiscard]] const Entry& at(uint64_t entry) const;
    [[nodiscard]] Entry& at(uint64_t entry) {
        return const_cast<Entry&>(std::as_const(*this).at(entry));
    }
    [[nodiscard]] bool is_of_scope(const Entry& entry, Scope scope) const;
    void join_scope(uint64_t id, Entry& entry, Scope scope);
    uint64_t insert(const Digest256& digest, Bytes&& bytes);
    void unpin_only(uint64_t id);
    void note_peer(uint64_t id, Holder holder) noexcept;
    void leave_scope(Entry& entry, size_t position);
    void count_scope(Scope scope, uint64_t size, bool more);
    void erase(uint64_t id, Entry& entry);
    void make_scope_room(uint64_t size, Scope scope);
    void make_room(uint64_t size);

    const uint64_t bytes_max_;
    const uint64_t scope_bytes_max_;
    SlotMap<Entry> entries_{kEntriesMax};
    std::map<Digest256, uint64_t> by_digest_;
    FlatMap<uint64_t> scope_bytes_;
    UseOrder order_;
    uint64_t bytes_ = 0;
    uint64_t pinned_bytes_ = 0;
    Stats stats_;
};

}  // namespace p2c2r::sched
