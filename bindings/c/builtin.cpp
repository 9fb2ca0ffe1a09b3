#include "bindings/c/builtin.h"

#include "bindings/c/process.h"
#include "codec/codec_class.h"
#include "core/crypto.h"
#include "model/value_writer.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::capi {

namespace {

// Stands for a built-in executor until it runs for the first time.
class LazyExecutor final : public exec::Executor {
  public:
    LazyExecutor(Builtin& builtin, std::string task_type, Traits traits)
        : builtin_(builtin), task_type_(std::move(task_type)), traits_(traits) {}

    [[nodiscard]] Traits traits() const override { return traits_; }
    Status run(exec::Job& job) override { return real()->run(job); }
    void cancel(exec::Job& job) override {
        // Nothing is opened to be cancelled: what runs has been opened.
        std::shared_ptr<exec::Executor> opened;
        {
            const std::lock_guard lock(mutex_);
            opened = real_;
        }
        if (opened) opened->cancel(job);
    }

  private:
    std::shared_ptr<exec::Executor> real() {
        {
            const std::lock_guard lock(mutex_);
            if (real_) return real_;
        }
        std::shared_ptr<exec::Executor> opened = builtin_.on_device(task_type_);
        const std::lock_guard lock(mutex_);
        return real_ = std::move(opened);
    }

    Builtin& builtin_;
    const std::string task_type_;
    const Traits traits_;
    std::mutex mutex_;  // guards real_
    std::shared_ptr<exec::Executor> real_;
};

kernels::DeviceChoice choice_of(int32_t gpu) {
    switch (gpu) {
        case P2C2R_GPU_OFF:
            return kernels::DeviceChoice::kNative;
        case P2C2R_GPU_INDEX:
        case P2C2R_GPU_LENT:  // the only one of a list of one
            return kernels::DeviceChoice::kVulkan;
        default:
            return kernels::DeviceChoice::kAuto;
    }
}

}  // namespace

Builtin::Builtin(int32_t gpu, uint32_t gpu_index, std::optional<gpu::HostDevice> lent,
                 const char* cache_dir, uint32_t worker_threads, uint64_t vram_max,
                 const MemoryHook* hook, const Log& log)
    : log_(log) {
    options_.threads = worker_threads;
    options_.host_device = std::move(lent);
    options_.device = choice_of(gpu);
    options_.vulkan_index = gpu_index;
    options_.vulkan.pipeline_cache_dir = cache_dir ? cache_dir : "";
    options_.vulkan.memory_max = vram_max;
    options_.vulkan.log = log;
    options_.memory = hook;
}

Builtin::~Builtin() = default;

Result<std::unique_ptr<Builtin>> Builtin::create(int32_t gpu, uint32_t gpu_index,
                                                 std::optional<gpu::HostDevice> lent,
                                                 const char* cache_dir, uint32_t worker_threads,
                                                 uint64_t vram_max, exec::Registry& registry,
                                                 const MemoryHook* hook, const Log& log) {
    std::unique_ptr<Builtin> builtin(new Builtin(gpu, gpu_index, std::move(lent), cache_dir,
                                                 worker_threads, vram_max, hook, log));
    if (gpu != P2C2R_GPU_AUTO) {
        Result<kernels::BuiltinDevices> found =
            kernels::add_builtin_executors(registry, builtin->options_);
        if (!found) {
            if (found.error().field.empty()) {
                found.error().field = builtin->is_lent() ? "vulkan" : "gpu_index";
            }
            return found.error();
        }
        builtin->found_ = std::move(*found);
        builtin->opened_ = true;
        return builtin;
    }
    kernels::KernelOptions native = builtin->options_;
    native.device = kernels::DeviceChoice::kNative;
    if (const auto added = kernels::add_builtin_executors(builtin->native_, native); !added) {
        return added.error();
    }
    for (const std::string& task_type : builtin->native_.task_types()) {
        std::shared_ptr<exec::Executor> executor = builtin->native_.find(task_type);
        // What runs on the loop never uses a GPU, and must not open one there.
        if (!executor->traits().on_loop) {
            executor = std::make_shared<LazyExecutor>(*builtin, task_type, executor->traits());
        }
        if (Result<Done> added = registry.add(task_type, std::move(executor)); !added) {
            return added.error();
        }
    }
    return builtin;
}

// Under the mutex. Only AUTO gets here unopened.
Result<Done> Builtin::open() {
    if (opened_) return Done{};
    Result<kernels::BuiltinDevices> found = kernels::add_builtin_executors(chosen_, options_);
    opened_ = true;
    if (!found) {
        log_.format(LogLevel::kWarn, "capi", "the GPU is not used: %s", found.error().text.c_str());
        found_.none_because = found.error().text;
        return found.error();
    }
    found_ = std::move(*found);
    return Done{};
}

std::shared_ptr<exec::Executor> Builtin::on_device(const std::string& task_type) {
    const std::lock_guard lock(mutex_);
    (void)open();
    std::shared_ptr<exec::Executor> executor = chosen_.find(task_type);
    return executor ? executor : native_.find(task_type);
}

Bytes Builtin::devices() {
    const std::lock_guard lock(mutex_);
    (void)open();
    ValueWriter writer;
    writer.map(3).key("devices").array(static_cast<uint32_t>(found_.list.size()));
    for (size_t index = 0; index < found_.list.size(); ++index) {
        const gpu::DeviceInfo& info = found_.list[index];
        writer.map(7);
        writer.key("index").unsigned_integer(index);
        writer.key("name").text(info.name);
        writer.key("driver").text(info.driver);
        writer.key("software").boolean(info.software);
        writer.key("used").boolean(found_.used == index);
        writer.key("memory_mb").unsigned_integer(info.memory_bytes >> 20);
        writer.key("uuid").text(to_hex(info.uuid));
    }
    writer.key("threads").unsigned_integer(found_.threads);
    writer.key("why").text(found_.none_because);
    return writer.take();
}

Capabilities Builtin::detect() {
    Capabilities capabilities;
    const MachineInfo machine = machine_info();
    capabilities.cpu_cores = machine.cpu_cores;
    capabilities.ram_gb = static_cast<double>(machine.ram_bytes) / (1 << 30);
    const std::lock_guard lock(mutex_);
    (void)open();
    if (found_.used) {
        const gpu::DeviceInfo& info = found_.list[*found_.used];
        capabilities.gpu = true;
        capabilities.gpu_model = info.name;
        capabilities.gpu_vram_gb = static_cast<double>(info.memory_bytes) / (1 << 30);
    }
    return capabilities;
}

std::vector<kernels::RefusedType> Builtin::refused_types() {
    const std::lock_guard lock(mutex_);
    return kernels::refused_types(found_);
}

const std::string& Builtin::codec_class() {
    const std::lock_guard lock(mutex_);
    if (!codec_class_) {
        const Result<Digest256> digest = codec::codec_class();
        if (!digest && digest.error().status == Status::kMemory) throw std::bad_alloc();
        codec_class_ =
            digest ? std::string(reinterpret_cast<const char*>(digest->data()), digest->size())
                   : std::string();
    }
    return *codec_class_;
}

}  // namespace p2c2r::capi
