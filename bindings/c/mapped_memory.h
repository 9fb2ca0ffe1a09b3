// Whole pages from the system and back to it.
#pragma once

#include <cstddef>

namespace p2c2r::capi {

// At least so many bytes, zeroed, on a page's boundary. NULL when memory is short.
void* map_memory(size_t size) noexcept;
// What map_memory() gave for this size.
void unmap_memory(void* data, size_t size) noexcept;

}  // namespace p2c2r::capi
