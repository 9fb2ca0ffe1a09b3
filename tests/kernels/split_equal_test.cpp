// Parts computed on Vulkan devices, or here and there, make the whole of the native form.
#include <doctest/doctest.h>

#include "gpu/compute.h"
#include "support/seed.h"
#include "support/split_cases.h"

using namespace p2c2r;
using namespace p2c2r::kernels;
using namespace p2c2r::test;

namespace {

// How many there are; none is said, not failed.
size_t count_devices() {
    const Result<std::unique_ptr<gpu::Devices>> devices = gpu::Devices::open({});
    if (devices) return (*devices)->list().size();
    MESSAGE("no Vulkan device: " << devices.error().text);
    return 0;
}

// The infos of the same task on two devices.
void check_info(const TaskOutput& merged, const TaskOutput& whole, const std::string& device) {
    const Value found(merged.info.span());
    for (const auto& [key, value] : Value(whole.info.span()).fields()) {
        const std::string_view name = *key.text();
        CAPTURE(name);
        const std::optional<Value> there = found.find(name);
        REQUIRE(there);
        if (name == "device") {
            CHECK(*there->text() == device);
        } else {
            CHECK(std::ranges::equal(there->encoded(), value.encoded()));
        }
    }
    CHECK(found.count() == Value(whole.info.span()).count());
}

}  // namespace

TEST_CASE("splits over Vulkan devices and the processor are the native whole") {
    Prng prng(test::seed());
    SplitBench native;
    for (uint32_t index = 0; index < count_devices(); ++index) {
        KernelOptions options;
        options.device = DeviceChoice::kVulkan;
        options.vulkan_index = index;
        SplitBench vulkan(options);
        for (const SplitCase& of : split_cases()) {
            CAPTURE(of.type);
            CAPTURE(of.name);
            const auto splitter = splitter_of(of);
            const TaskOutput whole = native.run(of.type, of.whole);
            const std::vector<uint64_t> cuts =
                random_cuts(prng, splitter->units(of.whole).value(), 2 + prng.below(3));
            const Result<std::vector<TaskInput>> parts = splitter->split(of.whole, cuts);
            REQUIRE(parts.ok());
            std::vector<TaskOutput> there;
            for (const TaskInput& part : *parts) there.push_back(vulkan.run(of.type, part));
            std::vector<TaskOutput> mixed = there;
            mixed[0] = native.run(of.type, (*parts)[0]);
            const Result<TaskOutput> merged = splitter->merge(of.whole, cuts, there);
            REQUIRE_MESSAGE(merged.ok(), merged.error().text);
            CHECK(merged->data.text() == whole.data.text());
            const Result<TaskOutput> of_both = splitter->merge(of.whole, cuts, mixed);
            REQUIRE_MESSAGE(of_both.ok(), of_both.error().text);
            CHECK(of_both->data.text() == whole.data.text());
            // Searches are native everywhere, and sums do not say where they were made.
            const bool searches =
                of.type == "ai_pathfinding" && of.name.find("flow field") == std::string::npos;
            const std::string device = searches                ? "native"
                                       : of.split == "samples" ? "several"
                                                               : "vulkan:" + std::to_string(index);
            check_info(*merged, whole, device);
            check_info(*of_both, whole, searches ? "native" : "several");
        }
    }
}
