// An operator new that fails when it is told to. To be included in one file of a program.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>

namespace p2c2r::test {

// So many allocations succeed, and all after them fail; UINT64_MAX: none fails.
inline uint64_t allocations_left = UINT64_MAX;

// Calls `what` with memory that lasts for no allocation, then for one more each time, until it does
// not run out. `after` looks at what is left each time.
template <class What, class After>
void with_short_memory(What&& what, After&& after) {
    for (uint64_t count = 0;; ++count) {
        bool is_short = false;
        allocations_left = count;
        try {
            what();
        } catch (const std::bad_alloc&) {
            is_short = true;
        }
        allocations_left = UINT64_MAX;
        after(is_short);
        if (!is_short) return;
    }
}

}  // namespace p2c2r::test

// Not inlined: the compiler would see a free() of what came from new.
[[gnu::noinline]] void* operator new(size_t size) {
    uint64_t& left = p2c2r::test::allocations_left;
    if (left != UINT64_MAX && left-- == 0) {
        left = 0;
        throw std::bad_alloc();
    }
    if (void* memory = std::malloc(size ? size : 1)) return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
    std::free(memory);
}
