// The gamer of the moving camera: each frame it asks for two layers, draws in plain light, and lays
// over that the newest layers that have come.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/camera_report.h"
#include "cli/local_view.h"
#include "cli/session.h"

namespace p2c2r::cli {

// Frames before those that count: peers compile what they need and get the scene.
inline constexpr size_t kCameraWarmUp = 30;

// A walk around the middle, in and out, over `count` frames after the warm-up, which comes before.
ViewCamera camera_at(size_t frame, size_t count);

class CameraGame {
  public:
    // facts: `frames`, `rate` and `deadline_us` are set, the others are filled in.
    CameraGame(Session& session, const LocalView& view, PictureSize size, CameraFacts& facts,
               StopSignals& signals)
        : session_(session), view_(view), size_(size), facts_(facts), signals_(signals) {}
    // The scene as an input that stays.
    Outcome put(const nlohmann::json& scene);
    Outcome play();
    std::vector<Picture> take_shown() { return std::move(shown_); }

  private:
    enum Layer { kShadowLayer, kMirrorLayer };
    struct Asked {
        p2c2r_task task;
        Layer layer;
        size_t frame;  // warm-up included
        uint64_t asked_us;
        ViewTile tile;
        nlohmann::json params;
        std::shared_ptr<const ViewFrame> seen;
        bool is_again;  // here, after its deadline
    };
    struct Newest {
        std::shared_ptr<const ViewFrame> shadow_frame, mirror_frame;
        ShadowMasks shadows;
        MirrorColors mirrors;
        size_t asked[2] = {};  // in which frame
        uint64_t asked_us[2] = {};
    };
    Outcome play_frame(size_t frame);
    Outcome ask(Layer layer, size_t frame, std::shared_ptr<const ViewFrame> seen);
    Outcome submit(Asked asked);
    Outcome take_answers();
    // Until none is under way, with a limit.
    Outcome take_last_answers();
    bool use(const Asked& asked, const p2c2r_result* result);
    Outcome answered(const Asked& asked, const p2c2r_result* result);
    void count_peers(bool in_warm_up);
    void count_bytes(CameraFrame* record);
    CameraFrame* record_of(size_t frame) {
        return frame < kCameraWarmUp ? nullptr : &facts_.frames[frame - kCameraWarmUp];
    }

    Session& session_;
    const LocalView& view_;
    PictureSize size_;
    CameraFacts& facts_;
    StopSignals& signals_;
    p2c2r_content content_ = 0;
    std::vector<Asked> asked_;
    Newest newest_;
    std::vector<Picture> shown_;
    uint64_t due_us_ = 0;
    uint64_t sent_ = 0, received_ = 0;
};

}  // namespace p2c2r::cli
