// The coordinator's inside, shared by its files:
//   coordinator.cpp            the public face, time, the performing of actions
//   coordinator_accept.cpp     connections that have not registered: which, and for how long
//   coordinator_sessions.cpp   connections: their messages, beat and end
//   coordinator_register.cpp   how one becomes a gamer's or a peer's: hello, login, registration
//   coordinator_silence.cpp    which peers say nothing although they have work
//   coordinator_backlog.cpp    who does not read
//   coordinator_admission.cpp  how a task comes in
//   coordinator_types.cpp      what is known of each type of task
//   coordinator_local.cpp      what is computed here, and room for what comes of it
//   coordinator_memory.cpp     who gives way while memory is short, and whose turn it is
//   coordinator_process.cpp    what the whole process takes
//   coordinator_contents.cpp   inputs that stay: what gamers put here, and peers ask for
//   coordinator_answers.cpp    questions that are asked more than once
//   coordinator_results.cpp    its way to a peer, and its result's way back
//   coordinator_tasks.cpp      what its gamer is told, and its end
//   coordinator_calls.cpp      named questions and commands, metrics
//   coordinator_reports.cpp    what is said of peers, gamers and tasks, and why each is where it is
//   coordinator_keys.cpp       commands about who may come in
//
// The scheduler decides; what it decides is performed here. A task has a scheduler record and,
// under the same slot index, a relay record: whose it is and the bytes it consists of.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/chunks.h"
#include "core/id_map.h"
#include "core/slot_map.h"
#include "model/params_reader.h"
#include "model/task_type.h"
#include "roles/certificate_watch.h"
#include "roles/content_inbox.h"
#include "roles/coordinator.h"
#include "roles/coordinator_records.h"
#include "roles/owner_names.h"
#include "roles/session_rules.h"
#include "roles/streams.h"
#include "sched/answer_cache.h"
#include "sched/gap_estimate.h"
#include "sched/scheduler.h"
#include "wire/codec.h"

namespace p2c2r::roles {

// What may wait for one to read before nothing more is read for it.
inline constexpr uint64_t kBehindMark = 4 << 20;
// The same while memory is full.
inline constexpr uint64_t kBehindMarkFull = 64 << 10;

// Peers that come and go are events as well. Their lines are in a room of their own, for hosts that
// log the events themselves.
inline constexpr const char* kPeersRoom = "peers";

class Coordinator::Impl final : public exec::RunnerEvents {
  public:
    Impl(net::Loop& loop, net::Transport& transport, exec::Runner* runner, RandomSource& random,
         Log log, CoordinatorOptions options, CoordinatorEvents& events);
    ~Impl();

    Result<Done> start();
    [[nodiscard]] uint32_t port() const { return listener_ ? listener_->port() : 0; }
    void accept(std::unique_ptr<net::Connection> connection, bool in_process);
    Result<Bytes> call(const std::string& name, std::span<const uint8_t> arguments,
                       std::string* text);
    void drain(std::function<void()> drained);
    void close();
    const CoordinatorStats& stats();

  private:
    // The signs of life of a peer that has work.
    struct Pulse {
        sched::GapEstimate gap;
        uint64_t greeting_us = 0;  // what the handshake shows of its way here and back
        uint64_t seen_us = 0;      // the last frame that was there at a look
        uint64_t longest_us = 0;   // gap since window_us
        uint64_t window_us = 0;
        uint64_t bytes = 0;        // that had come when it was last looked at
        uint64_t excused_us = 0;   // until then its silence says nothing
        uint64_t ahead_bytes = 0;  // that went out before the last order
    };

    struct Session final : net::ConnectionEvents {
        enum class Phase : uint8_t { kHello, kRegister, kGamer, kPeer, kClosed };
        explicit Session(Impl& impl) : owner(impl) {}

