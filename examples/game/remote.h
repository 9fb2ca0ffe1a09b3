// Everything that this game has others compute: what is asked, how often, and what came back last.
// Each effect is asked for ahead of need and used when it comes; the game waits for none of them.
#pragma once

#include <p2c2r/p2c2r.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "connection.h"
#include "layers.h"
#include "resident.h"
#include "view.h"
#include "world.h"

namespace game {

enum Effect { kShadows, kReflections, kDebris, kPaths, kEffects };

// What the screen says of an effect.
struct EffectState {
    bool is_on = true;
    int32_t source = P2C2R_SOURCE_NONE;  // who computed the answer that shows
    uint64_t asked_at = 0;               // the frame that answer was asked in; 0: none shows
    double answer_ms = 0;                // from asking to the answer
    uint64_t answers = 0;
    std::string trouble;  // why the last one failed; "": it did not
};

// Why something cannot be used; without a text there is none.
struct Trouble {
    std::string text;
    bool is_usage = false;  // of the command line's making
    explicit operator bool() const { return !text.empty(); }
};

struct RemoteOptions {
    std::string url;  // "": a coordinator and a peer in this process
    std::string pin;  // hexadecimal; needed for p2c2r://
    std::string identity;
    std::string network;     // the client's options as JSON, a fake bad network for example
    bool is_steady = false;  // wait for every answer: pictures do not depend on the machine
    int layer_width = 640;
    int layer_height = 360;
};

template <auto Destroy>
struct Destroyer {
    template <typename Handle>
    void operator()(Handle* handle) const {
        Destroy(handle);
    }
};
using RuntimeHandle = std::unique_ptr<p2c2r_runtime, Destroyer<p2c2r_runtime_destroy>>;
using CoordinatorHandle = std::unique_ptr<p2c2r_coordinator, Destroyer<p2c2r_coordinator_destroy>>;
using PeerHandle = std::unique_ptr<p2c2r_peer, Destroyer<p2c2r_peer_destroy>>;
using ClientHandle = std::unique_ptr<p2c2r_client, Destroyer<p2c2r_client_destroy>>;

class Remote {
  public:
    Trouble start(const RemoteOptions& options, const World& world);

    // Once a frame, after the world's tick: takes answers, asks for what is due.
    void update(World& world, const Camera& camera, uint64_t frame);

    EffectState& state(Effect effect) { return states_[effect]; }
    // Null while the effect is off or has no answer yet.
    const ShadowLayer* shadows() const;
    const ReflectionLayer* reflections() const;
    // How a layer is asked for; nothing to say of the others.
    const LayerPlan* plan(Effect effect) const {
        return effect == kShadows || effect == kReflections ? &plans_[effect] : nullptr;
    }
    // Bytes on the connection so far; 0 within one process.
    p2c2r_client_stats stats() const;
    const Resident& resident() const { return resident_; }
    const Connection& connection() const { return connection_; }
    // At the end: false where there was a coordinator to reach and it never was. A run that ends
    // before the first try has ended waits a moment for it.
    bool was_reached();
    // A picture of three bytes a pixel as the PNG file that it becomes; false: why_not says why.
    bool encode_png(const std::vector<uint8_t>& rgb, int width, int height,
                    std::vector<uint8_t>& png, std::string& why_not);

  private:
    struct Asked {
        Effect effect;
        p2c2r_task task;
        uint64_t frame;
        Camera camera;
        Rectangle tile;  // of reflections
        int width = 0;   // of the whole layer
        int height = 0;
        size_t sent_size = 0;
    };
    static void P2C2R_CALL on_event(void* user, const p2c2r_event* event);
    // Connects before the game begins, or says why not.
    Trouble wait_for_coordinator();
    void ask(Effect effect, const char* type, const std::string& params, const p2c2r_bytes* data,
             Asked asked);
    int layer_width(Effect effect) const { return options_.layer_width / plans_[effect].divisor(); }
    int layer_height(Effect effect) const {
        return options_.layer_height / plans_[effect].divisor();
    }
    void ask_shadows(const Camera& camera, uint64_t frame);
    void ask_reflections(const World& world, const Camera& camera, uint64_t frame);
    void ask_debris(World& world, uint64_t frame);
    void ask_paths(const World& world, uint64_t frame);
    bool is_due(Effect effect, uint64_t frame) const;
    void take_answers(World& world, bool waits);
    // False: the answer is not what was asked for.
    bool use(World& world, const Asked& asked, const p2c2r_result* result);
    void show_debris(World& world);

    RemoteOptions options_;
    Connection connection_;    // outlives the client, whose events it takes
    bool tells_news_ = false;  // on standard error
    RuntimeHandle runtime_;
    CoordinatorHandle coordinator_;
    PeerHandle peer_;
    ClientHandle client_;
    Resident resident_;
    EffectState states_[kEffects];
    LayerPlan plans_[2] = {{2, 2.0 / 3}, {4, 1.0 / 3}};  // of shadows and reflections
    uint64_t looked_at_us_ = 0;
    uint64_t last_asked_[kEffects] = {};
    std::deque<Asked> asked_;
    std::optional<ShadowLayer> shadows_;
    std::optional<ReflectionLayer> reflections_;
    // Debris is known at the ends of a stretch of time and shown in between; the next stretch is
    // asked for while this one shows.
    struct Stretch {
        std::vector<Body> from;
        std::vector<Body> to;
        uint32_t steps = 1;
        uint64_t asked_at = 0;  // the frame
    };
    Stretch shown_;
    uint64_t shown_since_ = 0;  // tick at which it began
    Stretch coming_;            // asked for; `to` is there once it was answered
};

}  // namespace game
