// The client's inside, shared by its files:
//   client.cpp        what may be asked for, the public face, the end
//   client_tasks.cpp  a task from submit to its end: sending
//   client_time.cpp   its deadline, and when it is computed here
//   client_local.cpp  what is computed here, and when
//   client_frames.cpp the same of tasks that answer frames
//   client_window.cpp large payloads wait for their turn on the line
//   client_link.cpp   what the coordinator says: answers, named calls
//   client_coding.cpp results that come coded
//   client_uploads.cpp contents that tasks refer to
//   client_parts.cpp  big tasks are cut, and their parts put together
//   client_places.cpp here or there, and what is learned for that
//   client_refusals.cpp what is not sent while the coordinator refuses
#pragma once

#include <algorithm>
#include <bitset>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/id_map.h"
#include "core/slot_map.h"
#include "roles/client.h"
#include "roles/client_contents.h"
#include "roles/hold_back.h"
#include "roles/link.h"
#include "roles/part_plan.h"
#include "roles/part_work.h"
#include "roles/payload_work.h"
#include "roles/placement.h"
#include "roles/streams.h"
#include "sched/deadline_wheel.h"
#include "sched/task_queue.h"

namespace p2c2r::roles {

inline constexpr const char* kWhyNotOk = "a task that this one depends on has not ended with OK";

// How the latest tasks ended, for later ones that depend on them. An id that is neither pending nor
// here was never given out or is too old to be told: either way nobody can say that it ended well.
class Ended {
  public:
    static constexpr size_t kCount = 4096;

    void add(uint64_t id, bool good) {
        const size_t at = next_++ % kCount;
        ids_[at] = id;
        good_[at] = good;
    }
    // NULL for a task that ended with OK.
    [[nodiscard]] const char* refusal(uint64_t id) const {
        const auto found = std::find(ids_.begin(), ids_.end(), id);
        if (id == 0 || found == ids_.end()) {
            return "depends_on names a task that this client has not had, or that ended more than "
                   "4096 tasks ago";
        }
        return good_[static_cast<size_t>(found - ids_.begin())] ? nullptr : kWhyNotOk;
    }

  private:
    std::vector<uint64_t> ids_ = std::vector<uint64_t>(kCount);
    std::bitset<kCount> good_;
    size_t next_ = 0;
};

class Client::Impl final : public LinkEvents, public exec::RunnerEvents {
  public:
    Impl(net::Loop& loop, net::Transport* transport, exec::Runner* runner, RandomSource& random,
         Prng prng, Log log, ClientOptions options, ClientEvents& events)
        : loop_(loop), runner_(runner), options_(std::move(options)), events_(events) {
        if (options_.place_by_worth && transport && runner) {
            placement_ = std::make_unique<Placement>();
        }
        if (options_.coder && runner) {
            decoding_work_ = make_decoding_work(options_.coder, options_.memory);
        }
        if (options_.client_id.empty()) options_.client_id = automatic_id("gamer", random);
        if (transport) {
            link_ = std::make_unique<Link>(loop, *transport, random, prng, log, Role::kGamer,
                                           options_.coordinator, options_.reconnect, *this);
            chance_ = prng.fork(0);
        }
        out_.remember_ends();
        timer_.fire = [this] { on_time(); };
        window_timer_.fire = [this] { look_what_arrived(); };
        call_timer_.fire = [this] { expire_calls(); };
    }
    ~Impl() {
        loop_.disarm(timer_);
        loop_.disarm(window_timer_);
        loop_.disarm(call_timer_);
        if (runner_) {
            runner_->forget(*this);
            runner_->forget(decodings_);
            runner_->forget(part_jobs_);
        }
        link_.reset();
    }

    void start() {
        if (link_) link_->start();
    }

    void submit(uint64_t task, const TaskSpec& spec,
                const std::shared_ptr<const FrameWish>& frame = nullptr);
    void cancel(uint64_t task);
    void want_answer(uint64_t task, uint64_t at_us);
    void put(std::shared_ptr<const Content> content);
    void drop(const Digest256& digest);
    void call(uint64_t call, const std::string& name, Bytes arguments, uint64_t timeout_us);
    void close();

