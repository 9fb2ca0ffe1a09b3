// What a part is asked for and what its result looks like both follow from one thing: the request
// of the whole, narrowed to the part. So a result fits when its info is the one that the narrowed
// request makes, and its data has that size.
#include "kernels/raytrace_split.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/raytrace_info.h"
#include "kernels/raytrace_output.h"

namespace p2c2r::kernels {

namespace {

using Format = RaytraceRequest::Format;

// Of all samples of a pixel's channel, each at most this.
constexpr uint64_t kSampleMax = 65535;
constexpr uint32_t kInfinityBits = 0x7f800000;  // of a float32
// Words of sums that are added up at a time.
constexpr uint64_t kSumsBand = 3 * 16'384;

constexpr std::string_view kSceneFields[] = {"objects", "lights", "ambient", "background"};

uint64_t bytes_of(const std::vector<RtLayer>& layers) {
    return layers.empty() ? 0 : layers.back().offset + layers.back().size;
}

// The scene of params becomes data, which all parts share. `data_is_free`: what the whole has there
// is nothing that parts need.
TaskInput with_scene_apart(const TaskInput& whole, bool data_is_free) {
    const Result<Value> params = parse_params(whole.params.span());
    if (!params || !data_is_free) return whole;
    uint32_t count = 0;
    for (const std::string_view field : kSceneFields) count += params->find(field) ? 1 : 0;
    ValueWriter scene;
    scene.map(count);
    for (const std::string_view field : kSceneFields) {
        if (const std::optional<Value> value = params->find(field)) scene.key(field).value(*value);
    }
    return {edit_params(*params, kSceneFields, 0, [](ValueWriter&) {}), scene.take()};
}

class RaytraceSplitter : public TaskSplitter {
  public:
    explicit RaytraceSplitter(RaytraceKind kind) : kind_(kind) {}

    [[nodiscard]] Result<uint64_t> units(const TaskInput& whole) const final {
        bool has_previous = false;
        const Result<RaytraceRequest> request = read_raytrace_outline(
            kind_of_task(), whole.params.span(), whole.data.span(), has_previous);
        if (!request) return request.error();
        if (request->kind != kind_) return uint64_t{1};  // the other form of the type
        // What changed in a part would have to be put together patch by patch, and small it is.
        return has_previous ? uint64_t{1} : units_of(*request);
    }

  protected:
    [[nodiscard]] virtual uint64_t units_of(const RaytraceRequest& whole) const = 0;
    // Makes `part`, which is the whole, the request of units [first, end).
    virtual void narrow(RaytraceRequest& part, uint64_t first, uint64_t end) const = 0;
    // The params that ask for a part: those replaced, how many come instead, and they.
    struct Asked {
        std::vector<std::string_view> replaced;
        uint32_t added;
        std::function<void(ValueWriter&)> write;
    };
    [[nodiscard]] virtual Asked ask(const RaytraceRequest& part, bool picture) const = 0;
    // Whether ask() gives each part its share of the planes of a G-buffer.
    [[nodiscard]] virtual bool cuts_planes() const { return false; }
    // All pixels of the result out of parts that fit.
    virtual Result<Done> collect(const RaytraceRequest& whole, std::span<const uint64_t> cuts,
                                 std::span<const TaskOutput> results,
                                 RaytraceOutput& output) const = 0;

    [[nodiscard]] Result<std::vector<TaskInput>> make_parts(
        const TaskInput& whole, std::span<const uint64_t> cuts) const final {
        const Result<RaytraceRequest> request = outline(whole);
        if (!request) return request.error();
        const bool planes_in_data = request->gbuffer && request->gbuffer->in_data;
        const TaskInput shared =
            with_scene_apart(whole, whole.data.empty() || (planes_in_data && cuts_planes()));
        const Result<Value> params = parse_params(shared.params.span());
        if (!params) return params.error();
        std::vector<TaskInput> parts;
        for (size_t i = 0; i + 1 < cuts.size(); ++i) {
            RaytraceRequest part = *request;
            narrow(part, cuts[i], cuts[i + 1]);
            const Asked asked = ask(part, request->is_picture());
            parts.push_back(
                {edit_params(*params, asked.replaced, asked.added, asked.write), shared.data});
        }
        return parts;
    }

