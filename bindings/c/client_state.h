// A client as the C interface has it: the table of its tasks between the host's threads and the
// role on the loop.
//
// Way of a task: submit() fills an entry and puts it in the mail; the loop takes the mail and hands
// the task to the role; the role ends it; when the turn settles, the ended entries are made known
// together: to waiting threads, to poll(), or in the queue that dispatch() works off. Lists are
// linked through the entries, so that nothing after submit() needs memory: a task that was accepted
// ends, whatever else fails.
//
// Each entry belongs to one side at a time. Its members are written under the mutex, but for those
// that only the loop uses between taking the mail and settling.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bindings/c/coordinator_port.h"
#include "bindings/c/options.h"
#include "bindings/c/pool.h"
#include "bindings/c/role_state.h"
#include "bindings/c/role_transport.h"
#include "core/cache.h"
#include "core/slot_map.h"
#include "p2c2r/p2c2r.h"
#include "roles/client.h"

namespace p2c2r::capi {

class FramesState;

inline constexpr uint32_t kBusyRetryMs = 5;  // what is told with E_BUSY

// Payloads up to this size live in their entry.
inline constexpr size_t kSmallPayload = 128;

struct alignas(kCacheLine) TaskEntry {
    enum class Phase : uint8_t {
        kMailed,   // accepted; the loop has not taken it yet
        kRunning,  // the role has it, or has ended it in this turn
        kWaiting,  // ended; poll, wait or get_result will fetch it
        kQueued,   // ended; dispatch will tell
        kTaken,    // dispatch has it
        kGone,     // over, but still in the mail
        kCall,     // no task: the id of a question to the coordinator
    };
    enum class Told : uint8_t { kNo, kYes, kNever };

    // In the order of use, with what most tasks do not need behind.
    bool on_loop = false;  // loop only: the role has it
    bool in_mail = false;
    bool wants_cancel = false;
    bool wants_answer = false;  // at answer_at_us
    Phase phase = Phase::kMailed;
    std::atomic<Told> told{Told::kNo};  // who comes first: done or forget
    uint64_t id = 0;
    uint64_t mail_us = 0;  // loop only: time it spent in the mail
    p2c2r_bytes lent{};    // with a release: the payload is the host's until the end
    TaskSpec spec;         // the role reads it until the task has ended
    const TypeName* type = nullptr;
    void* output = nullptr;
    size_t output_size = 0;
    p2c2r_result* result = nullptr;
    TaskEntry* next_ended = nullptr;  // in the loop's list, then in the queue
    uint64_t payload_size = 0;
    p2c2r_done_fn done = nullptr;
    void* user = nullptr;
    uint64_t submitted_us = 0;
    TaskEntry* next_mail = nullptr;
    p2c2r_part_fn part = nullptr;
    uint64_t answer_at_us = 0;                      // of a task that answers a frame
    std::shared_ptr<const roles::FrameWish> frame;  // NULL: it answers none
    uint8_t small[kSmallPayload];                   // a payload that has no memory of its own
};

// A part that dispatch will tell of, before the end of its task.
struct PartNote {
    p2c2r_task task = 0;
    p2c2r_part_fn part = nullptr;
    void* user = nullptr;
    roles::TaskPart which;
    p2c2r_result* result = nullptr;
    std::unique_ptr<PartNote> next;
};

struct ClientSettings {
    uint32_t tasks_max = 4096;
    uint64_t bytes_max = 256ull << 20;
    std::shared_ptr<CoordinatorPort> local;  // NULL: by socket, or this machine only
    net::FakeNetwork fake_network;
    roles::ClientOptions options;
};

class ClientState final : public RoleState, private roles::ClientEvents {
  public:
    ClientState(RuntimeState& runtime, const p2c2r_client_config& config, ClientSettings settings);
    ~ClientState() override;
    // Makes the role on the loop; it begins to connect.
    Status open();

    // ---- any thread
    // `now` is the time of acceptance. With an error nothing of `desc` was taken.
    // `frame` NULL: the task answers none.
    p2c2r_status submit(const p2c2r_task_desc& desc, uint64_t now, p2c2r_task* out,
                        p2c2r_error* why, std::shared_ptr<const roles::FrameWish> frame = nullptr);
    Status cancel(p2c2r_task task);
    Status forget(p2c2r_task task);
    p2c2r_status keep(p2c2r_task kept, const p2c2r_task* tasks, uint32_t count, p2c2r_error* why);
    Status poll(p2c2r_task task, p2c2r_result** out);
    // `spins`: as LoopDriver::wait.
    Status wait(const p2c2r_task* tasks, uint32_t count, uint64_t timeout_us, uint32_t* which,
                bool spins = true);
    Status get_result(p2c2r_task task, uint64_t timeout_us, p2c2r_result** out, bool spins = true);
    p2c2r_status put(const p2c2r_bytes& bytes, p2c2r_content* out, p2c2r_error* why);
    Status drop_content(p2c2r_content content);
    p2c2r_status put_result(const TaskResult& answer, p2c2r_content* out, p2c2r_error* why);
    p2c2r_status get_content(p2c2r_content content, uint64_t timeout_us, p2c2r_result** out,
                             p2c2r_error* why);
    p2c2r_status connect(uint64_t timeout_us, p2c2r_error* why);
    p2c2r_status call(const char* name, Bytes arguments, uint64_t timeout_us, p2c2r_result** out,
                      p2c2r_error* why);
    Status stats(p2c2r_client_stats& out);

