#include "kernels/upscale_task.h"

namespace p2c2r::kernels {

struct UpscaleExecutor::Input {
    UpscaleSizes sizes;
    codec::Image image;
};

namespace {

Error cancelled() {
    return make_error(Status::kCancelled, "the task was cancelled");
}

}  // namespace

Status UpscaleExecutor::run(exec::Job& job) {
    const Result<UpscaleRequest> request = read_upscale_request(job.params.span());
    if (!request) return job.fail(request.error());
    Result<Input> input = load(job, *request, memory_);
    if (!input) return job.fail(input.error());
    if (job.cancelled()) return job.fail(cancelled());

    const UpscaleSizes sizes = input->sizes;
    std::string device;
    const Result<codec::Image> image = resize(job, *request, *input, device);
    if (!image) return job.fail(image.error());
    if (job.cancelled()) return job.fail(cancelled());

    const codec::ImageFormat format = request->output_format.value_or(sizes.format);
    job.output.memory_peak = input->image.pixels.size() + image->pixels.size();
    input->image.pixels = Bytes();  // the encoder may need the room
    Result<Bytes> file = codec::encode_image(*image, format, request->jpeg_quality, memory_);
    if (!file) return job.fail(file.error());
    job.set_output(
        describe_upscale({image->width, image->height}, image->channels, format,
                         filter_used(request->filter, sizes.input, sizes.output), device),
        std::move(*file));
    return Status::kOk;
}

// Every size is judged before anything is decoded.
Result<UpscaleExecutor::Input> UpscaleExecutor::load(const exec::Job& job,
                                                     const UpscaleRequest& request,
                                                     const MemoryHook* memory) {
    const Result<UpscaleSizes> sizes = read_upscale_sizes(request, job.data.span());
    if (!sizes) return sizes.error();
    Input input;
    input.sizes = *sizes;
    Result<codec::Image> image =
        sizes->format == codec::ImageFormat::kRaw
            ? codec::raw_image(job.data, sizes->input.width, sizes->input.height, *sizes->channels)
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
                                             const Input& input, std::string& device) {
    const codec::Image& image = input.image;
    const UpscaleSizes& sizes = input.sizes;
    const std::shared_ptr<const UpscalePlan> plan =
        plans_.get({image.width, image.height}, sizes.output, image.channels, request.filter);
    const RowRange rows{sizes.row_first, sizes.row_end};
    const uint32_t height = rows.end - rows.first;
    const size_t size = size_t{sizes.output.width} * height * image.channels;
    Buffer pixels = Buffer::allocate(size, memory_);
    Result<Done> done = compute(job, *plan, rows, image.pixels.data(), pixels.data(), device);
    if (!done) return done.error();
    return codec::Image{sizes.output.width, height, image.channels, std::move(pixels).freeze(size)};
}

Result<Done> UpscaleExecutor::compute(const exec::Job& job, const UpscalePlan& plan, RowRange rows,
                                      const uint8_t* source, uint8_t* target, std::string& device) {
    const std::function<bool()> stop = [&job] { return job.cancelled_or_wait(); };
    const auto on_gpu = [&](GpuKernels& gpu) -> Result<Done> {
        const Result<std::shared_ptr<UpscaleGpu>> upscale = gpu.upscale();
        if (!upscale) return upscale.error();
        return (*upscale)->run(plan, rows, source, target, stop);
    };
    const auto native = [&]() -> Result<Done> {
        if (!upscale_native(plan, rows, source, target, stop)) return cancelled();
        return Done{};
    };
    return compute_on(gpu_.get(), on_gpu, native, device);
}

}  // namespace p2c2r::kernels
