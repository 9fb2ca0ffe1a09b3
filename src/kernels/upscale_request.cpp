#include "kernels/upscale_request.h"

#include <algorithm>
#include <cmath>

#include "kernels/float_scope.h"
#include "model/params_reader.h"
#include "model/value_writer.h"

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

// Three or four, whichever makes the bytes fit; what `channels` says if it says something.
uint32_t raw_channels(const UpscaleRequest& request, size_t bytes) {
    if (request.channels) return *request.channels;
    const ImageSize& size = *request.input_size;
    return bytes == uint64_t{size.width} * size.height * 4 ? 4 : 3;
}

// Whether these bytes can only be raw pixels although they begin as a file does, which pixels may:
// there are just as many as input_res needs, and no header of such a picture stands there.
bool is_raw_after_all(const UpscaleRequest& request, std::span<const uint8_t> bytes) {
    if (!request.input_size) return false;
    const ImageSize& size = *request.input_size;
    if (bytes.size() != uint64_t{size.width} * size.height * raw_channels(request, bytes.size())) {
        return false;
    }
    const Result<codec::ImageHeader> header = codec::read_image_header(bytes);
    return !header || ImageSize{header->width, header->height} != size;
}

// Half up. The product is the same on every machine: one double multiplication, correctly rounded.
uint32_t scaled(uint32_t side, double scale) {
    const double product = std::floor(side * scale + 0.5);
    // What is beyond the limit is refused by its true size; that of two largest factors has room.
    constexpr double kMost = double{codec::kImageSideMax} * codec::kImageSideMax;
    return static_cast<uint32_t>(std::clamp(product, 1.0, kMost));
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
    int64_t rows[2];
    if (reader.integers("rows", rows, 0, codec::kImageSideMax, false)) {
        if (rows[0] >= rows[1]) {
            reader.fail("rows", "is [" + std::to_string(rows[0]) + ", " + std::to_string(rows[1]) +
                                    "], which holds no row");
        }
        request.row_first = static_cast<uint32_t>(rows[0]);
        request.row_end = static_cast<uint32_t>(rows[1]);
    }
    request.jpeg_quality =
        static_cast<uint32_t>(reader.integer("jpeg_quality", 1, 100, codec::kJpegQualityDefault));
    // A name that nobody knows may be the one that is missing, misspelt: it is told first.
    reader.done();
    if (request.output_field.empty()) {
        reader.fail(kOutputNames.both,
                    "is missing; give output_res [width, height], output_width and output_height, "
                    "or scale");
    }
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
    if (request.row_first && request.row_end > size.height) {
        return field_error(Status::kParams, "rows",
                           "rows end at " + std::to_string(request.row_end) + ", the result has " +
                               std::to_string(size.height));
    }
    return size;
}

Result<UpscaleSizes> read_upscale_sizes(const UpscaleRequest& request,
                                        std::span<const uint8_t> data) {
    UpscaleSizes sizes;
    sizes.format = codec::recognise_format(data);
    if (is_raw_after_all(request, data)) sizes.format = codec::ImageFormat::kRaw;
    if (sizes.format == codec::ImageFormat::kRaw) {
        if (!request.input_size) {
            return field_error(Status::kParams, "input_res",
                               "input_res is missing: the " + std::to_string(data.size()) +
                                   " bytes are neither JPEG nor PNG, and raw pixels need it");
        }
        sizes.input = *request.input_size;
        sizes.channels = raw_channels(request, data.size());
    } else {
        const Result<codec::ImageHeader> header = codec::read_image_header(data);
        if (!header) return header.error();
        sizes.input = {header->width, header->height};
        if (sizes.format == codec::ImageFormat::kJpeg) sizes.channels = 3;
    }
    if (request.input_size && *request.input_size != sizes.input) {
        return field_error(Status::kParams, "input_res",
                           "input_res is " + size_text(*request.input_size) + ", the image is " +
                               size_text(sizes.input));
    }
    const Result<ImageSize> output = output_size_of(request, sizes.input);
    if (!output) return output.error();
    sizes.output = *output;
    sizes.row_first = request.row_first.value_or(0);
    sizes.row_end = request.row_first ? request.row_end : output->height;
    return sizes;
}

Bytes describe_upscale(const ImageSize& size, uint32_t channels, codec::ImageFormat format,
                       ResampleFilter used, const std::string& device) {
    // Keys in the order of their bytes: this is the canonical form already.
    ValueWriter writer;
    writer.map(5);
    writer.key("algorithm_used").text(filter_name(used));
    // JPEG has no transparency.
    writer.key("channels").integer(format == codec::ImageFormat::kJpeg ? 3 : channels);
    writer.key("device").text(device);
    writer.key("output_format").text(codec::format_name(format));
    writer.key("output_res").array(2).integer(size.width).integer(size.height);
    return writer.take();
}

}  // namespace p2c2r::kernels
