// Executors that the host registers (p2c2r_executor_desc) as the library's own, and the jobs they
// see (p2c2r_job).
//
// What a host function returns is input: a status that is not in the list, or OK without an output,
// becomes E_EXECUTOR. A job that was left PENDING is in its executor's list until it is finished,
// and so is each job while its `run` runs on a worker thread; cancel looks there.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bindings/c/function_ref.h"
#include "bindings/c/pool.h"
#include "exec/executor.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::capi {

class HostExecutor;
class HostExecutors;

inline constexpr uint32_t kJobMagic = 0x4A327032;

}  // namespace p2c2r::capi

struct p2c2r_job {
    enum class Phase : uint8_t {
        kRunning,    // its run() runs or has left it PENDING
        kFinishing,  // finish() is at work
        kEnded,
    };

    uint32_t magic = p2c2r::capi::kJobMagic;
    uint32_t epoch = 0;
    std::atomic<uint32_t> references{1};
    std::atomic<Phase> phase{Phase::kRunning};
    std::atomic<bool> orphan{false};
    p2c2r::exec::Job* job = nullptr;    // counted
    p2c2r::capi::Pool* pool = nullptr;  // counted
    std::shared_ptr<p2c2r::capi::HostExecutor> executor;

    // What the executor says, until it ends.
    bool output_set = false;
    p2c2r::Bytes data;
    p2c2r::Bytes info;
    std::string field;
    std::string text;

    // Forms of the input that are made when they are first asked for.
    std::mutex forms_mutex;  // guards those below
    bool params_checked = false;
    std::unique_ptr<std::string> params_json;
    p2c2r::Bytes input;  // 64-byte aligned, when the task's data is not

    // The executor's list; its mutex. A job leaves it, and with it the list's reference, when it
    // has ended and no host function of it runs.
    p2c2r_job* next = nullptr;
    p2c2r_job** link = nullptr;  // NULL: not in it
    uint32_t inside = 0;         // host functions of this job that run

    p2c2r_job() = default;
    ~p2c2r_job();
};

namespace p2c2r::capi {

void retain_job(p2c2r_job* job) noexcept;
void release_job(p2c2r_job* job) noexcept;

class HostExecutor final : public exec::Executor,
                           public std::enable_shared_from_this<HostExecutor> {
  public:
    // `desc` has been checked. `owner` outlives the runtime's pool of workers.
    HostExecutor(const p2c2r_executor_desc& desc, std::string task_type, Pool& pool,
                 HostExecutors& owner);
    ~HostExecutor() override;

    [[nodiscard]] Traits traits() const override { return traits_; }
    Status run(exec::Job& job) override;
    void cancel(exec::Job& job) override;

    [[nodiscard]] const std::string& task_type() const { return task_type_; }
    // From now on every run() is refused.
    void stop();
    // Waits until no job of it runs or is PENDING. False at deadline_us.
    bool wait_gone(uint64_t deadline_us);
    // The host's destroy(user), once.
    void destroy_host();

    // Ends `job` as finish() does; for p2c2r_job_finish. `status` is kOk or an error.
    Status finish(p2c2r_job* job, Status status);

    // ---- a role goes: see HostExecutors
    void orphan_all();
    bool wait_outside(uint64_t deadline_us);

  private:
    p2c2r_job* make_job(exec::Job& job);
    Status run_short(p2c2r_job* job);
    Status run_on_worker(p2c2r_job* job);
    p2c2r_status call_run(p2c2r_job* job) noexcept;
    // Moves what the executor said into the job's output. kMemory: there is none for its words.
    Status seal(p2c2r_job* job, Status status) noexcept;
    // Under the lock. The list takes over the reference of the job in progress.
    void link(p2c2r_job* job);
    // Under the lock. True: the caller releases the list's reference.
    bool unlink_if_over(p2c2r_job* job);
    // It has ended, or (`was_inside`) a host function of it has returned.
    void over(p2c2r_job* job, bool was_inside);

    const p2c2r_executor_desc desc_;  // its strings are not valid
    const std::string task_type_;
    const Traits traits_;
    Pool& pool_;
    HostExecutors& owner_;
    p2c2r_job* spare_ = nullptr;  // short jobs only: used again by the next one; loop only
    bool destroyed_ = false;

    std::atomic<bool> stopped_{false};
    std::atomic<uint32_t> short_runs_{0};  // short jobs inside run: they are in no list
    std::mutex mutex_;                     // guards the list and its members in each job
    std::condition_variable changed_;
    p2c2r_job* jobs_ = nullptr;
};

// The host's executors of one runtime, those that are being removed included.
class HostExecutors {
  public:
    Status add(std::shared_ptr<HostExecutor> executor);
    // The executor of this type, or NULL.
    std::shared_ptr<HostExecutor> find(std::string_view task_type);
    void remove(const HostExecutor& executor);
    // When the runtime goes: nothing runs any more. Jobs that are still PENDING are orphans.
    void destroy_all();

    // While a role is taken from the loop its jobs are cancelled one by one; those cancelled
    // between begin and end are its orphans. Loop only.
    void begin_orphans() { orphaning_ = true; }
    void end_orphans() { orphaning_ = false; }
    [[nodiscard]] bool is_orphaning() const { return orphaning_; }
    // Waits until no orphan is inside a host function; `waiting` is told about once a second the
    // type that is waited for. False at deadline_us.
    bool wait_outside(uint64_t deadline_us, FunctionRef<void(const std::string&)> waiting);

  private:
    std::vector<std::shared_ptr<HostExecutor>> list();
    std::mutex mutex_;  // guards the list
    std::vector<std::shared_ptr<HostExecutor>> executors_;
    std::atomic<bool> orphaning_{false};
};

}  // namespace p2c2r::capi
