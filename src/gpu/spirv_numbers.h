// The numbers of the SPIR-V specification that the module check knows. Names are the
// specification's with the room's spelling.
#pragma once

#include <cstdint>

namespace p2c2r::gpu::spirv {

inline constexpr uint32_t kMagic = 0x07230203;
inline constexpr uint32_t kHeaderWords = 5;
inline constexpr uint32_t kBoundWord = 3;

enum Op : uint16_t {
    kOpNop = 0,
    kOpSourceContinued = 2,
    kOpSource = 3,
    kOpSourceExtension = 4,
    kOpName = 5,
    kOpMemberName = 6,
    kOpString = 7,
    kOpLine = 8,
    kOpExtension = 10,
    kOpExtInstImport = 11,
    kOpExtInst = 12,
    kOpMemoryModel = 14,
    kOpEntryPoint = 15,
    kOpExecutionMode = 16,
    kOpCapability = 17,
    kOpTypeVoid = 19,
    kOpTypeBool = 20,
    kOpTypeInt = 21,
    kOpTypeFloat = 22,
    kOpTypeVector = 23,
    kOpTypeArray = 28,
    kOpTypeRuntimeArray = 29,
    kOpTypeStruct = 30,
    kOpTypePointer = 32,
    kOpTypeFunction = 33,
    kOpConstantTrue = 41,
    kOpConstantFalse = 42,
    kOpConstant = 43,
    kOpConstantComposite = 44,
    kOpConstantNull = 46,
    kOpFunction = 54,
    kOpFunctionParameter = 55,
    kOpFunctionEnd = 56,
    kOpFunctionCall = 57,
    kOpVariable = 59,
    kOpLoad = 61,
    kOpStore = 62,
    kOpCopyMemory = 63,
    kOpAccessChain = 65,
    kOpInBoundsAccessChain = 66,
    kOpArrayLength = 68,
    kOpDecorate = 71,
    kOpMemberDecorate = 72,
    kOpVectorShuffle = 79,
    kOpCompositeConstruct = 80,
    kOpCompositeExtract = 81,
    kOpCompositeInsert = 82,
    kOpCopyObject = 83,
    kOpConvertFToU = 109,
    kOpConvertFToS = 110,
    kOpConvertSToF = 111,
    kOpConvertUToF = 112,
    kOpUConvert = 113,
    kOpSConvert = 114,
    kOpBitcast = 124,
    kOpSNegate = 126,
    kOpFNegate = 127,
    kOpIAdd = 128,
    kOpFAdd = 129,
    kOpISub = 130,
    kOpFSub = 131,
    kOpIMul = 132,
    kOpFMul = 133,
    kOpUDiv = 134,
    kOpSDiv = 135,
    kOpFDiv = 136,
    kOpUMod = 137,
    kOpSRem = 138,
    kOpSMod = 139,
    kOpFRem = 140,
    kOpFMod = 141,
    kOpVectorTimesScalar = 142,  // products of vectors and matrices from here ...
    kOpDot = 148,                // ... to here
    kOpIAddCarry = 149,
    kOpISubBorrow = 150,
    kOpUMulExtended = 151,
    kOpSMulExtended = 152,
    kOpAny = 154,
    kOpAll = 155,
    kOpLogicalEqual = 164,
    kOpLogicalNotEqual = 165,
    kOpLogicalOr = 166,
    kOpLogicalAnd = 167,
    kOpLogicalNot = 168,
    kOpSelect = 169,
    kOpIEqual = 170,                  // comparisons of integers from here ...
    kOpSLessThanEqual = 179,          // ... to here
    kOpFOrdEqual = 180,               // comparisons of floats from here ...
    kOpFUnordGreaterThanEqual = 191,  // ... to here
    kOpShiftRightLogical = 194,
    kOpShiftRightArithmetic = 195,
    kOpShiftLeftLogical = 196,
    kOpBitwiseOr = 197,
    kOpBitwiseXor = 198,
    kOpBitwiseAnd = 199,
    kOpNot = 200,
    kOpBitReverse = 204,
    kOpBitCount = 205,
    kOpControlBarrier = 224,
    kOpMemoryBarrier = 225,
    kOpAtomicIAdd = 234,  // integer atomics that do not depend on order from here ...
    kOpAtomicXor = 242,   // ... to here
    kOpPhi = 245,
    kOpLoopMerge = 246,
    kOpSelectionMerge = 247,
    kOpLabel = 248,
    kOpBranch = 249,
    kOpBranchConditional = 250,
    kOpSwitch = 251,
    kOpReturn = 253,
    kOpReturnValue = 254,
    kOpUnreachable = 255,
    kOpNoLine = 317,
    kOpModuleProcessed = 330,
    kOpCopyLogical = 400,
};

enum Capability : uint32_t {
    kCapabilityShader = 1,
    kCapabilityInt64 = 11,
    kCapabilitySignedZeroInfNanPreserve = 4466,
    kCapabilityRoundingModeRte = 4467,
};

enum ExecutionMode : uint32_t {
    kModeLocalSize = 17,
    kModeSignedZeroInfNanPreserve = 4461,
    kModeRoundingModeRte = 4462,
};

enum StorageClass : uint32_t {
    kStorageInput = 1,
    kStorageWorkgroup = 4,
    kStoragePrivate = 6,
    kStorageFunction = 7,
    kStoragePushConstant = 9,
    kStorageStorageBuffer = 12,
};

enum Decoration : uint32_t {
    kDecorationBlock = 2,
    kDecorationArrayStride = 6,
    kDecorationBuiltIn = 11,
    kDecorationRestrict = 19,
    kDecorationAliased = 20,
    kDecorationVolatile = 21,
    kDecorationCoherent = 23,
    kDecorationNonWritable = 24,
    kDecorationNonReadable = 25,
    kDecorationBinding = 33,
    kDecorationDescriptorSet = 34,
    kDecorationOffset = 35,
    kDecorationNoContraction = 42,
};

enum BuiltIn : uint32_t {
    kBuiltInNumWorkgroups = 24,
    kBuiltInWorkgroupSize = 25,
    kBuiltInWorkgroupId = 26,
    kBuiltInLocalInvocationId = 27,
    kBuiltInGlobalInvocationId = 28,
    kBuiltInLocalInvocationIndex = 29,
};

// Of "GLSL.std.450".
enum GlslInstruction : uint32_t {
    kGlslRoundEven = 2,
    kGlslTrunc = 3,
    kGlslFAbs = 4,
    kGlslSAbs = 5,
    kGlslFloor = 8,
    kGlslCeil = 9,
    kGlslUMin = 38,
    kGlslSMin = 39,
    kGlslUMax = 41,
    kGlslSMax = 42,
    kGlslUClamp = 44,
    kGlslSClamp = 45,
    kGlslFindILsb = 73,
    kGlslFindSMsb = 74,
    kGlslFindUMsb = 75,
};

}  // namespace p2c2r::gpu::spirv
