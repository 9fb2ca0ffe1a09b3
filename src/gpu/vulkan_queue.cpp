#include "gpu/vulkan_queue.h"

#include "gpu/vulkan_buffer.h"

namespace p2c2r::gpu {

namespace {

// Tickets that nobody waits for are against the rules, but must not pile up.
constexpr size_t kResultsMax = 64;

}  // namespace

// ---- beginning and end --------------------------------------------------------------------------

VulkanQueue::VulkanQueue(const DeviceFunctions& functions, QueuePlace place)
    : vk_(functions), place_(std::move(place)) {}

VulkanQueue::~VulkanQueue() {
    for (const Slot& slot : slots_) {
        vk_.DestroyQueryPool(place_.device, slot.clock, nullptr);
        vk_.DestroyDescriptorPool(place_.device, slot.descriptors, nullptr);
        vk_.DestroyCommandPool(place_.device, slot.command_pool, nullptr);
    }
    vk_.DestroySemaphore(place_.device, ended_, nullptr);
}

VkResult VulkanQueue::start() {
    VkSemaphoreTypeCreateInfo type{VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
    type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
    VkSemaphoreCreateInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
    info.pNext = &type;
    VkResult result = vk_.CreateSemaphore(place_.device, &info, nullptr, &ended_);
    for (Slot& slot : slots_) {
        if (result == VK_SUCCESS) result = make_slot(slot);
    }
    return result;
}

VkResult VulkanQueue::make_slot(Slot& slot) {
    VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    pool.flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT;
    pool.queueFamilyIndex = place_.family;
    VkResult result = vk_.CreateCommandPool(place_.device, &pool, nullptr, &slot.command_pool);
    if (result != VK_SUCCESS) return result;
    VkCommandBufferAllocateInfo commands{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
    commands.commandPool = slot.command_pool;
    commands.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    commands.commandBufferCount = 1;
    result = vk_.AllocateCommandBuffers(place_.device, &commands, &slot.commands);
    if (result != VK_SUCCESS) return result;
    if (place_.timestamp_ns > 0) {
        VkQueryPoolCreateInfo clock{VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO};
        clock.queryType = VK_QUERY_TYPE_TIMESTAMP;
        clock.queryCount = 2;
        result = vk_.CreateQueryPool(place_.device, &clock, nullptr, &slot.clock);
        if (result != VK_SUCCESS) return result;
    }
    const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                    kDispatchesMax * kBuffersPerPipelineMax};
    VkDescriptorPoolCreateInfo sets{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
    sets.maxSets = kDispatchesMax;
    sets.poolSizeCount = 1;
    sets.pPoolSizes = &size;
    return vk_.CreateDescriptorPool(place_.device, &sets, nullptr, &slot.descriptors);
}

// ---- submitting and waiting ---------------------------------------------------------------------

Result<Ticket> VulkanQueue::submit(const Work& work) {
    const std::lock_guard lock(mutex_);
    if (!lost_.empty()) return make_error(Status::kDevice, lost_);
    const Ticket ticket = last_ + 1;
    Slot& slot = slots_[ticket % kSubmissionsMax];
    if (slot.ticket != 0) {
        const VkResult result = wait_for(slot.ticket, time_limit_us(slot.ticket));
        if (Result<Done> done = settle(slot.ticket, result); !done) return done.error();
    }
    VkResult result = record(slot, work);
    if (result != VK_SUCCESS) return lose("took no commands: " + result_name(result));
    slot.ticket = ticket;
    slot.timeout_us = work.timeout_us;
    result = submit_slot(slot);
    if (result != VK_SUCCESS) return lose("failed: " + result_name(result));
    last_ = ticket;
    for (const Dispatch& dispatch : work.dispatches) {
        for (Buffer* const buffer : dispatch.buffers) own(buffer).used_by(ticket);
    }
    for (Buffer* const buffer : work.read_back) own(buffer).used_by(ticket);
    for (const Snapshot& snapshot : work.snapshots) {
        own(snapshot.from).used_by(ticket);
        own(snapshot.into).used_by(ticket);
    }
    return ticket;
}

VkResult VulkanQueue::submit_slot(const Slot& slot) {
    VkTimelineSemaphoreSubmitInfo timeline{VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
    timeline.signalSemaphoreValueCount = 1;
    timeline.pSignalSemaphoreValues = &slot.ticket;
    VkSubmitInfo submit{VK_STRUCTURE_TYPE_SUBMIT_INFO};
    submit.pNext = &timeline;
    submit.commandBufferCount = 1;
    submit.pCommandBuffers = &slot.commands;
    submit.signalSemaphoreCount = 1;
    submit.pSignalSemaphores = &ended_;
    if (place_.lock) place_.lock();
    const VkResult result = vk_.QueueSubmit(place_.queue, 1, &submit, VK_NULL_HANDLE);
    if (place_.unlock) place_.unlock();
    return result;
}

Result<RunTime> VulkanQueue::wait(Ticket ticket) {
    if (Result<Done> done = await(ticket); !done) return done.error();
    const std::lock_guard lock(mutex_);
    const auto found = results_.find(ticket);
    if (found == results_.end()) return RunTime{};
    const RunTime time = found->second;
    results_.erase(found);
    return time;
}

void VulkanQueue::finish(Ticket ticket) {
    static_cast<void>(await(ticket));
}

Result<Done> VulkanQueue::await(Ticket ticket) {
    uint64_t limit_us = 0;
    {
        const std::lock_guard lock(mutex_);
        if (ticket <= settled_) return Done{};
        if (!lost_.empty()) return make_error(Status::kDevice, lost_);
        limit_us = time_limit_us(ticket);
    }
    const VkResult result = wait_for(ticket, limit_us);
    const std::lock_guard lock(mutex_);
    return settle(ticket, result);
}

VkResult VulkanQueue::wait_for(Ticket ticket, uint64_t timeout_us) const {
    VkSemaphoreWaitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
    info.semaphoreCount = 1;
    info.pSemaphores = &ended_;
    info.pValues = &ticket;
    return vk_.WaitSemaphores(place_.device, &info, timeout_us * 1000);
}

// Those in front have their own time each.
uint64_t VulkanQueue::time_limit_us(Ticket ticket) const {
    uint64_t limit_us = 0;
    for (const Slot& slot : slots_) {
        if (slot.ticket != 0 && slot.ticket <= ticket) limit_us += slot.timeout_us;
    }
    return limit_us;
}

// A wait for `ticket` ended so: frees the slots of what has ended, or notes the loss.
Result<Done> VulkanQueue::settle(Ticket ticket, VkResult result) {
    if (ticket <= settled_) return Done{};  // another thread was here before
    if (!lost_.empty()) return make_error(Status::kDevice, lost_);
    if (result == VK_TIMEOUT) {
        return lose("did not finish within " + std::to_string(time_limit_us(ticket)) + " us");
    }
    if (result != VK_SUCCESS) return lose("failed: " + result_name(result));
    for (Slot& slot : slots_) {
        if (slot.ticket == 0 || slot.ticket > ticket) continue;
        results_[slot.ticket] = read_clock(slot);
        slot.ticket = 0;
    }
    if (results_.size() > kResultsMax) results_.erase(results_.begin());
    settled_ = ticket;
    return Done{};
}

bool VulkanQueue::is_idle() const {
    uint64_t ended = 0;
    const VkResult result = vk_.GetSemaphoreCounterValue(place_.device, ended_, &ended);
    return result == VK_ERROR_DEVICE_LOST || (result == VK_SUCCESS && ended >= last_);
}

RunTime VulkanQueue::read_clock(const Slot& slot) const {
    std::array<uint64_t, 2> ticks{};
    if (!slot.clock ||
        vk_.GetQueryPoolResults(place_.device, slot.clock, 0, 2, sizeof ticks, ticks.data(),
                                sizeof ticks[0], VK_QUERY_RESULT_64_BIT) != VK_SUCCESS) {
        return {};
    }
    // A clock of few bits may have run over in between: no time is better than a wrong one.
    if (ticks[1] < ticks[0]) return {};
    return {static_cast<uint64_t>(static_cast<double>(ticks[1] - ticks[0]) * place_.timestamp_ns)};
}

Error VulkanQueue::lose(const std::string& why) {
    lost_ = place_.device_name + " " + why;
    is_lost_.store(true, std::memory_order_release);
    return make_error(Status::kDevice, lost_);
}

}  // namespace p2c2r::gpu
