// p2c2r_runtime_call: questions and commands that need no role.
#include <memory>
#include <string>
#include <vector>

#include "bindings/c/bytes_in.h"
#include "bindings/c/clock.h"
#include "bindings/c/handles.h"
#include "bindings/c/local_run.h"
#include "bindings/c/results.h"
#include "bindings/c/role_config.h"
#include "bindings/c/security.h"
#include "bindings/c/structs.h"
#include "bindings/c/worth_call.h"
#include "kernels/builtin_types.h"
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

// A whole task, or the parts of one.
struct LocalTask {
    std::string_view task_type;  // canonical
    TaskInput whole;
    uint64_t deadline_us = 0;                      // of each job; 0: none
    std::shared_ptr<const TaskSplitter> splitter;  // NULL: it is not cut
    std::vector<uint64_t> cuts;
};

TaskResult failed_result(Status status, std::string field, std::string error) {
    TaskResult result;
    result.status = status;
    result.field = std::move(field);
    result.error = std::move(error);
    return result;
}

// The result of the whole from what its jobs gave.
TaskResult put_together(RuntimeState& state, const LocalTask& task,
                        std::vector<exec::Output> outputs) {
    // The first that failed by itself, not because another one did.
    for (size_t i = 0; i < outputs.size(); ++i) {
        exec::Output& output = outputs[i];
        if (output.status == Status::kOk || output.status == Status::kCancelled) continue;
        std::string error = std::move(output.error);
        if (task.splitter) {
            error = "part " + std::to_string(i + 1) + " of " + std::to_string(outputs.size()) +
                    ": " + error;
        }
        return failed_result(output.status, std::move(output.field), std::move(error));
    }
    TaskResult result;
    std::vector<TaskOutput> parts;
    for (exec::Output& output : outputs) {
        if (output.status != Status::kOk) {
            return failed_result(output.status, std::move(output.field), std::move(output.error));
        }
        result.processing_us += output.processing_us;
        parts.push_back({std::move(output.info), std::move(output.data)});
    }
    if (task.splitter) {
        Result<TaskOutput> merged =
            task.splitter->merge(task.whole, task.cuts, parts, state.pool().hook());
        if (!merged) {
            Error& error = merged.error();
            return failed_result(error.status, std::move(error.field), std::move(error.text));
        }
        parts[0] = std::move(*merged);
    }
    result.status = Status::kOk;
    result.info = std::move(parts[0].info);
    result.data = std::move(parts[0].data);
    return result;
}

Result<TaskResult> run_task(RuntimeState& state, const LocalTask& task, uint64_t deadline_us) {
    const uint64_t started = now_us();
    std::vector<TaskInput> inputs = {task.whole};
    if (task.splitter) {
        Result<std::vector<TaskInput>> parts = task.splitter->split(task.whole, task.cuts);
        if (!parts) {
            Error& error = parts.error();
            return failed_result(error.status, std::move(error.field), std::move(error.text));
        }
        inputs = std::move(*parts);
    }
    std::vector<exec::JobSpec> specs;
    for (const TaskInput& input : inputs) {
        specs.push_back({task.task_type, input.params, input.data, task.deadline_us});
    }
    Result<std::vector<exec::Output>> outputs = LocalRun(state).run(specs, deadline_us);
    if (!outputs) return outputs.error();
    TaskResult result = put_together(state, task, std::move(*outputs));
    result.source = Source::kLocal;
    result.attempts = 1;
    result.total_us = now_us() - started;
    return result;
}

// How `parts` of it are cut. A task that nobody could run is left whole: running it tells why.
Result<Done> cut_task(LocalTask& task, uint64_t parts, std::string_view split) {
    Result<std::shared_ptr<const TaskSplitter>> splitter =
        kernels::find_splitter(task.task_type, split);
    if (!splitter) return splitter.error();
    const Result<uint64_t> units = (*splitter)->units(task.whole);
    if (!units) return Done{};
    task.cuts = even_cuts(*units, parts);
    task.splitter = std::move(*splitter);
    return Done{};
}

// {"task_type", "params", "deadline_ms", "parts", "split"}, with `input` as data.
Result<TaskResult> exec_task(RuntimeState& state, const Bytes& arguments, const p2c2r_bytes* input,
                             uint64_t deadline_us) {
    ParamsReader reader(arguments.span());
    const std::string_view name = reader.text("task_type", limits::kTaskTypeLengthMax);
    const std::optional<Value> params = reader.map("params", false);
    const int64_t deadline_ms = reader.integer("deadline_ms", 0, 3'600'000, 0);
    const int64_t parts = reader.integer("parts", 1, limits::kPartsMax, 1);
    const std::string_view split = reader.text("split", limits::kTaskTypeLengthMax, "");
    if (reader.has("split") && !reader.has("parts")) {
        reader.fail("split", "says how to cut, and there are no `parts`");
    }
    if (const Result<Done> good = reader.finish(); !good) {
        return field_error(Status::kArgument, good.error().field,
                           "args_json: " + good.error().text);
    }
    LocalTask task;
    task.task_type = canonical_task_type(name);
    if (!state.registry().find(task.task_type)) {
        return no_executor(task.task_type, state.registry().task_types());
    }
    if (params) task.whole.params = Bytes::copy(params->encoded(), state.pool().hook());
    // Copied even when it is given away: after E_TIMEOUT it is the caller's again, while the task
    // may still be reading.
    if (input && input->size > 0) {
        task.whole.data = Bytes::copy({static_cast<const uint8_t*>(input->data), input->size},
                                      state.pool().hook());
    }
    if (deadline_ms != 0) task.deadline_us = now_us() + static_cast<uint64_t>(deadline_ms) * 1000;
    if (reader.has("parts")) {
        if (Result<Done> good = cut_task(task, static_cast<uint64_t>(parts), split); !good) {
            return good.error();
        }
    }
    return run_task(state, task, deadline_us);
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
        if (asked == "keys.new" || asked == "keys.certificate" || asked == "keys.renew" ||
            asked == "keys.show") {
            ParamsReader reader(arguments->span());
            const uint64_t now = state.loop().unix_ms() / 1000;
            Result<Bytes> key = asked == "keys.new"           ? keys_new(reader, now)
                                : asked == "keys.certificate" ? keys_certificate(reader, now)
                                : asked == "keys.renew"       ? keys_renew(reader, now)
                                                              : keys_show(reader);
            if (!key) return fail(why, key.error());
            *out = make_result(state.pool(), 0, nullptr, answer_of(std::move(*key)));
            return P2C2R_OK;
        }
        if (asked == "worth" || asked == "fit_layer") {
            ParamsReader reader(arguments->span());
            Result<Bytes> worth =
                asked == "worth" ? judge_worth_call(reader) : fit_layer_call(reader);
            if (!worth) return fail(why, worth.error());
            *out = make_result(state.pool(), 0, nullptr, answer_of(std::move(*worth)));
            return P2C2R_OK;
        }
        if (asked != "devices" && asked != "task_types") {
            return fail(why, Status::kUnsupported, "name",
                        "there is no '" + std::string(asked.substr(0, 64)) +
                            "'; there are devices, exec, fit_layer, keys.certificate, keys.new, "
                            "keys.renew, "
                            "keys.show, task_types, worth");
        }
        *out = make_result(
            state.pool(), 0, nullptr,
            answer_of(asked == "devices" ? state.builtin().devices() : task_types(state)));
        return P2C2R_OK;
    });
}

}  // extern "C"
