#include "gpu/compute.h"

#include <mutex>
#include <optional>

#include "gpu/vulkan_device.h"

namespace p2c2r::gpu {

namespace {

class VulkanDevices final : public Devices {
  public:
    VulkanDevices(std::shared_ptr<VulkanInstance> instance, const DevicesOptions& options,
                  std::optional<HostDevice> host)
        : instance_(std::move(instance)), options_(options), host_(std::move(host)) {
        for (const PhysicalDevice& device : instance_->devices()) list_.push_back(device.info);
        devices_.resize(list_.size());
    }

    [[nodiscard]] const std::vector<DeviceInfo>& list() const override { return list_; }

    Result<std::shared_ptr<Device>> device(size_t index) override {
        if (index >= list_.size()) {
            return make_error(Status::kNoDevice, "there is no Vulkan device " +
                                                     std::to_string(index) + "; this machine has " +
                                                     std::to_string(list_.size()));
        }
        const std::lock_guard lock(mutex_);
        std::shared_ptr<Device>& device = devices_[index];
        if (!device || (device->is_lost() && !host_)) {
            Result<std::shared_ptr<Device>> opened = VulkanDevice::create(
                instance_, instance_->devices()[index], options_, host_ ? &*host_ : nullptr);
            if (!opened) return opened;
            device = std::move(*opened);
        }
        return device;
    }

    [[nodiscard]] uint64_t validation_messages() const override {
        return instance_->validation_messages();
    }

  private:
    std::shared_ptr<VulkanInstance> instance_;
    const DevicesOptions options_;
    std::optional<HostDevice> host_;
    std::vector<DeviceInfo> list_;
    std::mutex mutex_;  // guards devices_
    std::vector<std::shared_ptr<Device>> devices_;
};

}  // namespace

Result<std::unique_ptr<Devices>> Devices::open(const DevicesOptions& options) {
    Result<std::shared_ptr<VulkanInstance>> instance = VulkanInstance::open(options);
    if (!instance) return instance.error();
    return std::unique_ptr<Devices>(
        std::make_unique<VulkanDevices>(std::move(*instance), options, std::nullopt));
}

Result<std::unique_ptr<Devices>> Devices::adopt(const HostDevice& host,
                                                const DevicesOptions& options) {
    P2C2R_CHECK(host.get_instance_proc_addr && host.instance && host.physical_device &&
                host.device && host.queue);
    Result<std::shared_ptr<VulkanInstance>> instance = VulkanInstance::adopt(host, options.log);
    if (!instance) return instance.error();
    return std::unique_ptr<Devices>(
        std::make_unique<VulkanDevices>(std::move(*instance), options, host));
}

}  // namespace p2c2r::gpu
