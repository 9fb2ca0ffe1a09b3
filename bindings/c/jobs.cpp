// p2c2r_job_...: what an executor's run sees of its job.
#include <cstring>

#include "bindings/c/bytes_in.h"
#include "bindings/c/clock.h"
#include "bindings/c/failure.h"
#include "bindings/c/host_executor.h"
#include "bindings/c/process.h"
#include "model/value.h"
#include "model/value_json.h"

using namespace p2c2r;
using namespace p2c2r::capi;

namespace {

constexpr uint8_t kEmptyMap[] = {0x80};

Status check(const p2c2r_job* job) {
    if (!job) return Status::kArgument;
    if (job->magic != kJobMagic) return Status::kStale;
    return job->epoch == process_epoch() ? Status::kOk : Status::kState;
}

// The same, for calls that write its output: only until it ends.
Status check_open(const p2c2r_job* job) {
    const Status status = check(job);
    if (status != Status::kOk) return status;
    if (job->phase.load() == p2c2r_job::Phase::kRunning) return Status::kOk;
    return job->orphan.load() ? Status::kStale : Status::kState;
}

}  // namespace

extern "C" {

const void* P2C2R_CALL p2c2r_job_input(p2c2r_job* job, uint32_t index, size_t* size) {
    if (size) *size = 0;
    if (check(job) != Status::kOk || index != 0) return nullptr;
    const Bytes& data = job->job->data;
    if (data.empty()) return nullptr;
    // What came over the network may lie anywhere in the block it was read into.
    if (reinterpret_cast<uintptr_t>(data.data()) % kPayloadAlign == 0) {
        if (size) *size = data.size();
        return data.data();
    }
    const void* aligned = nullptr;
    boundary(nullptr, [&]() -> p2c2r_status {
        const std::lock_guard lock(job->forms_mutex);
        if (job->input.empty()) job->input = Bytes::copy(data.span(), job->pool->hook());
        aligned = job->input.data();
        if (size) *size = job->input.size();
        return P2C2R_OK;
    });
    return aligned;
}

const void* P2C2R_CALL p2c2r_job_params(p2c2r_job* job, int32_t format, size_t* size) {
    if (size) *size = 0;
    if (check(job) != Status::kOk) return nullptr;
    if (format != P2C2R_FORMAT_MSGPACK && format != P2C2R_FORMAT_JSON) return nullptr;
    const Bytes& params = job->job->params;
    const void* given = nullptr;
    boundary(nullptr, [&]() -> p2c2r_status {
        const std::lock_guard lock(job->forms_mutex);
        if (!job->params_checked) {
            const Result<Value> value = parse_params(params.span());
            if (!value) return fail(nullptr, value.error());
            job->params_checked = true;
        }
        if (format == P2C2R_FORMAT_MSGPACK) {
            given = params.empty() ? kEmptyMap : params.data();
            if (size) *size = params.empty() ? sizeof kEmptyMap : params.size();
            return P2C2R_OK;
        }
        if (!job->params_json) {
            Result<std::string> json = value_to_json(params.span());
            if (!json) return fail(nullptr, json.error());
            job->params_json = std::make_unique<std::string>(std::move(*json));
        }
        given = job->params_json->c_str();
        if (size) *size = job->params_json->size();
        return P2C2R_OK;
    });
    return given;
}

const char* P2C2R_CALL p2c2r_job_task_type(p2c2r_job* job) {
    return check(job) == Status::kOk ? job->job->task_type.c_str() : "";
}

uint32_t P2C2R_CALL p2c2r_job_state(p2c2r_job* job) {
    if (check(job) != Status::kOk) return 0;
    uint32_t state = 0;
    if (job->job->cancelled()) state |= P2C2R_JOB_CANCELLED;
    const exec::JobGate* const gate = job->job->gate.get();
    if (gate && gate->closed()) state |= P2C2R_JOB_YIELD;
    if (job->orphan.load()) state |= P2C2R_JOB_ORPHAN;
    return state;
}

uint64_t P2C2R_CALL p2c2r_job_left_us(p2c2r_job* job) {
    if (check(job) != Status::kOk) return 0;
    const uint64_t deadline = job->job->deadline_us;
    if (deadline == 0) return P2C2R_FOREVER;
    const uint64_t now = now_us();
    return deadline > now ? deadline - now : 0;
}

p2c2r_status P2C2R_CALL p2c2r_job_output_alloc(p2c2r_job* job, size_t size, void** out) {
    return boundary(nullptr, [&]() -> p2c2r_status {
        if (!out) return P2C2R_E_ARGUMENT;
        *out = nullptr;
        if (const Status bad = check_open(job); bad != Status::kOk) return number_of(bad);
        if (size > limits::kPayloadSizeMax) return P2C2R_E_SIZE;
        Buffer buffer = Buffer::allocate(size, job->pool->hook());
        std::memset(buffer.data(), 0, size);
        *out = buffer.data();
        job->data = std::move(buffer).freeze(size);
        job->output_set = true;
        return P2C2R_OK;
    });
}

p2c2r_status P2C2R_CALL p2c2r_job_output_adopt(p2c2r_job* job, const p2c2r_bytes* bytes) {
    return boundary(nullptr, [&]() -> p2c2r_status {
        if (const Status bad = check_open(job); bad != Status::kOk) return number_of(bad);
        if (const p2c2r_status bad = check_bytes(bytes, "bytes", nullptr)) return bad;
        Bytes taken = take_bytes(*bytes, job->pool->hook());
        job->data = std::move(taken);
        job->output_set = true;
        return P2C2R_OK;
    });
}

p2c2r_status P2C2R_CALL p2c2r_job_output_fields(p2c2r_job* job, int32_t format, const void* data,
                                                size_t size) {
    return boundary(nullptr, [&]() -> p2c2r_status {
        if (const Status bad = check_open(job); bad != Status::kOk) return number_of(bad);
        Result<Bytes> fields = read_map(data, size, format, "data", job->pool->hook());
        if (!fields) return fail(nullptr, fields.error());
        job->info = std::move(*fields);
        job->output_set = true;
        return P2C2R_OK;
    });
}

p2c2r_status P2C2R_CALL p2c2r_job_explain(p2c2r_job* job, const char* field, const char* text) {
    return boundary(nullptr, [&]() -> p2c2r_status {
        if (const Status bad = check_open(job); bad != Status::kOk) return number_of(bad);
        job->field.assign(field ? std::string_view(field).substr(0, limits::kIdLengthMax) : "");
        job->text.assign(text ? std::string_view(text).substr(0, limits::kTextLengthMax) : "");
        return P2C2R_OK;
    });
}

p2c2r_status P2C2R_CALL p2c2r_job_finish(p2c2r_job* job, p2c2r_status status) {
    return boundary(nullptr, [&]() -> p2c2r_status {
        if (const Status bad = check(job); bad != Status::kOk) return number_of(bad);
        if (status == P2C2R_PENDING) return P2C2R_E_ARGUMENT;
        const std::shared_ptr<HostExecutor> executor = job->executor;
        const Status ended =
            is_known_status(status) ? static_cast<Status>(status) : Status::kExecutor;
        return number_of(executor->finish(job, ended));
    });
}

p2c2r_job* P2C2R_CALL p2c2r_job_retain(p2c2r_job* job) {
    if (check(job) != Status::kOk) return nullptr;
    retain_job(job);
    return job;
}

void P2C2R_CALL p2c2r_job_release(p2c2r_job* job) {
    if (check(job) == Status::kOk) release_job(job);
}

}  // extern "C"
