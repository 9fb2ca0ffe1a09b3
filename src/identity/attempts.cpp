#include "identity/attempts.h"

#include <algorithm>
#include <optional>

#include "identity/address_rule.h"

namespace p2c2r::identity {

namespace {}  // namespace

std::string network_of(std::string_view address) {
    const std::optional<AddressPrefix> network = AddressPrefix::around(address, 32, 64);
    return network ? network->text() : std::string(address.substr(0, address.find(':')));
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
