#include "gpu/vulkan_device.h"

#include <atomic>
#include <utility>

#include "gpu/float_modes.h"
#include "gpu/vulkan_buffer.h"

namespace p2c2r::gpu {

namespace {

Error device_error(const std::string& what, VkResult result) {
    return make_error(Status::kDevice, what + ": " + result_name(result));
}

// What a lost device leaves alone, since what it computed may still run. All of these hang together
// from here on: whoever looks for lost memory sees that they are none.
struct LeftAlone {
    std::unique_ptr<MemoryPool> pool;
    std::unique_ptr<VulkanQueue> queue;
    std::shared_ptr<VulkanInstance> instance;
    LeftAlone* before = nullptr;
};
constinit std::atomic<LeftAlone*> last_left_alone{nullptr};

}  // namespace

// ---- beginning and end ------------------------------------------------------------------------

Result<std::shared_ptr<Device>> VulkanDevice::create(std::shared_ptr<VulkanInstance> instance,
                                                     const PhysicalDevice& physical,
                                                     const DevicesOptions& options,
                                                     const HostDevice* host) {
    std::shared_ptr<VulkanDevice> device(new VulkanDevice(std::move(instance), physical, options));
    if (Result<Done> done = device->start(host); !done) return done.error();
    return std::shared_ptr<Device>(std::move(device));
}

VulkanDevice::VulkanDevice(std::shared_ptr<VulkanInstance> instance, const PhysicalDevice& physical,
                           const DevicesOptions& options)
    : instance_(std::move(instance)),
      physical_(physical),
      memory_max_(options.memory_max),
      cache_file_(options.pipeline_cache_dir, physical.info) {}

VulkanDevice::~VulkanDevice() {
    if (!device_) return;
    if (is_lost() && !queue_->is_idle()) {
        // Waiting for work that did not end may never return: what it uses is left alone.
        auto* const left = new LeftAlone{std::move(pool_), std::move(queue_), instance_};
        left->before = last_left_alone.load(std::memory_order_relaxed);
        while (!last_left_alone.compare_exchange_weak(left->before, left)) {
        }
        return;
    }
    for (const PipelineHandles& handles : retired_) destroy(handles);
    queue_.reset();
    pool_.reset();
    vk_.DestroyPipelineCache(device_, cache_, nullptr);
    if (!is_host_) vk_.DestroyDevice(device_, nullptr);
}

Result<Done> VulkanDevice::start(const HostDevice* host) {
    is_host_ = host != nullptr;
    if (host) {
        device_ = static_cast<VkDevice>(host->device);
    } else if (const VkResult result = open(); result != VK_SUCCESS) {
        return device_error("the driver did not open " + physical_.info.name, result);
    }
    const Result<DeviceFunctions> functions = load_device_functions(instance_->vk(), device_);
    if (!functions) {
        device_ = VK_NULL_HANDLE;  // cannot be destroyed without its functions
        return functions.error();
    }
    vk_ = *functions;
    pool_ = std::make_unique<MemoryPool>(physical_, instance_->vk(), vk_, device_, memory_max_);
    QueuePlace place;
    place.device_name = physical_.info.name;
    place.device = device_;
    place.family = physical_.queue_family;
    place.timestamp_ns = physical_.timestamp_ns;
    if (host) {
        place.queue = static_cast<VkQueue>(host->queue);
        place.lock = host->lock_queue;
        place.unlock = host->unlock_queue;
    } else {
        vk_.GetDeviceQueue(device_, physical_.queue_family, 0, &place.queue);
    }
    queue_ = std::make_unique<VulkanQueue>(vk_, std::move(place));
    if (const VkResult result = queue_->start(); result != VK_SUCCESS) {
        return device_error("the driver gave no queue of " + physical_.info.name, result);
    }
    make_pipeline_cache();
    return Done{};
}

VkResult VulkanDevice::open() {
    const float priority = 0.0f;  // the owner's own work comes first
    VkDeviceQueueCreateInfo queue{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
    queue.queueFamilyIndex = physical_.queue_family;
    queue.queueCount = 1;
    queue.pQueuePriorities = &priority;
    VkPhysicalDeviceTimelineSemaphoreFeatures timeline{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES};
    timeline.timelineSemaphore = VK_TRUE;
    VkPhysicalDeviceFeatures features{};
    features.robustBufferAccess = physical_.robust_access ? VK_TRUE : VK_FALSE;
    VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
    info.pNext = &timeline;
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &queue;
    info.pEnabledFeatures = &features;
    return instance_->vk().CreateDevice(physical_.handle, &info, nullptr, &device_);
}

// ---- pipelines and buffers ----------------------------------------------------------------------

void VulkanDevice::make_pipeline_cache() {
    const std::vector<uint8_t> stored = cache_file_.load();
    VkPipelineCacheCreateInfo info{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
    info.initialDataSize = stored.size();
    info.pInitialData = stored.data();
    // Without a cache everything works, only slower.
    if (vk_.CreatePipelineCache(device_, &info, nullptr, &cache_) != VK_SUCCESS) {
        cache_ = VK_NULL_HANDLE;
    }
}

void VulkanDevice::store_pipeline_cache() {
    if (!cache_ || !cache_file_.enabled()) return;
    size_t size = 0;
    if (vk_.GetPipelineCacheData(device_, cache_, &size, nullptr) != VK_SUCCESS) return;
    std::vector<uint8_t> data(size);
    if (vk_.GetPipelineCacheData(device_, cache_, &size, data.data()) != VK_SUCCESS) return;
    data.resize(size);
    cache_file_.store(data);
}

Result<std::shared_ptr<Pipeline>> VulkanDevice::make_pipeline(std::span<const uint32_t> spirv,
                                                              uint32_t buffers_count,
                                                              uint32_t push_constants_size) {
    P2C2R_CHECK(buffers_count <= kBuffersPerPipelineMax);
    P2C2R_CHECK(push_constants_size <= kPushConstantsSizeMax && push_constants_size % 4 == 0);
    if (Result<Done> able = check_float_modes(spirv, physical_.info); !able) return able.error();
    Result<std::shared_ptr<Pipeline>> pipeline = VulkanPipeline::create(
        shared_from_this(), cache_, spirv, buffers_count, push_constants_size);
    if (pipeline) store_pipeline_cache();
    return pipeline;
}

Result<std::unique_ptr<Buffer>> VulkanDevice::make_buffer(uint64_t size, BufferUse use) {
    if (size == 0 || size > physical_.info.buffer_size_max) {
        return make_error(Status::kLimit, "a buffer of " + std::to_string(size) + " bytes; " +
                                              physical_.info.name + " takes 1 to " +
                                              std::to_string(physical_.info.buffer_size_max));
    }
    if (is_lost()) return make_error(Status::kDevice, physical_.info.name + " is lost");
    Result<std::unique_ptr<MemoryBlock>> block = pool_->take(size, use);
    if (!block) return block.error();
    return std::unique_ptr<Buffer>(
        std::make_unique<VulkanBuffer>(shared_from_this(), std::move(*block), size));
}

void VulkanDevice::retire(const PipelineHandles& handles) {
    if (!is_lost()) return destroy(handles);
    const std::lock_guard lock(mutex_);
    retired_.push_back(handles);
}

void VulkanDevice::destroy(const PipelineHandles& handles) {
    vk_.DestroyPipeline(device_, handles.pipeline, nullptr);
    vk_.DestroyPipelineLayout(device_, handles.layout, nullptr);
    vk_.DestroyDescriptorSetLayout(device_, handles.set_layout, nullptr);
}

// ---- running ----------------------------------------------------------------------------------

Result<RunTime> VulkanDevice::run(const Work& work) {
    const Result<Ticket> ticket = submit(work);
    if (!ticket) return ticket.error();
    return wait(*ticket);
}

Result<Ticket> VulkanDevice::submit(const Work& work) {
    if (Result<Done> good = check_work(work); !good) return good.error();
    return queue_->submit(work);
}

Result<Done> VulkanDevice::check_work(const Work& work) const {
    P2C2R_CHECK(!work.dispatches.empty() || !work.snapshots.empty());
    P2C2R_CHECK(work.dispatches.size() <= kDispatchesMax);
    uint32_t after = 0;
    for (const Snapshot& snapshot : work.snapshots) {
        P2C2R_CHECK(snapshot.into->size() <= snapshot.from->size());
        P2C2R_CHECK(snapshot.after >= after);
        after = snapshot.after;
    }
    for (const Dispatch& dispatch : work.dispatches) {
        const auto& pipeline = *static_cast<const VulkanPipeline*>(dispatch.pipeline);
        P2C2R_CHECK(dispatch.buffers.size() == pipeline.buffers_count());
        P2C2R_CHECK(dispatch.push_constants.size() == pipeline.push_constants_size());
        for (size_t i = 0; i < 3; ++i) {
            if (dispatch.groups[i] > physical_.info.groups_max[i]) {
                return make_error(Status::kLimit, std::to_string(dispatch.groups[i]) + " groups, " +
                                                      physical_.info.name + " takes " +
                                                      std::to_string(physical_.info.groups_max[i]));
            }
        }
    }
    return Done{};
}

}  // namespace p2c2r::gpu
