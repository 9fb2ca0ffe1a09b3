#include "kernels/gpu_kernels.h"

namespace p2c2r::kernels {

Result<std::shared_ptr<gpu::Device>> GpuKernels::counting_device() {
    const std::lock_guard lock(mutex_);
    if (failure_) return *failure_;
    if (!counts_) {
        if (Result<Done> counts = check_loop_count(*device_); !counts) {
            // Short memory passes; the next call tries again.
            if (counts.error().status != Status::kMemory) failure_ = counts.error();
            return counts.error();
        }
        counts_ = true;
    }
    return device_;
}

void GpuKernels::retire(const Error& why) {
    if (retired_.exchange(true, std::memory_order_acq_rel)) return;
    log_.write(LogLevel::kWarn, "kernels",
               name_ + " is no longer used, tasks are computed on the processor: " + why.text);
}

Result<Done> compute_on(GpuKernels* gpu, const std::function<Result<Done>(GpuKernels&)>& on_gpu,
                        const std::function<Result<Done>()>& native, std::string& device) {
    if (gpu && gpu->usable()) {
        const Result<Done> done = on_gpu(*gpu);
        if (done) {
            device = gpu->name();
            return done;
        }
        const Status status = done.error().status;
        if (gpu->required() || status == Status::kCancelled) return done;
        // The answer counts, not the device.
        if (status != Status::kMemory && status != Status::kUnsupported) gpu->retire(done.error());
    }
    device = "native";
    return native();
}

}  // namespace p2c2r::kernels
