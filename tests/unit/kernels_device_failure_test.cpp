// A GPU that fails or lies: it is found out before its first task, a device that was chosen by
// itself gives way to the processor, one that was named does not.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "codec/image.h"
#include "exec/job_control.h"
#include "kernels/conformance.h"
#include "kernels/gpu_kernels.h"
#include "kernels/kernels.h"
#include "kernels/upscale_task.h"
#include "model/value_json.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

// A device that accepts everything and computes nothing, or refuses what it is told to refuse.
class StandIn final : public gpu::Device {
  public:
    Status pipelines = Status::kOk;
    int runs = 0;
    bool lost = false;

    StandIn() {
        info_.name = "stand-in";
        info_.buffer_size_max = 1 << 27;
        info_.groups_max = {65535, 65535, 65535};
    }
    [[nodiscard]] const gpu::DeviceInfo& info() const override { return info_; }
    Result<std::unique_ptr<gpu::Buffer>> make_buffer(uint64_t size, gpu::BufferUse) override {
        return std::unique_ptr<gpu::Buffer>(std::make_unique<Memory>(size));
    }
    Result<std::shared_ptr<gpu::Pipeline>> make_pipeline(std::span<const uint32_t>, uint32_t,
                                                         uint32_t) override {
        if (pipelines != Status::kOk) return make_error(pipelines, "no pipelines today");
        return std::make_shared<gpu::Pipeline>();
    }
    Result<gpu::RunTime> run(const gpu::Work&) override {
        ++runs;
        return gpu::RunTime{};
    }
    Result<gpu::Ticket> submit(const gpu::Work&) override { return gpu::Ticket{1}; }
    Result<gpu::RunTime> wait(gpu::Ticket) override { return gpu::RunTime{}; }
    [[nodiscard]] bool is_lost() const override { return lost; }

  private:
    class Memory final : public gpu::Buffer {
      public:
        explicit Memory(uint64_t size) : bytes_(size) {}
        [[nodiscard]] uint64_t size() const override { return bytes_.size(); }
        uint8_t* map() override { return bytes_.data(); }

      private:
        std::vector<uint8_t> bytes_;
    };
    gpu::DeviceInfo info_;
};

class Lines final : public LogSink {
  public:
    std::vector<std::string> lines;
    void write(LogLevel, std::string_view, std::string_view text) override {
        lines.emplace_back(text);
    }
};

struct Outcome {
    Status status;
    std::string error;
    std::string info;
};

Outcome upscale(UpscaleExecutor& executor) {
    const std::vector<uint8_t> pixels(4 * 4 * 3, 100);
    exec::Job* job = exec::JobControl::make();
    job->task_type = "upscale";
    job->params = *json_to_value(R"({"input_res":[4,4],"scale":2})");
    job->data = Bytes::copy(pixels);
    const Status status = exec::JobControl::run(*job, executor);
    Outcome outcome{status, job->output.error, *value_to_json(job->output.info.span())};
    job->release();
    return outcome;
}

}  // namespace

TEST_CASE("a device that does not run loops to their end is found out") {
    StandIn device;
    const Result<Done> counts = check_loop_count(device);
    REQUIRE(!counts.ok());
    CHECK(counts.error().status == Status::kDevice);
    CHECK(counts.error().text.find("stand-in") != std::string::npos);
    CHECK(counts.error().text.find("50000 turns") != std::string::npos);
}

TEST_CASE("a device that gives wrong pixels is found out") {
    const Result<std::unique_ptr<UpscaleGpu>> made =
        UpscaleGpu::create(std::make_shared<StandIn>());
    REQUIRE(made.ok());
    const Result<Done> answers = check_upscale_answers(**made);
    REQUIRE(!answers.ok());
    CHECK(answers.error().status == Status::kDevice);
    CHECK(answers.error().text.find("self-test of upscale failed: lanczos 64 x 36") !=
          std::string::npos);
}

TEST_CASE(
    "a failing device that was chosen by itself gives way to the processor once and for all") {
    Lines lines;
    const auto device = std::make_shared<StandIn>();
    const auto gpu =
        std::make_shared<GpuKernels>(device, "vulkan:0", false, Log(&lines, LogLevel::kWarn));
    UpscaleExecutor executor(gpu, nullptr);
    for (int round = 0; round < 3; ++round) {
        const Outcome outcome = upscale(executor);
        CHECK(outcome.status == Status::kOk);
        CHECK(outcome.info.find(R"("device":"native")") != std::string::npos);
    }
    CHECK(!gpu->usable());
    CHECK(device->runs == 1);  // the loop probe, which it failed
    REQUIRE(lines.lines.size() == 1);
    CHECK(lines.lines[0].find("vulkan:0 is no longer used") != std::string::npos);
}

