// The coordinator role: admits tasks, has the scheduler place them, relays payloads without opening
// them, and ends every admitted task exactly once. Loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/crypto.h"
#include "core/log.h"
#include "core/prng.h"
#include "exec/executor.h"
#include "identity/access_list.h"
#include "model/task.h"
#include "net/loop.h"
#include "net/tls.h"
#include "net/transport.h"
#include "roles/shares.h"
#include "roles/stats.h"
#include "sched/copy_credit.h"

namespace p2c2r::roles {

struct CoordinatorOptions {
    std::string listen_address = "127.0.0.1";
    uint32_t listen_port = limits::kListenPortDefault;  // 0: any free one
    bool listen = true;                                 // false: only accept() in this process
    std::shared_ptr<net::TlsContext> tls;               // NULL: bytes travel as they are
    identity::AccessList* access = nullptr;  // NULL: whoever comes is let in; MUST outlive it
    std::string certificate_file;            // what `tls` was read from, for people
    bool plaintext_anywhere = false;         // without `tls` too, not on loopback only
    uint32_t max_peers = limits::kPeersMaxDefault;
    uint64_t task_timeout_us = limits::kTaskTimeoutMsDefault * 1000ull;
    uint64_t heartbeat_interval_us = limits::kHeartbeatIntervalMsDefault * 1000ull;
    // So often a peer that has work is to say something; 0: nobody is judged by silence.
    uint64_t beat_interval_us = 10'000;
    uint64_t memory_max = limits::kMemoryMaxDefault;
    // Bytes that this process really has out for payloads, with what is received into; and how many
    // they may be. NULL: nobody knows, and memory_max has to do.
    std::function<uint64_t()> in_use;
    uint64_t in_use_max = 0;
    uint64_t gamer_window_bytes = 32ull << 20;  // payload bytes one account may have pending
    uint64_t resume_grace_us = 10'000'000;      // how long a lost gamer's tasks wait for it
    // Of each account that is not the operator's; where no logins are asked for and plaintext is
    // taken from anywhere, of each network but loopback.
    ShareLimits share;
    bool limit_operator = false;  // of these as well
    bool local_execution = true;  // last resort: the coordinator computes it
    // Of attempts: copies of tasks that are late. 0: only what is at a silent peer is copied.
    uint32_t copies_percent = sched::CopyCredit::kPercentUsual;
    // Of contents that are kept; one account has half of it at most. 0: there are none.
    uint64_t content_bytes_max = limits::kContentBytesMaxDefault;
    // Of answers that are kept for who asks the same again. 0: everything is computed anew.
    uint64_t answer_bytes_max = 64ull << 20;
};

class CoordinatorEvents {
  public:
    virtual void on_peer_joined(const std::string& peer_id) = 0;
    virtual void on_peer_left(const std::string& peer_id, const std::string& reason) = 0;
    virtual void on_peer_failed(const std::string& peer_id, const std::string& reason) = 0;
    // The certificate ends soon, or (not `is_good`) does not count: nobody takes it who connects.
    virtual void on_certificate(bool is_good, const std::string& text) {
        (void)is_good;
        (void)text;
    }

  protected:
    ~CoordinatorEvents() = default;
};

struct TypeStats {
    std::string task_type;
    uint64_t completed = 0;
    uint64_t failed = 0;
    Histogram processing_us;
};

struct CoordinatorStats {
    uint32_t active_peers = 0;
    uint32_t clients = 0;
    uint32_t pending_tasks = 0;
    uint64_t submitted = 0;
    uint64_t completed_tasks = 0;
    uint64_t failed_tasks = 0;
    uint64_t cancelled_tasks = 0;
    uint64_t retries = 0;
    uint64_t timeouts = 0;
    uint64_t peer_failures = 0;
    sched::CopyStats copies;
    uint64_t taken_back = 0;  // tasks, from a peer that had not begun them
    uint64_t local_tasks = 0;
    uint64_t refused_tasks = 0;         // over a limit, answered E_BUSY or E_LIMIT
    uint64_t refused_memory = 0;        // of these: the memory budget
    uint64_t refused_share = 0;         // of these: what their account may have, or how fast
    uint64_t refused_deadline = 0;      // of these: could not have been done in time
    uint64_t closed_for_memory = 0;     // connections with a frame that had begun
    uint64_t shed_tasks = 0;            // gave way while memory was short
    uint64_t protocol_errors = 0;       // connections closed for what they sent
    uint64_t slow_connections = 0;      // closed for sending or reading too slowly
    uint64_t rejected_connections = 0;  // closed unheard: too many that had not registered
    uint64_t audit_lost = 0;            // entries of the audit log that could not be written
    uint64_t bytes_in = 0;
    uint64_t bytes_out = 0;
    uint64_t payload_bytes_held = 0;  // inputs, and answers that wait for their gamers
    uint64_t content_bytes = 0;       // of contents that are kept
    uint64_t content_hits = 0;        // tasks whose content was here
    uint64_t content_misses = 0;      // and whose had to be waited for
    uint64_t content_evicted = 0;
    uint64_t contents_sent = 0;         // to peers
    uint64_t answer_bytes = 0;          // of answers that are kept
    uint64_t answer_hits = 0;           // tasks whose answer was known
    uint64_t answers_followed = 0;      // and whose was being computed for another one
    uint64_t payload_bytes_copied = 0;  // of payloads of 4 KiB and more: they should not be
    double utilisation = 0;             // contract: "Numbers"
    Histogram total_us;                 // admission to delivery, of successful tasks
    Histogram queue_us;
    Histogram processing_us;
    Histogram network_us;
    std::vector<TypeStats> types;
};

class Coordinator {
  public:
    // `runner` NULL: nothing is computed here.
    Coordinator(net::Loop& loop, net::Transport& transport, exec::Runner* runner,
                RandomSource& random, Prng prng, Log log, CoordinatorOptions options,
                CoordinatorEvents& events);
    ~Coordinator();

    // Listens. The error names address and port.
    Result<Done> start();
    [[nodiscard]] uint32_t port() const;  // 0: not listening
    // A connection that did not come over the listener but from a role of the same process: it is
    // the operator's, and needs no login.
    void accept(std::unique_ptr<net::Connection> connection);

    // Named questions and commands (p2c2r_coordinator_call): a map of arguments in, a map out;
    // `text` is set where the answer is text ("metrics").
    Result<Bytes> call(const std::string& name, std::span<const uint8_t> arguments,
                       std::string* text);
    // Admits nothing new; `drained` is called once no task is pending.
    void drain(std::function<void()> drained);
    // Ends every task with kClosed and says goodbye to everybody.
    void close();

    [[nodiscard]] const CoordinatorStats& stats();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace p2c2r::roles
