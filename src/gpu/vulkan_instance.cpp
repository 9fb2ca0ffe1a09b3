#include "gpu/vulkan_instance.h"

#include <algorithm>
#include <cstring>

namespace p2c2r::gpu {

namespace {

constexpr const char* kValidationLayer = "VK_LAYER_KHRONOS_validation";

Error no_device(std::string text) {
    return make_error(Status::kNoDevice, std::move(text));
}

bool has_layer(const GlobalFunctions& global, const char* name) {
    if (!global.EnumerateInstanceLayerProperties) return false;
    uint32_t count = 0;
    if (global.EnumerateInstanceLayerProperties(&count, nullptr) != VK_SUCCESS) return false;
    std::vector<VkLayerProperties> layers(count);
    if (global.EnumerateInstanceLayerProperties(&count, layers.data()) < VK_SUCCESS) return false;
    return std::any_of(layers.begin(), layers.end(), [&](const VkLayerProperties& layer) {
        return std::strcmp(layer.layerName, name) == 0;
    });
}

// Real GPUs first; the loader's order among equals.
int rank(VkPhysicalDeviceType type) {
    switch (type) {
        case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
            return 0;
        case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
            return 1;
        case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
            return 2;
        case VK_PHYSICAL_DEVICE_TYPE_CPU:
            return 4;
        default:
            return 3;
    }
}

std::vector<VkQueueFamilyProperties> queue_families(const InstanceFunctions& vk,
                                                    VkPhysicalDevice handle) {
    uint32_t count = 0;
    vk.GetPhysicalDeviceQueueFamilyProperties(handle, &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(count);
    vk.GetPhysicalDeviceQueueFamilyProperties(handle, &count, families.data());
    return families;
}

// A queue that computes but does not draw is preferred: it runs beside the owner's own graphics.
bool find_queue_family(const std::vector<VkQueueFamilyProperties>& families, uint32_t& family) {
    bool found = false;
    for (uint32_t i = 0; i < families.size(); ++i) {
        const VkQueueFlags flags = families[i].queueFlags;
        if (families[i].queueCount == 0 || !(flags & VK_QUEUE_COMPUTE_BIT)) continue;
        const bool computes_only = !(flags & VK_QUEUE_GRAPHICS_BIT);
        if (!found || computes_only) family = i;
        if (computes_only) return true;
        found = true;
    }
    return found;
}

// Version 1.2 is needed for timeline semaphores and for what it tells about floats.
bool has_what_is_needed(const InstanceFunctions& vk, VkPhysicalDevice handle) {
    VkPhysicalDeviceProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    vk.GetPhysicalDeviceProperties2(handle, &properties);
    if (properties.properties.apiVersion < VK_API_VERSION_1_2) return false;
    VkPhysicalDeviceTimelineSemaphoreFeatures timeline{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES};
    VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
    features.pNext = &timeline;
    vk.GetPhysicalDeviceFeatures2(handle, &features);
    return timeline.timelineSemaphore == VK_TRUE;
}

uint64_t device_local_bytes(const VkPhysicalDeviceMemoryProperties& memory) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < memory.memoryHeapCount; ++i) {
        if (memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) {
            bytes += memory.memoryHeaps[i].size;
        }
    }
    return bytes;
}

}  // namespace

Result<std::shared_ptr<VulkanInstance>> VulkanInstance::open(const DevicesOptions& options) {
    const std::string loader_name = options.loader.empty() ? vulkan_loader_name() : options.loader;
    const Result<SharedLibrary> loader = SharedLibrary::open(loader_name);
    if (!loader) return no_device("there is no Vulkan loader: " + loader.error().text);
    const Result<GlobalFunctions> global = load_global_functions(*loader);
    if (!global) return no_device(loader_name + " is no Vulkan loader: " + global.error().text);

    std::shared_ptr<VulkanInstance> instance(new VulkanInstance(options.log));
    if (Result<Done> done = instance->create(*global, options.validation); !done) {
        return done.error();
    }
    if (Result<Done> done = instance->find_devices(); !done) return done.error();
    for (PhysicalDevice& device : instance->devices_) {
        device.unified_memory = device.unified_memory && !options.separate_memory;
    }
    return instance;
}

