// What stays with the helpers: the scene and the grid are put once, as inputs that tasks refer to.
// A frame's task says where the balls are that have moved since, as patches of the scene's bytes,
// and costs the link a camera and those.
#pragma once

#include <p2c2r/p2c2r.h>

#include <array>
#include <vector>

#include "world.h"

namespace game {

// Three numbers as the scene has them: MessagePack, 32 bits each.
using PackedPlace = std::array<uint8_t, 15>;

// The scene as one MessagePack map, in which the place of each ball that can move stands at an
// offset that is known: the player, the chasers, and a slot for each piece of debris that may be.
// Slots that are not in use lie below the floor, where no ray comes.
struct PackedScene {
    std::vector<uint8_t> bytes;
    std::vector<size_t> places;  // of the player, the chasers, the slots
};
PackedScene pack_scene(const World& world);
// Where they are now, in the same order.
std::vector<PackedPlace> places_of(const World& world);

class Resident {
  public:
    static constexpr size_t kPatchBytes = 8 + sizeof(PackedPlace);  // on the wire

    // The client must outlive it.
    void start(p2c2r_client* client, const World& world);

    // Once a frame, before it is referred to: what has moved. Where much has come to rest elsewhere
    // than the scene says, it is put anew.
    void look(const World& world, uint64_t frame);
    // As the data of a task; good until the next look. The first time each is put.
    p2c2r_status refer_to_scene(p2c2r_task_desc& desc, p2c2r_error* why);
    p2c2r_status refer_to_grid(p2c2r_task_desc& desc, p2c2r_error* why);

    size_t scene_size() const { return scene_.bytes.size(); }
    uint64_t scenes_put() const { return scenes_put_; }
    size_t patches() const { return patches_.size(); }

  private:
    p2c2r_status put_scene(const std::vector<PackedPlace>& places, p2c2r_error* why);
    p2c2r_status put(const std::vector<uint8_t>& bytes, p2c2r_content& content, p2c2r_error* why);

    p2c2r_client* client_ = nullptr;
    p2c2r_content scene_content_ = 0;
    p2c2r_content grid_content_ = 0;
    PackedScene scene_;
    std::vector<uint8_t> grid_;
    std::vector<PackedPlace> base_;  // as the content has them
    std::vector<PackedPlace> now_;
    std::vector<PackedPlace> before_;  // some frames ago, to see what rests
    std::vector<p2c2r_patch> patches_;
    uint64_t looked_at_ = 0;
    uint64_t scenes_put_ = 0;
};

}  // namespace game
