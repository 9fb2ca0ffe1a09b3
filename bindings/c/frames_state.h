// A stream of frames on a client: for each frame that is pulled there is an answer by the end of
// its budget, the best one there is. What that is roles/frame_stream.h decides; the client's role
// computes here in time (roles/client_frames.cpp); here are the tasks, the results and the waiting.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "bindings/c/client_state.h"
#include "p2c2r/p2c2r.h"
#include "roles/frame_stream.h"

namespace p2c2r::capi {

struct FramesSettings {
    roles::FrameSettings stream;
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
    static constexpr uint32_t kFormsMax = 8;

    FramesState(ClientState& client, const FramesSettings& settings);
    ~FramesState();

    ClientState& client;
    void* handle = nullptr;

    // `quality` 0: the advised one. `forms`: those beside the task as it is, in any order.
    p2c2r_status push(const p2c2r_task_desc& desc, int32_t quality,
                      std::vector<roles::LocalForm> forms, uint64_t* frame, p2c2r_error* why);
    // `out` is complete; its result is the caller's.
    p2c2r_status pull(uint64_t frame, uint32_t budget_us, p2c2r_answer& out);
    p2c2r_status step(uint32_t budget_us, p2c2r_answer& out);

  private:
    struct Came;
    class Pushing;

    p2c2r_status answer(uint64_t frame, uint32_t budget_us, p2c2r_answer& out);
    Status wait_own(const roles::FrameStream::Pull& pull, uint64_t budget_us, p2c2r_result** own);
    // Until so long before the end of the pull; tells the parts that come meanwhile.
    Status wait_until(const roles::FrameStream::Pull& pull, uint64_t reserved_us,
                      p2c2r_result** own);
    // The next part that came, of this task where it is not 0. False: there is none.
    bool tell_part(p2c2r_task task);
    // Takes what has come in after its frame's pull.
    void harvest();
    void choose(const roles::FrameStream::Pull& pull, Came& came, p2c2r_answer& out);
    void drop(p2c2r_task task);
    bool ask_host(uint64_t frame, uint64_t until_us, p2c2r_answer& out);
    void show(const p2c2r_answer& answer) const;

    const FramesSettings settings_;
    std::atomic<bool> pulling_{false};

    std::mutex mutex_;  // guards what follows; the client's is taken inside it
    roles::FrameStream stream_;
    p2c2r_result* previous_ = nullptr;  // the newest answer
    uint32_t pushing_ = 0;              // tasks that may run, of which the stream knows nothing yet

    PartNotes parts_;  // of frames in flight; guarded by the client's mutex
};

}  // namespace p2c2r::capi