Result<std::shared_ptr<VulkanInstance>> VulkanInstance::adopt(const HostDevice& host, Log log) {
    std::shared_ptr<VulkanInstance> instance(new VulkanInstance(log));
    instance->is_host_ = true;
    instance->instance_ = static_cast<VkInstance>(host.instance);
    GlobalFunctions global;
    global.GetInstanceProcAddr =
        reinterpret_cast<PFN_vkGetInstanceProcAddr>(host.get_instance_proc_addr);
    Result<InstanceFunctions> functions = load_instance_functions(global, instance->instance_);
    if (!functions) return functions.error();
    instance->functions_ = *functions;
    const auto handle = static_cast<VkPhysicalDevice>(host.physical_device);
    if (!has_what_is_needed(instance->functions_, handle)) {
        return no_device("the host's Vulkan device lacks version 1.2 or timeline semaphores");
    }
    const std::vector<VkQueueFamilyProperties> families =
        queue_families(instance->functions_, handle);
    if (host.queue_family >= families.size() ||
        !(families[host.queue_family].queueFlags & VK_QUEUE_COMPUTE_BIT)) {
        return no_device("queue family " + std::to_string(host.queue_family) +
                         " of the host's Vulkan device does not compute");
    }
    PhysicalDevice device = instance->describe(handle);
    device.queue_family = host.queue_family;
    if (families[host.queue_family].timestampValidBits == 0) device.timestamp_ns = 0;
    instance->devices_.push_back(std::move(device));
    return instance;
}

VulkanInstance::~VulkanInstance() {
    if (!instance_ || is_host_) return;
    if (messenger_) functions_.DestroyDebugUtilsMessengerEXT(instance_, messenger_, nullptr);
    if (functions_.DestroyInstance) functions_.DestroyInstance(instance_, nullptr);
}

Result<Done> VulkanInstance::create(const GlobalFunctions& global, bool validation) {
    uint32_t version = VK_API_VERSION_1_0;
    if (global.EnumerateInstanceVersion) global.EnumerateInstanceVersion(&version);
    if (version < VK_API_VERSION_1_2) {
        return no_device("the Vulkan loader is older than version 1.2, which is needed");
    }
    if (validation && !has_layer(global, kValidationLayer)) {
        return no_device(std::string("the layer ") + kValidationLayer + " is not installed");
    }
    VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
    application.pApplicationName = "p2c2r";
    application.apiVersion = std::min<uint32_t>(version, VK_API_VERSION_1_3);
    VkDebugUtilsMessengerCreateInfoEXT messages{
        VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT};
    messages.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                               VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
    messages.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT |
                           VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT;
    messages.pfnUserCallback = on_message;
    messages.pUserData = this;
    const char* const extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
    VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
    info.pApplicationInfo = &application;
    if (validation) {
        info.pNext = &messages;
        info.enabledLayerCount = 1;
        info.ppEnabledLayerNames = &kValidationLayer;
        info.enabledExtensionCount = 1;
        info.ppEnabledExtensionNames = extensions;
    }
    const VkResult result = global.CreateInstance(&info, nullptr, &instance_);
    if (result == VK_ERROR_INCOMPATIBLE_DRIVER) {
        return no_device("the Vulkan loader found no driver (" + result_name(result) + ")");
    }
    if (result != VK_SUCCESS) {
        return no_device("the Vulkan driver gave no instance: " + result_name(result));
    }
    Result<InstanceFunctions> functions = load_instance_functions(global, instance_);
    if (!functions) {
        // Without its functions the instance cannot even be destroyed; it is left alone.
        instance_ = VK_NULL_HANDLE;
        return functions.error();
    }
    functions_ = *functions;
    if (validation && functions_.CreateDebugUtilsMessengerEXT) {
        functions_.CreateDebugUtilsMessengerEXT(instance_, &messages, nullptr, &messenger_);
    }
    return Done{};
}

