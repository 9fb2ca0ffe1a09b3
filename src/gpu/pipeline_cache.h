// Compiled pipelines kept in a file between runs of the program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gpu/compute.h"

namespace p2c2r::gpu {

// One file per device and driver version in a directory; without a directory nothing is read or
// written. The file carries a checksum, because drivers trust what they are given. Failures of the
// file system are not errors: compiling again is always possible.
class PipelineCacheFile {
  public:
    PipelineCacheFile(const std::string& directory, const DeviceInfo& device);
    // Empty when there is none or it is damaged.
    [[nodiscard]] std::vector<uint8_t> load() const;
    void store(const std::vector<uint8_t>& data) const;
    [[nodiscard]] bool enabled() const { return !path_.empty(); }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

}  // namespace p2c2r::gpu
