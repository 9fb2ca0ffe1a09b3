// The threads that jobs run on: lent ones, those of the pool, their end, and storms of all at once.
#include <algorithm>
#include <csignal>
#include <set>
#include <stdexcept>

#include "core/prng.h"
#include "exec_support.h"
#include "support/seed.h"

using namespace p2c2r;
using exec::Job;
using test::Gate;
using test::Pool;

TEST_CASE("pool: without threads of its own it works on a lent one") {
    Pool pool(exec::WorkerPoolOptions::kNoThreads);
    pool.add("t", test::echo);
    CHECK(pool.runner->parallel() == 1);
    CHECK(pool.runner->work(0, 0) == 0);
    for (uint64_t tag = 0; tag < 5; ++tag) pool.start("t", tag);
    CHECK(pool.runner->busy() == 5);
    CHECK(pool.runner->work(2, 0) == 2);
    CHECK(pool.runner->work(0, ~uint64_t{0}) == 3);
    pool.runner->drain();
    CHECK(pool.done.size() == 5);
    // A lent thread that waits is let go by close(), and one inside run() is waited for.
    std::atomic<uint32_t> ran{99};
    Gate begun;
    std::thread lent([&] {
        begun.open();
        ran = pool.runner->work(0, ~uint64_t{0});
    });
    begun.pass();
    pool.runner->close();
    lent.join();
    CHECK(ran == 0);
}

TEST_CASE("pool: close waits for a run on a lent thread and reports nothing") {
    Pool pool(exec::WorkerPoolOptions::kNoThreads);
    Gate inside, go;
    std::atomic<bool> returned{false};
    pool.add(
        "t",
        [&](Job& job) {
            inside.open();
            go.pass();
            returned = true;
            return test::echo(job);
        },
        {}, [&](Job&) { go.open(); });
    pool.start("t", 1);
    pool.start("t", 2);
    std::thread lent([&] { (void)pool.runner->work(0, ~uint64_t{0}); });
    inside.pass();
    pool.runner->close();
    CHECK(returned);
    lent.join();
    pool.runner->drain();
    CHECK(pool.done.empty());
    CHECK(pool.runner->busy() == 0);
}

TEST_CASE("pool: wait_idle sees every job of its type until it has ended") {
    Pool pool(2);
    Gate inside, go, left;
    Job* pending = nullptr;
    pool.add("t", [&](Job& job) {
        inside.open();
        go.pass();
        if (job.data.empty()) return test::echo(job);
        pending = &job;
        left.open();
        return Status::kPending;
    });
    pool.add("u", test::echo);
    CHECK(pool.runner->wait_idle("t", 0));
    pool.start("t", 1);
    CHECK_FALSE(pool.runner->wait_idle("t", 0));
    CHECK(pool.runner->wait_idle("u", 0));
    inside.pass();
    CHECK_FALSE(pool.runner->wait_idle("t", 0));
    go.open();
    CHECK(pool.runner->wait_idle("t", ~uint64_t{0}));
    pool.start("t", 2, "leave it pending");
    inside.pass();
    go.open();
    left.pass();
    CHECK_FALSE(pool.runner->wait_idle("t", 0));
    CHECK(pending->finish(Status::kDevice) == Status::kOk);
    CHECK(pool.runner->wait_idle("t", ~uint64_t{0}));
    pool.run_until(2);
    CHECK(pool.output(2).status == Status::kDevice);
}

TEST_CASE("pool: worker threads block all signals and tell the hook at both ends") {
    exec::Registry registry;
    Pool unused(1);
    struct Hooks {
        std::mutex mutex;
        std::vector<std::string> calls;
        std::set<std::thread::id> threads;
    } hooks;
    std::atomic<bool> all_blocked{false};
    Gate ran;
    REQUIRE(registry
                .add("t", std::make_shared<test::FunctionExecutor>([&](Job& job) {
                         sigset_t mask;
                         pthread_sigmask(SIG_BLOCK, nullptr, &mask);
                         all_blocked =
                             sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGTERM) == 1 &&
                             sigismember(&mask, SIGPIPE) == 1 && sigismember(&mask, SIGCHLD) == 1;
                         ran.open();
                         return test::echo(job);
                     }))
                .ok());
    exec::WorkerPoolOptions options;
    options.threads = 3;
    options.now_us = [] { return uint64_t{0}; };
    options.thread_hook = [&](const char* name, bool starts) {
        const std::lock_guard lock(hooks.mutex);
        hooks.calls.push_back(std::string(name) + (starts ? " starts" : " ends"));
        hooks.threads.insert(std::this_thread::get_id());
    };
    {
        exec::WorkerPool pool(registry, unused, options);
        REQUIRE(pool.open().ok());
        exec::JobSpec spec;
        spec.task_type = "t";
        pool.start(spec, 1, unused);
        ran.pass();
        CHECK(all_blocked);
        CHECK(pool.parallel() == 3);
    }
    std::sort(hooks.calls.begin(), hooks.calls.end());
    CHECK(hooks.calls == std::vector<std::string>{"p2c2r-work-0 ends", "p2c2r-work-0 starts",
                                                  "p2c2r-work-1 ends", "p2c2r-work-1 starts",
                                                  "p2c2r-work-2 ends", "p2c2r-work-2 starts"});
    CHECK(hooks.threads.size() == 3);
    sigset_t mine;
    pthread_sigmask(SIG_BLOCK, nullptr, &mine);
    CHECK(sigismember(&mine, SIGINT) == 0);  // the caller's mask is as it was
}

