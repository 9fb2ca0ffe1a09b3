// Each rule of the deterministic subset has a module that keeps it and one that breaks it.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/prng.h"
#include "gpu/module_check.h"
#include "gpu_spirv_text.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::gpu;
using p2c2r::test::assemble;

namespace {

// The parts of a module that the cases vary. The body works on %i (uint from a buffer), %s (int)
// and %f (float) and may use the constants below.
struct Parts {
    std::string capabilities = "OpCapability Shader\n";
    std::string modes;
    std::string decorations;
    std::string globals;
    std::string body;
};

std::string module_text(const Parts& parts) {
    return parts.capabilities + R"(
%glsl = OpExtInstImport "GLSL.std.450"
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main"
OpExecutionMode %main LocalSize 8 4 2
)" + parts.modes +
           R"(
OpDecorate %words ArrayStride 4
OpDecorate %block Block
OpMemberDecorate %block 0 Offset 0
OpDecorate %buffer DescriptorSet 0
OpDecorate %buffer Binding 0
)" + parts.decorations +
           R"(
%void = OpTypeVoid
%function = OpTypeFunction %void
%bool = OpTypeBool
%uint = OpTypeInt 32 0
%int = OpTypeInt 32 1
%float = OpTypeFloat 32
%uint2 = OpTypeVector %uint 2
%float2 = OpTypeVector %float 2
%words = OpTypeRuntimeArray %uint
%block = OpTypeStruct %words
%block_pointer = OpTypePointer StorageBuffer %block
%uint_pointer = OpTypePointer StorageBuffer %uint
%buffer = OpVariable %block_pointer StorageBuffer
%u0 = OpConstant %uint 0
%u1 = OpConstant %uint 1
%u3 = OpConstant %uint 3
%u31 = OpConstant %uint 31
%u32 = OpConstant %uint 32
%u63 = OpConstant %uint 63
%s0 = OpConstant %int 0
%s3 = OpConstant %int 3
%s_minus = OpConstant %int -1
%f2 = OpConstant %float 2
)" + parts.globals +
           R"(
%main = OpFunction %void None %function
%label = OpLabel
%place = OpAccessChain %uint_pointer %buffer %u0 %u0
%i = OpLoad %uint %place
%s = OpBitcast %int %i
%f = OpBitcast %float %i
)" + parts.body +
           R"(
OpReturn
OpFunctionEnd
)";
}

Result<ModuleInfo> check(const Parts& parts) {
    return check_module(assemble(module_text(parts)));
}

constexpr const char* kFloatCapabilities = R"(OpCapability Shader
OpCapability RoundingModeRTE
OpCapability SignedZeroInfNanPreserve
OpExtension "SPV_KHR_float_controls"
)";
constexpr const char* kFloatModes = R"(OpExecutionMode %main RoundingModeRTE 32
OpExecutionMode %main SignedZeroInfNanPreserve 32
)";

}  // namespace

TEST_CASE("the plain module is accepted and described") {
    const Result<ModuleInfo> info = check({});
    REQUIRE_MESSAGE(info.ok(), info.error().text);
    CHECK(info->local_size == std::array<uint32_t, 3>{8, 4, 2});
    CHECK(!info->uses_float);
}

TEST_CASE("bodies inside the subset are accepted") {
    const char* const bodies[] = {
        "%r = OpIAdd %uint %i %u3",
        "%r = OpUDiv %uint %i %u3",
        "%r = OpUMod %uint %i %u3",
        "%r = OpSDiv %int %s %s3",
        "%r = OpShiftLeftLogical %uint %i %u31",
        "%m = OpBitwiseAnd %uint %i %u31\n%r = OpShiftRightLogical %uint %i %m",
        ("%v = OpCompositeConstruct %uint2 %i %i\n%a = OpCompositeConstruct %uint2 %u3 %u31\n"
         "%r = OpShiftRightLogical %uint2 %v %a"),
        "%r = OpExtInst %int %glsl SClamp %s %s0 %s3",
        "%r = OpExtInst %float %glsl RoundEven %f",
        "%r = OpFOrdLessThan %bool %f %f2",
        "%r = OpAtomicIAdd %uint %place %u1 %u0 %i",
    };
    for (const char* body : bodies) {
        Parts parts;
        parts.body = body;
        const Result<ModuleInfo> info = check(parts);
        CHECK_MESSAGE(info.ok(), body << ": " << (info.ok() ? "" : info.error().text));
    }
}

