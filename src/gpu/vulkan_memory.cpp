#include "gpu/vulkan_memory.h"

#include <algorithm>
#include <bit>

namespace p2c2r::gpu {

namespace {

// What is kept for the next job: a few frames in every stage.
constexpr uint64_t kIdleBytesMax = 256ull << 20;
constexpr uint64_t kCapacityMin = 4096;
constexpr uint64_t kCapacityStep = 1ull << 20;

// Powers of two for small buffers, whole MiB for large ones: few sizes, little waste.
uint64_t capacity_for(uint64_t size) {
    return size <= kCapacityStep ? std::bit_ceil(std::max(size, kCapacityMin))
                                 : (size + kCapacityStep - 1) / kCapacityStep * kCapacityStep;
}

constexpr VkMemoryPropertyFlags kHostFlags =
    VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;

}  // namespace

MemoryPool::MemoryPool(const PhysicalDevice& physical, const InstanceFunctions& instance,
                       const DeviceFunctions& functions, VkDevice device, uint64_t bytes_max)
    : vk_(functions), device_(device), unified_(physical.unified_memory), bytes_max_(bytes_max) {
    instance.GetPhysicalDeviceMemoryProperties(physical.handle, &memory_);
}

MemoryPool::~MemoryPool() {
    for (const std::unique_ptr<MemoryBlock>& block : idle_) destroy(*block);
}

Result<std::unique_ptr<MemoryBlock>> MemoryPool::take(uint64_t size, BufferUse use) {
    const uint64_t capacity = capacity_for(size);
    std::vector<std::unique_ptr<MemoryBlock>> given_up;
    {
        const std::lock_guard lock(mutex_);
        for (auto it = idle_.begin(); it != idle_.end(); ++it) {
            if ((*it)->use != use || (*it)->capacity != capacity) continue;
            std::unique_ptr<MemoryBlock> block = std::move(*it);
            idle_.erase(it);
            idle_bytes_ -= capacity;
            return block;
        }
        // What nobody uses makes room first.
        while (bytes_max_ != 0 && bytes_ + capacity > bytes_max_ && !idle_.empty()) {
            bytes_ -= idle_.front()->capacity;
            idle_bytes_ -= idle_.front()->capacity;
            given_up.push_back(std::move(idle_.front()));
            idle_.erase(idle_.begin());
        }
        if (bytes_max_ != 0 && bytes_ + capacity > bytes_max_) {
            return make_error(
                Status::kMemory,
                std::to_string(capacity) + " bytes more than the " + std::to_string(bytes_) +
                    " in use exceed the cap of the device's memory, " + std::to_string(bytes_max_));
        }
        bytes_ += capacity;
    }
    for (const std::unique_ptr<MemoryBlock>& old : given_up) destroy(*old);
    auto block = std::make_unique<MemoryBlock>();
    block->use = use;
    block->capacity = capacity;
    if (Result<Done> done = allocate(*block); !done) {
        destroy(*block);
        const std::lock_guard lock(mutex_);
        bytes_ -= capacity;
        return done.error();
    }
    return block;
}

void MemoryPool::give_back(std::unique_ptr<MemoryBlock> block, bool keep) {
    std::vector<std::unique_ptr<MemoryBlock>> too_many;
    {
        const std::lock_guard lock(mutex_);
        idle_bytes_ += block->capacity;
        idle_.push_back(std::move(block));
        while (!keep && idle_bytes_ > kIdleBytesMax) {
            idle_bytes_ -= idle_.front()->capacity;
            bytes_ -= idle_.front()->capacity;
            too_many.push_back(std::move(idle_.front()));
            idle_.erase(idle_.begin());
        }
    }
    for (const std::unique_ptr<MemoryBlock>& old : too_many) destroy(*old);
}

Result<Done> MemoryPool::allocate(MemoryBlock& block) {
    const VkBufferUsageFlags usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                                     VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                                     VK_BUFFER_USAGE_TRANSFER_DST_BIT;
    const bool host_uses = block.use != BufferUse::kScratch;
    // The host reads uncached memory at a tenth of the speed.
    const VkMemoryPropertyFlags cached =
        block.use == BufferUse::kDownload ? VK_MEMORY_PROPERTY_HOST_CACHED_BIT : 0;
    VkResult result;
    VkDeviceMemory mapped_memory = VK_NULL_HANDLE;
    if (unified_ && host_uses) {
        result = make_half(block.capacity, usage, kHostFlags,
                           cached | VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, block.device_buffer,
                           block.device_memory);
        mapped_memory = block.device_memory;
    } else {
        result = make_half(block.capacity, usage, 0, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
                           block.device_buffer, block.device_memory);
        if (result == VK_SUCCESS && host_uses) {
            result = make_half(block.capacity,
                               VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                               kHostFlags, cached, block.host_buffer, block.host_memory);
            mapped_memory = block.host_memory;
        }
    }
    if (result == VK_SUCCESS && mapped_memory) {
        void* address = nullptr;
        result = vk_.MapMemory(device_, mapped_memory, 0, VK_WHOLE_SIZE, 0, &address);
        block.mapped = static_cast<uint8_t*>(address);
    }
    if (result != VK_SUCCESS) {
        return make_error(Status::kMemory, "the device has no " + std::to_string(block.capacity) +
                                               " bytes more: " + result_name(result));
    }
    return Done{};
}

VkResult MemoryPool::make_half(uint64_t size, VkBufferUsageFlags usage,
                               VkMemoryPropertyFlags needed, VkMemoryPropertyFlags wanted,
                               VkBuffer& buffer, VkDeviceMemory& memory) {
    VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
    info.size = size;
    info.usage = usage;
    info.sharingMode = VK_SHARING_MODE_EXCLUSIVE;
    VkResult result = vk_.CreateBuffer(device_, &info, nullptr, &buffer);
    if (result != VK_SUCCESS) return result;
    VkMemoryRequirements requirements{};
    vk_.GetBufferMemoryRequirements(device_, buffer, &requirements);
    VkMemoryAllocateInfo allocation{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
    allocation.allocationSize = requirements.size;
    if (!find_memory_type(requirements.memoryTypeBits, needed | wanted,
                          allocation.memoryTypeIndex) &&
        !find_memory_type(requirements.memoryTypeBits, needed, allocation.memoryTypeIndex)) {
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    }
    result = vk_.AllocateMemory(device_, &allocation, nullptr, &memory);
    if (result != VK_SUCCESS) return result;
    return vk_.BindBufferMemory(device_, buffer, memory, 0);
}

bool MemoryPool::find_memory_type(uint32_t allowed, VkMemoryPropertyFlags flags,
                                  uint32_t& type) const {
    for (uint32_t i = 0; i < memory_.memoryTypeCount; ++i) {
        const bool fits = (memory_.memoryTypes[i].propertyFlags & flags) == flags;
        if ((allowed >> i & 1) && fits) {
            type = i;
            return true;
        }
    }
    return false;
}

void MemoryPool::destroy(MemoryBlock& block) {
    // Freeing memory unmaps it.
    vk_.DestroyBuffer(device_, block.device_buffer, nullptr);
    vk_.DestroyBuffer(device_, block.host_buffer, nullptr);
    vk_.FreeMemory(device_, block.device_memory, nullptr);
    vk_.FreeMemory(device_, block.host_memory, nullptr);
}

}  // namespace p2c2r::gpu