    // ---- frames of this client
    void* add_frames(std::unique_ptr<FramesState> frames);
    void remove_frames(FramesState& frames);
    // The answer to this task is wanted at `at_us`.
    void want_answer(p2c2r_task task, uint64_t at_us);
    // What this machine has computed for a task of a frame.
    struct Local {
        p2c2r_result* result = nullptr;  // while another answer is still awaited
        int32_t quality = 0;             // 0: it has computed none
    };
    // The result is the caller's to release. What has ended keeps it until it is taken.
    Local take_local(p2c2r_task task);
    [[nodiscard]] bool has_local(p2c2r_task task);
    [[nodiscard]] bool has_frames();

    // RoleState
    void take_mail() override;
    void settle() override;
    void dispatch(DispatchBudget& budget) override;
    [[nodiscard]] bool has_waiting() override;
    void wake_waiting() override;
    Status shut(uint64_t deadline_us) override;

  private:
    static constexpr size_t kBatch = 64;
    static constexpr uint32_t kContentsMax = 65536;
    struct PutContent {
        std::shared_ptr<const Content> content;
        uint32_t puts = 0;
    };
    // For the role: a content that was put, or, without one, the digest of one that was dropped.
    struct ContentMail {
        std::shared_ptr<const Content> put;
        Digest256 dropped{};
    };
    struct Call;

    // roles::ClientEvents, on the loop
    void on_task_ended(uint64_t task, TaskResult&& result) override;
    void on_task_here(uint64_t task, int32_t quality, TaskResult&& result) override;
    void on_local_quality(uint64_t task, int32_t quality) override;
    void on_task_part(uint64_t task, const roles::TaskPart& part,
                      const TaskResult& result) override;
    void expect_end(uint64_t task) override;
    void on_client_state(Status status, const std::string& text) override;
    void on_peer_count(uint32_t available, uint32_t total) override;
    void on_call_done(uint64_t call, const Error* error, Bytes fields, Bytes data) override;

    // NULL: it is not the one that was asked for last.
    [[nodiscard]] const TypeName* same_type(const char* name) const;
    Result<const TypeName*> type_of(const char* name);
    // What `desc` says of a content: that, and its packed patches as the data; or an error.
    p2c2r_status read_content(const p2c2r_task_desc& desc, std::shared_ptr<const Content>& content,
                              Bytes& delta, p2c2r_error* why);
    void hand_over_contents(std::vector<ContentMail>& mail);
    // Under the mutex; `entry` is new. What throws leaves the entry to be dropped.
    static void fill(TaskEntry& entry, const p2c2r_task_desc& desc, const TypeName& type,
                     Bytes&& params);
    // Under the mutex. True: the mail was empty, so the loop must be told.
    bool put_in_mail(TaskEntry& entry);
    void drop(TaskEntry& entry);
    [[nodiscard]] bool has_done(const TaskEntry& entry) const { return entry.done != nullptr; }
    // Under the mutex: takes the result out of an entry that has ended.
    p2c2r_result* fetch(TaskEntry& entry);

    void hand_over(TaskEntry& entry, uint64_t id, uint64_t now);
    void end(TaskEntry& entry, TaskResult&& result) noexcept;
    void end_all(Status status) noexcept;
    void deliver(DispatchBudget& budget);
    bool tell_parts(DispatchBudget& budget, std::unique_lock<std::mutex>& lock);
    void tell(TaskEntry& entry);

    const ClientSettings settings_;
    std::atomic<const TypeName*> last_type_{nullptr};

    std::mutex mutex_;  // guards what follows, up to the loop's own
    std::condition_variable changed_;
    uint32_t waiters_ = 0;
    bool closing_ = false;
    SlotMap<TaskEntry> tasks_;
    uint32_t held_ = 0;     // accepted and not yet handed back
    uint32_t pending_ = 0;  // of these, not ended
    uint64_t held_bytes_ = 0;
    SlotMap<PutContent> contents_{kContentsMax};
    std::map<Digest256, p2c2r_content> content_by_digest_;
    std::vector<ContentMail> content_mail_;
    TaskEntry* mail_first_ = nullptr;
    TaskEntry** mail_last_ = &mail_first_;
    TaskEntry* queue_first_ = nullptr;
    TaskEntry** queue_last_ = &queue_first_;
    std::unique_ptr<PartNote> part_queue_;  // told before any of the queue
    PartNote* part_queue_last_ = nullptr;
    Call* calls_ = nullptr;
    bool connected_ = false;
    Status given_up_ = Status::kOk;
    std::string state_text_;
    uint32_t peers_available_ = 0;
    uint32_t peers_total_ = 0;
    std::vector<std::unique_ptr<FramesState>> frames_;
    std::map<p2c2r_task, Local> locals_;  // of frames; see take_local()

    // The loop's own.
    RoleTransport transport_;
    std::unique_ptr<roles::Client> role_;
    std::vector<TaskEntry*> entries_;  // by slot: those that the role has
    TaskEntry* ended_first_ = nullptr;
    TaskEntry** ended_last_ = &ended_first_;
    std::unique_ptr<PartNote> parts_;  // that came in this turn
    PartNote* parts_last_ = nullptr;
};

}  // namespace p2c2r::capi
