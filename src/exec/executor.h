// The two seams of work on this machine.
//
// Executor: what computes one task type. Runner: what runs jobs (a pool of threads, the loop thread
// itself for short ones, a simulated machine, later a worker process). A whole job goes in as type,
// params, bytes and limits, and bytes come out: decode, kernel and encode are one job, and roles
// never see a thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/status.h"
#include "exec/job_gate.h"
#include "model/task.h"

namespace p2c2r::exec {

class Executor;

// What comes out of a job.
struct Output {
    Status status = Status::kExecutor;
    std::string field;  // of an error about a parameter
    std::string error;
    Bytes info;  // a MessagePack map, or empty
    Bytes data;
    uint64_t processing_us = 0;
    uint64_t memory_peak = 0;  // bytes of working memory, 0 unknown
};

// What goes into a job. Its bytes may be borrowed for the length of start(): a runner owns what it
// keeps for longer.
struct JobSpec {
    std::string_view task_type;  // canonical; copied by the runner
    Bytes params;
    Bytes data;
    uint64_t deadline_us = 0;  // on the loop's clock; 0: none
    // From here on it is not begun any more, and ends like past its deadline: what cannot be done
    // in time would only keep others waiting. 0: deadline_us. Not asked by executors on the loop.
    uint64_t start_by_us = 0;
    // What whoever starts it has read on the loop's clock in this turn, for executors that take
    // less time than reading it again (see Executor::Traits::borrows). 0: it is read.
    uint64_t now_us = 0;
    // Where the job asks between slices; NULL: nobody holds it up. Executors that run on the loop
    // never wait. The starter's own: counting it for each job that ends at once would be in vain.
    const std::shared_ptr<JobGate>* gate = nullptr;
    // Not NULL: this one runs it, whatever is registered; `task_type` is then only its name.
    std::shared_ptr<Executor> executor;
};

class Job;

// Whoever is told that a job that was left pending has been finished: once a job, from any thread.
// Jobs share it, because a host may hold a job for longer than its runner lives.
class JobSink {
  public:
    virtual ~JobSink() = default;
    // False: nobody waits for the job any more.
    virtual bool on_finished(Job& job, Status status) = 0;
};

// One running piece of work as its executor sees it. Counted: the runner holds one reference until
// the job was finished, a host may hold more.
class Job {
  public:
    void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    // ---- input, constant and there as long as somebody holds the job
    std::string task_type;
    Bytes params;
    Bytes data;
    uint64_t deadline_us = 0;
    std::shared_ptr<JobGate> gate;

    // ---- asked between slices, from any thread
    [[nodiscard]] bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }
    // The same for who holds nothing that others need: while the owner of the machine wants it, or
    // the share of time that he gives is used up, it waits. Not on the loop thread.
    [[nodiscard]] bool cancelled_or_wait() const {
        return gate ? !gate->pass(gate_visit_, cancelled_) : cancelled();
    }
    void request_cancel() {
        cancelled_.store(true, std::memory_order_release);
        if (gate) gate->wake();
    }

    // ---- output: written by the executor before the job is finished, by one thread at a time.
    // Where two may finish it (cancel() and a thread of its own), they agree first who does.
    Output output;
    // Without it kOk is an error of the executor.
    void set_output(Bytes info, Bytes data) {
        output.info = std::move(info);
        output.data = std::move(data);
        output_set = true;
    }
    bool output_set = false;  // an empty output is one, too
    Status fail(Status status, std::string field, std::string text) {
        output.status = status;
        output.field = std::move(field);
        output.error = std::move(text);
        return status;
    }
    Status fail(Error error) {
        return fail(error.status, std::move(error.field), std::move(error.text));
    }

    // Ends a job whose run() returned kPending, or is about to; any thread, cancel() included. The
    // first one counts, also against what run() returns afterwards. kState when the job has ended
    // already, kStale when nobody waits for it any more: it was forgotten or its runner is gone.
    Status finish(Status status);

