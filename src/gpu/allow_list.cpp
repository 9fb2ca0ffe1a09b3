#include "gpu/allow_list.h"

#include <algorithm>
#include <string_view>

namespace p2c2r::gpu {

namespace {

using namespace spirv;

template <size_t kCount>
constexpr bool is_one_of(uint32_t value, const uint32_t (&list)[kCount]) {
    return std::find(std::begin(list), std::end(list), value) != std::end(list);
}

constexpr bool is_within(uint32_t value, uint32_t first, uint32_t last) {
    return value >= first && value <= last;
}

// ---- the lists: allowed as they stand -----------------------------------------------------------

constexpr uint32_t kAllowedCapabilities[] = {kCapabilityShader, kCapabilityInt64,
                                             kCapabilitySignedZeroInfNanPreserve,
                                             kCapabilityRoundingModeRte};
constexpr std::string_view kExtensions[] = {"SPV_KHR_storage_buffer_storage_class",
                                            "SPV_KHR_float_controls"};
constexpr uint32_t kStorageClasses[] = {kStorageInput,        kStorageWorkgroup,
                                        kStoragePrivate,      kStorageFunction,
                                        kStoragePushConstant, kStorageStorageBuffer};
constexpr uint32_t kDecorations[] = {
    kDecorationBlock,         kDecorationArrayStride, kDecorationRestrict,
    kDecorationAliased,       kDecorationVolatile,    kDecorationCoherent,
    kDecorationNonWritable,   kDecorationNonReadable, kDecorationBinding,
    kDecorationDescriptorSet, kDecorationOffset,      kDecorationNoContraction};
constexpr uint32_t kBuiltIns[] = {kBuiltInNumWorkgroups,      kBuiltInWorkgroupSize,
                                  kBuiltInWorkgroupId,        kBuiltInLocalInvocationId,
                                  kBuiltInGlobalInvocationId, kBuiltInLocalInvocationIndex};
constexpr uint32_t kGlslInstructions[] = {kGlslRoundEven, kGlslTrunc,    kGlslFAbs,    kGlslSAbs,
                                          kGlslFloor,     kGlslCeil,     kGlslUMin,    kGlslSMin,
                                          kGlslUMax,      kGlslSMax,     kGlslUClamp,  kGlslSClamp,
                                          kGlslFindILsb,  kGlslFindSMsb, kGlslFindUMsb};
constexpr uint32_t kPlainOps[] = {
    // debug words
    kOpNop, kOpSourceContinued, kOpSource, kOpSourceExtension, kOpName, kOpMemberName, kOpString,
    kOpLine, kOpNoLine, kOpModuleProcessed,
    // types, constants, functions
    kOpTypeVoid, kOpTypeBool, kOpTypeVector, kOpTypeArray, kOpTypeRuntimeArray, kOpTypeStruct,
    kOpTypeFunction, kOpConstantTrue, kOpConstantFalse, kOpConstantComposite, kOpConstantNull,
    kOpFunction, kOpFunctionParameter, kOpFunctionEnd, kOpFunctionCall,
    // memory and composites
    kOpLoad, kOpStore, kOpCopyMemory, kOpAccessChain, kOpInBoundsAccessChain, kOpArrayLength,
    kOpCompositeExtract, kOpCompositeInsert, kOpCopyObject, kOpCopyLogical,
    // exact arithmetic
    kOpConvertFToU, kOpConvertFToS, kOpUConvert, kOpSConvert, kOpBitcast, kOpSNegate, kOpIAdd,
    kOpISub, kOpIMul, kOpIAddCarry, kOpISubBorrow, kOpUMulExtended, kOpSMulExtended, kOpAny, kOpAll,
    kOpLogicalEqual, kOpLogicalNotEqual, kOpLogicalOr, kOpLogicalAnd, kOpLogicalNot, kOpSelect,
    kOpBitwiseOr, kOpBitwiseXor, kOpNot, kOpBitReverse, kOpBitCount,
    // order and control
    kOpControlBarrier, kOpMemoryBarrier, kOpPhi, kOpLoopMerge, kOpSelectionMerge, kOpLabel,
    kOpBranch, kOpBranchConditional, kOpSwitch, kOpReturn, kOpReturnValue, kOpUnreachable};

}  // namespace

bool AllowListChecker::refuse(const Instruction& instruction, const std::string& why) {
    error_ = std::string("Op") + spvOpcodeString(instruction.opcode) + " at word " +
             std::to_string(at_) + ": " + why;
    return false;
}

bool AllowListChecker::take(const Instruction& instruction) {
    note_uses(instruction);
    const bool good = check(instruction);
    at_ += instruction.num_words;
    return good;
}

bool AllowListChecker::check(const Instruction& instruction) {
    bool known = false;
    const bool good = check_module_level(instruction, known);
    if (!good || known) return good;
    const uint32_t op = instruction.opcode;
    switch (op) {
        case kOpConstant:
        case kOpConstantComposite:
        case kOpConstantNull:
        case kOpCompositeConstruct:  // of constants: a vector shifted by one amount
            return check_constant(instruction);
        case kOpFNegate:
        case kOpFAdd:
        case kOpFSub:
        case kOpFMul:
            return check_float(instruction);
        case kOpConvertSToF:
        case kOpConvertUToF:
            info_.uses_float = true;  // these round
            return true;
        case kOpUDiv:
        case kOpUMod:
            return check_division(instruction, false);
        case kOpSDiv:
        case kOpSRem:
        case kOpSMod:
            return check_division(instruction, true);
        case kOpShiftRightLogical:
        case kOpShiftRightArithmetic:
        case kOpShiftLeftLogical:
            return check_shift(instruction);
        case kOpBitwiseAnd: {
            for (size_t operand : {2, 3}) {
                const auto constant = constants_.find(word(instruction, operand));
                if (constant == constants_.end()) continue;
                uint64_t largest = 0;
                for (const Constant& part : constant->second) {
                    largest = std::max(largest, part.value);
                }
                masked_[instruction.result_id] =
                    static_cast<uint32_t>(std::min<uint64_t>(largest, UINT32_MAX));
            }
            return true;
        }
        case kOpExtInst:
            // 450 is the one set that can be imported; the instruction's number stands behind it.
            if (is_one_of(word(instruction, 3), kGlslInstructions)) return true;
            return refuse(instruction, "GLSL.std.450 instruction " +
                                           std::to_string(word(instruction, 3)) +
                                           " is not exact on every device");
        case kOpVectorShuffle:
            for (size_t operand = 4; operand < instruction.num_operands; ++operand) {
                if (word(instruction, operand) == UINT32_MAX) {
                    return refuse(instruction, "picks an undefined component");
                }
            }
            return true;
        default:
            break;
    }
    if (is_within(op, kOpAtomicIAdd, kOpAtomicXor)) {
        atomic_results_[instruction.result_id] = at_;
        return true;
    }
    if (is_within(op, kOpIEqual, kOpFUnordGreaterThanEqual)) return true;
    if (is_one_of(op, kPlainOps)) return true;
    return refuse(instruction, "is not in the deterministic subset");
}

// Instructions about the module, its types and its interface. `known` tells that it was one.
bool AllowListChecker::check_module_level(const Instruction& instruction, bool& known) {
    known = true;
    const uint32_t first = word(instruction, 0);
    switch (instruction.opcode) {
        case kOpCapability:
            return is_one_of(first, kAllowedCapabilities) ||
                   refuse(instruction, "capability " + std::to_string(first) + " is not allowed");
        case kOpExtension: {
            const std::string name = text(instruction, 0);
            return std::find(std::begin(kExtensions), std::end(kExtensions), name) !=
                       std::end(kExtensions) ||
                   refuse(instruction, "extension " + name + " is not allowed");
        }
        case kOpExtInstImport: {
            const std::string name = text(instruction, 1);
            return name == "GLSL.std.450" ||
                   refuse(instruction, "instruction set " + name + " is not allowed");
        }
        case kOpMemoryModel:
            return (first == 0 && word(instruction, 1) == 1) ||
                   refuse(instruction, "only Logical GLSL450 is allowed");
        case kOpEntryPoint:
            if (++entry_points_ > 1) return refuse(instruction, "is a second entry point");
            if (first != 5) return refuse(instruction, "is not a compute entry point");
            return text(instruction, 2) == "main" ||
                   refuse(instruction,
                          "the entry point is called " + text(instruction, 2) + ", not main");
        case kOpExecutionMode: {
            const uint32_t mode = word(instruction, 1);
            const bool is_32 = word(instruction, 2) == 32;
            if (mode == kModeLocalSize) {
                for (size_t i = 0; i < 3; ++i) info_.local_size[i] = word(instruction, 2 + i);
                return true;
            }
            rounds_to_even_ |= mode == kModeRoundingModeRte && is_32;
            preserves_ |= mode == kModeSignedZeroInfNanPreserve && is_32;
            return ((mode == kModeRoundingModeRte || mode == kModeSignedZeroInfNanPreserve) &&
                    is_32) ||
                   refuse(instruction, "mode " + std::to_string(mode) + " is not allowed");
        }
        case kOpDecorate:
            return check_decoration(instruction, 1);
        case kOpMemberDecorate:
            return check_decoration(instruction, 2);
        case kOpTypeInt: {
            const uint32_t width = word(instruction, 1);
            integer_widths_[instruction.result_id] = width;
            return width == 32 || width == 64 ||
                   refuse(instruction, std::to_string(width) + " bits are not allowed");
        }
        case kOpTypeFloat:
            float_types_.insert(instruction.result_id);
            return word(instruction, 1) == 32 ||
                   refuse(instruction,
                          std::to_string(word(instruction, 1)) + " bits are not allowed");
        case kOpTypeVector:
            // A vector of integers stands for its components where widths are asked.
            if (const uint32_t width = width_of(word(instruction, 1))) {
                integer_widths_[instruction.result_id] = width;
            }
            return true;
        case kOpTypePointer:
            return is_one_of(word(instruction, 1), kStorageClasses) ||
                   refuse(instruction, "storage class " + std::to_string(word(instruction, 1)) +
                                           " is not allowed");
        case kOpVariable:
            return is_one_of(word(instruction, 2), kStorageClasses) ||
                   refuse(instruction, "storage class " + std::to_string(word(instruction, 2)) +
                                           " is not allowed");
        default:
            known = false;
            return true;
    }
}

bool AllowListChecker::check_decoration(const Instruction& instruction, size_t first) {
    const uint32_t decoration = word(instruction, first);
    if (decoration == kDecorationNoContraction) not_contracted_.insert(word(instruction, 0));
    if (decoration == kDecorationBuiltIn) {
        const uint32_t built_in = word(instruction, first + 1);
        return is_one_of(built_in, kBuiltIns) ||
               refuse(instruction, "built-in " + std::to_string(built_in) + " is not allowed");
    }
    return is_one_of(decoration, kDecorations) ||
           refuse(instruction, "decoration " + std::to_string(decoration) + " is not allowed");
}

bool AllowListChecker::check_constant(const Instruction& instruction) {
    if (instruction.opcode == kOpConstantComposite || instruction.opcode == kOpCompositeConstruct) {
        std::vector<Constant> parts;
        for (size_t operand = 2; operand < instruction.num_operands; ++operand) {
            const auto part = constants_.find(word(instruction, operand));
            if (part == constants_.end()) return true;  // never a divisor or an amount
            parts.insert(parts.end(), part->second.begin(), part->second.end());
        }
        constants_[instruction.result_id] = std::move(parts);
        return true;
    }
    const uint32_t width = width_of(instruction.type_id);
    if (instruction.opcode == kOpConstantNull) {
        if (width) constants_[instruction.result_id] = {Constant{0, width}};
        return true;
    }
    if (float_types_.count(instruction.type_id)) {
        const uint32_t bits = word(instruction, 2);
        const uint32_t exponent = bits >> 23 & 0xFF;
        const bool is_normal = exponent != 0 && exponent != 0xFF;
        return is_normal || (bits & 0x7FFFFFFF) == 0 ||
               refuse(instruction, "a constant that is no normal number");
    }
    Constant constant{word(instruction, 2), width};
    if (width == 64) {
        constant.value |= uint64_t{instruction.words[instruction.operands[2].offset + 1]} << 32;
    }
    constants_[instruction.result_id] = {constant};
    return true;
}

bool AllowListChecker::check_float(const Instruction& instruction) {
    info_.uses_float = true;
    return not_contracted_.count(instruction.result_id) != 0 ||
           refuse(instruction, "lacks NoContraction");
}

bool AllowListChecker::check_division(const Instruction& instruction, bool is_signed) {
    const auto divisor = constants_.find(word(instruction, 3));
    if (divisor == constants_.end()) return refuse(instruction, "the divisor is not a constant");
    for (const Constant& part : divisor->second) {
        const uint64_t minus_one = part.width == 64 ? UINT64_MAX : UINT32_MAX;
        if (part.value == 0) return refuse(instruction, "divides by 0");
        if (is_signed && part.value == minus_one) return refuse(instruction, "divides by -1");
    }
    return true;
}

bool AllowListChecker::check_shift(const Instruction& instruction) {
    const uint32_t width = width_of(instruction.type_id);
    const uint32_t amount = word(instruction, 3);
    if (const auto constant = constants_.find(amount); constant != constants_.end()) {
        for (const Constant& part : constant->second) {
            if (part.value >= width) {
                return refuse(instruction, "shifts " + std::to_string(width) + " bits by " +
                                               std::to_string(part.value));
            }
        }
        return true;
    }
    const auto masked = masked_.find(amount);
    return (masked != masked_.end() && masked->second < width) ||
           refuse(instruction,
                  "the amount is neither a constant nor masked below " + std::to_string(width));
}

void AllowListChecker::note_uses(const Instruction& instruction) {
    // Names are no use.
    if (instruction.opcode == kOpName || instruction.opcode == kOpDecorate) return;
    for (size_t i = 0; i < instruction.num_operands; ++i) {
        if (instruction.operands[i].type == SPV_OPERAND_TYPE_ID) {
            used_.insert(instruction.words[instruction.operands[i].offset]);
        }
    }
}

bool AllowListChecker::finish() {
    if (entry_points_ != 1) {
        error_ = "the module has no compute entry point";
        return false;
    }
    if (info_.local_size[0] == 0) {
        error_ = "the entry point declares no group size";
        return false;
    }
    if (info_.uses_float && !(rounds_to_even_ && preserves_)) {
        error_ = std::string("the entry point lacks ") +
                 (rounds_to_even_ ? "SignedZeroInfNanPreserve 32" : "RoundingModeRTE 32") +
                 ", which float arithmetic needs";
        return false;
    }
    for (const auto& [id, where] : atomic_results_) {
        if (used_.count(id)) {
            error_ = "the value of the atomic at word " + std::to_string(where) +
                     " is used, and it depends on the order of the invocations";
            return false;
        }
    }
    return true;
}

std::string AllowListChecker::text(const Instruction& instruction, size_t operand) {
    if (operand >= instruction.num_operands) return {};
    const spv_parsed_operand_t& place = instruction.operands[operand];
    std::string text;
    for (uint32_t i = 0; i < place.num_words * 4u; ++i) {
        const auto character =
            static_cast<char>(instruction.words[place.offset + i / 4] >> (i % 4 * 8));
        if (character == '\0') break;
        text += character;
    }
    return text;
}

uint32_t AllowListChecker::width_of(uint32_t type) const {
    const auto width = integer_widths_.find(type);
    return width == integer_widths_.end() ? 0 : width->second;
}

}  // namespace p2c2r::gpu
