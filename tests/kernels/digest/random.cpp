// Random inputs of each kernel, natively or on a Vulkan device: the same text for both.
#include <cstdio>

#include "core/log.h"
#include "digest/digest.h"
#include "digest/random_digests.h"

namespace p2c2r::digest {

namespace {

class Messages final : public LogSink {
  public:
    void write(LogLevel, std::string_view, std::string_view text) override {
        std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
    }
};

// One line where all forms agree, else one for each with its name; false: they do not.
bool print_forms(const std::string& what, const RandomKernel& kernel,
                 const std::function<Result<std::string>(const RandomForm&)>& digest_of) {
    std::vector<std::string> digests;
    bool right = true;
    for (const RandomForm& form : kernel.forms) {
        const Result<std::string> digest = digest_of(form);
        digests.push_back(digest ? *digest : digest.error().text);
        right = right && digest.ok() && digests.front() == digests.back();
    }
    if (right) {
        print_digest(what, digests.front());
        return true;
    }
    for (size_t i = 0; i < digests.size(); ++i) {
        print_digest(what + " " + kernel.forms[i].name, digests[i]);
    }
    return false;
}

bool print_kernel(const RandomKernel& kernel, const RandomOptions& options) {
    const std::string what = "random " + kernel.name + " ";
    if (!options.each) {
        return print_forms(
            what + std::to_string(options.count), kernel,
            [&](const RandomForm& form) { return folded_digest(form, options.count); });
    }
    bool right = true;
    for (uint64_t index = 0; index < options.count; ++index) {
        right = print_forms(what + "#" + std::to_string(index), kernel,
                            [&](const RandomForm& form) { return input_digest(form, index); }) &&
                right;
    }
    return right;
}

Result<std::vector<RandomKernel>> open_kernels(uint64_t index) {
    static Messages messages;  // outlives the device, which logs to it
    gpu::DevicesOptions options;
    options.log = Log(&messages, LogLevel::kWarn);
    const Result<std::unique_ptr<gpu::Devices>> devices = gpu::Devices::open(options);
    if (!devices) return devices.error();
    if (index >= (*devices)->list().size()) {
        return make_error(Status::kNoDevice, "there is no device " + std::to_string(index));
    }
    const gpu::DeviceInfo& info = (*devices)->list()[index];
    const std::string name = "vulkan:" + std::to_string(index);
    std::fprintf(stderr, "%s: %s, subgroups of %u\n", name.c_str(), info.name.c_str(),
                 info.subgroup_size);
    const Result<std::shared_ptr<gpu::Device>> device = (*devices)->device(index);
    if (!device) return device.error();
    return vulkan_kernels(*device, name);
}

}  // namespace

int random(const RandomOptions& options, size_t& done) {
    const Result<std::vector<RandomKernel>> kernels =
        options.device ? open_kernels(*options.device) : native_kernels();
    if (!kernels) {
        std::fprintf(stderr, "kernels_digest: %s\n", kernels.error().text.c_str());
        return kernels.error().status == Status::kNoDevice ? kNoDevice : 1;
    }
    bool right = true;
    for (const RandomKernel& kernel : *kernels) {
        if (!options.wants("random") && !options.wants(kernel.name)) continue;
        right = print_kernel(kernel, options) && right;
        ++done;
    }
    return right ? 0 : 1;
}

}  // namespace p2c2r::digest