  private:
    friend class JobControl;
    // kRunning -> kEnded              run() returned an answer
    // kRunning -> kFinished -> kEnded finish() came while run() still ran, then run() returned
    // kRunning -> kPending -> kEnded  run() returned kPending, finish() came later
    enum class Phase : uint8_t { kQueued, kRunning, kPending, kFinished, kEnded };
    ~Job() = default;

    std::atomic<uint32_t> references_{1};
    std::atomic<bool> cancelled_{false};
    std::atomic<Phase> phase_{Phase::kQueued};
    std::atomic<int32_t> finish_status_{static_cast<int32_t>(Status::kPending)};
    mutable JobGate::Visit gate_visit_;  // the gate's
    // Set while the job is pending, by its runner.
    std::shared_ptr<JobSink> sink_;
    void* runner_entry_ = nullptr;
};

class Executor {
  public:
    struct Traits {
        bool on_loop = false;  // so short that the loop thread runs it (P2C2R_EXECUTOR_SHORT)
        bool uses_gpu = false;
        bool exact = false;         // same bytes everywhere
        uint32_t parallel_max = 0;  // 0: as many as there are workers
        // With on_loop: takes less time than reading a clock, never says kPending, and keeps
        // neither job nor input beyond run(). So it is not timed, and nothing needs an owner; the
        // output may refer to the input.
        bool borrows = false;
    };

    virtual ~Executor() = default;
    [[nodiscard]] virtual Traits traits() const = 0;
    // Computes job.output from its input. kOk: job.set_output() was called. An error: job.fail()
    // told what. kPending: job.finish() will be called later, from any thread. Whatever else comes
    // back, an exception too, ends the job as kExecutor (memory that is short: kMemory). Called on
    // a worker thread; with traits().on_loop on the loop thread.
    virtual Status run(Job& job) = 0;
    // The job's cancelled() has just become true; any thread, perhaps while run() runs.
    virtual void cancel(Job& job) { (void)job; }
};

// The executors of one runtime by task type. Any thread.
class Registry {
  public:
    Registry();
    ~Registry();
    // E_EXISTS when the type has one.
    Result<Done> add(std::string task_type, std::shared_ptr<Executor> executor);
    // E_STALE when there is none. Jobs that run keep the executor alive.
    Result<Done> remove(std::string_view task_type);
    [[nodiscard]] std::shared_ptr<Executor> find(std::string_view task_type) const;
    [[nodiscard]] std::vector<std::string> task_types() const;  // sorted
    // Counts add() and remove(): a cheap way to see that the list changed.
    [[nodiscard]] uint64_t revision() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

class RunnerEvents {
  public:
    // `tag` is the one given to start(). Exactly once per job, on the loop thread; for executors
    // with traits().on_loop it comes before start() returns. Where the input was borrowed the
    // output may be, until this returns.
    virtual void on_job_done(uint64_t tag, Output&& output) = 0;

  protected:
    ~RunnerEvents() = default;
};

// Runs jobs for the roles of one loop. Loop thread only.
class Runner {
  public:
    virtual ~Runner() = default;
    // 0 on refusal (then on_job_done is not called): nobody runs this type, or all is closing.
    virtual uint64_t start(const JobSpec& spec, uint64_t tag, RunnerEvents& events) = 0;
    // A request: the job still ends through on_job_done, with kCancelled if it could be stopped.
    // An id that has ended is ignored.
    virtual void cancel(uint64_t job) = 0;
    // Nothing of these events' jobs will be reported any more; running ones are cancelled.
    virtual void forget(RunnerEvents& events) = 0;
    [[nodiscard]] virtual bool can_run(std::string_view task_type) const = 0;
    [[nodiscard]] virtual std::vector<std::string> task_types() const = 0;
    // Changes when task_types() does.
    [[nodiscard]] virtual uint64_t revision() const = 0;
    // Threads that work at the same time.
    [[nodiscard]] virtual uint32_t parallel() const = 0;
};

}  // namespace p2c2r::exec
