#include <sys/mman.h>

#include "bindings/c/mapped_memory.h"

namespace p2c2r::capi {

void* map_memory(size_t size) noexcept {
    void* const data =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return data == MAP_FAILED ? nullptr : data;
}

void unmap_memory(void* data, size_t size) noexcept {
    munmap(data, size);
}

}  // namespace p2c2r::capi
