// A Vulkan device of the host's own, lent through the C interface: it computes for this host's
// clients, beside the host's own submissions, and for nobody else.
#include <dlfcn.h>

#ifndef VK_NO_PROTOTYPES
#define VK_NO_PROTOTYPES
#endif
#include <vulkan/vulkan_core.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "world.h"

using namespace capi_test;

namespace {

// ---- a host with a device
// -------------------------------------------------------------------------

// An engine as it may be: instance (under the validation layer where it is installed), device, one
// queue, and a mutex around that.
class Engine {
  public:
    // NULL, with a message, where there is no loader or no driver.
    static std::unique_ptr<Engine> open() {
        std::unique_ptr<Engine> engine(new Engine);
        if (engine->start()) return engine;
        MESSAGE("skipped: no Vulkan device");
        return nullptr;
    }
    ~Engine() {
        if (device_) device<PFN_vkDestroyFence>("vkDestroyFence")(device_, fence_, nullptr);
        if (device_) device<PFN_vkDestroyDevice>("vkDestroyDevice")(device_, nullptr);
        if (messenger_) {
            instance<PFN_vkDestroyDebugUtilsMessengerEXT>("vkDestroyDebugUtilsMessengerEXT")(
                instance_, messenger_, nullptr);
        }
        if (instance_) {
            instance<PFN_vkDestroyInstance>("vkDestroyInstance")(instance_, nullptr);
        }
        // Whatever the library had left would have been told by now.
        CHECK(messages_ == 0);
        if (loader_) dlclose(loader_);
    }
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    p2c2r_vulkan_host lent() {
        auto host = sized<p2c2r_vulkan_host>();
        host.api_version = VK_API_VERSION_1_2;
        host.queue_family = family_;
        host.instance = instance_;
        host.physical_device = physical_;
        host.device = device_;
        host.queue = queue_;
        host.get_instance_proc_addr = reinterpret_cast<p2c2r_proc>(get_);
        host.queue_lock = lock;
        host.user = this;
        return host;
    }

