// p2c2r_runtime_...: the runtime's own functions; its questions and commands are in
// runtime_call.cpp.
#include <algorithm>

#include "bindings/c/clock.h"
#include "bindings/c/handles.h"
#include "bindings/c/structs.h"
#include "bindings/c/vulkan_host.h"

using namespace p2c2r;
using namespace p2c2r::capi;

namespace {

p2c2r_status check_config(const p2c2r_runtime_config& config, p2c2r_error* why) {
    if (config.abi_version != P2C2R_ABI_VERSION) {
        return fail(why, Status::kVersion, "abi_version",
                    "the host was compiled for ABI " + std::to_string(config.abi_version) +
                        ", this library has " + std::to_string(P2C2R_ABI_VERSION));
    }
    const auto bad = [&](const char* field, int64_t value, const char* kind) {
        return fail(
            why, Status::kArgument, field,
            std::string(field) + " " + std::to_string(value) + " is not a " + kind + " constant");
    };
    if (config.run_mode < P2C2R_RUN_THREAD || config.run_mode > P2C2R_RUN_MANUAL) {
        return bad("run_mode", config.run_mode, "P2C2R_RUN_");
    }
    if (config.deliver < P2C2R_DELIVER_ON_DISPATCH || config.deliver > P2C2R_DELIVER_ON_LOOP) {
        return bad("deliver", config.deliver, "P2C2R_DELIVER_");
    }
    if (config.log_level < 0 || config.log_level > P2C2R_LOG_TRACE) {
        return bad("log_level", config.log_level, "P2C2R_LOG_");
    }
    if (config.gpu < P2C2R_GPU_AUTO || config.gpu > P2C2R_GPU_LENT) {
        return bad("gpu", config.gpu, "P2C2R_GPU_");
    }
    constexpr uint32_t kThreadsMax = 1024;
    if (config.worker_threads > kThreadsMax && config.worker_threads != P2C2R_NONE) {
        return fail(why, Status::kArgument, "worker_threads",
                    std::to_string(config.worker_threads) + " worker threads exceed 1024");
    }
    if (config.allocator && (!config.allocator->allocate || !config.allocator->deallocate)) {
        return fail(why, Status::kArgument, "allocator",
                    "allocate and deallocate of the allocator must both be set");
    }
    return P2C2R_OK;
}

// What is waiting, within the budget; the gate is the caller's.
uint32_t dispatch_waiting(RuntimeState& runtime, uint32_t callbacks_max, uint32_t budget_us) {
    DispatchBudget budget;
    if (callbacks_max != 0) budget.callbacks_left = callbacks_max;
    if (budget_us != 0) budget.until_us = now_us() + budget_us;
    runtime.dispatch_all(budget);
    return budget.run;
}

struct Gate {
    RuntimeState& runtime;
    bool entered;
    explicit Gate(RuntimeState& of) : runtime(of), entered(of.try_enter_gate()) {}
    ~Gate() {
        if (entered) runtime.leave_gate();
    }
};

}  // namespace

