#include "exec/thread.h"

#include <doctest/doctest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <string>

using namespace p2c2r;
using exec::Thread;

TEST_CASE("thread: has the name and stack and niceness it was given and ends with its owner") {
    std::string name;
    size_t stack_size = 0;
    int niceness = -100;
    {
        const auto thread = Thread::start({"p2c2r-a-name-too-long", 256 * 1024, 7}, [&] {
            char text[16] = {};
            pthread_getname_np(pthread_self(), text, sizeof text);
            name = text;
            pthread_attr_t attributes;
            pthread_getattr_np(pthread_self(), &attributes);
            pthread_attr_getstacksize(&attributes, &stack_size);
            pthread_attr_destroy(&attributes);
            niceness = getpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)));
        });
        REQUIRE(thread.ok());
    }
    CHECK(name == "p2c2r-a-name-to");
    // A thread sanitizer adds to it; without our word it would be 8 MiB.
    CHECK(stack_size >= 256 * 1024);
    CHECK(stack_size <= 2 * 1024 * 1024);
    // Only ever nicer: what the process runs at already may be more.
    CHECK(niceness >= 7);
    CHECK(getpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid))) < niceness);
}

TEST_CASE("thread: one that cannot be started is an error that names it and runs nothing") {
    std::atomic<bool> ran{false};
    const auto thread = Thread::start({"p2c2r-huge", size_t{1} << 50, 0}, [&] { ran = true; });
    REQUIRE_FALSE(thread.ok());
    CHECK(thread.error().status == Status::kMemory);
    CHECK(thread.error().text.starts_with("thread 'p2c2r-huge' could not be started: "));
    CHECK_FALSE(ran);
}

TEST_CASE("thread: there is at least one processor and no more than the system has") {
    CHECK(exec::processors() >= 1);
    CHECK(exec::processors() <= static_cast<unsigned>(sysconf(_SC_NPROCESSORS_CONF)));
}
