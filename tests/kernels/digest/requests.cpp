// What the executors answer to the requests in tests/fuzz/corpus/request/: params, shading, layers,
// probes and encoders with them.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "digest/digest.h"
#include "support/request_file.h"

namespace p2c2r::digest {

void requests() {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry :
         std::filesystem::directory_iterator(P2C2R_SOURCE_DIR "/tests/fuzz/corpus/request")) {
        paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
        const auto request =
            test::split_request({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
        const std::string what = "request " + path.filename().string();
        const test::NativeAnswer answer = test::run_natively(*request);
        print(what + " info", answer.info.span());
        print(what + " data " + answer.error, answer.data.span());
    }
}

}  // namespace p2c2r::digest
