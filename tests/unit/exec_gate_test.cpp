// Owner first, where work happens: the duty account in virtual time, the gate between slices on
// real threads, and jobs of the worker pool that stop there.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "core/prng.h"
#include "exec/duty_budget.h"
#include "exec/job_gate.h"
#include "unit/exec_support.h"

using namespace p2c2r;
using namespace p2c2r::exec;
using namespace p2c2r::test;

namespace {

// Works whenever it may for ten seconds, in slices between half of `slice_us` and all of it; waits
// end up to `late_us` late. The share of each whole second that was worked, the least and the most.
struct Shares {
    double least = 1;
    double most = 0;
};
Shares simulate(uint32_t permille, uint64_t slice_us, uint64_t late_us) {
    Prng prng(slice_us + late_us);
    DutyBudget budget;
    budget.set_duty(permille);
    constexpr uint64_t kWindowUs = 1'000'000;
    constexpr uint64_t kStepUs = 50;
    std::vector<bool> worked;  // each step of time
    const auto spend = [&](uint64_t us, bool working) {
        budget.pass(us, working);
        worked.insert(worked.end(), us / kStepUs, working);
    };
    while (worked.size() < 10 * kWindowUs / kStepUs) {
        if (const uint64_t rest = budget.rest_us(); budget.must_rest()) {
            const uint64_t late = late_us ? prng.below(late_us) : 0;
            spend((rest + late + kStepUs - 1) / kStepUs * kStepUs, false);
        } else {
            spend((slice_us + prng.below(slice_us + 1)) / 2 / kStepUs * kStepUs, true);
        }
    }
    // Every window there is, not only those that begin with a second.
    Shares shares;
    const size_t steps = kWindowUs / kStepUs;
    size_t sum = 0;
    for (size_t i = 0; i < worked.size(); ++i) {
        sum += worked[i];
        if (i >= steps) sum -= worked[i - steps];
        if (i + 1 < steps) continue;
        const double share = static_cast<double>(sum) / static_cast<double>(steps);
        shares.least = std::min(shares.least, share);
        shares.most = std::max(shares.most, share);
    }
    return shares;
}

struct Clock {
    std::atomic<uint64_t> now{1};
    std::function<uint64_t()> read = [this] { return now.load(); };
};

void wait_until(const std::function<bool()>& there) {
    while (!there()) std::this_thread::yield();
}

}  // namespace

