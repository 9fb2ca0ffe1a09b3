// p2c2r_frames_...: the functions of a stream of frames.
#include "bindings/c/bytes_in.h"
#include "bindings/c/handles.h"
#include "bindings/c/structs.h"

using namespace p2c2r;
using namespace p2c2r::capi;

namespace {

p2c2r_status read_frames(const p2c2r_frames_config& config, FramesSettings& settings,
                         p2c2r_error* why) {
    constexpr uint32_t kKnownFlags = P2C2R_FRAMES_NO_LOCAL | P2C2R_FRAMES_NO_PREVIOUS;
    constexpr uint32_t kWindowMax = 1024;
    if (config.flags & ~kKnownFlags) {
        return fail(why, Status::kArgument, "flags",
                    "flags are not made of P2C2R_FRAMES_ constants");
    }
    if (config.pipeline_max > roles::FrameSettings::kPipelineMax) {
        return fail(why, Status::kArgument, "pipeline_max",
                    "pipeline_max of " + std::to_string(config.pipeline_max) + " exceeds " +
                        std::to_string(roles::FrameSettings::kPipelineMax));
    }
    if (config.window > kWindowMax) {
        return fail(why, Status::kArgument, "window",
                    "a window of " + std::to_string(config.window) + " answers exceeds " +
                        std::to_string(kWindowMax));
    }
    if (config.quality < 0 || config.quality > P2C2R_QUALITY_QUALITY) {
        return fail(why, Status::kArgument, "quality", "quality is not a P2C2R_QUALITY_ constant");
    }
    settings.stream.budget_us = config.budget_us;
    settings.stream.pipeline_max = config.pipeline_max;
    settings.stream.window = config.window;
    settings.stream.age_max = config.age_max;
    settings.stream.quality = config.quality;
    settings.stream.uses_previous = !(config.flags & P2C2R_FRAMES_NO_PREVIOUS);
    settings.flags = config.flags;
    settings.output_width = config.output_width;
    settings.output_height = config.output_height;
    settings.capture = config.capture;
    settings.display = config.display;
    settings.fallback = config.fallback;
    settings.user = config.user;
    return P2C2R_OK;
}

// The forms of a push, as the role has them.
p2c2r_status read_forms(FramesState& state, const p2c2r_task_desc& desc, int32_t quality,
                        const p2c2r_frame_form* forms, uint32_t count,
                        std::vector<roles::LocalForm>& out, p2c2r_error* why) {
    const auto is_quality = [](int32_t value) {
        return value >= P2C2R_QUALITY_FAST && value <= P2C2R_QUALITY_QUALITY;
    };
    if (quality != 0 && !is_quality(quality)) {
        return fail(why, Status::kArgument, "quality", "quality is not a P2C2R_QUALITY_ constant");
    }
    if (count > FramesState::kFormsMax) {
        return fail(
            why, Status::kArgument, "count",
            std::to_string(count) + " forms exceed " + std::to_string(FramesState::kFormsMax));
    }
    if (count > 0 && !forms) return fail_null(why, "forms");
    for (uint32_t index = 0; index < count; ++index) {
        InStruct<p2c2r_frame_form> form;
        // Walked with the struct_size of the first.
        const auto* given = reinterpret_cast<const p2c2r_frame_form*>(
            reinterpret_cast<const unsigned char*>(forms) + size_t{index} * forms->struct_size);
        if (given->struct_size != forms->struct_size) {
            return fail(
                why, Status::kArgument, "struct_size",
                "form " + std::to_string(index) + " has another struct_size than the first");
        }
        if (const p2c2r_status bad = form.read(given, "forms", why)) return bad;
        if (!is_quality(form->quality)) {
            return fail(
                why, Status::kArgument, "quality",
                "quality of form " + std::to_string(index) + " is not a P2C2R_QUALITY_ constant");
        }
        for (const roles::LocalForm& other : out) {
            if (other.quality != form->quality) continue;
            return fail(why, Status::kArgument, "quality",
                        "form " + std::to_string(index) + " has the quality of another one");
        }
        Result<Bytes> params = read_map(form->params, form->params_size, desc.params_format,
                                        "params", state.client.runtime.pool().hook());
        if (!params) {
            Error error = params.error();
            if (error.field.empty()) error.field = "params";
            return fail(why, error);
        }
        out.push_back({form->quality, std::move(*params)});
    }
    return P2C2R_OK;
}

// Runs pull or step into a complete answer and gives the caller what it knows of it.
template <class Get>
p2c2r_status answer_into(p2c2r_answer* out, Get&& get) {
    if (const p2c2r_status bad = check_out_struct(out, "out")) return bad;
    p2c2r_answer answer = {};
    const p2c2r_status status = get(answer);
    write_struct(out, answer);
    return status;
}

}  // namespace