TEST_CASE("bodies outside the subset are refused by the name of the instruction") {
    struct Case {
        const char* body;
        const char* instruction;
        const char* reason;
    };
    const Case cases[] = {
        {"%r = OpFDiv %float %f %f2", "OpFDiv", "not in the deterministic subset"},
        {"%r = OpFRem %float %f %f2", "OpFRem", "not in the deterministic subset"},
        {"%r = OpFMod %float %f %f2", "OpFMod", "not in the deterministic subset"},
        {"%v = OpCompositeConstruct %float2 %f %f\n%r = OpDot %float %v %v", "OpDot",
         "not in the deterministic subset"},
        {"%v = OpCompositeConstruct %float2 %f %f\n%r = OpVectorTimesScalar %float2 %v %f",
         "OpVectorTimesScalar", "not in the deterministic subset"},
        {"%r = OpUndef %uint", "OpUndef", "not in the deterministic subset"},
        {"%r = OpBitFieldUExtract %uint %i %u0 %i", "OpBitFieldUExtract",
         "not in the deterministic subset"},
        {"%r = OpAtomicExchange %uint %place %u1 %u0 %i", "OpAtomicExchange",
         "not in the deterministic subset"},
        {"%r = OpExtInst %float %glsl Sqrt %f", "OpExtInst", "instruction 31"},
        {"%r = OpExtInst %float %glsl InverseSqrt %f", "OpExtInst", "instruction 32"},
        {"%r = OpExtInst %float %glsl Sin %f", "OpExtInst", "instruction 13"},
        {"%r = OpExtInst %float %glsl Pow %f %f", "OpExtInst", "instruction 26"},
        {"%r = OpExtInst %float %glsl Fma %f %f %f", "OpExtInst", "instruction 50"},
        {"%r = OpExtInst %float %glsl FMix %f %f %f", "OpExtInst", "instruction 46"},
        {"%r = OpExtInst %float %glsl FMin %f %f", "OpExtInst", "instruction 37"},
        {"%r = OpExtInst %float %glsl FMax %f %f", "OpExtInst", "instruction 40"},
        {"%r = OpExtInst %float %glsl Round %f", "OpExtInst", "instruction 1 "},
        {"%r = OpUDiv %uint %i %i", "OpUDiv", "the divisor is not a constant"},
        {"%r = OpUMod %uint %i %u0", "OpUMod", "divides by 0"},
        {"%r = OpSDiv %int %s %s_minus", "OpSDiv", "divides by -1"},
        {"%r = OpSRem %int %s %s0", "OpSRem", "divides by 0"},
        {"%r = OpShiftLeftLogical %uint %i %u32", "OpShiftLeftLogical", "shifts 32 bits by 32"},
        {"%r = OpShiftRightLogical %uint %i %i", "OpShiftRightLogical", "neither a constant nor"},
        {"%m = OpBitwiseAnd %uint %i %u63\n%r = OpShiftRightArithmetic %uint %i %m",
         "OpShiftRightArithmetic", "masked below 32"},
        {"%v = OpCompositeConstruct %uint2 %i %i\n%a = OpCompositeConstruct %uint2 %u3 %u32\n"
         "%r = OpShiftLeftLogical %uint2 %v %a",
         "OpShiftLeftLogical", "shifts 32 bits by 32"},
        {"%v = OpCompositeConstruct %uint2 %i %i\n%r = OpUDiv %uint2 %v %v", "OpUDiv",
         "the divisor is not a constant"},
        {"%v = OpCompositeConstruct %uint2 %i %i\n"
         "%r = OpVectorShuffle %uint2 %v %v 0 0xFFFFFFFF",
         "OpVectorShuffle", "undefined component"},
    };
    for (const Case& row : cases) {
        Parts parts;
        parts.body = row.body;
        const Result<ModuleInfo> info = check(parts);
        CAPTURE(row.body);
        REQUIRE(!info.ok());
        CHECK(info.error().status == Status::kKernel);
        CHECK_MESSAGE(info.error().text.find(row.instruction) == 0, info.error().text);
        CHECK_MESSAGE(info.error().text.find(row.reason) != std::string::npos, info.error().text);
        CHECK(info.error().text.find("at word ") != std::string::npos);
    }
}