        void on_frame(net::Connection&, const wire::Frame& frame) override {
            owner.on_frame(*this, frame);
        }
        void on_closed(net::Connection&, Status status, const std::string& why) override {
            // Bytes that are no frame: they are told so while there is still somebody to tell.
            if (status == Status::kProtocol || status == Status::kUnsupported) {
                return owner.end_session(*this, Status::kProtocol, why);
            }
            owner.session_lost(*this, status, why);
        }
        void on_writable(net::Connection&) override {
            if (phase == Phase::kClosed) return;
            out.pump(*connection);
            if (behind_since_us != 0) owner.has_read(*this);
        }
        uint8_t* place_data(net::Connection&, wire::Message message, uint64_t task,
                            size_t size) override {
            return owner.place_data(*this, message, task, size);
        }
        // Bytes that wait for the other side to read.
        [[nodiscard]] uint64_t waiting() const {
            return out.waiting_bytes() + connection->queued_bytes();
        }
        // Of these, what came of its own asking: all of a gamer's, and the answers to a peer's
        // calls. They are not told apart on their way, so it is what these can be at most.
        [[nodiscard]] uint64_t behind() const {
            return phase == Phase::kPeer ? unread_answers() : waiting();
        }
        [[nodiscard]] uint64_t unread_answers() const {
            const uint64_t gone = connection->bytes_out();
            return gone < answers_until ? std::min(answer_bytes, answers_until - gone) : 0;
        }
        // An answer to a call of so many bytes was just sent.
        void answered(uint64_t size) {
            answer_bytes = unread_answers() + size;
            answers_until = connection->bytes_out() + waiting();
        }

        Impl& owner;
        uint64_t id = 0;
        Phase phase = Phase::kHello;
        Role role = Role::kNone;
        // Of a peer: it says something while it has work, as it says and was asked to; it has some;
        // and what it means that nothing comes.
        bool beats = false;
        bool watched = false;
        sched::Silence silence = sched::Silence::kHeard;
        uint64_t gamer = 0;
        uint64_t peer = 0;
        uint64_t opened_us = 0;
        uint64_t heard_us = 0;
        bool in_process = false;  // a role of this process: the operator's
        std::string network;      // counted in unregistered_ until it has registered
        Nonce client_nonce{};     // of hello
        Nonce server_nonce{};     // of its answer
        identity::Admitted who;   // once registered
        std::unique_ptr<net::Connection> connection;
        OutStreams out;
        // Of one that does not read as fast as its results and answers come, and is not read from
        // meanwhile: since when, and what it had taken by then.
        uint64_t behind_since_us = 0;
        uint64_t behind_taken = 0;
        uint32_t looks_behind = 0;   // in a row that found it so
        uint64_t read_since_us = 0;  // it was not read from before
        // Answers to calls: how many bytes, and what will have gone out once the last one has.
        uint64_t answer_bytes = 0;
        uint64_t answers_until = 0;
        // Of a peer with much to read: since when, and what it had taken by then.
        uint64_t full_since_us = 0;
        uint64_t full_taken = 0;
        bool stopped = false;  // a peer that is not read from because memory is full
        [[nodiscard]] bool is_read_from() const { return behind_since_us == 0 && !stopped; }
        // Of a peer whose owner limits it, as it said last.
        struct OwnerWord {
            std::string mode;
            std::string why;
            uint32_t duty_permille = 0;
            uint64_t data_used = 0;
        };
        std::unique_ptr<OwnerWord> owner_word;
        // The type of the last task submitted here: most gamers ask for the same again.
        std::string last_name;
        sched::TypeIndex last_type = sched::kNoType;
        // Of `submit`; kNoType: not looked for yet, or nobody runs it. `last_type` helps where
        // envelopes differ in something else.
        sched::TypeIndex submit_type = sched::kNoType;
        LastEnvelope submit_envelope;  // what `submit` was read from and refers to
        wire::TaskSubmit submit;
        // Of a gamer: contents on their way in. NULL: none has ever come.
        std::unique_ptr<ContentInbox> contents;
        uint64_t incoming_counted = 0;    // of these, in incoming_bytes_
        uint64_t incoming_looked_us = 0;  // when their pace was looked at
        uint64_t greeted_us = 0;          // when its hello was answered
        Pulse pulse;
    };

    struct Gamer {
        std::string client_id;
        std::string account;
        sched::ContentStore::Scope scope = 0;  // whose contents it may use
        sched::OwnerIndex owner = sched::kNoOwner;
        Nonce resume{};
        Session* session = nullptr;  // NULL while it is away
        uint64_t away_since_us = 0;
        bool behind = false;     // reads too slowly: none of its tasks is placed
        IdMap<uint64_t> tasks;   // its task ids to ours
        Share* share = nullptr;  // never NULL once it is registered
        std::deque<Kept> kept;
        uint64_t kept_bytes = 0;
        std::vector<uint64_t> redelivered;  // ids whose kept delivery went out on resuming
        EndedTasks ended;                   // whom a depends_on may still name
        std::set<Digest256> residents;      // results of its tasks that stay, as long as it does
        std::map<uint64_t, std::vector<uint64_t>> dependents;  // its task to its waiting ones
    };

