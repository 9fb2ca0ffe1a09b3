// The client role: takes tasks, keeps one connection to a coordinator, and ends every accepted task
// exactly once: by the coordinator's answer, by computing it here as the last resort, or by an
// error at its deadline. Loop thread only; no socket, thread or clock of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/crypto.h"
#include "core/log.h"
#include "core/prng.h"
#include "exec/executor.h"
#include "model/payload_coder.h"
#include "model/task.h"
#include "net/loop.h"
#include "net/transport.h"
#include "roles/endpoint.h"
#include "roles/local_forms.h"
#include "roles/stats.h"

namespace p2c2r::roles {

// So long after the coordinator was found to be out of reach, and no longer, tasks that this
// machine can compute wait for it: a lost connection is often made anew within that.
inline constexpr uint64_t kLinkGraceUs = 100'000;

struct ReconnectOptions {
    uint32_t attempts_max = 0xFFFFFFFE;  // in a row; 0: none
    uint64_t backoff_first_us = 50'000;  // doubled after each failure, half of it jitter
    uint64_t backoff_max_us = 5'000'000;
    uint64_t connect_timeout_us = 5'000'000;  // of a try, the handshake included
};

struct ClientOptions {
    std::string client_id;  // empty: automatic
    Endpoint coordinator;   // no host with no transport: this machine only
    ReconnectOptions reconnect;
    bool checksum = false;  // XXH3 over payloads, made here, checked by the last receiver
    // Tasks of Place::kAuto stay here where that is better (roles/placement.h); else all of them
    // leave while there is a coordinator.
    bool place_by_worth = false;
    // For results that come coded, which are asked for where the line is slow; NULL: never. Needs a
    // runner with threads of its own.
    std::shared_ptr<const PayloadCoder> coder;
    // Memory of results that arrive in chunks; MUST outlive them. NULL: the C library's.
    const MemoryHook* memory = nullptr;
};

// Which part of a task that was cut. Units are the splitter's smallest pieces.
struct TaskPart {
    uint32_t index = 0;
    uint32_t count = 0;
    uint64_t first_unit = 0;
    uint64_t unit_count = 0;
    uint64_t units = 0;          // of the whole
    const char* unit_name = "";  // static text: "rows", ...
};

class ClientEvents {
  public:
    // The one end of an accepted task. Small results are borrowed from the frame that brought them:
    // info and data that are to outlive the call must be owned().
    virtual void on_task_ended(uint64_t task, TaskResult&& result) = 0;
    // This machine's answer to a task of a frame whose other one is still awaited: the task goes
    // on. At most once, before its end. Info and data as above; `quality` is of the form.
    virtual void on_task_here(uint64_t task, int32_t quality, TaskResult&& result) {
        (void)task;
        (void)quality;
        (void)result;
    }
    // Right before such a task ends with an answer of this machine: the quality of its form.
    virtual void on_local_quality(uint64_t task, int32_t quality) {
        (void)task;
        (void)quality;
    }
    // A part of a task that was cut has come: each that ends with OK is told once, in the order in
    // which they come, before the end of the task. Info and data are owned.
    virtual void on_task_part(uint64_t task, const TaskPart& part, const TaskResult& result) {
        (void)task;
        (void)part;
        (void)result;
    }
    // A hint: the end of this task is likely to be told soon.
    virtual void expect_end(uint64_t task) { (void)task; }
    // kOk: connected and registered. kDisconnected: lost, trying again. Another: given up.
    virtual void on_client_state(Status status, const std::string& text) = 0;
    virtual void on_peer_count(uint32_t available, uint32_t total) = 0;
    // `fields` is a MessagePack map.
    virtual void on_call_done(uint64_t call, const Error* error, Bytes fields, Bytes data) = 0;

  protected:
    ~ClientEvents() = default;
};

struct ClientStats {
    bool connected = false;
    bool given_up = false;
    uint32_t peers_available = 0;
    uint32_t peers_total = 0;
    uint64_t submitted = 0;
    uint64_t completed = 0;
    uint64_t failed = 0;
    uint64_t cancelled = 0;
    uint64_t local = 0;
    uint64_t kept_here = 0;  // placed here because a helper would be no gain
    uint64_t trials = 0;     // copies of tasks, run to learn what that takes; counted nowhere else
    uint64_t cut = 0;        // tasks that were cut, and the parts of them that came; the parts are
    uint64_t parts = 0;      // counted nowhere else
    uint64_t reconnects = 0;
    uint64_t looked_for = 0;  // large payloads that may be on the line still
    uint64_t bytes_in = 0;
    uint64_t bytes_out = 0;
    uint64_t held_back = 0;      // not sent, since the coordinator was refusing such tasks
    uint64_t coded = 0;          // results that came coded
    uint64_t contents_sent = 0;  // how often one has gone to the coordinator
    Histogram total_us;          // of successful tasks
};

class Client {
  public:
    // `transport` NULL: this machine only. `runner` NULL: nothing is computed here. All must
    // outlive it.
    Client(net::Loop& loop, net::Transport* transport, exec::Runner* runner, RandomSource& random,
           Prng prng, Log log, ClientOptions options, ClientEvents& events);
    ~Client();  // as close(), but tells nobody

    void start();
    // `task` is chosen by the caller and never used twice; its lower half is from 1 to 2^31 - 1
    // (the others are the client's own: trials and parts). The spec was checked by
    // check_task_type() and check_task_spec(); it stays the caller's, and MUST stay as it is until
    // on_task_ended (perhaps before submit returns) or the client's own end. What this throws
    // leaves no task behind. `frame` not NULL: the task answers a frame, so this machine computes
    // an answer in time for that, and one that comes later is still of use.
    void submit(uint64_t task, const TaskSpec& spec,
                const std::shared_ptr<const FrameWish>& frame = nullptr);
    // Ended or unknown tasks are ignored.
    void cancel(uint64_t task);
    // The answer of this task of a frame is wanted at `at_us`, rather than when it was said before.
    void want_answer(uint64_t task, uint64_t at_us);
    // A content that tasks will refer to: begins to go where it will be needed. A task may also
    // bring one that was never put.
    void put(std::shared_ptr<const Content> content);
    // Once for each put: no further task refers to it.
    void drop(const Digest256& digest);
    // Asks the coordinator; answered once through on_call_done. "placement" is answered here.
    void call(uint64_t call, const std::string& name, Bytes arguments, uint64_t timeout_us);
    // Ends every task with kClosed and says goodbye.
    void close();

    [[nodiscard]] const ClientStats& stats();
    // "host:port" of its coordinator while it is connected; empty: in this process.
    [[nodiscard]] std::string where() const;
    // What the handshake has shown that is not done yet; "" where there is none.
    [[nodiscard]] std::string handshake_so_far() const;
    [[nodiscard]] const std::string& client_id() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

// The name of a task type, wherever a host gives one: 1 to 64 bytes of UTF-8 without control
// characters.
Result<Done> check_task_type(std::string_view name);
// What else can be said of a task before it is accepted: sizes, circle and the like.
Result<Done> check_task_spec(const TaskSpec& spec);
// The same without a word of what is wrong.
inline bool is_good_task_spec(const TaskSpec& spec) {
    const uint64_t size = static_cast<uint64_t>(spec.params.size()) + spec.data.size() +
                          (spec.content ? spec.content->bytes.size() : 0);
    return size <= limits::kPayloadSizeMax && spec.circle != Circle::kPublic &&
           spec.verify <= VerifyClass::kA && spec.depends_on.size() <= limits::kDependsOnMax;
}

}  // namespace p2c2r::roles
