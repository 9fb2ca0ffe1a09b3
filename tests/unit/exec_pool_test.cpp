// Which jobs run, when, where and how often.
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

TEST_CASE("pool: a short job is reported before start returns and on the same thread") {
    Pool pool(1);
    std::thread::id ran_on;
    pool.add(
        "short",
        [&](Job& job) {
            ran_on = std::this_thread::get_id();
            pool.now += 40;
            return test::echo(job);
        },
        test::kShort);
    CHECK(pool.start("short", 5, "x") != 0);
    REQUIRE(pool.done.size() == 1);
    CHECK(ran_on == std::this_thread::get_id());
    CHECK(pool.output(5).data.text() == "x");
    CHECK(pool.output(5).processing_us == 40);
    CHECK(pool.wakes == 0);
}

TEST_CASE("pool: an executor that borrows sees the caller's own bytes and any other a copy") {
    Pool pool(1);
    const uint8_t* seen = nullptr;
    const auto look = [&](Job& job) {
        seen = job.data.data();
        return test::echo(job);
    };
    pool.add("borrows", look, test::kBorrows);
    pool.add("short", look, test::kShort);
    const uint8_t memory[] = {'a', 'b'};
    exec::JobSpec spec;
    spec.data = Bytes::borrow(memory);
    std::string told;
    pool.on_done = [&](uint64_t tag) { told = pool.output(tag).data.text(); };
    spec.task_type = "borrows";
    CHECK(pool.runner->start(spec, 1, pool) != 0);
    CHECK(seen == memory);
    CHECK(told == "ab");
    spec.task_type = "short";
    CHECK(pool.runner->start(spec, 2, pool) != 0);
    CHECK(seen != memory);
    CHECK(told == "ab");
    CHECK(pool.runner->busy() == 0);
}

TEST_CASE("pool: an executor that borrows is judged like any other") {
    Pool pool(1);
    pool.add(
        "none", [](Job&) { return Status::kOk; }, test::kBorrows);
    pool.add(
        "pending", [](Job&) { return Status::kPending; }, test::kBorrows);
    pool.add(
        "throws", [](Job&) -> Status { throw std::runtime_error("no"); }, test::kBorrows);
    pool.add("late", test::echo, test::kBorrows);
    uint64_t tag = 0;
    for (const char* type : {"none", "pending", "throws"}) {
        CHECK(pool.start(type, ++tag) != 0);
        CHECK(pool.output(tag).status == Status::kExecutor);
        CHECK_FALSE(pool.output(tag).error.empty());
    }
    CHECK(pool.start("late", ++tag, "x", pool.now) != 0);
    CHECK(pool.output(tag).status == Status::kDeadline);
    // The next one starts from a clean job.
    CHECK(pool.start("late", ++tag, "y") != 0);
    CHECK(pool.output(tag).status == Status::kOk);
    CHECK(pool.output(tag).data.text() == "y");
    CHECK(pool.output(tag).error.empty());
}

TEST_CASE("pool: an executor that borrows is begun by its starter's reading of the clock") {
    Pool pool(1);
    int readings = 0;
    pool.on_clock = [&] { ++readings; };
    pool.add("echo", test::echo, test::kBorrows);
    exec::JobSpec spec;
    spec.task_type = "echo";
    spec.deadline_us = 2'000;
    spec.now_us = 1'999;
    pool.now = 2'000;
    CHECK(pool.runner->start(spec, 1, pool) != 0);
    CHECK(pool.output(1).status == Status::kOk);
    spec.now_us = 2'000;
    CHECK(pool.runner->start(spec, 2, pool) != 0);
    CHECK(pool.output(2).status == Status::kDeadline);
    CHECK(readings == 0);
    // Whoever has read none has it read.
    spec.now_us = 0;
    CHECK(pool.runner->start(spec, 3, pool) != 0);
    CHECK(pool.output(3).status == Status::kDeadline);
    CHECK(readings == 1);
}

TEST_CASE("pool: a job that brings its executor runs on that whatever is registered") {
    class Given final : public exec::Executor {
      public:
        [[nodiscard]] Traits traits() const override { return {}; }
        Status run(Job& job) override {
            job.set_output({}, Bytes::copy("given"));
            return Status::kOk;
        }
    };
    Pool pool(1);
    pool.add("t", test::echo);
    exec::JobSpec spec;
    spec.task_type = "t";
    spec.executor = std::make_shared<Given>();
    for (uint64_t tag = 1; tag <= 3; ++tag) {
        CHECK(pool.runner->start(spec, tag, pool) != 0);
        pool.run_until(tag);
        CHECK(pool.output(tag).data.text() == "given");
    }
    // Types that come meanwhile and its own type go on as they did.
    pool.add("u", test::echo);
    CHECK(pool.start("u", 4, "x") != 0);
    CHECK(pool.runner->start(spec, 5, pool) != 0);
    CHECK(pool.start("t", 6, "y") != 0);
    pool.run_until(6);
    CHECK(pool.output(4).data.text() == "x");
    CHECK(pool.output(5).data.text() == "given");
    CHECK(pool.output(6).data.text() == "y");
    CHECK_FALSE(pool.runner->can_run("decoding"));
    CHECK(pool.runner->task_types() == std::vector<std::string>{"t", "u"});
}

