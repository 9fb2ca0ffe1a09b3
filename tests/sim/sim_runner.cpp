#include "sim/sim_runner.h"

#include <algorithm>

#include "core/check.h"
#include "sim/short_memory.h"
#include "sim/sim_origin.h"

namespace p2c2r::sim {

namespace {

constexpr size_t kWordSize = 12;
constexpr uint64_t kWordStep = 0x9E3779B97F4A7C15ull;
constexpr uint64_t kFlip = 0x5A5A5A5A5A5A5A5Aull;

}  // namespace

Bytes encode_word(char key, uint64_t value) {
    uint8_t map[kWordSize] = {0x81, 0xa1, static_cast<uint8_t>(key), 0xcf};
    for (int i = 11; i >= 4; --i, value >>= 8) map[i] = static_cast<uint8_t>(value);
    return Bytes::copy(std::span<const uint8_t>(map));
}

std::optional<uint64_t> decode_word(char key, std::span<const uint8_t> map) {
    if (map.size() != kWordSize || map[0] != 0x81 || map[1] != 0xa1 ||
        map[2] != static_cast<uint8_t>(key) || map[3] != 0xcf) {
        return std::nullopt;
    }
    uint64_t value = 0;
    for (size_t i = 4; i < kWordSize; ++i) value = value << 8 | map[i];
    return value;
}

uint64_t input_word(uint64_t token, size_t index) {
    return (token + index + 1) * kWordStep;
}

uint64_t answer_word(uint64_t word) {
    return word ^ kFlip;
}

Bytes input_of(uint64_t token, size_t size) {
    return bytes_of({token, 0, size});
}

Bytes answer_to(std::span<const uint8_t> input) {
    if (input.empty()) return {};
    Buffer buffer = Buffer::allocate(input.size());
    for (size_t at = 0; at < input.size(); ++at) buffer.data()[at] = input[at] ^ 0x5A;
    return std::move(buffer).freeze(input.size());
}

SimRunner::SimRunner(World& world, SimLoop& loop, Prng prng, Coverage& coverage, uint32_t host,
                     RunnerOptions options)
    : world_(world),
      loop_(loop),
      prng_(prng),
      coverage_(coverage),
      address_(world.enter(*this)),
      host_(host),
      options_(std::move(options)),
      types_(options_.task_types) {
    std::sort(types_.begin(), types_.end());
    if (options_.slow > 1) coverage_.hit(Sometimes::kPeerSlow);
}

SimRunner::~SimRunner() {
    world_.leave(address_);
}

bool SimRunner::can_run(std::string_view task_type) const {
    return std::find(types_.begin(), types_.end(), task_type) != types_.end();
}

void SimRunner::set_type(const std::string& task_type, bool present) {
    const auto at = std::find(types_.begin(), types_.end(), task_type);
    if ((at != types_.end()) == present) return;
    if (present) {
        types_.push_back(task_type);
        std::sort(types_.begin(), types_.end());
    } else {
        types_.erase(at);
    }
    ++revision_;
    coverage_.hit(Sometimes::kTypesChange);
}

uint64_t SimRunner::duration_us(std::string_view task_type) {
    if (calm_dwell_us_) return task_type == kTypeEcho ? 0 : *calm_dwell_us_;
    uint64_t base =
        task_type == kTypeEcho ? 0 : options_.dwell_us_min + prng_.below(options_.dwell_us_max);
    // One in eight echoes is not short after all.
    if (base == 0 && prng_.chance(0.125)) base = 1 + prng_.below(500);
    uint64_t duration = static_cast<uint64_t>(static_cast<double>(base) * options_.slow);
    if (duration > 0 && prng_.chance(options_.stall_chance)) {
        duration += prng_.below(options_.stall_us_max + 1);
        coverage_.hit(Sometimes::kJobStall);
    }
    return duration;
}

exec::Output SimRunner::compute(const exec::JobSpec& spec, uint64_t stamp) {
    exec::Output output;
    if (!calm_dwell_us_ && prng_.chance(options_.params_error_chance)) {
        coverage_.hit(Sometimes::kJobParamsError);
        output.status = Status::kParams;
        output.field = "t";
        output.error = "t must not be unlucky";
        return output;
    }
    if (!calm_dwell_us_ && prng_.chance(options_.error_chance)) {
        static constexpr Status kFailures[] = {Status::kExecutor, Status::kDevice, Status::kMemory,
                                               Status::kBusy, Status::kInternal};
        coverage_.hit(Sometimes::kJobError);
        output.status = kFailures[prng_.below(std::size(kFailures))];
        output.error = "a drawn failure";
        return output;
    }
    output.status = Status::kOk;
    output.info = encode_word('s', stamp);
    output.data = answer_to(spec.data.span());
    return output;
}

uint64_t SimRunner::start(const exec::JobSpec& spec, uint64_t tag, exec::RunnerEvents& events) {
    const Plenty plenty;
    if (!can_run(spec.task_type)) return 0;
    if (!calm_dwell_us_ && prng_.chance(options_.refuse_chance)) {
        coverage_.hit(Sometimes::kJobRefused);
        return 0;
    }
    const uint64_t number = ++jobs_made_;
    const uint64_t stamp = next_stamp();
    const uint64_t duration = duration_us(spec.task_type);
    if (observer_) {
        observer_->on_job_started(host_, stamp, decode_word('t', spec.params.span()).value_or(0));
    }
    exec::Output output = compute(spec, stamp);
    output.processing_us = duration;
    if (duration == 0) {
        if (observer_) observer_->on_job_stopped(host_, stamp);
        events.on_job_done(tag, std::move(output));
        return number;
    }
    Job& job = jobs_[number];
    job.tag = tag;
    job.events = &events;
    job.stamp = stamp;
    job.started_us = world_.now_us();
    job.ends_us = world_.now_us() + duration;
    job.ignores_cancel = !calm_dwell_us_ && prng_.chance(options_.ignore_cancel_chance);
    job.output = std::move(output);
    world_.send(job.ends_us, address_, kEnd, number);
    return number;
}

void SimRunner::cancel(uint64_t number) {
    const Plenty plenty;
    const auto found = jobs_.find(number);
    if (found == jobs_.end() || found->second.cancelled) return;
    Job& job = found->second;
    job.cancelled = true;
    if (observer_) observer_->on_job_cancelled(host_, job.stamp);
    if (job.ignores_cancel) {
        coverage_.hit(Sometimes::kJobIgnoresCancel);
        return;
    }
    // Noticed at the end of the slice that is running.
    const uint64_t elapsed = world_.now_us() - job.started_us;
    const uint64_t slice = job.started_us + (elapsed / options_.slice_us + 1) * options_.slice_us;
    if (slice < job.ends_us) world_.send(slice, address_, kSlice, number);
}

void SimRunner::forget(exec::RunnerEvents& events) {
    // The workers go on until they notice; nobody hears of them.
    for (auto& [number, job] : jobs_) {
        if (job.events != &events) continue;
        job.events = nullptr;
        cancel(number);
    }
}

void SimRunner::finish(uint64_t number, bool cancelled) {
    auto node = jobs_.extract(number);
    Job& job = node.mapped();
    if (observer_) observer_->on_job_stopped(host_, job.stamp);
    if (cancelled) {
        coverage_.hit(Sometimes::kJobCancelled);
        job.output = exec::Output{};
        job.output.status = Status::kCancelled;
        job.output.error = "cancelled";
    }
    job.output.processing_us = world_.now_us() - job.started_us;
    if (!job.events) return;
    loop_.turn([&] { job.events->on_job_done(job.tag, std::move(job.output)); });
}

void SimRunner::on_event(uint32_t kind, uint64_t number) {
    const auto found = jobs_.find(number);
    if (found == jobs_.end()) return;
    if (world_.now_us() < frozen_until_us_) {
        return world_.send(frozen_until_us_, address_, kind, number);
    }
    if (kind == kSlice) return finish(number, true);
    if (found->second.ends_us <= world_.now_us()) finish(number, false);
}

void SimRunner::calm(uint64_t dwell_us) {
    calm_dwell_us_ = dwell_us;
    const uint64_t soon = world_.now_us() + 200'000;
    for (auto& [number, job] : jobs_) {
        if (job.ends_us <= soon) continue;
        job.ends_us = soon;
        world_.send(soon, address_, kEnd, number);
    }
}

void SimRunner::freeze(uint64_t until_us) {
    frozen_until_us_ = until_us;
    const uint64_t now = world_.now_us();
    for (auto& [number, job] : jobs_) {
        job.ends_us = std::max(job.ends_us, now) - now + until_us;
        world_.send(job.ends_us, address_, kEnd, number);
    }
}

void SimRunner::kill() {
    for (const auto& [number, job] : jobs_) {
        if (observer_) observer_->on_job_stopped(host_, job.stamp);
    }
    jobs_.clear();
}

}  // namespace p2c2r::sim
