// Counts through the sanitizer's hooks, for the libFuzzer programs.
#include "fuzz/memory_watch.h"

#include <sanitizer/allocator_interface.h>

#include <algorithm>
#include <atomic>
#include <cstddef>

namespace p2c2r::test {

namespace {

std::atomic<int64_t> held{0};
std::atomic<int64_t> highest{0};
int64_t at_start = 0;

void took(const volatile void*, size_t size) {
    const int64_t now = held.fetch_add(static_cast<int64_t>(size)) + static_cast<int64_t>(size);
    if (now > highest.load()) highest.store(now);  // targets have one thread
}

void gave(const volatile void* memory) {
    if (memory) {
        held.fetch_sub(
            static_cast<int64_t>(__sanitizer_get_allocated_size(const_cast<void*>(memory))));
    }
}

}  // namespace

void watch_memory() {
    static const int hooks = __sanitizer_install_malloc_and_free_hooks(took, gave);
    (void)hooks;
    at_start = held.load();
    highest.store(at_start);
}

int64_t memory_peak() {
    return highest.load() - at_start;
}

}  // namespace p2c2r::test
