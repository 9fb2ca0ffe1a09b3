#include "identity/attempts.h"

#include <algorithm>
#include <optional>

#include "identity/address_rule.h"

namespace p2c2r::identity {

namespace {

constexpr uint64_t kMinuteUs = 60'000'000;

}  // namespace

std::string network_of(std::string_view address) {
    const std::optional<AddressPrefix> network = AddressPrefix::around(address, 32, 64);
    return network ? network->text() : std::string(address.substr(0, address.find(':')));
}

uint64_t LoginAttempts::wait_us(const std::string& network, uint64_t now_us) {
    const auto known = failures_.find(network);
    if (known == failures_.end()) return 0;
    const uint64_t until = known->second.since_us + kMinuteUs;
    if (now_us >= until) {
        failures_.erase(known);
        return 0;
    }
    return known->second.count < kFailuresPerMinute ? 0 : until - now_us;
}

void LoginAttempts::failed(const std::string& network, uint64_t now_us) {
    if (failures_.size() >= kNetworksMax && !failures_.count(network)) forget_old(now_us);
    Failures& failures = failures_[network];
    if (failures.count == 0 || now_us >= failures.since_us + kMinuteUs) failures = {now_us, 0};
    ++failures.count;
}

void LoginAttempts::forget_old(uint64_t now_us) {
    std::erase_if(failures_,
                  [&](const auto& entry) { return now_us >= entry.second.since_us + kMinuteUs; });
    if (failures_.size() < kNetworksMax) return;
    const auto oldest = std::min_element(
        failures_.begin(), failures_.end(),
        [](const auto& a, const auto& b) { return a.second.since_us < b.second.since_us; });
    failures_.erase(oldest);
}

}  // namespace p2c2r::identity
