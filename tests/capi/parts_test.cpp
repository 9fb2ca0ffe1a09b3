// p2c2r_runtime_call "exec" with parts.
#include <doctest/doctest.h>

#include <string>

#include "world.h"

using namespace capi_test;

namespace {

// Ten balls that fall; `more` is put into the arguments.
std::string physics(const std::string& more, const std::string& objects = "") {
    std::string list = objects;
    for (int i = 0; list.size() < 300; ++i) {
        list += (list.empty() ? "" : ",") + std::string(R"({"position":[)") + std::to_string(i) +
                ",5,0]}";
    }
    return R"({"task_type":"physics_rigid_body","params":{"num_steps":3,"objects":[)" + list +
           "]}" + more + "}";
}

}  // namespace

TEST_CASE("exec in parts gives the bytes of the whole") {
    for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
        const Runtime runtime = make_runtime(mode);
        p2c2r_error why = {};
        const auto exec = [&](const std::string& args, p2c2r_status expected) {
            p2c2r_result* result = nullptr;
            const p2c2r_status status = p2c2r_runtime_call(runtime.get(), "exec", args.c_str(),
                                                           nullptr, 30'000, &result, &why);
            CHECK_MESSAGE(status == expected, why.text);
            return Result(result);
        };
        const auto info = [](const Result& result) {
            size_t size = 0;
            const void* fields = p2c2r_result_fields(result.get(), P2C2R_FORMAT_MSGPACK, &size);
            return std::string(static_cast<const char*>(fields), size);
        };
        const Result whole = exec(physics(""), P2C2R_OK);
        for (const char* more : {R"(,"parts":1)", R"(,"parts":3)", R"(,"parts":4096)",
                                 R"(,"parts":3,"split":"bodies")"}) {
            CAPTURE(more);
            const Result merged = exec(physics(more), P2C2R_OK);
            REQUIRE(p2c2r_result_status(merged.get()) == P2C2R_OK);
            CHECK(info(merged) == info(whole));
            CHECK(data_of(merged.get()) == data_of(whole.get()));
        }
        // A task that is wrong fails as the whole would.
        const Result wrong = exec(physics(R"(,"parts":3)", R"({"position":[0,"x",0]})"), P2C2R_OK);
        CHECK(p2c2r_result_status(wrong.get()) == P2C2R_E_PARAMS);
        CHECK(std::string(p2c2r_result_text(wrong.get(), P2C2R_TEXT_FIELD, nullptr)) ==
              "objects[0].position[1]");
        exec(physics(R"(,"parts":3,"split":"rows")"), P2C2R_E_UNSUPPORTED);
        CHECK(std::string(why.field) == "split");
        exec(R"({"task_type":"echo","parts":2})", P2C2R_E_UNSUPPORTED);
        exec(physics(R"(,"parts":0)"), P2C2R_E_ARGUMENT);
        exec(physics(R"(,"parts":4097)"), P2C2R_E_ARGUMENT);
        exec(physics(R"(,"split":"bodies")"), P2C2R_E_ARGUMENT);
        CHECK(std::string(why.field) == "split");
    }
}
