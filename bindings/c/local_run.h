// Tasks on this machine without any role, for a thread that waits for them.
#pragma once

#include <condition_variable>
#include <mutex>
#include <vector>

#include "bindings/c/runtime_state.h"

namespace p2c2r::capi {

class LocalRun final : public exec::RunnerEvents {
  public:
    explicit LocalRun(RuntimeState& state) : state_(state) {}
    // Nobody reports to it any more, also where memory was short half-way through the starts.
    ~LocalRun();

    // All of them side by side, as far as there are threads. Their outputs, in the order of the
    // tasks; once one has failed the others are cancelled, and theirs say nothing. kTimeout when
    // they did not end in time: they are cancelled. `specs` may be borrowed.
    Result<std::vector<exec::Output>> run(const std::vector<exec::JobSpec>& specs,
                                          uint64_t deadline_us);

  private:
    bool wait(uint64_t deadline_us);
    void forget() {
        (void)state_.driver().run([&] { state_.workers().forget(*this); });
    }
    void on_job_done(uint64_t tag, exec::Output&& output) override;

    RuntimeState& state_;
    std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    size_t left_ = 0;
    bool failed_ = false;
    std::vector<exec::Output> outputs_;
};

}  // namespace p2c2r::capi