    [[nodiscard]] Result<TaskOutput> merge_parts(const TaskInput& whole,
                                                 std::span<const uint64_t> cuts,
                                                 std::span<const TaskOutput> results,
                                                 const MemoryHook* memory) const final {
        const Result<RaytraceRequest> request = outline(whole);
        if (!request) return request.error();
        std::vector<std::string> devices;
        for (size_t i = 0; i < results.size(); ++i) {
            RaytraceRequest part = *request;
            narrow(part, cuts[i], cuts[i + 1]);
            Result<std::string> device = check(part, results[i], i);
            if (!device) return device.error();
            devices.push_back(std::move(*device));
        }
        RaytraceOutput output(kind_, *request, memory);
        if (Result<Done> done = collect(*request, cuts, results, output); !done) {
            return done.error();
        }
        return finish(*request, output, devices, memory);
    }

    [[nodiscard]] RaytraceKind kind() const { return kind_; }

  private:
    [[nodiscard]] Result<RaytraceRequest> outline(const TaskInput& whole) const {
        bool has_previous = false;
        return read_raytrace_outline(kind_of_task(), whole.params.span(), whole.data.span(),
                                     has_previous);
    }
    [[nodiscard]] RaytraceKind kind_of_task() const {
        return kind_ == RaytraceKind::kGather ? RaytraceKind::kProbes : kind_;
    }

    // The device that it names.
    [[nodiscard]] Result<std::string> check(const RaytraceRequest& part, const TaskOutput& result,
                                            size_t index) const {
        const bool picture = rt_makes_pictures(kind_) && part.is_picture();
        const auto expected = [&](const std::string& device) {
            return picture ? describe_rt_picture(part, device) : describe_rt_layers(kind_, part);
        };
        Result<std::string> device = check_part_info(index, result.info, expected);
        if (!device) return device;
        const uint64_t size = bytes_of(rt_layers(kind_, part));
        if (result.data.size() == size) return device;
        return part_size_error(index, result.data.size(), size);
    }

    [[nodiscard]] Result<TaskOutput> finish(const RaytraceRequest& request, RaytraceOutput& output,
                                            std::span<const std::string> devices,
                                            const MemoryHook* memory) const {
        if (!rt_makes_pictures(kind_) || !request.is_picture()) {
            return TaskOutput{describe_rt_layers(kind_, request), output.finish()};
        }
        const codec::Image image{request.tile.width, request.tile.height, kRtChannels,
                                 output.finish()};
        Result<Bytes> file =
            codec::encode_image(image, request.image_format, request.jpeg_quality, memory);
        if (!file) return file.error();
        return TaskOutput{describe_rt_picture(request, merged_device(devices)), std::move(*file)};
    }

    RaytraceKind kind_;
};

// ---- rows, and probes, which are lines of their own ---------------------------------------------

// Layers are lines after lines, masks of several lights one after the other.
// What no run can give: a distance that is negative or no number, an object beyond the limit.
Result<Done> check_values(size_t part, const RtLayer& layer, std::span<const uint8_t> bytes) {
    const std::string_view name = layer.name;
    const bool is_depth = name == "depth";
    if (!is_depth && name != "hit_id") return Done{};
    for (size_t at = 0; at + 4 <= bytes.size(); at += 4) {
        const uint32_t word = uint32_t{bytes[at]} | uint32_t{bytes[at + 1]} << 8 |
                              uint32_t{bytes[at + 2]} << 16 | uint32_t{bytes[at + 3]} << 24;
        // The bits of finite numbers from 0 on are below those of infinity.
        if (word < (is_depth ? kInfinityBits : kRtObjectsMax + 1)) continue;
        return part_error(part,
                          "its layer " + std::string(name) + " has a value that no run gives");
    }
    return Done{};
}

Result<Done> collect_lines(uint64_t lines, uint64_t planes, std::span<const uint64_t> cuts,
                           std::span<const TaskOutput> results, RaytraceOutput& output) {
    const std::vector<RtLayer>& layers = output.layers();
    for (size_t number = 0; number < layers.size(); ++number) {
        const RtLayer& layer = layers[number];
        if (layer.size == 0) continue;
        const uint64_t line_size = layer.size / (lines * planes);
        for (size_t i = 0; i < results.size(); ++i) {
            // A part has the same share of each layer, those before this one included.
            const uint64_t part_lines = cuts[i + 1] - cuts[i];
            const uint64_t plane_size = part_lines * line_size;
            uint64_t from = layer.offset / lines * part_lines;
            for (uint64_t plane = 0; plane < planes; ++plane, from += plane_size) {
                const auto bytes = results[i].data.span().subspan(from, plane_size);
                if (Result<Done> fine = check_values(i, layer, bytes); !fine) return fine;
                output.put(number, (plane * lines + cuts[i]) * line_size, bytes);
            }
        }
    }
    return Done{};
}

class RowsSplitter final : public RaytraceSplitter {
  public:
    using RaytraceSplitter::RaytraceSplitter;
    [[nodiscard]] const char* name() const override { return "rows"; }

