// Scheduler: the one place where a task changes state. It decides and never acts: each function
// takes an event and the time, and appends what is to be done to a list of actions, which the
// coordinator role performs. No socket, thread or clock here, so the simulator runs the real thing.
//
//             admit            place                 accepted
//   (nothing) ─────▶ Queued ─────────▶ Leased ────────────────────▶ Ended
//                      ▲  │                │ refusal, error, timeout, loss of the peer
//                      │  └──▶ Local ──▶   │
//                      └───────────────────┘   at most kAttemptsMax attempts
//
// A lease ends by result, refusal, deadline or loss of the peer, because the task's own input
// stalls while others wait (then it is Stalled until that is whole), or because the task waits at a
// peer while another one has nothing to do (scheduler_steal.cpp), and by nothing else. A task that
// is cancelled, or given up at one peer, keeps its slot at that peer until the peer has answered:
// the attempt is "abandoned".
//
// A leased task may run at two peers at the same time (scheduler_copies.cpp): the first answer
// wins, the other one is given up, and if one of the two fails the task lives on with the other.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/crypto.h"
#include "core/flat_map.h"
#include "core/slot_map.h"
#include "model/task.h"
#include "model/task_type.h"
#include "sched/content_store.h"
#include "sched/copy_credit.h"
#include "sched/deadline_wheel.h"
#include "sched/peer_table.h"
#include "sched/task_queues.h"

