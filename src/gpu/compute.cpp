#include "gpu/compute.h"

#include <mutex>

#include "gpu/vulkan_device.h"

namespace p2c2r::gpu {

namespace {

class VulkanDevices final : public Devices {
  public:
    VulkanDevices(std::shared_ptr<VulkanInstance> instance, std::string pipeline_cache_dir)
        : instance_(std::move(instance)), pipeline_cache_dir_(std::move(pipeline_cache_dir)) {
        for (const PhysicalDevice& device : instance_->devices()) list_.push_back(device.info);
        devices_.resize(list_.size());
    }

    [[nodiscard]] const std::vector<DeviceInfo>& list() const override { return list_; }

    Result<std::shared_ptr<Device>> device(size_t index) override {
        if (index >= list_.size()) {
            return make_error(Status::kNoDevice, "there is no Vulkan device " +
                                                     std::to_string(index) + ", there are " +
                                                     std::to_string(list_.size()));
        }
        const std::lock_guard lock(mutex_);
        if (!devices_[index]) {
            Result<std::shared_ptr<Device>> device =
                VulkanDevice::create(instance_, instance_->devices()[index], pipeline_cache_dir_);
            if (!device) return device;
            devices_[index] = std::move(*device);
        }
        return devices_[index];
    }

    [[nodiscard]] uint64_t validation_messages() const override {
        return instance_->validation_messages();
    }

  private:
    std::shared_ptr<VulkanInstance> instance_;
    std::string pipeline_cache_dir_;
    std::vector<DeviceInfo> list_;
    std::mutex mutex_;  // guards devices_
    std::vector<std::shared_ptr<Device>> devices_;
};

}  // namespace

Result<std::unique_ptr<Devices>> Devices::open(const DevicesOptions& options) {
    Result<std::shared_ptr<VulkanInstance>> instance = VulkanInstance::open(options);
    if (!instance) return instance.error();
    return std::unique_ptr<Devices>(
        std::make_unique<VulkanDevices>(std::move(*instance), options.pipeline_cache_dir));
}

}  // namespace p2c2r::gpu
