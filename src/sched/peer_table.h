// PeerTable: the connected peers, what each can run, how fast it has been, and who would finish a
// task of some type first.
//
// Choosing is O(log n): per task type two heaps hold the peers that could take a task. Peers with a
// free slot are ordered by learned time plus link; peers whose slots are all busy, but whose window
// is not full, by the time their backlog should be worked off, plus the same. Neither order changes
// while time passes, so only peers that got or ended a task are moved, once before the next choice.
//
// Circles: all peers that take invited work share these heaps, whoever asks. A task of circle own
// looks at its owner's machines alone, which have heaps of their own (own_circles.h); an invited
// one looks there too where some of these keep to their circle.
//
// Data: a task of a content is done last where that has to be brought first. The heaps know nothing
// of it, so those that have it are looked at beside the first of these, wherever they stand.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/chunks.h"
#include "core/plant.h"
#include "core/slot_map.h"
#include "model/task.h"
#include "sched/content_store.h"
#include "sched/indexed_heap.h"
#include "sched/own_circles.h"
#include "sched/risk.h"
#include "sched/size_curve.h"

namespace p2c2r::sched {

// What has been learned of one task type on one peer. Times in microseconds.
struct Learned {
    TypeIndex type = kNoType;
    uint32_t samples = 0;
    double compute_us = 0;    // in the executor, moving average
    double round_us = 0;      // assign to result, moving average
    double deviation_us = 0;  // of round_us
    uint32_t timeouts = 0;    // in a row; doubles the timeout
    bool has_unit = false;
    double unit = 0;    // where has_unit: see SizeCurve
    double excess = 1;  // the mean of times, over the one of their logarithms
    // Its place in the heap of peers with a free slot; below 0: not there.
    double placed_us = -1;
    PeerHeaps* own = nullptr;  // of its owner's circle, where that keeps some for the type
};

// An attempt the coordinator has given up but the peer has not yet answered for: it still holds its
// slot there.
struct Abandoned {
    uint64_t attempt_id = 0;
    Nonce nonce{};
    uint64_t bytes = 0;
    double estimate_us = 0;
    uint64_t placed_us = 0;
    // Counts for nothing if it turns out that it had not begun: see scheduler_steal.cpp.
    bool taken_back = false;
};

// What a peer's saying nothing means while it has work: see gap_estimate.h.
enum class Silence : uint8_t { kHeard, kSuspect, kDead };

// Where the data of a task lies that is a content, as seen from a peer.
enum class Residence : uint8_t {
    kNone,     // its data is none
    kThere,    // the peer has it
    kComing,   // it is on its way there
    kLacking,  // it has to be brought
};

struct PeerRecord {
    uint64_t id = 0;  // the table's, while it is there
    std::string peer_id;
    OwnerIndex owner = kNoOwner;        // whose machine it is
    Circle accepts = Circle::kInvited;  // kOwn: no tasks but its owner's
    uint32_t own_place = 0;             // in its owner's circle
    uint32_t slots = 1;
    uint32_t window_tasks = 1;
    uint64_t window_bytes = 0;
    uint32_t held = 0;         // attempts assigned and not answered, abandoned ones included
    uint32_t overfull_at = 0;  // while that is more than its slots: its place among such
    uint64_t held_bytes = 0;
    double backlog_us = 0;  // estimated compute time of what is held
    double link_us = 0;     // round trip without compute and waiting, smallest seen, drifting up
    // Of large inputs and contents, waiting included, moving average; 0: not known.
    double bytes_per_us = 0;
    uint64_t content_bytes = UINT64_MAX;  // larger contents it does not keep
    // In a row: each doubles what it seems to take. After a while they are forgiven, and it gets
    // one task (more only when nobody else has room) to show what that was worth: an answer, and
    // all is as before, or a longer while.
    uint32_t failures = 0;
    uint64_t failed_us = 0;  // the last of them
    Risk risk;
    // As it says itself, 1 being any one machine's; 0: not known. It tells only what a first task
    // of a type there would take: after an answer that is known better.
    double speed = 0;
    uint64_t forgive_us = 0;  // so long after the first; 0: as long as the first time
    uint64_t forgive_at_us = 0;
    bool is_on_trial = false;
    bool is_listed = false;  // among those that have failed
    std::vector<Learned> learned;
    std::vector<uint64_t> leases;  // scheduler's tasks that run here
    std::vector<Abandoned> abandoned;
    uint64_t joined_us = 0;
    uint64_t changed_us = 0;  // the last time something of it changed that decides its place
    bool is_touched = false;  // its place is old
    Silence silence = Silence::kHeard;
    uint8_t deaths = 0;          // by silence, since it last answered anything
    uint64_t died_us = 0;        // the last of them, until it has answered
    bool unread = false;         // nobody listens to it now
    uint64_t read_since_us = 0;  // since then somebody does, if not always
    // For utilisation. Attempts that are held share the slots evenly, so what one of them has had
    // is the difference between two values of share_us, and all of them together never more than
    // there was.
    uint64_t accounted_us = 0;
    double share_us = 0;          // slot time of each attempt held, since the peer joined
    double accepted_slot_us = 0;  // of tasks that ended accepted
    uint64_t completed = 0;
    uint64_t failed = 0;

