// The Vulkan instance: loader, driver list, validation layer. Shared by Devices and every Device.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "gpu/compute.h"
#include "gpu/vulkan_functions.h"

namespace p2c2r::gpu {

// A device that can compute.
struct PhysicalDevice {
    VkPhysicalDevice handle = VK_NULL_HANDLE;
    DeviceInfo info;
    uint32_t queue_family = 0;
    double timestamp_ns = 0;      // of one tick of the queue's clock, 0 if it has none
    bool unified_memory = false;  // host and device share it: no copies are needed
    bool robust_access = false;   // out-of-bounds accesses of shaders stay inside buffers
};

class VulkanInstance {
  public:
    static Result<std::shared_ptr<VulkanInstance>> open(const DevicesOptions& options);
    // The host's, with its one device.
    static Result<std::shared_ptr<VulkanInstance>> adopt(const HostDevice& host, Log log);
    ~VulkanInstance();
    VulkanInstance(const VulkanInstance&) = delete;
    VulkanInstance& operator=(const VulkanInstance&) = delete;

    [[nodiscard]] VkInstance handle() const { return instance_; }
    [[nodiscard]] const InstanceFunctions& vk() const { return functions_; }
    [[nodiscard]] const std::vector<PhysicalDevice>& devices() const { return devices_; }
    [[nodiscard]] uint64_t validation_messages() const { return messages_.load(); }

  private:
    explicit VulkanInstance(Log log) : log_(log) {}
    Result<Done> create(const GlobalFunctions& global, bool validation);
    Result<Done> find_devices();
    PhysicalDevice describe(VkPhysicalDevice handle) const;

    static VKAPI_ATTR VkBool32 VKAPI_CALL on_message(
        VkDebugUtilsMessageSeverityFlagBitsEXT severity, VkDebugUtilsMessageTypeFlagsEXT types,
        const VkDebugUtilsMessengerCallbackDataEXT* data, void* user);

    Log log_;
    std::atomic<uint64_t> messages_{0};
    VkInstance instance_ = VK_NULL_HANDLE;
    bool is_host_ = false;
    InstanceFunctions functions_;
    VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
    std::vector<PhysicalDevice> devices_;
};

}  // namespace p2c2r::gpu
