// A small shader on every Vulkan device of this machine, for tests of the gpu room.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gpu/compute.h"
#include "gpu/module_check.h"
#include "gpu_spirv_text.h"

namespace p2c2r::test {

using namespace p2c2r::gpu;

// target[i] = source[i] * factor + 1, and in addition spins `loops` times per invocation.
inline constexpr const char* kScaleShader = R"(
OpCapability Shader
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main" %id
OpExecutionMode %main LocalSize 64 1 1
OpDecorate %id BuiltIn GlobalInvocationId
OpDecorate %words ArrayStride 4
OpDecorate %block Block
OpMemberDecorate %block 0 Offset 0
OpDecorate %source DescriptorSet 0
OpDecorate %source Binding 0
OpDecorate %target DescriptorSet 0
OpDecorate %target Binding 1
OpDecorate %push_block Block
OpMemberDecorate %push_block 0 Offset 0
OpMemberDecorate %push_block 1 Offset 4
OpMemberDecorate %push_block 2 Offset 8
%void = OpTypeVoid
%function = OpTypeFunction %void
%bool = OpTypeBool
%uint = OpTypeInt 32 0
%uint3 = OpTypeVector %uint 3
%words = OpTypeRuntimeArray %uint
%block = OpTypeStruct %words
%push_block = OpTypeStruct %uint %uint %uint
%block_pointer = OpTypePointer StorageBuffer %block
%word_pointer = OpTypePointer StorageBuffer %uint
%push_pointer = OpTypePointer PushConstant %push_block
%push_word = OpTypePointer PushConstant %uint
%id_pointer = OpTypePointer Input %uint3
%source = OpVariable %block_pointer StorageBuffer
%target = OpVariable %block_pointer StorageBuffer
%push = OpVariable %push_pointer PushConstant
%id = OpVariable %id_pointer Input
%u0 = OpConstant %uint 0
%u1 = OpConstant %uint 1
%u2 = OpConstant %uint 2
%u5 = OpConstant %uint 5
%main = OpFunction %void None %function
%label = OpLabel
%id3 = OpLoad %uint3 %id
%i = OpCompositeExtract %uint %id3 0
%count_place = OpAccessChain %push_word %push %u0
%count = OpLoad %uint %count_place
%factor_place = OpAccessChain %push_word %push %u1
%factor = OpLoad %uint %factor_place
%loops_place = OpAccessChain %push_word %push %u2
%loops = OpLoad %uint %loops_place
%inside = OpULessThan %bool %i %count
OpSelectionMerge %end None
OpBranchConditional %inside %work %end
%work = OpLabel
%from = OpAccessChain %word_pointer %source %u0 %i
%value = OpLoad %uint %from
OpBranch %head
%head = OpLabel
%turn = OpPhi %uint %u0 %work %next_turn %again
%state = OpPhi %uint %value %work %next_state %again
OpLoopMerge %done %again None
OpBranch %ask
%ask = OpLabel
%more = OpULessThan %bool %turn %loops
OpBranchConditional %more %again %done
%again = OpLabel
%next_turn = OpIAdd %uint %turn %u1
%mixed = OpIMul %uint %state %u5
%next_state = OpBitwiseXor %uint %mixed %turn
OpBranch %head
%done = OpLabel
%product = OpIMul %uint %state %factor
%sum = OpIAdd %uint %product %u1
%to = OpAccessChain %word_pointer %target %u0 %i
OpStore %to %sum
OpBranch %end
%end = OpLabel
OpReturn
OpFunctionEnd
)";

struct ScalePush {
    uint32_t count;
    uint32_t factor;
    uint32_t loops;
};

class Messages final : public LogSink {
  public:
    void write(LogLevel, std::string_view room, std::string_view text) override {
        MESSAGE(std::string(room) << ": " << std::string(text));
    }
};

// The machine's devices, with the validation layer where it is installed.
inline std::unique_ptr<Devices> open_devices(const std::string& cache_dir = {},
                                             bool separate_memory = false) {
    static Messages messages;
    DevicesOptions options;
    options.pipeline_cache_dir = cache_dir;
    options.validation = true;
    options.separate_memory = separate_memory;
    options.log = Log(&messages, LogLevel::kWarn);
    Result<std::unique_ptr<Devices>> devices = Devices::open(options);
    if (!devices) {
        options.validation = false;
        devices = Devices::open(options);
    }
    if (!devices) {
        MESSAGE("skipped: " << devices.error().text);
        return nullptr;
    }
    return std::move(*devices);
}

inline std::span<const uint8_t> bytes_of(const ScalePush& push) {
    return {reinterpret_cast<const uint8_t*>(&push), sizeof push};
}

inline uint32_t* words_of(Buffer& buffer) {
    return reinterpret_cast<uint32_t*>(buffer.map());
}

struct Scale {
    std::shared_ptr<Device> device;
    std::shared_ptr<Pipeline> pipeline;

    explicit Scale(std::shared_ptr<Device> on) : device(std::move(on)) {
        const std::vector<uint32_t> words = assemble(kScaleShader);
        REQUIRE(check_module(words).ok());
        Result<std::shared_ptr<Pipeline>> made = device->make_pipeline(words, 2, sizeof(ScalePush));
        REQUIRE_MESSAGE(made.ok(), made.error().text);
        pipeline = *made;
    }

    std::unique_ptr<Buffer> buffer(uint64_t size, BufferUse use) const {
        Result<std::unique_ptr<Buffer>> made = device->make_buffer(size, use);
        REQUIRE_MESSAGE(made.ok(), made.error().text);
        return std::move(*made);
    }

    Result<RunTime> run(Buffer& source, Buffer& target, const ScalePush& push,
                        uint64_t timeout_us = 2'000'000) const {
        Buffer* const buffers[] = {&source, &target};
        Dispatch dispatch;
        dispatch.pipeline = pipeline.get();
        dispatch.buffers = buffers;
        dispatch.push_constants = bytes_of(push);
        dispatch.groups = {(push.count + 63) / 64, 1, 1};
        Buffer* const back[] = {&target};
        Work work;
        work.dispatches = {&dispatch, 1};
        work.read_back = back;
        work.timeout_us = timeout_us;
        return device->run(work);
    }
};

// Runs `body` with each device in turn, also with memory apart from the host's, as a graphics card
// has it.
template <class Body>
void on_each_device(const Body& body) {
    for (const bool separate_memory : {false, true}) {
        CAPTURE(separate_memory);
        const std::unique_ptr<Devices> devices = open_devices({}, separate_memory);
        if (!devices) return;
        for (size_t i = 0; i < devices->list().size(); ++i) {
            CAPTURE(devices->list()[i].name);
            Result<std::shared_ptr<Device>> device = devices->device(i);
            REQUIRE_MESSAGE(device.ok(), device.error().text);
            body(*device);
        }
        CHECK(devices->validation_messages() == 0);
    }
}

}  // namespace p2c2r::test
