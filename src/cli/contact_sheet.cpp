#include "cli/contact_sheet.h"

#include <algorithm>
#include <cstdlib>

namespace p2c2r::cli {

namespace {

constexpr uint32_t kTileWidth = 480;
constexpr uint32_t kTileHeight = 270;
constexpr uint32_t kGap = 12;
constexpr uint32_t kLabelHeight = 24;
constexpr uint32_t kDetailZoom = 3;  // of a pixel as it was sent
constexpr Color kPaper = {24, 26, 30};
constexpr Color kInk = {225, 228, 232};

std::string size_text(const Picture& picture) {
    return std::to_string(picture.width) + "X" + std::to_string(picture.height);
}

// How much neighbours differ inside a part: what upscaling works on.
uint64_t contrast(const Picture& picture, uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
    uint64_t sum = 0;
    for (uint32_t row = y; row + 1 < y + height; row += 2) {
        for (uint32_t column = x; column + 1 < x + width; column += 2) {
            const size_t at = (size_t{row} * picture.width + column) * 3 + 1;  // green
            const int here = picture.pixels[at];
            sum += static_cast<uint64_t>(
                std::abs(here - picture.pixels[at + 3]) +
                std::abs(here - picture.pixels[at + size_t{3} * picture.width]));
        }
    }
    return sum;
}

}  // namespace

Part busiest_part(const Picture& picture, uint32_t width, uint32_t height) {
    width = std::min(width, picture.width);
    height = std::min(height, picture.height);
    Part best = {0, 0, static_cast<double>(width) / picture.width,
                 static_cast<double>(height) / picture.height};
    uint64_t most = 0;
    constexpr uint32_t kSteps = 12;
    for (uint32_t step = 0; step <= kSteps * (kSteps + 1) + kSteps; ++step) {
        const uint32_t x = (picture.width - width) * (step % (kSteps + 1)) / kSteps;
        const uint32_t y = (picture.height - height) * (step / (kSteps + 1)) / kSteps;
        const uint64_t found = contrast(picture, x, y, width, height);
        if (found <= most) continue;
        most = found;
        best.x = static_cast<double>(x) / picture.width;
        best.y = static_cast<double>(y) / picture.height;
    }
    return best;
}

Picture detail(const Picture& picture, const Part& part, uint32_t width, uint32_t height) {
    const auto from = std::max(1u, static_cast<uint32_t>(part.width * picture.width + 0.5));
    const auto rows = std::max(1u, static_cast<uint32_t>(part.height * picture.height + 0.5));
    const auto x =
        std::min(static_cast<uint32_t>(part.x * picture.width + 0.5), picture.width - from);
    const auto y =
        std::min(static_cast<uint32_t>(part.y * picture.height + 0.5), picture.height - rows);
    return enlarge(cut_out(picture, x, y, from, rows), width, height);
}

Picture contact_sheet(const std::vector<SheetRow>& rows) {
    const uint32_t row_height = kLabelHeight + kTileHeight + kGap;
    const auto count = static_cast<uint32_t>(rows.size());
    Picture sheet = make_picture(3 * kTileWidth + 4 * kGap, count * row_height + kGap, kPaper);
    for (uint32_t index = 0; index < count; ++index) {
        const SheetRow& row = rows[index];
        const uint32_t y = kGap + index * row_height;
        const Part part =
            busiest_part(row.before, kTileWidth / kDetailZoom, kTileHeight / kDetailZoom);
        uint32_t x = kGap;
        draw_text(sheet, row.label + ", WHOLE", x, y + 4, 2, kInk);
        paste(sheet, shrink(row.after, kTileWidth, kTileHeight), x, y + kLabelHeight);
        x += kTileWidth + kGap;
        draw_text(sheet, "BEFORE: " + size_text(row.before), x, y + 4, 2, kInk);
        paste(sheet, detail(row.before, part, kTileWidth, kTileHeight), x, y + kLabelHeight);
        x += kTileWidth + kGap;
        draw_text(sheet, "AFTER: " + size_text(row.after), x, y + 4, 2, kInk);
        paste(sheet, detail(row.after, part, kTileWidth, kTileHeight), x, y + kLabelHeight);
    }
    return sheet;
}

}  // namespace p2c2r::cli
