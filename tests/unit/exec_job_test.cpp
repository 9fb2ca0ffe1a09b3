// How jobs end: what executors return, throw or leave for later, and who says it first.
#include <new>
#include <stdexcept>

#include "exec/job_control.h"
#include "exec_support.h"

using namespace p2c2r;
using exec::Job;
using test::Gate;
using test::Pool;

namespace {

// Ends one job of type "t" both as a short one and on a worker, which must not differ.
exec::Output outcome(const test::FunctionExecutor::Run& run) {
    exec::Output outputs[2];
    for (int short_one = 0; short_one < 2; ++short_one) {
        Pool pool(1);
        pool.add("t", run, short_one ? test::kShort : exec::Executor::Traits{});
        REQUIRE(pool.start("t", 7, "input") != 0);
        pool.run_until(1);
        REQUIRE(pool.done.size() == 1);
        CHECK(pool.done[0].first == 7);
        outputs[short_one] = std::move(pool.done[0].second);
    }
    CHECK(outputs[0].status == outputs[1].status);
    CHECK(outputs[0].error == outputs[1].error);
    CHECK(outputs[0].field == outputs[1].field);
    return outputs[0];
}

}  // namespace

TEST_CASE("job: an output comes out as it was set") {
    const exec::Output output = outcome([](Job& job) {
        CHECK(job.task_type == "t");
        CHECK(job.data.text() == "input");
        job.set_output(Bytes::copy("info"), job.data);
        return Status::kOk;
    });
    CHECK(output.status == Status::kOk);
    CHECK(output.info.text() == "info");
    CHECK(output.data.text() == "input");
    CHECK(output.error.empty());
}

TEST_CASE("job: an empty output is one and no output is an error that names the type") {
    CHECK(outcome([](Job& job) {
              job.set_output({}, {});
              return Status::kOk;
          }).status == Status::kOk);
    const exec::Output output = outcome([](Job&) { return Status::kOk; });
    CHECK(output.status == Status::kExecutor);
    CHECK(output.error == "the executor of 't' said OK without an output");
}

TEST_CASE("job: an unlisted status is an error of the executor and its output is dropped") {
    for (const int32_t number : {2, 77, -31, INT32_MAX, INT32_MIN}) {
        const exec::Output output = outcome([number](Job& job) {
            job.set_output(Bytes::copy("i"), Bytes::copy("d"));
            return static_cast<Status>(number);
        });
        CHECK(output.status == Status::kExecutor);
        CHECK(output.error ==
              "the executor of 't' returned the unknown status " + std::to_string(number));
        CHECK(output.info.empty());
        CHECK(output.data.empty());
    }
}

TEST_CASE("job: an error keeps its field and text and an unexplained one gets a text") {
    const exec::Output told = outcome([](Job& job) {
        return job.fail(field_error(Status::kParams, "width", "width is 0, allowed are 1 to 8"));
    });
    CHECK(told.status == Status::kParams);
    CHECK(told.field == "width");
    CHECK(told.error == "width is 0, allowed are 1 to 8");
    const exec::Output untold = outcome([](Job&) { return Status::kDevice; });
    CHECK(untold.status == Status::kDevice);
    CHECK(untold.error == "the executor of 't' failed: the device failed");
    // What was told before a success is not part of it; what run() returns is what counts.
    const exec::Output changed = outcome([](Job& job) {
        (void)job.fail(Status::kDevice, "x", "no GPU after all");
        job.set_output({}, job.data);
        return Status::kOk;
    });
    CHECK(changed.status == Status::kOk);
    CHECK(changed.error.empty());
    CHECK(changed.field.empty());
    CHECK(outcome([](Job& job) {
              (void)job.fail(Status::kDevice, {}, std::string(5000, 'x'));
              return Status::kIo;
          }).error.size() == limits::kTextLengthMax);
}

TEST_CASE("job: what an executor throws is an error and passes nobody") {
    const exec::Output thrown =
        outcome([](Job&) -> Status { throw std::runtime_error("no such mesh"); });
    CHECK(thrown.status == Status::kExecutor);
    CHECK(thrown.error == "the executor of 't' threw: no such mesh");
    CHECK(outcome([](Job&) -> Status { throw std::bad_alloc(); }).status == Status::kMemory);
    const exec::Output unknown = outcome([](Job&) -> Status { throw 5; });
    CHECK(unknown.status == Status::kExecutor);
    CHECK(unknown.error == "the executor of 't' failed: the executor failed");
}

TEST_CASE("job: a pending job ends by finish from another thread and a second one is kState") {
    for (const bool short_one : {false, true}) {
        Pool pool(1);
        std::thread finisher;
        Job* held = nullptr;
        Status first = Status::kInternal, second = Status::kInternal;
        pool.add(
            "t",
            [&](Job& job) {
                job.retain();
                held = &job;
                finisher = std::thread([&job, &first, &second] {
                    job.set_output({}, Bytes::copy("later"));
                    first = job.finish(Status::kOk);
                    second = job.finish(Status::kOk);
                });
                return Status::kPending;
            },
            short_one ? test::kShort : exec::Executor::Traits{});
        REQUIRE(pool.start("t", 1) != 0);
        pool.run_until(1);
        finisher.join();
        CHECK(pool.output(1).status == Status::kOk);
        CHECK(pool.output(1).data.text() == "later");
        CHECK(first == Status::kOk);
        CHECK(second == Status::kState);
        CHECK(held->finish(Status::kOk) == Status::kState);
        held->release();
    }
}

