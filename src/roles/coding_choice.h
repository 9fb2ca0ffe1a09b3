// Which results a peer codes, of those that may come coded: not small ones, nor pictures that are
// coded already, and of the others the types whose results have got smaller by it. Decides, never
// acts; one in kTryEvery of the other types is tried, since what a type holds may change.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace p2c2r::roles {

class CodingChoice {
  public:
    static constexpr size_t kSizeLeast = 1024;
    static constexpr uint32_t kTryEvery = 16;
    static constexpr double kRatioMost = 0.9;  // of coded to plain bytes that is worth the time
    static constexpr size_t kTypesMost = 64;   // further ones are not coded

    // `size` bytes in all, of which `data` may be a picture.
    [[nodiscard]] bool wants(std::string_view task_type, size_t size,
                             std::span<const uint8_t> data);
    // How large a coded result may be to be sent.
    [[nodiscard]] static size_t size_most(size_t plain_size) {
        return static_cast<size_t>(static_cast<double>(plain_size) * kRatioMost);
    }
    // What came out; coded_size 0: more than size_most().
    void learn(std::string_view task_type, size_t plain_size, size_t coded_size);

  private:
    struct Type {
        std::string name;
        double ratio = 0;
        bool is_known = false;
        uint32_t left_out = 0;  // since the last try
    };
    Type* find(std::string_view task_type);

    std::vector<Type> types_;
};

}  // namespace p2c2r::roles
