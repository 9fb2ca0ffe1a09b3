// The rewriting of shaders: afterwards float arithmetic is pinned everywhere, and nothing else has
// changed.
#include "gpu/float_modes.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/prng.h"
#include "gpu/module_check.h"
#include "gpu/spirv_numbers.h"
#include "gpu_spirv_text.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::gpu;
using p2c2r::test::assemble;

namespace {

// Arithmetic in the entry point and in a called function, on scalars and on vectors; no decoration
// at all unless `decorations` says so.
std::string float_module(const std::string& capabilities, const std::string& modes,
                         const std::string& decorations, const std::string& body) {
    return "OpCapability Shader\n" + capabilities + R"(
%glsl = OpExtInstImport "GLSL.std.450"
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main"
OpExecutionMode %main LocalSize 1 1 1
)" + modes +
           R"(
OpSource GLSL 450
OpName %main "main"
OpName %called "called"
)" + decorations +
           R"(
%void = OpTypeVoid
%function = OpTypeFunction %void
%float = OpTypeFloat 32
%float2 = OpTypeVector %float 2
%of_float = OpTypeFunction %float %float
%f2 = OpConstant %float 2
%f3 = OpConstant %float 3
%main = OpFunction %void None %function
%label = OpLabel
)" + body + R"(
%result = OpFunctionCall %float %called %f2
OpReturn
OpFunctionEnd
%called = OpFunction %float None %of_float
%x = OpFunctionParameter %float
%inside = OpLabel
%product = OpFMul %float %x %f3
OpReturnValue %product
OpFunctionEnd
)";
}

constexpr const char* kBody = R"(%sum = OpFAdd %float %f2 %f3
%difference = OpFSub %float %sum %f3
%negative = OpFNegate %float %difference
%pair = OpCompositeConstruct %float2 %sum %negative
%double = OpFAdd %float2 %pair %pair)";

constexpr const char* kCapabilities =
    "OpCapability RoundingModeRTE\nOpCapability SignedZeroInfNanPreserve\n"
    "OpExtension \"SPV_KHR_float_controls\"\n";
constexpr const char* kModes =
    "OpExecutionMode %main RoundingModeRTE 32\nOpExecutionMode %main SignedZeroInfNanPreserve 32\n";
constexpr const char* kDecorations =
    "OpDecorate %sum NoContraction\nOpDecorate %difference NoContraction\n"
    "OpDecorate %negative NoContraction\nOpDecorate %double NoContraction\n"
    "OpDecorate %product NoContraction\n";

std::vector<uint32_t> pin(const std::vector<uint32_t>& words) {
    const Result<std::vector<uint32_t>> pinned = pin_float_modes(words);
    REQUIRE_MESSAGE(pinned.ok(), pinned.error().text);
    return *pinned;
}

// The module without what pinning adds, and how many instructions that was.
std::vector<uint32_t> without_pins(const std::vector<uint32_t>& words, size_t& pins) {
    std::vector<uint32_t> rest(words.begin(), words.begin() + spirv::kHeaderWords);
    for (size_t at = spirv::kHeaderWords; at < words.size(); at += words[at] >> 16) {
        const uint32_t op = words[at] & 0xFFFF;
        const bool capability =
            op == spirv::kOpCapability && words[at + 1] != spirv::kCapabilityShader;
        const bool mode = op == spirv::kOpExecutionMode && words[at + 2] != spirv::kModeLocalSize;
        const bool decoration = op == spirv::kOpDecorate;
        if (capability || mode || decoration || op == spirv::kOpExtension) {
            ++pins;
            continue;
        }
        const auto begin = words.begin() + static_cast<std::ptrdiff_t>(at);
        rest.insert(rest.end(), begin, begin + (words[at] >> 16));
    }
    return rest;
}

}  // namespace

TEST_CASE("a module with float arithmetic passes the check once it is pinned and not before") {
    const std::vector<uint32_t> plain = assemble(float_module("", "", "", kBody));
    REQUIRE(validate_module(plain).ok());
    REQUIRE(!check_module(plain).ok());
    const std::vector<uint32_t> pinned = pin(plain);
    const Result<ModuleInfo> info = check_module(pinned);
    REQUIRE_MESSAGE(info.ok(), info.error().text);
    CHECK(info->uses_float);
}

