// Whose memory a task's bytes are, when it is let go, and where the result is written.
#include "world.h"

using namespace capi_test;

TEST_CASE("params and data are measured together") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    const std::vector<uint8_t> large(64u << 20);
    const uint8_t params[] = {0x81, 0xa1, 'a', 1};
    Task task("echo", large.data(), large.size());
    task.desc.params = params;
    task.desc.params_size = sizeof params;
    p2c2r_task id = 0;
    p2c2r_error why = {};
    CHECK(p2c2r_client_submit(client.get(), &task.desc, &id, &why) == P2C2R_E_SIZE);
    CHECK(std::string(why.field) == "data");
    CHECK(std::string(why.text).find("67108868") != std::string::npos);
}

TEST_CASE("memory that is given away is released exactly once and after the call") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    struct Payload {
        std::vector<uint8_t> bytes;
        std::atomic<int> released{0};
    };
    for (const size_t size : {size_t{1}, size_t{128}, size_t{129}, size_t{1024}, size_t{4095},
                              size_t{4096}, size_t{300'000}}) {
        CAPTURE(size);
        Payload payload;
        payload.bytes.assign(size, 7);
        {
            const Client client = make_client(runtime.get());
            p2c2r_bytes data = {payload.bytes.data(), size,
                                [](void* user, const void* at, size_t count) {
                                    Payload& of = *static_cast<Payload*>(user);
                                    CHECK(at == of.bytes.data());
                                    CHECK(count == of.bytes.size());
                                    ++of.released;
                                },
                                &payload};
            Task task("echo");
            task.desc.data = &data;
            const Result result = fetch(client.get(), submit(client.get(), task.desc));
            CHECK(data_of(result.get()) == std::string(size, 7));
        }
        CHECK(payload.released == 1);
    }
}

TEST_CASE("memory that is given away is not looked at after its release") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    for (const size_t size : {size_t{128}, size_t{129}, size_t{1000}, size_t{4095}, size_t{4096}}) {
        for (const bool with_output : {false, true}) {
            CAPTURE(size);
            CAPTURE(with_output);
            std::vector<uint8_t> bytes(size, 7);
            std::vector<char> output(size);
            const Client client = make_client(runtime.get());  // the answer is made of the input
            p2c2r_bytes data = {bytes.data(), size,
                                [](void*, const void* at, size_t count) {
                                    std::memset(const_cast<void*>(at), 0xEE, count);
                                },
                                nullptr};
            Task task("echo");
            task.desc.data = &data;
            if (with_output) {
                task.desc.output = output.data();
                task.desc.output_size = size;
            }
            const Result result = fetch(client.get(), submit(client.get(), task.desc));
            CHECK(data_of(result.get()) == std::string(size, 7));
            if (with_output) CHECK(std::string(output.data(), size) == std::string(size, 7));
        }
    }
}

TEST_CASE("the result is written into the output the task names and a larger one is E_SIZE") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    char output[8] = "-------";
    Task task("echo", "12345", 5);
    task.desc.output = output;
    task.desc.output_size = 5;
    Result result = fetch(client.get(), submit(client.get(), task.desc));
    CHECK(p2c2r_result_status(result.get()) == P2C2R_OK);
    CHECK(std::string(output) == "12345--");
    task.desc.output_size = 4;
    std::memset(output, '-', 7);
    result = fetch(client.get(), submit(client.get(), task.desc));
    CHECK(p2c2r_result_status(result.get()) == P2C2R_E_SIZE);
    CHECK(std::string(output) == "-------");
    size_t size = 0;
    CHECK(std::string(p2c2r_result_text(result.get(), P2C2R_TEXT_FIELD, &size)) == "output_size");
}
