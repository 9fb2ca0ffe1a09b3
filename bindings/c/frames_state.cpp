#include "bindings/c/frames_state.h"

#include <algorithm>
#include <thread>

#include "bindings/c/bytes_in.h"
#include "bindings/c/clock.h"
#include "bindings/c/failure.h"
#include "bindings/c/host_scope.h"
#include "bindings/c/images.h"
#include "bindings/c/results.h"
#include "bindings/c/runtime_state.h"
#include "bindings/c/structs.h"

namespace p2c2r::capi {

namespace {

// What is left of a budget when waiting ends: for choosing another answer and for returning, which
// takes some 10 us, for waking up, some 80 us, and for what else the system runs meanwhile. Within
// these bounds. Up to there it sleeps and does not spin: who spins uses up its turn of the core,
// and what the system then runs in its place has a whole one, 1 to 3 ms.
constexpr uint64_t kReserveShare = 6;
constexpr uint64_t kReserveLeastUs = 50;
constexpr uint64_t kReserveMostUs = 1'000;
constexpr bool kSpins = false;

uint64_t reserve_us(uint64_t budget_us) {
    return std::clamp(budget_us / kReserveShare, kReserveLeastUs, kReserveMostUs);
}

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
    p2c2r_result* results_[2 * roles::FrameSettings::kPipelineMax + 4] = {};
    size_t count_ = 0;
};

roles::FrameStream::Good good_of(const p2c2r_result& result, int32_t quality) {
    return {result.answer.total_us, quality};
}

// The task as it is among the other forms, best first.
std::shared_ptr<const roles::FrameWish> wish_of(int32_t quality,
                                                std::vector<roles::LocalForm>&& forms,
                                                uint64_t answer_us) {
    auto wish = std::make_shared<roles::FrameWish>();
    wish->answer_us = answer_us;
    wish->forms = std::move(forms);
    std::erase_if(wish->forms,
                  [&](const roles::LocalForm& form) { return form.quality == quality; });
    wish->forms.push_back({quality, {}});
    std::sort(
        wish->forms.begin(), wish->forms.end(),
        [](const roles::LocalForm& a, const roles::LocalForm& b) { return a.quality > b.quality; });
    while (wish->forms[wish->own].quality != quality) ++wish->own;
    return wish;
}

}  // namespace

FramesState::FramesState(ClientState& client, const FramesSettings& settings)
    : client(client), settings_(settings), stream_(settings.stream) {}

FramesState::~FramesState() {
    stream_.for_each_task([this](uint64_t task) { drop(task); });
    p2c2r_result_release(previous_);
}

// It is not wanted any more. Forgotten first: from there on this machine's answer is not kept, nor
// is a part.
void FramesState::drop(p2c2r_task task) {
    (void)client.forget(task);
    p2c2r_result_release(client.take_local(task).result);
    while (client.take_part(parts_, task)) {
    }
}

// ---- push -------------------------------------------------------------------------------------

// From before a task is submitted until the stream knows of it, or it was refused.
class FramesState::Pushing {
  public:
    explicit Pushing(FramesState& frames) : frames_(frames) {
        const std::lock_guard lock(frames_.mutex_);
        ++frames_.pushing_;
    }
    ~Pushing() {
        const std::lock_guard lock(frames_.mutex_);
        --frames_.pushing_;
    }
    Pushing(const Pushing&) = delete;
    Pushing& operator=(const Pushing&) = delete;

  private:
    FramesState& frames_;
};