extern "C" {

p2c2r_status P2C2R_CALL p2c2r_runtime_create(const p2c2r_runtime_config* given, p2c2r_runtime** out,
                                             p2c2r_error* why) {
    return boundary(why, [&]() -> p2c2r_status {
        if (!out) return fail_null(why, "out");
        *out = nullptr;
        InStruct<p2c2r_runtime_config> config;
        if (const p2c2r_status bad = config.read(given, "config", why)) return bad;
        if (const p2c2r_status bad = check_config(*config, why)) return bad;
        p2c2r_status bad = P2C2R_OK;
        std::optional<gpu::HostDevice> lent = read_vulkan_host(*config, bad, why);
        if (bad != P2C2R_OK) return bad;
        Result<std::unique_ptr<RuntimeState>> state =
            RuntimeState::create(*config, std::move(lent));
        if (!state) return fail(why, state.error());
        *out = static_cast<p2c2r_runtime*>(add_handle(HandleKind::kRuntime, state->get()));
        state->release();
        return P2C2R_OK;
    });
}

p2c2r_status P2C2R_CALL p2c2r_runtime_poll(p2c2r_runtime* runtime, uint32_t timeout_ms) {
    return with_waiting(runtime, nullptr, [&](RuntimeState& state) -> p2c2r_status {
        if (!state.driver().is_manual()) return P2C2R_E_STATE;
        const Gate gate(state);
        if (!gate.entered) return P2C2R_E_BUSY;
        const bool has_waiting = timeout_ms > 0 && state.has_waiting();
        state.driver().turn(has_waiting ? 0 : uint64_t{timeout_ms} * 1000);
        dispatch_waiting(state, 0, 0);
        return P2C2R_OK;
    });
}

p2c2r_status P2C2R_CALL p2c2r_runtime_dispatch(p2c2r_runtime* runtime, uint32_t callbacks_max,
                                               uint32_t budget_us, uint32_t* run) {
    if (run) *run = 0;
    return with_waiting(runtime, nullptr, [&](RuntimeState& state) -> p2c2r_status {
        const Gate gate(state);
        if (!gate.entered) return P2C2R_E_BUSY;
        const uint32_t count = dispatch_waiting(state, callbacks_max, budget_us);
        if (run) *run = count;
        return P2C2R_OK;
    });
}

p2c2r_status P2C2R_CALL p2c2r_client_dispatch(p2c2r_client* client, uint32_t callbacks_max,
                                              uint32_t budget_us, uint32_t* run) {
    if (run) *run = 0;
    return with_waiting(client, nullptr, [&](ClientState& state) -> p2c2r_status {
        const Gate gate(state.runtime);
        if (!gate.entered) return P2C2R_E_BUSY;
        DispatchBudget budget;
        if (callbacks_max != 0) budget.callbacks_left = callbacks_max;
        if (budget_us != 0) budget.until_us = now_us() + budget_us;
        state.dispatch(budget);
        if (run) *run = budget.run;
        return P2C2R_OK;
    });
}

p2c2r_status P2C2R_CALL p2c2r_runtime_work(p2c2r_runtime* runtime, uint32_t jobs_max,
                                           uint32_t timeout_ms) {
    return with_waiting(runtime, nullptr, [&](RuntimeState& state) -> p2c2r_status {
        const uint32_t ran = state.workers().work(jobs_max, uint64_t{timeout_ms} * 1000);
        return ran > 0 ? P2C2R_OK : P2C2R_E_AGAIN;
    });
}

p2c2r_status P2C2R_CALL p2c2r_runtime_backend(p2c2r_runtime* runtime, int32_t* fd,
                                              int32_t* timeout_ms) {
    return with(runtime, nullptr, [&](RuntimeState& state) -> p2c2r_status {
        if (!state.driver().is_manual()) return P2C2R_E_STATE;
        int32_t descriptor = -1;
        int32_t wait_ms = -1;
        const Status status = state.driver().run([&] {
            // Asked in this order: what comes behind the question makes the descriptor readable.
            state.driver().backend(descriptor, wait_ms);
            if (state.has_mail()) wait_ms = 0;
        });
        if (status != Status::kOk) return number_of(status);
        if (state.has_waiting()) wait_ms = 0;
        if (fd) *fd = descriptor;
        if (timeout_ms) *timeout_ms = wait_ms;
        return P2C2R_OK;
    });
}

p2c2r_status P2C2R_CALL p2c2r_runtime_wake(p2c2r_runtime* runtime) {
    return with(runtime, nullptr, [&](RuntimeState& state) -> p2c2r_status {
        state.wake_all();
        return P2C2R_OK;
    });
}

p2c2r_status P2C2R_CALL p2c2r_runtime_close(p2c2r_runtime* runtime, uint32_t timeout_ms) {
    return with_waiting(runtime, nullptr, [&](RuntimeState& state) -> p2c2r_status {
        return number_of(state.close(deadline_in(uint64_t{timeout_ms} * 1000)));
    });
}

p2c2r_status P2C2R_CALL p2c2r_runtime_destroy(p2c2r_runtime* runtime) {
    if (!runtime) return P2C2R_OK;
    return with_waiting(runtime, nullptr, [&](RuntimeState& state) -> p2c2r_status {
        if (state.has_roles()) return P2C2R_E_STATE;
        remove_handle(runtime);
        delete &state;
        return P2C2R_OK;
    });
}

}  // extern "C"
