#include "model/layer_fit.h"

#include <doctest/doctest.h>

using namespace p2c2r;

namespace {

// A shadow mask of 1280 x 720: a bit a pixel, and 2 KB of camera and scene.
LayerFitCase mask() {
    LayerFitCase layer;
    layer.bytes = {2'000, 0, 200, 115'200};
    return layer;
}

}  // namespace

TEST_CASE("layer fit: the finest layer at the highest rate that the link carries is chosen") {
    struct Row {
        double up_mbps;  // measured; 0: unknown
        double down_mbps;
        uint32_t divisor;
        double rate;
        bool fits;
    };
    // At 60 a second: 0.96 up; 55.4, 13.9 and 3.55 down. At 30 half of that.
    for (const Row& row : {
             Row{0, 0, 2, 60, true},  // 15 down are the most, whatever the line has
             Row{1'000, 1'000, 2, 60, true},
             Row{1'000, 20, 2, 60, true},  // 70 % of 20 are just enough
             Row{1'000, 19, 2, 30, true},
             Row{1'000, 8, 4, 60, true},  // 1/2 at 20 is a loss of 2.6
             Row{1'000, 4, 4, 30, true},
             Row{1'000, 1.5, 4, 15, true},
             Row{1'000, 1, 4, 15, false},
             Row{1, 1'000, 2, 30, true},    // 0.48 of 0.7 up
             Row{0.5, 1'000, 1, 15, true},  // what the line up carries is no question of pixels
             Row{0.3, 1'000, 4, 15, false},
         }) {
        CAPTURE(row.up_mbps);
        CAPTURE(row.down_mbps);
        LayerFitCase layer = mask();
        layer.budget.measured_up_bits_per_s = row.up_mbps * 1e6;
        layer.budget.measured_down_bits_per_s = row.down_mbps * 1e6;
        const LayerFit fit = fit_layer(layer);
        CAPTURE(fit.text);
        CHECK(fit.divisor == row.divisor);
        CHECK(fit.rate == row.rate);
        CHECK(fit.fits == row.fits);
    }
}

TEST_CASE("layer fit: without a measurement the budget alone is the most") {
    LayerFitCase layer = mask();
    layer.budget.down_bits_per_s = 100e6;
    const LayerFit fit = fit_layer(layer);
    CHECK(fit.divisor == 1);
    CHECK(fit.rate == 60);
    CHECK(fit.down_bits_per_s == doctest::Approx(8 * 60 * 115'400.0));
    CHECK(fit.text == "full resolution, 60 a second: 0.96 of 3 Mbit/s up, 55 of 100 down");
}

TEST_CASE("layer fit: a coarser quality is given before half of the pixels or of the rate") {
    LayerFitCase layer = mask();
    layer.budget.down_bits_per_s = 30e6;
    layer.qualities = {1, 0.5, 0.25};
    LayerFit fit = fit_layer(layer);
    CHECK(fit.divisor == 1);
    CHECK(fit.rate == 60);
    CHECK(fit.quality == 1);
    CHECK(fit.text.find("full resolution, quality 2 of 3, 60 a second") == 0);
    layer.budget.down_bits_per_s = 15e6;  // a quarter of the bytes is a loss of one, as 1/2 is
    fit = fit_layer(layer);
    CHECK(fit.down_bits_per_s <= 15e6);
    CHECK(fit.rate == 60);
}

TEST_CASE("layer fit: no more is taken than is wanted") {
    LayerFitCase layer = mask();
    layer.budget.down_bits_per_s = layer.budget.up_bits_per_s = 1e9;
    layer.rate_most = 30;
    layer.divisor_least = 2;
    LayerFit fit = fit_layer(layer);
    CHECK(fit.rate == 30);
    CHECK(fit.divisor == 2);
    layer.rate_most = 5;  // below all rates: that one
    fit = fit_layer(layer);
    CHECK(fit.rate == 5);
    CHECK(fit.fits);
}

TEST_CASE("layer fit: where nothing fits the least there is says what it would take") {
    LayerFitCase layer = mask();
    layer.qualities = {1, 0.5};
    layer.budget.measured_down_bits_per_s = 0.1e6;
    const LayerFit fit = fit_layer(layer);
    CHECK_FALSE(fit.fits);
    CHECK(fit.divisor == 4);
    CHECK(fit.rate == 15);
    CHECK(fit.quality == 1);
    CHECK(fit.text.find("; nothing smaller is left") != std::string::npos);
    CHECK(fit.down_bits_per_s_most == doctest::Approx(0.07e6));
}