extern "C" {

p2c2r_status P2C2R_CALL p2c2r_frames_create(p2c2r_client* client, const p2c2r_frames_config* given,
                                            p2c2r_frames** out, p2c2r_error* why) {
    if (out) *out = nullptr;
    return with(client, why, [&](ClientState& state) -> p2c2r_status {
        if (!out) return fail_null(why, "out");
        InStruct<p2c2r_frames_config> config;
        if (const p2c2r_status bad = config.read(given, "config", why)) return bad;
        FramesSettings settings;
        if (const p2c2r_status bad = read_frames(*config, settings, why)) return bad;
        *out = static_cast<p2c2r_frames*>(
            state.add_frames(std::make_unique<FramesState>(state, settings)));
        return P2C2R_OK;
    });
}

p2c2r_status P2C2R_CALL p2c2r_frames_push(p2c2r_frames* frames, const p2c2r_task_desc* given,
                                          uint64_t* frame, p2c2r_error* why) {
    if (frame) *frame = 0;
    return with(frames, why, [&](FramesState& state) -> p2c2r_status {
        InStruct<p2c2r_task_desc> desc;
        if (const p2c2r_status bad = desc.read(given, "desc", why)) return bad;
        return state.push(*desc, 0, {}, frame, why);
    });
}

p2c2r_status P2C2R_CALL p2c2r_frames_push_forms(p2c2r_frames* frames, const p2c2r_task_desc* given,
                                                int32_t quality, const p2c2r_frame_form* forms,
                                                uint32_t count, uint64_t* frame, p2c2r_error* why) {
    if (frame) *frame = 0;
    return with(frames, why, [&](FramesState& state) -> p2c2r_status {
        InStruct<p2c2r_task_desc> desc;
        if (const p2c2r_status bad = desc.read(given, "desc", why)) return bad;
        std::vector<roles::LocalForm> local;
        if (const p2c2r_status bad = read_forms(state, *desc, quality, forms, count, local, why)) {
            return bad;
        }
        return state.push(*desc, quality, std::move(local), frame, why);
    });
}

p2c2r_status P2C2R_CALL p2c2r_frames_pull(p2c2r_frames* frames, uint64_t frame, uint32_t budget_us,
                                          p2c2r_answer* out) {
    return with_waiting(frames, nullptr, [&](FramesState& state) {
        return answer_into(
            out, [&](p2c2r_answer& answer) { return state.pull(frame, budget_us, answer); });
    });
}

p2c2r_status P2C2R_CALL p2c2r_frames_step(p2c2r_frames* frames, uint32_t budget_us,
                                          p2c2r_answer* out) {
    return with_waiting(frames, nullptr, [&](FramesState& state) {
        return answer_into(out,
                           [&](p2c2r_answer& answer) { return state.step(budget_us, answer); });
    });
}

p2c2r_status P2C2R_CALL p2c2r_frames_destroy(p2c2r_frames* frames) {
    if (!frames) return P2C2R_OK;
    return with_waiting(frames, nullptr, [&](FramesState& state) -> p2c2r_status {
        remove_handle(frames);
        state.client.remove_frames(state);
        return P2C2R_OK;
    });
}

}  // extern "C"