TEST_CASE("duty: a cap holds within 2 points in every second for slices of 0.5 to 10 ms") {
    for (const uint64_t slice_us : {500, 1'000, 2'000, 5'000, 10'000}) {
        for (const uint64_t late_us : {0, 200, 2'000}) {
            for (const uint32_t permille : {50u, 300u, 700u}) {
                const Shares shares = simulate(permille, slice_us, late_us);
                CAPTURE(slice_us);
                CAPTURE(late_us);
                CAPTURE(permille);
                CHECK(shares.most <= permille / 1000.0 + 0.02);
                CHECK(shares.least >= permille / 1000.0 - 0.02);
            }
        }
    }
}

TEST_CASE("duty: time that was not used is credit for a moment only") {
    DutyBudget budget;
    budget.set_duty(300);
    budget.pass(3'600'000'000, false);
    budget.pass(5'000, true);
    CHECK(budget.rest_us() == 0);
    budget.pass(5'000, true);
    CHECK(budget.rest_us() > 0);
    CHECK(budget.must_rest());
    // And what one long slice took is paid back.
    budget.pass(100'000, true);
    const uint64_t rest = budget.rest_us();
    budget.pass(rest - 1, false);
    CHECK(budget.rest_us() == 1);
    budget.pass(1, false);
    CHECK(budget.rest_us() == 0);
}

TEST_CASE("gate: who asks between slices waits while it is closed by anybody") {
    Clock clock;
    JobGate gate(clock.read);
    JobGate::Visit visit;
    const std::atomic<bool> cancelled{false};
    gate.enter();
    CHECK(gate.pass(visit, cancelled));
    gate.close(JobGate::kByHost);
    gate.close(JobGate::kByPolicy);
    clock.now = 1'001;
    std::atomic<bool> passed{false};
    std::thread worker([&] {
        CHECK(gate.pass(visit, cancelled));
        passed = true;
    });
    wait_until([&] { return gate.figures().jobs_waiting == 1; });
    CHECK(gate.figures().worked_us == 1'000);
    CHECK(gate.figures().last_wait_us == 1'001);
    clock.now = 5'001;
    gate.open(JobGate::kByHost);
    CHECK(gate.closed());
    CHECK_FALSE(passed.load());
    gate.open(JobGate::kByPolicy);
    worker.join();
    CHECK(passed.load());
    // What it waited for is not worked time.
    clock.now = 5'101;
    CHECK(gate.figures().worked_us == 1'100);
    gate.leave();
    clock.now = 9'000;
    CHECK(gate.figures().worked_us == 1'100);
    CHECK(gate.figures().jobs == 0);
}

TEST_CASE("gate: a job that is cancelled while it waits goes on at once to its end") {
    Clock clock;
    JobGate gate(clock.read);
    JobGate::Visit visit;
    std::atomic<bool> cancelled{false};
    gate.enter();
    gate.close(JobGate::kByPause);
    std::thread worker([&] { CHECK_FALSE(gate.pass(visit, cancelled)); });
    wait_until([&] { return gate.figures().jobs_waiting == 1; });
    cancelled = true;
    gate.wake();
    worker.join();
    gate.leave();
}

TEST_CASE("gate: a duty cap makes jobs wait and lifting it lets them go") {
    Clock clock;
    JobGate gate(clock.read);
    JobGate::Visit visit;
    const std::atomic<bool> cancelled{false};
    gate.set_duty(300);
    gate.enter();
    CHECK(gate.pass(visit, cancelled));
    clock.now = 100'001;  // a slice of 100 ms: some 230 ms of rest
    std::thread worker([&] { CHECK(gate.pass(visit, cancelled)); });
    wait_until([&] { return gate.figures().jobs_waiting == 1; });
    CHECK_FALSE(gate.closed());
    gate.set_duty(1000);
    // Lifted, what is owed is owed still: it passes when as much time has.
    clock.now = 400'001;
    gate.set_duty(1000);
    worker.join();
    gate.leave();
    CHECK(gate.figures().worked_us == 100'000);
}

TEST_CASE("pool: jobs of a gate stop between slices and go on and others do not care") {
    Pool pool(2);
    auto gate = std::make_shared<JobGate>([&pool] { return pool.now.load(); });
    std::atomic<int> looks{0};
    std::atomic<bool> finish{false};
    const auto slices = [&](Job& job) {
        while (!finish.load()) {
            if (job.cancelled_or_wait()) return job.fail(Status::kCancelled, {}, "stopped");
            ++looks;
        }
        return echo(job);
    };
    pool.add("slices", slices);
    pool.add("echo", echo);
    JobSpec spec;
    spec.task_type = "slices";
    spec.gate = &gate;
    REQUIRE(pool.runner->start(spec, 1, pool) != 0);
    wait_until([&] { return looks.load() > 100; });
    gate->close(JobGate::kByPolicy);
    wait_until([&] { return gate->figures().jobs_waiting == 1; });
    const int looks_before = looks.load();
    // A job of nobody's gate runs meanwhile.
    REQUIRE(pool.start("echo", 2) != 0);
    pool.run_until(1);
    CHECK(pool.output(2).status == Status::kOk);
    CHECK(looks.load() == looks_before);
    gate->open(JobGate::kByPolicy);
    wait_until([&] { return looks.load() > looks_before + 100; });
    finish = true;
    pool.run_until(2);
    CHECK(pool.output(1).status == Status::kOk);
    CHECK(gate->figures().jobs == 0);
}

TEST_CASE("pool: a job that waits at the gate can be cancelled and one behind it never starts") {
    Pool pool(1);
    auto gate = std::make_shared<JobGate>([&pool] { return pool.now.load(); });
    gate->close(JobGate::kByPause);
    std::atomic<int> runs{0};
    const auto run = [&](Job& job) {
        ++runs;
        return echo(job);
    };
    pool.add("count", run);
    JobSpec spec;
    spec.task_type = "count";
    spec.gate = &gate;
    const uint64_t first = pool.runner->start(spec, 1, pool);
    const uint64_t second = pool.runner->start(spec, 2, pool);
    wait_until([&] { return gate->figures().jobs_waiting == 1; });
    pool.runner->cancel(second);
    pool.runner->cancel(first);
    pool.run_until(2);
    CHECK(pool.output(1).status == Status::kCancelled);
    CHECK(pool.output(2).status == Status::kCancelled);
    CHECK(runs == 0);
}