p2c2r_status FramesState::push(const p2c2r_task_desc& given, int32_t quality,
                               std::vector<roles::LocalForm> forms, uint64_t* frame,
                               p2c2r_error* why) {
    if (given.done) {
        return fail(why, Status::kArgument, "done", "done must be NULL: answers come by pull");
    }
    if (given.output) {
        return fail(why, Status::kArgument, "output",
                    "output must be NULL: a frame may be dropped");
    }
    if (given.flags & P2C2R_TASK_RESIDENT) {
        return fail(why, Status::kArgument, "flags",
                    "flags has P2C2R_TASK_RESIDENT: what answers a frame must come");
    }
    p2c2r_task_desc desc = given;
    const uint64_t now = now_us();
    harvest();
    roles::FrameStream::Wish wish;
    {
        const std::lock_guard lock(mutex_);
        stream_.make_room();
        wish = stream_.next_wish(desc.deadline_us);
        if (quality == 0) quality = stream_.quality();
    }
    desc.deadline_us = wish.deadline_us;
    std::shared_ptr<const roles::FrameWish> in_time;
    if (!(settings_.flags & P2C2R_FRAMES_NO_LOCAL) && desc.place != P2C2R_PLACE_REMOTE) {
        in_time = wish_of(quality, std::move(forms), wish.answer_us);
    }
    const bool is_cut = desc.split != P2C2R_SPLIT_NEVER || desc.part;
    PartNotes* const parts = is_cut ? &parts_ : nullptr;
    roles::FrameStream::Pushed pushed;
    {
        const Pushing pushing(*this);
        p2c2r_task task = 0;
        if (const p2c2r_status bad =
                client.submit(desc, now, &task, why, std::move(in_time), parts)) {
            return bad;
        }
        const std::lock_guard lock(mutex_);
        pushed = stream_.push(task, quality, now);  // has room
    }
    if (frame) *frame = pushed.frame;
    if (pushed.dropped_task != 0) drop(pushed.dropped_task);
    return P2C2R_OK;
}

void FramesState::harvest() {
    Unwanted unwanted;
    PartNotes late;  // of frames that were answered; nobody is told
    const std::lock_guard lock(mutex_);
    p2c2r_task open[roles::FrameSettings::kPipelineMax + 1];
    size_t count = 0;
    stream_.for_each_open([&](uint64_t task) { open[count++] = task; });
    const auto take = [&](p2c2r_task task, p2c2r_result* result, int32_t quality, bool ended) {
        const bool is_newest = stream_.came_late(task, good_of(*result, quality), ended);
        unwanted.add(is_newest ? std::exchange(previous_, result) : result);
    };
    for (size_t i = 0; i < count; ++i) {
        p2c2r_result* result = nullptr;
        const Status status = client.poll(open[i], &result);
        // Behind the poll: one that has ended brings no other.
        const ClientState::Local local = client.take_local(open[i]);
        if (local.result) take(open[i], local.result, local.quality, false);
        while (std::unique_ptr<PartNote> note = client.take_part(parts_, open[i])) {
            late.add(std::move(note));
        }
        if (status == Status::kPending) continue;
        if (status == Status::kOk && result->answer.success()) {
            take(open[i], result, local.result ? 0 : local.quality, true);
        } else {  // an end, but no answer
            stream_.came_to_nothing(open[i]);
            unwanted.add(result);
        }
    }
}

// ---- pull -------------------------------------------------------------------------------------

// What has come of a frame's task at the end of its pull; not owned.
struct FramesState::Came {
    bool ended = false;
    p2c2r_result* own = nullptr;
    ClientState::Local local;
};

p2c2r_status FramesState::pull(uint64_t frame, uint32_t budget_us, p2c2r_answer& out) {
    if (pulling_.exchange(true)) return P2C2R_E_BUSY;
    struct Done {
        std::atomic<bool>& pulling;
        ~Done() { pulling.store(false); }
    } done{pulling_};
    return answer(frame, budget_us, out);
}

// Until a little before the end of the budget; the host's function, where it is the only answer
// left, has its share of it.
Status FramesState::wait_own(const roles::FrameStream::Pull& pull, uint64_t budget_us,
                             p2c2r_result** own) {
    if (settings_.fallback) {
        const uint64_t share_us =
            std::max(reserve_us(budget_us), std::min(budget_us / 4, kHostShareMaxUs));
        const Status status = wait_until(pull, share_us, own);
        if (status != Status::kPending) return status;
        const bool has_other = client.has_local(pull.task) || [&] {
            const std::lock_guard lock(mutex_);
            return stream_.has_previous_for(pull.frame);
        }();
        if (!has_other) return status;
    }
    // A budget below the reserve still looks once.
    return wait_until(pull, reserve_us(budget_us), own);
}

Status FramesState::wait_until(const roles::FrameStream::Pull& pull, uint64_t reserved_us,
                               p2c2r_result** own) {
    for (;;) {
        const uint64_t now = now_us() + reserved_us;
        const uint64_t left_us = pull.until_us > now ? pull.until_us - now : 0;
        const Status status = client.get_result(pull.task, left_us, own, kSpins, &parts_);
        if (status != Status::kPending || left_us == 0 || !tell_part(0)) return status;
    }
}

