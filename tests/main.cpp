// doctest's main for every test program: prints the seed of the run and takes --seed N.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "support/seed.h"

namespace p2c2r::test {

namespace {
uint64_t run_seed = 0;
}

uint64_t seed() { return run_seed; }

}  // namespace p2c2r::test

int main(int argc, char** argv) {
    bool given = false;
    for (int i = 1; i + 1 < argc; ++i) {
        if (std::strcmp(argv[i], "--seed") == 0) {
            p2c2r::test::run_seed = std::strtoull(argv[i + 1], nullptr, 0);
            given = true;
        }
    }
    if (!given) p2c2r::test::run_seed = std::random_device{}();
    doctest::Context context(argc, argv);
    if (!context.shouldExit()) {
        std::printf("seed %llu\n", static_cast<unsigned long long>(p2c2r::test::run_seed));
    }
    return context.run();
}