TEST_CASE("the value of an atomic must not be used") {
    Parts parts;
    parts.body = "%old = OpAtomicIAdd %uint %place %u1 %u0 %i\nOpStore %place %old";
    const Result<ModuleInfo> info = check(parts);
    REQUIRE(!info.ok());
    CHECK(info.error().text.find("depends on the order") != std::string::npos);
}

TEST_CASE("float arithmetic needs NoContraction on each instruction and both modes") {
    const char* const operations[] = {"OpFAdd %float %f %f2", "OpFSub %float %f %f2",
                                      "OpFMul %float %f %f2", "OpFNegate %float %f"};
    for (const char* operation : operations) {
        CAPTURE(operation);
        Parts good;
        good.capabilities = kFloatCapabilities;
        good.modes = kFloatModes;
        good.decorations = "OpDecorate %r NoContraction\n";
        good.body = std::string("%r = ") + operation;
        const Result<ModuleInfo> info = check(good);
        REQUIRE_MESSAGE(info.ok(), info.error().text);
        CHECK(info->uses_float);

        Parts contracted = good;
        contracted.decorations.clear();
        REQUIRE(!check(contracted).ok());
        CHECK(check(contracted).error().text.find("lacks NoContraction") != std::string::npos);

        Parts no_rounding = good;
        no_rounding.modes = "OpExecutionMode %main SignedZeroInfNanPreserve 32\n";
        REQUIRE(!check(no_rounding).ok());
        CHECK(check(no_rounding).error().text.find("RoundingModeRTE 32") != std::string::npos);

        Parts no_preserve = good;
        no_preserve.modes = "OpExecutionMode %main RoundingModeRTE 32\n";
        REQUIRE(!check(no_preserve).ok());
        CHECK(check(no_preserve).error().text.find("SignedZeroInfNanPreserve 32") !=
              std::string::npos);
    }
}

TEST_CASE("a conversion of an integer to float rounds and needs both modes") {
    for (const char* body : {"%r = OpConvertUToF %float %i", "%r = OpConvertSToF %float %s"}) {
        CAPTURE(body);
        Parts parts;
        parts.body = body;
        REQUIRE(!check(parts).ok());
        CHECK(check(parts).error().text.find("RoundingModeRTE 32") != std::string::npos);
        parts.capabilities = kFloatCapabilities;
        parts.modes = kFloatModes;
        const Result<ModuleInfo> info = check(parts);
        REQUIRE_MESSAGE(info.ok(), info.error().text);
        CHECK(info->uses_float);
    }
}

TEST_CASE("one decorated operation does not excuse another") {
    Parts parts;
    parts.capabilities = kFloatCapabilities;
    parts.modes = kFloatModes;
    parts.decorations = "OpDecorate %a NoContraction\n";
    parts.body = "%a = OpFMul %float %f %f2\n%b = OpFAdd %float %a %f2";
    const Result<ModuleInfo> info = check(parts);
    REQUIRE(!info.ok());
    CHECK(info.error().text.find("OpFAdd") == 0);
}

