#include "cli/panel_sheet.h"

#include "cli/files.h"

namespace p2c2r::cli {

namespace {

constexpr uint32_t kGap = 12;
constexpr uint32_t kTitleHeight = 36;
constexpr uint32_t kCaptionHeight = 24;
constexpr Color kPaper = {24, 26, 30};
constexpr Color kInk = {225, 228, 232};
constexpr Color kTitleInk = {250, 200, 90};

}  // namespace

Picture panel_sheet(const std::string& title, const std::vector<Panel>& panels, uint32_t columns) {
    const uint32_t width = panels.front().picture.width;
    const uint32_t height = panels.front().picture.height;
    const auto count = static_cast<uint32_t>(panels.size());
    const uint32_t rows = (count + columns - 1) / columns;
    const uint32_t row_height = kCaptionHeight + height + kGap;
    Picture sheet = make_picture(columns * (width + kGap) + kGap,
                                 kGap + kTitleHeight + rows * row_height, kPaper);
    draw_text(sheet, title, kGap, kGap, 3, kTitleInk);
    for (uint32_t index = 0; index < count; ++index) {
        const uint32_t x = kGap + index % columns * (width + kGap);
        const uint32_t y = kGap + kTitleHeight + index / columns * row_height;
        draw_text(sheet, panels[index].caption, x, y + 4, 2, kInk);
        paste(sheet, panels[index].picture, x, y + kCaptionHeight);
    }
    return sheet;
}

Outcome write_png(Session& session, const Picture& picture, const std::string& directory,
                  const std::string& file) {
    Result<std::string> png = encode_picture(session, picture, "png", 0);
    if (!png) return png.failure();
    return write_file(join_path(directory, file), *png);
}

}  // namespace p2c2r::cli
