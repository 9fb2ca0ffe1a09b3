// Pool: memory of one runtime that is used again and again, so that a task costs no allocation once
// warm: payload blocks, result objects, names of task types. A few large blocks are kept as well:
// fresh ones cost the system's zeroing of every page.
//
// It is counted. The runtime holds one reference, each block and each result that is out holds
// another, so a result that outlives its runtime keeps what it stands on.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/status.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::capi {

// A task type as it was asked for and as it is called everywhere inside. Lives as long as the pool.
struct TypeName {
    std::string given;
    std::string canonical;
};

class Pool {
  public:
    // `allocator` NULL: the C library's memory. Throws std::bad_alloc.
    static Pool* create(const p2c2r_allocator* allocator, uint64_t memory_max);
    void retain() noexcept;
    void release() noexcept;

    // Payload memory goes through this. Small blocks are kept for the next task.
    [[nodiscard]] const MemoryHook* hook() const { return &hook_; }
    [[nodiscard]] uint64_t memory_max() const { return memory_max_; }
    // Bytes of the blocks that are out.
    [[nodiscard]] uint64_t held_bytes() noexcept;

    // The name's entry, made at its first use. kLimit when there are too many names.
    Result<const TypeName*> intern(std::string_view name);

    // Result objects: one that was used before, or a new one; holds a reference. NULL when memory
    // is short.
    p2c2r_result* take_result() noexcept;
    // The same on the thread that is on the loop, where it costs no lock.
    p2c2r_result* loop_result() noexcept;
    // Drops the reference that a result that is out holds. Any thread.
    void give_result(p2c2r_result* result) noexcept;
    // The answer of a task for which not even an object could be made: kMemory. Holds a reference.
    p2c2r_result* short_memory_result() noexcept;

    // The token (this_thread_token) of the thread that is on the loop. Only that thread touches the
    // loop's own list of results.
    [[nodiscard]] std::atomic<const void*>& loop_thread() { return loop_thread_; }
    // There will be no loop any more.
    void end_loop() noexcept;

  private:
    static constexpr size_t kSmallest = 128;             // header and 64 bytes
    static constexpr size_t kClasses = 7;                // up to 8 KiB
    static constexpr size_t kKeptBytesMax = 256 * 1024;  // of each class
    static constexpr uint32_t kResultsKeptMax = 1024;
    static constexpr uint32_t kLoopResultsMax = 128;
    static constexpr uint32_t kLoopResultsTaken = 32;  // at a time
    static constexpr size_t kNamesMax = 4096;

    struct FreeBlock {
        FreeBlock* next;
    };
    struct SizeClass {
        FreeBlock* first = nullptr;
        uint32_t count = 0;
    };
    // Blocks above the classes, up to kLargeMax, the last one given back in front.
    struct LargeBlock {
        void* data = nullptr;
        size_t room = 0;
    };
    static constexpr size_t kLargeMax = 4u << 20;
    static constexpr size_t kLargeKept = 16;
    static constexpr size_t kLargeKeptBytesMax = 8u << 20;

    Pool(const p2c2r_allocator* allocator, uint64_t memory_max);
    ~Pool();
    void* allocate(size_t size, size_t align) noexcept;
    void deallocate(void* data, size_t size, size_t align) noexcept;
    void* allocate_raw(size_t size, size_t align) noexcept;
    void deallocate_raw(void* data, size_t size, size_t align) noexcept;
    static size_t class_of(size_t size) noexcept;
    // Bytes of a block that is asked for with this size.
    static size_t room_of(size_t size) noexcept;
    // Under the mutex: a kept block of exactly this room, or NULL.
    void* take_kept(size_t room) noexcept;
    // Under the mutex. False: there is no place for it.
    bool keep(void* data, size_t room) noexcept;
    p2c2r_result* new_result() noexcept;
    // Some of those that are kept, linked by `next_pooled`; each then holds a reference.
    p2c2r_result* take_results(uint32_t count) noexcept;

    MemoryHook hook_;
    p2c2r_allocator allocator_{};
    const uint64_t memory_max_;
    std::unique_ptr<p2c2r_result> short_memory_;

    std::atomic<const void*> loop_thread_{nullptr};
    p2c2r_result* loop_results_ = nullptr;  // the loop's own; each holds a reference
    uint32_t loop_results_count_ = 0;

    std::mutex mutex_;  // guards all below
    uint64_t references_ = 1;
    uint64_t held_bytes_ = 0;
    std::array<SizeClass, kClasses> classes_;
    std::array<LargeBlock, kLargeKept> large_;
    size_t large_count_ = 0;
    size_t large_bytes_ = 0;
    p2c2r_result* results_ = nullptr;
    uint32_t results_count_ = 0;
    std::map<std::string, std::unique_ptr<TypeName>, std::less<>> names_;
};

}  // namespace p2c2r::capi