TEST_CASE("pool: other jobs run on a worker and are reported by drain") {
    Pool pool(1);
    std::thread::id ran_on;
    Gate ran;
    pool.add("t", [&](Job& job) {
        ran_on = std::this_thread::get_id();
        pool.now += 250;
        ran.open();
        return test::echo(job);
    });
    pool.start("t", 1, "x");
    ran.pass();
    CHECK(pool.done.empty());
    pool.run_until(1);
    CHECK(ran_on != std::this_thread::get_id());
    // The time inside run(), however late the loop looks.
    CHECK(pool.output(1).processing_us == 250);
}

TEST_CASE("pool: an unknown or removed type is refused and a new executor is used at once") {
    Pool pool(1);
    CHECK(pool.start("t", 1) == 0);
    CHECK_FALSE(pool.runner->can_run("t"));
    const auto answer = [](const char* text) {
        return [text](Job& job) {
            job.set_output({}, Bytes::copy(text));
            return Status::kOk;
        };
    };
    pool.add("t", answer("first"), test::kShort);
    pool.add("u", answer("other"), test::kShort);
    CHECK(pool.runner->can_run("t"));
    const uint64_t revision = pool.runner->revision();
    CHECK(pool.start("t", 2) != 0);
    CHECK(pool.start("u", 3) != 0);
    CHECK(pool.registry.remove("t").ok());
    CHECK(pool.runner->revision() != revision);
    CHECK(pool.start("t", 4) == 0);
    pool.add("t", answer("second"), test::kShort);
    CHECK(pool.start("t", 5) != 0);
    CHECK(pool.output(2).data.text() == "first");
    CHECK(pool.output(3).data.text() == "other");
    CHECK(pool.output(5).data.text() == "second");
    CHECK(pool.done.size() == 3);
    CHECK(pool.runner->task_types() == std::vector<std::string>{"t", "u"});
}

TEST_CASE("pool: an executor lives until its last job has ended and then goes") {
    Pool pool(1);
    Gate run, inside;
    std::weak_ptr<int> alive;
    {
        auto token = std::make_shared<int>(1);
        alive = token;
        pool.add("t", [&run, &inside, token](Job& job) {
            inside.open();
            run.pass();
            return test::echo(job);
        });
    }
    pool.start("t", 1);
    inside.pass();
    CHECK(pool.registry.remove("t").ok());
    CHECK(pool.start("t", 2) == 0);
    CHECK_FALSE(alive.expired());
    run.open();
    pool.run_until(1);
    // The next change of the registry lets go of it.
    pool.add("u", test::echo, test::kShort);
    pool.start("u", 3);
    CHECK(alive.expired());
}

TEST_CASE("pool: a job past its deadline is not started") {
    Pool pool(1);
    Gate inside, run;
    int runs = 0;
    pool.add("slow", [&](Job& job) {
        inside.open();
        run.pass();
        return test::echo(job);
    });
    pool.add("t", [&](Job& job) {
        ++runs;
        return test::echo(job);
    });
    pool.add(
        "short",
        [&](Job& job) {
            ++runs;
            return test::echo(job);
        },
        test::kShort);
    pool.start("slow", 1, {}, pool.now + 10);
    inside.pass();
    pool.start("t", 2, {}, pool.now + 10);
    pool.start("t", 3, {}, pool.now + 11);
    pool.start("t", 4);
    pool.now += 10;
    pool.start("short", 5, {}, pool.now);
    CHECK(pool.output(5).status == Status::kDeadline);
    CHECK(pool.output(5).error == "its turn came too late for its deadline");
    run.open();
    pool.run_until(5);
    CHECK(pool.output(1).status == Status::kOk);  // it had begun in time
    CHECK(pool.output(2).status == Status::kDeadline);
    CHECK(pool.output(2).processing_us == 0);
    CHECK(pool.output(3).status == Status::kOk);
    CHECK(pool.output(4).status == Status::kOk);
    CHECK(runs == 2);
}

