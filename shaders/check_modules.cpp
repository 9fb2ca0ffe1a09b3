// Build step: check_modules MODULE.spv HEADER.h NAME
//
// Pins the float arithmetic of a module (src/gpu/float_modes.h) and refuses one that is outside the
// deterministic subset (src/gpu/module_check.h), which fails the build. Otherwise writes it as a
// C++ array p2c2r::kernels::NAME.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gpu/float_modes.h"
#include "gpu/module_check.h"

namespace {

bool read_words(const char* path, std::vector<uint32_t>& words) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
    if (!file || bytes.size() % 4 != 0) return false;
    words.resize(bytes.size() / 4);
    std::memcpy(words.data(), bytes.data(), bytes.size());
    return true;
}

bool write_header(const char* path, const char* name, const std::vector<uint32_t>& words) {
    std::string text =
        "// Made by the build from shaders/: float arithmetic pinned, checked against the "
        "allow-list.\n";
    text += "#pragma once\n\n#include <cstdint>\n\nnamespace p2c2r::kernels {\n\n";
    text += "inline constexpr uint32_t " + std::string(name) + "[] = {";
    for (size_t i = 0; i < words.size(); ++i) {
        char word[20];
        std::snprintf(word, sizeof word, "%s0x%08x,", i % 8 == 0 ? "\n    " : " ", words[i]);
        text += word;
    }
    text += "\n};\n\n}  // namespace p2c2r::kernels\n";
    std::ofstream file(path, std::ios::trunc);
    file << text;
    return static_cast<bool>(file.flush());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "use: check_modules MODULE.spv HEADER.h NAME\n");
        return 2;
    }
    std::vector<uint32_t> words;
    if (!read_words(argv[1], words)) {
        std::fprintf(stderr, "%s: cannot be read as 32-bit words\n", argv[1]);
        return 1;
    }
    const auto pinned = p2c2r::gpu::pin_float_modes(words);
    if (!pinned) {
        std::fprintf(stderr, "%s: %s\n", argv[1], pinned.error().text.c_str());
        return 1;
    }
    const auto info = p2c2r::gpu::check_module(*pinned);
    if (!info) {
        std::fprintf(stderr, "%s: %s\n", argv[1], info.error().text.c_str());
        return 1;
    }
    if (!write_header(argv[2], argv[3], *pinned)) {
        std::fprintf(stderr, "%s: cannot be written\n", argv[2]);
        return 1;
    }
    return 0;
}
