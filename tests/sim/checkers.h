// The checkers: what must hold at every event, judged from the outside alone. They see what gamers
// ask for and are told, every frame as it is sent and as it is delivered, and every job as it
// starts and stops; from that they keep a model of their own and never ask the code under test.
//
//   I1  each submitted task gets exactly one final answer, in time, and the right one; of one that
//       was cut each part comes once, before it, and what they are put together of are these
//   I3  a result counts only from the connection and attempt it was assigned to
//   I7  bytes held stay under their caps, for each gamer and in all, and the coordinator's books
//       hide none of them; no stream is fed to a connection that has enough queued, and one that
//       has more than its limit is closed
//   I8  who has room in its share gets its turn, whatever others ask for (time_checks.cpp)
//   I9  attempts, windows and slots are kept; a given-up task holds its slot until it has stopped;
//       what is over is given up at its peer, and by its worker; copies of late tasks are at most
//       5 % of all that is given out; what is taken back from a peer waited there behind as many as
//       it has slots, and goes to one with an idle slot (move_checks.cpp)
//   I10 no task runs at more than two peers, nor twice at one; losers are cancelled in the turn in
//       which their task is over
//   I12 nothing waits beside free room; that nothing is lost is judged at the end of a run, from
//       the same model (heal.cpp)
//   I15 no order reaches a peer outside the circle of its task, the coordinator computes none that
//       may not leave another owner's machines, and who is revoked gets and gives no work
//       (circle_checks.cpp)
//   I16 what stays of a result is what was computed, wherever it lies and whoever goes on from it;
//       it is there or said to be gone, and goes with its gamer (resident_checks.cpp)
//
// The model never knows more than the wire tells. Of a gamer that is away it sees no end, so what
// is known to be over is over, and what looks alive may have ended: every check allows for that.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/task.h"
#include "sim/coverage.h"
#include "sim/people.h"
#include "sim/sim_network.h"
#include "sim/sim_origin.h"
#include "sim/sim_parts.h"
#include "sim/sim_runner.h"
#include "sim/trace.h"

namespace p2c2r::sim {

struct Failure {
    std::string invariant;  // "I3"
    std::string text;
    uint64_t at_us = 0;
    uint64_t event = 0;
};

// Who asked (its host's number) and under which id; what a token says.
inline uint64_t token_of(uint32_t host, uint64_t task) {
    return static_cast<uint64_t>(host) << 40 | task;
}
inline uint32_t host_of_token(uint64_t token) {
    return static_cast<uint32_t>(token >> 40);
}
inline uint64_t task_of_token(uint64_t token) {
    return token & ((1ull << 40) - 1);
}

// For a gamer that has so much to read nothing is placed, or less while memory is full; until its
// connection says that it has drained, or the coordinator has looked at it since.
inline constexpr uint64_t kBehindBytes = 4 << 20;
inline constexpr uint64_t kBehindBytesFull = 64 << 10;
inline constexpr uint64_t kBehindLookUs = 10'000;
inline constexpr uint32_t kAttemptsMax = 3;  // of a task

class Checkers final : public NetworkObserver, public RunnerObserver {
  public:
    struct Limits {
        size_t send_limit = net::kSendLimit;
        uint64_t memory_max = limits::kMemoryMaxDefault;
        uint64_t task_timeout_us = 5'000'000;
    };

    // `people` says whose each host is; they are never asked of the coordinator.
    Checkers(World& world, Network& network, People& people, Coverage& coverage, Trace& trace,
             Limits limits)
        : world_(world),
          network_(network),
          people_(people),
          coverage_(coverage),
          trace_(trace),
          limits_(limits) {}

    // What a host is; MUST be said before it takes part. `slots`: jobs a peer may run at once.
    enum class Kind { kCoordinator, kGamer, kPeer };
    // `real`: it runs a role and no script, so that it has to keep the rules of sending too.
    void add_host(uint32_t host, Kind kind, SimLoop& loop, uint32_t slots, bool real);