    // The host's own use of the queue, as a frame has it.
    void submit() {
        mutex_.lock();
        const VkResult submitted =
            device<PFN_vkQueueSubmit>("vkQueueSubmit")(queue_, 0, nullptr, fence_);
        mutex_.unlock();
        REQUIRE(submitted == VK_SUCCESS);
        REQUIRE(device<PFN_vkWaitForFences>("vkWaitForFences")(device_, 1, &fence_, VK_TRUE,
                                                               10'000'000'000) == VK_SUCCESS);
        REQUIRE(device<PFN_vkResetFences>("vkResetFences")(device_, 1, &fence_) == VK_SUCCESS);
    }

    std::atomic<int> locked{0};  // by the library, so many times
    std::atomic<int> held{0};    // now

  private:
    Engine() = default;

    static void P2C2R_CALL lock(void* user, int32_t locks) {
        Engine& engine = *static_cast<Engine*>(user);
        if (locks) {
            engine.mutex_.lock();
            ++engine.locked;
            ++engine.held;
        } else {
            --engine.held;
            engine.mutex_.unlock();
        }
    }

    static VKAPI_ATTR VkBool32 VKAPI_CALL
    on_message(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
               const VkDebugUtilsMessengerCallbackDataEXT* data, void* user) {
        ++static_cast<Engine*>(user)->messages_;
        MESSAGE(data->pMessage);
        return VK_FALSE;
    }

    template <class Function>
    Function instance(const char* name) const {
        return reinterpret_cast<Function>(get_(instance_, name));
    }
    template <class Function>
    Function device(const char* name) const {
        const auto get = instance<PFN_vkGetDeviceProcAddr>("vkGetDeviceProcAddr");
        return reinterpret_cast<Function>(get(device_, name));
    }

    bool start() {
        loader_ = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
        if (!loader_) return false;
        get_ = reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(loader_, "vkGetInstanceProcAddr"));
        if (!get_ || !(make_instance(true) || make_instance(false))) return false;
        return find_device() && make_device();
    }

    bool make_instance(bool validation) {
        const char* layer = "VK_LAYER_KHRONOS_validation";
        const char* extension = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
        VkDebugUtilsMessengerCreateInfoEXT messenger{
            VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT};
        messenger.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                                    VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
        messenger.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT;
        messenger.pfnUserCallback = on_message;
        messenger.pUserData = this;
        VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
        application.apiVersion = VK_API_VERSION_1_2;
        VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
        info.pNext = validation ? &messenger : nullptr;  // for what is left at the very end
        info.pApplicationInfo = &application;
        info.enabledLayerCount = validation ? 1 : 0;
        info.ppEnabledLayerNames = &layer;
        info.enabledExtensionCount = validation ? 1 : 0;
        info.ppEnabledExtensionNames = &extension;
        const auto create = instance<PFN_vkCreateInstance>("vkCreateInstance");
        if (create(&info, nullptr, &instance_) != VK_SUCCESS) {
            instance_ = VK_NULL_HANDLE;
            return false;
        }
        return !validation ||
               instance<PFN_vkCreateDebugUtilsMessengerEXT>("vkCreateDebugUtilsMessengerEXT")(
                   instance_, &messenger, nullptr, &messenger_) == VK_SUCCESS;
    }

    bool find_device() {
        uint32_t count = 1;
        instance<PFN_vkEnumeratePhysicalDevices>("vkEnumeratePhysicalDevices")(instance_, &count,
                                                                               &physical_);
        if (count == 0) return false;
        uint32_t families = 16;
        VkQueueFamilyProperties found[16];
        instance<PFN_vkGetPhysicalDeviceQueueFamilyProperties>(
            "vkGetPhysicalDeviceQueueFamilyProperties")(physical_, &families, found);
        for (family_ = 0; family_ < families; ++family_) {
            if (found[family_].queueFlags & VK_QUEUE_COMPUTE_BIT) return true;
        }
        return false;
    }

    bool make_device() {
        const float priority = 1.0f;
        VkDeviceQueueCreateInfo queue{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
        queue.queueFamilyIndex = family_;
        queue.queueCount = 1;
        queue.pQueuePriorities = &priority;
        VkPhysicalDeviceTimelineSemaphoreFeatures timeline{
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES};
        timeline.timelineSemaphore = VK_TRUE;
        VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
        info.pNext = &timeline;
        info.queueCreateInfoCount = 1;
        info.pQueueCreateInfos = &queue;
        if (instance<PFN_vkCreateDevice>("vkCreateDevice")(physical_, &info, nullptr, &device_) !=
            VK_SUCCESS) {
            return false;
        }
        device<PFN_vkGetDeviceQueue>("vkGetDeviceQueue")(device_, family_, 0, &queue_);
        const VkFenceCreateInfo fence{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, nullptr, 0};
        return device<PFN_vkCreateFence>("vkCreateFence")(device_, &fence, nullptr, &fence_) ==
               VK_SUCCESS;
    }

    std::mutex mutex_;  // around the queue
    std::atomic<int> messages_{0};
    void* loader_ = nullptr;
    PFN_vkGetInstanceProcAddr get_ = nullptr;
    VkInstance instance_ = VK_NULL_HANDLE;
    VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
    VkPhysicalDevice physical_ = VK_NULL_HANDLE;
    VkDevice device_ = VK_NULL_HANDLE;
    VkQueue queue_ = VK_NULL_HANDLE;
    VkFence fence_ = VK_NULL_HANDLE;
    uint32_t family_ = 0;
};

p2c2r_runtime_config lent_config(const p2c2r_vulkan_host& host) {
    auto config = runtime_config(P2C2R_RUN_THREAD);
    config.gpu = P2C2R_GPU_LENT;
    config.vulkan = &host;
    return config;
}

// ---- tasks
// ----------------------------------------------------------------------------------------

Result run_locally(p2c2r_client* client, const char* type, const std::string& params,
                   const std::string& data) {
    Task task(type, data.data(), data.size());
    task.desc.place = P2C2R_PLACE_LOCAL;
    task.desc.params_format = P2C2R_FORMAT_JSON;
    task.desc.params = params.data();
    task.desc.params_size = params.size();
    task.desc.deadline_us = kLongUs;
    Result result = fetch(client, submit(client, task.desc));
    INFO(type, ": ", json_of(result.get()));
    REQUIRE(p2c2r_result_status(result.get()) == P2C2R_OK);
    return result;
}

const std::string kResize =
    R"({"input_res": [64, 48], "channels": 3, "scale": 1.5, "output_format": "raw"})";
const std::string kScene = R"({"resolution": [96, 64], "output_format": "raw",
    "camera": {"position": [0, 0, 6], "direction": [0, 0, -1]}, "ambient": 0.2,
    "lights": [{"position": [4, 6, 8]}], "samples_per_pixel": 2,
    "objects": [{"type": "sphere", "position": [0, 0, 0], "radius": 1.5},
                {"type": "sphere", "position": [2, 1, -1], "radius": 1, "material": "mirror"},
                {"type": "plane", "position": [0, -2, 0], "normal": [0, 1, 0]}]})";

std::string frame() {
    std::string pixels(64 * 48 * 3, '\0');
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<char>(i * i / 7);
    return pixels;
}

}  // namespace