TEST_CASE("job: finish before run returns is legal and says how the job ends") {
    const exec::Output pending = outcome([](Job& job) {
        job.set_output({}, Bytes::copy("early"));
        CHECK(job.finish(Status::kOk) == Status::kOk);
        CHECK(job.finish(Status::kOk) == Status::kState);
        return Status::kPending;
    });
    CHECK(pending.status == Status::kOk);
    CHECK(pending.data.text() == "early");
    const exec::Output both = outcome([](Job& job) {
        CHECK(job.finish(Status::kDevice) == Status::kOk);
        job.set_output({}, {});
        return Status::kOk;
    });
    CHECK(both.status == Status::kDevice);
}

TEST_CASE("job: finish is judged like a return") {
    const auto finished_with = [](Status status) {
        return outcome([status](Job& job) {
            CHECK(job.finish(status) == Status::kOk);
            return Status::kPending;
        });
    };
    CHECK(finished_with(Status::kOk).error == "the executor of 't' said OK without an output");
    CHECK(finished_with(static_cast<Status>(99)).error ==
          "the executor of 't' returned the unknown status 99");
    CHECK(finished_with(Status::kPending).status == Status::kExecutor);
    CHECK(finished_with(Status::kNoDevice).status == Status::kNoDevice);
}

TEST_CASE("job: one that ended by run cannot be finished") {
    Pool pool(1);
    Job* held = nullptr;
    pool.add("t", [&](Job& job) {
        job.retain();
        held = &job;
        return test::echo(job);
    });
    pool.start("t", 1);
    pool.run_until(1);
    CHECK(held->finish(Status::kOk) == Status::kState);
    held->release();
}

TEST_CASE("job: is valid until finish when its runner has gone and finish says kStale") {
    Job* pending = nullptr;
    int cancels = 0;
    {
        Pool pool(1);
        Gate ran;
        pool.add(
            "t",
            [&](Job& job) {
                pending = &job;  // no reference of its own
                ran.open();
                return Status::kPending;
            },
            {}, [&](Job&) { ++cancels; });
        pool.start("t", 1);
        ran.pass();
    }
    CHECK(cancels == 1);
    CHECK(pending->cancelled());
    CHECK(pending->task_type == "t");
    CHECK(pending->finish(Status::kOk) == Status::kStale);  // frees it
}

TEST_CASE("job: finish inside cancel ends the job as it says") {
    for (const bool short_one : {false, true}) {
        Pool pool(1);
        Gate ran;
        pool.add(
            "t",
            [&](Job&) {
                ran.open();
                return Status::kPending;
            },
            short_one ? test::kShort : exec::Executor::Traits{},
            [](Job& job) {
                CHECK(job.cancelled());
                CHECK(job.finish(job.fail(Status::kCancelled, {}, "stopped")) == Status::kOk);
            });
        const uint64_t id = pool.start("t", 1);
        ran.pass();
        pool.runner->cancel(id);
        pool.run_until(1);
        CHECK(pool.output(1).status == Status::kCancelled);
        CHECK(pool.output(1).error == "stopped");
    }
}

TEST_CASE("job: finish says kStale once its role has forgotten it") {
    Pool pool(1);
    Job* pending = nullptr;
    Gate ran;
    pool.add("t", [&](Job& job) {
        job.retain();
        pending = &job;
        ran.open();
        return Status::kPending;
    });
    pool.add("after", test::echo);
    pool.start("t", 1);
    ran.pass();
    // The one thread has come back from it when it has done the next.
    pool.start("after", 2);
    pool.run_until(1);
    pool.runner->forget(pool);
    CHECK(pending->finish(Status::kOk) == Status::kStale);
    pending->release();
    pool.runner->drain();
    CHECK(pool.done.size() == 1);
    CHECK(pool.runner->busy() == 0);
}

TEST_CASE(
    "job: whoever holds it reads its input after it has been reported and its runner has gone") {
    for (const bool short_one : {false, true}) {
        Job* held = nullptr;
        std::string_view seen;
        {
            Pool pool(1);
            pool.add(
                "t",
                [&](Job& job) {
                    job.retain();
                    held = &job;
                    seen = job.data.text();
                    return test::echo(job);
                },
                short_one ? test::kShort : exec::Executor::Traits{});
            pool.start("t", 1, "input");
            pool.run_until(1);
            pool.done.clear();
            // The next job does not get this one's object.
            pool.add("u", test::echo, test::kShort);
            pool.start("u", 2, "other");
        }
        CHECK(held->task_type == "t");
        CHECK(held->data.text() == "input");
        CHECK(held->data.text().data() == seen.data());
        held->release();
    }
}