    [[nodiscard]] bool failed() const { return failure_.has_value(); }
    [[nodiscard]] const std::optional<Failure>& failure() const { return failure_; }
    // The first failure counts.
    void fail(const char* invariant, const char* pattern, ...)
        __attribute__((format(printf, 3, 4)));

    // ---- what an application sees (checkers.cpp)
    struct Asked {
        Origin input;
        bool stays = false;         // the data of its result, if there is room for them
        bool is_stage = false;      // its data are such, and lie at the coordinator alone
        uint64_t made_by = 0;       // of a stage: the execution whose result these are
        uint64_t deadline_us = 0;   // on the gamer's clock
        uint64_t remaining_us = 0;  // until then, when it was asked
        bool cancelled = false;
        bool must_succeed = false;  // asked of a whole and quiet cluster
        bool own = false;           // of circle own
        bool must_wait = false;     // the same, where its owner has no machine
        uint64_t after = 0;         // the task that it depends on
        bool goes_out = false;      // small, waits for nothing, not for this machine only
        bool may_be_cut = false;
        std::set<uint32_t> parts;  // that have come
        uint32_t parts_count = 0;  // of all; 0: none has come
    };
    void task_submitted(uint32_t host, uint64_t task, const Asked& asked);
    void task_cancelled(uint32_t host, uint64_t task);
    void task_ended(uint32_t host, uint64_t task, const TaskResult& result);
    // One of the `count` parts of a task has come.
    void part_came(uint32_t host, uint64_t task, uint32_t index, uint32_t count,
                   const TaskResult& result);
    // The bytes of a result that stayed have come to whoever asked for them, or why they have not
    // (resident_checks.cpp). In a whole and quiet cluster it is known which of the two it must be.
    enum class Expected { kEither, kThere, kGone };
    void content_told(uint32_t host, const Origin& made, const Error* error,
                      std::span<const uint8_t> data, Expected expected);
    // What the gamers have put at the coordinator, ever: each content once.
    [[nodiscard]] uint64_t bytes_brought() const { return bytes_brought_; }
    // The process has died, and its tasks with it.
    void gamer_died(uint32_t host) { asked_[host].clear(); }
    // After each event: what one turn had to do has been done. `coordinator_turn`: it was one of
    // the coordinator's.
    void after_event(bool coordinator_turn);
    [[nodiscard]] size_t tasks_open(uint32_t host) const;
    [[nodiscard]] uint64_t tasks_ended() const { return tasks_ended_; }
    [[nodiscard]] uint64_t tasks_good() const { return tasks_good_; }

    // ---- NetworkObserver (wire_model.cpp) and RunnerObserver
    void on_sent(uint64_t pipe, uint32_t host, const wire::Frame& frame, size_t queued) override;
    void on_delivered(uint64_t pipe, uint32_t host, const wire::Frame& frame) override;
    void on_end_gone(uint64_t pipe, uint32_t host) override;
    void on_memory_short(uint32_t host) override;
    void on_job_started(uint32_t host, uint64_t stamp, uint64_t token) override;
    void on_job_stopped(uint32_t host, uint64_t stamp) override;
    void on_job_cancelled(uint32_t host, uint64_t stamp) override;
    // The role that started this host's jobs is gone; its workers may still run for a slice.
    void jobs_forgotten(uint32_t host);

    // The coordinator says what it holds: asked by the cluster after each of its turns.
    void coordinator_holds(uint64_t payload_bytes, uint64_t queued_bytes);

