#include "kernels/upscale_task.h"

#include "model/value_writer.h"

namespace p2c2r::kernels {

struct UpscaleExecutor::Input {
    codec::Image image;
    codec::ImageFormat format;
};

namespace {

Error cancelled() {
    return make_error(Status::kCancelled, "the task was cancelled");
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

Result<Done> check_input(const UpscaleRequest& request, const ImageSize& found) {
    if (!request.input_size || *request.input_size == found) return Done{};
    return field_error(
        Status::kParams, "input_res",
        "input_res is " + size_text(*request.input_size) + ", the image is " + size_text(found));
}

Bytes describe(const codec::Image& image, codec::ImageFormat format, ResampleFilter filter,
               const std::string& device) {
    // Keys in the order of their bytes: this is the canonical form already.
    ValueWriter writer;
    writer.map(5);
    writer.key("algorithm_used").text(filter_name(filter));
    writer.key("channels").integer(format == codec::ImageFormat::kJpeg ? 3 : image.channels);
    writer.key("device").text(device);
    writer.key("output_format").text(codec::format_name(format));
    writer.key("output_res").array(2).integer(image.width).integer(image.height);
    return writer.take();
}

}  // namespace

Status UpscaleExecutor::run(exec::Job& job) {
    const Result<UpscaleRequest> request = read_upscale_request(job.params.span());
    if (!request) return job.fail(request.error());
    ImageSize output;
    Result<Input> input = load(job, *request, memory_, output);
    if (!input) return job.fail(input.error());
    if (job.cancelled()) return job.fail(cancelled());

    std::string device;
    const Result<codec::Image> image = resize(job, *request, input->image, output, device);
    if (!image) return job.fail(image.error());
    if (job.cancelled()) return job.fail(cancelled());

    const codec::ImageFormat format = request->output_format.value_or(input->format);
    job.output.memory_peak = input->image.pixels.size() + image->pixels.size();
    const ResampleFilter used =
        filter_used(request->filter, {input->image.width, input->image.height}, output);
    input->image.pixels = Bytes();  // the encoder may need the room
    Result<Bytes> file = codec::encode_image(*image, format, request->jpeg_quality, memory_);
    if (!file) return job.fail(file.error());
    job.set_output(describe(*image, format, used, device), std::move(*file));
    return Status::kOk;
}

// Every size is judged before anything is decoded.
Result<UpscaleExecutor::Input> UpscaleExecutor::load(const exec::Job& job,
                                                     const UpscaleRequest& request,
                                                     const MemoryHook* memory, ImageSize& output) {
    Input input;
    input.format = codec::recognise_format(job.data.span());
    if (is_raw_after_all(request, job.data.span())) input.format = codec::ImageFormat::kRaw;
    const bool is_raw = input.format == codec::ImageFormat::kRaw;
    ImageSize size;
    if (is_raw) {
        if (!request.input_size) {
            return field_error(Status::kParams, "input_res",
                               "input_res is missing: the " + std::to_string(job.data.size()) +
                                   " bytes are neither JPEG nor PNG, and raw pixels need it");
        }
        size = *request.input_size;
    } else {
        const Result<codec::ImageHeader> header = codec::read_image_header(job.data.span());
        if (!header) return header.error();
        size = {header->width, header->height};
    }
    if (Result<Done> good = check_input(request, size); !good) return good.error();
    const Result<ImageSize> wanted = output_size_of(request, size);
    if (!wanted) return wanted.error();
    output = *wanted;

    Result<codec::Image> image = is_raw ? codec::raw_image(job.data, size.width, size.height,
                                                           raw_channels(request, job.data.size()))
                                        : codec::decode_image(job.data.span(), memory);
    if (!image) return image.error();
    if (request.channels && *request.channels != image->channels) {
        return field_error(Status::kParams, "channels",
                           "channels is " + std::to_string(*request.channels) + ", the image has " +
                               std::to_string(image->channels));
    }
    input.image = std::move(*image);
    return input;
}

Result<codec::Image> UpscaleExecutor::resize(const exec::Job& job, const UpscaleRequest& request,
                                             const codec::Image& image, const ImageSize& output,
                                             std::string& device) {
    const std::shared_ptr<const UpscalePlan> plan =
        plans_.get({image.width, image.height}, output, image.channels, request.filter);
    const size_t size = size_t{output.width} * output.height * image.channels;
    Buffer pixels = Buffer::allocate(size, memory_);
    Result<Done> done = compute(job, *plan, image.pixels.data(), pixels.data(), device);
    if (!done) return done.error();
    return codec::Image{output.width, output.height, image.channels,
                        std::move(pixels).freeze(size)};
}

Result<Done> UpscaleExecutor::compute(const exec::Job& job, const UpscalePlan& plan,
                                      const uint8_t* source, uint8_t* target, std::string& device) {
    const std::function<bool()> stop = [&job] { return job.cancelled(); };
    const auto on_gpu = [&](GpuKernels& gpu) -> Result<Done> {
        const Result<std::shared_ptr<UpscaleGpu>> upscale = gpu.upscale();
        if (!upscale) return upscale.error();
        return (*upscale)->run(plan, source, target, stop);
    };
    const auto native = [&]() -> Result<Done> {
        if (!upscale_native(plan, source, target, stop)) return cancelled();
        return Done{};
    };
    return compute_on(gpu_.get(), on_gpu, native, device);
}

}  // namespace p2c2r::kernels
