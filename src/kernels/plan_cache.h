// Resize plans of the sizes seen last: frames of a game come in one size, and making the weights of
// an odd ratio costs as much as a tenth of using them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "kernels/upscale_native.h"
#include "kernels/upscale_request.h"

namespace p2c2r::kernels {

// Any thread.
class PlanCache {
  public:
    std::shared_ptr<const UpscalePlan> get(const ImageSize& input, const ImageSize& output,
                                           uint32_t channels, ResampleFilter filter) {
        const Key key{input, output, channels, filter};
        {
            const std::lock_guard lock(mutex_);
            const auto found = std::find_if(entries_.begin(), entries_.end(),
                                            [&](const Entry& entry) { return entry.key == key; });
            if (found != entries_.end()) {
                std::rotate(entries_.begin(), found, found + 1);  // the newest comes first
                return entries_.front().plan;
            }
        }
        auto plan = std::make_shared<const UpscalePlan>(make_upscale_plan(
            input.width, input.height, output.width, output.height, channels, filter));
        const std::lock_guard lock(mutex_);
        entries_.insert(entries_.begin(), Entry{key, plan});
        if (entries_.size() > kEntriesMax) entries_.pop_back();
        return plan;
    }

  private:
    static constexpr size_t kEntriesMax = 8;
    struct Key {
        ImageSize input;
        ImageSize output;
        uint32_t channels;
        ResampleFilter filter;
        bool operator==(const Key&) const = default;
    };
    struct Entry {
        Key key;
        std::shared_ptr<const UpscalePlan> plan;
    };

    std::mutex mutex_;  // guards entries_
    std::vector<Entry> entries_;
};

}  // namespace p2c2r::kernels