    // ---- at the end of a run
    struct PeerView {
        uint32_t host;
        uint32_t window;
        uint32_t held;
        uint32_t copies;  // of these, given while another peer had the task
        size_t attempts;  // whose last word the coordinator has not heard
        bool limited;     // to its own circle
    };
    [[nodiscard]] std::vector<PeerView> registered_peers() const;
    [[nodiscard]] std::vector<uint32_t> registered_gamers() const;
    // Ids whose submit has been delivered on a living connection, and that have no answer there.
    [[nodiscard]] std::vector<uint64_t> tokens_owed() const;
    // Tasks that a peer holds an attempt of, and those that somebody works on or holds. What was
    // given up is not among them.
    [[nodiscard]] std::vector<uint64_t> tokens_held(uint32_t host) const;
    [[nodiscard]] bool is_placed(uint64_t token) const;
    // May the tasks of this gamer go to this peer, or be computed by the coordinator?
    // (circle_checks)
    [[nodiscard]] bool is_inside(uint32_t gamer, bool own, const PeerView& peer) const;
    [[nodiscard]] bool coordinator_is_inside(uint32_t gamer, bool own) const;
    // From now on the tasks of type turn of `other` must get their turns beside those of `flooder`.
    void watch_turns(uint32_t flooder, uint32_t other);
    // True when each of them has got it.
    bool stop_watching_turns();
    [[nodiscard]] uint64_t payload_held_max() const { return payload_held_max_; }
    [[nodiscard]] uint64_t queued_max() const { return queued_max_; }
    [[nodiscard]] size_t jobs_running(uint32_t host) const { return hosts_[host].jobs.size(); }

  private:
    struct Job {
        uint64_t stamp;
        uint64_t token;
        bool orphan;     // of a connection that is gone, or of an attempt that was handed back
        bool cancelled;  // its runner was asked to stop it
        bool forgotten;  // of a role that is gone
    };
    struct HostModel {
        Kind kind = Kind::kGamer;
        SimLoop* loop = nullptr;
        uint32_t slots = 0;
        bool real = false;
        std::vector<Job> jobs;
    };
    // An attempt that a peer holds, as the coordinator's frames tell it.
    struct Attempt {
        enum class State { kOpen, kAnswering, kGivenUp };
        State state = State::kOpen;
        Nonce nonce{};
        uint64_t token = 0;
        uint32_t life = 0;  // of its task
        uint64_t bytes = 0;
        bool delivered = false;          // to the peer
        bool cancelled = false;          // and the cancel too
        bool answered = false;           // by the peer, on its way to the coordinator
        bool frees = false;              // its slot is free again
        uint64_t until_us = UINT64_MAX;  // on the peer's clock: when its time is over
        bool copy = false;               // given while another peer had the task
        uint64_t order = 0;              // of all that were given, which
        uint64_t sent_us = 0;            // on the coordinator's clock
        bool given_up_alone = false;     // its task went on, and nobody else had it
        uint64_t begun_us = UINT64_MAX;  // true time
        int64_t left = 0;                // bytes of an answer in chunks that are still to come
    };
    struct PeerPipe {
        uint32_t host = 0;
        uint32_t window_tasks = 0;
        uint32_t window_most = 0;  // of all that it has told
        uint64_t window_bytes = 0;
        uint32_t slots = 1;
        bool runs_echo = false;
        bool runs_dwell = false;
        bool limited = false;                  // to its own circle, as it has said
        bool beats = false;                    // so that its silence says something
        uint64_t heard_us = 0;                 // on the coordinator's clock
        bool owes_sign = false;                // it was given a task since then
        std::map<uint64_t, Attempt> attempts;  // by the id on this hop
        uint32_t held = 0;
        uint64_t held_bytes = 0;
    };
    struct Submitted {
        uint32_t submits = 0;
        uint32_t answers = 0;
        bool owed = false;
        bool whole = true;         // its input has arrived to the end
        bool redelivered = false;  // answered on this connection before it was submitted here
        // Its answer was in before this connection was, and if it was kept, it is this one's.
        bool may_be_kept = false;
        bool is_early = false;     // the answer that is being sent began before that
        bool streaming = false;    // an answer in chunks is under way
        uint32_t answer_life = 0;  // of the task that it answers
        uint64_t bytes = 0;        // of its input, until the answer is on the way
        uint64_t token = 0;        // 0: not submitted on this connection
    };
    struct GamerPipe {
        uint64_t pipe = 0;
        uint32_t host = 0;
        bool resumed = false;
        std::map<uint64_t, Submitted> tasks;
        uint64_t owed_bytes = 0;  // inputs of those that are owed
        uint64_t registered_us = 0;
        uint64_t registered_at = 0;  // the same, in frames that the coordinator had got
        uint32_t kept = 0;           // answers that had waited for it
        // Bytes of answers that the coordinator has for it, or has sent, and that it has got.
        uint64_t answers_heard = 0;
        uint64_t answers_sent = 0;
        uint64_t answers_got = 0;
        bool behind = false;
        uint64_t behind_until_us = 0;  // true time
        [[nodiscard]] uint64_t unread() const {
            const uint64_t all = std::max(answers_heard, answers_sent);
            return all - std::min(all, answers_got);
        }
    };
    // The last order for a task that was given up before its time.
    struct TakenBack {
        uint64_t at_us = UINT64_MAX;  // true time
        uint32_t life = 0;
        size_t before = 0;  // unanswered at its peer, and given to that before it
        uint32_t slots = 0;
        uint32_t from = 0;  // its host
    };
    enum class TaskType : uint8_t { kOther, kEcho, kDwell };
    // One task through the coordinator, across connections. An id that is submitted again after it
    // was over begins another life.
    struct Tracked {
        uint32_t life = 0;
        bool live = false;         // submitted, and not known to be over
        bool whole = false;        // its input has arrived to the end
        bool chunked = false;      // in more than one frame
        bool stalled = false;      // so that it lost its slot
        bool depends = false;      // on other tasks
        bool answered = false;     // its answer may wait for its gamer to read
        uint64_t answered_at = 0;  // the same, in frames that the coordinator had got
        // Its gamer has sent a copy of it to learn what that takes. On the wire these look alike,
        // so that from then on nothing is said of which of them is over, or tried how often.
        bool is_tried = false;
        TaskType type = TaskType::kOther;
        Circle circle = Circle::kInvited;
        uint32_t gamer = 0;  // its host
        int64_t priority = 0;
        uint64_t deadline_us = 0;        // on the coordinator's clock, at the latest
        uint64_t deadline_least_us = 0;  // and at the earliest
        uint32_t assigns = 0;            // since the last submit
        uint32_t refusals = 0;
        uint32_t not_begun = 0;  // of these refusals: so say the peers
        uint32_t copies = 0;     // of these assigns
        TakenBack taken_back;
        bool waited = false;                  // for a while nobody was seen to have it
        uint32_t open = 0;                    // attempts of this life that are not given up
        uint32_t open_before = 0;             // and of former ones
        Sometimes cause = Sometimes::kCount;  // why the next attempt, if any, is made
        uint64_t bytes = 0;
        uint64_t heard_bytes = 0;       // of answers that have not gone to its gamer
        uint64_t submitted_us = 0;      // true time of the last submit
        uint64_t given_up_us = 0;       // true time of the last cancel to a peer
        uint64_t left_us = UINT64_MAX;  // and of the last attempt that was over
        // Ids of its gamer that had not ended when it came, and which of their lives.
        std::vector<std::pair<uint64_t, uint32_t>> after;
    };

