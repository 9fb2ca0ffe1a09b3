// doctest's main for every test program: prints the seed of the run and takes --seed N.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "support/seed.h"

#if defined(__has_feature)
#define P2C2R_HAS_FEATURE(name) __has_feature(name)
#else
#define P2C2R_HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || P2C2R_HAS_FEATURE(address_sanitizer)
// Vulkan drivers and layers keep memory for the life of a process. Unloaded, they would no longer
// be seen to refer to it, nor be known by the names in support/leaks.supp: so they stay.
extern "C" int dlclose(void*) noexcept {
    return 0;
}
#endif

namespace p2c2r::test {

namespace {
uint64_t run_seed = 0;
}

uint64_t seed() {
    return run_seed;
}

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
