#include "gpu/vulkan_functions.h"

namespace p2c2r::gpu {

namespace {

Error missing(const char* name) {
    return make_error(Status::kNoDevice, std::string("the Vulkan driver has no function ") + name);
}

}  // namespace

Result<GlobalFunctions> load_global_functions(const SharedLibrary& loader) {
    GlobalFunctions table;
    table.GetInstanceProcAddr =
        reinterpret_cast<PFN_vkGetInstanceProcAddr>(loader.symbol("vkGetInstanceProcAddr"));
    if (!table.GetInstanceProcAddr) return missing("vkGetInstanceProcAddr");
    const auto find = [&](const char* name) { return table.GetInstanceProcAddr(nullptr, name); };
    table.CreateInstance = reinterpret_cast<PFN_vkCreateInstance>(find("vkCreateInstance"));
    if (!table.CreateInstance) return missing("vkCreateInstance");
    table.EnumerateInstanceVersion =
        reinterpret_cast<PFN_vkEnumerateInstanceVersion>(find("vkEnumerateInstanceVersion"));
    table.EnumerateInstanceLayerProperties =
        reinterpret_cast<PFN_vkEnumerateInstanceLayerProperties>(
            find("vkEnumerateInstanceLayerProperties"));
    return table;
}

#define P2C2R_VULKAN_LOAD(name)                                    \
    table.name = reinterpret_cast<PFN_vk##name>(find("vk" #name)); \
    if (!table.name) return missing("vk" #name);

Result<InstanceFunctions> load_instance_functions(const GlobalFunctions& global,
                                                  VkInstance instance) {
    InstanceFunctions table;
    const auto find = [&](const char* name) { return global.GetInstanceProcAddr(instance, name); };
    P2C2R_VULKAN_INSTANCE_FUNCTIONS(P2C2R_VULKAN_LOAD)
    table.CreateDebugUtilsMessengerEXT = reinterpret_cast<PFN_vkCreateDebugUtilsMessengerEXT>(
        find("vkCreateDebugUtilsMessengerEXT"));
    table.DestroyDebugUtilsMessengerEXT = reinterpret_cast<PFN_vkDestroyDebugUtilsMessengerEXT>(
        find("vkDestroyDebugUtilsMessengerEXT"));
    return table;
}

Result<DeviceFunctions> load_device_functions(const InstanceFunctions& functions, VkDevice device) {
    DeviceFunctions table;
    const auto find = [&](const char* name) { return functions.GetDeviceProcAddr(device, name); };
    P2C2R_VULKAN_DEVICE_FUNCTIONS(P2C2R_VULKAN_LOAD)
    return table;
}

#undef P2C2R_VULKAN_LOAD

std::string result_name(VkResult result) {
    switch (result) {
        case VK_SUCCESS:
            return "VK_SUCCESS";
        case VK_TIMEOUT:
            return "VK_TIMEOUT";
        case VK_ERROR_OUT_OF_HOST_MEMORY:
            return "VK_ERROR_OUT_OF_HOST_MEMORY";
        case VK_ERROR_OUT_OF_DEVICE_MEMORY:
            return "VK_ERROR_OUT_OF_DEVICE_MEMORY";
        case VK_ERROR_INITIALIZATION_FAILED:
            return "VK_ERROR_INITIALIZATION_FAILED";
        case VK_ERROR_DEVICE_LOST:
            return "VK_ERROR_DEVICE_LOST";
        case VK_ERROR_LAYER_NOT_PRESENT:
            return "VK_ERROR_LAYER_NOT_PRESENT";
        case VK_ERROR_EXTENSION_NOT_PRESENT:
            return "VK_ERROR_EXTENSION_NOT_PRESENT";
        case VK_ERROR_INCOMPATIBLE_DRIVER:
            return "VK_ERROR_INCOMPATIBLE_DRIVER";
        default:
            return "VkResult " + std::to_string(static_cast<int>(result));
    }
}

}  // namespace p2c2r::gpu