    // wire_model.cpp
    [[nodiscard]] uint64_t token_of_asked(const GamerPipe& gamer, uint64_t id) const;
    uint64_t token_of_submit(const GamerPipe& gamer, const wire::Frame& frame);
    void coordinator_sends_to_peer(PeerPipe& peer, const wire::Frame& frame);
    void coordinator_sends_to_gamer(GamerPipe& gamer, const wire::Frame& frame);
    // time_checks.cpp
    void check_may_start(uint64_t token, const Tracked& task);
    void check_job_in_time(uint32_t host, uint64_t token);
    [[nodiscard]] bool is_owed(uint32_t host, uint64_t task) const;
    void saw_end(uint64_t token, bool undone);
    void turn_asked(uint32_t host, uint64_t token, std::span<const uint8_t> type);
    void turn_served(const PeerPipe& peer, uint64_t token, const Tracked& task);
    // checkers.cpp
    void check_answer(uint32_t host, uint64_t task, uint64_t token, uint64_t stamp, bool here);
    void check_data(uint32_t host, uint64_t task, const Asked& asked, const TaskResult& result);
    void check_parts(uint32_t host, uint64_t task, const Asked& asked, const TaskResult& result);
    // resident_checks.cpp
    void check_stayed(uint32_t host, uint64_t task, const Asked& asked, const TaskResult& result);
    void check_is_gone(uint32_t host, uint64_t task, const Asked& asked, const TaskResult& result);
    [[nodiscard]] const Asked* stage_of_token(uint64_t token) const;
    void stage_began(uint32_t host, uint64_t token);
    void stage_lacks(const PeerPipe& peer, uint64_t attempt);
    void resident_sent(GamerPipe& gamer, uint64_t token, uint64_t size);
    void content_brought(const wire::Frame& frame);
    // circle_checks.cpp
    void check_circle(const PeerPipe& peer, uint64_t token, const Tracked& task);
    void check_computed_here(uint64_t token, const Tracked& task);
    void check_why_late(uint32_t host, uint64_t task, const Asked& asked, const TaskResult& result);
    [[nodiscard]] bool reaches(const Tracked& task, uint32_t host, bool limited) const;
    void coordinator_hears_peer(PeerPipe& peer, const wire::Frame& frame);
    void coordinator_hears_gamer(GamerPipe& gamer, const wire::Frame& frame);
    void peer_sends(PeerPipe& peer, const wire::Frame& frame);
    void assign_sent(PeerPipe& peer, const wire::Frame& frame);
    // move_checks.cpp
    void given_up_alone(const PeerPipe& peer, Attempt& attempt, Tracked& task);
    void check_move(const PeerPipe& to, uint64_t token, Tracked& task);
    [[nodiscard]] static bool says_not_begun(const wire::Frame& frame);
    void not_begun_sent(const PeerPipe& peer, const Attempt& attempt);
    void not_begun_heard(const Attempt& attempt);
    void job_begun(uint32_t host, uint64_t token);
    [[nodiscard]] bool has_waited(const Tracked& task) const;
    [[nodiscard]] static uint64_t unseen_orders(const Tracked& task);
    [[nodiscard]] uint64_t unseen_dispatches() const;
    void check_copy(const PeerPipe& peer, uint64_t token, Tracked& task, int64_t remaining_us);
    // The coordinator may have noticed that nothing comes from it.
    [[nodiscard]] bool may_look_silent(const PeerPipe& peer) const;
    void result_heard(PeerPipe& peer, const wire::Frame& frame);
    void answer_sent(GamerPipe& gamer, const wire::Frame& frame);
    void submit_heard(GamerPipe& gamer, const wire::Frame& frame);
    void free_slot(PeerPipe& peer, Attempt& attempt);
    void give_up(Attempt& attempt);
    void erase_attempt(PeerPipe& peer, std::map<uint64_t, Attempt>::iterator attempt);
    // This life of the task is over, as far as its gamer can know.
    void is_over(uint64_t token);
    static void let_go(GamerPipe& gamer, Submitted& task);
    static void set_owed(GamerPipe& gamer, Submitted& task, bool owed);
    void check_queue(uint64_t pipe, uint32_t host, size_t queued);
    // turn_checks.cpp: what holds at the end of a turn
    void check_submitted_again();
    void check_ended_are_given_up();
    void check_cancels_went_on();
    // Tasks in chunks that may hold a slot which no order has told of yet.
    [[nodiscard]] std::vector<const Tracked*> unseen() const;
    [[nodiscard]] bool waits_for_its_turn(const Tracked& task) const;
    [[nodiscard]] bool waits_for_its_gamer(uint64_t pipe) const;
    void answer_heard(uint64_t token, uint64_t bytes);
    void look_if_behind(GamerPipe& gamer);
    [[nodiscard]] bool may_memory_be_full() const;
    void check_nothing_waits_beside_room();
    // What a peer could take at the end of a turn.
    struct Room {
        const PeerPipe* peer;
        uint64_t bytes;
        bool idle;  // nothing is held, so that one task may be larger
    };
    [[nodiscard]] bool fits(const Room& room, const Tracked& task) const;
    [[nodiscard]] std::vector<Room> rooms() const;
    [[nodiscard]] bool may_wait(uint64_t token, const Tracked& task) const;
    [[nodiscard]] std::vector<const Tracked*> too_large_for(const std::vector<Room>& rooms) const;
    void registered(uint64_t pipe, uint32_t host, const wire::Frame& frame);
    void trace_frame(const char* what, uint64_t pipe, uint32_t host, const wire::Frame& frame);
    [[nodiscard]] const char* name(uint32_t host) const { return network_.host_name(host).c_str(); }

