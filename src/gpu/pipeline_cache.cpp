#include "gpu/pipeline_cache.h"

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/hash.h"

namespace p2c2r::gpu {

namespace {

constexpr char kFileMagic[8] = {'p', '2', 'c', '2', 'r', 'p', 'c', '1'};
constexpr uint64_t kSizeMax = 64ull << 20;

// Read back on the same machine only, so plain host byte order serves.
struct Head {
    char magic[8];
    uint64_t size;
    uint64_t hash;
};

std::string hex(const uint8_t* bytes, size_t size) {
    std::string text;
    for (size_t i = 0; i < size; ++i) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", bytes[i]);
        text += digits;
    }
    return text;
}

}  // namespace

PipelineCacheFile::PipelineCacheFile(const std::string& directory, const DeviceInfo& device) {
    if (directory.empty()) return;
    path_ = (std::filesystem::path(directory) /
             ("pipelines-" + hex(device.uuid.data(), device.uuid.size()) + "-" +
              std::to_string(device.driver_version) + ".bin"))
                .string();
}

std::vector<uint8_t> PipelineCacheFile::load() const {
    std::vector<uint8_t> data;
    if (!enabled()) return data;
    std::ifstream file(path_, std::ios::binary);
    Head head{};
    if (!file.read(reinterpret_cast<char*>(&head), sizeof head)) return data;
    if (std::memcmp(head.magic, kFileMagic, sizeof kFileMagic) != 0 || head.size > kSizeMax)
        return data;
    std::error_code error;
    const uint64_t file_size = std::filesystem::file_size(path_, error);
    if (error || file_size != sizeof head + head.size) return data;
    data.resize(head.size);
    if (!file.read(reinterpret_cast<char*>(data.data()), static_cast<std::streamsize>(head.size)) ||
        hash64(data) != head.hash) {
        data.clear();
    }
    return data;
}

void PipelineCacheFile::store(const std::vector<uint8_t>& data) const {
    if (!enabled() || data.empty() || data.size() > kSizeMax) return;
    Head head{};
    std::memcpy(head.magic, kFileMagic, sizeof kFileMagic);
    head.size = data.size();
    head.hash = hash64(data);
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), error);
    // Written beside and renamed, so that nobody ever reads half a file. Two programs that store at
    // once either have the same contents or different names.
    const std::string temporary =
        path_ + "." + hex(reinterpret_cast<const uint8_t*>(&head.hash), sizeof head.hash);
    {
        std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
        file.write(reinterpret_cast<const char*>(&head), sizeof head);
        file.write(reinterpret_cast<const char*>(data.data()),
                   static_cast<std::streamsize>(data.size()));
        if (!file.flush()) {
            file.close();
            std::filesystem::remove(temporary, error);
            return;
        }
    }
    std::filesystem::rename(temporary, path_, error);
    if (error) std::filesystem::remove(temporary, error);
}

}  // namespace p2c2r::gpu