TEST_CASE("pool: a job that is finished after its start and before its run ends as that says") {
    Pool pool(1);
    test::Gate reads_clock, was_told;
    // A worker reads the clock when the job counts as running, before it calls the executor.
    std::atomic<int> reads{0};
    pool.on_clock = [&] {
        if (reads++ > 0) return;
        reads_clock.open();
        was_told.pass();
    };
    Status finished = Status::kPending;
    pool.add(
        "later", [](Job&) { return Status::kPending; }, {},
        [&](Job& job) { finished = job.finish(Status::kCancelled); });
    const uint64_t id = pool.start("later", 7);
    REQUIRE(id != 0);
    reads_clock.pass();
    pool.runner->cancel(id);
    CHECK(finished == Status::kOk);
    was_told.open();
    for (int tries = 0; tries < 5000 && pool.done.empty(); ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        pool.runner->drain();
    }
    REQUIRE(pool.done.size() == 1);
    CHECK(pool.output(7).status == Status::kCancelled);
    CHECK(pool.runner->busy() == 0);
}

TEST_CASE("pool: every job of a storm ends exactly once whoever ends it") {
    Prng prng(test::seed());
    Pool pool(4);
    // Finishes what is pending, from a thread of its own.
    std::mutex mutex;
    std::vector<Job*> pending;
    std::atomic<bool> over{false};
    std::thread finisher([&] {
        for (;;) {
            std::vector<Job*> mine;
            const bool last = over;
            {
                const std::lock_guard lock(mutex);
                mine.swap(pending);
            }
            for (Job* job : mine) {
                if (job->task_type == "cancel") {
                    // cancel() may have been first: the job is not ours to write to.
                    CHECK(job->data.text() == "payload");
                    (void)job->finish(Status::kTimeout);
                } else {
                    job->set_output({}, job->data);
                    CHECK(job->finish(Status::kOk) == Status::kOk);
                }
                job->release();
            }
            if (last && mine.empty()) return;
            std::this_thread::yield();
        }
    });
    const auto leave = [&](Job& job) {
        job.retain();
        const std::lock_guard lock(mutex);
        pending.push_back(&job);
        return Status::kPending;
    };
    const auto finish_in_cancel = [](Job& job) {
        // Races with the finisher; one of them wins.
        (void)job.finish(Status::kCancelled);
    };
    pool.add("echo", test::echo);
    pool.add("short", test::echo, test::kShort);
    pool.add("one", test::echo, test::parallel(1));
    pool.add("later", leave);
    pool.add("short_later", leave, test::kShort);
    pool.add("cancel", leave, {}, finish_in_cancel);
    const char* const types[] = {"echo", "short", "one", "later", "short_later", "cancel"};
    constexpr uint64_t kJobs = 20000;
    std::vector<uint64_t> ids;
    for (uint64_t tag = 0; tag < kJobs; ++tag) {
        const uint64_t id = pool.start(types[prng.below(6)], tag, "payload");
        REQUIRE(id != 0);
        ids.push_back(id);
        if (prng.chance(0.3)) pool.runner->cancel(ids[prng.below(ids.size())]);
        if (prng.chance(0.05)) pool.runner->drain();
    }
    pool.run_until(kJobs);
    over = true;
    finisher.join();
    pool.runner->drain();
    REQUIRE(pool.done.size() == kJobs);
    std::vector<int> reports(kJobs);
    int cancelled = 0;
    for (const auto& [tag, output] : pool.done) {
        ++reports[tag];
        CHECK((output.status == Status::kOk || output.status == Status::kCancelled ||
               output.status == Status::kTimeout));
        cancelled += output.status == Status::kCancelled;
        if (output.status == Status::kOk) CHECK(output.data.text() == "payload");
    }
    CHECK(std::count(reports.begin(), reports.end(), 1) == static_cast<long>(kJobs));
    CHECK(cancelled > 0);
    CHECK(pool.runner->busy() == 0);
}

TEST_CASE("pool: closing in the middle of a storm loses no job object and no thread") {
    Prng prng(test::seed());
    for (int round = 0; round < 20; ++round) {
        Pool pool(3);
        std::mutex mutex;
        std::vector<Job*> pending;
        pool.add("echo", test::echo);
        pool.add("one", test::echo, test::parallel(1));
        pool.add("later", [&](Job& job) {
            const std::lock_guard lock(mutex);
            pending.push_back(&job);
            return Status::kPending;
        });
        const char* const types[] = {"echo", "one", "later"};
        for (uint64_t tag = 0; tag < 300; ++tag) pool.start(types[prng.below(3)], tag);
        const size_t before = pool.done.size();
        pool.runner->close();
        CHECK(pool.done.size() == before);
        for (Job* job : pending) CHECK(job->finish(Status::kOk) == Status::kStale);
        pool.runner->drain();
        CHECK(pool.done.size() == before);
    }
}
