// Executors made of functions, and a loop thread's stand-in, for the tests of exec.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "exec/executor.h"
#include "exec/worker_pool.h"

namespace p2c2r::test {

class FunctionExecutor final : public exec::Executor {
  public:
    using Run = std::function<Status(exec::Job&)>;
    using Cancel = std::function<void(exec::Job&)>;
    explicit FunctionExecutor(Run run, Traits traits = {}, Cancel cancel = nullptr)
        : run_(std::move(run)), cancel_(std::move(cancel)), traits_(traits) {}

    [[nodiscard]] Traits traits() const override { return traits_; }
    Status run(exec::Job& job) override { return run_(job); }
    void cancel(exec::Job& job) override {
        if (cancel_) cancel_(job);
    }

  private:
    Run run_;
    Cancel cancel_;
    Traits traits_;
};

inline constexpr exec::Executor::Traits kShort{true, false, false, 0};
inline constexpr exec::Executor::Traits kBorrows{true, false, false, 0, true};
inline constexpr exec::Executor::Traits parallel(uint32_t max) {
    return {false, false, false, max};
}

inline Status echo(exec::Job& job) {
    job.set_output(job.params, job.data);
    return Status::kOk;
}

// A pool with its loop: reports are gathered by tag, and can be waited for.
class Pool final : public exec::LoopWaker, public exec::RunnerEvents {
  public:
    explicit Pool(uint32_t threads = 2, uint32_t queue_max = 65536) {
        exec::WorkerPoolOptions options;
        options.threads = threads;
        options.queue_max = queue_max;
        options.now_us = [this] {
            if (on_clock) on_clock();
            return now.load();
        };
        runner = std::make_unique<exec::WorkerPool>(registry, *this, options);
        REQUIRE(runner->open().ok());
    }
    ~Pool() { runner.reset(); }

    void add(const std::string& type, FunctionExecutor::Run run, exec::Executor::Traits traits = {},
             FunctionExecutor::Cancel cancel = nullptr) {
        REQUIRE(registry
                    .add(type, std::make_shared<FunctionExecutor>(std::move(run), traits,
                                                                  std::move(cancel)))
                    .ok());
    }
    uint64_t start(std::string_view type, uint64_t tag, std::string_view data = {},
                   uint64_t deadline_us = 0) {
        exec::JobSpec spec;
        spec.task_type = type;
        if (!data.empty()) spec.data = Bytes::copy(data);
        spec.deadline_us = deadline_us;
        return runner->start(spec, tag, *this);
    }

    void wake_for_jobs() override {
        const std::lock_guard lock(mutex);
        woken = true;
        ++wakes;
        condition.notify_all();
    }
    void on_job_done(uint64_t tag, exec::Output&& output) override {
        done.emplace_back(tag, std::move(output));
        if (on_done) on_done(tag);
    }
    // Turns the loop until so many jobs have been reported in all.
    void run_until(size_t reports) {
        while (done.size() < reports) {
            std::unique_lock lock(mutex);
            condition.wait(lock, [this] { return woken; });
            woken = false;
            lock.unlock();
            runner->drain();
        }
    }
    const exec::Output& output(uint64_t tag) const {
        for (const auto& [reported, output] : done) {
            if (reported == tag) return output;
        }
        static const exec::Output none;
        FAIL("no report for tag " << tag);
        return none;
    }

    exec::Registry registry;
    std::atomic<uint64_t> now{1'000'000};
    std::unique_ptr<exec::WorkerPool> runner;
    std::vector<std::pair<uint64_t, exec::Output>> done;
    std::function<void(uint64_t)> on_done;
    std::function<void()> on_clock;  // any thread, when the pool reads the clock
    std::mutex mutex;
    std::condition_variable condition;
    bool woken = false;
    int wakes = 0;
};

// Lets threads through when it is told to.
class Gate {
  public:
    void open(int count = 1) { semaphore_.release(count); }
    void pass() { semaphore_.acquire(); }

  private:
    std::counting_semaphore<1000> semaphore_{0};
};

}  // namespace p2c2r::test
