#include <cstdio>

#include "exec_support.h"
#include "support/heap_count.h"

using namespace p2c2r;
using test::Pool;

namespace {

// Counts reports and nothing else, so that all allocations are the pool's.
struct Counter final : exec::RunnerEvents {
    void on_job_done(uint64_t, exec::Output&& output) override {
        ++reports;
        bytes += output.data.size();
    }
    uint64_t reports = 0;
    uint64_t bytes = 0;
};

bool counted() {
    if (!test::heap_is_counted) std::printf("skipped: memory is not counted under a sanitizer\n");
    return test::heap_is_counted;
}

}  // namespace

TEST_CASE("pool: a short job allocates nothing once warm") {
    if (!counted()) return;
    Pool pool(1);
    pool.add("a_name_that_is_longer_than_a_small_string", test::echo, test::kShort);
    pool.add("short", test::echo, test::kShort);
    Counter counter;
    const Bytes data = Bytes::copy("payload");
    const auto run = [&](int jobs) {
        for (int i = 0; i < jobs; ++i) {
            exec::JobSpec spec;
            spec.task_type = i % 2 ? "short" : "a_name_that_is_longer_than_a_small_string";
            spec.data = data;
            if (pool.runner->start(spec, 1, counter) == 0) return;
        }
    };
    run(10);
    const test::HeapWatch watch;
    run(1000);
    const uint64_t allocations = watch.allocations();
    CHECK(allocations == 0);
    CHECK(counter.reports == 1010);
    CHECK(counter.bytes == 1010 * 7);
}

TEST_CASE("pool: a job on a worker allocates nothing once warm") {
    if (!counted()) return;
    Pool pool(exec::WorkerPoolOptions::kNoThreads);
    pool.add("t", test::echo);
    pool.add("one", test::echo, test::parallel(1));
    Counter counter;
    const Bytes data = Bytes::copy("payload");
    const auto run = [&](int rounds) {
        for (int round = 0; round < rounds; ++round) {
            for (int i = 0; i < 20; ++i) {
                exec::JobSpec spec;
                spec.task_type = i % 2 ? "t" : "one";
                spec.data = data;
                (void)pool.runner->start(spec, 1, counter);
            }
            (void)pool.runner->work(0, 0);
            pool.runner->drain();
        }
    };
    run(5);
    const test::HeapWatch watch;
    run(100);
    const uint64_t allocations = watch.allocations();
    CHECK(allocations == 0);
    CHECK(counter.reports == 105 * 20);
}

TEST_CASE("pool: everything it took is given back") {
    if (!counted()) return;
    const auto use = [] {
        Pool pool(2);
        pool.add("t", test::echo);
        for (uint64_t tag = 0; tag < 1000; ++tag) pool.start("t", tag, "payload");
        pool.run_until(500);
    };
    use();  // the C library keeps the stacks of threads that have ended, and their tables
    const test::HeapWatch watch;
    use();
    CHECK(watch.left() == 0);
}