    [[nodiscard]] bool is_limited() const { return accepts == Circle::kOwn; }
    // Is it inside the circle of a task that may go this far?
    [[nodiscard]] bool is_within(const Reach& reach) const {
        if (owner != kNoOwner && owner == reach.owner) return true;
        return reach.circle != Circle::kOwn && !is_limited();
    }
    [[nodiscard]] bool has_room(uint64_t bytes) const {
        const uint32_t planted = P2C2R_PLANT("window_ignored") ? 1 : 0;
        return held < window_tasks + planted && (held == 0 || held_bytes + bytes <= window_bytes);
    }
    [[nodiscard]] bool takes(uint64_t bytes) const {
        return has_room(bytes) && silence == Silence::kHeard;
    }
    // Takes tasks, now or when it has room.
    [[nodiscard]] bool serves() const { return window_tasks > 0 && silence != Silence::kDead; }
};

class PeerTable {
  public:
    // `contents` NULL: no task has one; else it MUST outlive the table.
    explicit PeerTable(uint32_t peers_max, const ContentStore* contents = nullptr)
        : peers_(peers_max), contents_(contents) {}

    // 0 when the table is full. `types` are the types it runs.
    uint64_t join(PeerRecord&& record, const std::vector<TypeIndex>& types, uint64_t now_us);
    void leave(uint64_t peer, uint64_t now_us);
    [[nodiscard]] PeerRecord* find(uint64_t peer) { return peers_.find(peer); }
    [[nodiscard]] size_t size() const { return peers_.size(); }
    // Peers that take tasks of this type and reach, now or when they have room: not the paused.
    [[nodiscard]] uint32_t serving(TypeIndex type, const Reach& reach) const;
    // Does any peer run it, paused ones included?
    [[nodiscard]] bool has_type(TypeIndex type) const {
        return type < types_.size() && types_[type].peers > 0;
    }
    // Nobody runs it, and its number gets another name: what was learned of it is of no use.
    void forget_type(TypeIndex type) noexcept {
        if (type >= types_.size()) return;
        PerType& all = types_[type];
        all.compute_us = all.round_us = all.work_us = all.cold_us = 0;
        all.samples = all.cold_samples = 0;
        all.curve = {};
        all.has_unit = false;
    }
    // Connected machines of this owner, and those of them that take no tasks but its own.
    [[nodiscard]] uint32_t machines_of(OwnerIndex owner) const;
    [[nodiscard]] bool has_limited(OwnerIndex owner) const {
        if (circles_.limited() == 0) return false;
        const OwnCircle* circle = circles_.find(owner);
        return circle && circle->limited > 0;
    }