    [[nodiscard]] std::string handshake_so_far() const {
        return link_ ? link_->handshake_so_far() : std::string();
    }
    [[nodiscard]] std::string where() const {
        return link_ && link_->ready() ? link_->where() : std::string();
    }
    const ClientStats& stats() {
        stats_.connected = link_ && link_->ready();
        stats_.looked_for = on_way_.size();
        if (link_) {
            stats_.bytes_in = link_->bytes_in();
            stats_.bytes_out = link_->bytes_out();
            stats_.reconnects = link_->reconnects();
        }
        return stats_;
    }
    const std::string& client_id() const { return options_.client_id; }

  private:
    static constexpr uint64_t kWindowFloor = 512 * 1024;
    // Payloads of this size and more wait at the gamer for the window; smaller ones always go out.
    static constexpr size_t kWindowedSize = 16 * 1024;

    static constexpr uint32_t kPartsUnderWayMost = 128;  // of all tasks, but for
    static constexpr uint32_t kPartsOwnLeast = 16;       // so many of each
    static constexpr uint8_t kPartRefusalsMost = 2;

    // Which part of which task; 0: the task is no part.
    struct PartOf {
        uint64_t whole = 0;
        uint32_t index = 0;
    };
    struct Cut {
        enum class State { kCutting, kNotWorth, kRunning, kMerging };
        State state = State::kCutting;
        std::shared_ptr<PartWork> work;  // belongs to the job while there is one
        uint64_t job = 0;                // the runner's; 0: none
        uint64_t begun_us = 0;
        std::vector<TaskSpec> specs;  // of the parts, which refer to them
        std::vector<uint64_t> ids;    // of those under way; 0: it is not
        uint32_t next = 0;            // to be submitted
        std::vector<uint32_t> again;  // and those that were refused
        std::vector<uint8_t> refusals;
        uint32_t under_way = 0;
        uint32_t under_way_most = kPartsUnderWayMost;
        uint32_t came = 0;
        std::shared_ptr<const Content> content;  // what the parts share; NULL: nothing was put
        uint64_t bytes_up = 0;
        TaskResult figures;  // of all that came
        [[nodiscard]] bool has_more() const { return next < specs.size() || !again.empty(); }
    };
    struct Task {
        uint64_t id = 0;
        uint64_t slot = 0;
        const TaskSpec* spec = nullptr;  // its owner's, until the task has ended
        uint64_t submitted_us = 0;
        uint64_t deadline_us = 0;
        uint64_t local_at_us = 0;       // when a local run starts at the latest; 0: never
        uint64_t local_started_us = 0;  // 0: not running here
        uint64_t local_job = 0;
        uint64_t local_cost_us = 0;  // its part of local_backlog_us_
        uint64_t sent_us = 0;        // when its payload began to leave
        uint32_t waits_for = 0;      // dependencies that have not ended
        bool held = false;           // has waited for some
        bool fallen = false;         // one of them has not ended with OK
        bool sent = false;
        bool refused = false;           // there: no answer will come from elsewhere
        bool windowed = false;          // counts against the window
        bool is_large = false;          // it did so, on this connection
        size_t payload_size = 0;        // as it was sent last
        uint64_t sent_end = 0;          // of a windowed one: see OutStreams::unsent
        bool receiving = false;         // chunks of `delivery` are still coming in
        wire::ResultDelivery delivery;  // of a result in chunks
        // Of tasks that are placed by worth, and trials.
        Placed* placed = nullptr;
        uint64_t go_us = 0;    // when it was placed
        Placement::Mark left;  // when it was sent
        bool away = false;     // sent, and nothing has come back
        bool flows = false;    // counted in the line's flow
        bool kept = false;     // here, since there is no gain elsewhere
        // Of results that may come coded.
        bool may_be_coded = false;
        uint64_t decoding_job = 0;  // the runner's; 0: none
        uint64_t bytes_down = 0;    // of its result, as they came
        // Of tasks that answer frames.
        std::shared_ptr<const FrameWish> frame;  // NULL: it answers none
        uint64_t answer_by_us = 0;
        size_t local_form = 0;  // that runs here, did, or is planned
        bool form_planned = false;
        bool has_here = false;  // this machine's answer was told
        // Of tasks that are cut, and of their parts.
        bool may_be_cut = false;
        std::unique_ptr<Cut> cut;  // NULL: it is whole
        PartOf part_of;
    };
    // The copy of a task that is on the side which the task is not on.
    struct Trial {
        uint64_t id = 0;  // 0: none
        TaskSpec spec;
        Placed* placed = nullptr;
    };

