// The shaders of one task type, on whichever device is there: made and tested at the first call.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "gpu/compute.h"

namespace p2c2r::kernels {

// `Kernel` has a static create(shared_ptr<gpu::Device>) -> Result<unique_ptr<Kernel>>; the check
// runs its known answers. Any thread.
template <class Kernel>
class TestedShaders {
  public:
    using Check = Result<Done> (*)(Kernel&);
    explicit TestedShaders(Check check) : check_(check) {}

    // Once per device; a device that fails does so at every later call. Short memory passes: the
    // next call tries again.
    Result<std::shared_ptr<Kernel>> get(const std::shared_ptr<gpu::Device>& device) {
        const std::lock_guard lock(mutex_);
        if (device_ != device) {
            device_ = device;
            kernel_.reset();
            failure_.reset();
        }
        if (failure_) return *failure_;
        if (kernel_) return kernel_;
        Result<std::unique_ptr<Kernel>> made = Kernel::create(device);
        const Result<Done> good = made ? check_(**made) : Result<Done>(made.error());
        if (!good) {
            if (good.error().status != Status::kMemory) failure_ = good.error();
            return good.error();
        }
        kernel_ = std::move(*made);
        return kernel_;
    }

  private:
    Check check_;
    std::mutex mutex_;  // guards what is below; held during the test, so that it runs once
    std::shared_ptr<gpu::Device> device_;
    std::shared_ptr<Kernel> kernel_;
    std::optional<Error> failure_;
};

}  // namespace p2c2r::kernels
