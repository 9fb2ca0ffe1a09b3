#include "cli/test_card.h"

#include <algorithm>
#include <cmath>

namespace p2c2r::cli {

namespace {

constexpr uint32_t kOversample = 4;
constexpr Color kInk = {20, 24, 32};
constexpr Color kPaperInk = {245, 244, 238};

// Coordinates are in units of a hundredth of the height, so that every size shows the same.
class Card {
  public:
    Card(uint32_t width, uint32_t height)
        : picture_(make_picture(width, height, {0, 0, 0})), unit_(height / 100.0) {}

    void background() {
        for (uint32_t y = 0; y < picture_.height; ++y) {
            for (uint32_t x = 0; x < picture_.width; ++x) {
                const double down = y / double(picture_.height);
                const double along = x / double(picture_.width);
                put(x, y,
                    {static_cast<uint8_t>(120 + 90 * down), static_cast<uint8_t>(150 + 50 * along),
                     static_cast<uint8_t>(215 - 80 * down)});
            }
        }
    }
    template <class Inside>
    void fill(double left, double top, double right, double bottom, Color color,
              const Inside& inside) {
        const auto end_x = std::min(static_cast<uint32_t>(right * unit_), picture_.width);
        const auto end_y = std::min(static_cast<uint32_t>(bottom * unit_), picture_.height);
        for (auto y = static_cast<uint32_t>(top * unit_); y < end_y; ++y) {
            for (auto x = static_cast<uint32_t>(left * unit_); x < end_x; ++x) {
                if (inside((x + 0.5) / unit_, (y + 0.5) / unit_)) put(x, y, color);
            }
        }
    }
    void disc(double x, double y, double radius, Color color) {
        fill(x - radius, y - radius, x + radius, y + radius, color,
             [&](double at_x, double at_y) { return std::hypot(at_x - x, at_y - y) < radius; });
    }
    // Spokes of black and white.
    void star(double x, double y, double radius, int spokes) {
        disc(x, y, radius, kPaperInk);
        fill(x - radius, y - radius, x + radius, y + radius, kInk, [&](double at_x, double at_y) {
            const double angle = std::atan2(at_y - y, at_x - x) / 6.283185307179586 + 0.5;
            return std::hypot(at_x - x, at_y - y) < radius &&
                   static_cast<int>(angle * 2 * spokes) % 2 == 0;
        });
    }
    void line(double x0, double y0, double x1, double y1, double thick, Color color) {
        const double length = std::hypot(x1 - x0, y1 - y0);
        fill(std::min(x0, x1) - thick, std::min(y0, y1) - thick, std::max(x0, x1) + thick,
             std::max(y0, y1) + thick, color, [&](double x, double y) {
                 const double along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length;
                 const double aside = ((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) / length;
                 return along > 0 && along < length && std::abs(aside) < thick / 2;
             });
    }
    void text(const char* letters, double x, double y, double size, Color color) {
        draw_text(picture_, letters, static_cast<uint32_t>(x * unit_),
                  static_cast<uint32_t>(y * unit_),
                  std::max(1u, static_cast<uint32_t>(size * unit_ / 7)), color);
    }
    [[nodiscard]] const Picture& picture() const { return picture_; }

  private:
    void put(uint32_t x, uint32_t y, Color color) {
        uint8_t* const pixel = &picture_.pixels[(size_t{y} * picture_.width + x) * 3];
        pixel[0] = color.red;
        pixel[1] = color.green;
        pixel[2] = color.blue;
    }

    Picture picture_;
    double unit_;
};

}  // namespace

Picture test_card(uint32_t width, uint32_t height) {
    Card card(width * kOversample, height * kOversample);
    card.background();
    // Hills, a sun, a mast with stays: what a game's scene has.
    card.fill(0, 60, 200, 100, {58, 104, 62}, [](double x, double y) {
        return y > 74 + 7 * std::sin(x * 0.09) + 3 * std::sin(x * 0.31);
    });
    card.disc(150, 22, 9, {255, 214, 90});
    card.line(112, 22, 112, 82, 0.9, kInk);
    for (int stay = 0; stay < 7; ++stay) {
        card.line(112, 24, 84 + stay * 9.3, 84, 0.28, kInk);
    }
    card.line(100, 40, 124, 36, 0.6, kInk);
    card.star(38, 42, 20, 24);
    for (int ring = 0; ring < 6; ++ring) {
        card.disc(72, 20, 12 - 2 * ring, ring % 2 == 0 ? Color{170, 30, 40} : kPaperInk);
    }
    card.text("SCORE 12045", 86, 5, 5, kPaperInk);
    card.text("HEALTH 100   AMMO 36", 86, 12, 2.6, {255, 240, 120});
    card.text("P2C2R", 8, 84, 9, kPaperInk);
    card.text("LETTERS OF A SMALL SIZE (0123456789)", 60, 88, 2.4, kPaperInk);
    card.text("AND OF A SMALLER ONE: A-Z, 0.5, 12/34", 60, 93, 1.9, kPaperInk);
    return shrink(card.picture(), width, height);
}

}  // namespace p2c2r::cli
