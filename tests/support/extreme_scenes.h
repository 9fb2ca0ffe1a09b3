// Scenes of the ray tracer at the ends of what is allowed.
#pragma once

#include <algorithm>
#include <cmath>

#include "core/prng.h"
#include "kernels/raytrace_scene.h"
#include "model/value_writer.h"

namespace p2c2r::test {

// Numbers of every size that is allowed, round ones among them, so that rays meet corners, centres
// and edges exactly.
class ExtremeDrawer {
  public:
    ExtremeDrawer(Prng& prng, ValueWriter& writer) : prng_(prng), writer_(writer) {}

    double place() {
        const double sign = prng_.chance(0.5) ? 1 : -1;
        switch (prng_.below(5)) {
            case 0:
                return 0;
            case 1:
                return sign * static_cast<double>(prng_.below(4));
            case 2:
                return sign * std::ldexp(1.0, -static_cast<int>(prng_.below(60)));
            case 3:
                return sign * prng_.unit() * kernels::kRtPlaceMax;
            default: {
                const double fraction = prng_.unit() + 0.5;
                return sign * std::ldexp(fraction, static_cast<int>(prng_.below(8)) - 4);
            }
        }
    }
    void places(const char* name) {
        writer_.key(name).array(3).number(place()).number(place()).number(place());
    }
    double size() {
        return std::min(std::ldexp(1.0, static_cast<int>(prng_.below(29)) - 12),
                        kernels::kRtPlaceMax);
    }
    void object() {
        const uint64_t kind = prng_.below(8);
        writer_.map(5);
        if (kind < 4) {
            writer_.key("type").text("sphere");
            places("position");
            writer_.key("radius").number(size());
        } else if (kind == 4) {
            writer_.key("type").text("plane");
            places("position");
            writer_.key("normal").array(3).number(place()).number(1).number(place());
        } else if (kind == 5) {
            writer_.key("type").text("box");
            writer_.key("min").array(3);
            for (int i = 0; i < 3; ++i) writer_.number(-prng_.unit() * 100);
            writer_.key("max").array(3);
            for (int i = 0; i < 3; ++i) {
                const double part = prng_.unit();
                writer_.number(0.001 + part * size());
            }
        } else {
            writer_.key("type").text("mesh");
            writer_.key("vertices").array(12);
            for (int i = 0; i < 12; ++i) writer_.number(place());
            writer_.key("indices").array(6);
            for (int i = 0; i < 6; ++i) writer_.integer(static_cast<int64_t>(prng_.below(4)));
        }
        constexpr const char* kNames[] = {"diffuse", "diffuse",    "mirror",
                                          "mirror",  "dielectric", "emissive"};
        writer_.key("material").text(kNames[prng_.below(6)]);
        writer_.key("color").array(3);
        for (int i = 0; i < 3; ++i) {
            writer_.number(prng_.chance(0.3) ? std::ldexp(1.0, -static_cast<int>(prng_.below(60)))
                                             : prng_.unit());
        }
    }
    void light() {
        writer_.map(3);
        places("position");
        writer_.key("intensity").number(prng_.chance(0.5) ? 1e6 : prng_.unit() * 1e-6);
        writer_.key("radius").number(prng_.chance(0.5) ? 0 : size());
    }

  private:
    Prng& prng_;
    ValueWriter& writer_;
};

inline Bytes draw_extreme_params(Prng& prng) {
    ValueWriter writer;
    ExtremeDrawer draw(prng, writer);
    writer.map(6);
    writer.key("camera").map(3);
    draw.places("position");
    writer.key("direction").array(3).number(prng.below(3) == 0 ? draw.place() : 0).number(0);
    writer.number(prng.chance(0.5) ? 1 : -1);
    writer.key("fov_deg").number(prng.chance(0.5) ? 1 : 170);
    writer.key("resolution").array(2).integer(16).integer(12);
    writer.key("ambient").number(prng.unit() * 1e-3);
    writer.key("max_bounces").integer(16);
    writer.key("lights").array(2);
    draw.light();
    draw.light();
    const auto objects = static_cast<uint32_t>(1 + prng.below(12));
    writer.key("objects").array(objects);
    for (uint32_t i = 0; i < objects; ++i) draw.object();
    return writer.take();
}

}  // namespace p2c2r::test
