// kernels_digest: what the native forms make of the golden inputs, a line a case, and of random
// ones, a line a kernel. The program is built by several compilers in several ways and must print
// the same text each time, and of the random inputs on Vulkan devices too; see matrix.sh.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace p2c2r::digest {

// Prints "what sha256".
void print(const std::string& what, std::span<const uint8_t> bytes);
void print_digest(const std::string& what, const std::string& sha256);

// One function a kernel, in a file of its own, with a line in main.cpp.
void exact();
void raytrace();
void upscale();
void physics();
void path();
// Requests of all types as their executors answer them, from the corpus of the fuzzer.
void requests();

struct RandomOptions {
    uint64_t count = 1000;           // inputs of each kernel
    bool each = false;               // a line an input
    std::optional<uint64_t> device;  // the number of a Vulkan device; nothing: natively
    std::vector<std::string> names;  // empty: everything

    [[nodiscard]] bool wants(const std::string& name) const {
        return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
    }
};
// Random inputs of the kernels that are wanted, which `done` counts. The program's exit status: 1
// where forms differ.
int random(const RandomOptions& options, size_t& done);
inline constexpr int kNoDevice = 77;

}  // namespace p2c2r::digest
