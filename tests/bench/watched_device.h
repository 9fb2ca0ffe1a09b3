// A Vulkan device that is looked at while kernels use it: how long each submission took, how much
// was read back, and whether anything is still under way.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "clocks.h"
#include "gpu/compute.h"

namespace p2c2r::bench {

struct Submission {
    double ms = 0;       // by the device's clock, else as wall_ms
    double wall_ms = 0;  // from its turn (submitted, and those in front ended) to its known end
    uint32_t dispatches = 0;
    uint64_t read_back_bytes = 0;
};

// Hands everything on. Any thread.
class WatchedDevice final : public gpu::Device {
  public:
    explicit WatchedDevice(std::shared_ptr<gpu::Device> device) : device_(std::move(device)) {}

    [[nodiscard]] const gpu::DeviceInfo& info() const override { return device_->info(); }
    Result<std::unique_ptr<gpu::Buffer>> make_buffer(uint64_t size, gpu::BufferUse use) override {
        return device_->make_buffer(size, use);
    }
    Result<std::shared_ptr<gpu::Pipeline>> make_pipeline(std::span<const uint32_t> spirv,
                                                         uint32_t buffers_count,
                                                         uint32_t push_constants_size) override {
        return device_->make_pipeline(spirv, buffers_count, push_constants_size);
    }
    Result<gpu::RunTime> run(const gpu::Work& work) override {
        const Result<gpu::Ticket> ticket = submit(work);
        if (!ticket) return ticket.error();
        return wait(*ticket);
    }
    Result<gpu::Ticket> submit(const gpu::Work& work) override {
        Submission begun;
        begun.wall_ms = wall_ms();  // a point in time until it has ended
        begun.dispatches = static_cast<uint32_t>(work.dispatches.size());
        for (const gpu::Buffer* buffer : work.read_back) begun.read_back_bytes += buffer->size();
        for (const gpu::Snapshot& each : work.snapshots) begun.read_back_bytes += each.into->size();
        Result<gpu::Ticket> ticket = device_->submit(work);
        const std::lock_guard lock(mutex_);
        if (ticket) under_way_[*ticket] = begun;
        return ticket;
    }
    Result<gpu::RunTime> wait(gpu::Ticket ticket) override {
        Result<gpu::RunTime> time = device_->wait(ticket);
        const double now = wall_ms();
        const std::lock_guard lock(mutex_);
        const auto found = under_way_.find(ticket);
        if (found == under_way_.end()) return time;
        Submission ended = found->second;
        ended.wall_ms = now - std::max(ended.wall_ms, last_end_);
        ended.ms = time && time->device_ns > 0 ? static_cast<double>(time->device_ns) / 1e6
                                               : ended.wall_ms;
        under_way_.erase(found);
        last_end_ = now;
        ended_.push_back(ended);
        return time;
    }
    [[nodiscard]] bool is_lost() const override { return device_->is_lost(); }

    // What has ended since the last call. Tickets that nobody waited for are forgotten with it.
    std::vector<Submission> take() {
        const std::lock_guard lock(mutex_);
        under_way_.clear();
        return std::exchange(ended_, {});
    }

  private:
    std::shared_ptr<gpu::Device> device_;
    std::mutex mutex_;  // guards what is below
    std::map<gpu::Ticket, Submission> under_way_;
    std::vector<Submission> ended_;
    double last_end_ = 0;
};

}  // namespace p2c2r::bench
