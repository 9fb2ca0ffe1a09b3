#include "gpu/module_check.h"

#include <spirv-tools/libspirv.h>

#include <memory>
#include <new>

#include "gpu/allow_list.h"

namespace p2c2r::gpu {

namespace {

struct ContextCloser {
    void operator()(spv_context context) const { spvContextDestroy(context); }
};
using Context = std::unique_ptr<spv_context_t, ContextCloser>;

struct DiagnosticCloser {
    void operator()(spv_diagnostic diagnostic) const { spvDiagnosticDestroy(diagnostic); }
};
using Diagnostic = std::unique_ptr<spv_diagnostic_t, DiagnosticCloser>;

Error kernel_error(std::string text) {
    return make_error(Status::kKernel, std::move(text));
}

Error diagnostic_error(const Diagnostic& diagnostic) {
    if (!diagnostic) return kernel_error("not a SPIR-V module");
    return kernel_error("not a valid SPIR-V module at word " +
                        std::to_string(diagnostic->position.index) + ": " + diagnostic->error);
}

Result<Done> check_frame(std::span<const uint32_t> words) {
    if (words.size() < spirv::kHeaderWords || words[0] != spirv::kMagic) {
        return kernel_error("not a SPIR-V module: " + std::to_string(words.size()) +
                            " words without its magic number");
    }
    if (words.size() > kModuleWordsMax) {
        return kernel_error("a module of " + std::to_string(words.size()) +
                            " words, the limit is " + std::to_string(kModuleWordsMax));
    }
    if (words[spirv::kBoundWord] > kModuleIdsMax) {
        return kernel_error("a module of " + std::to_string(words[spirv::kBoundWord]) +
                            " ids, the limit is " + std::to_string(kModuleIdsMax));
    }
    return Done{};
}

}  // namespace

Result<ModuleInfo> check_allow_list(std::span<const uint32_t> words) {
    if (Result<Done> good = check_frame(words); !good) return good.error();
    const Context context(spvContextCreate(SPV_ENV_VULKAN_1_1));
    if (!context) return make_error(Status::kMemory, "no memory for the SPIR-V reader");
    AllowListChecker checker;
    // No exception may pass through the parser, which is compiled without them.
    const auto on_instruction = [](void* user, const spv_parsed_instruction_t* instruction) {
        try {
            const bool good = static_cast<AllowListChecker*>(user)->take(*instruction);
            return good ? SPV_SUCCESS : SPV_FAILED_MATCH;
        } catch (const std::bad_alloc&) {
            return SPV_ERROR_OUT_OF_MEMORY;
        }
    };
    spv_diagnostic raw = nullptr;
    const spv_result_t result = spvBinaryParse(context.get(), &checker, words.data(), words.size(),
                                               nullptr, on_instruction, &raw);
    const Diagnostic diagnostic(raw);
    if (!checker.error().empty()) return kernel_error(checker.error());
    if (result == SPV_ERROR_OUT_OF_MEMORY) {
        return make_error(Status::kMemory, "no memory for the SPIR-V reader");
    }
    if (result != SPV_SUCCESS) return diagnostic_error(diagnostic);
    if (!checker.finish()) return kernel_error(checker.error());
    return checker.info();
}

Result<Done> validate_module(std::span<const uint32_t> words) {
    if (Result<Done> good = check_frame(words); !good) return good.error();
    const Context context(spvContextCreate(SPV_ENV_VULKAN_1_1));
    if (!context) return make_error(Status::kMemory, "no memory for the SPIR-V validator");
    spv_const_binary_t binary{words.data(), words.size()};
    spv_diagnostic raw = nullptr;
    const spv_result_t result = spvValidate(context.get(), &binary, &raw);
    const Diagnostic diagnostic(raw);
    if (result != SPV_SUCCESS) return diagnostic_error(diagnostic);
    return Done{};
}

Result<ModuleInfo> check_module(std::span<const uint32_t> words) {
    if (Result<Done> valid = validate_module(words); !valid) return valid.error();
    return check_allow_list(words);
}

}  // namespace p2c2r::gpu
