// Bytes: a counted, immutable run of memory. A payload is allocated once where it arrives and is
// then only referenced: relays pass on slices, and the memory is freed (or the owner's release hook
// called) when the last slice is gone, on whichever thread that happens.
//
// Buffer is the mutable form: one owner fills it, then freezes it into Bytes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "core/check.h"

namespace p2c2r {

// GCC 12 takes branches for possible that a size known at compile time rules out.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Warray-bounds"
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#pragma GCC diagnostic ignored "-Wstringop-overread"
#endif
// memcpy for runs that are mostly short: up to 64 bytes without a call. `size` may be 0.
inline void copy_run(void* to, const void* from, size_t size) {
    auto* target = static_cast<uint8_t*>(to);
    const auto* source = static_cast<const uint8_t*>(from);
    // Two moves of a fixed size that may overlap cover every size between that and its double.
    if (size > 64) {
        std::memcpy(target, source, size);
    } else if (size >= 16) {
        if (size > 32) {
            std::memcpy(target + 16, source + 16, 16);
            std::memcpy(target + size - 32, source + size - 32, 16);
        }
        std::memcpy(target, source, 16);
        std::memcpy(target + size - 16, source + size - 16, 16);
    } else if (size >= 8) {
        std::memcpy(target, source, 8);
        std::memcpy(target + size - 8, source + size - 8, 8);
    } else if (size >= 4) {
        std::memcpy(target, source, 4);
        std::memcpy(target + size - 4, source + size - 4, 4);
    } else {
        for (size_t i = 0; i < size; ++i) target[i] = source[i];
    }
}
// Equality of texts that are mostly short: up to 16 bytes without a call.
inline bool same_text(std::string_view one, std::string_view other) {
    const size_t size = one.size();
    if (size != other.size()) return false;
    const auto differ = [&](auto word) {
        decltype(word) a, b, c, d;
        std::memcpy(&a, one.data(), sizeof a);
        std::memcpy(&b, other.data(), sizeof b);
        std::memcpy(&c, one.data() + size - sizeof c, sizeof c);
        std::memcpy(&d, other.data() + size - sizeof d, sizeof d);
        return ((a ^ b) | (c ^ d)) != 0;
    };
    if (size > 16 || size < 4) return one == other;
    return size >= 8 ? !differ(uint64_t{}) : !differ(uint32_t{});
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

// Where payload memory comes from. Must outlive the last Bytes that was allocated through it.
struct MemoryHook {
    void* (*allocate)(void* user, size_t size, size_t align) = nullptr;
    void (*deallocate)(void* user, void* data, size_t size, size_t align) = nullptr;
    void* user = nullptr;
};

inline constexpr size_t kPayloadAlign = 64;

namespace detail {

// Header of a counted block. For own memory the data follows behind it, 64-byte aligned.
struct alignas(kPayloadAlign) Block {
    std::atomic<uint32_t> references{1};
    uint8_t* data = nullptr;
    size_t capacity = 0;
    void* memory = nullptr;  // as the C library gave it, when there is no hook
    const MemoryHook* hook = nullptr;
    void (*release)(void* user, const void* data, size_t size) = nullptr;  // adopted memory
    void* user = nullptr;
};

// NULL when memory is short.
Block* new_block(size_t capacity, const MemoryHook* hook);
Block* new_adopted(const void* data, size_t size,
                   void (*release)(void* user, const void* data, size_t size), void* user);
void destroy_block(Block* block);

inline void retain(Block* block) {
    if (block) block->references.fetch_add(1, std::memory_order_relaxed);
}
inline void release(Block* block) {
    // A sole owner needs no read-modify-write: nobody else can raise the count any more.
    if (block && (block->references.load(std::memory_order_acquire) == 1 ||
                  block->references.fetch_sub(1, std::memory_order_acq_rel) == 1)) {
        destroy_block(block);
    }
}

}  // namespace detail

class Bytes {
  public:
    Bytes() = default;
    Bytes(const Bytes& other) : block_(other.block_), data_(other.data_), size_(other.size_) {
        detail::retain(block_);
    }
    Bytes(Bytes&& other) noexcept
        : block_(std::exchange(other.block_, nullptr)),
          data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)) {}
    Bytes& operator=(const Bytes& other) noexcept { return *this = Bytes(other); }
    Bytes& operator=(Bytes&& other) noexcept {
        detail::Block* const before = std::exchange(block_, std::exchange(other.block_, nullptr));
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
        detail::release(before);  // last: what this calls may look at these bytes
        return *this;
    }
    ~Bytes() { detail::release(block_); }

