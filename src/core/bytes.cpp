#include "core/bytes.h"

#include <cstdlib>
#include <new>

namespace p2c2r {
namespace detail {

Block* new_block(size_t capacity, const MemoryHook* hook) {
    if (capacity > SIZE_MAX - 2 * sizeof(Block)) return nullptr;
    const size_t total = sizeof(Block) + (capacity + kPayloadAlign - 1) / kPayloadAlign * kPayloadAlign;
    void* memory = hook && hook->allocate ? hook->allocate(hook->user, total, kPayloadAlign)
                                          : std::aligned_alloc(kPayloadAlign, total);
    if (!memory) return nullptr;
    Block* block = new (memory) Block;
    block->data = static_cast<uint8_t*>(memory) + sizeof(Block);
    block->capacity = capacity;
    block->hook = hook && hook->allocate ? hook : nullptr;
    return block;
}

Block* new_adopted(const void* data, size_t size,
                   void (*release)(void* user, const void* data, size_t size), void* user) {
    void* memory = std::aligned_alloc(kPayloadAlign, sizeof(Block));
    if (!memory) return nullptr;
    Block* block = new (memory) Block;
    block->data = static_cast<uint8_t*>(const_cast<void*>(data));
    block->capacity = size;
    block->release = release;
    block->user = user;
    return block;
}

void destroy_block(Block* block) {
    if (block->release) block->release(block->user, block->data, block->capacity);
    const MemoryHook* hook = block->hook;
    const size_t total =
        sizeof(Block) + (block->capacity + kPayloadAlign - 1) / kPayloadAlign * kPayloadAlign;
    block->~Block();
    if (hook) {
        hook->deallocate(hook->user, block, total, kPayloadAlign);
    } else {
        std::free(block);
    }
}

}  // namespace detail

Bytes Bytes::copy(std::span<const uint8_t> source, const MemoryHook* hook) {
    Buffer buffer = Buffer::allocate(source.size(), hook);
    if (!source.empty()) std::memcpy(buffer.data(), source.data(), source.size());
    return std::move(buffer).freeze(source.size());
}

Bytes Bytes::copy(std::string_view text) {
    return copy(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

Bytes Bytes::adopt(const void* data, size_t size,
                   void (*release)(void* user, const void* data, size_t size), void* user) {
    detail::Block* block = detail::new_adopted(data, size, release, user);
    if (!block) throw std::bad_alloc();
    return Bytes(block, block->data, size);
}

Bytes Bytes::borrow(std::span<const uint8_t> memory) {
    return Bytes(nullptr, memory.data(), memory.size());
}

Buffer Buffer::allocate(size_t capacity, const MemoryHook* hook) {
    Buffer buffer;
    buffer.block_ = detail::new_block(capacity, hook);
    if (!buffer.block_) throw std::bad_alloc();
    return buffer;
}

}  // namespace p2c2r