TEST_CASE("declarations outside the list are refused") {
    struct Case {
        const char* what;
        Parts parts;
        const char* reason;
    };
    std::vector<Case> cases;
    cases.push_back({"float16", {}, "OpTypeFloat"});
    cases.back().parts.capabilities = "OpCapability Shader\nOpCapability Float16\n";
    cases.back().parts.globals = "%half = OpTypeFloat 16\n";
    cases.back().reason = "capability 9 ";
    cases.push_back({"float64", {}, "capability 10 "});
    cases.back().parts.capabilities = "OpCapability Shader\nOpCapability Float64\n";
    cases.push_back({"int16", {}, "capability 22 "});
    cases.back().parts.capabilities = "OpCapability Shader\nOpCapability Int16\n";
    cases.push_back({"subgroups", {}, "capability 61 "});
    cases.back().parts.capabilities = "OpCapability Shader\nOpCapability GroupNonUniform\n";
    cases.push_back({"pointers as numbers", {}, "capability 5347 "});
    cases.back().parts.capabilities =
        "OpCapability Shader\nOpCapability PhysicalStorageBufferAddresses\n"
        "OpExtension \"SPV_KHR_physical_storage_buffer\"\n";
    cases.push_back({"extension", {}, "SPV_KHR_variable_pointers"});
    cases.back().parts.capabilities =
        "OpCapability Shader\nOpExtension \"SPV_KHR_variable_pointers\"\n";
    cases.push_back({"relaxed precision", {}, "decoration 0 "});
    cases.back().parts.decorations = "OpDecorate %r RelaxedPrecision\n";
    cases.back().parts.body = "%r = OpIAdd %uint %i %u3";
    cases.push_back({"uniform storage", {}, "storage class 2 "});
    cases.back().parts.globals = "%uniform_pointer = OpTypePointer Uniform %uint\n";
    cases.push_back({"subnormal constant", {}, "no normal number"});
    cases.back().parts.globals = "%tiny = OpConstant %float 0x1p-140\n";
    cases.push_back({"not a number", {}, "no normal number"});
    cases.back().parts.globals = "%nan = OpConstant %float 0x1.8p+128\n";
    cases.push_back({"image", {}, "OpTypeImage"});
    cases.back().parts.globals = "%image = OpTypeImage %float 2D 0 0 0 1 Unknown\n";
    cases.push_back({"specialisation", {}, "OpSpecConstant"});
    cases.back().parts.globals = "%special = OpSpecConstant %uint 7\n";
    for (const Case& row : cases) {
        CAPTURE(row.what);
        const Result<ModuleInfo> info = check_allow_list(assemble(module_text(row.parts)));
        REQUIRE(!info.ok());
        CHECK(info.error().status == Status::kKernel);
        CHECK_MESSAGE(info.error().text.find(row.reason) != std::string::npos, info.error().text);
    }
}

TEST_CASE("entry points of other names and kinds are refused") {
    const std::string text = module_text({});
    const auto with = [&](const std::string& from, const std::string& to) {
        std::string changed = text;
        changed.replace(changed.find(from), from.size(), to);
        return check_allow_list(assemble(changed));
    };
    CHECK(with("%main \"main\"", "%main \"other\"").error().text.find("called other") !=
          std::string::npos);
    CHECK(with("GLCompute", "Vertex").error().text.find("not a compute") != std::string::npos);
    CHECK(!with("OpExecutionMode %main LocalSize 8 4 2", "").ok());
    CHECK(with("Logical GLSL450", "Logical Simple").error().text.find("GLSL450") !=
          std::string::npos);
}

TEST_CASE("bytes that are no module are refused and never crash") {
    CHECK(!check_module({}).ok());
    const std::vector<uint32_t> good = assemble(module_text({}));
    REQUIRE(check_module(good).ok());
    for (size_t size = 0; size < good.size(); ++size) {
        CHECK(!check_module(std::span(good).first(size)).ok());
    }
    std::vector<uint32_t> large = good;
    large[3] = kModuleIdsMax + 1;
    CHECK(check_module(large).error().text.find(std::to_string(kModuleIdsMax)) !=
          std::string::npos);
    Prng prng(test::seed());
    for (int round = 0; round < 2000; ++round) {
        std::vector<uint32_t> damaged = good;
        const size_t at = 1 + prng.below(damaged.size() - 1);
        damaged[at] = prng.chance(0.5) ? static_cast<uint32_t>(prng.next())
                                       : damaged[at] ^ (1u << prng.below(32));
        const Result<ModuleInfo> info = check_module(damaged);
        if (!info.ok()) CHECK(!info.error().text.empty());
    }
}
