// Buffers of one logical device, kept for reuse when they are given back.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "gpu/compute.h"
#include "gpu/vulkan_instance.h"

namespace p2c2r::gpu {

// A Vulkan buffer with memory of its own. Where host and device do not share memory, buffers for
// the host's use come in two halves, and run() copies between them.
struct MemoryBlock {
    BufferUse use = BufferUse::kScratch;
    uint64_t capacity = 0;
    VkBuffer device_buffer = VK_NULL_HANDLE;
    VkDeviceMemory device_memory = VK_NULL_HANDLE;
    VkBuffer host_buffer = VK_NULL_HANDLE;  // staging half, or none
    VkDeviceMemory host_memory = VK_NULL_HANDLE;
    uint8_t* mapped = nullptr;  // NULL for kScratch on a device of its own memory
};

// Any thread.
class MemoryPool {
  public:
    MemoryPool(const PhysicalDevice& physical, const InstanceFunctions& instance,
               const DeviceFunctions& functions, VkDevice device, uint64_t bytes_max);
    ~MemoryPool();  // all blocks have been given back

    // kMemory when the device has no more, or the cap is reached.
    Result<std::unique_ptr<MemoryBlock>> take(uint64_t size, BufferUse use);
    // `keep`: work of a lost device may still use it, so it is not destroyed before the pool.
    void give_back(std::unique_ptr<MemoryBlock> block, bool keep);

  private:
    Result<Done> allocate(MemoryBlock& block);
    VkResult make_half(uint64_t size, VkBufferUsageFlags usage, VkMemoryPropertyFlags needed,
                       VkMemoryPropertyFlags wanted, VkBuffer& buffer, VkDeviceMemory& memory);
    bool find_memory_type(uint32_t allowed, VkMemoryPropertyFlags flags, uint32_t& type) const;
    void destroy(MemoryBlock& block);

    const DeviceFunctions& vk_;
    VkDevice device_;
    bool unified_;
    const uint64_t bytes_max_;  // 0: no cap
    VkPhysicalDeviceMemoryProperties memory_{};
    std::mutex mutex_;                                // guards all below
    std::vector<std::unique_ptr<MemoryBlock>> idle_;  // longest idle first
    uint64_t idle_bytes_ = 0;
    uint64_t bytes_ = 0;  // of all blocks
};

}  // namespace p2c2r::gpu
