// Chunks: an array that grows at its end and whose elements stay where they are, so that references
// to them stay valid. An index costs a shift and two loads.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace p2c2r {

template <class T>
class Chunks {
  public:
    [[nodiscard]] size_t size() const { return size_; }
    T& operator[](size_t index) { return chunks_[index / kEach][index % kEach]; }
    const T& operator[](size_t index) const { return chunks_[index / kEach][index % kEach]; }

    // Elements up to `size`, made as T{}. Never fewer than there are. Throws std::bad_alloc, and
    // then those that were made stay.
    void grow(size_t size) {
        while (size_ < size) {
            if (size_ == chunks_.size() * kEach) chunks_.push_back(std::make_unique<T[]>(kEach));
            ++size_;
        }
    }

  private:
    static constexpr size_t kEach = 64;

    std::vector<std::unique_ptr<T[]>> chunks_;
    size_t size_ = 0;
};

}  // namespace p2c2r
