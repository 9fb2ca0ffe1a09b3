#include "bindings/c/handle_table.h"

#include <atomic>
#include <mutex>
#include <new>

#include "bindings/c/process.h"

namespace p2c2r::capi {

namespace {

// handle = generation << 17 | slot << 1 | 1: odd, so never the address of a struct.
constexpr uint32_t kSlotBits = 16;
constexpr uint32_t kSlotsMax = 1u << kSlotBits;
constexpr uint32_t kChunkSlots = 256;
constexpr uint32_t kNoSlot = 0xFFFFFFFF;

struct Slot {
    std::atomic<uintptr_t> handle{0};  // the living one; 0: free
    std::atomic<uintptr_t> generation{0};
    void* object = nullptr;
    uint32_t epoch = 0;
    uint32_t next_free = kNoSlot;
    HandleKind kind = HandleKind::kNone;
};

// Constant-initialised and never destroyed; chunks stay for the life of the process.
constinit std::atomic<Slot*> chunks[kSlotsMax / kChunkSlots] = {};
constinit std::mutex table_mutex;
constinit uint32_t slots_used = 0;
constinit uint32_t first_free = kNoSlot;

Slot* slot_at(uint32_t index) {
    Slot* chunk = chunks[index / kChunkSlots].load(std::memory_order_acquire);
    return chunk ? chunk + index % kChunkSlots : nullptr;
}

// Of a slot that has been in use.
Slot& known_slot(uint32_t index) {
    return chunks[index / kChunkSlots].load(std::memory_order_acquire)[index % kChunkSlots];
}

uintptr_t compose(uintptr_t generation, uint32_t index) {
    return generation << (kSlotBits + 1) | static_cast<uintptr_t>(index) << 1 | 1;
}

}  // namespace

void* add_handle(HandleKind kind, void* object) {
    const std::lock_guard lock(table_mutex);
    uint32_t index = first_free;
    if (index == kNoSlot) {
        if (slots_used == kSlotsMax) throw std::bad_alloc();
        index = slots_used;
        auto& chunk = chunks[index / kChunkSlots];
        if (!chunk.load(std::memory_order_relaxed)) {
            chunk.store(new Slot[kChunkSlots], std::memory_order_release);
        }
        ++slots_used;
    } else {
        first_free = known_slot(index).next_free;
    }
    Slot& slot = known_slot(index);
    const uintptr_t generation = slot.generation.load(std::memory_order_relaxed) + 1;
    slot.generation.store(generation, std::memory_order_relaxed);
    slot.object = object;
    slot.kind = kind;
    slot.epoch = process_epoch();
    const uintptr_t handle = compose(generation, index);
    slot.handle.store(handle, std::memory_order_release);
    return reinterpret_cast<void*>(handle);
}

void* find_handle(HandleKind kind, const void* handle, Status& status) noexcept {
    const auto value = reinterpret_cast<uintptr_t>(handle);
    const uint32_t index = static_cast<uint32_t>(value >> 1) & (kSlotsMax - 1);
    Slot* slot = (value & 1) ? slot_at(index) : nullptr;
    if (!slot) {
        status = Status::kArgument;
        return nullptr;
    }
    if (slot->handle.load(std::memory_order_acquire) != value) {
        const uintptr_t newest = compose(slot->generation.load(std::memory_order_acquire), index);
        status = value <= newest ? Status::kStale : Status::kArgument;
        return nullptr;
    }
    if (slot->kind != kind) {
        status = Status::kArgument;
        return nullptr;
    }
    if (slot->epoch != process_epoch()) {
        status = Status::kState;
        return nullptr;
    }
    return slot->object;
}

void remove_handle(const void* handle) noexcept {
    const auto value = reinterpret_cast<uintptr_t>(handle);
    const uint32_t index = static_cast<uint32_t>(value >> 1) & (kSlotsMax - 1);
    const std::lock_guard lock(table_mutex);
    Slot* slot = slot_at(index);
    if (!slot || slot->handle.load(std::memory_order_relaxed) != value) return;
    slot->handle.store(0, std::memory_order_release);
    slot->object = nullptr;
    slot->next_free = first_free;
    first_free = index;
}

}  // namespace p2c2r::capi
