// The peer's inside, shared by its files:
//   peer.cpp            the connection, what is said of the peer, the public face
//   peer_tasks.cpp      a task from its order to its answer
//   peer_downloads.cpp  contents that tasks refer to
//   peer_yield.cpp      its owner, pausing and leaving: what is not taken, and handed back
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/id_map.h"
#include "core/slot_map.h"
#include "roles/coding_choice.h"
#include "roles/least_times.h"
#include "roles/link.h"
#include "roles/payload_work.h"
#include "roles/peer.h"
#include "roles/peer_contents.h"
#include "roles/peer_owner.h"
#include "roles/session_rules.h"
#include "roles/streams.h"

namespace p2c2r::roles {

class Peer::Impl final : public LinkEvents, public exec::RunnerEvents {
  public:
    Impl(net::Loop& loop, net::Transport& transport, exec::Runner& runner, RandomSource& random,
         Prng prng, Log log, PeerOptions options, PeerEvents& events)
        : loop_(loop),
          runner_(runner),
          log_(log),
          options_(std::move(options)),
          events_(events),
          contents_(options_.content_bytes_max, options_.memory) {
        if (options_.peer_id.empty()) options_.peer_id = automatic_id("peer", random);
        if (options_.coder) coding_work_ = make_coding_work(options_.coder);
        owner_ = std::make_unique<PeerOwner>(
            loop, std::move(options_.owner),
            [this] { return link_ ? link_->bytes_in() + link_->bytes_out() : 0; },
            [this] { owner_changed(); });
        beat_timer_.fire = [this] { beat(); };
        options_.slots = std::clamp(options_.slots, 1u, kWindowTasksMax);
        options_.prefetch = std::min(options_.prefetch, kWindowTasksMax - options_.slots);
        offers_all_ = options_.capabilities.task_types.empty();
        link_ = std::make_unique<Link>(loop, transport, random, prng, log, Role::kPeer,
                                       options_.coordinator, options_.reconnect, *this);
    }
    ~Impl() {
        loop_.disarm(beat_timer_);
        runner_.forget(*this);
        link_.reset();
    }

    void start() {
        started_ = true;
        owner_->start();
        if (owner_->knows()) link_->start();
    }
    // A peer that connects can be given tasks: it says what it takes from the first word on.
    void sensed(const owner::Signals& signals, uint32_t date) {
        owner_->sensed(signals, date);
        if (started_) link_->start();
    }
    void pause();
    void resume();
    void drain(std::function<void()> drained) {
        drained_ = std::move(drained);
        draining_ = true;
        stop_taking(false);
    }
    [[nodiscard]] PeerOwner& owner() { return *owner_; }
    void set_speed(double speed);
    void close();
    [[nodiscard]] std::string where() const {
        return link_->ready() ? link_->where() : std::string();
    }
    const PeerStats& stats();
    const PeerOptions& options() const { return options_; }
    std::vector<std::string> task_types() const;

  private:
    struct Job {
        enum class State : uint8_t { kReceiving, kLacking, kWaiting, kRunning };
        State state = State::kReceiving;
        uint64_t id = 0;  // on the coordinator's hop; 0: of a connection that is gone
        Nonce attempt{};
        std::string task_type;
        Payload payload;
        uint64_t deadline_us = 0;  // 0: none
        uint64_t runner_job = 0;
        bool cancelled = false;
        bool may_be_coded = false;  // its result
        bool is_resident = false;   // the data of its result stay here too
        bool has_checksum = false;
        uint64_t checksum = 0;
        bool has_content = false;             // its data is a content, changed by what came as data
        Digest256 digest{};                   // of that
        uint64_t content = 0;                 // its entry, once it is here
        std::unique_ptr<exec::Output> plain;  // with may_be_coded: its result, while it is coded
    };

    // LinkEvents
    [[nodiscard]] const std::string& link_id() const override { return options_.peer_id; }
    wire::Message registration(const wire::Login& login, wire::EnvelopeBuffer& out) override;
    void on_link_ready(const wire::RegisterResponse& response) override;
    bool on_link_frame(const wire::Frame& frame, const char*& why) override;
    uint8_t* on_link_place(wire::Message message, uint64_t id, size_t size) override {
        if (message == wire::Message::kContentPut) return contents_.place(id, size);
        return message == wire::Message::kTaskAssign ? assembler_.place(id, size) : nullptr;
    }
    void on_link_writable() override {
        out_.pump(link_->connection());
        check_drained();
    }
    void fill_heartbeat(wire::Heartbeat& beat) override;
    void on_link_lost(Status status, const std::string& why, bool given_up) override;