    struct PeerLink {
        std::string peer_id;
        std::string account;
        std::string gpu_model;  // as it says; "": it computes on its processor
        uint32_t cpu_cores = 0;
        Nonce resume{};
        Session* session = nullptr;
        uint64_t id = 0;                       // the scheduler's
        Share* share = nullptr;                // never NULL
        sched::ContentStore::Scope scope = 0;  // of its account; 0: it has none
    };

    // ---- coordinator.cpp
    void turn_end();
    void request_turn_end() { loop_.at_turn_end(turn_end_); }
    void perform();
    void perform(const sched::Action& action, uint64_t now);
    [[gnu::cold]] void give_up(const sched::Action& action) noexcept;
    // Performs what was decided before anything else can happen: the slot of a task that has ended
    // may be given to the next one.
    void settle() {
        perform();
        request_turn_end();
    }
    void on_time();
    void arm_timer();
    void check_drained();

    // ---- coordinator_register.cpp
    void on_hello(Session& session, const wire::Frame& frame);
    sched::OwnerIndex owner_of(const Session& session, Circle claimed);
    // Fills session.who; false: the other side was told why not. `check` is asked before anything
    // changes, so that no join code is used up by a registration that is refused.
    bool log_in(Session& session, const wire::Login& login, std::string_view id,
                const identity::AdmitCheck& check);
    // False: one is empty or not fit to be shown, and the other side was told which.
    bool check_names(Session& session,
                     std::initializer_list<std::pair<const char*, std::string_view>> names);
    [[nodiscard]] const ShareLimits& limits_of(const Session& session,
                                               const identity::Admitted& who) const {
        const bool is_operators = who.owner == identity::kOperator && !is_stranger(session);
        return is_operators && !options_.limit_operator ? kNoShareLimits : options_.share;
    }
    // Its account's; a stranger's that of all from its network; else one of its own, `name`.
    [[nodiscard]] std::string share_name(const Session& session, const identity::Admitted& who,
                                         std::string name) const;
    [[nodiscard]] Result<Done> has_place(const Session& session, const identity::Admitted& who,
                                         std::string name) const;
    // With one more user. NULL: it has too many, and was told so.
    Share* take_share(Session& session, std::string name);
    void drop_share(Share& share) {
        if (share.users == 1) scheduler_.close_account(share.account);
        shares_.drop(share);
    }
    void on_gamer_register(Session& session, const wire::Frame& frame);
    void on_peer_register(Session& session, const wire::Frame& frame);
    void register_refused(Session& session, Status status, const std::string& text,
                          uint32_t retry_after_ms = 0);

    // ---- coordinator_accept.cpp
    void watch_handshake(uint64_t until_us, uint64_t id);
    [[nodiscard]] bool is_crowded(const Session& session) const;
    void look_at_handshakes_again();
    void handshake_over(Session& session);
    void expire_handshakes();

    // ---- coordinator_sessions.cpp
    void on_frame(Session& session, const wire::Frame& frame);
    void hear(Session& session, const wire::Frame& frame);
    void on_heartbeat(Session& session, const wire::Frame& frame);
    void on_goodbye(Session& session, const wire::Frame& frame);
    [[gnu::cold]] void session_lost(Session& session, Status status, const std::string& why);
    // Says goodbye and closes. `status` kProtocol and the like count as the other side's fault.
    [[gnu::cold]] void end_session(Session& session, Status status, const std::string& why);
    [[gnu::cold]] void bury(Session& session);
    void gamer_away(Gamer& gamer, uint64_t gamer_id);
    void forget_gamer(uint64_t gamer_id);
    void peer_gone(uint64_t peer, bool failed, const std::string& why);
    void scan_sessions();
    void count_changed();
    void count_peers();
    void send_counts();
    void send(Session& session, wire::Message message, uint64_t id = 0) {
        session.connection->send_copy(message, 0, id, envelope_.span(), {}, {});
    }

