#include "kernels/upscale_request.h"

#include <algorithm>
#include <cmath>

#include "kernels/float_scope.h"
#include "model/params_reader.h"

namespace p2c2r::kernels {

namespace {

// A size comes as one array or as two numbers, never as both.
struct SizeNames {
    const char* both;
    const char* width;
    const char* height;
};
constexpr SizeNames kInputNames{"input_res", "input_width", "input_height"};
constexpr SizeNames kOutputNames{"output_res", "output_width", "output_height"};

std::optional<ImageSize> read_size(ParamsReader& reader, const SizeNames& names,
                                   std::string& field) {
    const bool has_width = reader.has(names.width);
    const bool has_height = reader.has(names.height);
    int64_t sides[2] = {1, 1};
    if (reader.has(names.both)) {
        reader.integers(names.both, sides, 1, codec::kImageSideMax);
        for (const auto& [name, there] :
             {std::pair{names.width, has_width}, std::pair{names.height, has_height}}) {
            if (there) reader.fail(name, std::string("stands beside ") + names.both + ": give one");
        }
        field = names.both;
    } else if (has_width || has_height) {
        // Both are required as soon as one is there.
        sides[0] = reader.integer(names.width, 1, codec::kImageSideMax);
        sides[1] = reader.integer(names.height, 1, codec::kImageSideMax);
        field = names.width;
    } else {
        return std::nullopt;
    }
    return ImageSize{static_cast<uint32_t>(sides[0]), static_cast<uint32_t>(sides[1])};
}

void read_output_size(ParamsReader& reader, UpscaleRequest& request) {
    request.output_size = read_size(reader, kOutputNames, request.output_field);
    if (reader.has("scale")) {
        request.scale = reader.number("scale", 1.0 / codec::kImageSideMax, codec::kImageSideMax);
        if (request.output_size) {
            reader.fail("scale", "stands beside " + request.output_field + ": give one");
        }
        request.output_field = "scale";
    } else if (!request.output_size) {
        reader.fail(kOutputNames.both,
                    "is missing; give output_res [width, height], output_width and output_height, "
                    "or scale");
    }
}

void read_filter(ParamsReader& reader, UpscaleRequest& request) {
    const std::string_view quality =
        reader.choice("quality", {"fast", "balanced", "quality"}, "balanced");
    request.filter = quality == "fast"       ? ResampleFilter::kBicubic
                     : quality == "balanced" ? ResampleFilter::kLanczos
                                             : ResampleFilter::kEdge;
    if (!reader.has("algorithm")) return;
    const std::string_view algorithm =
        reader.choice("algorithm", {"bicubic", "lanczos", "lanczos3", "edge", "ml"});
    if (algorithm == "ml") {
        reader.fail("algorithm",
                    "is 'ml', which is not available here; bicubic, lanczos and edge are",
                    Status::kUnsupported);
    }
    request.filter = algorithm == "bicubic" ? ResampleFilter::kBicubic
                     : algorithm == "edge"  ? ResampleFilter::kEdge
                                            : ResampleFilter::kLanczos;
}

std::optional<codec::ImageFormat> read_format(ParamsReader& reader) {
    if (!reader.has("output_format")) return std::nullopt;
    const std::string_view name = reader.choice("output_format", {"jpeg", "png", "raw"});
    if (name == "jpeg") return codec::ImageFormat::kJpeg;
    return name == "png" ? codec::ImageFormat::kPng : codec::ImageFormat::kRaw;
}

// Half up. The product is the same on every machine: one double multiplication, correctly rounded.
uint32_t scaled(uint32_t side, double scale) {
    const double product = std::floor(side * scale + 0.5);
    // Beyond the limit any number will do: it is refused.
    return static_cast<uint32_t>(std::clamp(product, 1.0, codec::kImageSideMax + 1.0));
}

}  // namespace

std::string size_text(const ImageSize& size) {
    return std::to_string(size.width) + " x " + std::to_string(size.height);
}

const char* filter_name(ResampleFilter filter) {
    switch (filter) {
        case ResampleFilter::kBicubic:
            return "bicubic";
        case ResampleFilter::kLanczos:
            return "lanczos";
        case ResampleFilter::kEdge:
            break;
    }
    return "edge";
}

ResampleFilter filter_used(ResampleFilter wanted, const ImageSize& input, const ImageSize& output) {
    const bool smaller = output.width < input.width || output.height < input.height;
    return wanted == ResampleFilter::kEdge && smaller ? ResampleFilter::kLanczos : wanted;
}

Result<UpscaleRequest> read_upscale_request(std::span<const uint8_t> params) {
    const FloatScope floats;
    ParamsReader reader(params);
    UpscaleRequest request;
    std::string input_field;
    request.input_size = read_size(reader, kInputNames, input_field);
    read_output_size(reader, request);
    if (reader.has("channels")) {
        request.channels = static_cast<uint32_t>(reader.integer("channels", 3, 4));
    }
    read_filter(reader, request);
    request.output_format = read_format(reader);
    request.jpeg_quality =
        static_cast<uint32_t>(reader.integer("jpeg_quality", 1, 100, codec::kJpegQualityDefault));
    if (Result<Done> good = reader.finish(); !good) return good.error();
    return request;
}

Result<ImageSize> output_size_of(const UpscaleRequest& request, const ImageSize& input) {
    ImageSize size;
    if (request.output_size) {
        size = *request.output_size;
    } else {
        const FloatScope floats;
        size = {scaled(input.width, request.scale), scaled(input.height, request.scale)};
    }
    // 4: the limits are made so that an image with alpha fits wherever one without does.
    Result<Done> fits = codec::check_image_size(size.width, size.height, 4, request.output_field);
    if (!fits) {
        const Error& why = fits.error();
        return field_error(why.status, why.field, why.field + ": " + why.text);
    }
    return size;
}

}  // namespace p2c2r::kernels