    // What a task tells that has no more to tell than this. As it was encoded last: the next one
    // mostly tells the same.
    struct PlainSubmit {
        std::string task_type;  // empty: none was encoded
        int8_t priority = 0;
        Circle circle = Circle::kType;
        VerifyClass verify = VerifyClass::kType;
        uint64_t price = 0;
        uint32_t flags = 0;
        wire::EnvelopeBuffer envelope;

        [[nodiscard]] bool says(const TaskSpec& spec) const {
            return priority == spec.priority && circle == spec.circle && verify == spec.verify &&
                   price == spec.price && flags == spec.flags && !task_type.empty() &&
                   same_text(task_type, spec.task_type);
        }
        void encode(const TaskSpec& spec);
    };

    // LinkEvents
    [[nodiscard]] const std::string& link_id() const override { return options_.client_id; }
    wire::Message registration(const wire::Login& login, wire::EnvelopeBuffer& out) override {
        wire::GamerRegister message;
        message.client_id = options_.client_id;
        message.login = login;
        encode(message, out);
        return wire::Message::kGamerRegister;
    }
    void on_link_ready(const wire::RegisterResponse& response) override;
    bool on_link_frame(const wire::Frame& frame, const char*& why) override;
    uint8_t* on_link_place(wire::Message message, uint64_t id, size_t size) override {
        return message == wire::Message::kResultDelivery ? assembler_.place(id, size) : nullptr;
    }
    void on_link_writable() override {
        out_.pump(link_->connection());
        send_contents();
    }
    void fill_heartbeat(wire::Heartbeat&) override {}
    void on_link_lost(Status status, const std::string& why, bool given_up) override;

    // RunnerEvents
    void on_job_done(uint64_t tag, exec::Output&& output) override;
    // The same of results that are decoded: tags are tasks too.
    struct Decodings final : exec::RunnerEvents {
        explicit Decodings(Impl& impl) : owner(impl) {}
        void on_job_done(uint64_t tag, exec::Output&& output) override {
            owner.on_decoded(tag, std::move(output));
        }
        Impl& owner;
    };

    // And of cutting and putting together: tags are wholes.
    struct PartJobs final : exec::RunnerEvents {
        explicit PartJobs(Impl& impl) : owner(impl) {}
        void on_job_done(uint64_t tag, exec::Output&& output) override {
            owner.on_part_job(tag, std::move(output));
        }
        Impl& owner;
    };

