#include "resident.h"

#include <bit>
#include <cstring>
#include <initializer_list>

#include "requests.h"
#include "view.h"

namespace game {

namespace {

constexpr Vec kBelowFloor = {kCells / 2.0F, -10, kCells / 2.0F};
// What has rested for so long counts as resting, and so many tasks refer to the scene in that time.
constexpr uint64_t kRestFrames = 120;
constexpr size_t kTasksMeanwhile = 90;

PackedPlace packed(Vec place) {
    PackedPlace bytes;
    size_t at = 0;
    for (const float number : {place.x, place.y, place.z}) {
        const auto bits = std::bit_cast<uint32_t>(number);
        bytes[at++] = 0xCA;
        for (int shift = 24; shift >= 0; shift -= 8) {
            bytes[at++] = static_cast<uint8_t>(bits >> shift);
        }
    }
    return bytes;
}

// MessagePack, of as much as a scene needs; unlike a JSON library it knows where it is.
class Packer {
  public:
    std::vector<uint8_t> bytes;

    void map(size_t fields) { bytes.push_back(static_cast<uint8_t>(0x80 | fields)); }
    void array(size_t size) {
        bytes.push_back(0xDC);
        bytes.push_back(static_cast<uint8_t>(size >> 8));
        bytes.push_back(static_cast<uint8_t>(size));
    }
    void text(const char* text) {
        const size_t size = std::strlen(text);
        bytes.push_back(static_cast<uint8_t>(0xA0 | size));
        bytes.insert(bytes.end(), text, text + size);
    }
    void number(const char* field, float value) {
        text(field);
        const PackedPlace three = packed({value, 0, 0});
        bytes.insert(bytes.end(), three.begin(), three.begin() + 5);
    }
    // Returns the offset of the three numbers.
    size_t numbers(const char* field, Vec value) {
        text(field);
        bytes.push_back(0x93);
        const PackedPlace three = packed(value);
        bytes.insert(bytes.end(), three.begin(), three.end());
        return bytes.size() - three.size();
    }
    void type(const char* name) {
        text("type");
        text(name);
    }
    size_t ball(Vec place, float radius, Vec color) {
        map(4);
        type("sphere");
        number("radius", radius);
        numbers("color", color);
        return numbers("position", place);
    }
};

}  // namespace

PackedScene pack_scene(const World& world) {
    PackedScene scene;
    Packer out;
    out.map(4);
    out.text("lights");
    out.array(1);
    out.map(2);
    out.numbers("position", kLight);
    out.number("intensity", kSun);
    out.number("ambient", kAmbient);
    out.numbers("background", kSkyColor);
    out.text("objects");
    out.array(2 + world.boxes().size() + 1 + world.chasers().size() + kDebrisMax);
    out.map(4);
    out.type("plane");
    out.numbers("position", {0, 0, 0});
    out.numbers("normal", {0, 1, 0});
    out.numbers("color", kFloorColor);
    for (const Box& box : world.boxes()) {
        out.map(4);
        out.type("box");
        out.numbers("min", box.min);
        out.numbers("max", box.max);
        out.numbers("color", kBoxColor);
    }
    out.map(5);
    out.type("sphere");
    out.text("material");
    out.text("mirror");
    out.number("radius", world.statue_radius());
    out.numbers("color", kMirrorColor);
    out.numbers("position", world.statue());
    scene.places.push_back(out.ball(world.player(), kBallRadius, kPlayerColor));
    for (const Chaser& chaser : world.chasers()) {
        scene.places.push_back(out.ball(chaser.position, kChaserRadius, kChaserColor));
    }
    for (size_t i = 0; i < kDebrisMax; ++i) {
        scene.places.push_back(out.ball(kBelowFloor, kDebrisRadius, kDebrisColor));
    }
    scene.bytes = std::move(out.bytes);
    return scene;
}

std::vector<PackedPlace> places_of(const World& world) {
    std::vector<PackedPlace> places = {packed(world.player())};
    for (const Chaser& chaser : world.chasers()) places.push_back(packed(chaser.position));
    const size_t first_slot = places.size();
    for (const Body& body : world.debris()) places.push_back(packed(body.position));
    places.resize(first_slot + kDebrisMax, packed(kBelowFloor));
    return places;
}

void Resident::start(p2c2r_client* client, const World& world) {
    client_ = client;
    scene_ = pack_scene(world);
    base_ = places_of(world);
    grid_ = grid_bits(world);
}

p2c2r_status Resident::put(const std::vector<uint8_t>& bytes, p2c2r_content& content,
                           p2c2r_error* why) {
    const p2c2r_bytes borrowed = {bytes.data(), bytes.size(), nullptr, nullptr};
    return p2c2r_client_put(client_, &borrowed, &content, why);
}

p2c2r_status Resident::put_scene(const std::vector<PackedPlace>& places, p2c2r_error* why) {
    for (size_t i = 0; i < places.size(); ++i) {
        std::memcpy(&scene_.bytes[scene_.places[i]], places[i].data(), places[i].size());
    }
    p2c2r_content content = 0;
    const p2c2r_status status = put(scene_.bytes, content, why);
    if (status != P2C2R_OK) return status;
    // Tasks that are under way go on with the one before.
    if (scene_content_ != 0) p2c2r_client_drop(client_, scene_content_);
    scene_content_ = content;
    base_ = places;
    ++scenes_put_;
    return P2C2R_OK;
}

void Resident::look(const World& world, uint64_t frame) {
    now_ = places_of(world);
    if (frame >= looked_at_ + kRestFrames) {
        size_t resting = 0;
        for (size_t i = 0; i < before_.size(); ++i) {
            resting += now_[i] == before_[i] && now_[i] != base_[i] ? 1 : 0;
        }
        // A new scene is worth its bytes when the patches that it saves are twice as many by the
        // next look.
        if (scene_content_ != 0 &&
            resting * kPatchBytes * kTasksMeanwhile > 2 * scene_.bytes.size()) {
            put_scene(now_, nullptr);  // if it cannot be, patches go on
        }
        before_ = now_;
        looked_at_ = frame;
    }
    patches_.clear();
    for (size_t i = 0; i < now_.size(); ++i) {
        if (now_[i] == base_[i]) continue;
        patches_.push_back({scene_.places[i], now_[i].data(), now_[i].size()});
    }
}

p2c2r_status Resident::refer_to_scene(p2c2r_task_desc& desc, p2c2r_error* why) {
    const p2c2r_status status = scene_content_ != 0 ? P2C2R_OK : put_scene(base_, why);
    desc.content = scene_content_;
    desc.patches = patches_.data();
    desc.patch_count = patches_.size();
    return status;
}

p2c2r_status Resident::refer_to_grid(p2c2r_task_desc& desc, p2c2r_error* why) {
    const p2c2r_status status = grid_content_ != 0 ? P2C2R_OK : put(grid_, grid_content_, why);
    desc.content = grid_content_;
    return status;
}

}  // namespace game
