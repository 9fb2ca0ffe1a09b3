#include "bindings/c/frames_state.h"

#include <algorithm>

#include "bindings/c/bytes_in.h"
#include "bindings/c/failure.h"
#include "bindings/c/host_scope.h"
#include "bindings/c/images.h"
#include "bindings/c/process.h"
#include "bindings/c/results.h"
#include "bindings/c/runtime_state.h"
#include "bindings/c/structs.h"

namespace p2c2r::capi {

namespace {

// What is left of a budget when waiting ends: for choosing another answer and for returning.
constexpr uint64_t kReserveUs = 50;
// Of a budget, for the host's own function: a quarter, within these bounds.
constexpr uint64_t kHostShareMaxUs = 4'000;

// Results that are released when the lock declared behind this is gone: a release may end in a host
// function.
class Unwanted {
  public:
    ~Unwanted() {
        for (size_t i = 0; i < count_; ++i) p2c2r_result_release(results_[i]);
    }
    void add(p2c2r_result* result) {
        if (result) results_[count_++] = result;
    }

  private:
    p2c2r_result* results_[FramesState::kPipelineMax + 2] = {};
    size_t count_ = 0;
};

}  // namespace

void QualityWindow::add(uint64_t took_us) {
    times_.push_back(took_us);
    sum_ += took_us;
    if (times_.size() > size_) {
        sum_ -= times_.front();
        times_.pop_front();
    }
    if (times_.size() < size_) return;
    const uint64_t mean = sum_ / size_;
    if (mean > kSlowUs) {
        quality_ = P2C2R_QUALITY_FAST;
    } else if (mean < kQuickUs) {
        quality_ = P2C2R_QUALITY_QUALITY;
    }
}

FramesState::FramesState(ClientState& client, FramesSettings settings)
    : client(client), settings_(settings), window_(settings.window, settings.quality) {}

FramesState::~FramesState() {
    for (const Frame& frame : frames_) {
        if (frame.task != 0) (void)client.forget(frame.task);
    }
    p2c2r_result_release(previous_);
}

// ---- push -------------------------------------------------------------------------------------

p2c2r_status FramesState::push(const p2c2r_task_desc& given, uint64_t* frame, p2c2r_error* why) {
    if (given.done) {
        return fail(why, Status::kArgument, "done", "done must be NULL: answers come by pull");
    }
    if (given.output) {
        return fail(why, Status::kArgument, "output",
                    "output must be NULL: a frame may be dropped");
    }
    p2c2r_task_desc desc = given;
    if (!(settings_.flags & P2C2R_FRAMES_NO_LOCAL)) desc.flags |= P2C2R_TASK_LOCAL_AT_DEADLINE;
    if (desc.deadline_us == 0) desc.deadline_us = settings_.budget_us;
    const uint64_t now = now_us();
    harvest();
    {
        const std::lock_guard lock(mutex_);
        frames_.reserve(settings_.pipeline_max + 1);
    }
    p2c2r_task task = 0;
    if (const p2c2r_status bad = client.submit(desc, now, &task, why)) return bad;
    p2c2r_task dropped = 0;
    {
        const std::lock_guard lock(mutex_);
        std::erase_if(frames_, [](const Frame& old) { return old.task == 0; });
        Frame added;
        added.number = ++newest_;
        added.task = task;
        added.quality = window_.quality();
        added.pushed_us = now;
        frames_.push_back(added);  // has room
        if (frame) *frame = added.number;
        if (frames_.size() > settings_.pipeline_max) {
            dropped = frames_.front().task;
            frames_.erase(frames_.begin());
        }
    }
    if (dropped != 0) (void)client.forget(dropped);
    return P2C2R_OK;
}

p2c2r_result* FramesState::keep(p2c2r_result* result, uint64_t frame) {
    if (frame < previous_frame_) return result;
    previous_frame_ = frame;
    return std::exchange(previous_, result);
}

void FramesState::harvest() {
    Unwanted unwanted;
    const std::lock_guard lock(mutex_);
    for (Frame& frame : frames_) {
        if (!frame.pulled || frame.task == 0) continue;
        p2c2r_result* result = nullptr;
        const Status status = client.poll(frame.task, &result);
        if (status == Status::kPending) continue;
        frame.task = 0;
        if (status != Status::kOk) continue;
        if (!result->answer.success()) {  // an end, but no answer
            unwanted.add(result);
            continue;
        }
        ++late_count_;
        unwanted.add(keep(result, frame.number));
    }
}

// ---- pull -------------------------------------------------------------------------------------

p2c2r_status FramesState::pull(uint64_t frame, uint32_t budget_us, p2c2r_answer& out) {
    if (pulling_.exchange(true)) return P2C2R_E_BUSY;
    struct Done {
        std::atomic<bool>& pulling;
        ~Done() { pulling.store(false); }
    } done{pulling_};
    return answer(frame, budget_us, out);
}

p2c2r_status FramesState::answer(uint64_t frame, uint32_t budget_us, p2c2r_answer& out) {
    const uint64_t started = now_us();
    const uint64_t budget = budget_us == 0 ? settings_.budget_us : budget_us;
    const uint64_t until = started + budget;
    out = {};
    out.frame = frame;
    p2c2r_task task = 0;
    uint64_t pushed_us = started;
    {
        const std::lock_guard lock(mutex_);
        if (frame == 0 || frame > newest_) return P2C2R_E_ARGUMENT;
        out.quality = window_.quality();
        for (Frame& pushed : frames_) {
            if (pushed.number != frame) continue;
            task = pushed.task;
            out.quality = pushed.quality;
            pushed_us = pushed.pushed_us;
            pushed.pulled = true;
        }
    }
    p2c2r_result* own = nullptr;
    if (task != 0) {
        const uint64_t reserve =
            settings_.fallback ? std::min(budget / 4, kHostShareMaxUs) : kReserveUs;
        // A budget below the reserve still looks once.
        const uint64_t left = budget > reserve ? budget - reserve : 0;
        const Status status = client.get_result(task, left, &own);
        if (status != Status::kPending) {
            const std::lock_guard lock(mutex_);
            for (Frame& pushed : frames_) {
                if (pushed.number == frame) pushed.task = 0;
            }
        }
    }
    harvest();
    bool answered = false;
    {
        Unwanted unwanted;
        const std::lock_guard lock(mutex_);
        if (own && own->answer.success()) {
            out.source = static_cast<int32_t>(own->answer.source);
            out.answers_frame = frame;
            out.result = own;
            unwanted.add(keep(p2c2r_result_retain(own), frame));
            answered = true;
        } else {
            unwanted.add(own);
        }
        window_.add(answered ? out.result->answer.total_us : now_us() - pushed_us);
        answered = answered || use_previous(frame, out);
    }
    if (!answered) (void)ask_host(frame, until, out);
    const std::lock_guard lock(mutex_);
    out.quality_next = window_.quality();
    out.late_count = late_count_;
    out.used_us = static_cast<uint32_t>(std::min<uint64_t>(now_us() - started, UINT32_MAX));
    return P2C2R_OK;
}

bool FramesState::use_previous(uint64_t frame, p2c2r_answer& out) {
    if ((settings_.flags & P2C2R_FRAMES_NO_PREVIOUS) || !previous_) return false;
    if (previous_frame_ > frame || frame - previous_frame_ > settings_.age_max) return false;
    out.source = P2C2R_SOURCE_PREVIOUS;
    out.answers_frame = previous_frame_;
    out.result = p2c2r_result_retain(previous_);
    return true;
}

bool FramesState::ask_host(uint64_t frame, uint64_t until_us, p2c2r_answer& out) {
    if (!settings_.fallback) return false;
    const uint64_t now = now_us();
    p2c2r_bytes bytes = {};
    p2c2r_status said;
    {
        const HostScope scope;
        const uint64_t left = until_us > now ? until_us - now : 0;
        said = [&]() noexcept {
            return settings_.fallback(settings_.user, frame, static_cast<uint32_t>(left), &bytes);
        }();
    }
    if (said != P2C2R_OK) return false;
    GivenBytes given(bytes);
    if (check_bytes(&bytes, "out", nullptr) != P2C2R_OK) return false;
    Pool& pool = client.runtime.pool();
    TaskResult answer;
    answer.status = Status::kOk;
    answer.source = Source::kHost;
    try {
        answer.data = take_bytes(bytes, pool.hook());
    } catch (const std::bad_alloc&) {
        return false;
    }
    given.taken();
    answer.total_us = now_us() - now;
    out.source = P2C2R_SOURCE_HOST;
    out.answers_frame = frame;
    out.result = make_result(pool, 0, nullptr, std::move(answer));
    return true;
}

// ---- step -------------------------------------------------------------------------------------

p2c2r_status FramesState::step(uint32_t budget_us, p2c2r_answer& out) {
    if (!settings_.capture || settings_.output_width == 0 || settings_.output_height == 0) {
        return P2C2R_E_STATE;
    }
    const uint64_t started = now_us();
    const uint64_t budget = budget_us == 0 ? settings_.budget_us : budget_us;
    out = {};
    p2c2r_image image = {};
    image.struct_size = sizeof image;
    p2c2r_status said;
    {
        const HostScope scope;
        said = [&]() noexcept { return settings_.capture(settings_.user, &image); }();
    }
    if (said != P2C2R_OK) {
        return is_known_status(said) && said != P2C2R_PENDING ? said : P2C2R_E_AGAIN;
    }
    GivenBytes given(image.bytes);
    int32_t quality;
    {
        const std::lock_guard lock(mutex_);
        quality = window_.quality();
    }
    const Result<Bytes> params =
        upscale_params(image, settings_.output_width, settings_.output_height, quality);
    if (!params) return fail(nullptr, params.error());
    p2c2r_task_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.task_type = "upscale";
    desc.deadline_us = budget;
    desc.params = params->data();
    desc.params_size = params->size();
    desc.data = &image.bytes;
    uint64_t frame = 0;
    if (const p2c2r_status bad = push(desc, &frame, nullptr)) return bad;
    given.taken();
    const uint64_t used = now_us() - started;
    const uint64_t left = budget > used ? budget - used : 1;
    const p2c2r_status status = pull(frame, static_cast<uint32_t>(left), out);
    if (status != P2C2R_OK) return status;
    show(out);
    out.used_us = static_cast<uint32_t>(std::min<uint64_t>(now_us() - started, UINT32_MAX));
    return P2C2R_OK;
}

void FramesState::show(const p2c2r_answer& answer) const {
    if (!settings_.display) return;
    p2c2r_image image = {};
    image.struct_size = sizeof image;
    bool has_image = answer.result && p2c2r_result_image(answer.result, &image) == P2C2R_OK;
    if (answer.result && !has_image) {
        // The host's own bytes: a picture of the output's size, in whatever form.
        has_image = host_image(answer.result->answer.data, settings_.output_width,
                               settings_.output_height, image);
    }
    p2c2r_answer shown = answer;
    shown.struct_size = sizeof shown;
    const HostScope scope;
    [&]() noexcept { settings_.display(settings_.user, has_image ? &image : nullptr, &shown); }();
}

}  // namespace p2c2r::capi