    struct Choice {
        uint64_t peer = 0;
        uint64_t finish_us = 0;  // predicted, absolute
        bool free_slot = false;
        bool is_safer = false;  // another one would be done sooner, but less surely in time
        Residence data = Residence::kNone;
        float chance = 1;         // to be back in time
        uint32_t considered = 0;  // peers that could have taken it
        uint32_t data_us = 0;     // until its data is there
    };
    struct Wish {
        TypeIndex type = kNoType;
        uint64_t bytes = 0;
        Reach reach = {};
        uint64_t deadline_us = UINT64_MAX;
        const uint64_t* excluded = nullptr;  // peers
        size_t excluded_count = 0;
        uint64_t content = 0;  // a live entry of the store; 0: its data is none
    };
    // Among those within reach that can take it now and are not excluded: whoever is predicted to
    // finish first, with what its data takes to get there, as long as that is all but certain to be
    // in time; else of the best few the one with the best chance, and of equal chances the first.
    // Peer 0 when there is none.
    Choice choose(const Wish& wish, uint64_t now_us);
    // When a task that were given to this peer now would be back, and by how much such predictions
    // are off.
    struct Forecast {
        uint64_t finish_us = 0;  // absolute
        double spread_us = 0;
        [[nodiscard]] double chance(uint64_t deadline_us) const;
        // Whatever the spread means exactly.
        [[nodiscard]] bool is_safe(uint64_t deadline_us) const {
            return finish_us <= deadline_us &&
                   4 * spread_us <= static_cast<double>(deadline_us - finish_us);
        }
    };
    // `data_us`: it cannot begin before, whatever else is there to do.
    [[nodiscard]] Forecast forecast(const PeerRecord& record, TypeIndex type, uint64_t bytes,
                                    uint64_t now_us, uint32_t data_us = 0) const;
    struct DataWay {
        Residence data = Residence::kNone;
        uint32_t us = 0;
    };
    // What this content still takes to be there; 0: there is none.
    [[nodiscard]] DataWay data_way(const PeerRecord& record, uint64_t content,
                                   uint64_t now_us) const;
    // The same of a task of usual size, sooner told.
    [[nodiscard]] uint64_t finish_us(const PeerRecord& record, TypeIndex type,
                                     uint64_t now_us) const;

    // What a content of so many bytes takes that the peer asks for.
    [[nodiscard]] static uint32_t way_us(const PeerRecord& record, uint64_t bytes);
    // One took so long.
    static void content_came(PeerRecord& peer, uint64_t bytes, double took_us) {
        learn_rate(peer, bytes, took_us);
    }

    // A task was given to, or answered by, a peer.
    void held_more(PeerRecord& peer, uint64_t bytes, double estimate_us, uint64_t now_us);
    void held_less(PeerRecord& peer, uint64_t bytes, double estimate_us, uint64_t now_us);
    // A successful answer: held_less and learn in one.
    void answered(PeerRecord& peer, TypeIndex type, uint64_t bytes, double estimate_us,
                  uint64_t compute_us, uint64_t round_us, uint64_t now_us);
    // An attempt there has taken so long that another peer's answer was first.
    void outrun(uint64_t peer, TypeIndex type, uint64_t had_us, uint64_t now_us);
    void set_silence(uint64_t peer, Silence silence, uint64_t now_us);
    // The speed a peer states anew; brought into bounds, as in join().
    void set_speed(uint64_t peer, double speed, uint64_t now_us);
    // The window a peer states anew (0: takes nothing for now).
    void set_window(uint64_t peer, uint32_t window_tasks, uint64_t now_us);
    // It has failed at a task, or handed one back although it takes some.
    void failed(uint64_t peer, uint64_t now_us);
    // It has kept a task for so long, and has not answered.
    void kept_too_long(uint64_t peer, uint64_t had_us, uint64_t now_us);
    // Forgives those whose time it is.
    void forgive(uint64_t now_us);
    // One successful answer: `round_us` from assign to result, `compute_us` as the peer says.
    void learn(uint64_t peer, TypeIndex type, uint64_t bytes, uint64_t compute_us,
               uint64_t round_us, uint64_t now_us);

    // In its executor, an input of so many bytes.
    [[nodiscard]] double estimate_us(const PeerRecord& record, TypeIndex type,
                                     uint64_t bytes) const;
    // Over all peers; 0: nobody has answered a task of this type yet.
    [[nodiscard]] double mean_compute_us(TypeIndex type) const {
        return type < types_.size() ? types_[type].compute_us : 0;
    }
    // From the moment a peer is given such a task to its answer.
    [[nodiscard]] double mean_round_us(TypeIndex type) const {
        return type < types_.size() ? types_[type].round_us : 0;
    }
    // How long to wait for an answer before another peer is tried, once all `bytes` of the input
    // are on their way.
    [[nodiscard]] uint64_t timeout_us(const PeerRecord& record, TypeIndex type, uint64_t bytes,
                                      uint64_t start_value_us) const;
    Learned* learned(PeerRecord& record, TypeIndex type);
    // Nineteen of twenty tasks of this type are back by then, if it is given one now; 0: nobody
    // knows.
    [[nodiscard]] double late_us(const PeerRecord& record, TypeIndex type, double ahead_us) const;
    // At least half of the slots of those that take tasks have none.
    [[nodiscard]] bool is_half_idle() const { return 2 * slots_busy_ <= slots_; }

