#include "layers.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace game {

using nlohmann::json;

namespace {

constexpr double kFramesPerSecond = 60;
// Play over the internet: 3 Mbit/s up and 15 down for all layers, or 70 % of what was measured.
constexpr double kUpMbps = 3;
constexpr double kDownMbps = 15;
constexpr double kMeasuredShare = 0.7;

json fields_of(p2c2r_result* result) {
    size_t size = 0;
    const auto* text =
        static_cast<const char*>(p2c2r_result_fields(result, P2C2R_FORMAT_JSON, &size));
    json fields = json::parse(text, text + size, nullptr, false);
    p2c2r_result_release(result);
    return fields;
}

}  // namespace

void LayerPlan::took(size_t bytes_up, size_t bytes_down) {
    bytes_up_ = bytes_up;
    // The most seen: the rectangle of a mirror comes and goes.
    const double whole = static_cast<double>(bytes_down) * divisor_ * divisor_;
    area_bytes_down_ = std::max(whole, area_bytes_down_ * 0.95);
}

void LayerPlan::look(p2c2r_runtime* runtime, p2c2r_client* client) {
    if (area_bytes_down_ == 0) return;
    p2c2r_result* result = nullptr;
    json link = json::object();
    if (p2c2r_client_call(client, "placement", nullptr, 100, &result, nullptr) == P2C2R_OK) {
        link = fields_of(result).value("link", link);
    }
    const json layer = {{"bytes_up", bytes_up_},
                        {"area_bytes_down", area_bytes_down_},
                        {"rate", kFramesPerSecond / static_cast<double>(least_every_)},
                        {"up_mbps", link.value("up_mbps", 0.0)},
                        {"down_mbps", link.value("down_mbps", 0.0)},
                        {"share", kMeasuredShare * share_},
                        {"budget_up_mbps", kUpMbps * share_},
                        {"budget_down_mbps", kDownMbps * share_}};
    if (p2c2r_runtime_call(runtime, "fit_layer", layer.dump().c_str(), nullptr, 0, &result,
                           nullptr) != P2C2R_OK) {
        return;
    }
    const json fit = fields_of(result);
    divisor_ = fit.value("divisor", 1);
    every_ =
        std::max(least_every_,
                 static_cast<uint64_t>(std::lround(kFramesPerSecond / fit.value("rate", 60.0))));
    text_ = fit.value("text", "");
}

}  // namespace game
