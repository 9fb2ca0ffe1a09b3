// kernels_digest: what the native forms make of the golden inputs, a line a case. The program is
// built by several compilers in several ways and must print the same text each time; see matrix.sh.
#pragma once

#include <cstdint>
#include <span>
#include <string>

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

}  // namespace p2c2r::digest
