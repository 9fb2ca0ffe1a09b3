// Quotients and roots, once by the processor's instructions and once by the steps of the shaders.
#include <vector>

#include "digest/digest.h"
#include "shaders/exact.h"
#include "support/exact_inputs.h"

namespace p2c2r::digest {

void exact() {
    constexpr uint64_t kSeed = 20;
    std::vector<float> plain;
    std::vector<float> steps;
    for (const test::ExactInput& input : test::make_exact_inputs(kSeed)) {
        const float radicand = test::radicand_of(input);
        plain.push_back(kernels::exact_div(input.a, input.b));
        plain.push_back(kernels::exact_sqrt(radicand));
        steps.push_back(kernels::exact_div_steps(input.a, input.b, 0));
        steps.push_back(kernels::exact_sqrt_steps(radicand, 0));
    }
    const auto bytes_of = [](const std::vector<float>& values) {
        return std::span(reinterpret_cast<const uint8_t*>(values.data()),
                         values.size() * sizeof(float));
    };
    print("exact plain", bytes_of(plain));
    print("exact steps", bytes_of(steps));
}

}  // namespace p2c2r::digest
