// p2c2r_frames_...: the functions of a stream of frames.
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
    if (config.pipeline_max > FramesState::kPipelineMax) {
        return fail(why, Status::kArgument, "pipeline_max",
                    "pipeline_max of " + std::to_string(config.pipeline_max) + " exceeds " +
                        std::to_string(FramesState::kPipelineMax));
    }
    if (config.window > kWindowMax) {
        return fail(why, Status::kArgument, "window",
                    "a window of " + std::to_string(config.window) + " answers exceeds " +
                        std::to_string(kWindowMax));
    }
    if (config.quality < 0 || config.quality > P2C2R_QUALITY_QUALITY) {
        return fail(why, Status::kArgument, "quality", "quality is not a P2C2R_QUALITY_ constant");
    }
    if (config.budget_us != 0) settings.budget_us = config.budget_us;
    if (config.pipeline_max != 0) settings.pipeline_max = config.pipeline_max;
    if (config.window != 0) settings.window = config.window;
    if (config.age_max != 0) settings.age_max = config.age_max;
    if (config.quality != 0) settings.quality = config.quality;
    settings.flags = config.flags;
    settings.output_width = config.output_width;
    settings.output_height = config.output_height;
    settings.capture = config.capture;
    settings.display = config.display;
    settings.fallback = config.fallback;
    settings.user = config.user;
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
        return state.push(*desc, frame, why);
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
