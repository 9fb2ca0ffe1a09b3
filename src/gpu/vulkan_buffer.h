// The handles that kernels hold: a buffer out of the pool, a pipeline with its layouts.
#pragma once

#include <memory>
#include <utility>

#include "gpu/vulkan_device.h"

namespace p2c2r::gpu {

class VulkanBuffer final : public Buffer {
  public:
    VulkanBuffer(std::shared_ptr<VulkanDevice> device, std::unique_ptr<MemoryBlock> block,
                 uint64_t size);
    ~VulkanBuffer() override;

    [[nodiscard]] uint64_t size() const override { return size_; }
    uint8_t* map() override {
        host_wrote_ = true;
        return block_->mapped;
    }

    [[nodiscard]] const MemoryBlock& block() const { return *block_; }
    // What shaders may touch: whole words.
    [[nodiscard]] uint64_t bound_size() const { return (size_ + 3) / 4 * 4; }
    // Each is true once: the work to be recorded in front of the next run.
    bool take_needs_zero() { return std::exchange(needs_zero_, false); }
    bool take_host_wrote() { return std::exchange(host_wrote_, false); }
    void used_by(Ticket ticket) { last_use_ = ticket; }

  private:
    std::shared_ptr<VulkanDevice> device_;
    std::unique_ptr<MemoryBlock> block_;
    uint64_t size_;
    Ticket last_use_ = 0;
    bool needs_zero_ = false;
    bool host_wrote_ = false;
};

// Buffers of this backend are all there are.
inline VulkanBuffer& own(Buffer* buffer) {
    return *static_cast<VulkanBuffer*>(buffer);
}

class VulkanPipeline final : public Pipeline {
  public:
    static Result<std::shared_ptr<Pipeline>> create(std::shared_ptr<VulkanDevice> device,
                                                    VkPipelineCache cache,
                                                    std::span<const uint32_t> spirv,
                                                    uint32_t buffers_count,
                                                    uint32_t push_constants_size);
    ~VulkanPipeline() override;

    [[nodiscard]] VkPipeline handle() const { return handles_.pipeline; }
    [[nodiscard]] VkPipelineLayout layout() const { return handles_.layout; }
    [[nodiscard]] const VkDescriptorSetLayout& set_layout() const { return handles_.set_layout; }
    [[nodiscard]] uint32_t buffers_count() const { return buffers_count_; }
    [[nodiscard]] uint32_t push_constants_size() const { return push_constants_size_; }

  private:
    explicit VulkanPipeline(std::shared_ptr<VulkanDevice> device) : device_(std::move(device)) {}
    VkResult make_layouts();
    VkResult make_pipeline(VkPipelineCache cache, std::span<const uint32_t> spirv);

    std::shared_ptr<VulkanDevice> device_;
    uint32_t buffers_count_ = 0;
    uint32_t push_constants_size_ = 0;
    VulkanDevice::PipelineHandles handles_;
};

}  // namespace p2c2r::gpu