namespace p2c2r::sched {

struct Action {
    enum class Kind : uint8_t {
        kAssign,         // task to peer, under attempt_id and nonce
        kCancelAttempt,  // tell peer that attempt_id is not wanted any more
        kRunLocal,       // the coordinator computes the task itself
        kCancelLocal,
        kEnd,  // the task ends here with an error: status and text
    };
    Kind kind;
    Status status = Status::kOk;
    uint64_t task = 0;
    uint64_t peer = 0;
    uint64_t attempt_id = 0;  // the task id on the peer's hop
    const char* text = "";    // static
};

struct Admission {
    TypeIndex type = kNoType;
    AccountIndex account = kNoAccount;
    int8_t priority = 0;            // among the tasks of its account
    Reach reach;                    // of circle own: with an owner
    uint64_t deadline_us = 0;       // absolute
    uint64_t start_timeout_us = 0;  // of an attempt on a peer nothing is known of
    uint64_t bytes = 0;
    bool can_run_local = false;
    bool held = false;        // not placed before release()
    bool input_open = false;  // more of its input is to come: see input_complete()
};

// One attempt at a peer. Times in microseconds.
struct Attempt {
    uint64_t peer = 0;
    uint64_t attempt_id = 0;
    Nonce nonce{};
    uint64_t placed_us = 0;
    // The same, or when all of the input had come. Until then: up to when as much of it has come as
    // has to.
    uint64_t given_us = 0;
    uint64_t lease_until_us = 0;
    double share_us = 0;  // the peer's when it was given the task
    float estimate_us = 0;
    float ahead_us = 0;                // of work that the peer had before it
    uint32_t copy_after_us = 0;        // so long after it was placed a copy may be made; 0: none
    uint32_t lease_position : 28 = 0;  // in the peer's list of leases
    uint32_t is_copy : 1 = 0;          // placed beside another one
    uint32_t is_answering : 1 = 0;     // the first part of its answer has come
    uint32_t lacked_data : 1 = 0;      // its content was not there when it came
    uint32_t asked_data : 1 = 0;       // and was brought for it
};
static_assert(sizeof(Attempt) == 80);

struct TaskRecord {
    // kStalled: waits for the rest of its input, and holds no slot meanwhile.
    enum class State : uint8_t { kFree, kHeld, kQueued, kLeased, kLocal, kStalled };
    State state = State::kFree;
    int8_t priority = 0;
    uint8_t attempts = 0;
    uint8_t refusals = 0;
    uint8_t placements = 0;  // attempts and refusals: no id on a peer's hop is used twice
    uint8_t tried_count = 0;
    // Which of these it is, from 1 on, whose word against the task was not taken for the last one.
    uint8_t doubted = 0;
    bool can_run_local = false;
    bool input_open = false;
    bool asked_early = false;  // whether anybody of its circle is there: see why_nobody()
    // How the last attempt at a peer ended.
    enum class Trouble : uint8_t { kTimeout, kLost, kGivenUp, kFailed };
    Trouble trouble = Trouble::kFailed;
    bool has_copy = false;  // a second attempt runs beside `run`: see Scheduler::attempt_at()
    TypeIndex type = kNoType;
    uint8_t uncounted = 0;  // placements that were no attempts of their own
    Reach reach;            // never left, whatever happens
    uint32_t flow = 0;      // where it waits, or would
    uint32_t queue_stamp = 0;
    uint64_t deadline_us = 0;
    uint64_t admitted_us = 0;
    uint64_t start_timeout_us = 0;
    uint64_t bytes = 0;
    Attempt run;  // the last one, or the coordinator's own; of two the one that was placed first
    // Peers that have had it, those who refused it as well: the last ones of these.
    uint64_t tried[limits::kAttemptsMax] = {};
    uint64_t content = 0;  // its entry in the store, pinned; 0: the task has none
};
// Three cache lines: every event of a task touches them.
static_assert(sizeof(TaskRecord) == 176);

// What became of a peer's answer.
enum class Verdict : uint8_t {
    kAccepted,   // the task has ended with this answer: deliver it
    kRetried,    // a failed attempt; the task goes on elsewhere
    kAbandoned,  // an answer to an attempt that was given up: dropped, its slot is free again
    kUnknown,    // nothing of this peer has this id and nonce: dropped
};

struct SchedulerStats {
    uint64_t assigned = 0;
    uint64_t retries = 0;
    uint64_t timeouts = 0;   // of attempts
    uint64_t deadlines = 0;  // of tasks
    uint64_t peer_failures = 0;
    uint64_t local = 0;
    uint64_t abandoned_answers = 0;
    uint64_t stalled_inputs = 0;  // that gave their slot to others
    uint64_t unknown_answers = 0;
    uint64_t hopeless = 0;    // ended when it was their turn, as nobody could be in time
    uint64_t taken_back = 0;  // from a peer that had not begun them, for one with nothing to do
    CopyStats copies;
};

// One placement, for "why this peer".
struct Placement {
    uint64_t task = 0;
    uint64_t peer = 0;
    uint64_t at_us = 0;
    uint64_t finish_us = 0;  // predicted
    uint32_t considered = 0;
    uint32_t held = 0;  // at that peer before it
    uint8_t attempt = 0;
    bool free_slot = false;
    CopyCause copy = CopyCause::kNone;
    bool is_safer = false;  // another one would have been done sooner, but less surely in time
    float chance = 1;       // to be back in time
    uint32_t data_us = 0;   // until its data was to be there
    Residence data = Residence::kNone;
};

class Scheduler {
  public:
    // `contents` NULL: no task has one; else it MUST outlive the scheduler.
    Scheduler(uint32_t peers_max, RandomSource& random, ContentStore* contents = nullptr);

    // Copies of tasks that are late, at most so many of a hundred attempts; 0: nothing is copied
    // but what is at a peer that has fallen silent.
    void set_copies_percent(uint32_t percent) { credit_.set_percent(percent); }

    // ---- types: kTaskTypesMax have a place at a time. One that no peer runs and no task has gives
    // its place, when another name needs it.
    // kNoType: there is no place for a new name.
    TypeIndex type_index(std::string_view task_type);
    // They have their places for good. To be called before any other type is there.
    void keep_types(const std::vector<TaskType>& types);
    // The first of these names that would find no place beside the others; NULL: each does.
    [[nodiscard]] const std::string* without_place(
        const std::vector<std::string>& task_types) const;
    // How many of them some peer runs or some task has, and those that are kept.
    [[nodiscard]] size_t types_in_use() const;
    // Places that were given to another name so far.
    [[nodiscard]] uint64_t types_replaced() const { return types_replaced_; }
    [[nodiscard]] const std::string& type_name(TypeIndex type) const { return type_names_[type]; }
    [[nodiscard]] TypeIndex find_type(std::string_view task_type) const;  // kNoType: unknown
    [[nodiscard]] size_t types_count() const { return type_names_.size(); }
    [[nodiscard]] bool ever_served(TypeIndex type) const { return ever_served_[type]; }

