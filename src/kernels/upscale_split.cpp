// Parts give raw rows; put together they are the picture, which is encoded once.
#include "kernels/upscale_split.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/upscale_request.h"

namespace p2c2r::kernels {

namespace {

struct Task {
    UpscaleRequest request;
    UpscaleSizes sizes;

    [[nodiscard]] ResampleFilter filter() const {
        return filter_used(request.filter, sizes.input, sizes.output);
    }
};

Result<Task> read_task(const TaskInput& whole) {
    const Result<UpscaleRequest> request = read_upscale_request(whole.params.span());
    if (!request) return request.error();
    const Result<UpscaleSizes> sizes = read_upscale_sizes(*request, whole.data.span());
    if (!sizes) return sizes.error();
    return Task{*request, *sizes};
}

// What the picture has, or what the sizes of most parts say of one that shows it only when it is
// decoded: so that a part that lies is the one that is blamed.
uint32_t channels_of(const Task& task, std::span<const uint64_t> cuts,
                     std::span<const TaskOutput> results) {
    if (task.request.channels) return *task.request.channels;
    if (task.sizes.channels) return *task.sizes.channels;
    size_t four = 0;
    for (size_t i = 0; i < results.size(); ++i) {
        const uint64_t pixels = (cuts[i + 1] - cuts[i]) * task.sizes.output.width;
        if (results[i].data.size() == pixels * 4) ++four;
    }
    return four * 2 > results.size() ? 4 : 3;
}

class RowsSplitter final : public TaskSplitter {
  public:
    [[nodiscard]] const char* name() const override { return "rows"; }

    [[nodiscard]] Result<uint64_t> units(const TaskInput& whole) const override {
        const Result<Task> task = read_task(whole);
        if (!task) return task.error();
        return uint64_t{task->sizes.row_end} - task->sizes.row_first;
    }

  protected:
    [[nodiscard]] Result<std::vector<TaskInput>> make_parts(
        const TaskInput& whole, std::span<const uint64_t> cuts) const override {
        const Result<Task> task = read_task(whole);
        if (!task) return task.error();
        const Result<Value> params = parse_params(whole.params.span());
        if (!params) return params.error();
        std::vector<TaskInput> parts;
        for (size_t i = 0; i + 1 < cuts.size(); ++i) {
            constexpr std::string_view kReplaced[] = {"rows", "output_format"};
            const auto add = [&](ValueWriter& writer) {
                writer.key("rows").array(2);
                writer.unsigned_integer(task->sizes.row_first + cuts[i]);
                writer.unsigned_integer(task->sizes.row_first + cuts[i + 1]);
                writer.key("output_format").text("raw");
            };
            parts.push_back({edit_params(*params, kReplaced, 2, add), whole.data});
        }
        return parts;
    }

    [[nodiscard]] Result<TaskOutput> merge_parts(const TaskInput& whole,
                                                 std::span<const uint64_t> cuts,
                                                 std::span<const TaskOutput> results,
                                                 const MemoryHook* memory) const override {
        const Result<Task> task = read_task(whole);
        if (!task) return task.error();
        const uint32_t channels = channels_of(*task, cuts, results);
        const uint64_t row_size = uint64_t{task->sizes.output.width} * channels;
        std::vector<std::string> devices;
        for (size_t i = 0; i < results.size(); ++i) {
            const uint64_t rows = cuts[i + 1] - cuts[i];
            const auto expected = [&](const std::string& device) {
                return describe_upscale({task->sizes.output.width, static_cast<uint32_t>(rows)},
                                        channels, codec::ImageFormat::kRaw, task->filter(), device);
            };
            Result<std::string> device = check_part_info(i, results[i].info, expected);
            if (!device) return device.error();
            if (results[i].data.size() != rows * row_size) {
                return part_size_error(i, results[i].data.size(), rows * row_size);
            }
            devices.push_back(std::move(*device));
        }
        const auto height = static_cast<uint32_t>(cuts.back());
        Buffer pixels = Buffer::allocate(height * row_size, memory);
        uint8_t* at = pixels.data();
        for (const TaskOutput& result : results) {
            at = std::copy_n(result.data.data(), result.data.size(), at);
        }
        const codec::Image image{task->sizes.output.width, height, channels,
                                 std::move(pixels).freeze(height * row_size)};
        const codec::ImageFormat format = task->request.output_format.value_or(task->sizes.format);
        Result<Bytes> file = codec::encode_image(image, format, task->request.jpeg_quality, memory);
        if (!file) return file.error();
        return TaskOutput{describe_upscale({image.width, height}, channels, format, task->filter(),
                                           merged_device(devices)),
                          std::move(*file)};
    }
};

}  // namespace

std::shared_ptr<const TaskSplitter> make_upscale_splitter() {
    return std::make_shared<RowsSplitter>();
}

}  // namespace p2c2r::kernels
