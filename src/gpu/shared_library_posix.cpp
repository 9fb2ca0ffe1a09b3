#include <dlfcn.h>

#include "gpu/shared_library.h"

namespace p2c2r::gpu {

Result<SharedLibrary> SharedLibrary::open(const std::string& name) {
    void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char* reason = dlerror();
        return make_error(Status::kNoDevice, reason ? reason : name + " cannot be opened");
    }
    return SharedLibrary(handle);
}

void* SharedLibrary::symbol(const char* name) const {
    return dlsym(handle_, name);
}

const char* vulkan_loader_name() {
    return "libvulkan.so.1";
}

}  // namespace p2c2r::gpu