    // ---- peers
    // 0 when the table is full.
    uint64_t peer_joined(PeerRecord&& record, const std::vector<std::string>& task_types,
                         uint64_t now_us);
    // `failed`: lost rather than left. Its tasks go back to the queue.
    void peer_left(uint64_t peer, bool failed, uint64_t now_us, std::vector<Action>& actions);
    void peer_window(uint64_t peer, uint32_t window_tasks, uint64_t now_us);
    // It has been measured since it joined.
    void peer_speed(uint64_t peer, double speed, uint64_t now_us);
    // Nobody listens to it from now on, or somebody does again: meanwhile no attempt runs out of
    // time there, and it is to blame for nothing.
    void peer_unread(uint64_t peer, bool unread, uint64_t now_us);
    // How long it has said nothing although it has work. Suspect: it gets nothing new, and what is
    // urgent there is copied. Dead: all that it has is placed elsewhere as well; the first valid
    // answer counts, its own too. Silence alone is nobody's failure.
    void peer_silent(uint64_t peer, Silence silence, uint64_t now_us, std::vector<Action>& actions);

    // ---- accounts: each gets its share of the peers, whatever it asks for
    AccountIndex open_account() { return queues_.open_account(); }
    // Its tasks are gone.
    void close_account(AccountIndex account) noexcept { queues_.close_account(account); }

    // ---- tasks
    // The new task's id, or 0 when kTasksPendingMax are pending.
    uint64_t admit(const Admission& admission, uint64_t now_us);
    // By how much such a task would come too late, at the pace at which its account's tasks leave
    // the queue, with `before` more that will come to it first; 0: it may be in time, or nobody
    // knows. Throws std::bad_alloc.
    [[nodiscard]] uint64_t late_by_us(const Admission& admission, size_t before, uint64_t now_us);
    // So many bytes more of its input have come.
    void input_continues(uint64_t task, uint64_t bytes, uint64_t now_us);
    // The last byte of its input has come: from now on the peer is waited for, not the gamer.
    // False: as of release().
    bool input_complete(uint64_t task, uint64_t now_us) noexcept;
    // This peer has begun an answer in parts, which is the one that is passed on: a second attempt
    // is given up.
    void answer_begins(uint64_t task, uint64_t peer, uint64_t now_us, std::vector<Action>& actions);
    // Some of an answer in parts has come from this peer, and may be waited for anew.
    void answer_continues(uint64_t task, uint64_t peer, uint64_t now_us);
    // Its data is this content, which the store has and somebody has pinned.
    void content_known(uint64_t task, uint64_t content);
    // A peer that it is leased to has to wait for its content first.
    void content_lacking(uint64_t task, uint64_t peer, uint64_t now_us);
    // A held task may be placed from now on. False: memory is short for its place in the queue, and
    // it stays held.
    bool release(uint64_t task, uint64_t now_us) noexcept;
    // A task that waits in a queue is held again. False: it does not wait there.
    bool hold(uint64_t task) noexcept;
    // Ends a held task that cannot go on. Throws std::bad_alloc, and then it stays as it is.
    void fail_held(uint64_t task, Status status, const char* text, std::vector<Action>& actions);
    // Gamer's wish or loss: the task is gone without a further word (no kEnd action).
    void withdraw(uint64_t task, uint64_t now_us, std::vector<Action>& actions);
    // The same of a leased one while this attempt has not left: its peer has not heard of it, nor
    // any other of one that was placed later. They are told nothing, and are free.
    void withdraw_unheard(uint64_t task, uint64_t attempt_id, uint64_t now_us,
                          std::vector<Action>& actions);
    // An answer of a peer. Ok or an error that another peer would give too: accepted.
    Verdict answered(uint64_t peer, uint64_t attempt_id, const Nonce& nonce, Status status,
                     uint64_t compute_us, uint64_t now_us, std::vector<Action>& actions);
    // The same of one that current() has just found.
    Verdict answered(uint64_t peer, uint64_t task, Status status, uint64_t compute_us,
                     uint64_t now_us, std::vector<Action>& actions) {
        return current_answered(task, *tasks_.find(task), *peers_.find(peer), status, compute_us,
                                now_us, actions);
    }
    // The first frame of an answer that comes in parts: may it be passed on? Changes nothing.
    [[nodiscard]] bool is_current(uint64_t peer, uint64_t attempt_id, const Nonce& nonce) const {
        return current(peer, attempt_id, nonce) != nullptr;
    }
    // The task of that attempt while it is running, else NULL.
    [[nodiscard]] const TaskRecord* current(uint64_t peer, uint64_t attempt_id,
                                            const Nonce& nonce) const;
    // An attempt that was given up frees its slot without an answer of its own: the last part of an
    // answer in parts has come, or (`never_heard`) the peer has never heard of the attempt.
    void answer_ended(uint64_t peer, uint64_t attempt_id, uint64_t now_us,
                      bool never_heard = false);
    // A hint: this attempt will be asked about soon. Returns its task's slot index.
    uint32_t fetch_ahead(uint64_t attempt_id) const;
    // The task of the attempt that `peer` runs under this id, or 0.
    [[nodiscard]] uint64_t task_of_attempt(uint64_t peer, uint64_t attempt_id) const;
    // Whether the task runs at that peer: its attempt there, else NULL.
    [[nodiscard]] const Attempt* attempt_at(uint64_t task, uint64_t peer) const;
    // The attempt beside `run`, or NULL.
    [[nodiscard]] const Attempt* copy_of(uint64_t task) const { return copies_.find(task); }
    // The answer that the running attempt is giving is of no use any more: the task is placed
    // again.
    void give_up(uint64_t task, uint64_t now_us, std::vector<Action>& actions);
    // A peer hands a task back that it has not started.
    Verdict refused(uint64_t peer, uint64_t attempt_id, const Nonce& nonce, uint64_t now_us,
                    std::vector<Action>& actions);
    // The coordinator's own run ended with an answer to deliver; an error there is final as well.
    void local_ended(uint64_t task);
    // Places the queued task on this peer, whatever the prediction says. kStale, kState, kTaskType,
    // kBusy, or kDenied: the peer is outside the task's circle.
    Status assign_to(uint64_t task, uint64_t peer, uint64_t now_us, std::vector<Action>& actions);

