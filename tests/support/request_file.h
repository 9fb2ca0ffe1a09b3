// A request of a built-in type as the bytes of a file, and what the processor answers to it.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "core/check.h"
#include "exec/job_control.h"
#include "kernels/kernels.h"
#include "support/request_cost.h"

namespace p2c2r::test {

struct RequestFile {
    const char* task_type;
    Bytes params;
    Bytes data;
};

// The first byte is the type's place in kBuiltinTypes, the next two are the size of the params, low
// byte first; then come params and data. Nothing when it is shorter than three bytes.
inline std::optional<RequestFile> split_request(std::span<const uint8_t> bytes) {
    if (bytes.size() < 3) return std::nullopt;
    const size_t params_size = std::min<size_t>(bytes[1] | bytes[2] << 8, bytes.size() - 3);
    return RequestFile{kBuiltinTypes[bytes[0] % std::size(kBuiltinTypes)],
                       Bytes::copy(bytes.subspan(3, params_size)),
                       Bytes::copy(bytes.subspan(3 + params_size))};
}

// The built-in types on the processor, for the whole life of the program.
inline exec::Registry& native_types() {
    static exec::Registry* const registry = [] {
        auto* types = new exec::Registry;
        kernels::KernelOptions options;
        options.device = kernels::DeviceChoice::kNative;
        P2C2R_CHECK(kernels::add_builtin_executors(*types, options).ok());
        return types;
    }();
    return *registry;
}

struct NativeAnswer {
    Status status;
    std::string field;
    std::string error;
    Bytes info;
    Bytes data;
};

inline NativeAnswer run_natively(const RequestFile& request) {
    exec::Job* job = exec::JobControl::make();
    job->task_type = request.task_type;
    job->params = request.params;
    job->data = request.data;
    const Status status = exec::JobControl::run(*job, *native_types().find(request.task_type));
    P2C2R_CHECK(job->output_set == (status == Status::kOk));
    NativeAnswer answer{status, job->output.field, job->output.error, job->output.info,
                        job->output.data};
    job->release();
    return answer;
}

}  // namespace p2c2r::test
