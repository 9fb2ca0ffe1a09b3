// Slices of one job that are submitted before those in front of them have ended, so that a device
// has the next one at hand while the host looks at the last. Two are under way at most.
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "gpu/compute.h"

namespace p2c2r::kernels {

// `Note` is what a job wants to know again when a slice has ended. One thread.
template <class Note>
class SlicesUnderWay {
  public:
    // Called with each slice, in their order, once it has ended.
    using Ended = std::function<Result<Done>(const Note& note, uint64_t device_ns)>;

    // `ended` is called inside add() and finish(), never inside the destructor.
    SlicesUnderWay(gpu::Device& device, Ended ended) : device_(device), ended_(std::move(ended)) {}
    // What is under way ends first: the job's buffers go next. Nobody wants its results.
    ~SlicesUnderWay() {
        for (const auto& slice : slices_) {
            if (slice) static_cast<void>(device_.wait(slice->ticket));
        }
    }
    SlicesUnderWay(const SlicesUnderWay&) = delete;
    SlicesUnderWay& operator=(const SlicesUnderWay&) = delete;

    // Buffers that the slice before the last one is read back into may be used again.
    Result<Done> add(const gpu::Work& work, Note note) {
        const Result<gpu::Ticket> ticket = device_.submit(work);
        if (!ticket) return ticket.error();
        slices_[added_ % kMost] = Slice{*ticket, std::move(note)};
        ++added_;
        return end_oldest(kMost - 1);
    }
    // Until at most `left` are under way.
    Result<Done> end_oldest(uint64_t left) {
        while (added_ - ended_count_ > left) {
            const Slice slice = std::move(*slices_[ended_count_ % kMost]);
            slices_[ended_count_ % kMost].reset();
            ++ended_count_;
            const Result<gpu::RunTime> time = device_.wait(slice.ticket);
            if (!time) return time.error();
            if (Result<Done> done = ended_(slice.note, time->device_ns); !done) return done;
        }
        return Done{};
    }
    Result<Done> finish() { return end_oldest(0); }

    // 0 or 1: a place for what the next slice is read back into.
    [[nodiscard]] size_t next_place() const { return added_ % kMost; }
    [[nodiscard]] uint64_t under_way() const { return added_ - ended_count_; }

    static constexpr size_t kMost = 2;
    static_assert(kMost <= gpu::kSubmissionsMax);

  private:
    struct Slice {
        gpu::Ticket ticket;
        Note note;
    };

    gpu::Device& device_;
    const Ended ended_;
    std::optional<Slice> slices_[kMost];
    uint64_t added_ = 0;
    uint64_t ended_count_ = 0;
};

}  // namespace p2c2r::kernels