    // ---- coordinator_silence.cpp
    void watch(Session& session);
    void look_at_pulses();
    static void note_gap(Session& session, uint64_t now_us);
    // Nothing has come from it since then, although something was due.
    void judge(Session& session, const sched::PeerRecord& record, uint64_t since_us,
               uint64_t now_us);
    [[nodiscard]] uint64_t sign_from_us(const Session& session,
                                        const sched::PeerRecord& record) const;
    void speaks_again(Session& session);

    // ---- coordinator_backlog.cpp
    // More has been given to this one. Once it is too far behind it is not read from until it has
    // caught up, and none of its tasks is placed; `from`, the peer that feeds it, is not read from
    // while memory is full. May end its session.
    void push_back(Session& session, Session* from);
    void has_read(Session& session);
    void perhaps_caught_up(Session& session);
    void look_at_behind();
    void caught_up(Session& session);
    static void read_again(Session& session, uint64_t now_us);
    void hold_tasks(Gamer& gamer);
    void place_tasks(Gamer& gamer) noexcept;
    [[nodiscard]] bool is_memory_full() const {
        return budget_bytes() > options_.memory_max / 10 * 9;
    }
    // So much may wait for one to read. Many who read slowly have their part of the memory, no
    // more.
    [[nodiscard]] uint64_t behind_mark() const {
        return is_memory_full() ? kBehindMarkFull : kBehindMark;
    }
    void stop_reading(Session& peer);
    void perhaps_read_peers();
    void look_at_stopped();
    // Now and then.
    void close_most_behind();
    bool do_others_wait(uint64_t gamer);
    // Small answers and results are not looked at one by one: but whenever as many bytes more than
    // before wait on all connections as one may be behind.
    void look_who_is_behind();
    // Ends a session that sends or reads too slowly to be worth what it holds here.
    void check_pace(Session& session, uint64_t now_us);
    bool is_stuck(Session& session, uint64_t now_us);
    static bool is_full(Session& peer, uint64_t now_us);

    // ---- coordinator_local.cpp
    void run_local(uint64_t task);
    void on_job_done(uint64_t tag, exec::Output&& output) override;
    void cancel_local(Relay& work);
    // False: not now.
    bool take_room_here(Relay& work);
    void leave_room_here(Relay& work);
    [[gnu::cold]] void run_what_waits_here();

    // ---- coordinator_admission.cpp
    void on_submit(Session& session, const wire::Frame& frame);
    void on_submit_chunk(Session& session, const wire::Frame& frame);
    void store_input(Relay& relay, const wire::Frame& frame);
    void forward_input(uint64_t task, Relay& relay, Chunk&& chunk, bool last);
    bool add_dependencies(Gamer& gamer, const std::vector<uint64_t>& depends_on,
                          uint32_t& waits_for, const char*& why);
    Relay& relay(uint64_t task) { return relays_[SlotMap<sched::TaskRecord>::index_of(task)]; }

    // ---- coordinator_types.cpp
    sched::TypeIndex type_of(Session& session, std::string_view name, bool resubmitted);
    void look_at_types() noexcept;
    const TaskType* contract_type(sched::TypeIndex type) {
        return type < contract_types_.size() ? contract_types_[type] : add_contract_type(type);
    }
    [[gnu::cold]] const TaskType* add_contract_type(sched::TypeIndex type);
    bool can_run_local(sched::TypeIndex type);
    std::string types_text();