    // Places what waits as long as there is room at peers: accounts in turn, and of each the most
    // urgent first.
    void dispatch(uint64_t now_us, std::vector<Action>& actions);
    // Off: what a peer was given stays there. For comparisons (p2c2r_sim stragglers).
    void set_take_back(bool on) { takes_back_ = on; }
    // Deadlines of tasks and of attempts.
    void expire(uint64_t now_us, std::vector<Action>& actions);
    // When expire() and then dispatch() have something to do at the earliest, if nothing happens
    // after the last dispatch(); UINT64_MAX: never.
    [[nodiscard]] uint64_t next_us() const {
        return peers_.is_lopsided() ? std::min(wheel_.next_us(), look_us_) : wheel_.next_us();
    }
    // To be called now and then: forgives peers whose failures are long enough ago.
    void forgive(uint64_t now_us) { peers_.forgive(now_us); }

    // ---- looking
    [[nodiscard]] const TaskRecord* find(uint64_t task) const { return tasks_.find(task); }
    template <class Visit>
    void for_each(const Visit& visit) {
        tasks_.for_each(visit);
    }
    // The slot index that the next task is likely to get.
    [[nodiscard]] uint32_t next_slot() const { return tasks_.next_index(); }
    [[nodiscard]] size_t pending() const { return tasks_.size(); }
    [[nodiscard]] size_t queued() const;
    PeerTable& peers() { return peers_; }
    // What a task of this type has taken at the peers, on average; 0: nobody has answered one yet.
    [[nodiscard]] double mean_compute_us(TypeIndex type) const {
        return peers_.mean_compute_us(type);
    }
    [[nodiscard]] const SchedulerStats& stats() const { return stats_; }
    // The last placement of a task among the recent ones, or NULL; of a copy: the last of these.
    [[nodiscard]] const Placement* explain(uint64_t task, bool copy = false) const;

  private:
    static constexpr size_t kPlacementsKept = 1024;
    // How long a peer waits for the next bytes of an input while others wait for the slot.
    static constexpr uint64_t kInputPauseUs = 50'000;

