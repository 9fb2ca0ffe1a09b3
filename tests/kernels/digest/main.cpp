#include <cstdio>
#include <cstring>

#include "core/crypto.h"
#include "digest.h"

namespace p2c2r::digest {

void print(const std::string& what, std::span<const uint8_t> bytes) {
    print_digest(what, to_hex(sha256(bytes)));
}

void print_digest(const std::string& what, const std::string& sha256) {
    std::printf("%s %s\n", what.c_str(), sha256.c_str());
}

}  // namespace p2c2r::digest

int main(int argc, char** argv) {
    struct Kernel {
        const char* name;
        void (*digests)();
    };
    const Kernel kernels[] = {
        {"exact", p2c2r::digest::exact},     {"raytrace", p2c2r::digest::raytrace},
        {"upscale", p2c2r::digest::upscale}, {"physics", p2c2r::digest::physics},
        {"path", p2c2r::digest::path},       {"requests", p2c2r::digest::requests},
    };
    // Names of kernels may be given; without any, all are done.
    for (const Kernel& kernel : kernels) {
        bool wanted = argc < 2;
        for (int i = 1; i < argc; ++i) wanted = wanted || std::strcmp(argv[i], kernel.name) == 0;
        if (wanted) kernel.digests();
    }
    return std::fflush(stdout) == 0 ? 0 : 1;
}
