// What programs that run roles have in common.
#pragma once

#include <p2c2r/p2c2r.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace bench {

[[noreturn]] inline void fail(const char* what, p2c2r_status status, const p2c2r_error& why) {
    std::fprintf(stderr, "bench: %s: %s %s\n", what, p2c2r_status_name(status), why.text);
    std::exit(2);
}

// memory_max 0: the library's own.
inline p2c2r_runtime* make_runtime(int run_mode, unsigned workers, uint64_t memory_max = 0) {
    p2c2r_runtime_config config = {};
    config.struct_size = sizeof config;
    config.abi_version = P2C2R_ABI_VERSION;
    config.run_mode = run_mode;
    config.deliver = P2C2R_DELIVER_ON_LOOP;
    config.gpu = P2C2R_GPU_OFF;
    config.worker_threads = workers;
    config.memory_max = memory_max;
    p2c2r_runtime* runtime = nullptr;
    p2c2r_error why = {};
    const p2c2r_status status = p2c2r_runtime_create(&config, &runtime, &why);
    if (status != P2C2R_OK) fail("runtime", status, why);
    return runtime;
}

}  // namespace bench