    // A slot of somebody is idle while somebody holds more than its slots: these.
    [[nodiscard]] bool is_lopsided() const { return !overfull_.empty() && slots_busy_ < slots_; }
    [[nodiscard]] const std::vector<uint64_t>& overfull() const { return overfull_; }

    // Slot time since the beginning: connected, and with a task held that ended accepted.
    void slot_time(uint64_t now_us, double& connected_us, double& accepted_us);

    template <class F>
    void for_each(F&& f) {
        peers_.for_each(std::forward<F>(f));
    }

  private:
    struct PerType {
        PeerHeaps shared;       // peers that take invited work
        uint32_t serving = 0;   // of these, those whose window is not 0
        uint32_t peers = 0;     // all that run it
        double compute_us = 0;  // over all peers, for one that has no sample yet
        double round_us = 0;    // over all peers, what waits there before it included
        uint32_t samples = 0;
        uint32_t cold_samples = 0;
        double cold_us = 0;  // how much longer a peer's first one takes
        double work_us = 0;  // on a machine of speed 1; 0: nobody with a known speed has answered
        SizeCurve curve;
        double unit = 0;  // over all peers, where has_unit
        bool has_unit = false;
    };
    struct Search;  // of choose()
    // Inputs that say something about the link's rate.
    static constexpr uint64_t kBytesTelling = 64 * 1024;
    // A mean and what answers are away from it on average tell when nineteen of twenty are back, if
    // they spread evenly to both sides.
    static constexpr double kLateDeviations = 2;

    [[nodiscard]] double estimate_us(const PeerRecord& record, const Learned& learned,
                                     uint64_t bytes) const;
    [[nodiscard]] double usual_us(const PeerRecord& record, const Learned& learned) const;
    [[nodiscard]] double own_us(const PeerRecord& record, const Learned& learned) const;
    [[nodiscard]] double fate(const PeerRecord& record, double us) const;
    void list_failing(uint64_t peer, uint64_t at_us);
    // Its place in the heaps is mended when somebody is chosen: most change several times before.
    void touch(PeerRecord& record, uint64_t now_us) {
        record.changed_us = now_us;
        if (record.is_touched) return;
        record.is_touched = true;
        touched_.push_back(record.id);  // join() has made room
    }
    void settle();
    void place(PeerRecord& record);
    PeerHeaps& own_heaps(OwnCircle& circle, TypeIndex type);
    // Where own tasks of this reach look, and invited ones beside the shared heaps; NULL: nowhere.
    OwnCircle* own_circle(TypeIndex type, const Reach& reach);
    void count_serving(const PeerRecord& record, int32_t change);
    void let_go(PeerRecord& record, uint64_t bytes, double estimate_us, uint64_t now_us);
    static void perhaps_cold(Learned& entry, PerType& all, double compute);
    static void learn_size(Learned& entry, PerType& all, uint64_t bytes, double compute);
    static void learn_rate(PeerRecord& record, uint64_t bytes, double took_us);
    void note(PeerRecord& record, TypeIndex type, uint64_t bytes, uint64_t compute_us,
              uint64_t round_us);
    void account(PeerRecord& record, uint64_t now_us);
    [[gnu::noinline]] void list_overfull(PeerRecord& record);
    [[gnu::noinline]] void unlist_overfull(const PeerRecord& record);

    SlotMap<PeerRecord> peers_;
    const ContentStore* contents_;
    std::vector<uint64_t> ids_;      // by slot index
    std::vector<uint64_t> touched_;  // changed since they were placed
    // Those that have failed, a heap: when they are forgiven. At most one entry each.
    std::vector<std::pair<uint64_t, uint64_t>> failing_;
    Chunks<PerType> types_;
    OwnCircles circles_;
    std::vector<uint64_t> overfull_;  // those that hold more than their slots; has room for all
    uint64_t slots_ = 0;              // of peers that take tasks
    uint64_t slots_busy_ = 0;         // of all
    double gone_connected_us_ = 0;
    double gone_accepted_us_ = 0;
};

}  // namespace p2c2r::sched
