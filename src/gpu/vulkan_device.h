// One logical device: pipelines, buffers and the one queue they run on.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "gpu/compute.h"
#include "gpu/pipeline_cache.h"
#include "gpu/vulkan_instance.h"
#include "gpu/vulkan_memory.h"

namespace p2c2r::gpu {

class VulkanPipeline;
class VulkanBuffer;

class VulkanDevice final : public Device, public std::enable_shared_from_this<VulkanDevice> {
  public:
    static Result<std::shared_ptr<Device>> create(std::shared_ptr<VulkanInstance> instance,
                                                  const PhysicalDevice& physical,
                                                  const std::string& pipeline_cache_dir);
    ~VulkanDevice() override;

    [[nodiscard]] const DeviceInfo& info() const override { return physical_.info; }
    Result<std::unique_ptr<Buffer>> make_buffer(uint64_t size, BufferUse use) override;
    Result<std::shared_ptr<Pipeline>> make_pipeline(std::span<const uint32_t> spirv,
                                                    uint32_t buffers_count,
                                                    uint32_t push_constants_size) override;
    Result<RunTime> run(const Work& work) override;

    [[nodiscard]] const DeviceFunctions& vk() const { return vk_; }
    [[nodiscard]] VkDevice handle() const { return device_; }
    [[nodiscard]] MemoryPool& pool() { return *pool_; }
    // Work of a lost device may still be running: nothing it could use is destroyed any more.
    [[nodiscard]] bool is_lost() const { return is_lost_.load(std::memory_order_acquire); }

  private:
    VulkanDevice(std::shared_ptr<VulkanInstance> instance, const PhysicalDevice& physical,
                 const std::string& pipeline_cache_dir);
    Result<Done> start();
    VkResult make_queue_objects();
    void make_pipeline_cache();
    void store_pipeline_cache();
    Result<Done> check_work(const Work& work) const;
    // With mutex_ held:
    VkResult record(const Work& work);
    void record_uploads(const Work& work);
    VkResult record_dispatch(const Dispatch& dispatch);
    void record_read_back(const Work& work);
    void record_barrier(VkPipelineStageFlags from, VkAccessFlags writes, VkPipelineStageFlags to,
                        VkAccessFlags accesses);
    VkResult submit_and_wait(uint64_t timeout_us);
    [[nodiscard]] RunTime read_clock() const;
    Error lose(std::string why);

    // Order matters: the instance goes last.
    std::shared_ptr<VulkanInstance> instance_;
    PhysicalDevice physical_;
    PipelineCacheFile cache_file_;
    VkDevice device_ = VK_NULL_HANDLE;
    DeviceFunctions vk_;
    std::unique_ptr<MemoryPool> pool_;
    VkPipelineCache cache_ = VK_NULL_HANDLE;

    std::atomic<bool> is_lost_{false};

    std::mutex mutex_;  // guards what is below: one submission at a time
    std::string lost_;  // why, or empty
    VkQueue queue_ = VK_NULL_HANDLE;
    VkCommandPool command_pool_ = VK_NULL_HANDLE;
    VkCommandBuffer commands_ = VK_NULL_HANDLE;
    VkDescriptorPool descriptor_pool_ = VK_NULL_HANDLE;
    VkFence fence_ = VK_NULL_HANDLE;
    VkQueryPool clock_ = VK_NULL_HANDLE;  // two timestamps, or none
};

}  // namespace p2c2r::gpu
