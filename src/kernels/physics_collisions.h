// The pairs of bodies that touched in a run, each once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace p2c2r::kernels {

// A pair in one number: the smaller id in the upper half, so that order by number is order by ids.
inline constexpr uint64_t physics_pair(uint32_t low, uint32_t high) {
    return uint64_t{low} << 32 | high;
}

// Not for several threads, except that has() may be asked by many while nobody adds.
class PhysicsCollisions {
  public:
    // `room`: pairs it holds at most.
    explicit PhysicsCollisions(uint32_t room);

    [[nodiscard]] bool has(uint64_t pair) const;
    // False: it was known, or there is no room any more. Throws std::bad_alloc.
    bool add(uint64_t pair);
    // A pair came that there was no room for.
    [[nodiscard]] bool is_cut() const { return cut_; }
    [[nodiscard]] std::vector<uint64_t> sorted() const;

  private:
    [[nodiscard]] size_t home(uint64_t pair) const;
    void grow();

    uint32_t room_;
    bool cut_ = false;
    std::vector<uint64_t> pairs_;  // as they came: those of one step are in order
    std::vector<uint64_t> slots_;  // open addressing; 0 is empty, as no pair is (0, 0)
};

}  // namespace p2c2r::kernels