    // Without doubles, in their order; those that find no place are left out.
    std::vector<TypeIndex> types_of(const std::vector<std::string>& task_types);
    TypeIndex add_type(std::string_view task_type, const std::vector<TypeIndex>& taken);
    [[nodiscard]] bool is_spare(TypeIndex type) const {
        return !kept_[type] && tasks_of_[type] == 0 && !peers_.has_type(type);
    }
    bool enqueue(uint64_t task, TaskRecord& record, uint64_t now_us) noexcept;
    Verdict current_answered(uint64_t task, TaskRecord& record, PeerRecord& holder, Status status,
                             uint64_t compute_us, uint64_t now_us, std::vector<Action>& actions);
    [[nodiscard]] bool is_live(const TaskQueue::Entry& entry) const {
        const TaskRecord* record = tasks_.find(entry.task);
        return record && record->state == TaskRecord::State::kQueued &&
               record->queue_stamp == entry.stamp;
    }
    [[nodiscard]] TaskQueues::Head front(uint32_t queue) {
        return queues_.front(queue, [this](const auto& entry) { return is_live(entry); });
    }
    void unqueue(uint64_t task, TaskRecord& record) noexcept;
    void lease(uint64_t task, TaskRecord& record, PeerRecord& peer, const PeerTable::Choice& choice,
               uint64_t now_us, std::vector<Action>& actions);
    // What is the same of every attempt. `room_for_lease` MUST have been called.
    void give(uint64_t task, TaskRecord& record, Attempt& run, PeerRecord& peer,
              const PeerTable::Choice& choice, CopyCause copy, uint64_t now_us,
              std::vector<Action>& actions);
    [[nodiscard]] Attempt* attempt_at(uint64_t task, TaskRecord& record, uint64_t peer) {
        if (record.run.peer == peer) return &record.run;
        return record.has_copy ? second_at(task, peer) : nullptr;
    }
    [[nodiscard]] Attempt* second_at(uint64_t task, uint64_t peer);
    // The slot at the peer is free again.
    void end_lease(const TaskRecord& record, Attempt& run, uint64_t now_us);
    void renew_lease(uint64_t task, TaskRecord& record, Attempt& run, uint64_t now_us);
    [[gnu::cold]] void lease_over(uint64_t task, TaskRecord& record, Attempt& run, uint64_t now_us,
                                  std::vector<Action>& actions);
    [[nodiscard]] bool could_go_elsewhere(const TaskRecord& record, const PeerRecord& peer) const;
    // When the attempt that begins now is given up.
    [[nodiscard]] uint64_t lease_end_us(const TaskRecord& record, const Attempt& run,
                                        const PeerRecord& peer, uint64_t now_us) const;
    // A task ends that a peer still has: it is to blame if it had long enough, and was listened to.
    [[gnu::cold]] void blame(const TaskRecord& record, const Attempt& run, uint64_t now_us);
    // Does this answer of it, which is no result, say anything of the peer? That it was too late
    // only where nearly every task would have been in time, when this one had come to it.
    [[nodiscard]] [[gnu::cold]] bool is_its_failure(const TaskRecord& record, const Attempt& run,
                                                    const PeerRecord& peer, Status status,
                                                    uint64_t now_us) const;
    // Of one that has never answered the type: another one is asked before the task ends with it.
    [[gnu::cold]] bool doubt(TaskRecord& record, const PeerRecord& peer, uint64_t id);

