// `p2c2r demo upscale`: a picture is halved and brought back to its size by each algorithm, so that
// the original stands beside what they make of it.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/contact_sheet.h"
#include "cli/demo.h"
#include "cli/demo_peers.h"
#include "cli/files.h"
#include "cli/panel_sheet.h"
#include "cli/test_card.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint32_t kPanelWidth = 480;
constexpr uint32_t kPanelHeight = 360;
constexpr uint32_t kZoom = 4;  // of a pixel as it was sent
constexpr uint32_t kSideLeast = 8;
constexpr uint32_t kSideMost = 8192;

// Over all channels, in dB; 99 when nothing differs.
double psnr(const Picture& a, const Picture& b) {
    double squares = 0;
    for (size_t i = 0; i < a.pixels.size(); ++i) {
        const double apart = double(a.pixels[i]) - b.pixels[i];
        squares += apart * apart;
    }
    if (squares == 0) return 99;
    return 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.pixels.size()) / squares);
}

// As large as the panel allows, in its middle.
Picture fitted(const Picture& picture) {
    Picture panel = make_picture(kPanelWidth, kPanelHeight, {40, 43, 50});
    const double scale =
        std::min(kPanelWidth / double(picture.width), kPanelHeight / double(picture.height));
    const auto side = [&](uint32_t size, uint32_t most) {
        return std::clamp(static_cast<uint32_t>(size * scale), 1u, most);
    };
    const uint32_t width = side(picture.width, kPanelWidth);
    const uint32_t height = side(picture.height, kPanelHeight);
    paste(panel, shrink(picture, width, height), (kPanelWidth - width) / 2,
          (kPanelHeight - height) / 2);
    return panel;
}

Result<Picture> original_picture(Session& session, const std::optional<std::string>& source) {
    Result<Picture> picture =
        source ? demo_picture(session, source) : Result<Picture>(test_card(1280, 720));
    if (!picture) return picture;
    if (picture->width < kSideLeast || picture->height < kSideLeast || picture->width > kSideMost ||
        picture->height > kSideMost) {
        return usage_failure("the picture has " + std::to_string(picture->width) + " x " +
                             std::to_string(picture->height) + " pixels; sides of 8 to 8192 do");
    }
    // Even sides halve without a rest.
    return cut_out(*picture, 0, 0, picture->width & ~1u, picture->height & ~1u);
}

Outcome demonstrate_upscale(const DemoUpscaleOptions& options) {
    const std::string out = options.out.value_or("p2c2r-demo");
    Result<std::unique_ptr<Session>> opened = open_demo_session(options.device);
    if (!opened) return opened.failure();
    Session& session = **opened;
    Result<Picture> original = original_picture(session, options.source);
    if (!original) return original.failure();
    if (Outcome failure = make_directories(out)) return failure;
    const Picture small = shrink(*original, original->width / 2, original->height / 2);
    if (Outcome failure = write_png(session, small, out, "input.png")) return failure;

    const Part part = busiest_part(small, kPanelWidth / kZoom, kPanelHeight / kZoom);
    const auto close_up = [&](const Picture& picture) {
        return detail(picture, part, kPanelWidth, kPanelHeight);
    };
    std::vector<Panel> panels = {{"THE WHOLE PICTURE", fitted(*original)},
                                 {"ORIGINAL, A DETAIL", close_up(*original)},
                                 {"INPUT: HALF AS LARGE", close_up(small)}};
    for (const char* algorithm : {"bicubic", "lanczos", "edge"}) {
        const json params = {{"algorithm", algorithm},
                             {"output_res", {original->width, original->height}},
                             {"output_format", "png"}};
        Result<DemoAnswer> answer =
            ask_peers(session, "upscale", params, join_path(out, "input.png"));
        if (!answer) return answer.failure();
        const std::string name = std::string(algorithm) + ".png";
        if (Outcome failure = write_file(join_path(out, name), answer->data)) return failure;
        Result<Picture> made = decode_picture(session, answer->data);
        if (!made) return made.failure();
        char caption[64];
        std::snprintf(caption, sizeof caption, "%s: %.2f DB", algorithm, psnr(*original, *made));
        panels.push_back({caption, close_up(*made)});
        std::printf("%-8s PSNR to the original %.2f dB, %.1f ms on %s with decoding and encoding\n",
                    algorithm, psnr(*original, *made),
                    static_cast<double>(answer->processing_us) / 1000,
                    answer->fields.value("device", "").c_str());
    }
    const std::string title =
        "UPSCALE " + std::to_string(small.width) + "X" + std::to_string(small.height) + " TO " +
        std::to_string(original->width) + "X" + std::to_string(original->height);
    if (Outcome failure = write_png(session, panel_sheet(title, panels, 3), out, "upscale.png")) {
        return failure;
    }
    std::printf("%s; input.png and each result there too\n", join_path(out, "upscale.png").c_str());
    return std::nullopt;
}

}  // namespace

int run_demo_upscale(const DemoUpscaleOptions& options) {
    const Outcome failure = demonstrate_upscale(options);
    return failure ? report("demo upscale", *failure) : kExitOk;
}

}  // namespace p2c2r::cli
