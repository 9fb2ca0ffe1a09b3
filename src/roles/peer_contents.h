// PeerContents: the contents that a peer keeps, those on their way, and the jobs that wait for
// them. A peer asks for what it lacks, once however many of its jobs want it.
#pragma once

#include <map>
#include <vector>

#include "roles/content_inbox.h"
#include "sched/content_store.h"

namespace p2c2r::roles {

class PeerContents {
  public:
    PeerContents(uint64_t bytes_max, const MemoryHook* hook)
        : store_(bytes_max, bytes_max), inbox_(hook) {}

    // The entry of this content, pinned until let_go(). 0: from here on the job in `slot` waits for
    // it; with `must_ask` it is the one that has to ask.
    uint64_t use(const Digest256& digest, uint64_t slot, bool& must_ask);
    void let_go(uint64_t entry) { store_.unpin(entry); }
    [[nodiscard]] const Bytes& bytes(uint64_t entry) const { return store_.bytes(entry); }
    // The job in `slot` waits no more. The slot of the job that has to ask in its place, or 0.
    uint64_t leave(const Digest256& digest, uint64_t slot);

    // The next frame of a content_put; what is whole is kept.
    ContentInbox::Taken take(const wire::Frame& frame);
    // Those that waited for it, the first one first; they wait no more.
    std::vector<uint64_t> take_waiting(const Digest256& digest);
    uint8_t* place(uint64_t id, size_t size) { return inbox_.place(id, size); }
    [[nodiscard]] const char* why() const { return inbox_.why(); }
    // What was half-way will not come any more, and nobody waits for it. What is kept stays.
    void connection_lost();

    [[nodiscard]] const sched::ContentStore& store() const { return store_; }

  private:
    static constexpr sched::ContentStore::Scope kCoordinator = 1;  // who has brought all of it

    sched::ContentStore store_;
    ContentInbox inbox_;
    std::map<Digest256, std::vector<uint64_t>> waiting_;  // slots, by what they wait for
};

}  // namespace p2c2r::roles
