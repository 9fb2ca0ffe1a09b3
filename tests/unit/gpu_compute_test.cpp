// Vulkan compute on every device that is present: results, zeroed memory, limits, loss, caches;
// and a clear answer where there is no Vulkan at all.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gpu/compute.h"
#include "gpu_scale.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::gpu;
using namespace p2c2r::test;

namespace {

// Sets a variable of the environment, which the Vulkan loader reads, and puts the old value back.
class EnvironmentValue {
  public:
    EnvironmentValue(const char* name, const char* value) : name_(name) {
        if (const char* old = std::getenv(name)) old_ = old;
        setenv(name, value, 1);
    }
    ~EnvironmentValue() {
        if (old_) {
            setenv(name_, old_->c_str(), 1);
        } else {
            unsetenv(name_);
        }
    }
    EnvironmentValue(const EnvironmentValue&) = delete;
    EnvironmentValue& operator=(const EnvironmentValue&) = delete;

  private:
    const char* name_;
    std::optional<std::string> old_;
};

}  // namespace

TEST_CASE("a missing loader is no device and names the file") {
    DevicesOptions options;
    options.loader = "/nonexistent/libvulkan-none.so";
    const Result<std::unique_ptr<Devices>> devices = Devices::open(options);
    REQUIRE(!devices.ok());
    CHECK(devices.error().status == Status::kNoDevice);
    CHECK(devices.error().text.find("no Vulkan loader") != std::string::npos);
    CHECK(devices.error().text.find("libvulkan-none.so") != std::string::npos);
}

TEST_CASE("a library that is no loader is no device and says so") {
    DevicesOptions options;
    options.loader = "libpthread.so.0";
    const Result<std::unique_ptr<Devices>> devices = Devices::open(options);
    REQUIRE(!devices.ok());
    CHECK(devices.error().status == Status::kNoDevice);
    CHECK(devices.error().text.find("is no Vulkan loader") != std::string::npos);
}

TEST_CASE("a loader without a driver is no device and says so") {
    const EnvironmentValue old_name("VK_ICD_FILENAMES", "/nonexistent/driver.json");
    const EnvironmentValue new_name("VK_DRIVER_FILES", "/nonexistent/driver.json");
    const Result<std::unique_ptr<Devices>> devices = Devices::open({});
    REQUIRE(!devices.ok());
    CHECK(devices.error().status == Status::kNoDevice);
    // Either is right: this machine may lack the loader too.
    const bool no_driver = devices.error().text.find("no driver") != std::string::npos;
    const bool no_loader = devices.error().text.find("no Vulkan loader") != std::string::npos;
    CHECK_MESSAGE((no_driver || no_loader), devices.error().text);
}

TEST_CASE("devices are listed with real ones first and an index outside is refused") {
    const std::unique_ptr<Devices> devices = open_devices();
    if (!devices) return;
    REQUIRE(!devices->list().empty());
    bool software_seen = false;
    for (const DeviceInfo& info : devices->list()) {
        CHECK(!info.name.empty());
        CHECK(info.buffer_size_max >= 1 << 27);
        CHECK(!(software_seen && !info.software));
        software_seen = software_seen || info.software;
    }
    const Result<std::shared_ptr<Device>> none = devices->device(devices->list().size());
    REQUIRE(!none.ok());
    CHECK(none.error().status == Status::kNoDevice);
    CHECK(none.error().text.find(std::to_string(devices->list().size())) != std::string::npos);
}

TEST_CASE("a dispatch computes and repeated runs see new input") {
    on_each_device([](const std::shared_ptr<Device>& device) {
        const Scale scale(device);
        constexpr uint32_t kCount = 1000;
        const auto source = scale.buffer(kCount * 4, BufferUse::kUpload);
        const auto target = scale.buffer(kCount * 4, BufferUse::kDownload);
        for (uint32_t round = 1; round <= 3; ++round) {
            for (uint32_t i = 0; i < kCount; ++i) words_of(*source)[i] = i + round;
            const Result<RunTime> done = scale.run(*source, *target, {kCount, 7, 0});
            REQUIRE_MESSAGE(done.ok(), done.error().text);
            bool right = true;
            for (uint32_t i = 0; i < kCount; ++i) {
                right = right && words_of(*target)[i] == (i + round) * 7 + 1;
            }
            CHECK(right);
        }
    });
}