Result<Done> VulkanInstance::find_devices() {
    uint32_t count = 0;
    VkResult result = functions_.EnumeratePhysicalDevices(instance_, &count, nullptr);
    std::vector<VkPhysicalDevice> handles(count);
    if (result == VK_SUCCESS && count > 0) {
        result = functions_.EnumeratePhysicalDevices(instance_, &count, handles.data());
        handles.resize(count);
    }
    if (result < VK_SUCCESS) {
        return no_device("the Vulkan drivers list no device: " + result_name(result));
    }
    if (handles.empty()) return no_device("the Vulkan drivers found no device");

    std::vector<std::pair<int, PhysicalDevice>> ranked;
    for (const VkPhysicalDevice handle : handles) {
        const std::vector<VkQueueFamilyProperties> families = queue_families(functions_, handle);
        uint32_t family = 0;
        if (!has_what_is_needed(functions_, handle) || !find_queue_family(families, family)) {
            continue;
        }
        VkPhysicalDeviceProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
        functions_.GetPhysicalDeviceProperties2(handle, &properties);
        PhysicalDevice device = describe(handle);
        device.queue_family = family;
        if (families[family].timestampValidBits == 0) device.timestamp_ns = 0;
        ranked.emplace_back(rank(properties.properties.deviceType), device);
    }
    if (ranked.empty()) {
        return no_device("none of the " + std::to_string(handles.size()) +
                         " Vulkan devices has version 1.2, timeline semaphores and a compute "
                         "queue");
    }
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [order, device] : ranked) devices_.push_back(std::move(device));
    return Done{};
}

// All but the queue family.
PhysicalDevice VulkanInstance::describe(VkPhysicalDevice handle) const {
    PhysicalDevice device;
    device.handle = handle;
    VkPhysicalDeviceIDProperties id{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES};
    VkPhysicalDeviceDriverProperties driver{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
    VkPhysicalDeviceFloatControlsProperties floats{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES};
    VkPhysicalDeviceSubgroupProperties subgroups{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
    VkPhysicalDeviceProperties2 all{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    all.pNext = &id;
    id.pNext = &driver;
    driver.pNext = &floats;
    floats.pNext = &subgroups;
    functions_.GetPhysicalDeviceProperties2(handle, &all);
    const VkPhysicalDeviceProperties& basic = all.properties;
    device.timestamp_ns = basic.limits.timestampPeriod;
    VkPhysicalDeviceMemoryProperties memory{};
    functions_.GetPhysicalDeviceMemoryProperties(handle, &memory);
    VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
    functions_.GetPhysicalDeviceFeatures2(handle, &features);

    DeviceInfo& info = device.info;
    info.name = basic.deviceName;
    info.driver = driver.driverName;
    if (driver.driverInfo[0]) info.driver += std::string(" ") + driver.driverInfo;
    info.vendor_id = basic.vendorID;
    info.device_id = basic.deviceID;
    info.driver_version = basic.driverVersion;
    info.api_version = basic.apiVersion;
    std::copy(std::begin(id.deviceUUID), std::end(id.deviceUUID), info.uuid.begin());
    info.software = basic.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
    info.memory_bytes = device_local_bytes(memory);
    info.buffer_size_max = basic.limits.maxStorageBufferRange;
    info.group_invocations_max = basic.limits.maxComputeWorkGroupInvocations;
    std::copy(std::begin(basic.limits.maxComputeWorkGroupCount),
              std::end(basic.limits.maxComputeWorkGroupCount), info.groups_max.begin());
    info.subgroup_size = subgroups.subgroupSize;
    info.rounding_mode_rte32 = floats.shaderRoundingModeRTEFloat32 == VK_TRUE;
    info.signed_zero_inf_nan_preserve32 = floats.shaderSignedZeroInfNanPreserveFloat32 == VK_TRUE;
    device.unified_memory = basic.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU ||
                            basic.deviceType == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU;
    device.robust_access = features.features.robustBufferAccess == VK_TRUE;
    return device;
}

VKAPI_ATTR VkBool32 VKAPI_CALL VulkanInstance::on_message(
    VkDebugUtilsMessageSeverityFlagBitsEXT severity, VkDebugUtilsMessageTypeFlagsEXT types,
    const VkDebugUtilsMessengerCallbackDataEXT* data, void* user) {
    (void)types;
    VulkanInstance& self = *static_cast<VulkanInstance*>(user);
    self.messages_.fetch_add(1);
    const bool error = severity & VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
    self.log_.write(error ? LogLevel::kError : LogLevel::kWarn, "gpu", data->pMessage);
    return VK_FALSE;
}

}  // namespace p2c2r::gpu
