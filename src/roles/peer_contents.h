// PeerContents: the contents that a peer keeps, those on their way, and the jobs that wait for
// them. A peer asks for what it lacks, once however many of its jobs want it, for few at the same
// time, and for none while what its jobs use fills the store: so it holds little more than that.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "roles/content_inbox.h"
#include "sched/content_store.h"

namespace p2c2r::roles {

class PeerContents {
  public:
    static constexpr uint32_t kAskedMax = 4;  // at the same time

    PeerContents(uint64_t bytes_max, const MemoryHook* hook)
        : store_(bytes_max, UINT64_MAX), inbox_(kInboxLimits, hook) {}

    // The entry of this content, pinned until let_go(); 0: it is not here.
    uint64_t use(const Digest256& digest);
    void let_go(uint64_t entry) { store_.unpin(entry); }
    [[nodiscard]] const Bytes& bytes(uint64_t entry) const { return store_.bytes(entry); }

    // From here on the job in `slot` waits for it.
    void wait_for(const Digest256& digest, uint64_t slot);
    // It waits no more.
    void leave(const Digest256& digest, uint64_t slot);
    // The slot of a job that is to ask for its content now, or 0. To be called until then whenever
    // a job waits, leaves or lets go, and when a content has come.
    uint64_t next_asker();

    // The next frame of a content_put; what is whole is kept.
    ContentInbox::Taken take(const wire::Frame& frame);
    // Those that waited for it, the first one first; they wait no more.
    std::vector<uint64_t> take_waiting(const Digest256& digest);
    // The data of a result that the next task may be about: kept as if it had come from the
    // coordinator, which has it as well. Large ones are not, nor what memory is short for.
    void keep(const Bytes& data) noexcept;
    uint8_t* place(uint64_t id, size_t size) { return inbox_.place(id, size); }
    [[nodiscard]] const char* why() const { return inbox_.why(); }
    // What was half-way will not come any more, and nobody waits for it. What is kept stays.
    void connection_lost();

    [[nodiscard]] const sched::ContentStore& store() const { return store_; }

  private:
    static constexpr sched::ContentStore::Scope kCoordinator = 1;  // who has brought all of it
    // Beside those that are asked for, some may come that nobody waits for any more.
    static constexpr ContentInbox::Limits kInboxLimits{8 * kAskedMax, UINT64_MAX};
    struct Awaited {
        std::vector<uint64_t> slots;
        uint64_t asker = 0;  // one of them; 0: it has not been asked for
    };
    void asked_no_more(Awaited& awaited) {
        if (std::exchange(awaited.asker, 0) != 0) --asked_;
    }

    sched::ContentStore store_;
    ContentInbox inbox_;
    std::map<Digest256, Awaited> waiting_;
    std::deque<Digest256> to_ask_;  // in the order of waiting; some may have come meanwhile
    uint32_t asked_ = 0;
};

}  // namespace p2c2r::roles
