#include <string>
#include <thread>

#include "exec_support.h"

using namespace p2c2r;
using test::FunctionExecutor;

namespace {

std::shared_ptr<exec::Executor> executor() {
    return std::make_shared<FunctionExecutor>(test::echo);
}

}  // namespace

TEST_CASE("registry: a type has one executor and is gone after its removal") {
    exec::Registry registry;
    const auto first = executor();
    CHECK(registry.add("blur", first).ok());
    CHECK(registry.find("blur") == first);
    const Result<Done> again = registry.add("blur", executor());
    REQUIRE_FALSE(again.ok());
    CHECK(again.error().status == Status::kExists);
    CHECK(again.error().text == "there is an executor for 'blur' already");
    CHECK(registry.find("blur") == first);
    CHECK(registry.remove("blur").ok());
    CHECK(registry.find("blur") == nullptr);
    CHECK(registry.remove("blur").error().status == Status::kStale);
    CHECK(registry.add("blur", executor()).ok());
}

TEST_CASE("registry: types are listed in order and every change counts") {
    exec::Registry registry;
    uint64_t revision = registry.revision();
    const auto changed = [&] { return std::exchange(revision, registry.revision()) != revision; };
    for (const char* type : {"c", "a", "b"}) {
        CHECK(registry.add(type, executor()).ok());
        CHECK(changed());
    }
    CHECK(registry.task_types() == std::vector<std::string>{"a", "b", "c"});
    CHECK_FALSE(registry.add("a", executor()).ok());
    CHECK_FALSE(registry.remove("d").ok());
    CHECK_FALSE(changed());
    CHECK(registry.remove("a").ok());
    CHECK(changed());
}

TEST_CASE("registry: names and their number have limits") {
    exec::Registry registry;
    CHECK(registry.add("", executor()).error().status == Status::kArgument);
    CHECK(registry.add(std::string(65, 'x'), executor()).error().text ==
          "task_type must have 1 to 64 bytes, not 65");
    CHECK(registry.add(std::string(64, 'x'), executor()).ok());
    for (uint32_t i = 1; i < limits::kTaskTypesMax; ++i) {
        REQUIRE(registry.add("type" + std::to_string(i), executor()).ok());
    }
    CHECK(registry.add("one_more", executor()).error().status == Status::kLimit);
}

TEST_CASE("registry: may be changed and asked by several threads at once") {
    exec::Registry registry;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&registry, t] {
            const std::string mine = "type" + std::to_string(t);
            for (int i = 0; i < 500; ++i) {
                if (!registry.add(mine, executor())) return;
                if (!registry.find(mine)) return;
                (void)registry.task_types();
                if (!registry.remove(mine)) return;
            }
            (void)registry.add(mine, executor());
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(registry.task_types().size() == 4);
}