TEST_CASE("dispatches of one run see the writes of those before") {
    on_each_device([](const std::shared_ptr<Device>& device) {
        const Scale scale(device);
        constexpr uint32_t kCount = 4096;
        const auto source = scale.buffer(kCount * 4, BufferUse::kUpload);
        const auto middle = scale.buffer(kCount * 4, BufferUse::kScratch);
        const auto target = scale.buffer(kCount * 4, BufferUse::kDownload);
        for (uint32_t i = 0; i < kCount; ++i) words_of(*source)[i] = i;
        Buffer* const there[] = {source.get(), middle.get()};
        Buffer* const on[] = {middle.get(), target.get()};
        const ScalePush push{kCount, 3, 0};
        Dispatch dispatches[2];
        for (Dispatch& dispatch : dispatches) {
            dispatch.pipeline = scale.pipeline.get();
            dispatch.push_constants = bytes_of(push);
            dispatch.groups = {kCount / 64, 1, 1};
        }
        dispatches[0].buffers = there;
        dispatches[1].buffers = on;
        Buffer* const back[] = {target.get()};
        const Result<RunTime> done = device->run({dispatches, back, 2'000'000});
        REQUIRE_MESSAGE(done.ok(), done.error().text);
        bool right = true;
        for (uint32_t i = 0; i < kCount; ++i) {
            right = right && words_of(*target)[i] == (i * 3 + 1) * 3 + 1;
        }
        CHECK(right);
    });
}

TEST_CASE("memory of an earlier owner is never seen again") {
    on_each_device([](const std::shared_ptr<Device>& device) {
        const Scale scale(device);
        constexpr uint32_t kCount = 3000;
        {
            const auto source = scale.buffer(kCount * 4, BufferUse::kUpload);
            const auto secret = scale.buffer(kCount * 4, BufferUse::kScratch);
            const auto result = scale.buffer(kCount * 4, BufferUse::kDownload);
            for (uint32_t i = 0; i < kCount; ++i) words_of(*source)[i] = 0x5EC4E7;
            REQUIRE(scale.run(*source, *result, {kCount, 1, 0}).ok());
            Buffer* const buffers[] = {source.get(), secret.get()};
            const ScalePush push{kCount, 1, 0};
            Dispatch dispatch{scale.pipeline.get(), buffers, bytes_of(push), {47, 1, 1}};
            REQUIRE(device->run({{&dispatch, 1}, {}, 2'000'000}).ok());
        }
        // The pool hands the same blocks out again; with factor 1 a zero comes back as 1.
        for (const BufferUse use : {BufferUse::kUpload, BufferUse::kScratch}) {
            const auto fresh = scale.buffer(kCount * 4, use);
            const auto target = scale.buffer(kCount * 4, BufferUse::kDownload);
            bool zero = true;
            for (uint32_t i = 0; i < kCount; ++i) zero = zero && words_of(*target)[i] == 0;
            CHECK(zero);
            REQUIRE(scale.run(*fresh, *target, {kCount, 1, 0}).ok());
            bool ones = true;
            for (uint32_t i = 0; i < kCount; ++i) ones = ones && words_of(*target)[i] == 1;
            CHECK(ones);
        }
    });
}

TEST_CASE("results of a download buffer that was not written are zero") {
    on_each_device([](const std::shared_ptr<Device>& device) {
        const Scale scale(device);
        const auto source = scale.buffer(400, BufferUse::kUpload);
        {
            const auto dirty = scale.buffer(400, BufferUse::kDownload);
            REQUIRE(scale.run(*source, *dirty, {100, 1, 0}).ok());
        }
        const auto target = scale.buffer(400, BufferUse::kDownload);
        REQUIRE(scale.run(*source, *target, {50, 1, 0}).ok());
        CHECK(words_of(*target)[49] == 1);
        CHECK(words_of(*target)[50] == 0);
        CHECK(words_of(*target)[99] == 0);
    });
}

TEST_CASE("sizes and group counts above the limits are errors with numbers") {
    on_each_device([](const std::shared_ptr<Device>& device) {
        const DeviceInfo& info = device->info();
        CHECK(!device->make_buffer(0, BufferUse::kUpload).ok());
        const Result<std::unique_ptr<Buffer>> large =
            device->make_buffer(info.buffer_size_max + 1, BufferUse::kScratch);
        REQUIRE(!large.ok());
        CHECK(large.error().status == Status::kLimit);
        CHECK(large.error().text.find(std::to_string(info.buffer_size_max)) != std::string::npos);
        if (info.groups_max[1] == UINT32_MAX) return;
        const Scale scale(device);
        const auto source = scale.buffer(400, BufferUse::kUpload);
        Buffer* const buffers[] = {source.get(), source.get()};
        const ScalePush push{1, 1, 0};
        const Dispatch dispatch{
            scale.pipeline.get(), buffers, bytes_of(push), {1, info.groups_max[1] + 1, 1}};
        const Result<RunTime> done = device->run({{&dispatch, 1}, {}, 2'000'000});
        REQUIRE(!done.ok());
        CHECK(done.error().status == Status::kLimit);
    });
}

TEST_CASE("several threads may use one device") {
    on_each_device([](const std::shared_ptr<Device>& device) {
        const Scale scale(device);
        std::vector<std::jthread> threads;
        std::atomic<int> wrong{0};
        for (uint32_t t = 0; t < 4; ++t) {
            threads.emplace_back([&, t] {
                constexpr uint32_t kCount = 500;
                for (uint32_t round = 0; round < 10; ++round) {
                    auto source = device->make_buffer(kCount * 4, BufferUse::kUpload);
                    auto target = device->make_buffer(kCount * 4, BufferUse::kDownload);
                    if (!source || !target) {
                        ++wrong;
                        return;
                    }
                    for (uint32_t i = 0; i < kCount; ++i) words_of(**source)[i] = i;
                    if (!scale.run(**source, **target, {kCount, t, 0})) ++wrong;
                    for (uint32_t i = 0; i < kCount; ++i) {
                        if (words_of(**target)[i] != i * t + 1) ++wrong;
                    }
                }
            });
        }
        threads.clear();
        CHECK(wrong == 0);
    });
}