    Task* find(uint64_t task) {
        uint64_t* slot = slots_.find(task);
        return slot ? tasks_.find(*slot) : nullptr;
    }
    bool on_call_response(const wire::Frame& frame, const char*& why);
    void end_call(uint64_t call, const Error* error, Payload&& payload);
    bool on_delivery(const wire::Frame& frame, const char*& why);
    bool on_other_frame(const wire::Frame& frame, const char*& why);
    bool on_content_want(const wire::Frame& frame, const char*& why);
    void send_contents();
    void tell_dropped();
    void content_gone(const Digest256& digest);
    static constexpr const char* kWhyGone =
        "the result that is this task's data had to give way at the coordinator";
    // With a content that the coordinator does not keep the task's data is all of its bytes.
    [[nodiscard]] bool brings_content(const Task& task) const {
        return task.spec->content && !contents_.is_kept_there(*task.spec->content);
    }
    // What its payload takes on this connection.
    [[nodiscard]] size_t payload_size(const Task& task) const {
        return task.spec->params.size() +
               (brings_content(task) ? task.spec->content->bytes.size() : task.spec->data.size());
    }
    [[nodiscard]] Result<Bytes> whole_data(const TaskSpec& spec) const;
    void fetch_ahead(uint64_t id);
    // ---- client_coding.cpp
    // Is the line so slow that fewer bytes are worth the time that coding takes?
    [[nodiscard]] bool wants_coded() const;
    // The payload is coded bytes. False: that breaks the protocol; `why`.
    bool decode_delivery(Task& task, const wire::ResultDelivery& delivery, Payload&& payload,
                         const char*& why);
    void on_decoded(uint64_t id, exec::Output&& output);

    void deliver(Task& task, const wire::ResultDelivery& delivery, Payload&& payload);
    void remote_failed(Task& task, Status status, std::string field, std::string error,
                       const wire::ResultDelivery& told = {});
    void admit(Task& task);
    [[nodiscard]] bool may_start(Task& task);
    void hold(Task& task);
    void forget(Task& task);
    // Those that waited for this one alone go on; those that cannot any more end.
    void release_waiting(uint64_t id, bool good);
    void go(Task& task);
    void go_here(Task& task);
    void send(Task& task, bool its_turn = false);
    // How a task goes out.
    struct Submission {
        std::span<const uint8_t> envelope;
        const Bytes* data = nullptr;
        Bytes whole;  // of a content that is brought along
        uint8_t flags = 0;
    };
    [[nodiscard]] bool encode_submit(Task& task, uint64_t now, bool coded, Submission& out);
    // ---- client_window.cpp
    // The more urgent one goes first, and of equals the first come.
    struct Waiting {
        uint64_t key;
        uint64_t order;
        uint64_t task;
    };
    static bool later(const Waiting& a, const Waiting& b) {
        return a.key != b.key ? a.key > b.key : a.order > b.order;
    }
    [[nodiscard]] bool fits_window(size_t size) const;
    [[nodiscard]] bool enter_window(Task& task, bool its_turn);
    void wait_for_window(const Waiting& waiting);
    [[nodiscard]] bool waits(const Waiting& waiting);
    [[nodiscard]] Task* first_waiting();
    void drop_first_waiting();
    void leave_window(Task& task) {
        if (task.windowed) windowed_bytes_ -= task.payload_size;
        if (task.is_large) large_bytes_ -= task.payload_size;
        task.windowed = task.is_large = false;
    }
    void empty_window();
    void look_later();
    void look_what_arrived();
    void send_waiting();

    // ---- client_parts.cpp
    static constexpr uint64_t kPartBit = 1ull << 31;
    [[nodiscard]] static bool is_part(uint64_t id) { return id & kPartBit; }
    // A task that its gamer knows of.
    [[nodiscard]] bool is_known(uint64_t id) const { return !is_part(id) && !is_trial(id); }
    [[nodiscard]] static bool is_in_parts(const Task& task) {
        return task.cut && task.cut->state != Cut::State::kNotWorth;
    }
    // Into how many it is to be cut depends on what the coordinator says right after it has let
    // this client in.
    [[nodiscard]] bool waits_for_count(const Task& task) const {
        return task.may_be_cut && task.spec->split == kSplitAuto && !task.cut && !task.sent &&
               !counts_told_;
    }
    // An answer may come from elsewhere.
    [[nodiscard]] static bool is_asked_away(const Task& task) {
        return task.sent || is_in_parts(task);
    }
    void go_counted();
    // True: it is not sent as it is.
    [[nodiscard]] bool goes_in_parts(Task& task);
    [[nodiscard]] PartWish part_wish(const Task& task);
    void start_part_job(Task& task, bool is_small);
    void on_part_job(uint64_t id, exec::Output&& output);
    void on_cut(Task& task);
    void go_whole(Task& task);
    void make_part_specs(Task& task);
    void send_parts();
    Task* next_with_parts();
    static bool is_more_urgent(const Task& a, const Task& b);
    void send_part(Task& whole);
    void part_ended(PartOf of, TaskResult&& result);
    void take_part(PartOf of, TaskResult&& result);
    bool part_again(PartOf of, Cut& cut);
    void fail_part(Task& whole, uint32_t index, TaskResult&& result);
    void fail_parts(Task& whole, TaskResult&& result);
    void merge_parts(Task& whole);
    void on_merged(Task& whole);
    void drop_parts(Cut& cut);
    void learn_whole(const Task& task, const TaskResult& result);

