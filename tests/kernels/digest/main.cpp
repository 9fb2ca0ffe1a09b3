#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "core/crypto.h"
#include "digest/digest.h"

namespace p2c2r::digest {

void print(const std::string& what, std::span<const uint8_t> bytes) {
    print_digest(what, to_hex(sha256(bytes)));
}

void print_digest(const std::string& what, const std::string& sha256) {
    std::printf("%s %s\n", what.c_str(), sha256.c_str());
}

namespace {

constexpr const char* kUsage =
    "kernels_digest [--random COUNT] [--each] [--device vulkan[:N]] [NAME...]\n"
    "  --random COUNT   so many random inputs of each kernel (1000)\n"
    "  --each           a digest for each random input, not one for all\n"
    "  --device         random inputs on a Vulkan device; without it, all digests natively\n"
    "  NAME             only these: exact, raytrace, upscale, physics, path, requests, random, or\n"
    "                   kernels of random inputs by the names that are printed\n";

constexpr struct {
    const char* name;
    void (*digests)();
} kGolden[] = {
    {"exact", exact},     {"raytrace", raytrace}, {"upscale", upscale},
    {"physics", physics}, {"path", path},         {"requests", requests},
};

bool parse_number(std::string_view text, uint64_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
}

bool parse(int argc, char** argv, RandomOptions& options) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        const std::string_view value = i + 1 < argc ? argv[i + 1] : "";
        if (argument == "--each") {
            options.each = true;
        } else if (argument == "--random") {
            if (!parse_number(value, options.count) || options.count == 0) return false;
            ++i;
        } else if (argument == "--device") {
            uint64_t index = 0;
            if (value.starts_with("vulkan:") ? !parse_number(value.substr(7), index)
                                             : value != "vulkan") {
                return false;
            }
            options.device = index;
            ++i;
        } else if (argument.starts_with('-')) {
            return false;
        } else {
            options.names.emplace_back(argument);
        }
    }
    return true;
}

}  // namespace

}  // namespace p2c2r::digest

int main(int argc, char** argv) {
    using namespace p2c2r::digest;
    RandomOptions options;
    if (!parse(argc, argv, options)) {
        std::fputs(kUsage, stderr);
        return 2;
    }
    size_t done = 0;
    for (const auto& golden : kGolden) {
        if (options.device || !options.wants(golden.name)) continue;
        golden.digests();
        ++done;
    }
    const int status = random(options, done);
    if (done == 0 && status == 0) {
        std::fputs(kUsage, stderr);
        return 2;
    }
    return std::fflush(stdout) == 0 ? status : 1;
}