TEST_CASE("buffers and pipelines may outlive their devices") {
    std::unique_ptr<Devices> devices = open_devices();
    if (!devices) return;
    Result<std::shared_ptr<Device>> device = devices->device(0);
    REQUIRE(device.ok());
    const Scale scale(*device);
    auto source = scale.buffer(64, BufferUse::kUpload);
    auto target = scale.buffer(64, BufferUse::kDownload);
    devices.reset();
    words_of(*source)[0] = 20;
    REQUIRE(scale.run(*source, *target, {16, 2, 0}).ok());
    CHECK(words_of(*target)[0] == 41);
}

TEST_CASE("work beyond its time limit loses the device with a clear error") {
    std::unique_ptr<Devices> devices = open_devices();
    if (!devices) return;
    const size_t last = devices->list().size() - 1;  // the software device where there is one
    Result<std::shared_ptr<Device>> device = devices->device(last);
    REQUIRE(device.ok());
    const Scale scale(*device);
    const auto source = scale.buffer(64 * 64 * 4, BufferUse::kUpload);
    const auto target = scale.buffer(64 * 64 * 4, BufferUse::kDownload);
    const Result<RunTime> late = scale.run(*source, *target, {64 * 64, 1, 60000}, 1);
    REQUIRE(!late.ok());
    CHECK(late.error().status == Status::kDevice);
    CHECK(late.error().text.find("within 1 us") != std::string::npos);
    const Result<RunTime> after = scale.run(*source, *target, {64, 1, 0});
    REQUIRE(!after.ok());
    CHECK(after.error().status == Status::kDevice);
    CHECK(after.error().text == late.error().text);
    // Another Devices is not touched by the loss.
    const std::unique_ptr<Devices> again = open_devices();
    REQUIRE(again);
    const Scale fresh(*again->device(last));
    const auto source2 = fresh.buffer(64, BufferUse::kUpload);
    const auto target2 = fresh.buffer(64, BufferUse::kDownload);
    CHECK(fresh.run(*source2, *target2, {16, 1, 0}).ok());
}

TEST_CASE("compiled pipelines are kept in a directory and damage there is harmless") {
    namespace fs = std::filesystem;
    const fs::path dir =
        fs::temp_directory_path() / ("p2c2r-pipelines-" + std::to_string(test::seed()));
    fs::remove_all(dir);
    const auto use = [&] {
        const std::unique_ptr<Devices> devices = open_devices(dir.string());
        if (!devices) return false;
        const Scale scale(*devices->device(0));
        const auto source = scale.buffer(64, BufferUse::kUpload);
        const auto target = scale.buffer(64, BufferUse::kDownload);
        words_of(*source)[3] = 5;
        REQUIRE(scale.run(*source, *target, {16, 2, 0}).ok());
        CHECK(words_of(*target)[3] == 11);
        return true;
    };
    if (!use()) return;
    std::vector<fs::path> files;
    for (const fs::directory_entry& entry : fs::directory_iterator(dir)) {
        files.push_back(entry.path());
    }
    REQUIRE(files.size() == 1);
    CHECK(fs::file_size(files[0]) > 24);
    REQUIRE(use());
    {
        std::fstream file(files[0], std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(40);
        file.put('X');
    }
    REQUIRE(use());
    fs::resize_file(files[0], 10);
    REQUIRE(use());
    CHECK(fs::file_size(files[0]) > 24);
    fs::remove_all(dir);
}

TEST_CASE("buffers of a device never hold more than its cap and what is idle makes room first") {
    DevicesOptions options;
    options.memory_max = 1 << 20;
    const Result<std::unique_ptr<Devices>> devices = Devices::open(options);
    if (!devices.ok()) {
        MESSAGE("skipped: " << devices.error().text);
        return;
    }
    const Result<std::shared_ptr<Device>> device = (*devices)->device(0);
    REQUIRE(device.ok());
    Result<std::unique_ptr<Buffer>> first = (*device)->make_buffer(512 << 10, BufferUse::kScratch);
    REQUIRE(first.ok());
    const auto too_much = (*device)->make_buffer(600 << 10, BufferUse::kScratch);
    REQUIRE(!too_much.ok());
    CHECK(too_much.error().status == Status::kMemory);
    CHECK(too_much.error().text.find("1048576") != std::string::npos);
    CHECK((*device)->make_buffer(512 << 10, BufferUse::kUpload).ok());
    // Given back they are kept for the next one of their kind, but not against another.
    first->reset();
    CHECK((*device)->make_buffer(1 << 20, BufferUse::kScratch).ok());
}
