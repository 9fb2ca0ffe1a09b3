#include "core/bytes.h"

#include <cstdlib>
#include <new>

namespace p2c2r {
namespace detail {

namespace {

// Rounds up by hand: the C library's aligned allocation bypasses its fast lists.
void* aligned_memory(size_t total, void** memory) {
    *memory = std::malloc(total + kPayloadAlign - 1);
    if (!*memory) return nullptr;
    const uintptr_t at = reinterpret_cast<uintptr_t>(*memory) + kPayloadAlign - 1;
    return reinterpret_cast<void*>(at / kPayloadAlign * kPayloadAlign);
}

size_t total_of(size_t capacity) {
    return sizeof(Block) + (capacity + kPayloadAlign - 1) / kPayloadAlign * kPayloadAlign;
}

}  // namespace

Block* new_block(size_t capacity, const MemoryHook* hook) {
    if (capacity > SIZE_MAX - 4 * sizeof(Block)) return nullptr;
    if (hook && !hook->allocate) hook = nullptr;
    void* memory = nullptr;
    void* place = hook ? hook->allocate(hook->user, total_of(capacity), kPayloadAlign)
                       : aligned_memory(total_of(capacity), &memory);
    if (!place) return nullptr;
    Block* block = new (place) Block;
    block->data = static_cast<uint8_t*>(place) + sizeof(Block);
    block->capacity = capacity;
    block->memory = memory;
    block->hook = hook;
    return block;
}

Block* new_adopted(const void* data, size_t size,
                   void (*release)(void* user, const void* data, size_t size), void* user) {
    void* memory = nullptr;
    void* place = aligned_memory(sizeof(Block), &memory);
    if (!place) return nullptr;
    Block* block = new (place) Block;
    block->data = static_cast<uint8_t*>(const_cast<void*>(data));
    block->capacity = size;
    block->memory = memory;
    block->release = release;
    block->user = user;
    return block;
}

void destroy_block(Block* block) {
    if (block->release) block->release(block->user, block->data, block->capacity);
    if (const MemoryHook* hook = block->hook) {
        const size_t total = total_of(block->capacity);
        block->~Block();
        hook->deallocate(hook->user, block, total, kPayloadAlign);
        return;
    }
    void* memory = block->memory;
    block->~Block();
    std::free(memory);
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

Buffer Buffer::allocate(size_t capacity, const MemoryHook* hook) {
    Buffer buffer;
    buffer.block_ = detail::new_block(capacity, hook);
    if (!buffer.block_) throw std::bad_alloc();
    return buffer;
}

}  // namespace p2c2r