    // That it is over, and what was in its way as far as is known here.
    [[nodiscard]] std::string deadline_text(const Task& task);
    void send_cancel(const Task& task);
    bool can_run_local(const Task& task) const {
        return runner_ && task.spec->place != Place::kRemote && !is_data_away(task) &&
               runner_->can_run(task.spec->task_type);
    }
    static bool is_data_away(const Task& task) {
        return task.spec->content && task.spec->content->is_away;
    }
    void start_local(Task& task);
    // ---- client_refusals.cpp
    [[nodiscard]] HoldBack::Wish wish_of(const Task& task, uint64_t at_us) const;
    // True: it is not sent, and may have ended.
    [[gnu::cold]] bool hold_back(Task& task, uint64_t now_us);
    [[gnu::cold]] void note_refusal(const Task& task, const wire::ResultDelivery& delivery);
    // ---- client_frames.cpp
    [[nodiscard]] bool is_frame_over(const Task& task) const;
    // When it must begin.
    [[nodiscard]] uint64_t plan_form(Task& task, uint64_t now_us);
    uint64_t choose_local_form(Task& task, exec::JobSpec& spec);
    void learn_local_form(const Task& task, bool ended);
    [[nodiscard]] bool awaits_away(const Task& task) const;
    [[nodiscard]] static int32_t local_quality(const Task& task) {
        return task.frame->forms[task.local_form].quality;
    }
    void tell_here(Task& task, TaskResult&& result);
    // ---- client_local.cpp
    [[nodiscard]] bool goes_on_away(Task& task, Status status);
    void go_away(Task& task);
    void go_by_worth(Task& task);
    [[nodiscard]] bool prepare_trial(const Task& task, Placed& placed, Side side);
    void run_trial();
    [[nodiscard]] bool is_trial(uint64_t id) const { return id == trial_.id; }
    void learn(Task& task, const TaskResult& result);
    void tell_flow(const Task& task, const TaskResult& result, uint64_t now);
    void learn_away(Task& task, const TaskResult& result, bool learns);
    // A kept task failed here: can it be sent instead?
    [[nodiscard]] bool send_instead(Task& task, Status status);
    void told_failed_away(Task& task);
    [[nodiscard]] Bytes placement_fields() const;
    // When this machine starts to compute it, should no answer have come by then.
    void plan_local(Task& task, uint64_t now_us) {
        unplan_local(task);
        if (can_run_local(task)) plan_run(task, now_us);
    }
    void unplan_local(Task& task) {
        task.local_at_us = 0;
        local_backlog_us_ -= std::exchange(task.local_cost_us, 0);
    }
    void plan_run(Task& task, uint64_t now_us);
    void arm(Task& task);
    void on_time();
    void time_of(Task& task, uint64_t now_us);
    void arm_next();
    void end(Task& task, TaskResult&& result);
    // `result` is what else is known of it.
    static TaskResult failed(Status status, std::string_view field, std::string_view error,
                             TaskResult&& result = {});
    void end_error(Task& task, Status status, std::string_view field, std::string_view error,
                   TaskResult&& result = {});
    void count(const Task& task, const TaskResult& result);
    void measure_path(const Task& task, const TaskResult& result);
    void expire_calls();
    double& local_estimate(const Task& task);
    [[nodiscard]] uint64_t window() const {
        const double wanted = 2 * rate_bytes_per_us_ * static_cast<double>(latency_min_us_);
        return std::clamp(static_cast<uint64_t>(wanted), std::min(kWindowFloor, window_bytes_max_),
                          window_bytes_max_);
    }

