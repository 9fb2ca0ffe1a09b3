#include "vulkan_devices.h"

#include <doctest/doctest.h>

#include <string>

namespace p2c2r::test {

namespace {

class Messages final : public LogSink {
  public:
    void write(LogLevel, std::string_view, std::string_view text) override {
        MESSAGE(std::string(text));
    }
};

Result<std::unique_ptr<gpu::Devices>> open_devices(LogSink& sink, bool separate_memory) {
    gpu::DevicesOptions options;
    options.separate_memory = separate_memory;
    options.log = Log(&sink, LogLevel::kWarn);
    options.validation = true;
    Result<std::unique_ptr<gpu::Devices>> devices = gpu::Devices::open(options);
    if (devices) return devices;
    options.validation = false;
    return gpu::Devices::open(options);
}

}  // namespace

void on_each_device(const std::function<void(const std::shared_ptr<gpu::Device>&)>& body,
                    bool separate_memory) {
    Messages messages;
    const Result<std::unique_ptr<gpu::Devices>> devices = open_devices(messages, separate_memory);
    if (!devices) {
        MESSAGE("skipped on Vulkan: " << devices.error().text);
        return;
    }
    for (size_t i = 0; i < (*devices)->list().size(); ++i) {
        CAPTURE((*devices)->list()[i].name);
        const Result<std::shared_ptr<gpu::Device>> device = (*devices)->device(i);
        REQUIRE_MESSAGE(device.ok(), device.error().text);
        body(*device);
    }
    CHECK((*devices)->validation_messages() == 0);
}

void on_each_upscale(const std::function<void(kernels::UpscaleGpu&)>& body) {
    on_each_device([&](const std::shared_ptr<gpu::Device>& device) {
        const Result<std::unique_ptr<kernels::UpscaleGpu>> upscale =
            kernels::UpscaleGpu::create(device);
        REQUIRE_MESSAGE(upscale.ok(), upscale.error().text);
        body(**upscale);
    });
}

}  // namespace p2c2r::test
