// Counts what this program takes from the heap, malloc and new alike, and can refuse to give more.
// Include it in exactly one .cpp of a test program: it replaces the allocation functions there.
// Sanitizers bring their own, so under them nothing is counted or refused and `heap_is_counted` is
// false.
#pragma once

#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace p2c2r::test {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define P2C2R_TEST_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define P2C2R_TEST_SANITIZED
#endif

#if !defined(P2C2R_TEST_SANITIZED) && defined(__GLIBC__)
#define P2C2R_TEST_HEAP_COUNTED
inline constexpr bool heap_is_counted = true;
#else
inline constexpr bool heap_is_counted = false;
#endif

namespace heap {
inline std::atomic<int64_t> held{0};     // bytes, as the allocator rounds them
inline std::atomic<int64_t> highest{0};  // of `held` since the last HeapWatch began
inline std::atomic<uint64_t> calls{0};   // allocations

// What HeapShortage asks for; no thread is refused inside of HeapPlenty.
inline std::atomic<bool> is_short{false};
inline std::atomic<bool> is_lasting{false};
inline std::atomic<uint64_t> nth{0};    // the one that fails
inline std::atomic<uint64_t> asked{0};  // allocations since the shortage began
inline std::atomic<bool> was_felt{false};
inline thread_local int plenty = 0;

inline bool refuses() {
    if (!is_short.load(std::memory_order_relaxed) || plenty > 0) return false;
    const uint64_t now = asked.fetch_add(1, std::memory_order_relaxed) + 1;
    if (is_lasting ? now < nth : now != nth) return false;
    was_felt = true;
    errno = ENOMEM;
    return true;
}

inline void took(void* memory) {
    if (!memory) return;
    calls.fetch_add(1, std::memory_order_relaxed);
    const auto size = static_cast<int64_t>(malloc_usable_size(memory));
    const int64_t now = held.fetch_add(size, std::memory_order_relaxed) + size;
    int64_t seen = highest.load(std::memory_order_relaxed);
    while (now > seen && !highest.compare_exchange_weak(seen, now, std::memory_order_relaxed)) {
    }
}
inline void gave(void* memory) {
    if (memory) {
        held.fetch_sub(static_cast<int64_t>(malloc_usable_size(memory)), std::memory_order_relaxed);
    }
}
}  // namespace heap

// What happened on the heap since it was made; one at a time.
class HeapWatch {
  public:
    HeapWatch() : start_(heap::held.load()), calls_(heap::calls.load()) {
        heap::highest.store(start_);
    }
    [[nodiscard]] int64_t peak() const { return heap::highest.load() - start_; }
    [[nodiscard]] int64_t left() const { return heap::held.load() - start_; }
    [[nodiscard]] uint64_t allocations() const { return heap::calls.load() - calls_; }

  private:
    int64_t start_;
    uint64_t calls_;
};

// While it lives, the n-th allocation of the program fails (counted from 1, all threads); lasting:
// and all after it. One at a time.
class HeapShortage {
  public:
    HeapShortage(uint64_t nth, bool lasting) {
        heap::nth = nth;
        heap::is_lasting = lasting;
        heap::asked = 0;
        heap::was_felt = false;
        heap::is_short = true;
    }
    ~HeapShortage() { end(); }
    HeapShortage(const HeapShortage&) = delete;
    HeapShortage& operator=(const HeapShortage&) = delete;
    void end() { heap::is_short = false; }
    // At least one allocation has failed.
    [[nodiscard]] bool was_felt() const { return heap::was_felt.load(); }
};

// While it lives, no allocation of this thread fails: for what belongs to the test.
class HeapPlenty {
  public:
    HeapPlenty() { ++heap::plenty; }
    ~HeapPlenty() { --heap::plenty; }
    HeapPlenty(const HeapPlenty&) = delete;
    HeapPlenty& operator=(const HeapPlenty&) = delete;
};

}  // namespace p2c2r::test

#ifdef P2C2R_TEST_HEAP_COUNTED
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t align, size_t size);
void __libc_free(void* memory);

void* malloc(size_t size) noexcept {
    if (p2c2r::test::heap::refuses()) return nullptr;
    void* memory = __libc_malloc(size);
    p2c2r::test::heap::took(memory);
    return memory;
}
void* calloc(size_t count, size_t size) noexcept {
    if (p2c2r::test::heap::refuses()) return nullptr;
    void* memory = __libc_calloc(count, size);
    p2c2r::test::heap::took(memory);
    return memory;
}
void* realloc(void* memory, size_t size) noexcept {
    if (size > 0 && p2c2r::test::heap::refuses()) return nullptr;
    const auto before = memory ? static_cast<int64_t>(malloc_usable_size(memory)) : 0;
    void* moved = __libc_realloc(memory, size);
    if (moved || size == 0) p2c2r::test::heap::held.fetch_sub(before);
    p2c2r::test::heap::took(moved);
    return moved;
}
void* memalign(size_t align, size_t size) noexcept {
    if (p2c2r::test::heap::refuses()) return nullptr;
    void* memory = __libc_memalign(align, size);
    p2c2r::test::heap::took(memory);
    return memory;
}
void* aligned_alloc(size_t align, size_t size) noexcept {
    return memalign(align, size);
}
int posix_memalign(void** out, size_t align, size_t size) noexcept {
    void* memory = memalign(align, size);
    if (!memory) return ENOMEM;
    *out = memory;
    return 0;
}
void free(void* memory) noexcept {
    p2c2r::test::heap::gave(memory);
    __libc_free(memory);
}
}
#endif
