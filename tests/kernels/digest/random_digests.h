// Digests of random inputs: what each form of each kernel makes of inputs 0, 1, 2... Each input has
// a seed of its own, so that the one that differs between two builds can be computed alone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/prng.h"
#include "core/status.h"
#include "gpu/compute.h"

namespace p2c2r::digest {

// One way to compute a kernel: draws an input and gives all bytes of the answer.
struct RandomForm {
    std::string name;  // "plain", "avx2", "vulkan:0"
    std::function<Result<std::vector<uint8_t>>(Prng&)> answer;
};

struct RandomKernel {
    std::string name;
    std::vector<RandomForm> forms;  // whose digests must be equal; not empty
};

// In each native form that this processor has.
std::vector<RandomKernel> native_kernels();
// Those that have a Vulkan form, on this device.
Result<std::vector<RandomKernel>> vulkan_kernels(const std::shared_ptr<gpu::Device>& device,
                                                 const std::string& name);

// SHA-256 of the answer to input `index`, 64 hex digits.
Result<std::string> input_digest(const RandomForm& form, uint64_t index);
// SHA-256 of the answers' digests to inputs 0..count - 1, one behind the other.
Result<std::string> folded_digest(const RandomForm& form, uint64_t count);

// Lines "kernel count sha256" of random_golden.txt.
struct RandomGolden {
    std::string kernel;
    uint64_t count = 0;
    std::string digest;
};
std::vector<RandomGolden> read_random_golden();
// What the ordinary suite compares, and what full runs do.
inline constexpr uint64_t kRandomUsual = 1000;
inline constexpr uint64_t kRandomFull = 10'000;

}  // namespace p2c2r::digest
