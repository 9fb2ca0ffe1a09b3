// SPIR-V modules written as text, for tests of the gpu room.
#pragma once

#include <doctest/doctest.h>
#include <spirv-tools/libspirv.h>

#include <cstdint>
#include <string>
#include <vector>

namespace p2c2r::test {

inline std::vector<uint32_t> assemble(const std::string& text) {
    const spv_context context = spvContextCreate(SPV_ENV_VULKAN_1_1);
    spv_binary binary = nullptr;
    spv_diagnostic diagnostic = nullptr;
    const spv_result_t result =
        spvTextToBinary(context, text.data(), text.size(), &binary, &diagnostic);
    REQUIRE_MESSAGE(result == SPV_SUCCESS, (diagnostic ? diagnostic->error : "") << "\n" << text);
    std::vector<uint32_t> words(binary->code, binary->code + binary->wordCount);
    spvBinaryDestroy(binary);
    spvDiagnosticDestroy(diagnostic);
    spvContextDestroy(context);
    return words;
}

}  // namespace p2c2r::test
