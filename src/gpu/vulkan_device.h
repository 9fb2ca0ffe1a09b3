// One logical device: pipelines, buffers and the one queue they run on.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gpu/compute.h"
#include "gpu/pipeline_cache.h"
#include "gpu/vulkan_instance.h"
#include "gpu/vulkan_memory.h"
#include "gpu/vulkan_queue.h"

namespace p2c2r::gpu {

class VulkanDevice final : public Device, public std::enable_shared_from_this<VulkanDevice> {
  public:
    // A logical device of its own, or the host's where `host` is not NULL.
    static Result<std::shared_ptr<Device>> create(std::shared_ptr<VulkanInstance> instance,
                                                  const PhysicalDevice& physical,
                                                  const DevicesOptions& options,
                                                  const HostDevice* host = nullptr);
    ~VulkanDevice() override;

    [[nodiscard]] const DeviceInfo& info() const override { return physical_.info; }
    Result<std::unique_ptr<Buffer>> make_buffer(uint64_t size, BufferUse use) override;
    Result<std::shared_ptr<Pipeline>> make_pipeline(std::span<const uint32_t> spirv,
                                                    uint32_t buffers_count,
                                                    uint32_t push_constants_size) override;
    Result<RunTime> run(const Work& work) override;
    Result<Ticket> submit(const Work& work) override;
    Result<RunTime> wait(Ticket ticket) override { return queue_->wait(ticket); }
    [[nodiscard]] bool is_lost() const override { return queue_ && queue_->is_lost(); }

    // For buffers and pipelines, which keep their device.
    [[nodiscard]] const DeviceFunctions& vk() const { return vk_; }
    [[nodiscard]] VkDevice handle() const { return device_; }
    [[nodiscard]] MemoryPool& pool() { return *pool_; }
    [[nodiscard]] VulkanQueue& queue() { return *queue_; }
    // Destroys the handles; work of a lost device may still use them, so there it is left for the
    // end of the device.
    struct PipelineHandles {
        VkDescriptorSetLayout set_layout = VK_NULL_HANDLE;
        VkPipelineLayout layout = VK_NULL_HANDLE;
        VkPipeline pipeline = VK_NULL_HANDLE;
    };
    void retire(const PipelineHandles& handles);

  private:
    VulkanDevice(std::shared_ptr<VulkanInstance> instance, const PhysicalDevice& physical,
                 const DevicesOptions& options);
    Result<Done> start(const HostDevice* host);
    VkResult open();
    void make_pipeline_cache();
    void store_pipeline_cache();
    Result<Done> check_work(const Work& work) const;
    void destroy(const PipelineHandles& handles);

    // Order matters: the instance goes last.
    std::shared_ptr<VulkanInstance> instance_;
    PhysicalDevice physical_;
    const uint64_t memory_max_;
    PipelineCacheFile cache_file_;
    bool is_host_ = false;
    VkDevice device_ = VK_NULL_HANDLE;
    DeviceFunctions vk_;
    std::unique_ptr<MemoryPool> pool_;
    std::unique_ptr<VulkanQueue> queue_;
    VkPipelineCache cache_ = VK_NULL_HANDLE;

    std::mutex mutex_;                      // guards retired_
    std::vector<PipelineHandles> retired_;  // of a lost device
};

}  // namespace p2c2r::gpu
