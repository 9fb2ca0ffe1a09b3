#include "gpu/vulkan_device.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "gpu/float_modes.h"
#include "gpu/vulkan_buffer.h"

namespace p2c2r::gpu {

namespace {

Error device_error(const std::string& what, VkResult result) {
    return make_error(Status::kDevice, what + ": " + result_name(result));
}

VulkanBuffer& own(Buffer* buffer) {
    return *static_cast<VulkanBuffer*>(buffer);
}

const VulkanPipeline& own(const Pipeline* pipeline) {
    return *static_cast<const VulkanPipeline*>(pipeline);
}

}  // namespace

// ---- beginning and end ------------------------------------------------------------------------

Result<std::shared_ptr<Device>> VulkanDevice::create(std::shared_ptr<VulkanInstance> instance,
                                                     const PhysicalDevice& physical,
                                                     const std::string& pipeline_cache_dir) {
    std::shared_ptr<VulkanDevice> device(
        new VulkanDevice(std::move(instance), physical, pipeline_cache_dir));
    if (Result<Done> done = device->start(); !done) return done.error();
    return std::shared_ptr<Device>(std::move(device));
}

VulkanDevice::VulkanDevice(std::shared_ptr<VulkanInstance> instance, const PhysicalDevice& physical,
                           const std::string& pipeline_cache_dir)
    : instance_(std::move(instance)),
      physical_(physical),
      cache_file_(pipeline_cache_dir, physical.info) {}

VulkanDevice::~VulkanDevice() {
    if (!device_) return;
    if (is_lost()) {
        // Waiting for work that did not end may never return: what it uses is left alone.
        static_cast<void>(pool_.release());
        new std::shared_ptr<VulkanInstance>(instance_);
        return;
    }
    pool_.reset();
    vk_.DestroyPipelineCache(device_, cache_, nullptr);
    vk_.DestroyQueryPool(device_, clock_, nullptr);
    vk_.DestroyFence(device_, fence_, nullptr);
    vk_.DestroyDescriptorPool(device_, descriptor_pool_, nullptr);
    vk_.DestroyCommandPool(device_, command_pool_, nullptr);
    vk_.DestroyDevice(device_, nullptr);
}

Result<Done> VulkanDevice::start() {
    const float priority = 0.0f;  // the owner's own work comes first
    VkDeviceQueueCreateInfo queue{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
    queue.queueFamilyIndex = physical_.queue_family;
    queue.queueCount = 1;
    queue.pQueuePriorities = &priority;
    VkPhysicalDeviceFeatures features{};
    features.robustBufferAccess = physical_.robust_access ? VK_TRUE : VK_FALSE;
    VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &queue;
    info.pEnabledFeatures = &features;
    VkResult result = instance_->vk().CreateDevice(physical_.handle, &info, nullptr, &device_);
    if (result != VK_SUCCESS) {
        return device_error("the driver did not open " + physical_.info.name, result);
    }
    const Result<DeviceFunctions> functions = load_device_functions(instance_->vk(), device_);
    if (!functions) {
        device_ = VK_NULL_HANDLE;  // cannot be destroyed without its functions
        return functions.error();
    }
    vk_ = *functions;
    pool_ = std::make_unique<MemoryPool>(physical_, instance_->vk(), vk_, device_);
    result = make_queue_objects();
    if (result != VK_SUCCESS) {
        return device_error("the driver gave no queue of " + physical_.info.name, result);
    }
    make_pipeline_cache();
    return Done{};
}

VkResult VulkanDevice::make_queue_objects() {
    vk_.GetDeviceQueue(device_, physical_.queue_family, 0, &queue_);
    VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    pool.flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT;
    pool.queueFamilyIndex = physical_.queue_family;
    VkResult result = vk_.CreateCommandPool(device_, &pool, nullptr, &command_pool_);
    if (result != VK_SUCCESS) return result;
    VkCommandBufferAllocateInfo commands{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
    commands.commandPool = command_pool_;
    commands.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    commands.commandBufferCount = 1;
    result = vk_.AllocateCommandBuffers(device_, &commands, &commands_);
    if (result != VK_SUCCESS) return result;
    VkFenceCreateInfo fence{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    result = vk_.CreateFence(device_, &fence, nullptr, &fence_);
    if (result != VK_SUCCESS) return result;
    if (physical_.timestamp_ns > 0) {
        VkQueryPoolCreateInfo clock{VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO};
        clock.queryType = VK_QUERY_TYPE_TIMESTAMP;
        clock.queryCount = 2;
        result = vk_.CreateQueryPool(device_, &clock, nullptr, &clock_);
        if (result != VK_SUCCESS) return result;
    }
    const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                    kDispatchesMax * kBuffersPerPipelineMax};
    VkDescriptorPoolCreateInfo sets{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
    sets.maxSets = kDispatchesMax;
    sets.poolSizeCount = 1;
    sets.pPoolSizes = &size;
    return vk_.CreateDescriptorPool(device_, &sets, nullptr, &descriptor_pool_);
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
    Result<std::unique_ptr<MemoryBlock>> block = pool_->take(size, use);
    if (!block) return block.error();
    return std::unique_ptr<Buffer>(
        std::make_unique<VulkanBuffer>(shared_from_this(), std::move(*block), size));
}

// ---- running
// --------------------------------------------------------------------------------------

Result<RunTime> VulkanDevice::run(const Work& work) {
    if (Result<Done> good = check_work(work); !good) return good.error();
    const std::lock_guard lock(mutex_);
    if (!lost_.empty()) return make_error(Status::kDevice, lost_);
    VkResult result = record(work);
    if (result != VK_SUCCESS) return lose("took no commands: " + result_name(result));
    result = submit_and_wait(work.timeout_us);
    if (result == VK_TIMEOUT) {
        return lose("did not finish within " + std::to_string(work.timeout_us) + " us");
    }
    if (result != VK_SUCCESS) return lose("failed: " + result_name(result));
    return read_clock();
}

Result<Done> VulkanDevice::check_work(const Work& work) const {
    P2C2R_CHECK(!work.dispatches.empty() && work.dispatches.size() <= kDispatchesMax);
    for (const Dispatch& dispatch : work.dispatches) {
        const VulkanPipeline& pipeline = own(dispatch.pipeline);
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

VkResult VulkanDevice::record(const Work& work) {
    VkResult result = vk_.ResetCommandPool(device_, command_pool_, 0);
    if (result != VK_SUCCESS) return result;
    result = vk_.ResetDescriptorPool(device_, descriptor_pool_, 0);
    if (result != VK_SUCCESS) return result;
    VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
    result = vk_.BeginCommandBuffer(commands_, &begin);
    if (result != VK_SUCCESS) return result;
    record_uploads(work);
    if (clock_) {
        vk_.CmdResetQueryPool(commands_, clock_, 0, 2);
        vk_.CmdWriteTimestamp(commands_, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, clock_, 0);
    }
    for (const Dispatch& dispatch : work.dispatches) {
        result = record_dispatch(dispatch);
        if (result != VK_SUCCESS) return result;
    }
    if (clock_) {
        vk_.CmdWriteTimestamp(commands_, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, clock_, 1);
    }
    record_read_back(work);
    return vk_.EndCommandBuffer(commands_);
}

void VulkanDevice::record_uploads(const Work& work) {
    for (const Dispatch& dispatch : work.dispatches) {
        for (Buffer* const each : dispatch.buffers) {
            VulkanBuffer& buffer = own(each);
            const MemoryBlock& block = buffer.block();
            if (buffer.take_needs_zero()) {
                vk_.CmdFillBuffer(commands_, block.device_buffer, 0, buffer.bound_size(), 0);
            }
            if (block.use == BufferUse::kUpload && block.host_buffer && buffer.take_host_wrote()) {
                const VkBufferCopy all{0, 0, buffer.bound_size()};
                vk_.CmdCopyBuffer(commands_, block.host_buffer, block.device_buffer, 1, &all);
            }
        }
    }
    record_barrier(VK_PIPELINE_STAGE_TRANSFER_BIT | VK_PIPELINE_STAGE_HOST_BIT,
                   VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_HOST_WRITE_BIT,
                   VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                   VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
}

VkResult VulkanDevice::record_dispatch(const Dispatch& dispatch) {
    const VulkanPipeline& pipeline = own(dispatch.pipeline);
    VkDescriptorSetAllocateInfo allocate{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
    allocate.descriptorPool = descriptor_pool_;
    allocate.descriptorSetCount = 1;
    allocate.pSetLayouts = &pipeline.set_layout();
    VkDescriptorSet set = VK_NULL_HANDLE;
    const VkResult result = vk_.AllocateDescriptorSets(device_, &allocate, &set);
    if (result != VK_SUCCESS) return result;
    std::array<VkDescriptorBufferInfo, kBuffersPerPipelineMax> ranges{};
    std::array<VkWriteDescriptorSet, kBuffersPerPipelineMax> writes{};
    for (uint32_t i = 0; i < dispatch.buffers.size(); ++i) {
        const VulkanBuffer& buffer = own(dispatch.buffers[i]);
        ranges[i] = {buffer.block().device_buffer, 0, buffer.bound_size()};
        writes[i].sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
        writes[i].dstSet = set;
        writes[i].dstBinding = i;
        writes[i].descriptorCount = 1;
        writes[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
        writes[i].pBufferInfo = &ranges[i];
    }
    vk_.UpdateDescriptorSets(device_, static_cast<uint32_t>(dispatch.buffers.size()), writes.data(),
                             0, nullptr);
    vk_.CmdBindPipeline(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.handle());
    vk_.CmdBindDescriptorSets(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.layout(), 0, 1,
                              &set, 0, nullptr);
    if (!dispatch.push_constants.empty()) {
        vk_.CmdPushConstants(commands_, pipeline.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                             static_cast<uint32_t>(dispatch.push_constants.size()),
                             dispatch.push_constants.data());
    }
    vk_.CmdDispatch(commands_, dispatch.groups[0], dispatch.groups[1], dispatch.groups[2]);
    record_barrier(VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
                   VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT |
                       VK_PIPELINE_STAGE_HOST_BIT,
                   VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                       VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_HOST_READ_BIT);
    return VK_SUCCESS;
}

void VulkanDevice::record_read_back(const Work& work) {
    bool copied = false;
    for (Buffer* const each : work.read_back) {
        VulkanBuffer& buffer = own(each);
        const MemoryBlock& block = buffer.block();
        P2C2R_CHECK(block.use == BufferUse::kDownload);
        if (!block.host_buffer) continue;
        const VkBufferCopy all{0, 0, buffer.bound_size()};
        vk_.CmdCopyBuffer(commands_, block.device_buffer, block.host_buffer, 1, &all);
        copied = true;
    }
    if (!copied) return;
    record_barrier(VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
                   VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
}

void VulkanDevice::record_barrier(VkPipelineStageFlags from, VkAccessFlags writes,
                                  VkPipelineStageFlags to, VkAccessFlags accesses) {
    VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
    barrier.srcAccessMask = writes;
    barrier.dstAccessMask = accesses;
    vk_.CmdPipelineBarrier(commands_, from, to, 0, 1, &barrier, 0, nullptr, 0, nullptr);
}

VkResult VulkanDevice::submit_and_wait(uint64_t timeout_us) {
    VkResult result = vk_.ResetFences(device_, 1, &fence_);
    if (result != VK_SUCCESS) return result;
    VkSubmitInfo submit{VK_STRUCTURE_TYPE_SUBMIT_INFO};
    submit.commandBufferCount = 1;
    submit.pCommandBuffers = &commands_;
    result = vk_.QueueSubmit(queue_, 1, &submit, fence_);
    if (result != VK_SUCCESS) return result;
    return vk_.WaitForFences(device_, 1, &fence_, VK_TRUE, timeout_us * 1000);
}

RunTime VulkanDevice::read_clock() const {
    std::array<uint64_t, 2> ticks{};
    if (!clock_ || vk_.GetQueryPoolResults(device_, clock_, 0, 2, sizeof ticks, ticks.data(),
                                           sizeof ticks[0], VK_QUERY_RESULT_64_BIT) != VK_SUCCESS) {
        return {};
    }
    // A clock of few bits may have run over in between: no time is better than a wrong one.
    if (ticks[1] < ticks[0]) return {};
    return {
        static_cast<uint64_t>(static_cast<double>(ticks[1] - ticks[0]) * physical_.timestamp_ns)};
}

Error VulkanDevice::lose(std::string why) {
    is_lost_.store(true, std::memory_order_release);
    lost_ = physical_.info.name + " " + std::move(why);
    return make_error(Status::kDevice, lost_);
}

}  // namespace p2c2r::gpu