TEST_CASE("pool: a job that must begin before its deadline is dropped from there on") {
    Pool pool(1);
    Gate inside, run;
    pool.add("slow", [&](Job& job) {
        inside.open();
        run.pass();
        return test::echo(job);
    });
    pool.add("t", test::echo);
    pool.start("slow", 1);
    inside.pass();
    const auto start = [&](uint64_t tag, uint64_t deadline_us, uint64_t start_by_us) {
        exec::JobSpec spec;
        spec.task_type = "t";
        spec.deadline_us = deadline_us;
        spec.start_by_us = start_by_us;
        CHECK(pool.runner->start(spec, tag, pool) != 0);
    };
    const uint64_t now = pool.now;
    start(2, now + 100, now + 10);
    start(3, now + 100, now + 11);
    start(4, 0, now + 10);
    start(5, now + 10, now + 100);  // the earlier of the two
    start(6, now + 100, 0);
    pool.now += 10;
    run.open();
    pool.run_until(6);
    CHECK(pool.output(2).status == Status::kDeadline);
    CHECK(pool.output(2).error == "its turn came too late for its deadline");
    CHECK(pool.output(3).status == Status::kOk);
    CHECK(pool.output(4).status == Status::kDeadline);
    CHECK(pool.output(5).status == Status::kDeadline);
    CHECK(pool.output(6).status == Status::kOk);
}

TEST_CASE("pool: cancelled before its start a job never runs") {
    Pool pool(1);
    Gate inside, run;
    int runs = 0, cancels = 0;
    pool.add("slow", [&](Job& job) {
        inside.open();
        run.pass();
        return test::echo(job);
    });
    pool.add(
        "t",
        [&](Job& job) {
            ++runs;
            return test::echo(job);
        },
        {}, [&](Job&) { ++cancels; });
    pool.start("slow", 1);
    inside.pass();
    const uint64_t second = pool.start("t", 2);
    const uint64_t third = pool.start("t", 3);
    pool.runner->cancel(second);
    pool.runner->cancel(second);
    pool.run_until(1);  // reported while the worker is still busy
    CHECK(pool.output(2).status == Status::kCancelled);
    CHECK(pool.output(2).error == "cancelled before it was started");
    run.open();
    pool.run_until(3);
    CHECK(runs == 1);
    CHECK(cancels == 0);
    pool.runner->cancel(third);  // ended long ago
    pool.runner->cancel(0);
    pool.runner->cancel(~uint64_t{0});
    CHECK(pool.done.size() == 3);
}

TEST_CASE("pool: cancel of a running job sets its flag and tells its executor once") {
    Pool pool(1);
    Gate inside, stop;
    std::atomic<int> cancels{0};
    pool.add(
        "t",
        [&](Job& job) {
            inside.open();
            stop.pass();
            return job.cancelled() ? job.fail(Status::kCancelled, {}, "stopped half-way")
                                   : test::echo(job);
        },
        {},
        [&](Job& job) {
            CHECK(job.cancelled());
            ++cancels;
            stop.open();
        });
    const uint64_t id = pool.start("t", 1);
    inside.pass();
    pool.runner->cancel(id);
    pool.run_until(1);
    CHECK(cancels == 1);
    CHECK(pool.output(1).status == Status::kCancelled);
    CHECK(pool.output(1).error == "stopped half-way");
}

TEST_CASE("pool: no more jobs of a type run at once than it allows and others pass them") {
    Pool pool(4);
    std::atomic<int> inside{0}, most{0};
    Gate entered, go;
    pool.add(
        "two",
        [&](Job& job) {
            const int now = ++inside;
            entered.open();
            int seen = most;
            while (now > seen && !most.compare_exchange_weak(seen, now)) {
            }
            go.pass();
            --inside;
            return test::echo(job);
        },
        test::parallel(2));
    pool.add("free", test::echo);
    for (uint64_t tag = 0; tag < 10; ++tag) pool.start("two", tag);
    for (uint64_t tag = 10; tag < 20; ++tag) pool.start("free", tag);
    pool.run_until(10);  // with two workers held by "two"
    std::set<uint64_t> first;
    for (const auto& [tag, output] : pool.done) first.insert(tag);
    CHECK(*first.begin() == 10);
    entered.pass();
    entered.pass();
    go.open(10);
    pool.run_until(20);
    CHECK(most == 2);
}

TEST_CASE("pool: jobs that wait for their type's turn can be cancelled and keep their order") {
    Pool pool(2);
    Gate inside, go;
    std::vector<uint64_t> order;
    pool.add(
        "one",
        [&](Job& job) {
            inside.open();
            go.pass();
            order.push_back(job.data.size());
            return test::echo(job);
        },
        test::parallel(1));
    pool.start("one", 1, "1");
    inside.pass();
    const uint64_t second = pool.start("one", 2, "22");
    pool.start("one", 3, "333");
    const uint64_t fourth = pool.start("one", 4, "4444");
    pool.start("one", 5, "55555");
    pool.runner->cancel(second);
    pool.runner->cancel(fourth);
    go.open(5);
    pool.run_until(5);
    CHECK(order == std::vector<uint64_t>{1, 3, 5});
    CHECK(pool.output(4).status == Status::kCancelled);
}

