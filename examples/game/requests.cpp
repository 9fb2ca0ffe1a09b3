#include "requests.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

namespace game {

using nlohmann::json;

namespace {

constexpr size_t kRecordFloats = 10;  // position, velocity, mass, radius, restitution, friction

json numbers(Vec v) {
    return {v.x, v.y, v.z};
}

std::string packed(const json& params) {
    std::string bytes;
    json::to_msgpack(params, bytes);
    return bytes;
}

// The scene is a content (resident.h).
json common(const Camera& camera, int width, int height) {
    return {{"resolution", {width, height}},
            {"camera",
             {{"position", numbers(camera.position)},
              {"direction", numbers(camera.forward)},
              {"fov_deg", camera.fov_deg}}}};
}

}  // namespace

std::string shadow_request(const Camera& camera, int width, int height) {
    return packed(common(camera, width, height));
}

std::string reflection_request(const Camera& camera, int width, int height, const Rectangle& tile) {
    json params = common(camera, width, height);
    params["tile"] = {tile.x, tile.y, tile.width, tile.height};
    params["output_format"] = "raw";
    return packed(params);
}

std::string debris_request(const World& world, const std::vector<Body>& bodies, uint32_t steps) {
    json params = {{"num_steps", steps},
                   {"timestep", kTick},
                   {"substeps", 2},
                   {"collisions", false},
                   {"planes", json::array({{{"normal", {0, 1, 0}}, {"offset", 0}}})}};
    // Only the blocks that pieces can reach in that time.
    Vec low = bodies.front().position;
    Vec high = low;
    for (const Body& body : bodies) {
        const Vec p = body.position;
        low = {std::min(low.x, p.x), std::min(low.y, p.y), std::min(low.z, p.z)};
        high = {std::max(high.x, p.x), std::max(high.y, p.y), std::max(high.z, p.z)};
    }
    json boxes = json::array();
    const float reach = 3;
    for (const Box& box : world.boxes()) {
        if (box.max.x < low.x - reach || box.min.x > high.x + reach || box.max.z < low.z - reach ||
            box.min.z > high.z + reach || boxes.size() == 64) {
            continue;
        }
        boxes.push_back({{"min", numbers(box.min)}, {"max", numbers(box.max)}});
    }
    params["boxes"] = std::move(boxes);
    return packed(params);
}

std::string path_request(const World& world) {
    json agents = json::array();
    const Cell goal = World::cell_of(world.player());
    for (const Chaser& chaser : world.chasers()) {
        const Cell cell = World::cell_of(chaser.position);
        agents.push_back({cell.x, cell.y});
    }
    return packed({{"width", kCells},
                   {"height", kCells},
                   {"grid_format", "bits"},
                   {"diagonal", true},
                   {"goal", {goal.x, goal.y}},
                   {"agents", agents}});
}

std::vector<uint8_t> debris_records(const std::vector<Body>& bodies) {
    std::vector<uint8_t> bytes(bodies.size() * kRecordFloats * sizeof(float));
    uint8_t* out = bytes.data();
    for (const Body& body : bodies) {
        const float record[kRecordFloats] = {body.position.x,
                                             body.position.y,
                                             body.position.z,
                                             body.velocity.x,
                                             body.velocity.y,
                                             body.velocity.z,
                                             1,
                                             kDebrisRadius,
                                             0.35F,
                                             0.6F};
        std::memcpy(out, record, sizeof record);
        out += sizeof record;
    }
    return bytes;
}

std::vector<uint8_t> grid_bits(const World& world) {
    const size_t row = (kCells + 7) / 8;
    std::vector<uint8_t> bits(row * kCells);
    for (int y = 0; y < kCells; ++y) {
        for (int x = 0; x < kCells; ++x) {
            if (!world.is_blocked({x, y})) continue;
            bits[static_cast<size_t>(y) * row + static_cast<size_t>(x) / 8] |=
                static_cast<uint8_t>(1U << (x % 8));
        }
    }
    return bits;
}

std::optional<std::vector<Body>> read_debris(const uint8_t* data, size_t size) {
    if (size % (kRecordFloats * sizeof(float)) != 0) return std::nullopt;
    std::vector<Body> bodies(size / (kRecordFloats * sizeof(float)));
    for (Body& body : bodies) {
        float record[kRecordFloats];
        std::memcpy(record, data, sizeof record);
        data += sizeof record;
        // Nothing flies that far; a peer that says so is wrong.
        for (size_t i = 0; i < 6; ++i) {
            if (!(std::fabs(record[i]) < 1000)) return std::nullopt;
        }
        body.position = {record[0], record[1], record[2]};
        body.velocity = {record[3], record[4], record[5]};
    }
    return bodies;
}

std::optional<std::vector<std::vector<Cell>>> read_paths(const uint8_t* fields, size_t size) {
    const json answer = json::from_msgpack(fields, fields + size, true, false);
    if (!answer.is_object() || !answer.value("paths", json()).is_array()) return std::nullopt;
    std::vector<std::vector<Cell>> paths;
    for (const json& path : answer["paths"]) {
        std::vector<Cell> cells;
        for (const json& cell : path) {
            if (!cell.is_array() || cell.size() != 2 || !cell[0].is_number_integer() ||
                !cell[1].is_number_integer()) {
                return std::nullopt;
            }
            cells.push_back({cell[0].get<int>(), cell[1].get<int>()});
        }
        paths.push_back(std::move(cells));
    }
    return paths;
}

}  // namespace game
