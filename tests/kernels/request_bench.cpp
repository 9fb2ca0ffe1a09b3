#include "request_bench.h"

#include <doctest/doctest.h>

#include "exec/job_control.h"
#include "model/value_json.h"

namespace p2c2r::test {

// A device that fails, a fallback and the validation layer all speak here, and none of them should.
class RequestBench::Warnings final : public LogSink {
  public:
    void write(LogLevel, std::string_view, std::string_view text) override {
        FAIL_CHECK(std::string(text));
    }
};

RequestBench::RequestBench(std::string task_type)
    : task_type_(std::move(task_type)), warnings_(std::make_unique<Warnings>()) {
    kernels::KernelOptions options;
    options.device = kernels::DeviceChoice::kNative;
    add(options);
    options.vulkan.log = Log(warnings_.get(), LogLevel::kWarn);
    options.vulkan.validation = true;
    Result<std::unique_ptr<gpu::Devices>> devices = gpu::Devices::open(options.vulkan);
    if (!devices) {
        options.vulkan.validation = false;
        devices = gpu::Devices::open(options.vulkan);
    }
    if (!devices) {
        MESSAGE("skipped on Vulkan: " << devices.error().text);
        return;
    }
    options.device = kernels::DeviceChoice::kVulkan;
    for (size_t i = 0; i < (*devices)->list().size(); ++i) {
        options.vulkan_index = static_cast<uint32_t>(i);
        add(options);
    }
}

RequestBench::~RequestBench() = default;

void RequestBench::add(const kernels::KernelOptions& options) {
    auto form = std::make_unique<Form>();
    const Result<kernels::BuiltinDevices> added =
        kernels::add_builtin_executors(form->registry, options);
    REQUIRE_MESSAGE(added.ok(), added.error().text);
    form->name = added->name;
    forms_.push_back(std::move(form));
}

RequestAnswer RequestBench::run_on(const Form& form, const Bytes& params, const Bytes& data) {
    const std::shared_ptr<exec::Executor> executor = form.registry.find(task_type_);
    REQUIRE(executor);
    exec::Job* job = exec::JobControl::make();
    job->task_type = task_type_;
    job->params = params;
    job->data = data;
    RequestAnswer answer;
    answer.status = exec::JobControl::run(*job, *executor);
    answer.field = job->output.field;
    answer.error = job->output.error;
    answer.data = job->output.data;
    const Result<std::string> info = value_to_json(job->output.info.span());
    CHECK(job->output_set == (answer.status == Status::kOk));
    job->release();
    REQUIRE(info.ok());
    answer.info = nlohmann::json::parse(*info);
    answer.info.erase("device");
    return answer;
}

RequestAnswer RequestBench::run(const Bytes& params, const Bytes& data) {
    const RequestAnswer native = run_on(*forms_.front(), params, data);
    if (native.status == Status::kOk) {
        ++computed_;
        CHECK(native.error.empty());
    } else {
        ++refused_;
        CHECK(native.data.empty());
        CHECK(!native.field.empty());
        // Of data the codec speaks, who says JPEG, PNG or raw.
        CHECK_MESSAGE((native.field == "data" || native.error.find(native.field) == 0),
                      native.field << ": " << native.error);
    }
    for (size_t i = 1; i < forms_.size(); ++i) {
        CAPTURE(forms_[i]->name);
        const RequestAnswer found = run_on(*forms_[i], params, data);
        CHECK(found.status == native.status);
        CHECK(found.field == native.field);
        CHECK(found.error == native.error);
        CHECK(found.info == native.info);
        CHECK(std::equal(found.data.span().begin(), found.data.span().end(),
                         native.data.span().begin(), native.data.span().end()));
    }
    return native;
}

RequestAnswer RequestBench::run(const std::string& json, const Bytes& data) {
    const Result<Bytes> params = json_to_value(json);
    REQUIRE_MESSAGE(params.ok(), params.error().text);
    return run(*params, data);
}

void RequestBench::check(std::span<const BadRow> rows) {
    for (const BadRow& row : rows) {
        INFO(std::string(row.what));
        CAPTURE(row.params);
        const RequestAnswer answer = run(row.params, row.data);
        CAPTURE(answer.error);
        CHECK(answer.status == row.status);
        CHECK(answer.field == row.field);
        CHECK(answer.error.find(row.part) != std::string::npos);
    }
}

}  // namespace p2c2r::test
