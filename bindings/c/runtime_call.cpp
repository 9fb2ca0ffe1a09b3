// p2c2r_runtime_call: questions and commands that need no role.
#include <condition_variable>
#include <mutex>

#include "bindings/c/bytes_in.h"
#include "bindings/c/handles.h"
#include "bindings/c/results.h"
#include "bindings/c/role_config.h"
#include "bindings/c/security.h"
#include "bindings/c/structs.h"
#include "model/params_reader.h"
#include "model/task_type.h"
#include "model/value_writer.h"

using namespace p2c2r;
using namespace p2c2r::capi;

namespace {

TaskResult answer_of(Bytes fields) {
    TaskResult answer;
    answer.status = Status::kOk;
    answer.source = Source::kLocal;
    answer.info = std::move(fields);
    return answer;
}

Bytes task_types(RuntimeState& state) {
    const std::vector<std::string> types = state.registry().task_types();
    ValueWriter writer;
    writer.map(1).key("task_types").array(static_cast<uint32_t>(types.size()));
    for (const std::string& type : types) writer.text(type);
    return writer.take();
}

// One task on this machine, between a thread that waits and the loop.
class LocalRun final : public exec::RunnerEvents {
  public:
    explicit LocalRun(RuntimeState& state) : state_(state) {}

    Result<TaskResult> run(const exec::JobSpec& spec, uint64_t deadline_us) {
        const uint64_t started = now_us();
        uint64_t job = 0;
        const Status status =
            state_.driver().run([&] { job = state_.workers().start(spec, 1, *this); });
        if (status != Status::kOk) return make_error(status, status_text(status));
        if (job == 0) return make_error(Status::kBusy, "this machine could not start the task");
        const bool ended = wait(deadline_us);
        if (!ended) {
            (void)state_.driver().run([&] { state_.workers().forget(*this); });
            // It may have ended just before it was forgotten.
            const std::lock_guard lock(mutex_);
            if (!done_) return make_error(Status::kTimeout, "the task did not end in time");
        }
        TaskResult result;
        result.status = output_.status;
        result.field = std::move(output_.field);
        result.error = std::move(output_.error);
        result.info = std::move(output_.info);
        result.data = std::move(output_.data);
        result.source = Source::kLocal;
        result.attempts = 1;
        result.processing_us = output_.processing_us;
        result.total_us = now_us() - started;
        return result;
    }

  private:
    bool wait(uint64_t deadline_us) {
        for (;;) {
            // Without worker threads this thread is the one that computes.
            if (!state_.has_worker_threads()) (void)state_.workers().work(0, 0);
            const uint64_t until =
                state_.has_worker_threads() ? deadline_us : std::min(deadline_us, now_us() + 1'000);
            std::unique_lock lock(mutex_);
            if (state_.driver().wait(lock, changed_, until, [&] { return done_; })) return true;
            if (now_us() >= deadline_us) return false;
        }
    }

    void on_job_done(uint64_t, exec::Output&& output) override {
        const std::lock_guard lock(mutex_);
        output_ = std::move(output);
        done_ = true;
        changed_.notify_all();
    }

    RuntimeState& state_;
    std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    bool done_ = false;
    exec::Output output_;
};

// {"task_type", "params", "deadline_ms"}, with `input` as data.
Result<TaskResult> exec_task(RuntimeState& state, const Bytes& arguments, const p2c2r_bytes* input,
                             uint64_t deadline_us) {
    ParamsReader reader(arguments.span());
    const std::string_view name = reader.text("task_type", limits::kTaskTypeLengthMax);
    const std::optional<Value> params = reader.map("params", false);
    const int64_t deadline_ms = reader.integer("deadline_ms", 0, 3'600'000, 0);
    if (const Result<Done> good = reader.finish(); !good) {
        return field_error(Status::kArgument, good.error().field,
                           "args_json: " + good.error().text);
    }
    const std::string_view task_type = canonical_task_type(name);
    if (!state.registry().find(task_type)) {
        return no_executor(task_type, state.registry().task_types());
    }
    exec::JobSpec spec;
    spec.task_type = task_type;
    if (params) spec.params = Bytes::copy(params->encoded(), state.pool().hook());
    // Copied even when it is given away: after E_TIMEOUT it is the caller's again, while the task
    // may still be reading.
    if (input && input->size > 0) {
        spec.data = Bytes::copy({static_cast<const uint8_t*>(input->data), input->size},
                                state.pool().hook());
    }
    if (deadline_ms != 0) spec.deadline_us = now_us() + static_cast<uint64_t>(deadline_ms) * 1000;
    auto run = std::make_unique<LocalRun>(state);
    return run->run(spec, deadline_us);
}

}  // namespace

extern "C" {

p2c2r_status P2C2R_CALL p2c2r_runtime_call(p2c2r_runtime* runtime, const char* name,
                                           const char* args_json, const p2c2r_bytes* input,
                                           uint32_t timeout_ms, p2c2r_result** out,
                                           p2c2r_error* why) {
    if (out) *out = nullptr;
    return with_waiting(runtime, why, [&](RuntimeState& state) -> p2c2r_status {
        if (!name) return fail_null(why, "name");
        if (!out) return fail_null(why, "out");
        if (input) {
            if (const p2c2r_status bad = check_bytes(input, "input", why)) return bad;
        }
        const Result<Bytes> arguments = read_arguments(args_json);
        if (!arguments) return fail(why, arguments.error());
        const std::string_view asked(name);
        if (asked == "exec") {
            const uint64_t deadline = deadline_in(uint64_t{timeout_ms} * 1000);
            Result<TaskResult> result = exec_task(state, *arguments, input, deadline);
            if (!result) return fail(why, result.error());
            *out = make_result(state.pool(), 0, nullptr, std::move(*result));
            if (input && input->release) {
                const HostScope scope;
                input->release(input->user, input->data, input->size);
            }
            return P2C2R_OK;
        }
        if (asked == "keys.new" || asked == "keys.show") {
            ParamsReader reader(arguments->span());
            Result<Bytes> key = asked == "keys.new"
                                    ? keys_new(reader, state.loop().unix_ms() / 1000)
                                    : keys_show(reader);
            if (!key) return fail(why, key.error());
            *out = make_result(state.pool(), 0, nullptr, answer_of(std::move(*key)));
            return P2C2R_OK;
        }
        if (asked != "devices" && asked != "task_types") {
            return fail(why, Status::kUnsupported, "name",
                        "there is no '" + std::string(asked.substr(0, 64)) +
                            "'; there are devices, exec, keys.new, keys.show, task_types");
        }
        *out = make_result(
            state.pool(), 0, nullptr,
            answer_of(asked == "devices" ? state.builtin().devices() : task_types(state)));
        return P2C2R_OK;
    });
}

}  // extern "C"
