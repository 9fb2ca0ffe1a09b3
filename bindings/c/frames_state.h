// A stream of frames on a client: for each frame that is pulled there is an answer by the end of
// its budget, the best one there is.
//
//   own answer of the frame   by a peer, the coordinator, or this machine at the deadline
//   previous                  the newest answer of an earlier frame, if it is not too old
//   host                      the host's own function
//   none
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "bindings/c/client_state.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::capi {

// Advises a quality from how long answers took: contract section 2, adaptive quality.
class QualityWindow {
  public:
    QualityWindow(uint32_t size, int32_t first) : size_(size), quality_(first) {}
    void add(uint64_t took_us);
    [[nodiscard]] int32_t quality() const { return quality_; }

  private:
    static constexpr uint64_t kSlowUs = 33'000;
    static constexpr uint64_t kQuickUs = 16'000;
    const uint32_t size_;
    int32_t quality_;
    std::deque<uint64_t> times_;
    uint64_t sum_ = 0;
};

struct FramesSettings {
    uint32_t budget_us = 16'666;
    uint32_t pipeline_max = 8;
    uint32_t window = 10;
    uint32_t age_max = 4;
    int32_t quality = P2C2R_QUALITY_BALANCED;
    uint32_t flags = 0;
    uint32_t output_width = 0;
    uint32_t output_height = 0;
    p2c2r_capture_fn capture = nullptr;
    p2c2r_display_fn display = nullptr;
    p2c2r_fallback_fn fallback = nullptr;
    void* user = nullptr;
};

class FramesState {
  public:
    static constexpr uint32_t kPipelineMax = 64;

    FramesState(ClientState& client, FramesSettings settings);
    ~FramesState();

    ClientState& client;
    void* handle = nullptr;

    p2c2r_status push(const p2c2r_task_desc& desc, uint64_t* frame, p2c2r_error* why);
    // `out` is complete; its result is the caller's.
    p2c2r_status pull(uint64_t frame, uint32_t budget_us, p2c2r_answer& out);
    p2c2r_status step(uint32_t budget_us, p2c2r_answer& out);

  private:
    struct Frame {
        uint64_t number = 0;
        p2c2r_task task = 0;  // 0: fetched or dropped
        int32_t quality = 0;
        uint64_t pushed_us = 0;
        bool pulled = false;
    };

    p2c2r_status answer(uint64_t frame, uint32_t budget_us, p2c2r_answer& out);
    // Takes what has come in after its frame's pull.
    void harvest();
    // Under the mutex: the newest answer is kept; gives what is not needed any more.
    p2c2r_result* keep(p2c2r_result* result, uint64_t frame);
    bool use_previous(uint64_t frame, p2c2r_answer& out);
    bool ask_host(uint64_t frame, uint64_t until_us, p2c2r_answer& out);
    void show(const p2c2r_answer& answer) const;

    const FramesSettings settings_;
    std::atomic<bool> pulling_{false};

    std::mutex mutex_;           // guards what follows
    std::vector<Frame> frames_;  // in flight or just answered, oldest first
    uint64_t newest_ = 0;
    QualityWindow window_;
    p2c2r_result* previous_ = nullptr;
    uint64_t previous_frame_ = 0;
    uint32_t late_count_ = 0;
};

}  // namespace p2c2r::capi
