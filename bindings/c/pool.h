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
#include <new>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/cache.h"
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

    // Payload memory goes through this. Small blocks are kept for the next task; on the thread that
    // is on the loop most cost no lock.
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
    // loop's own stacks.
    [[nodiscard]] std::atomic<const void*>& loop_thread() { return loop_thread_; }
    // There will be no loop any more.
    void end_loop() noexcept;

  private:
    static constexpr size_t kSmallest = 128;  // header and 64 bytes
    static constexpr size_t kSmallMax = 8 * 1024;
    static constexpr size_t kClasses = 25;                     // four an octave
    static constexpr size_t kSmallKeptBytesMax = 2048 * 1024;  // of all classes
    static constexpr uint32_t kResultsKeptMax = 1024;
    static constexpr size_t kLoopBlocksMax = 256;        // of one class
    static constexpr size_t kLoopBytesMax = 512 * 1024;  // of all
    static constexpr size_t kLoopResultsMax = 256;
    static constexpr uint32_t kLoopTaken = 32;  // at a time
    static constexpr size_t kNamesMax = 4096;

    struct FreeBlock {
        FreeBlock* next;
        size_t room;
    };
    // What only the loop's thread touches, each with a reference. Pointers rather than a list: what
    // is taken next need not be looked at for it.
    template <class T, size_t kMax>
    struct LoopStack {
        std::unique_ptr<T*[]> items;  // made at the first use; without memory for it: none
        size_t count = 0;

        [[nodiscard]] bool push(T* item) noexcept {
            if (count == kMax || (!items && !make())) return false;
            items[count++] = item;
            return true;
        }
        T* pop() noexcept {
            if (count == 0) return nullptr;
            T* const item = items[--count];
            if (count > 0) fetch_ahead(items[count - 1], 4 * kCacheLine);
            return item;
        }

      private:
        bool make() noexcept {
            items.reset(new (std::nothrow) T*[kMax]);
            return items != nullptr;
        }
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
    static size_t class_of(size_t room) noexcept;
    static size_t room_of_class(size_t index) noexcept;
    // Bytes of a block that is asked for with this size.
    static size_t room_of(size_t size) noexcept;
    // On the loop's thread. NULL: the common ones must be asked.
    void* take_loop_block(size_t room) noexcept;
    bool keep_loop_block(void* data, size_t room) noexcept;
    void count_loop_bytes(uint64_t more) noexcept {
        loop_bytes_out_.store(loop_bytes_out_.load(std::memory_order_relaxed) + more,
                              std::memory_order_relaxed);
    }
    [[nodiscard]] bool is_loop_thread() const noexcept;
    // Under the mutex: a kept block of exactly this room, or NULL.
    void* take_kept(size_t room) noexcept;
    // Under the mutex. False: there is no place for it.
    bool keep(void* data, size_t room) noexcept;
    // Drops the reference that a block or a result holds, and keeps it or not; `held` bytes are out
    // no more.
    void give_common(void* data, size_t room, size_t held) noexcept;
    void give_common(p2c2r_result* result) noexcept;
    p2c2r_result* new_result() noexcept;
    // Some of those that are kept, linked by `next_pooled`; each then holds a reference.
    p2c2r_result* take_results(uint32_t count) noexcept;

    MemoryHook hook_;
    p2c2r_allocator allocator_{};
    const uint64_t memory_max_;
    std::unique_ptr<p2c2r_result> short_memory_;

    std::atomic<const void*> loop_thread_{nullptr};
    // The loop's own.
    LoopStack<p2c2r_result, kLoopResultsMax> loop_results_;
    std::array<LoopStack<void, kLoopBlocksMax>, kClasses> loop_blocks_;
    size_t loop_bytes_ = 0;                    // of these blocks
    std::atomic<uint64_t> loop_bytes_out_{0};  // what held_bytes_ must be corrected by

    std::mutex mutex_;  // guards all below
    uint64_t references_ = 1;
    uint64_t held_bytes_ = 0;
    std::array<FreeBlock*, kClasses> classes_{};
    std::array<LargeBlock, kLargeKept> large_;
    size_t small_bytes_ = 0;  // kept in classes_
    size_t large_count_ = 0;
    size_t large_bytes_ = 0;
    p2c2r_result* results_ = nullptr;
    uint32_t results_count_ = 0;
    std::map<std::string, std::unique_ptr<TypeName>, std::less<>> names_;
};

}  // namespace p2c2r::capi