TEST_CASE("pool: a full queue refuses and takes again when there is room") {
    Pool pool(1, 2);
    Gate inside, go;
    pool.add("t", [&](Job& job) {
        inside.open();
        go.pass();
        return test::echo(job);
    });
    CHECK(pool.start("t", 1) != 0);
    inside.pass();
    CHECK(pool.start("t", 2) != 0);
    CHECK(pool.start("t", 3) != 0);
    CHECK(pool.start("t", 4) == 0);
    CHECK(pool.runner->busy() == 3);
    go.open();
    pool.run_until(1);
    inside.pass();
    CHECK(pool.start("t", 5) != 0);
    go.open(3);
    pool.run_until(4);
    CHECK(pool.runner->busy() == 0);
}

TEST_CASE("pool: after forget nothing is reported and what waits never runs") {
    Pool pool(1);
    Gate inside, go;
    std::atomic<int> runs{0};
    pool.add(
        "t",
        [&](Job& job) {
            ++runs;
            inside.open();
            go.pass();
            return test::echo(job);
        },
        {}, [&](Job&) { go.open(); });
    struct Other final : exec::RunnerEvents {
        void on_job_done(uint64_t, exec::Output&&) override { ++reports; }
        int reports = 0;
    } other;
    exec::JobSpec spec;
    spec.task_type = "t";
    pool.runner->start(spec, 1, other);
    inside.pass();
    pool.runner->start(spec, 2, other);
    pool.start("t", 3);
    pool.runner->forget(other);
    inside.pass();  // the third
    go.open();
    pool.run_until(1);
    CHECK(runs == 2);
    CHECK(other.reports == 0);
    CHECK(pool.output(3).status == Status::kOk);
    CHECK(pool.runner->busy() == 0);
}

TEST_CASE("pool: a report may start and cancel and forget and close") {
    SUBCASE("start a short job from a report of a short job") {
        Pool pool(1);
        pool.add("short", test::echo, test::kShort);
        pool.on_done = [&](uint64_t tag) {
            if (tag < 50) pool.start("short", tag + 1);
        };
        pool.start("short", 0);
        CHECK(pool.done.size() == 51);
    }
    SUBCASE("forget the jobs that would be reported next") {
        Pool pool(1);
        pool.add("t", test::echo);
        for (uint64_t tag = 0; tag < 5; ++tag) pool.start("t", tag);
        REQUIRE(pool.runner->wait_idle("t", 60'000'000));
        pool.on_done = [&](uint64_t) { pool.runner->forget(pool); };
        pool.runner->drain();
        CHECK(pool.done.size() == 1);
    }
    SUBCASE("drain inside a report loses and repeats nothing") {
        Pool pool(1);
        pool.add("t", test::echo);
        for (uint64_t tag = 0; tag < 5; ++tag) pool.start("t", tag);
        REQUIRE(pool.runner->wait_idle("t", 60'000'000));
        pool.on_done = [&](uint64_t) { pool.runner->drain(); };
        pool.runner->drain();
        CHECK(pool.done.size() == 5);
    }
    SUBCASE("close") {
        Pool pool(1);
        pool.add("t", test::echo);
        for (uint64_t tag = 0; tag < 5; ++tag) pool.start("t", tag);
        REQUIRE(pool.runner->wait_idle("t", 60'000'000));
        pool.on_done = [&](uint64_t) { pool.runner->close(); };
        pool.runner->drain();
        CHECK(pool.done.size() == 1);
        CHECK(pool.start("t", 9) == 0);
    }
}

TEST_CASE("pool: a short executor may cancel and forget its own job") {
    Pool pool(1);
    uint64_t id = 0;
    int cancels = 0;
    pool.add(
        "short",
        [&](Job& job) {
            pool.runner->forget(pool);
            CHECK(job.cancelled());
            return test::echo(job);
        },
        test::kShort, [&](Job&) { ++cancels; });
    id = pool.start("short", 1);
    CHECK(id != 0);
    CHECK(cancels == 1);
    CHECK(pool.done.empty());
    CHECK(pool.runner->busy() == 0);
}

TEST_CASE("pool: the loop is woken once for all that ends before it looks") {
    Pool pool(1);
    pool.add("t", test::echo);
    for (uint64_t tag = 0; tag < 100; ++tag) pool.start("t", tag);
    REQUIRE(pool.runner->wait_idle("t", 60'000'000));
    CHECK(pool.wakes == 1);
    pool.runner->drain();
    CHECK(pool.done.size() == 100);
    pool.start("t", 100);
    pool.run_until(101);
    CHECK(pool.wakes == 2);
}