    // RunnerEvents
    void on_job_done(uint64_t tag, exec::Output&& output) override;
    void learn_time(const Job& job, uint64_t took_us) noexcept;

    // ---- peer.cpp
    void report_owner(wire::Heartbeat& beat);
    // While it has work it says something at least once an interval.
    void beat();
    void begin_beating() {
        if (beat_us_ == 0 || beats_) return;
        beats_ = true;
        loop_.arm(beat_timer_, loop_.turn_us() + beat_us_);
    }

    // ---- peer_tasks.cpp
    Job* find(uint64_t id, uint64_t* slot = nullptr) {
        uint64_t* found = slots_.find(id);
        if (!found) return nullptr;
        if (slot) *slot = *found;
        return jobs_.find(*found);
    }
    bool on_assign(const wire::Frame& frame, const char*& why);
    bool on_chunk(const wire::Frame& frame, const char*& why);
    // These three: false, the job has ended.
    [[nodiscard]] bool received(uint64_t slot, Job& job, Payload&& payload);
    [[nodiscard]] bool ready(uint64_t slot, Job& job);
    [[nodiscard]] bool run(uint64_t slot, Job& job);
    void run_waiting();
    void cancel(uint64_t id);
    void refuse(const Job& job);
    void answer(const Job& job, Status status, const std::string& field, const std::string& error,
                uint64_t processing_us, uint64_t memory_peak);
    // It goes as `coded` instead of its payload unless that is NULL.
    void answer_result(const Job& job, const exec::Output& result, const Bytes* coded);
    // False: its result goes as it is.
    bool begin_coding(uint64_t slot, exec::Output& result);
    void end_job(uint64_t slot, Job& job, const exec::Output& result, const Bytes* coded);
    void end_coding(uint64_t slot, Job& job, const exec::Output& output);
    void answer_error(const Job& job, Status status, const std::string& error) {
        answer(job, status, {}, error, 0, 0);
    }
    void forget(uint64_t slot);
    void forget(uint64_t slot, Job& job);
    void drop(uint64_t slot, Job& job);
    [[nodiscard]] uint32_t slots_free() const {
        return running_ >= options_.slots ? 0 : options_.slots - running_;
    }

    // ---- peer_downloads.cpp
    bool on_content(const wire::Frame& frame, const char*& why);
    void ask_contents();
    void await_content(uint64_t slot, Job& job);
    void release_content(uint64_t slot, Job& job);
    // Applies the delta; false: it does not fit, and the task has been answered and is gone.
    bool change_content(uint64_t slot, Job& job);

    // ---- peer_yield.cpp
    [[nodiscard]] bool takes() const {
        return !paused_ && !draining_ && owner_->decision().accepts;
    }
    [[nodiscard]] std::string why_not() const;
    void owner_changed();
    void stop_taking(bool started_too);
    void hand_back(uint64_t slot);
    void tell_window();
    void check_drained();

    net::Loop& loop_;
    exec::Runner& runner_;
    Log log_;
    PeerOptions options_;
    PeerEvents& events_;
    std::unique_ptr<Link> link_;
    bool offers_all_ = false;
    std::unique_ptr<PeerOwner> owner_;
    bool paused_ = false;
    bool draining_ = false;
    bool started_ = false;
    bool told_takes_ = true;  // what the host was told last
    std::string told_why_;
    // What the coordinator knows of the owner; made void by a new connection.
    struct {
        bool known = false;
        std::string why;
        uint32_t duty_permille = 0;
        uint64_t data_used = 0;
    } reported_;
    std::string why_;  // what a heartbeat refers to
    std::function<void()> drained_;

    SlotMap<Job> jobs_;
    IdMap<uint64_t> slots_;
    std::deque<uint64_t> waiting_;  // slots, in the order they came
    LeastTimes least_times_;
    uint32_t running_ = 0;
    uint64_t registered_revision_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for work that was posted

    net::Timer beat_timer_;
    uint64_t beat_us_ = 0;  // as the coordinator wishes; 0: not at all
    bool beats_ = false;    // the timer is armed
    uint64_t told_us_ = 0;  // the last answer

    CodingChoice coding_;
    std::shared_ptr<exec::Executor> coding_work_;  // NULL: nothing is coded
    OutStreams out_;
    Assembler assembler_{options_.memory};
    PeerContents contents_;
    wire::EnvelopeBuffer envelope_;
    wire::TaskAssign assign_;       // reused
    wire::TaskResult good_result_;  // the same, of those that are OK
    PeerStats stats_;
};

}  // namespace p2c2r::roles
