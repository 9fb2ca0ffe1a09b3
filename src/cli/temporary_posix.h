// A directory of its own that goes with its object.
#pragma once

#include <string>

#include "cli/failure.h"

namespace p2c2r::cli {

class TemporaryDirectory {
  public:
    static Result<TemporaryDirectory> make();
    TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::move(other.path_)) {
        other.path_.clear();
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory();
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

}  // namespace p2c2r::cli
