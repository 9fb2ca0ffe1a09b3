#include "world.h"

#include <algorithm>
#include <utility>

namespace game {

namespace {

constexpr size_t kChasers = 12;
constexpr size_t kPiecesAShot = 20;

float uniform(std::mt19937& random, float from, float to) {
    return from + (to - from) * static_cast<float>(random() >> 8) / 16777216.0F;
}

// The cells that the statue stands on.
bool is_statue(Cell cell) {
    return cell.x >= 11 && cell.x < 13 && cell.y >= 11 && cell.y < 13;
}

}  // namespace

World::World(uint32_t seed) : random_(seed) {
    build(random_);
    player_ = {4.5F, kBallRadius, 20.5F};
    while (chasers_.size() < kChasers) {
        const Cell cell = {static_cast<int>(random_() % kCells), static_cast<int>(random_() % 12)};
        if (is_blocked(cell)) continue;
        Chaser chaser;
        chaser.position = {static_cast<float>(cell.x) + 0.5F, kChaserRadius,
                           static_cast<float>(cell.y) + 0.5F};
        chasers_.push_back(chaser);
    }
}

// Walls around, four boxes; inside rows of blocks with gaps, each run of blocks one box.
void World::build(std::mt19937& random) {
    const auto at = [&](int x, int y) -> uint8_t& {
        return blocked_[static_cast<size_t>(y) * kCells + static_cast<size_t>(x)];
    };
    for (int i = 0; i < kCells; ++i) {
        at(i, 0) = at(i, kCells - 1) = at(0, i) = at(kCells - 1, i) = 1;
    }
    for (int row = 3; row < kCells - 3; row += 3) {
        for (int x = 2; x < kCells - 2; ++x) at(x, row) = random() % 100 < 45 ? 1 : 0;
    }
    for (int y = 10; y < 14; ++y) {  // room for the statue, which blocks its own middle
        for (int x = 9; x < 16; ++x) at(x, y) = 0;
    }
    for (int y = 11; y < 13; ++y) {
        for (int x = 11; x < 13; ++x) at(x, y) = 1;
    }
    const auto side = static_cast<float>(kCells);
    const float wall = 1.2F;
    boxes_.push_back({{0, 0, 0}, {side, wall, 1}});
    boxes_.push_back({{0, 0, side - 1}, {side, wall, side}});
    boxes_.push_back({{0, 0, 1}, {1, wall, side - 1}});
    boxes_.push_back({{side - 1, 0, 1}, {side, wall, side - 1}});
    for (int row = 3; row < kCells - 3; row += 3) {
        for (int x = 1; x < kCells - 1; ++x) {
            int end = x;
            while (at(end, row) != 0 && end < kCells - 1 && !is_statue({end, row})) ++end;
            if (end == x) continue;
            const float height = 1.0F + static_cast<float>(random() % 3) * 0.4F;
            boxes_.push_back({{static_cast<float>(x), 0, static_cast<float>(row)},
                              {static_cast<float>(end), height, static_cast<float>(row) + 1}});
            x = end;
        }
    }
}

// Moves along one axis after the other, as far as no block is in the way.
Vec World::slide(Vec from, Vec move, float radius) const {
    const auto fits = [&](Vec p) {
        for (float dx : {-radius, radius}) {
            for (float dz : {-radius, radius}) {
                if (is_blocked(cell_of(p + Vec{dx, 0, dz}))) return false;
            }
        }
        return true;
    };
    Vec to = from;
    to.x += move.x;
    if (!fits(to)) to.x = from.x;
    const float x = to.x;
    to.z += move.z;
    if (!fits(to)) to.z = from.z;
    return {x, from.y, to.z};
}

void World::tick(const Input& input) {
    ++ticks_;
    const Vec wish = normalised({input.right, 0, -input.forward}) * 4.5F;
    speed_ = mix(speed_, wish, 0.15F);
    if (length(wish) > 0) facing_ = normalised(wish);
    player_ = slide(player_, speed_ * kTick, kBallRadius);
    for (Chaser& chaser : chasers_) chase(chaser);
    if (input.shoot && ticks_ >= next_shot_) {
        next_shot_ = ticks_ + 12;
        shoot();
    }
}

void World::chase(Chaser& chaser) {
    Vec target = player_;
    while (chaser.next < chaser.path.size()) {
        const Cell cell = chaser.path[chaser.next];
        target = {static_cast<float>(cell.x) + 0.5F, 0, static_cast<float>(cell.y) + 0.5F};
        Vec to = target - chaser.position;
        to.y = 0;
        if (length(to) > 0.15F) break;
        ++chaser.next;
    }
    Vec to = target - chaser.position;
    to.y = 0;
    if (length(to) < 1.0F && chaser.next >= chaser.path.size()) return;  // close enough
    chaser.position = slide(chaser.position, normalised(to) * (2.2F * kTick), kChaserRadius);
}

// The first block ahead throws pieces back.
void World::shoot() {
    Vec hit = player_ + Vec{0, 0.4F, 0};
    for (int step = 0; step < 200 && !is_blocked(cell_of(hit)); ++step) hit = hit + facing_ * 0.1F;
    hit = hit - facing_ * 0.35F;
    for (size_t i = 0; i < kPiecesAShot; ++i) {
        Body piece;
        piece.position = hit + Vec{uniform(random_, -0.3F, 0.3F), uniform(random_, 0, 0.8F),
                                   uniform(random_, -0.3F, 0.3F)};
        piece.velocity =
            facing_ * uniform(random_, -4, -0.5F) +
            Vec{uniform(random_, -2, 2), uniform(random_, 2, 6), uniform(random_, -2, 2)};
        thrown_.push_back(piece);
    }
}

std::vector<Body> World::take_thrown() {
    return std::exchange(thrown_, {});
}

void World::set_path(size_t chaser, std::vector<Cell> path) {
    if (chaser >= chasers_.size()) return;
    Chaser& it = chasers_[chaser];
    it.path = std::move(path);
    // The answer is a little old: go on from the cell where the chaser is by now.
    const Cell here = cell_of(it.position);
    const auto found = std::find(it.path.begin(), it.path.end(), here);
    it.next = found == it.path.end() ? 0 : static_cast<size_t>(found - it.path.begin()) + 1;
}

}  // namespace game