    // ---- coordinator_memory.cpp
    // False: such a task does not fit. May end others that wait: of accounts that have more here,
    // or less urgent ones of this one.
    bool make_room(uint64_t bytes, int8_t priority, const Share& share) {
        return budget_bytes() + bytes + kTaskOverhead <= enough_bytes() ||
               make_room_by_ending(bytes, priority, share);
    }
    [[nodiscard]] uint64_t enough_bytes() const { return options_.memory_max / 10 * 8; }
    [[gnu::cold]] bool make_room_by_ending(uint64_t bytes, int8_t priority, const Share& share);
    [[gnu::cold]] void shed(const Share& of, int8_t below, uint64_t bytes);
    [[nodiscard]] static uint64_t held_by(const Share& share) {
        return share.pending_bytes() + share.pending() * kTaskOverhead;
    }
    // The task may be placed as far as those are concerned that it depends on.
    void take_off(Gamer& gamer, uint64_t task);
    // Until others of its account have ended.
    void wait(Gamer& gamer, uint64_t task);
    // False: there is none that may.
    bool fly_next(Share& share);
    // There is one thing less that the task waits for: another task, a content, bytes of its own,
    // or who asked the same before.
    void waits_less(uint64_t task) noexcept;
    [[gnu::cold]] void end_for_memory(uint64_t task) noexcept;
    [[nodiscard]] uint64_t payload_bytes() const {
        return held_bytes_ + delivering_bytes_ + queued_bytes_ + contents_.bytes_held() +
               incoming_bytes_;
    }
    [[nodiscard]] uint64_t answer_bytes() const {
        return answers_.bytes_held() + collecting_bytes_;
    }
    // What counts against the memory budget.
    [[nodiscard]] uint64_t budget_bytes() const { return payload_bytes() + answer_bytes(); }
    // Evicts what nobody uses now until so many bytes of the budget are left, if it can.
    [[gnu::cold]] void give_way(uint64_t bytes_max);

    // ---- coordinator_process.cpp
    // False: the process takes too much already for `more` bytes, of which so many have come in a
    // frame. May end others that wait and are less urgent.
    static constexpr size_t kWorthALook = 4096;  // of params and data in a frame
    bool process_has_room(size_t frame_bytes, uint64_t more, int8_t priority, const Share& share) {
        return frame_bytes < kWorthALook || !options_.in_use ||
               find_room_in_process(more, priority, share);
    }
    bool find_room_in_process(uint64_t more, int8_t priority, const Share& share);
    void look_at_process();
    void close_for_memory();
    // Where the rest of a chunk goes that belongs to no task; NULL: it is wanted.
    uint8_t* place_data(const Session& session, wire::Message message, uint64_t id, size_t size);

    [[nodiscard]] bool waits_for_its_turn(uint64_t task) const;

    // Of a registered one.
    [[nodiscard]] Share& share_of(const Session& session) {
        return session.phase == Session::Phase::kPeer
                   ? *peer_by_slot_[SlotMap<sched::PeerRecord>::index_of(session.peer)]->share
                   : *gamers_.find(session.gamer)->share;
    }
    [[nodiscard]] const PeerLink* link_of(const Session& peer) const {
        const uint32_t index = SlotMap<sched::PeerRecord>::index_of(peer.peer);
        const PeerLink* link = index < peer_by_slot_.size() ? peer_by_slot_[index] : nullptr;
        return link && link->id == peer.peer ? link : nullptr;
    }

    // ---- coordinator_results.cpp
    void assign(const sched::Action& action, uint64_t now);
    void on_result(Session& session, const wire::Frame& frame);
    void on_result_chunk(Session& session, const wire::Frame& frame);
    Session* tell_result(const Course& course, const Relay& relay, const wire::Frame& frame,
                         const wire::TaskResult& result, uint64_t now);
    void on_refuse(Session& session, const wire::Frame& frame);
    // What has come of a result in chunks counts no more: a new attempt, or another answer,
    // follows.
    void drop_result(Relay& relay);
    // As the attempt of that peer went.
    [[nodiscard]] Course course_of(uint64_t task, const sched::TaskRecord& record,
                                   const Session& by) const;
    void accepted(const Course& course, const wire::TaskResult& result, uint64_t now);
    static wire::ResultDelivery delivery_of(const Course& course, const wire::TaskResult& result,
                                            uint64_t now);
    // The records of the task that the next frame is about.
    void fetch_ahead(uint64_t attempt_id) const;

    // ---- coordinator_tasks.cpp
    void on_cancel(Session& session, const wire::Frame& frame);
    void deliver(Gamer& gamer, uint64_t client_task, uint8_t flags, const Bytes& params,
                 const Bytes& data);
    [[gnu::cold]] void answer_error(Gamer& gamer, uint64_t client_task, Status status,
                                    std::string_view field, std::string_view error,
                                    uint32_t retry_after_ms = 0);
    static std::string timeout_text(const Relay& ended, const char* text);
    [[gnu::cold]] void answer_timeout(Gamer& gamer, uint64_t client_task, std::string_view text);
    [[gnu::cold]] void withdraw(uint64_t task);
    [[gnu::cold]] void lose_end(uint64_t task) noexcept;
    // The task that the gamer calls so; 0: none. One that is gone is forgotten, for its place may
    // be another's.
    [[nodiscard]] uint64_t task_of(Gamer& gamer, uint64_t client_task) {
        const uint64_t* const known = gamer.tasks.find(client_task);
        if (!known) return 0;
        if (scheduler_.find(*known)) return *known;
        gamer.tasks.erase(client_task);
        return 0;
    }
    // Forgets a task that has ended, and lets go those that wait for it.
    void drop_task(uint64_t task, bool good);
    void drop_one(uint64_t task, bool good, std::vector<uint64_t>& fallen);

