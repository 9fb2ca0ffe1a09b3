// A device that the host made for itself: work runs on it, the host's lock is taken around the
// queue, and the host has it back whole.
#include <doctest/doctest.h>

#include "gpu/vulkan_instance.h"
#include "gpu_scale.h"

using namespace p2c2r;
using namespace p2c2r::gpu;
using namespace p2c2r::test;

namespace {

class Messages final : public LogSink {
  public:
    void write(LogLevel, std::string_view, std::string_view text) override {
        MESSAGE(std::string(text));
    }
};

// What a host has: an instance (under the validation layer where it is installed) and a device with
// one queue.
class Host {
  public:
    static std::unique_ptr<Host> open() {
        static Messages messages;
        DevicesOptions options;
        options.validation = true;
        options.log = Log(&messages, LogLevel::kWarn);
        Result<std::shared_ptr<VulkanInstance>> instance = VulkanInstance::open(options);
        if (!instance) {
            options.validation = false;
            instance = VulkanInstance::open(options);
        }
        if (!instance) {
            MESSAGE("skipped: " << instance.error().text);
            return nullptr;
        }
        return std::unique_ptr<Host>(new Host(*instance));
    }

    ~Host() { function<PFN_vkDestroyDevice>("vkDestroyDevice")(device_, nullptr); }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    void idle() { function<PFN_vkDeviceWaitIdle>("vkDeviceWaitIdle")(device_); }

    [[nodiscard]] HostDevice lent() {
        const Result<SharedLibrary> loader = SharedLibrary::open(vulkan_loader_name());
        REQUIRE(loader.ok());
        HostDevice host;
        host.get_instance_proc_addr = loader->symbol("vkGetInstanceProcAddr");
        host.instance = instance_->handle();
        host.physical_device = physical().handle;
        host.device = device_;
        host.queue = queue_;
        host.queue_family = physical().queue_family;
        host.lock_queue = [this] { ++locked; };
        host.unlock_queue = [this] { ++unlocked; };
        return host;
    }

    [[nodiscard]] const PhysicalDevice& physical() const { return instance_->devices()[0]; }
    [[nodiscard]] uint64_t messages() const { return instance_->validation_messages(); }

    int locked = 0;
    int unlocked = 0;

  private:
    explicit Host(std::shared_ptr<VulkanInstance> instance) : instance_(std::move(instance)) {
        const float priority = 1.0f;
        VkDeviceQueueCreateInfo queue{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
        queue.queueFamilyIndex = physical().queue_family;
        queue.queueCount = 1;
        queue.pQueuePriorities = &priority;
        VkPhysicalDeviceTimelineSemaphoreFeatures timeline{
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES};
        timeline.timelineSemaphore = VK_TRUE;
        VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
        info.pNext = &timeline;
        info.queueCreateInfoCount = 1;
        info.pQueueCreateInfos = &queue;
        REQUIRE(instance_->vk().CreateDevice(physical().handle, &info, nullptr, &device_) ==
                VK_SUCCESS);
        function<PFN_vkGetDeviceQueue>("vkGetDeviceQueue")(device_, physical().queue_family, 0,
                                                           &queue_);
    }

    template <class Function>
    [[nodiscard]] Function function(const char* name) const {
        return reinterpret_cast<Function>(instance_->vk().GetDeviceProcAddr(device_, name));
    }

    std::shared_ptr<VulkanInstance> instance_;
    VkDevice device_ = VK_NULL_HANDLE;
    VkQueue queue_ = VK_NULL_HANDLE;
};

}  // namespace

TEST_CASE("work runs on a device that the host lends and its queue is used under the host's lock") {
    const std::unique_ptr<Host> host = Host::open();
    if (!host) return;
    for (int round = 0; round < 2; ++round) {  // lent, given back, lent again
        const Result<std::unique_ptr<Devices>> devices = Devices::adopt(host->lent(), {});
        REQUIRE_MESSAGE(devices.ok(), devices.error().text);
        REQUIRE((*devices)->list().size() == 1);
        CHECK((*devices)->list()[0].name == host->physical().info.name);
        CHECK((*devices)->list()[0].uuid == host->physical().info.uuid);
        const Scale scale(*(*devices)->device(0));
        const auto source = scale.buffer(400, BufferUse::kUpload);
        const auto target = scale.buffer(400, BufferUse::kDownload);
        const int before = host->locked;
        for (uint32_t i = 0; i < 100; ++i) words_of(*source)[i] = i;
        const Result<RunTime> done = scale.run(*source, *target, {100, 9, 0});
        REQUIRE_MESSAGE(done.ok(), done.error().text);
        CHECK(words_of(*target)[99] == 99 * 9 + 1);
        CHECK(host->locked == before + 1);
        CHECK(host->unlocked == host->locked);
    }
    CHECK(host->messages() == 0);
}

TEST_CASE("a lent queue of a family that does not compute is refused") {
    const std::unique_ptr<Host> host = Host::open();
    if (!host) return;
    HostDevice lent = host->lent();
    lent.queue_family = 1000;
    const Result<std::unique_ptr<Devices>> devices = Devices::adopt(lent, {});
    REQUIRE(!devices.ok());
    CHECK(devices.error().status == Status::kNoDevice);
    CHECK(devices.error().text.find("1000") != std::string::npos);
}

TEST_CASE("a lent device that was lost is not opened again") {
    const std::unique_ptr<Host> host = Host::open();
    if (!host) return;
    const Result<std::unique_ptr<Devices>> devices = Devices::adopt(host->lent(), {});
    REQUIRE(devices.ok());
    {
        const Scale scale(*(*devices)->device(0));
        auto source = scale.buffer(64 * 64 * 4, BufferUse::kUpload);
        auto target = scale.buffer(64 * 64 * 4, BufferUse::kDownload);
        const Result<Ticket> late = [&] {
            Buffer* const buffers[] = {source.get(), target.get()};
            const ScalePush push{64 * 64, 1, 20000};
            const Dispatch dispatch{scale.pipeline.get(), buffers, bytes_of(push), {64, 1, 1}};
            return scale.device->submit({{&dispatch, 1}, {}, 1});
        }();
        REQUIRE(late.ok());
        CHECK(!scale.device->wait(*late).ok());
        CHECK((*(*devices)->device(0))->is_lost());
        host->idle();  // what was too late ends all the same
    }
    // All that was made on it is gone: nothing could use it any more.
    CHECK(host->messages() == 0);
}