    World& world_;
    Network& network_;
    People& people_;
    Coverage& coverage_;
    Trace& trace_;
    const Limits limits_;
    std::optional<Failure> failure_;
    std::vector<HostModel> hosts_;

    std::map<uint32_t, std::map<uint64_t, Asked>> asked_;  // by host, what has not ended
    std::map<uint32_t, std::set<uint64_t>> over_;          // by host, what has
    uint64_t tasks_ended_ = 0;
    uint64_t tasks_good_ = 0;

    std::map<uint64_t, PeerPipe> peer_pipes_;
    uint64_t heard_ = 0;  // frames that the coordinator has got
    uint64_t orders_ = 0;
    uint64_t dispatches_ = 0;     // attempts that are no copies
    uint64_t unseen_orders_ = 0;  // of tasks that are over, at most
    uint64_t late_copies_ = 0;    // that no silence and no short deadline explain
    std::map<uint64_t, GamerPipe> gamer_pipes_;
    struct Registering {
        bool resumes = false;  // brings a secret
        uint32_t window_tasks = 0;
        uint64_t window_bytes = 0;
        uint32_t slots = 1;
        bool runs_echo = false;
        bool runs_dwell = false;
        bool limited = false;
        bool beats = false;
        std::vector<uint8_t> token;
    };
    std::map<uint64_t, Registering> registering_;    // by pipe
    std::map<uint32_t, std::set<uint64_t>> known_;   // by gamer's host: ids it has ever submitted
    std::unordered_map<uint64_t, Tracked> tracked_;  // by token; looked up only
    // By token_of a trial or a part, which its client has numbered: the token that it says.
    std::map<uint64_t, uint64_t> aliases_;
    std::set<uint64_t> said_late_;  // tokens of wholes: a peer has said that it cannot be in time
    std::map<uint64_t, uint64_t> part_ids_;       // by token
    std::map<uint32_t, uint64_t> unread_before_;  // by gamer's host: of its last connection
    std::unordered_map<uint64_t, uint64_t> stamp_tokens_;  // each execution's task
    std::unordered_map<uint64_t, uint32_t> stamp_hosts_;   // and where it was
    std::set<std::string> brought_;                        // digests of bytes_brought_
    uint64_t bytes_brought_ = 0;
    struct Counts {
        uint64_t token = 0;
        uint32_t life = 0;
    };
    std::unordered_map<uint64_t, Counts> valid_stamps_;  // executions that count, for what
    // By pipe and id: what is owed and would be placed anywhere, as a token.
    std::map<std::pair<uint64_t, uint64_t>, uint64_t> waiting_;
    std::set<uint64_t> chunked_;       // tokens of living tasks that came in chunks
    std::vector<uint64_t> ended_now_;  // tokens, in this turn
    uint64_t made_whole_ = 0;  // the token of the last one whose input has come in this event
    std::vector<std::pair<uint32_t, uint64_t>> to_cancel_;  // host and token, in this turn
    // By connection and host: when its queue was first seen above the limit.
    std::map<std::pair<uint64_t, uint32_t>, uint64_t> above_limit_;
    std::map<uint32_t, std::set<uint64_t>> to_submit_;  // by host: what must go out in this turn
    struct Turns {
        uint32_t flooder = UINT32_MAX;
        uint32_t other = UINT32_MAX;
        std::set<uint64_t> floods;             // tokens
        std::map<uint64_t, uint64_t> waiting;  // token: how many of these were served before it
        uint64_t served = 0;
        uint64_t kept = 0;
    };
    Turns turns_;
    uint64_t payload_held_ = 0;  // after the coordinator's last turn
    uint64_t payload_held_max_ = 0;
    uint64_t queued_max_ = 0;  // on all connections of the coordinator
};

}  // namespace p2c2r::sim