bool FramesState::tell_part(p2c2r_task task) {
    uint64_t frame;
    std::unique_ptr<PartNote> note;
    {
        std::unique_lock lock(mutex_);
        note = client.take_part(parts_, task);
        if (!note) return false;
        // A part may be quicker than the push that is about to say which frame it is of.
        while (!stream_.has(note->task) && pushing_ > 0) {
            lock.unlock();
            std::this_thread::yield();
            lock.lock();
        }
        frame = stream_.part_came(note->task, note->which.count);
    }
    if (frame != 0 && note->part) note->tell(frame);
    return true;
}

p2c2r_status FramesState::answer(uint64_t frame, uint32_t budget_us, p2c2r_answer& out) {
    const uint64_t started = now_us();
    const uint64_t budget = budget_us == 0 ? stream_.settings().budget_us : budget_us;
    out = {};
    std::optional<roles::FrameStream::Pull> pull;
    {
        const std::lock_guard lock(mutex_);
        pull = stream_.begin_pull(frame, started, budget);
    }
    if (!pull) return P2C2R_E_ARGUMENT;
    Came came;
    if (pull->task != 0) {
        if (pull->moves) client.want_answer(pull->task, pull->until_us);
        came.ended = wait_own(*pull, budget, &came.own) != Status::kPending;
        came.local = client.take_local(pull->task);
        while (tell_part(pull->task)) {
        }
    }
    while (now_us() < pull->until_us && tell_part(0)) {
    }
    harvest();
    choose(*pull, came, out);
    if (out.source == P2C2R_SOURCE_NONE) (void)ask_host(frame, pull->until_us, out);
    const std::lock_guard lock(mutex_);
    out.quality_next = stream_.quality();
    out.late_count = stream_.late_count();
    out.used_us = static_cast<uint32_t>(std::min<uint64_t>(now_us() - started, UINT32_MAX));
    return P2C2R_OK;
}

void FramesState::choose(const roles::FrameStream::Pull& pull, Came& came, p2c2r_answer& out) {
    using From = roles::FrameStream::From;
    Unwanted unwanted;
    const std::lock_guard lock(mutex_);
    std::optional<roles::FrameStream::Good> own, here;
    p2c2r_result* const spare = came.local.result;
    if (came.own && came.own->answer.success()) {
        own = good_of(*came.own, spare ? 0 : came.local.quality);
    }
    if (spare) here = good_of(*spare, came.local.quality);
    const roles::FrameStream::Answer best = stream_.end_pull(pull, now_us(), came.ended, own, here);
    p2c2r_result* used = best.from == From::kOwn    ? came.own
                         : best.from == From::kHere ? spare
                                                    : nullptr;
    if (came.own != used) unwanted.add(came.own);
    if (spare != used) unwanted.add(spare);
    if (best.is_newest) {
        unwanted.add(std::exchange(previous_, p2c2r_result_retain(used)));
    }
    out.frame = pull.frame;
    out.quality = best.quality;
    out.parts = best.parts;
    out.parts_came = best.parts_came;
    if (best.from == From::kNone) return;
    out.answers_frame = best.frame;
    out.age_us = best.age_us;
    if (best.from == From::kPrevious) {
        out.source = P2C2R_SOURCE_PREVIOUS;
        out.result = p2c2r_result_retain(previous_);
    } else {
        out.source = static_cast<int32_t>(used->answer.source);
        out.result = used;
    }
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
    const uint64_t budget = budget_us == 0 ? stream_.settings().budget_us : budget_us;
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
        quality = stream_.quality();
    }
    Bytes params;
    std::vector<roles::LocalForm> forms;
    for (int32_t form = quality; form >= P2C2R_QUALITY_FAST; --form) {
        Result<Bytes> made =
            upscale_params(image, settings_.output_width, settings_.output_height, form);
        if (!made) return fail(nullptr, made.error());
        if (form == quality) {
            params = std::move(*made);
        } else {
            forms.push_back({form, std::move(*made)});
        }
    }
    p2c2r_task_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.task_type = "upscale";
    desc.params = params.data();
    desc.params_size = params.size();
    desc.data = &image.bytes;
    uint64_t frame = 0;
    if (const p2c2r_status bad = push(desc, quality, std::move(forms), &frame, nullptr)) return bad;
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
