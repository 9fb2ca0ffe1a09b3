#include "cli/contact_sheet.h"

#include <algorithm>

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

// The same part of the scene from either picture: around a point given as shares of the size.
Picture detail(const Picture& picture, const Picture& before) {
    const double share_x = static_cast<double>(kTileWidth) / kDetailZoom / before.width;
    const double share_y = static_cast<double>(kTileHeight) / kDetailZoom / before.height;
    const auto width =
        std::clamp(static_cast<uint32_t>(share_x * picture.width), 1u, picture.width);
    const auto height =
        std::clamp(static_cast<uint32_t>(share_y * picture.height), 1u, picture.height);
    const uint32_t x = static_cast<uint32_t>((picture.width - width) * 0.42);
    const uint32_t y = static_cast<uint32_t>((picture.height - height) * 0.55);
    return enlarge(cut_out(picture, x, y, width, height), kTileWidth, kTileHeight);
}

}  // namespace

Picture contact_sheet(const std::vector<SheetRow>& rows) {
    const uint32_t row_height = kLabelHeight + kTileHeight + kGap;
    const auto count = static_cast<uint32_t>(rows.size());
    Picture sheet = make_picture(3 * kTileWidth + 4 * kGap, count * row_height + kGap, kPaper);
    for (uint32_t index = 0; index < count; ++index) {
        const SheetRow& row = rows[index];
        const uint32_t y = kGap + index * row_height;
        uint32_t x = kGap;
        draw_text(sheet, row.label + ", WHOLE", x, y + 4, 2, kInk);
        paste(sheet, shrink(row.after, kTileWidth, kTileHeight), x, y + kLabelHeight);
        x += kTileWidth + kGap;
        draw_text(sheet, "BEFORE: " + size_text(row.before), x, y + 4, 2, kInk);
        paste(sheet, detail(row.before, row.before), x, y + kLabelHeight);
        x += kTileWidth + kGap;
        draw_text(sheet, "AFTER: " + size_text(row.after), x, y + 4, 2, kInk);
        paste(sheet, detail(row.after, row.before), x, y + kLabelHeight);
    }
    return sheet;
}

}  // namespace p2c2r::cli
