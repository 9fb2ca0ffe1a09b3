#include "model/layer_fit.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>

namespace p2c2r {

namespace {

constexpr double kMega = 1e6;
constexpr double kDivisorLoss[] = {0, 1, 2.5};
constexpr double kQualityLoss = 0.5;  // of half the bytes
static_assert(std::size(kDivisorLoss) == kLayerDivisors.size());

double allowed(double most, double measured, double share) {
    return measured > 0 ? std::min(most, measured * share) : most;
}

double loss_of(const LayerFitCase& layer, const LayerFit& fit, double divisor_loss) {
    const double bytes_share = layer.qualities[fit.quality] / layer.qualities.front();
    return divisor_loss - std::log2(fit.rate / kLayerRates.front()) -
           std::log2(bytes_share) * kQualityLoss;
}

void fill_rates(const LayerFitCase& layer, LayerFit& fit) {
    const double area =
        layer.qualities[fit.quality] / (static_cast<double>(fit.divisor) * fit.divisor);
    const LayerBytes& bytes = layer.bytes;
    fit.up_bits_per_s = 8 * fit.rate * (bytes.up + bytes.up_area * area);
    fit.down_bits_per_s = 8 * fit.rate * (bytes.down + bytes.down_area * area);
    fit.fits = fit.up_bits_per_s <= fit.up_bits_per_s_most &&
               fit.down_bits_per_s <= fit.down_bits_per_s_most;
}

std::string text_of(const LayerFitCase& layer, const LayerFit& fit) {
    char quality[32] = "";
    if (layer.qualities.size() > 1) {
        std::snprintf(quality, sizeof quality, ", quality %zu of %zu", fit.quality + 1,
                      layer.qualities.size());
    }
    char resolution[24] = "full";
    if (fit.divisor > 1) std::snprintf(resolution, sizeof resolution, "1/%u", fit.divisor);
    char text[200];
    std::snprintf(text, sizeof text,
                  "%s resolution%s, %.3g a second: %.2g of %.3g Mbit/s up, %.2g of %.3g down%s",
                  resolution, quality, fit.rate, fit.up_bits_per_s / kMega,
                  fit.up_bits_per_s_most / kMega, fit.down_bits_per_s / kMega,
                  fit.down_bits_per_s_most / kMega, fit.fits ? "" : "; nothing smaller is left");
    return text;
}

}  // namespace

LayerFit fit_layer(const LayerFitCase& layer) {
    const LayerBudget& budget = layer.budget;
    LayerFit candidate;
    candidate.up_bits_per_s_most =
        allowed(budget.up_bits_per_s, budget.measured_up_bits_per_s, budget.share);
    candidate.down_bits_per_s_most =
        allowed(budget.down_bits_per_s, budget.measured_down_bits_per_s, budget.share);
    LayerFit best;
    double best_loss = 0;
    LayerFit least = candidate;
    // From the finest and most frequent down, so that of equal losses the higher rate is met first.
    for (const double rate : kLayerRates) {
        if (rate > layer.rate_most && rate != kLayerRates.back()) continue;
        for (size_t step = 0; step < kLayerDivisors.size(); ++step) {
            const uint32_t divisor = kLayerDivisors[step];
            if (divisor < layer.divisor_least) continue;
            for (size_t quality = 0; quality < layer.qualities.size(); ++quality) {
                candidate.rate = std::min(rate, layer.rate_most);
                candidate.divisor = divisor;
                candidate.quality = quality;
                fill_rates(layer, candidate);
                least = candidate;
                const double loss = loss_of(layer, candidate, kDivisorLoss[step]);
                if (!candidate.fits || (best.fits && loss >= best_loss)) continue;
                best = candidate;
                best_loss = loss;
            }
        }
    }
    if (!best.fits) best = least;
    best.text = text_of(layer, best);
    return best;
}

}  // namespace p2c2r