    // A copy of `source` in memory of its own. Throws std::bad_alloc when memory is short.
    static Bytes copy(std::span<const uint8_t> source, const MemoryHook* hook = nullptr);
    static Bytes copy(std::string_view text);
    // Memory of somebody else: `release` is called once, from any thread, after the last reference.
    // Throws std::bad_alloc when memory is short, and then `release` is not called.
    static Bytes adopt(const void* data, size_t size,
                       void (*release)(void* user, const void* data, size_t size), void* user);
    // Memory that outlives every user of the Bytes (constants, a caller's stack during a call).
    static Bytes borrow(std::span<const uint8_t> memory) {
        return Bytes(nullptr, memory.data(), memory.size());
    }
    // The same bytes for as long as they are wanted: borrowed ones are copied, counted ones are
    // referenced. Throws std::bad_alloc when memory is short.
    [[nodiscard]] Bytes owned(const MemoryHook* hook = nullptr) const {
        return is_borrowed() ? copy(span(), hook) : *this;
    }
    [[nodiscard]] bool is_borrowed() const { return !block_ && size_ > 0; }

    [[nodiscard]] const uint8_t* data() const { return data_; }
    [[nodiscard]] size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::span<const uint8_t> span() const { return {data_, size_}; }
    [[nodiscard]] std::string_view text() const {
        return {reinterpret_cast<const char*>(data_), size_};
    }
    // A part of the same memory. `offset + size` MUST lie inside.
    [[nodiscard]] Bytes slice(size_t offset, size_t size) const {
        P2C2R_CHECK(offset <= size_ && size <= size_ - offset);
        Bytes part(*this);
        part.data_ += offset;
        part.size_ = size;
        return part;
    }
    // True when nobody else refers to the memory.
    [[nodiscard]] bool is_unique() const {
        return block_ && block_->references.load(std::memory_order_acquire) == 1;
    }

  private:
    friend class Buffer;
    Bytes(detail::Block* block, const uint8_t* data, size_t size)
        : block_(block), data_(data), size_(size) {}

    detail::Block* block_ = nullptr;
    const uint8_t* data_ = nullptr;
    size_t size_ = 0;
};

class Buffer {
  public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { detail::release(block_); }

    // 64-byte aligned, not initialised. Throws std::bad_alloc when memory is short.
    static Buffer allocate(size_t capacity, const MemoryHook* hook = nullptr);

    [[nodiscard]] uint8_t* data() { return block_ ? block_->data : nullptr; }
    [[nodiscard]] const uint8_t* data() const { return block_ ? block_->data : nullptr; }
    [[nodiscard]] size_t capacity() const { return block_ ? block_->capacity : 0; }
    [[nodiscard]] bool valid() const { return block_ != nullptr; }
    // True while no Bytes made by share() is left.
    [[nodiscard]] bool is_unique() const {
        return block_ && block_->references.load(std::memory_order_acquire) == 1;
    }
    // A reference to a filled part. The owner MUST NOT write to that part while it is referenced.
    [[nodiscard]] Bytes share(size_t offset, size_t size) const {
        P2C2R_CHECK(offset <= capacity() && size <= capacity() - offset);
        detail::retain(block_);
        return Bytes(block_, block_ ? block_->data + offset : nullptr, size);
    }
    // Gives the memory up: its first `size` bytes are immutable from here on.
    [[nodiscard]] Bytes freeze(size_t size) && {
        P2C2R_CHECK(size <= capacity());
        detail::Block* block = std::exchange(block_, nullptr);
        return Bytes(block, block ? block->data : nullptr, size);
    }

  private:
    detail::Block* block_ = nullptr;
};

}  // namespace p2c2r
