// RuntimeState: the parts of one runtime put together. The loop and who turns it, memory, the
// executors and the threads that run them, the transport, and the roles that live on all this.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bindings/c/builtin.h"
#include "bindings/c/host_executor.h"
#include "bindings/c/loop_driver.h"
#include "bindings/c/pool.h"
#include "bindings/c/role_state.h"
#include "core/crypto.h"
#include "core/log.h"
#include "core/prng.h"
#include "exec/worker_pool.h"
#include "model/payload_coder.h"
#include "net/transport.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::capi {

class RuntimeState final : public LogSink, private exec::LoopWaker {
  public:
    // `config` is complete and has been checked for its sizes and ABI version; `lent` is its
    // `vulkan`.
    static Result<std::unique_ptr<RuntimeState>> create(const p2c2r_runtime_config& config,
                                                        std::optional<gpu::HostDevice> lent);
    // No role is left. Stops and joins everything.
    ~RuntimeState();

    // ---- parts
    [[nodiscard]] Pool& pool() { return *pool_; }
    [[nodiscard]] LoopDriver& driver() { return *driver_; }
    [[nodiscard]] net::UvLoop& loop() { return driver_->loop(); }
    [[nodiscard]] net::Transport& transport() { return *transport_; }
    [[nodiscard]] exec::WorkerPool& workers() { return *workers_; }
    [[nodiscard]] Builtin& builtin() { return *builtin_; }
    [[nodiscard]] HostExecutors& host_executors() { return host_executors_; }
    [[nodiscard]] exec::Registry& registry() { return registry_; }
    [[nodiscard]] const Log& log() const { return log_; }
    [[nodiscard]] RandomSource& random() { return *random_; }             // loop only
    [[nodiscard]] Prng fork_prng() { return prng_.fork(++prng_forks_); }  // loop only
    [[nodiscard]] bool delivers_on_loop() const { return delivers_on_loop_; }
    [[nodiscard]] bool has_worker_threads() const { return has_worker_threads_; }
    // NULL where no thread of ours would use it, or none was built in.
    [[nodiscard]] const std::shared_ptr<const PayloadCoder>& coder() const { return coder_; }

    // ---- roles
    // Any thread: the role has mail; its take_mail() runs in the next turn.
    void mail(RoleState& role) noexcept;
    // On the loop: the role's settle() runs when this turn ends.
    void want_settle(RoleState& role) noexcept;
    // Any thread: something waits for dispatch or poll.
    void notify() noexcept;
    // Any thread: whoever waits looks again.
    void wake_all();
    // On the loop: the next turn would find mail or ended jobs.
    [[nodiscard]] bool has_mail() const { return has_mail_.load() || jobs_ended_.load(); }

    // Host functions of DISPATCH roles run inside this gate, one thread at a time.
    bool try_enter_gate() noexcept;
    bool enter_gate(uint64_t deadline_us);
    void leave_gate() noexcept;
    // Inside the gate: every role in turn.
    void dispatch_all(DispatchBudget& budget);
    // Any thread: dispatch would find something.
    [[nodiscard]] bool has_waiting();

    // Gives the role a handle. Throws std::bad_alloc; kClosed after close().
    Result<void*> add_role(std::unique_ptr<RoleState> role);
    // Ends the role and deletes it. kTimeout: it is still there.
    Status destroy_role(RoleState& role, uint64_t deadline_us);
    [[nodiscard]] bool has_roles();
    Status close(uint64_t deadline_us);
    [[nodiscard]] bool is_closed();

    // LogSink
    void write(LogLevel level, std::string_view room, std::string_view text) override;

  private:
    explicit RuntimeState(const p2c2r_runtime_config& config);
    void wake_for_jobs() override;
    bool intake();
    void settle();
    void unlink(RoleState& role);

    const bool delivers_on_loop_;
    const bool has_worker_threads_;
    const p2c2r_log_fn log_fn_;
    const p2c2r_notify_fn notify_fn_;
    const p2c2r_thread_fn thread_fn_;
    void* const user_;
    Log log_;

    struct PoolRelease {
        void operator()(Pool* pool) const { pool->release(); }
    };
    // In the order in which they need each other.
    std::unique_ptr<Pool, PoolRelease> pool_;
    std::unique_ptr<LoopDriver> driver_;
    std::unique_ptr<RandomSource> random_;
    Prng prng_{0};
    uint64_t prng_forks_ = 0;
    exec::Registry registry_;
    HostExecutors host_executors_;
    std::unique_ptr<Builtin> builtin_;
    std::shared_ptr<const PayloadCoder> coder_;
    std::unique_ptr<exec::WorkerPool> workers_;
    std::unique_ptr<net::Transport> transport_;

    std::atomic<bool> jobs_ended_{false};
    std::atomic<bool> has_mail_{false};
    std::mutex mail_mutex_;  // guards the list of roles with mail
    RoleState* mail_first_ = nullptr;
    RoleState* settle_first_ = nullptr;  // loop only
    bool settling_ = false;              // loop only

    std::mutex gate_mutex_;  // guards the gate
    std::condition_variable gate_opened_;
    bool gate_taken_ = false;

    std::mutex roles_mutex_;  // guards the list; roles leave it only inside the gate
    std::vector<std::unique_ptr<RoleState>> roles_;
    bool closed_ = false;
};

}  // namespace p2c2r::capi