TEST_CASE("a lent device computes for the host's client beside the host's own submissions") {
    const std::unique_ptr<Engine> engine = Engine::open();
    if (!engine) return;
    const Runtime native = make_runtime(P2C2R_RUN_THREAD);
    const Client plain = make_client(native.get());
    std::atomic<bool> rendering{true};
    std::atomic<int> frames{0};
    std::thread renderer([&] {
        while (rendering) {
            engine->submit();
            ++frames;
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
    });
    {
        const p2c2r_vulkan_host host = engine->lent();
        const Runtime runtime = make_runtime(lent_config(host));
        const Client client = make_client(runtime.get());
        const std::pair<const char*, std::string> tasks[] = {{"upscale", kResize},
                                                             {"raytracing", kScene}};
        for (const auto& task : tasks) {
            CAPTURE(task.first);
            const auto& [type, params] = task;
            const std::string data = std::string(type) == "upscale" ? frame() : std::string();
            const Result lent = run_locally(client.get(), type, params, data);
            const Result expected = run_locally(plain.get(), type, params, data);
            CHECK(json_of(lent.get()).find("\"vulkan:0\"") != std::string::npos);
            CHECK(json_of(expected.get()).find("\"native\"") != std::string::npos);
            const bool equal = data_of(lent.get()) == data_of(expected.get());
            CHECK(equal);
        }
        CHECK(frames > 0);
    }
    rendering = false;
    renderer.join();
    CHECK(engine->locked > 2);
    CHECK(engine->held == 0);
    // The runtime is gone and the device is whole: the host goes on.
    engine->submit();
}

TEST_CASE("a runtime with a lent device computes for nobody else") {
    const std::unique_ptr<Engine> engine = Engine::open();
    if (!engine) return;
    p2c2r_vulkan_host host = engine->lent();
    {
        const Runtime runtime = make_runtime(lent_config(host));
        p2c2r_error why = {};
        auto peer_config = sized<p2c2r_peer_config>();
        peer_config.coordinator_url = "p2c2r://127.0.0.1:1";
        p2c2r_peer* peer = nullptr;
        CHECK(p2c2r_peer_create(runtime.get(), &peer_config, &peer, &why) == P2C2R_E_DENIED);
        CHECK(peer == nullptr);
        CHECK(std::string(why.text).find("lent") != std::string::npos);

        auto config = sized<p2c2r_coordinator_config>();
        config.listen_port = P2C2R_NONE;
        p2c2r_coordinator* made = nullptr;
        CHECK(p2c2r_coordinator_create(runtime.get(), &config, &made, &why) == P2C2R_E_DENIED);
        CHECK(std::string(why.field) == "local_execution");
        config.options = R"({"local_execution": false})";
        REQUIRE(p2c2r_coordinator_create(runtime.get(), &config, &made, &why) == P2C2R_OK);
        const Coordinator coordinator(made);

        p2c2r_result* devices = nullptr;
        REQUIRE(p2c2r_runtime_call(runtime.get(), "devices", nullptr, nullptr, 0, &devices,
                                   nullptr) == P2C2R_OK);
        const Result listed(devices);
        CHECK(json_of(listed.get()).find("\"used\":true") != std::string::npos);
    }
    // A family that is not there, or does not compute: no device, and nothing of it is kept.
    host.queue_family = 1000;
    const p2c2r_runtime_config config = lent_config(host);
    p2c2r_runtime* runtime = nullptr;
    p2c2r_error why = {};
    CHECK(p2c2r_runtime_create(&config, &runtime, &why) == P2C2R_E_NO_DEVICE);
    CHECK(std::string(why.field) == "vulkan");
    CHECK(std::string(why.text).find("1000") != std::string::npos);
    CHECK(runtime == nullptr);
}

TEST_CASE("what is wrong with a lent device is named before it is touched") {
    int there = 0;
    const auto good = [&] {
        auto host = sized<p2c2r_vulkan_host>();
        host.instance = host.physical_device = host.device = host.queue = &there;
        host.get_instance_proc_addr = [] { FAIL("called"); };
        return host;
    };
    const auto refused = [&](const char* field, p2c2r_status status,
                             const std::function<void(p2c2r_vulkan_host&)>& spoil) {
        CAPTURE(field);
        p2c2r_vulkan_host host = good();
        spoil(host);
        const p2c2r_runtime_config config = lent_config(host);
        p2c2r_runtime* runtime = nullptr;
        p2c2r_error why = {};
        CHECK(p2c2r_runtime_create(&config, &runtime, &why) == status);
        CHECK(std::string(why.field) == field);
        CHECK(std::string(why.text) != "");
        CHECK(runtime == nullptr);
    };
    refused("instance", P2C2R_E_ARGUMENT, [](auto& host) { host.instance = nullptr; });
    refused("physical_device", P2C2R_E_ARGUMENT,
            [](auto& host) { host.physical_device = nullptr; });
    refused("device", P2C2R_E_ARGUMENT, [](auto& host) { host.device = nullptr; });
    refused("queue", P2C2R_E_ARGUMENT, [](auto& host) { host.queue = nullptr; });
    refused("get_instance_proc_addr", P2C2R_E_ARGUMENT,
            [](auto& host) { host.get_instance_proc_addr = nullptr; });
    refused("queue_lock", P2C2R_E_ARGUMENT, [&](auto& host) { host.user = &there; });
    refused("api_version", P2C2R_E_ARGUMENT,
            [](auto& host) { host.api_version = VK_API_VERSION_1_1; });
    for (const uint32_t size : {0u, 4u, 12u, 4104u}) {
        refused("struct_size", P2C2R_E_ARGUMENT, [size](auto& host) { host.struct_size = size; });
    }
    // An older, shorter struct has no handles.
    refused("instance", P2C2R_E_ARGUMENT, [](auto& host) { host.struct_size = 16; });
    struct Newer {
        p2c2r_vulkan_host host;
        uint64_t later;
    } newer = {good(), 1};
    newer.host.struct_size = sizeof newer;
    const p2c2r_runtime_config config = lent_config(newer.host);
    p2c2r_runtime* runtime = nullptr;
    CHECK(p2c2r_runtime_create(&config, &runtime, nullptr) == P2C2R_E_VERSION);
}

TEST_CASE("a lent device goes with GPU_LENT and with nothing else") {
    auto host = sized<p2c2r_vulkan_host>();
    for (const int32_t gpu : {P2C2R_GPU_AUTO, P2C2R_GPU_OFF, P2C2R_GPU_INDEX, P2C2R_GPU_LENT}) {
        auto config = lent_config(host);
        config.gpu = gpu;
        if (gpu == P2C2R_GPU_LENT) config.vulkan = nullptr;
        p2c2r_runtime* runtime = nullptr;
        p2c2r_error why = {};
        CHECK(p2c2r_runtime_create(&config, &runtime, &why) == P2C2R_E_ARGUMENT);
        CHECK(std::string(why.field) == "vulkan");
    }
    // A config from before there was such a field has none.
    auto config = runtime_config(P2C2R_RUN_THREAD);
    config.struct_size = offsetof(p2c2r_runtime_config, vulkan);
    config.vulkan = &host;
    CHECK(make_runtime(config) != nullptr);
}
