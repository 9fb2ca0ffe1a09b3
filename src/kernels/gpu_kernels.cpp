#include "kernels/gpu_kernels.h"

namespace p2c2r::kernels {

Result<std::shared_ptr<gpu::Device>> GpuKernels::counting_device() {
    const std::lock_guard lock(mutex_);
    if (device_->is_lost()) {
        if (Result<Done> fresh = reopen(); !fresh) return fresh.error();
    }
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

Result<Done> GpuKernels::reopen() {
    if (!reopen_ || losses_ == kLossesMax) {
        return make_error(Status::kDevice, name_ + " was lost" +
                                               (reopen_ ? " again, after it was opened again " +
                                                              std::to_string(kLossesMax) + " times"
                                                        : ""));
    }
    losses_.fetch_add(1, std::memory_order_acq_rel);
    Result<std::shared_ptr<gpu::Device>> fresh = reopen_();
    if (!fresh) return fresh.error();
    device_ = std::move(*fresh);
    counts_ = false;
    failure_.reset();
    log_.write(LogLevel::kWarn, "kernels", name_ + " was lost and is open again");
    return Done{};
}

void GpuKernels::failed(const Error& why, uint32_t losses_before) {
    {
        const std::lock_guard lock(mutex_);
        if (losses_ != losses_before) return;  // another one is in its place by now
        if (device_->is_lost() && reopen_ && losses_ < kLossesMax) {
            log_.write(LogLevel::kWarn, "kernels",
                       name_ + " failed, a task is computed on the processor: " + why.text);
            return;
        }
    }
    if (retired_.exchange(true, std::memory_order_acq_rel)) return;
    log_.write(LogLevel::kWarn, "kernels",
               name_ + " is no longer used, tasks are computed on the processor: " + why.text);
}

Result<Done> compute_on(GpuKernels* gpu, const std::function<Result<Done>(GpuKernels&)>& on_gpu,
                        const std::function<Result<Done>()>& native, std::string& device) {
    if (gpu && gpu->usable()) {
        const uint32_t losses = gpu->losses();
        const Result<Done> done = on_gpu(*gpu);
        if (done) {
            device = gpu->name();
            return done;
        }
        const Status status = done.error().status;
        if (gpu->required() || status == Status::kCancelled) return done;
        // The answer counts, not the device.
        if (status != Status::kMemory && status != Status::kUnsupported) {
            gpu->failed(done.error(), losses);
        }
    }
    device = "native";
    return native();
}

}  // namespace p2c2r::kernels
