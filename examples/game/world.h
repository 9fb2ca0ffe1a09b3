// The game itself: a courtyard of blocks, a ball that the player rolls, chasers that follow it, and
// debris that flies where a shot hits. It knows nothing of pictures or of who computes what.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "vec.h"

namespace game {

constexpr int kCells = 24;  // the courtyard is kCells x kCells blocks of one metre
constexpr float kBallRadius = 0.4F;
constexpr float kChaserRadius = 0.3F;
constexpr float kDebrisRadius = 0.12F;
constexpr size_t kDebrisMax = 160;
constexpr float kTick = 1.0F / 60;  // seconds a step of the game takes

struct Cell {
    int x = 0;
    int y = 0;
};
inline bool operator==(Cell a, Cell b) {
    return a.x == b.x && a.y == b.y;
}

struct Box {
    Vec min;
    Vec max;
};

struct Chaser {
    Vec position;
    std::vector<Cell> path;  // where it goes next; empty: straight towards the player
    size_t next = 0;
};

struct Body {
    Vec position;
    Vec velocity;
};

struct Input {
    float right = 0;  // -1..1
    float forward = 0;
    bool shoot = false;
};

class World {
  public:
    explicit World(uint32_t seed);

    // One step of kTick. Debris moves only by show_debris: somebody else computes it.
    void tick(const Input& input);

    bool is_blocked(Cell cell) const {
        return cell.x < 0 || cell.y < 0 || cell.x >= kCells || cell.y >= kCells ||
               blocked_[static_cast<size_t>(cell.y) * kCells + static_cast<size_t>(cell.x)] != 0;
    }
    static Cell cell_of(Vec position) {
        return {static_cast<int>(std::floor(position.x)), static_cast<int>(std::floor(position.z))};
    }
    const std::vector<Box>& boxes() const { return boxes_; }
    Vec player() const { return player_; }
    const std::vector<Chaser>& chasers() const { return chasers_; }
    // A mirror ball that stands in the yard.
    Vec statue() const { return {12, 1.4F, 12}; }
    float statue_radius() const { return 1.4F; }
    const std::vector<Body>& debris() const { return debris_; }
    // Pieces that shots have thrown and no simulation knows yet; the caller takes them over.
    std::vector<Body> take_thrown();
    void show_debris(std::vector<Body> bodies) { debris_ = std::move(bodies); }
    void set_path(size_t chaser, std::vector<Cell> path);
    uint64_t ticks() const { return ticks_; }

  private:
    void build(std::mt19937& random);
    Vec slide(Vec from, Vec move, float radius) const;
    void chase(Chaser& chaser);
    void shoot();

    std::array<uint8_t, kCells* kCells> blocked_ = {};
    std::vector<Box> boxes_;
    Vec player_;
    Vec speed_;
    Vec facing_ = {0, 0, -1};
    std::vector<Chaser> chasers_;
    std::vector<Body> debris_;
    std::vector<Body> thrown_;
    std::mt19937 random_;
    uint64_t ticks_ = 0;
    uint64_t next_shot_ = 0;
};

}  // namespace game
