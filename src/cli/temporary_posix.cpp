#include "cli/temporary_posix.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace p2c2r::cli {

Result<TemporaryDirectory> TemporaryDirectory::make() {
    std::error_code ignored;
    std::string name = (std::filesystem::temp_directory_path(ignored) / "p2c2r-XXXXXX").string();
    if (!mkdtemp(name.data())) {
        return Failure{kExitSomeFailed,
                       "cannot make a temporary directory: " + std::string(std::strerror(errno))};
    }
    return TemporaryDirectory(name);
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace p2c2r::cli
