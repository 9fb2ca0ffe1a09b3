// The task type `echo`: the data comes back as it went. It measures everything but the work.
#pragma once

#include "exec/executor.h"

namespace p2c2r::kernels {

// Needs no memory and no thread: the result refers to the bytes of the task.
class EchoExecutor final : public exec::Executor {
  public:
    [[nodiscard]] Traits traits() const override { return {true, false, true, 0, true}; }
    Status run(exec::Job& job) override {
        job.set_output({}, job.data);
        return Status::kOk;
    }
};

}  // namespace p2c2r::kernels