  protected:
    [[nodiscard]] uint64_t units_of(const RaytraceRequest& whole) const override {
        return whole.tile.height;
    }
    void narrow(RaytraceRequest& part, uint64_t first, uint64_t end) const override {
        part.tile.y += static_cast<uint32_t>(first);
        part.tile.height = static_cast<uint32_t>(end - first);
        part.image_format = codec::ImageFormat::kRaw;
        if (!part.gbuffer) return;
        part.gbuffer = part.gbuffer->rows(part.tile.width, static_cast<uint32_t>(first),
                                          static_cast<uint32_t>(end));
    }
    [[nodiscard]] bool cuts_planes() const override { return true; }
    [[nodiscard]] Asked ask(const RaytraceRequest& part, bool picture) const override {
        const bool raw = picture && rt_makes_pictures(kind());
        const auto write = [tile = part.tile, gbuffer = part.gbuffer, raw](ValueWriter& writer) {
            writer.key("tile").array(4).integer(tile.x).integer(tile.y);
            writer.integer(tile.width).integer(tile.height);
            if (raw) writer.key("output_format").text("raw");
            if (gbuffer) write_rt_gbuffer(writer.key("gbuffer"), *gbuffer);
        };
        Asked asked{{"tile"}, 1, write};
        if (raw) asked.replaced.push_back("output_format");
        if (part.gbuffer) asked.replaced.push_back("gbuffer");
        asked.added = static_cast<uint32_t>(asked.replaced.size());
        return asked;
    }
    Result<Done> collect(const RaytraceRequest& whole, std::span<const uint64_t> cuts,
                         std::span<const TaskOutput> results,
                         RaytraceOutput& output) const override {
        const uint64_t planes = kind() == RaytraceKind::kShadows ? whole.lights_count : 1;
        return collect_lines(whole.tile.height, planes, cuts, results, output);
    }
};

class ProbesSplitter final : public RaytraceSplitter {
  public:
    ProbesSplitter() : RaytraceSplitter(RaytraceKind::kProbes) {}
    [[nodiscard]] const char* name() const override { return "probes"; }

  protected:
    [[nodiscard]] uint64_t units_of(const RaytraceRequest& whole) const override {
        return whole.pixels();
    }
    void narrow(RaytraceRequest& part, uint64_t first, uint64_t end) const override {
        part.probe_end = part.probe_first + static_cast<uint32_t>(end);
        part.probe_first += static_cast<uint32_t>(first);
    }
    [[nodiscard]] Asked ask(const RaytraceRequest& part, bool) const override {
        return {
            {"owned"}, 1, [first = part.probe_first, end = part.probe_end](ValueWriter& writer) {
                writer.key("owned").array(2).integer(first).integer(end);
            }};
    }
    Result<Done> collect(const RaytraceRequest& whole, std::span<const uint64_t> cuts,
                         std::span<const TaskOutput> results,
                         RaytraceOutput& output) const override {
        return collect_lines(whole.pixels(), 1, cuts, results, output);
    }
};

// ---- samples ------------------------------------------------------------------------------------

class SamplesSplitter final : public RaytraceSplitter {
  public:
    using RaytraceSplitter::RaytraceSplitter;
    [[nodiscard]] const char* name() const override { return "samples"; }

