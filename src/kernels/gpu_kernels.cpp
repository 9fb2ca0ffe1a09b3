#include "kernels/gpu_kernels.h"

#include "kernels/conformance.h"
#include "kernels/path_conformance.h"

namespace p2c2r::kernels {

Result<UpscaleGpu*> GpuKernels::upscale() {
    const std::lock_guard lock(mutex_);
    if (failure_) return *failure_;
    if (!upscale_) {
        if (Result<Done> ready = prepare_upscale(); !ready) {
            upscale_.reset();
            // Short memory passes; the next call tries again.
            if (ready.error().status != Status::kMemory) failure_ = ready.error();
            return ready.error();
        }
    }
    return upscale_.get();
}

Result<Done> GpuKernels::prepare_upscale() {
    if (Result<Done> counts = check_loop_count(*device_); !counts) return counts;
    Result<std::unique_ptr<UpscaleGpu>> made = UpscaleGpu::create(device_);
    if (!made) return made.error();
    upscale_ = std::move(*made);
    return check_upscale_answers(*upscale_);
}

Result<PathGpu*> GpuKernels::path() {
    const std::lock_guard lock(mutex_);
    if (path_failure_) return *path_failure_;
    if (!path_) {
        if (Result<Done> ready = prepare_path(); !ready) {
            path_.reset();
            if (ready.error().status != Status::kMemory) path_failure_ = ready.error();
            return ready.error();
        }
    }
    return path_.get();
}

Result<Done> GpuKernels::prepare_path() {
    if (Result<Done> counts = check_loop_count(*device_); !counts) return counts;
    Result<std::unique_ptr<PathGpu>> made = PathGpu::create(device_);
    if (!made) return made.error();
    path_ = std::move(*made);
    return check_path_answers(*path_);
}

void GpuKernels::retire(const Error& why) {
    if (retired_.exchange(true, std::memory_order_acq_rel)) return;
    log_.write(LogLevel::kWarn, "kernels",
               name_ + " is no longer used, tasks are computed on the processor: " + why.text);
}

}  // namespace p2c2r::kernels