TEST_CASE("a failing device that was named is an error each time and never replaced") {
    const auto device = std::make_shared<StandIn>();
    device->pipelines = Status::kDevice;
    UpscaleExecutor executor(std::make_shared<GpuKernels>(device, "vulkan:0", true, Log()),
                             nullptr);
    for (int round = 0; round < 2; ++round) {
        const Outcome outcome = upscale(executor);
        CHECK(outcome.status == Status::kDevice);
        CHECK(outcome.error == "no pipelines today");
    }
}

TEST_CASE("a peer on a named device does not offer what that device cannot do or does wrong") {
    BuiltinDevices devices;
    CHECK(refused_types(devices).empty());
    const auto device = std::make_shared<StandIn>();
    devices.named = std::make_shared<GpuKernels>(device, "vulkan:0", true, Log());
    for (int round = 0; round < 2; ++round) {
        const std::vector<RefusedType> refused = refused_types(devices);
        REQUIRE(refused.size() >= 3);
        CHECK(refused.back().task_type == "physics");
        CHECK(refused[0].task_type == "echo");
        CHECK(refused[0].why.status == Status::kUnsupported);
        CHECK(refused[0].why.text.find("vulkan:0") != std::string::npos);
        CHECK(refused[1].task_type == "upscale");
        for (size_t i = 1; i < refused.size(); ++i) {
            CAPTURE(refused[i].task_type);
            CHECK(refused[i].why.status == Status::kDevice);
            CHECK(refused[i].why.text.find("50000 turns") != std::string::npos);
        }
        CHECK(device->runs == 1);  // found out once
    }
}

TEST_CASE("a device short of memory is asked again") {
    const auto device = std::make_shared<StandIn>();
    device->pipelines = Status::kMemory;
    const auto gpu = std::make_shared<GpuKernels>(device, "vulkan:0", false, Log());
    UpscaleExecutor executor(gpu, nullptr);
    CHECK(upscale(executor).status == Status::kOk);
    CHECK(gpu->usable());
}

TEST_CASE("a device that is lost again and again is given up after three more tries") {
    Lines lines;
    const auto device = std::make_shared<StandIn>();
    device->lost = true;
    int opened = 0;
    const auto reopen = [&]() -> Result<std::shared_ptr<gpu::Device>> {
        ++opened;
        const auto fresh = std::make_shared<StandIn>();
        fresh->lost = true;
        return std::shared_ptr<gpu::Device>(fresh);
    };
    const auto gpu = std::make_shared<GpuKernels>(device, "vulkan:0", false,
                                                  Log(&lines, LogLevel::kWarn), reopen);
    UpscaleExecutor executor(gpu, nullptr);
    for (int round = 0; round < 6; ++round) {
        const Outcome outcome = upscale(executor);
        CHECK(outcome.status == Status::kOk);
        CHECK(outcome.info.find(R"("device":"native")") != std::string::npos);
    }
    CHECK(opened == 3);
    CHECK(!gpu->usable());
    REQUIRE(!lines.lines.empty());
    CHECK(lines.lines.back().find("vulkan:0 is no longer used") != std::string::npos);
}

TEST_CASE("a named device that is lost and cannot be opened again says so at every task") {
    const auto device = std::make_shared<StandIn>();
    device->lost = true;
    UpscaleExecutor executor(std::make_shared<GpuKernels>(device, "vulkan:0", true, Log()),
                             nullptr);
    for (int round = 0; round < 2; ++round) {
        const Outcome outcome = upscale(executor);
        CHECK(outcome.status == Status::kDevice);
        CHECK(outcome.error == "vulkan:0 was lost");
    }
}

TEST_CASE("a device that lacks what a type needs stays usable for the others") {
    const auto device = std::make_shared<StandIn>();
    const auto gpu = std::make_shared<GpuKernels>(device, "vulkan:0", false, Log());
    std::string name;
    const auto lacking = [](GpuKernels&) -> Result<Done> {
        return make_error(Status::kUnsupported, "no float modes");
    };
    CHECK(compute_on(
              gpu.get(), lacking, [] { return Result<Done>(Done{}); }, name)
              .ok());
    CHECK(name == "native");
    CHECK(gpu->usable());
}
