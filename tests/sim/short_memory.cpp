#include "sim/short_memory.h"

#include <cstdlib>
#include <new>

namespace p2c2r::sim {

namespace {

thread_local uint64_t fails_at = 0;  // of the allocations from now on; 0: none
thread_local uint32_t plenty = 0;
thread_local bool felt = false;

bool refuses() {
    if (fails_at == 0 || plenty > 0 || --fails_at > 0) return false;
    felt = true;
    return true;
}

}  // namespace

ShortMemory::ShortMemory(uint64_t nth) {
    fails_at = nth;
    felt = false;
}

ShortMemory::~ShortMemory() {
    fails_at = 0;
}

bool ShortMemory::was_felt() const {
    return felt;
}

Plenty::Plenty() {
    ++plenty;
}

Plenty::~Plenty() {
    --plenty;
}

// For the operators below, which are in no namespace.
void* take_memory(size_t size) {
    if (!refuses()) {
        if (void* memory = std::malloc(size > 0 ? size : 1)) return memory;
    }
    throw std::bad_alloc();
}

}  // namespace p2c2r::sim

// Not inlined: the compiler would see a free() of what came from new.
[[gnu::noinline]] void* operator new(size_t size) {
    return p2c2r::sim::take_memory(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
    std::free(memory);
}
