// The task type "dwell": holds a timer for as many microseconds as its input begins with (a u32),
// so that many peers are busy without a core each. What follows is ballast.
#pragma once

#include <p2c2r/p2c2r.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <queue>
#include <thread>

#include "bench_roles.h"

namespace bench {

class Dwell {
  public:
    explicit Dwell(p2c2r_runtime* runtime) : runtime_(runtime), thread_([this] { serve(); }) {
        p2c2r_executor_desc executor = {};
        executor.struct_size = sizeof executor;
        executor.flags = P2C2R_EXECUTOR_SHORT;
        executor.task_type = "dwell";
        executor.run = run;
        executor.user = this;
        p2c2r_error why = {};
        const p2c2r_status status = p2c2r_runtime_add_executor(runtime, &executor, &why);
        if (status != P2C2R_OK) fail("executor", status, why);
    }
    // The peers that run it MUST be gone.
    ~Dwell() {
        p2c2r_runtime_remove_executor(runtime_, "dwell", 1000);
        {
            const std::lock_guard lock(mutex_);
            stop_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }
    void hold(p2c2r_job* job, uint64_t until_us) {
        p2c2r_job_retain(job);
        const std::lock_guard lock(mutex_);
        const bool first = held_.empty() || until_us < held_.top().until_us;
        held_.push({until_us, job});
        if (first) changed_.notify_one();
    }

  private:
    static p2c2r_status P2C2R_CALL run(void* user, p2c2r_job* job) {
        size_t size = 0;
        const void* data = p2c2r_job_input(job, 0, &size);
        uint32_t us = 0;
        if (size < sizeof us) return P2C2R_E_PARAMS;
        std::memcpy(&us, data, sizeof us);
        static_cast<Dwell*>(user)->hold(job, p2c2r_now_us() + us);
        return P2C2R_PENDING;
    }

    struct Held {
        uint64_t until_us;
        p2c2r_job* job;
        bool operator<(const Held& other) const { return until_us > other.until_us; }
    };
    void serve() {
        std::unique_lock lock(mutex_);
        while (!stop_) {
            const uint64_t now = p2c2r_now_us();
            if (held_.empty()) {
                changed_.wait(lock);
            } else if (held_.top().until_us > now) {
                changed_.wait_for(lock, std::chrono::microseconds(held_.top().until_us - now));
            } else {
                p2c2r_job* job = held_.top().job;
                held_.pop();
                lock.unlock();
                void* out = nullptr;
                p2c2r_job_output_alloc(job, 0, &out);
                p2c2r_job_finish(job, P2C2R_OK);
                p2c2r_job_release(job);
                lock.lock();
            }
        }
        for (; !held_.empty(); held_.pop()) p2c2r_job_release(held_.top().job);
    }
    std::mutex mutex_;
    std::condition_variable changed_;
    std::priority_queue<Held> held_;
    bool stop_ = false;
    p2c2r_runtime* const runtime_;
    std::thread thread_;
};

}  // namespace bench
