// Every fuzz target over every file of its corpus, and over damaged copies of them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "core/prng.h"
#include "fuzz/memory_watch.h"
#include "support/heap_count.h"
#include "support/seed.h"

namespace p2c2r::test {

namespace {
std::unique_ptr<HeapWatch> watch;
}

void watch_memory() {
    watch = std::make_unique<HeapWatch>();
}

int64_t memory_peak() {
    return watch->peak();
}

}  // namespace p2c2r::test

namespace {

using Target = int (*)(const uint8_t* data, size_t size);
using Input = std::vector<uint8_t>;

constexpr int kDamagedCopies = 200;  // of each file

std::vector<Input> corpus_of(const std::string& target) {
    const auto folder =
        std::filesystem::path(P2C2R_SOURCE_DIR) / "tests" / "fuzz" / "corpus" / target;
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());  // the same order everywhere, for the seed's sake
    std::vector<Input> inputs;
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
        REQUIRE(file.good());
    }
    return inputs;
}

void run(Target target, const Input& input) {
    // Memory of exactly its size, so that a sanitizer sees any read past the end.
    const auto exact = std::make_unique<uint8_t[]>(input.size());
    std::copy(input.begin(), input.end(), exact.get());
    CHECK(target(exact.get(), input.size()) == 0);
}

void damage(Input& input, const Input& other, p2c2r::Prng& prng) {
    for (uint64_t steps = 1 + prng.below(4); steps > 0; --steps) {
        const auto at = static_cast<ptrdiff_t>(prng.below(input.size() + 1));
        switch (prng.below(5)) {
            case 0:
                input.insert(input.begin() + at, static_cast<uint8_t>(prng.next()));
                break;
            case 1:
                input.resize(static_cast<size_t>(at));
                break;
            case 2:
                input.insert(input.begin() + at, other.begin(), other.end());
                break;
            case 3:
                input.erase(input.begin() + at, std::min(input.begin() + at + 3, input.end()));
                break;
            default:
                if (at < static_cast<ptrdiff_t>(input.size())) {
                    input[static_cast<size_t>(at)] ^= static_cast<uint8_t>(1u << prng.below(8));
                }
        }
    }
}

void replay(const std::string& name, Target target) {
    const std::vector<Input> inputs = corpus_of(name);
    REQUIRE(!inputs.empty());
    p2c2r::Prng prng(p2c2r::test::seed());
    for (const Input& input : inputs) run(target, input);
    run(target, {});
    for (const Input& input : inputs) {
        for (int copy = 0; copy < kDamagedCopies; ++copy) {
            Input damaged = input;
            damage(damaged, inputs[prng.below(inputs.size())], prng);
            run(target, damaged);
        }
    }
    std::printf("%s: %zu files, %zu inputs\n", name.c_str(), inputs.size(),
                inputs.size() * (kDamagedCopies + 1) + 1);
}

}  // namespace

#define P2C2R_FUZZ_TARGET(name)                                                      \
    extern "C" int p2c2r_fuzz_##name(const uint8_t* data, size_t size);              \
    TEST_CASE("fuzz: the corpus of " #name " and damaged copies of it do no harm") { \
        replay(#name, p2c2r_fuzz_##name);                                            \
    }
#include "replay_targets.inc"
