#include "identity/attempts.h"

#include <algorithm>
#include <vector>

namespace p2c2r::identity {

namespace {

// "2001:db8::1" -> its first four groups.
std::string first_groups(std::string_view address) {
    std::vector<std::string_view> groups;
    size_t gap = std::string_view::npos;  // groups before "::"
    size_t at = 0;
    while (at <= address.size()) {
        const size_t colon = std::min(address.find(':', at), address.size());
        const std::string_view group = address.substr(at, colon - at);
        if (group.empty() && colon < address.size() && gap == std::string_view::npos && at > 0) {
            gap = groups.size();
        } else if (!group.empty()) {
            groups.push_back(group);
        } else if (at == 0 && address.substr(0, 2) == "::") {
            gap = 0;
            ++at;
        }
        at = std::max(colon, at) + 1;
    }
    std::string network;
    for (size_t i = 0; i < 4; ++i) {
        std::string_view group = "0";
        if (gap == std::string_view::npos || i < gap) {
            if (i < groups.size()) group = groups[i];
        } else if (groups.size() + i >= 8) {
            group = groups[groups.size() + i - 8];
        }
        network += std::string(group) + ":";
    }
    return network + ":/64";
}

}  // namespace

std::string network_of(std::string_view address) {
    if (!address.empty() && address.front() == '[') {
        const size_t end = address.find(']');
        address = address.substr(1, end == std::string_view::npos ? end : end - 1);
        // An IPv4 address on a socket that takes both.
        constexpr std::string_view kMapped = "::ffff:";
        if (address.starts_with(kMapped) && address.find('.') != std::string_view::npos) {
            return std::string(address.substr(kMapped.size()));
        }
        return first_groups(address);
    }
    const size_t colon = address.find(':');
    if (colon != std::string_view::npos && address.find(':', colon + 1) != std::string_view::npos) {
        return first_groups(address);
    }
    return std::string(address.substr(0, colon));
}

uint64_t Attempts::wait_us(const std::string& network, uint64_t now_us) {
    const auto known = counts_.find(network);
    if (known == counts_.end()) return 0;
    const uint64_t until = known->second.since_us + period_us_;
    if (now_us >= until) {
        counts_.erase(known);
        return 0;
    }
    return known->second.count < most_ ? 0 : until - now_us;
}

void Attempts::count(const std::string& network, uint64_t now_us) {
    if (counts_.size() >= kNetworksMax && !counts_.count(network)) forget_old(now_us);
    Count& count = counts_[network];
    if (count.count == 0 || now_us >= count.since_us + period_us_) count = {now_us, 0};
    ++count.count;
}

void Attempts::forget_old(uint64_t now_us) {
    std::erase_if(counts_,
                  [&](const auto& entry) { return now_us >= entry.second.since_us + period_us_; });
    if (counts_.size() < kNetworksMax) return;
    const auto oldest = std::min_element(
        counts_.begin(), counts_.end(),
        [](const auto& a, const auto& b) { return a.second.since_us < b.second.since_us; });
    counts_.erase(oldest);
}

}  // namespace p2c2r::identity
