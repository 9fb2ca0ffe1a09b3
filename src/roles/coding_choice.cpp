#include "roles/coding_choice.h"

#include <algorithm>
#include <array>

namespace p2c2r::roles {

namespace {

constexpr double kWeight = 0.25;  // of the latest result

constexpr std::array<uint8_t, 3> kJpeg = {0xff, 0xd8, 0xff};
constexpr std::array<uint8_t, 4> kPng = {0x89, 'P', 'N', 'G'};

bool begins_with(std::span<const uint8_t> data, std::span<const uint8_t> start) {
    return data.size() >= start.size() && std::equal(start.begin(), start.end(), data.begin());
}

}  // namespace

CodingChoice::Type* CodingChoice::find(std::string_view task_type) {
    for (Type& type : types_) {
        if (type.name == task_type) return &type;
    }
    if (types_.size() >= kTypesMost) return nullptr;
    types_.push_back({std::string(task_type)});
    return &types_.back();
}

bool CodingChoice::wants(std::string_view task_type, size_t size, std::span<const uint8_t> data) {
    if (size < kSizeLeast || begins_with(data, kJpeg) || begins_with(data, kPng)) return false;
    Type* const type = find(task_type);
    if (!type) return false;
    if (!type->is_known || type->ratio <= kRatioMost) return true;
    if (++type->left_out < kTryEvery) return false;
    type->left_out = 0;
    return true;
}

void CodingChoice::learn(std::string_view task_type, size_t plain_size, size_t coded_size) {
    Type* const type = find(task_type);
    if (!type || plain_size == 0) return;
    const double ratio =
        coded_size == 0 ? 1 : static_cast<double>(coded_size) / static_cast<double>(plain_size);
    // A try that goes well counts alone: what was before it was worse.
    const bool alone = !type->is_known || (type->ratio > kRatioMost && ratio <= kRatioMost);
    type->ratio = alone ? ratio : type->ratio + (ratio - type->ratio) * kWeight;
    type->is_known = true;
}

}  // namespace p2c2r::roles
