// p2c2r_runtime_add_executor and p2c2r_runtime_remove_executor.
#include <cstring>

#include "bindings/c/handles.h"
#include "bindings/c/structs.h"
#include "model/task_type.h"

using namespace p2c2r;
using namespace p2c2r::capi;

namespace {

constexpr uint32_t kKnownFlags = P2C2R_EXECUTOR_GPU | P2C2R_EXECUTOR_SHORT | P2C2R_EXECUTOR_EXACT;

p2c2r_status check_executor(const p2c2r_executor_desc& desc, p2c2r_error* why) {
    if (!desc.task_type) return fail(why, Status::kArgument, "task_type", "task_type is NULL");
    if (!desc.run) return fail(why, Status::kArgument, "run", "run is NULL");
    if (desc.flags & ~kKnownFlags) {
        return fail(
            why, Status::kArgument, "flags",
            "flags " + std::to_string(desc.flags) + " are not made of P2C2R_EXECUTOR_ constants");
    }
    const std::string_view name(desc.task_type,
                                strnlen(desc.task_type, limits::kTaskTypeLengthMax + 1));
    if (const Result<Done> good = roles::check_task_type(name); !good) {
        return fail(why, good.error());
    }
    if (name.find(',') != std::string_view::npos) {
        return fail(why, Status::kArgument, "task_type",
                    "task_type must have no comma, which divides the names in a peer's list");
    }
    return P2C2R_OK;
}

}  // namespace

extern "C" {

p2c2r_status P2C2R_CALL p2c2r_runtime_add_executor(p2c2r_runtime* runtime,
                                                   const p2c2r_executor_desc* given,
                                                   p2c2r_error* why) {
    return with(runtime, why, [&](RuntimeState& state) -> p2c2r_status {
        InStruct<p2c2r_executor_desc> desc;
        if (const p2c2r_status bad = desc.read(given, "desc", why)) return bad;
        if (const p2c2r_status bad = check_executor(*desc, why)) return bad;
        if (state.is_closed()) return fail(why, Status::kClosed);
        const std::string task_type(canonical_task_type(desc->task_type));
        auto executor =
            std::make_shared<HostExecutor>(*desc, task_type, state.pool(), state.host_executors());
        if (state.host_executors().add(executor) == Status::kExists) {
            return fail(why, Status::kExists, "task_type",
                        "'" + task_type +
                            "' has an executor of the host, or one that is being "
                            "removed");
        }
        Result<Done> added = make_error(Status::kMemory, "");
        try {
            added = state.registry().add(task_type, executor);
        } catch (...) {
            state.host_executors().remove(*executor);
            throw;
        }
        if (!added) {
            state.host_executors().remove(*executor);
            return fail(why, added.error());
        }
        return P2C2R_OK;
    });
}

p2c2r_status P2C2R_CALL p2c2r_runtime_remove_executor(p2c2r_runtime* runtime, const char* task_type,
                                                      uint32_t timeout_ms) {
    return with_waiting(runtime, nullptr, [&](RuntimeState& state) -> p2c2r_status {
        if (!task_type) return P2C2R_E_ARGUMENT;
        const uint64_t deadline = deadline_in(uint64_t{timeout_ms} * 1000);
        const std::shared_ptr<HostExecutor> executor =
            state.host_executors().find(canonical_task_type(task_type));
        if (!executor) return P2C2R_E_STALE;
        executor->stop();
        (void)state.registry().remove(executor->task_type());  // it is gone the second time
        if (!executor->wait_gone(deadline)) return P2C2R_E_TIMEOUT;
        state.host_executors().remove(*executor);
        executor->destroy_host();
        return P2C2R_OK;
    });
}

}  // extern "C"