    // ---- coordinator_contents.cpp
    // What a task that is to be admitted says of its content; false: it was answered.
    bool check_content(Gamer& gamer, uint64_t client_task, const wire::TaskSubmit& message);
    [[nodiscard]] bool keeps_contents() const { return contents_.bytes_max() > 0; }
    // A fresh task's content: `entry`, or, where that is 0, the one it waits for from here on.
    void attach_content(uint64_t task, Relay& relay, const Digest256& digest, uint64_t entry);
    void detach_content(uint64_t task, Relay& relay) noexcept;
    void give_content(uint64_t task, Relay& relay, uint64_t entry);
    // The first of those that wait for it whose gamer is here: that one asks. 0: none.
    uint64_t asker_of(const AwaitedContents::value_type& awaited);
    void ask_content(uint64_t task);
    void ask_others(uint64_t gamer_id) noexcept;
    void on_content_put(Session& session, const wire::Frame& frame);
    void content_arrived(Gamer& gamer, const Digest256& digest, Bytes&& bytes);
    void content_failed(Gamer& gamer, const Digest256& digest, Status status,
                        std::string_view field, std::string_view error,
                        uint32_t retry_after_ms = 0);
    void on_content_drop(Session& session, const wire::Frame& frame);
    // A peer lacks the content of a task that it holds.
    void on_content_want(Session& session, const wire::Frame& frame);
    // Whoever has answered has it.
    void content_used(Session& session, const Relay& relay);
    void count_incoming(Session& session);
    // Gives up contents that hardly come.
    void check_incoming(Session& session, uint64_t now_us);
    // The whole input in one piece, with the content, for who has to have it so. A content that is
    // changed for it is a copy, which the task is charged with until its end.
    Result<Payload> whole_input(Relay& relay);
    Result<Done> charge_copy(Relay& relay, uint64_t size);
    void assign_whole(const sched::Action& action, Session& session, Relay& relay);
    sched::ContentStore::Scope scope_of(uint64_t gamer_id, const std::string& account,
                                        sched::OwnerIndex owner);
    void forget_contents_of(uint64_t gamer_id, Gamer& gamer);

    // ---- coordinator_residents.cpp
    // False: there is no room for it, and it goes on as any result.
    bool begin_staying(Relay& relay, const wire::PayloadSizes& sizes, const wire::Frame& frame);
    static void add_staying(Staying& staying, const wire::Frame& frame);
    // Keeps the data of a result for later tasks, `holder`'s (0: nobody's) too, and tells its gamer
    // of it; what finds no room here goes to him whole. `delivery`: what else is said of it.
    void tell_resident(const Relay& relay, wire::ResultDelivery&& delivery, const Bytes& info,
                       const Bytes& data, const Digest256& digest, uint64_t holder);
    void tell_staying(const Relay& relay, wire::ResultDelivery&& delivery, Staying&& whole,
                      uint64_t holder);
    uint64_t keep_result(Gamer& gamer, const Digest256& digest, const Bytes& data);
    // True: it was not known as one of his before.
    bool note_resident(Gamer& gamer, const Digest256& digest);
    void forget_resident(Gamer& gamer, const Digest256& digest) noexcept;
    void forget_evicted(Gamer& gamer);
    // This gamer has no use for it any more, whether it was brought or stayed.
    void let_content_go(Gamer& gamer, const Digest256& digest) noexcept;
    Result<Bytes> call_content(ParamsReader& reader, std::string* text, const Session* asker);

