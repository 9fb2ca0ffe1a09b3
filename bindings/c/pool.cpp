#include "bindings/c/pool.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>
#include <utility>

#include "bindings/c/host_scope.h"
#include "bindings/c/mapped_memory.h"
#include "bindings/c/results.h"
#include "model/task_type.h"

namespace p2c2r::capi {

namespace {

// Address checkers see a block's use after its end only when it really goes back.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kKeepsBlocks = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kKeepsBlocks = false;
#else
constexpr bool kKeepsBlocks = true;
#endif
#else
constexpr bool kKeepsBlocks = true;
#endif

// While so much is out, large blocks have pages of their own, which go back when they do: in a
// heap, thousands that come and go in all sizes leave holes that nobody can use. Below, a heap is
// faster.
constexpr uint64_t kMappedFrom = 64u << 20;
constexpr size_t kLargeMin = 64 * 1024;

// Stands before a block from here on, when its memory is our own affair.
struct alignas(kPayloadAlign) LargeHead {
    bool is_mapped = false;
};

void* allocate_large(size_t size, bool mapped) noexcept {
    const size_t total = sizeof(LargeHead) + size;
    void* const memory = mapped ? map_memory(total) : std::aligned_alloc(kPayloadAlign, total);
    return memory ? new (memory) LargeHead{mapped} + 1 : nullptr;
}

void deallocate_large(void* data, size_t size) noexcept {
    LargeHead* const head = static_cast<LargeHead*>(data) - 1;
    head->is_mapped ? unmap_memory(head, sizeof(LargeHead) + size) : std::free(head);
}

}  // namespace

Pool* Pool::create(const p2c2r_allocator* allocator, uint64_t memory_max) {
    return new Pool(allocator, memory_max);
}

Pool::Pool(const p2c2r_allocator* allocator, uint64_t memory_max) : memory_max_(memory_max) {
    if (allocator) allocator_ = *allocator;
    hook_.allocate = [](void* user, size_t size, size_t align) {
        return static_cast<Pool*>(user)->allocate(size, align);
    };
    hook_.deallocate = [](void* user, void* data, size_t size, size_t align) {
        static_cast<Pool*>(user)->deallocate(data, size, align);
    };
    hook_.user = this;
    short_memory_ = std::make_unique<p2c2r_result>();
    TaskResult answer;
    answer.status = Status::kMemory;
    short_memory_->pool = this;
    fill_result(short_memory_.get(), 0, nullptr, std::move(answer));
    short_memory_->shared = true;
}

Pool::~Pool() {
    for (FreeBlock*& first : classes_) {
        while (FreeBlock* block = first) {
            first = block->next;
            deallocate_raw(block, block->room, kPayloadAlign);
        }
    }
    for (size_t i = 0; i < large_count_; ++i) {
        deallocate_raw(large_[i].data, large_[i].room, kPayloadAlign);
    }
    while (p2c2r_result* result = results_) {
        results_ = result->next_pooled;
        delete result;
    }
}

void Pool::retain() noexcept {
    const std::lock_guard lock(mutex_);
    ++references_;
}

void Pool::release() noexcept {
    bool last;
    {
        const std::lock_guard lock(mutex_);
        last = --references_ == 0;
    }
    if (last) delete this;
}

uint64_t Pool::held_bytes() noexcept {
    const std::lock_guard lock(mutex_);
    return held_bytes_ + loop_bytes_out_.load(std::memory_order_relaxed);
}

// ---- payload memory ---------------------------------------------------------------------------

// Rooms come in four sizes an octave, so that blocks of nearly one size can stand in for each
// other.
size_t Pool::room_of(size_t size) noexcept {
    if (size <= kSmallest) return kSmallest;
    if (size > kLargeMax) return size;
    const size_t step = std::max(std::bit_floor(size - 1) / 4, kPayloadAlign);
    return (size + step - 1) / step * step;
}

// Of a room.
size_t Pool::class_of(size_t room) noexcept {
    if (room <= kSmallest) return 0;
    const size_t octave = static_cast<size_t>(std::bit_width(room - 1)) - 1;
    constexpr size_t kFirst = std::bit_width(kSmallest) - 1;
    return (octave - kFirst) * 4 + ((room - 1) >> (octave - 2) & 3) + 1;
}

size_t Pool::room_of_class(size_t index) noexcept {
    if (index == 0) return kSmallest;
    const size_t quarter = kSmallest / 4 << (index - 1) / 4;
    return quarter * (4 + (index - 1) % 4 + 1);
}

void* Pool::allocate_raw(size_t size, size_t align) noexcept {
    if (!allocator_.allocate) {
        const size_t whole = (size + align - 1) / align * align;
        if (size < kLargeMin) return std::aligned_alloc(align, whole);
        return allocate_large(whole, kKeepsBlocks && held_bytes() > kMappedFrom);
    }
    const HostScope scope;
    void* data = allocator_.allocate(allocator_.user, size, align);
    if (data && reinterpret_cast<uintptr_t>(data) % align != 0) {
        // Whoever forgets the alignment is told by a failure, not by a crash in a vector loop.
        allocator_.deallocate(allocator_.user, data, size, align);
        return nullptr;
    }
    return data;
}

void Pool::deallocate_raw(void* data, size_t size, size_t align) noexcept {
    if (!allocator_.deallocate) {
        const size_t whole = (size + align - 1) / align * align;
        size < kLargeMin ? std::free(data) : deallocate_large(data, whole);
        return;
    }
    const HostScope scope;
    allocator_.deallocate(allocator_.user, data, size, align);
}

void* Pool::take_kept(size_t room) noexcept {
    if (room <= kSmallMax) {
        FreeBlock*& first = classes_[class_of(room)];
        FreeBlock* const block = first;
        if (!block) return nullptr;
        first = block->next;
        small_bytes_ -= room;
        return block;
    }
    for (size_t i = large_count_; i > 0; --i) {
        if (large_[i - 1].room != room) continue;
        void* const data = large_[i - 1].data;
        std::move(large_.begin() + static_cast<ptrdiff_t>(i),
                  large_.begin() + static_cast<ptrdiff_t>(large_count_),
                  large_.begin() + static_cast<ptrdiff_t>(i - 1));
        --large_count_;
        large_bytes_ -= room;
        return data;
    }
    return nullptr;
}

bool Pool::keep(void* data, size_t room) noexcept {
    if (!kKeepsBlocks) return false;
    if (room <= kSmallMax) {
        if (small_bytes_ + room > kSmallKeptBytesMax) return false;
        FreeBlock*& first = classes_[class_of(room)];
        first = new (data) FreeBlock{first, room};
        small_bytes_ += room;
        return true;
    }
    if (room > kLargeMax || large_count_ == kLargeKept ||
        large_bytes_ + room > kLargeKeptBytesMax) {
        return false;
    }
    large_[large_count_++] = {data, room};
    large_bytes_ += room;
    return true;
}

bool Pool::is_loop_thread() const noexcept {
    return kKeepsBlocks && loop_thread_.load(std::memory_order_relaxed) == this_thread_token();
}

void* Pool::take_loop_block(size_t room) noexcept {
    auto& stack = loop_blocks_[class_of(room)];
    if (stack.count == 0) {
        const std::lock_guard lock(mutex_);
        for (uint32_t i = 0; i < kLoopTaken; ++i) {
            void* const kept = take_kept(room);
            if (!kept) break;
            if (!stack.push(kept)) {
                (void)keep(kept, room);  // it was there a moment ago
                break;
            }
            ++references_;
            loop_bytes_ += room;
        }
    }
    void* const block = stack.pop();
    if (block) loop_bytes_ -= room;
    return block;
}

bool Pool::keep_loop_block(void* data, size_t room) noexcept {
    if (loop_bytes_ + room > kLoopBytesMax || !loop_blocks_[class_of(room)].push(data)) {
        return false;
    }
    loop_bytes_ += room;
    return true;
}

void* Pool::allocate(size_t size, size_t align) noexcept {
    const size_t room = room_of(size);
    if (room <= kSmallMax && is_loop_thread()) {
        if (void* const block = take_loop_block(room)) {
            count_loop_bytes(room);
            return block;
        }
    }
    {
        const std::lock_guard lock(mutex_);
        ++references_;
        held_bytes_ += room;
        if (void* const kept = take_kept(room)) return kept;
    }
    void* data = allocate_raw(room, align);
    if (!data) {
        // Not the last reference: whoever allocates holds the runtime's.
        const std::lock_guard lock(mutex_);
        --references_;
        held_bytes_ -= room;
    }
    return data;
}

void Pool::deallocate(void* data, size_t size, size_t align) noexcept {
    (void)align;  // all blocks have the same
    const size_t room = room_of(size);
    if (room <= kSmallMax && is_loop_thread() && keep_loop_block(data, room)) {
        count_loop_bytes(0 - room);
        return;
    }
    give_common(data, room, room);
}

void Pool::give_common(void* data, size_t room, size_t held) noexcept {
    {
        const std::lock_guard lock(mutex_);
        held_bytes_ -= held;
        // The reference goes last: until then this pool is there for deallocate_raw.
        if (references_ > 1 && keep(data, room)) {
            --references_;
            return;
        }
    }
    deallocate_raw(data, room, kPayloadAlign);
    release();
}

// ---- names ------------------------------------------------------------------------------------

Result<const TypeName*> Pool::intern(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto found = names_.find(name);
    if (found != names_.end()) return found->second.get();
    if (names_.size() >= kNamesMax) {
        return field_error(Status::kLimit, "task_type",
                           "this runtime has seen " + std::to_string(kNamesMax) +
                               " names of task types, which is its limit");
    }
    auto entry = std::make_unique<TypeName>();
    entry->given.assign(name);
    entry->canonical.assign(canonical_task_type(name));
    const TypeName* const made = entry.get();
    names_.emplace(std::string(name), std::move(entry));
    return made;
}

// ---- results ----------------------------------------------------------------------------------

p2c2r_result* Pool::new_result() noexcept {
    auto* result = new (std::nothrow) p2c2r_result;
    if (!result) return nullptr;
    result->pool = this;
    retain();
    return result;
}

p2c2r_result* Pool::take_results(uint32_t count) noexcept {
    const std::lock_guard lock(mutex_);
    p2c2r_result* list = nullptr;
    for (; count > 0 && results_; --count) {
        p2c2r_result* result = results_;
        results_ = result->next_pooled;
        --results_count_;
        ++references_;
        result->next_pooled = list;
        list = result;
    }
    return list;
}

p2c2r_result* Pool::take_result() noexcept {
    p2c2r_result* result = take_results(1);
    return result ? result : new_result();
}

p2c2r_result* Pool::loop_result() noexcept {
    if (p2c2r_result* const result = loop_results_.pop()) return result;
    p2c2r_result* list = take_results(kLoopTaken);
    if (!list) return new_result();
    p2c2r_result* const first = list;
    for (list = list->next_pooled; list;) {
        p2c2r_result* const result = list;
        list = result->next_pooled;
        if (!loop_results_.push(result)) give_common(result);
    }
    return first;
}

void Pool::end_loop() noexcept {
    loop_thread_.store(nullptr, std::memory_order_relaxed);
    while (p2c2r_result* const result = loop_results_.pop()) give_common(result);
    for (size_t index = 0; index < kClasses; ++index) {
        while (void* const block = loop_blocks_[index].pop()) {
            give_common(block, room_of_class(index), 0);
        }
    }
    loop_bytes_ = 0;
    const std::lock_guard lock(mutex_);
    held_bytes_ += loop_bytes_out_.exchange(0, std::memory_order_relaxed);
}

p2c2r_result* Pool::short_memory_result() noexcept {
    retain();
    return short_memory_.get();
}

void Pool::give_result(p2c2r_result* result) noexcept {
    if (is_loop_thread() && loop_results_.push(result)) return;
    give_common(result);
}

void Pool::give_common(p2c2r_result* result) noexcept {
    {
        const std::lock_guard lock(mutex_);
        if (kKeepsBlocks && references_ > 1 && results_count_ < kResultsKeptMax) {
            result->next_pooled = results_;
            results_ = result;
            ++results_count_;
            --references_;
            return;
        }
    }
    delete result;
    release();
}

}  // namespace p2c2r::capi
