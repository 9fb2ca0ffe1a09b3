// What a submission holds: uploads, dispatches one behind the other, copies back. Barriers order
// the stages that really depend on each other, so that the uploads of one submission may run beside
// the dispatches of the one in front.
#include <array>

#include "gpu/vulkan_buffer.h"
#include "gpu/vulkan_queue.h"

namespace p2c2r::gpu {

namespace {

void record_barrier(const DeviceFunctions& vk, VkCommandBuffer commands, VkPipelineStageFlags from,
                    VkAccessFlags writes, VkPipelineStageFlags to, VkAccessFlags accesses) {
    VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
    barrier.srcAccessMask = writes;
    barrier.dstAccessMask = accesses;
    vk.CmdPipelineBarrier(commands, from, to, 0, 1, &barrier, 0, nullptr, 0, nullptr);
}

void zero_new(const DeviceFunctions& vk, VkCommandBuffer commands, VulkanBuffer& buffer) {
    if (!buffer.take_needs_zero()) return;
    vk.CmdFillBuffer(commands, buffer.block().device_buffer, 0, buffer.bound_size(), 0);
}

}  // namespace

VkResult VulkanQueue::record(Slot& slot, const Work& work) {
    VkResult result = vk_.ResetCommandPool(place_.device, slot.command_pool, 0);
    if (result != VK_SUCCESS) return result;
    result = vk_.ResetDescriptorPool(place_.device, slot.descriptors, 0);
    if (result != VK_SUCCESS) return result;
    VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
    result = vk_.BeginCommandBuffer(slot.commands, &begin);
    if (result != VK_SUCCESS) return result;
    record_uploads(slot, work);
    if (slot.clock) {
        vk_.CmdResetQueryPool(slot.commands, slot.clock, 0, 2);
        // Once the dispatches in front have ended, those of another submission included.
        vk_.CmdWriteTimestamp(slot.commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, slot.clock, 0);
    }
    size_t snapshots = 0;
    for (uint32_t i = 0; i < work.dispatches.size(); ++i) {
        while (snapshots < work.snapshots.size() && work.snapshots[snapshots].after <= i) {
            record_snapshot(slot, work.snapshots[snapshots++]);
        }
        result = record_dispatch(slot, work.dispatches[i]);
        if (result != VK_SUCCESS) return result;
    }
    if (slot.clock) {
        vk_.CmdWriteTimestamp(slot.commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, slot.clock, 1);
    }
    while (snapshots < work.snapshots.size()) record_snapshot(slot, work.snapshots[snapshots++]);
    if (!work.snapshots.empty()) {
        record_barrier(vk_, slot.commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                       VK_ACCESS_TRANSFER_WRITE_BIT, VK_PIPELINE_STAGE_HOST_BIT,
                       VK_ACCESS_HOST_READ_BIT);
    }
    record_read_back(slot, work);
    return vk_.EndCommandBuffer(slot.commands);
}

void VulkanQueue::record_uploads(Slot& slot, const Work& work) {
    for (const Dispatch& dispatch : work.dispatches) {
        for (Buffer* const each : dispatch.buffers) {
            VulkanBuffer& buffer = own(each);
            const MemoryBlock& block = buffer.block();
            zero_new(vk_, slot.commands, buffer);
            if (block.use == BufferUse::kUpload && block.host_buffer && buffer.take_host_wrote()) {
                const VkBufferCopy all{0, 0, buffer.bound_size()};
                vk_.CmdCopyBuffer(slot.commands, block.host_buffer, block.device_buffer, 1, &all);
            }
        }
    }
    for (const Snapshot& snapshot : work.snapshots) {
        zero_new(vk_, slot.commands, own(snapshot.from));
    }
    // Copies back of the submission in front read what the dispatches may write.
    record_barrier(vk_, slot.commands, VK_PIPELINE_STAGE_TRANSFER_BIT | VK_PIPELINE_STAGE_HOST_BIT,
                   VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_HOST_WRITE_BIT,
                   VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                   VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
}

VkResult VulkanQueue::record_dispatch(Slot& slot, const Dispatch& dispatch) {
    const VulkanPipeline& pipeline = *static_cast<const VulkanPipeline*>(dispatch.pipeline);
    VkDescriptorSetAllocateInfo allocate{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
    allocate.descriptorPool = slot.descriptors;
    allocate.descriptorSetCount = 1;
    allocate.pSetLayouts = &pipeline.set_layout();
    VkDescriptorSet set = VK_NULL_HANDLE;
    const VkResult result = vk_.AllocateDescriptorSets(place_.device, &allocate, &set);
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
    vk_.UpdateDescriptorSets(place_.device, static_cast<uint32_t>(dispatch.buffers.size()),
                             writes.data(), 0, nullptr);
    vk_.CmdBindPipeline(slot.commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.handle());
    vk_.CmdBindDescriptorSets(slot.commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.layout(), 0,
                              1, &set, 0, nullptr);
    if (!dispatch.push_constants.empty()) {
        vk_.CmdPushConstants(slot.commands, pipeline.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                             static_cast<uint32_t>(dispatch.push_constants.size()),
                             dispatch.push_constants.data());
    }
    vk_.CmdDispatch(slot.commands, dispatch.groups[0], dispatch.groups[1], dispatch.groups[2]);
    record_barrier(vk_, slot.commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                   VK_ACCESS_SHADER_WRITE_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                   VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
    return VK_SUCCESS;
}

void VulkanQueue::record_snapshot(Slot& slot, const Snapshot& snapshot) {
    VulkanBuffer& into = own(snapshot.into);
    P2C2R_CHECK(into.block().use == BufferUse::kDownload);
    // The whole target is written, and its device half is not used where it has a host half.
    static_cast<void>(into.take_needs_zero());
    record_barrier(
        vk_, slot.commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
        VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT,
        VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT);
    const VkBufferCopy part{0, 0, into.bound_size()};
    vk_.CmdCopyBuffer(
        slot.commands, own(snapshot.from).block().device_buffer,
        into.block().host_buffer ? into.block().host_buffer : into.block().device_buffer, 1, &part);
    // Dispatches behind it must not write what is still being read.
    record_barrier(vk_, slot.commands, VK_PIPELINE_STAGE_TRANSFER_BIT, 0,
                   VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0);
}

void VulkanQueue::record_read_back(Slot& slot, const Work& work) {
    VkPipelineStageFlags readers = 0;
    VkAccessFlags reads = 0;
    for (Buffer* const buffer : work.read_back) {
        const MemoryBlock& block = own(buffer).block();
        P2C2R_CHECK(block.use == BufferUse::kDownload);
        readers |= block.host_buffer ? VK_PIPELINE_STAGE_TRANSFER_BIT : VK_PIPELINE_STAGE_HOST_BIT;
        reads |= block.host_buffer ? VK_ACCESS_TRANSFER_READ_BIT : VK_ACCESS_HOST_READ_BIT;
    }
    if (!readers) return;
    record_barrier(vk_, slot.commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                   VK_ACCESS_SHADER_WRITE_BIT, readers, reads);
    if (!(readers & VK_PIPELINE_STAGE_TRANSFER_BIT)) return;
    for (Buffer* const each : work.read_back) {
        VulkanBuffer& buffer = own(each);
        const MemoryBlock& block = buffer.block();
        if (!block.host_buffer) continue;
        const VkBufferCopy all{0, 0, buffer.bound_size()};
        vk_.CmdCopyBuffer(slot.commands, block.device_buffer, block.host_buffer, 1, &all);
    }
    record_barrier(vk_, slot.commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
                   VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
}

}  // namespace p2c2r::gpu