    // ---- coordinator_answers.cpp
    [[nodiscard]] bool may_share(const wire::TaskSubmit& message, sched::TypeIndex type,
                                 size_t size) const;
    [[nodiscard]] bool may_follow(uint64_t question, const sched::Admission& admission) const;
    void answer_known(Session& session, Gamer& gamer, uint64_t client_task, sched::TypeIndex type,
                      const sched::AnswerCache::Answer& answer);
    void tell_shared(Gamer& gamer, uint64_t client_task, sched::TypeIndex type,
                     const sched::AnswerCache::Answer& answer);
    // A fresh task follows the one that computes `followed`, or, where that is 0, leads.
    void attach_question(uint64_t task, Relay& relay, const sched::AnswerCache::Question& question,
                         uint64_t followed);
    [[nodiscard]] bool leads(uint64_t task, const Relay& relay) const;
    void begin_collecting(uint64_t task, Relay& relay, const wire::PayloadSizes& sizes,
                          const wire::Frame& frame);
    void collect(Relay& relay, const wire::Frame& frame);
    void drop_collected(Relay& relay) noexcept;
    // `result`: what was said of it. `by`: whose machine has computed it.
    void share_answer(uint64_t task, Relay& relay, std::span<const uint8_t> info,
                      std::span<const uint8_t> data, const wire::TaskResult& result,
                      sched::ContentStore::Scope by);
    [[nodiscard]] sched::ContentStore::Scope account_of(const Session& peer) const;
    void detach_question(uint64_t task, Relay& relay);

    // ---- coordinator_calls.cpp
    // `asker` NULL: the operator, in this process, who sees everything, as an admin does. A gamer
    // sees its own tasks, a peer those that it holds, and neither where others are or who they are.
    Result<Bytes> answer_call(const std::string& name, std::span<const uint8_t> arguments,
                              std::string* text, const Session* asker);
    Bytes call_status();
    Result<Bytes> call_assign(uint64_t task, const std::string& peer_id, const Session* asker);
    std::string metrics_text();
    void on_call(Session& session, const wire::Frame& frame);
    void answer_call_with(Session& session, uint64_t call, const Result<Bytes>& answer,
                          const std::string& text);

    // ---- coordinator_reports.cpp
    static bool sees_all(const Session* asker);
    sched::OwnerIndex owner_of_asker(const Session* asker);
    Bytes call_peers(const Session* asker);
    Bytes call_gamers(const Session* asker);
    Bytes call_tasks(const Session* asker);
    Result<Bytes> call_explain(uint64_t task);
    std::string why_there(uint64_t task, const sched::TaskRecord& record);
    uint64_t find_task(uint64_t task_id, const std::string& client_id, const Session* asker);

    // ---- coordinator_keys.cpp
    Result<Bytes> answer_key_call(const std::string& name, ParamsReader& reader,
                                  const Session* asker);
    Bytes call_key_list();
    Bytes call_key_invitations();
    Bytes taken_away();
    void watch_access();
    void save_access_again(const identity::Moment& now);
    void end_account(const std::string& account, Status status, const char* why);
    void end_sessions(Status status, const char* why,
                      const std::function<bool(const Session&)>& which);
    [[nodiscard]] identity::Moment moment() { return {loop_.now_us(), loop_.unix_ms()}; }
    // Whoever reaches it is taken for the operator's, over the network as well.
    [[nodiscard]] bool is_open() const {
        return options_.plaintext_anywhere && !options_.tls && !options_.access;
    }
    // One whom nothing shows to be the operator's.
    [[nodiscard]] bool is_stranger(const Session& session) const {
        return is_open() && !session.in_process && !session.connection->is_loopback();
    }
    void watch_certificate();
    [[nodiscard]] static identity::Actor actor_of(const Session* asker);
    void record_act(const char* what, const std::string& account, std::string detail,
                    const Session* asker);
    void watch_audit();

    net::Loop& loop_;
    net::Transport& transport_;
    exec::Runner* runner_;
    RandomSource& random_;
    Log log_;
    CoordinatorOptions options_;
    CoordinatorEvents& events_;

