// Memory that goes back to the system when results do.
#include <cstdio>
#include <deque>

#include "support/heap_count.h"
#include "world.h"

using namespace capi_test;

namespace {

#if defined(__linux__) && !defined(P2C2R_TEST_SANITIZED)
constexpr bool kCanLook = true;
#else
// Sanitizers keep what is given back, and other systems have no /proc to look at.
constexpr bool kCanLook = false;
#endif

double resident_mib() {
    std::FILE* file = std::fopen("/proc/self/status", "r");
    REQUIRE(file);
    char line[256];
    unsigned long kib = 0;
    while (kib == 0 && std::fgets(line, sizeof line, file)) {
        std::sscanf(line, "VmRSS: %lu", &kib);
    }
    std::fclose(file);
    return static_cast<double>(kib) / 1024;
}

}  // namespace

TEST_CASE("large results that are given back leave no holes while many others are held" *
          doctest::skip(!kCanLook)) {
    HostExecutor executor;
    auto config = runtime_config(P2C2R_RUN_THREAD);
    config.memory_max = 1ull << 30;
    const Runtime runtime = make_runtime(config);
    const Client client = make_client(runtime.get());
    executor.run = [](p2c2r_job* job) {
        size_t size = 0;
        std::memcpy(&size, p2c2r_job_input(job, 0, &size), sizeof size);
        void* out = nullptr;
        const p2c2r_status status = p2c2r_job_output_alloc(job, size, &out);
        if (status == P2C2R_OK) std::memset(out, 7, size);
        return status;
    };
    executor.add(runtime.get(), "large");
    const auto make = [&](size_t size) {
        const Task task("large", &size, sizeof size);
        Result result = fetch(client.get(), submit(client.get(), task.desc));
        REQUIRE(p2c2r_result_status(result.get()) == P2C2R_OK);
        return result;
    };
    // As a program that has run for a while: the C library has learned to keep blocks of this size.
    make(8 << 20).reset();
    // More than from where on they have pages of their own; every fourth of the rest is kept.
    std::deque<Result> held;
    for (int i = 0; i < 100; ++i) held.push_back(make(1 << 20));
    const double before = resident_mib();
    std::deque<Result> kept, given;
    for (int i = 0; i < 400; ++i) {
        (i % 4 == 0 ? kept : given).push_back(make(200'000 + static_cast<size_t>(i) * 100));
    }
    const double full = resident_mib();
    CHECK(full - before > 70);  // 84 MiB
    given.clear();
    const double after = resident_mib();
    CHECK(full - after > 45);  // of 63 MiB; the runtime keeps up to 8 for what comes next
}
