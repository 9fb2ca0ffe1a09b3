// The Vulkan functions that gpu/ calls, found at run time: nothing is linked against the loader.
#pragma once

#ifndef VK_NO_PROTOTYPES
#define VK_NO_PROTOTYPES
#endif
#include <vulkan/vulkan_core.h>

#include "core/status.h"
#include "gpu/shared_library.h"

namespace p2c2r::gpu {

#define P2C2R_VULKAN_INSTANCE_FUNCTIONS(X)    \
    X(DestroyInstance)                        \
    X(EnumeratePhysicalDevices)               \
    X(GetPhysicalDeviceProperties2)           \
    X(GetPhysicalDeviceFeatures2)             \
    X(GetPhysicalDeviceMemoryProperties)      \
    X(GetPhysicalDeviceQueueFamilyProperties) \
    X(CreateDevice)                           \
    X(GetDeviceProcAddr)

#define P2C2R_VULKAN_DEVICE_FUNCTIONS(X) \
    X(DestroyDevice)                     \
    X(GetDeviceQueue)                    \
    X(QueueSubmit)                       \
    X(CreateSemaphore)                   \
    X(DestroySemaphore)                  \
    X(WaitSemaphores)                    \
    X(GetSemaphoreCounterValue)          \
    X(CreateCommandPool)                 \
    X(DestroyCommandPool)                \
    X(ResetCommandPool)                  \
    X(AllocateCommandBuffers)            \
    X(BeginCommandBuffer)                \
    X(EndCommandBuffer)                  \
    X(CmdPipelineBarrier)                \
    X(CmdFillBuffer)                     \
    X(CmdCopyBuffer)                     \
    X(CmdBindPipeline)                   \
    X(CmdBindDescriptorSets)             \
    X(CmdPushConstants)                  \
    X(CmdDispatch)                       \
    X(CreateBuffer)                      \
    X(DestroyBuffer)                     \
    X(GetBufferMemoryRequirements)       \
    X(BindBufferMemory)                  \
    X(AllocateMemory)                    \
    X(FreeMemory)                        \
    X(MapMemory)                         \
    X(CreateShaderModule)                \
    X(DestroyShaderModule)               \
    X(CreateDescriptorSetLayout)         \
    X(DestroyDescriptorSetLayout)        \
    X(CreatePipelineLayout)              \
    X(DestroyPipelineLayout)             \
    X(CreateComputePipelines)            \
    X(DestroyPipeline)                   \
    X(CreatePipelineCache)               \
    X(DestroyPipelineCache)              \
    X(GetPipelineCacheData)              \
    X(CreateDescriptorPool)              \
    X(DestroyDescriptorPool)             \
    X(ResetDescriptorPool)               \
    X(CreateQueryPool)                   \
    X(DestroyQueryPool)                  \
    X(CmdResetQueryPool)                 \
    X(CmdWriteTimestamp)                 \
    X(GetQueryPoolResults)               \
    X(AllocateDescriptorSets)            \
    X(UpdateDescriptorSets)

#define P2C2R_VULKAN_MEMBER(name) PFN_vk##name name = nullptr;

// Those that need no instance.
struct GlobalFunctions {
    PFN_vkGetInstanceProcAddr GetInstanceProcAddr = nullptr;
    PFN_vkCreateInstance CreateInstance = nullptr;
    PFN_vkEnumerateInstanceVersion EnumerateInstanceVersion = nullptr;  // NULL before Vulkan 1.1
    PFN_vkEnumerateInstanceLayerProperties EnumerateInstanceLayerProperties = nullptr;
};

struct InstanceFunctions {
    P2C2R_VULKAN_INSTANCE_FUNCTIONS(P2C2R_VULKAN_MEMBER)
    PFN_vkCreateDebugUtilsMessengerEXT CreateDebugUtilsMessengerEXT = nullptr;    // may be NULL
    PFN_vkDestroyDebugUtilsMessengerEXT DestroyDebugUtilsMessengerEXT = nullptr;  // may be NULL
};

struct DeviceFunctions {
    P2C2R_VULKAN_DEVICE_FUNCTIONS(P2C2R_VULKAN_MEMBER)
};

#undef P2C2R_VULKAN_MEMBER

// kNoDevice, naming the first function that is missing.
Result<GlobalFunctions> load_global_functions(const SharedLibrary& loader);
Result<InstanceFunctions> load_instance_functions(const GlobalFunctions& global,
                                                  VkInstance instance);
Result<DeviceFunctions> load_device_functions(const InstanceFunctions& functions, VkDevice device);

// "VK_ERROR_DEVICE_LOST"; the number for codes that are not worth a name here.
std::string result_name(VkResult result);

}  // namespace p2c2r::gpu