    std::unique_ptr<net::Listener> listener_;
    // What waits for others to read, which sessions count in as long as they live: answers in
    // chunks, and what is queued on the connections, where all that was sent lies.
    uint64_t delivering_bytes_ = 0;
    uint64_t queued_bytes_ = 0;
    uint64_t look_at_bytes_ = 0;        // of these two: when who is behind is looked for
    bool told_error_ = false;           // since the last frame that came
    std::vector<uint64_t> behind_;      // sessions that read too slowly; some may have caught up
    net::Timer behind_timer_;           // while there are some
    uint64_t here_bytes_ = 0;           // what tasks that are computed here may add to all that
    std::vector<uint64_t> here_waits_;  // such tasks that wait until there is room
    std::vector<uint64_t> stopped_;     // sessions of peers that are not read from
    net::Timer stopped_timer_;          // while there are some
    bool was_full_ = false;             // so that there were some, since they were last looked at
    uint32_t full_scans_ = 0;           // looks in a row that found this
    SlotMap<std::unique_ptr<Session>> sessions_{limits::kConnectionsMax};
    std::vector<std::unique_ptr<Session>> graveyard_;  // until the end of the turn
    uint32_t unauthenticated_ = 0;
    std::map<std::string, uint32_t> unregistered_;  // of these, by network; not of this machine
    SlotMap<Gamer> gamers_;
    std::map<std::string, uint64_t, std::less<>> gamer_ids_;
    std::map<std::string, PeerLink, std::less<>> peer_links_;
    std::vector<PeerLink*> peer_by_slot_;  // by the scheduler's slot index

    sched::ContentStore contents_;
    AwaitedContents awaited_;
    // How many gamers of the scope have it as a result of theirs: those that anybody has.
    std::map<std::pair<Digest256, sched::ContentStore::Scope>, uint32_t> resident_uses_;
    std::map<std::pair<std::string, sched::OwnerIndex>, sched::ContentStore::Scope> account_scopes_;
    uint64_t contents_sent_ = 0;   // streams to peers so far: their ids
    uint64_t incoming_bytes_ = 0;  // of contents on their way in, as announced
    sched::AnswerCache answers_;
    uint64_t collecting_bytes_ = 0;  // of results in chunks that will be shared, as announced
    OwnerNames owners_;
    sched::Scheduler scheduler_;
    Shares shares_;
    uint64_t shed_again_us_ = 0;  // looking for what could be shed costs time as well
    SmallHolds small_holds_;
    Chunks<Relay> relays_;
    std::vector<sched::Action> actions_;
    size_t performed_ = 0;
    bool performing_ = false;
    net::Loop::TurnEnd turn_end_;
    net::Timer timer_;  // the scheduler's next deadline
    uint64_t armed_us_ = UINT64_MAX;
    net::Timer scan_timer_;          // sessions
    uint64_t beat_us_ = 0;           // when the next heartbeats are due
    std::vector<uint64_t> watched_;  // sessions of peers that beat and have work
    net::Timer pulse_timer_;         // while there are some
    uint64_t pulse_looked_us_ = 0;
    uint64_t look_due_us_ = 0;
    CertificateWatch certificate_watch_;
    uint64_t audit_lost_told_ = 0;  // entries, in the log
    uint64_t audit_look_us_ = 0;    // not before
    bool access_unsaved_told_ = false;
    // Connections that have not registered, a heap: when to look at one, and the session.
    std::vector<std::pair<uint64_t, uint64_t>> handshakes_;
    net::Timer handshake_timer_;
    net::Timer count_timer_;
    bool counts_dirty_ = false;
    uint64_t counts_sent_us_ = 0;
    wire::PeerCountUpdate counts_;

    wire::EnvelopeBuffer envelope_;
    wire::TaskAssign assign_;
    wire::TaskResult result_;                      // scratch as well
    std::vector<const TaskType*> contract_types_;  // by type; NULL: a host's own
    std::vector<int8_t> local_types_;              // by type: 1 can, 0 cannot, -1 not asked yet
    uint64_t local_revision_ = 0;
    uint64_t types_replaced_ = 0;  // the scheduler's, when they were looked at
    bool draining_ = false;
    bool closed_ = false;
    std::function<void()> drained_;
    uint64_t held_bytes_ = 0;
    uint64_t in_use_ = 0;  // by the whole process, at looked_us_
    uint64_t looked_us_ = 0;
    std::unique_ptr<uint8_t[]> unwanted_;  // what nobody reads is received into it
    uint64_t bytes_in_before_ = 0;         // of connections that are gone
    uint64_t bytes_out_before_ = 0;
    uint64_t started_us_ = 0;
    CoordinatorStats stats_;
};

}  // namespace p2c2r::roles
