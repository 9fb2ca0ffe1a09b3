// A library that is opened while the program runs.
#pragma once

#include <string>

#include "core/status.h"

namespace p2c2r::gpu {

// Never closed again: drivers leave threads and exit handlers behind that need their code.
class SharedLibrary {
  public:
    // kNoDevice with the system's reason when it cannot be opened.
    static Result<SharedLibrary> open(const std::string& name);
    // NULL when the library has no such function.
    [[nodiscard]] void* symbol(const char* name) const;

  private:
    explicit SharedLibrary(void* handle) : handle_(handle) {}
    void* handle_;
};

// How the Vulkan loader is called on this system.
const char* vulkan_loader_name();

}  // namespace p2c2r::gpu