TEST_CASE("pinning adds the modes and decorations and nothing else") {
    const std::vector<uint32_t> plain = assemble(float_module("", "", "", kBody));
    size_t pins = 0;
    CHECK(without_pins(pin(plain), pins) == plain);
    CHECK(pins == 2 + 1 + 2 + 5);  // capabilities, extension, modes, decorations
}

TEST_CASE("pinning twice is pinning once and what is there is not added again") {
    const char* const all[] = {kCapabilities, kModes, kDecorations};
    for (unsigned has = 0; has < 8; ++has) {
        CAPTURE(has);
        const auto part = [&](unsigned i) { return std::string(has >> i & 1 ? all[i] : ""); };
        // Modes need their capabilities.
        if ((has & 2) && !(has & 1)) continue;
        const std::vector<uint32_t> once =
            pin(assemble(float_module(part(0), part(1), part(2), kBody)));
        CHECK(check_module(once).ok());
        CHECK(pin(once) == once);
        if (has == 7) {
            CHECK(once == assemble(float_module(all[0], all[1], all[2], kBody)));
        }
    }
}

TEST_CASE("a module without float comes back as it was") {
    const std::vector<uint32_t> words = assemble(R"(OpCapability Shader
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main"
OpExecutionMode %main LocalSize 1 1 1
%void = OpTypeVoid
%function = OpTypeFunction %void
%main = OpFunction %void None %function
%label = OpLabel
OpReturn
OpFunctionEnd
)");
    CHECK(pin(words) == words);
    CHECK(check_module(words).ok());
}

TEST_CASE("pinning a division does not make it exact") {
    const Result<ModuleInfo> info =
        check_module(pin(assemble(float_module("", "", "", "%r = OpFDiv %float %f2 %f3"))));
    REQUIRE(!info.ok());
    CHECK(info.error().text.find("OpFDiv") == 0);
}

TEST_CASE("words that are no module are an error and never a crash") {
    CHECK(!pin_float_modes({}).ok());
    const std::vector<uint32_t> good = assemble(float_module("", "", kDecorations, kBody));
    Prng prng(test::seed());
    for (int round = 0; round < 5000; ++round) {
        std::vector<uint32_t> damaged = good;
        if (prng.chance(0.3)) damaged.resize(prng.below(good.size()));
        if (damaged.empty()) continue;
        damaged[prng.below(damaged.size())] = static_cast<uint32_t>(
            prng.chance(0.5) ? prng.next() : prng.below(64) << 16 | prng.below(400));
        const Result<std::vector<uint32_t>> pinned = pin_float_modes(damaged);
        if (!pinned.ok()) {
            CHECK(pinned.error().status == Status::kKernel);
        } else {
            CHECK(pinned->size() >= damaged.size());
        }
    }
}

TEST_CASE("a device without the float modes gets no float shader and every integer one") {
    const std::vector<uint32_t> with_float = pin(assemble(float_module("", "", "", kBody)));
    DeviceInfo device;
    device.name = "some device";
    device.rounding_mode_rte32 = true;
    device.signed_zero_inf_nan_preserve32 = true;
    CHECK(check_float_modes(with_float, device).ok());
    device.rounding_mode_rte32 = false;
    Result<Done> refused = check_float_modes(with_float, device);
    REQUIRE(!refused.ok());
    CHECK(refused.error().status == Status::kUnsupported);
    CHECK(refused.error().text.find("some device") == 0);
    CHECK(refused.error().text.find("nearest even") != std::string::npos);
    device.rounding_mode_rte32 = true;
    device.signed_zero_inf_nan_preserve32 = false;
    refused = check_float_modes(with_float, device);
    REQUIRE(!refused.ok());
    CHECK(refused.error().text.find("signed zeros") != std::string::npos);
    const std::vector<uint32_t> integers = assemble(R"(OpCapability Shader
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main"
OpExecutionMode %main LocalSize 1 1 1
%void = OpTypeVoid
%function = OpTypeFunction %void
%main = OpFunction %void None %function
%label = OpLabel
OpReturn
OpFunctionEnd
)");
    CHECK(check_float_modes(integers, DeviceInfo{}).ok());
}