    // ---- scheduler_copies.cpp
    // What is back sooner is not waited for with a clock in hand: when a copy is made is first
    // asked then, so that it costs quick tasks nothing.
    static constexpr uint32_t kCopyLeastUs = 2'000;
    // An input that is in its own way when it is sent twice gains nothing by it.
    static constexpr uint64_t kCopyBytesMax = 1 << 20;
    // So long after its placing.
    [[nodiscard]] static uint32_t first_look_us(const TaskRecord& record, const Attempt& run) {
        if (record.input_open || record.bytes > kCopyBytesMax) return 0;
        return static_cast<uint32_t>(run.given_us - run.placed_us) + kCopyLeastUs;
    }
    [[nodiscard]] uint64_t other_us(const TaskRecord& record, const Attempt& run, uint64_t now_us);
    [[nodiscard]] uint32_t copy_after_us(const TaskRecord& record, const Attempt& run,
                                         uint64_t now_us);
    [[nodiscard]] uint32_t last_moment_us(const TaskRecord& record, const Attempt& run,
                                          uint64_t now_us);
    [[gnu::cold]] void copy_late(uint64_t task, TaskRecord& record, uint64_t now_us,
                                 std::vector<Action>& actions);
    [[gnu::cold]] void copy_at_once(uint64_t task, TaskRecord& record, uint64_t now_us,
                                    std::vector<Action>& actions);
    // Where a copy may go; peer 0: nowhere.
    [[nodiscard]] PeerTable::Choice choose_second(uint64_t task, const TaskRecord& record,
                                                  uint64_t now_us);
    // False: there is nobody for it, or memory is short for it.
    bool copy(uint64_t task, TaskRecord& record, CopyCause cause, uint64_t now_us,
              std::vector<Action>& actions) noexcept;
    // One of the two is over, and out of its peer's books. True: the other one is `run` from now
    // on, and the task lives on with it.
    bool lives_without(uint64_t task, TaskRecord& record, const Attempt& gone);
    // All that run are given up; with `blames` for as long as they took, too.
    [[gnu::cold]] void abandon_all(uint64_t task, TaskRecord& record, bool blames, uint64_t now_us,
                                   std::vector<Action>& actions);
    // All but this one.
    [[gnu::cold]] void abandon_others(uint64_t task, TaskRecord& record, const Attempt& winner,
                                      uint64_t now_us, std::vector<Action>& actions);
    // Too little time to wait for a peer to look dead.
    static constexpr uint64_t kShortUs = 60'000;
    [[nodiscard]] static bool is_short(const TaskRecord& record, uint64_t now_us) {
        return record.deadline_us < now_us + kShortUs;
    }
    [[nodiscard]] bool is_urgent(const TaskRecord& record, const Attempt& run, uint64_t now_us);
    [[nodiscard]] bool is_dead(const Attempt& run);
    // All that have it are dead: it is placed elsewhere too, now or as soon as there is room.
    void rescue(uint64_t task, TaskRecord& record, uint64_t now_us, std::vector<Action>& actions);
    void want_elsewhere(uint64_t task) noexcept;
    void place_wanting(uint64_t now_us, std::vector<Action>& actions);
    [[nodiscard]] bool runs_at_dead_alone(uint64_t task, const TaskRecord& record);
    bool place_beside(uint64_t task, TaskRecord& record, uint64_t now_us,
                      std::vector<Action>& actions);
    // Whatever it has answered, it was not dead.
    void heard_from(PeerRecord& record, uint64_t placed_us) {
        record.deaths = 0;
        if (record.died_us == 0) return;
        if (placed_us <= record.died_us) ++stats_.copies.false_deaths;
        record.died_us = 0;
    }

    // ---- scheduler_steal.cpp
    // What waits at peers with more than their slots goes to those that have nothing to do.
    [[gnu::cold]] void take_back(uint64_t now_us, std::vector<Action>& actions);
    [[nodiscard]] uint64_t last_waiting(const PeerRecord& peer, uint64_t now_us);
    // False: nothing of it can go, or it is not worth it, or memory is short.
    bool take_last(PeerRecord& from, uint64_t now_us, std::vector<Action>& actions) noexcept;
    // The order that was taken back was no attempt.
    [[gnu::cold]] void was_not_begun(uint64_t attempt_id) noexcept;