    net::Loop& loop_;
    exec::Runner* runner_;
    ClientOptions options_;
    ClientEvents& events_;
    std::unique_ptr<Link> link_;
    Error given_up_;        // while stats_.given_up
    uint64_t gone_us_ = 0;  // since when no coordinator can be reached; 0: none is missed
    uint64_t lost_us_ = 0;  // the connection, last
    std::string lost_why_;
    bool closed_ = false;

    SlotMap<Task> tasks_;
    IdMap<uint64_t> slots_;  // task id to slot
    std::vector<uint64_t> slot_ids_;
    sched::DeadlineWheel wheel_;
    net::Timer timer_;
    uint64_t armed_us_ = UINT64_MAX;
    std::map<uint64_t, std::vector<uint64_t>> dependents_;  // task to those that wait for it
    // Tasks whose waiting is over. A chain may be as long as a gamer likes: it is walked along, not
    // descended into. There is room for all that wait.
    std::vector<uint64_t> released_;
    size_t held_count_ = 0;
    bool releasing_ = false;
    Ended ended_;
    std::map<uint64_t, uint64_t> calls_;  // call to its time limit
    net::Timer call_timer_;

    OutStreams out_;
    Assembler assembler_{options_.memory};
    ClientContents contents_;
    uint64_t content_stream_ = 0;  // the latest
    std::set<Digest256> dropped_;  // contents that a coordinator does not know of yet as such
    wire::EnvelopeBuffer envelope_;
    PlainSubmit plain_;
    wire::ResultDelivery delivery_;  // the one that is being read
    std::string last_type_;          // most tasks are of the type of the one before
    uint64_t last_deadline_us_ = 0;

    // The window of large payloads: twice what the path delivers in its shortest round.
    uint64_t windowed_bytes_ = 0;
    uint64_t window_bytes_max_ = kWindowFloor;
    uint32_t task_timeout_ms_ = 0;  // of the coordinator; 0: it has not said
    double rate_bytes_per_us_ = 0;
    uint64_t latency_min_us_ = 0;
    uint64_t rate_since_us_ = 0;
    uint64_t rate_bytes_ = 0;
    std::vector<Waiting> window_queue_;  // a heap, with some that have ended
    uint64_t waited_ = 0;                // so far
    std::deque<uint64_t> on_way_;        // those that are in the window, and some that were
    uint64_t large_bytes_ = 0;           // of all large ones that are not answered
    uint64_t way_min_us_ = 0;            // the shortest way there and back; 0: not known
    net::Timer window_timer_;

    std::vector<std::pair<std::string, double>> local_us_;  // learned per type
    LocalTimes local_times_;                                // of frames
    uint64_t local_backlog_us_ = 0;                         // of all that is planned or runs here
    std::unique_ptr<Placement> placement_;                  // NULL: not by worth
    std::shared_ptr<exec::Executor> decoding_work_;         // NULL: nothing may come coded
    Decodings decodings_{*this};
    Trial trial_;
    uint64_t trials_begun_ = 0;
    std::shared_ptr<exec::Executor> part_work_ = make_part_work();
    PartJobs part_jobs_{*this};
    PartTimes part_times_;
    PartOf next_part_;  // the one that is being submitted
    uint64_t parts_begun_ = 0;
    std::vector<uint64_t> with_parts_;  // tasks with parts that are still to be sent
    uint32_t parts_under_way_ = 0;
    bool sending_parts_ = false;
    bool counts_told_ = false;  // over this connection
    HoldBack hold_back_;
    Prng chance_{0};
    ClientStats stats_;
};

}  // namespace p2c2r::roles