  protected:
    [[nodiscard]] uint64_t units_of(const RaytraceRequest& whole) const override {
        if (!(whole.layers & RaytraceRequest::kColor)) return 1;
        // Sums take four times the room of a picture: of the largest ones they are no result.
        RaytraceRequest sums = whole;
        sums.format = Format::kSums;
        const bool fits = bytes_of(rt_layers(kind(), sums)) <= codec::kImageBytesMax;
        return fits ? whole.sample_count : 1;
    }
    // The first part has the layers that all samples share.
    void narrow(RaytraceRequest& part, uint64_t first, uint64_t end) const override {
        part.sample_first += static_cast<uint32_t>(first);
        part.sample_count = static_cast<uint32_t>(end - first);
        part.format = Format::kSums;
        if (first > 0) part.layers = RaytraceRequest::kColor;
    }
    [[nodiscard]] Asked ask(const RaytraceRequest& part, bool picture) const override {
        const bool color_alone =
            !picture && part.layers == RaytraceRequest::kColor && kind() == RaytraceKind::kPicture;
        const auto write = [first = part.sample_first, count = part.sample_count,
                            color_alone](ValueWriter& writer) {
            writer.key("sample_first").integer(first);
            writer.key("sample_count").integer(count);
            writer.key("output_format").text("sums");
            if (color_alone) writer.key("layers").array(1).text("color");
        };
        Asked asked{{"sample_first", "sample_count", "output_format"}, 3, write};
        if (color_alone) {
            asked.replaced.push_back("layers");
            ++asked.added;
        }
        return asked;
    }
    Result<Done> collect(const RaytraceRequest& whole, std::span<const uint64_t> cuts,
                         std::span<const TaskOutput> results,
                         RaytraceOutput& output) const override {
        // Color is the first layer where there is one.
        const uint64_t words = whole.pixels() * kRtChannels;
        std::vector<uint32_t> sums;
        for (uint64_t first = 0; first < words; first += kSumsBand) {
            sums.assign(std::min(kSumsBand, words - first), 0);
            for (size_t i = 0; i < results.size(); ++i) {
                const uint64_t most = kSampleMax * (cuts[i + 1] - cuts[i]);
                if (!add(results[i].data.data() + first * 4, most, sums)) {
                    return part_error(i, "it has a sum above " + std::to_string(most) +
                                             ", the most that its samples can be");
                }
            }
            output.take(kRtModeColor, first / kRtChannels, sums);
        }
        uint64_t from = words * 4;
        for (size_t number = 1; number < output.layers().size(); ++number) {
            const uint64_t size = output.layers()[number].size;
            const auto bytes = results[0].data.span().subspan(from, size);
            if (Result<Done> fine = check_values(0, output.layers()[number], bytes); !fine) {
                return fine;
            }
            output.put(number, 0, bytes);
            from += size;
        }
        return Done{};
    }

  private:
    // False when a word is above `most`. All parts together stay below 2^32.
    static bool add(const uint8_t* from, uint64_t most, std::vector<uint32_t>& sums) {
        bool fits = true;
        for (uint32_t& sum : sums) {
            const uint32_t word = uint32_t{from[0]} | uint32_t{from[1]} << 8 |
                                  uint32_t{from[2]} << 16 | uint32_t{from[3]} << 24;
            fits = fits && word <= most;
            sum += word;
            from += 4;
        }
        return fits;
    }
};
static_assert(kSampleMax * kRtSamplesMax <= UINT32_MAX);

}  // namespace

std::shared_ptr<const TaskSplitter> make_rt_rows_splitter(RaytraceKind kind) {
    return std::make_shared<RowsSplitter>(kind);
}

std::shared_ptr<const TaskSplitter> make_rt_samples_splitter(RaytraceKind kind) {
    return std::make_shared<SamplesSplitter>(kind);
}

std::shared_ptr<const TaskSplitter> make_rt_probes_splitter() {
    return std::make_shared<ProbesSplitter>();
}

}  // namespace p2c2r::kernels