    // ---- the others
    void place_waiting(const std::vector<uint32_t>& waiting, uint64_t now_us,
                       std::vector<Action>& actions);
    static void note_tried(TaskRecord& record, uint64_t peer);
    static void room_for_lease(PeerRecord& peer, std::vector<Action>& actions);
    void unlist_lease(PeerRecord& peer, const Attempt& run);
    [[gnu::cold]] void abandon(uint64_t task, const TaskRecord& record, const Attempt& run,
                               uint64_t now_us, std::vector<Action>& actions);
    // The slot that it had while its input came counts in the turns of its account.
    void pay_for_input(const TaskRecord& record, uint64_t now_us) {
        if (record.input_open) queues_.charge(record.flow, now_us - record.run.placed_us);
    }
    // Its account has let an input stall: the next ones have to be whole.
    [[nodiscard]] bool is_distrusted(const TaskRecord& record, uint64_t now_us) const {
        return now_us < queues_.stalled_until_us(record.flow);
    }
    [[nodiscard]] bool is_slot_wanted(const TaskRecord& record);
    void look_at_input(uint64_t task, TaskRecord& record, uint64_t now_us,
                       std::vector<Action>& actions);
    [[gnu::cold]] void try_again(uint64_t task, TaskRecord& record, Status why, uint64_t now_us,
                                 std::vector<Action>& actions);
    [[gnu::cold]] void start_local(uint64_t task, TaskRecord& record, uint64_t now_us,
                                   std::vector<Action>& actions);
    [[gnu::cold]] void end(uint64_t task, TaskRecord& record, Status status, const char* text,
                           std::vector<Action>& actions);
    void drop(uint64_t task, TaskRecord& record);
    void arm(uint64_t task, const TaskRecord& record);
    void free_abandoned(PeerRecord& record, Abandoned& abandoned, uint64_t now_us);
    static Abandoned* find_abandoned(PeerRecord& record, uint64_t attempt_id, const Nonce& nonce);
    // Bytes that this task would bring to that peer: what it is believed to have does not count.
    [[nodiscard]] uint64_t bytes_to(const TaskRecord& record, uint64_t peer) const {
        return record.content == 0 ? record.bytes : record.bytes + lacking(record, peer);
    }
    [[nodiscard]] uint64_t lacking(const TaskRecord& record, uint64_t peer) const;
    [[gnu::cold]] void bring_content(const TaskRecord& record, const PeerRecord& peer,
                                     uint64_t there_us) noexcept;
    [[gnu::cold]] uint64_t round_without_data(const TaskRecord& record, const Attempt& run,
                                              PeerRecord& peer, uint64_t compute_us,
                                              uint64_t round_us);
    [[gnu::cold]] void place_here(const TaskQueues::Head& head, TaskRecord& record, uint64_t now_us,
                                  std::vector<Action>& actions);
    [[nodiscard]] bool is_hopeless(const TaskRecord& record, const PeerTable::Choice& choice,
                                   uint64_t now_us);
    bool place_some(uint32_t queue, uint32_t tasks_max, uint64_t now_us,
                    std::vector<Action>& actions);
    // Some of its owner's machines keep to their circle: it waits where they are looked for, too.
    void perhaps_to_own_queue(TaskRecord& record) noexcept;
    void move_invited(OwnerIndex owner) noexcept;
    // Nobody who may have it is there: the reason; else NULL.
    [[nodiscard]] const char* why_nobody(const TaskRecord& record) const;

    SlotMap<TaskRecord> tasks_{limits::kTasksPendingMax};
    std::vector<uint64_t> task_ids_;  // by slot index
    TaskQueues queues_;
    std::vector<std::string> type_names_;
    std::vector<bool> ever_served_;
    std::array<bool, limits::kTaskTypesMax> kept_{};
    std::array<uint32_t, limits::kTaskTypesMax> tasks_of_{};  // pending, by type
    uint64_t types_replaced_ = 0;
    TypeIndex next_spare_ = 0;  // where one is looked for
    DeadlineWheel wheel_;
    PeerTable peers_;
    RandomSource& random_;
    ContentStore* contents_;   // and what lies where
    FlatMap<Attempt> copies_;  // by task: copies are rare, and their records elsewhere small
    CopyCredit credit_;
    std::vector<uint64_t> wanting_;  // tasks at dead peers alone that nobody had room for
    uint64_t look_us_ = UINT64_MAX;  // when take_back() wants to be asked again
    uint64_t look_from_us_ = 0;      // and not before
    uint64_t look_pause_us_ = 0;
    size_t next_overfull_ = 0;  // where it looks first
    bool takes_back_ = true;
    SchedulerStats stats_;
    std::vector<Placement> placements_;  // a ring of the recent ones
    size_t placements_next_ = 0;
};

}  // namespace p2c2r::sched
