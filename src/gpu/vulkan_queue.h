// The one queue of a device: records work, submits it, waits for its end.
//
// A timeline semaphore counts what has ended: the submission with ticket n signals n. So one handle
// serves any number of waiting threads, and nothing is reset between two submissions. Two
// submissions may be under way; each has a slot with the objects that it uses until it has ended.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "gpu/compute.h"
#include "gpu/vulkan_functions.h"

namespace p2c2r::gpu {

// Where the queue is.
struct QueuePlace {
    std::string device_name;
    VkDevice device = VK_NULL_HANDLE;
    VkQueue queue = VK_NULL_HANDLE;
    uint32_t family = 0;
    double timestamp_ns = 0;             // of one tick of its clock, 0 if it has none
    std::function<void()> lock, unlock;  // around its use, or empty
};

// Any thread.
class VulkanQueue {
  public:
    VulkanQueue(const DeviceFunctions& functions, QueuePlace place);
    ~VulkanQueue();  // is_idle()
    VulkanQueue(const VulkanQueue&) = delete;
    VulkanQueue& operator=(const VulkanQueue&) = delete;
    VkResult start();

    // As those of Device.
    Result<Ticket> submit(const Work& work);
    Result<RunTime> wait(Ticket ticket);
    // Until the submission has ended or the device is lost; its result is left for wait().
    void finish(Ticket ticket);

    [[nodiscard]] bool is_lost() const { return is_lost_.load(std::memory_order_acquire); }
    // Nothing is running, or what was will never run again. Does not wait.
    [[nodiscard]] bool is_idle() const;

  private:
    // What one submission under way uses.
    struct Slot {
        VkCommandPool command_pool = VK_NULL_HANDLE;
        VkCommandBuffer commands = VK_NULL_HANDLE;
        VkDescriptorPool descriptors = VK_NULL_HANDLE;
        VkQueryPool clock = VK_NULL_HANDLE;  // two timestamps, or none
        Ticket ticket = 0;                   // 0: free
        uint64_t timeout_us = 0;
    };

    VkResult make_slot(Slot& slot);
    // With mutex_ held:
    VkResult record(Slot& slot, const Work& work);
    void record_uploads(Slot& slot, const Work& work);
    VkResult record_dispatch(Slot& slot, const Dispatch& dispatch);
    void record_snapshot(Slot& slot, const Snapshot& snapshot);
    void record_read_back(Slot& slot, const Work& work);
    VkResult submit_slot(const Slot& slot);
    [[nodiscard]] uint64_t time_limit_us(Ticket ticket) const;
    Result<Done> settle(Ticket ticket, VkResult result);
    [[nodiscard]] RunTime read_clock(const Slot& slot) const;
    Error lose(const std::string& why);

    // Without it: waits.
    VkResult wait_for(Ticket ticket, uint64_t timeout_us) const;
    Result<Done> await(Ticket ticket);

    const DeviceFunctions& vk_;
    const QueuePlace place_;
    VkSemaphore ended_ = VK_NULL_HANDLE;  // a timeline
    std::atomic<bool> is_lost_{false};

    std::mutex mutex_;  // guards what is below, and the order of submissions
    std::string lost_;  // why, or empty
    std::array<Slot, kSubmissionsMax> slots_;
    std::atomic<Ticket> last_{0};        // submitted
    Ticket settled_ = 0;                 // known to have ended
    std::map<Ticket, RunTime> results_;  // of those that nobody has waited for yet
};

}  // namespace p2c2r::gpu
