#include "gpu/vulkan_buffer.h"

#include <array>
#include <cstring>

namespace p2c2r::gpu {

VulkanBuffer::VulkanBuffer(std::shared_ptr<VulkanDevice> device, std::unique_ptr<MemoryBlock> block,
                           uint64_t size)
    : device_(std::move(device)), block_(std::move(block)), size_(size) {
    // Memory of the host's is zeroed here, memory of the device's by the next run. An upload fills
    // the device's half from the host's, so that half needs nothing.
    if (block_->mapped) std::memset(block_->mapped, 0, bound_size());
    needs_zero_ = !block_->mapped || (block_->use == BufferUse::kDownload && block_->host_buffer);
    host_wrote_ = block_->use == BufferUse::kUpload;
}

VulkanBuffer::~VulkanBuffer() {
    // The next owner must not meet work of this one. A lost device has no next owner.
    if (last_use_ != 0) device_->queue().finish(last_use_);
    device_->pool().give_back(std::move(block_), device_->is_lost());
}

Result<std::shared_ptr<Pipeline>> VulkanPipeline::create(std::shared_ptr<VulkanDevice> device,
                                                         VkPipelineCache cache,
                                                         std::span<const uint32_t> spirv,
                                                         uint32_t buffers_count,
                                                         uint32_t push_constants_size) {
    std::shared_ptr<VulkanPipeline> pipeline(new VulkanPipeline(std::move(device)));
    pipeline->buffers_count_ = buffers_count;
    pipeline->push_constants_size_ = push_constants_size;
    VkResult result = pipeline->make_layouts();
    if (result == VK_SUCCESS) result = pipeline->make_pipeline(cache, spirv);
    if (result != VK_SUCCESS) {
        return make_error(Status::kDevice, "the driver did not accept a shader of " +
                                               std::to_string(spirv.size() * 4) +
                                               " bytes: " + result_name(result));
    }
    return std::shared_ptr<Pipeline>(std::move(pipeline));
}

VulkanPipeline::~VulkanPipeline() {
    device_->retire(handles_);
}

VkResult VulkanPipeline::make_layouts() {
    std::array<VkDescriptorSetLayoutBinding, kBuffersPerPipelineMax> bindings{};
    for (uint32_t i = 0; i < buffers_count_; ++i) {
        bindings[i].binding = i;
        bindings[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
        bindings[i].descriptorCount = 1;
        bindings[i].stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
    }
    VkDescriptorSetLayoutCreateInfo set{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
    set.bindingCount = buffers_count_;
    set.pBindings = bindings.data();
    const DeviceFunctions& vk = device_->vk();
    const VkResult result =
        vk.CreateDescriptorSetLayout(device_->handle(), &set, nullptr, &handles_.set_layout);
    if (result != VK_SUCCESS) return result;

    VkPushConstantRange range{VK_SHADER_STAGE_COMPUTE_BIT, 0, push_constants_size_};
    VkPipelineLayoutCreateInfo layout{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
    layout.setLayoutCount = 1;
    layout.pSetLayouts = &handles_.set_layout;
    layout.pushConstantRangeCount = push_constants_size_ > 0 ? 1 : 0;
    layout.pPushConstantRanges = &range;
    return vk.CreatePipelineLayout(device_->handle(), &layout, nullptr, &handles_.layout);
}

VkResult VulkanPipeline::make_pipeline(VkPipelineCache cache, std::span<const uint32_t> spirv) {
    const DeviceFunctions& vk = device_->vk();
    VkShaderModuleCreateInfo module_info{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
    module_info.codeSize = spirv.size_bytes();
    module_info.pCode = spirv.data();
    VkShaderModule module = VK_NULL_HANDLE;
    VkResult result = vk.CreateShaderModule(device_->handle(), &module_info, nullptr, &module);
    if (result != VK_SUCCESS) return result;
    VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
    info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    info.stage.module = module;
    info.stage.pName = "main";
    info.layout = handles_.layout;
    result =
        vk.CreateComputePipelines(device_->handle(), cache, 1, &info, nullptr, &handles_.pipeline);
    vk.DestroyShaderModule(device_->handle(), module, nullptr);
    return result;
}

}  // namespace p2c2r::gpu
