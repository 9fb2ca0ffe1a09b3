#include "cli/picture.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <functional>

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr size_t kJobsAtOnce = 4;
constexpr uint64_t kJobDeadlineUs = 60'000'000;

uint32_t big_endian(std::string_view bytes, size_t at, size_t count) {
    uint32_t value = 0;
    for (size_t index = 0; index < count; ++index) {
        value = value << 8 | static_cast<uint8_t>(bytes[at + index]);
    }
    return value;
}

Failure no_picture(const std::string& why) {
    return {kExitSomeFailed, "not a JPEG or PNG picture: " + why};
}

Result<PictureSize> jpeg_size(std::string_view file) {
    for (size_t at = 2; at + 9 <= file.size();) {
        if (static_cast<uint8_t>(file[at]) != 0xFF) return no_picture("a marker is missing");
        const auto marker = static_cast<uint8_t>(file[at + 1]);
        if (marker == 0xFF) {  // filling
            ++at;
            continue;
        }
        // Start of frame: C0 to CF without the tables C4, C8 and CC.
        if (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 &&
            marker != 0xCC) {
            return PictureSize{big_endian(file, at + 7, 2), big_endian(file, at + 5, 2)};
        }
        at += 2 + big_endian(file, at + 2, 2);
    }
    return no_picture("its size is missing");
}

Failure task_failure(const std::string& what, const p2c2r_result* result) {
    size_t size = 0;
    const char* text = p2c2r_result_text(result, P2C2R_TEXT_MESSAGE, &size);
    return {kExitSomeFailed, what + ": " + p2c2r_status_name(p2c2r_result_status(result)) + ": " +
                                 (text ? std::string(text, size) : "")};
}

Result<p2c2r_task> submit_upscale(Session& session, const json& params, p2c2r_bytes data) {
    const std::string text = params.dump();
    p2c2r_task_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.task_type = "upscale";
    desc.deadline_us = kJobDeadlineUs;
    desc.place = P2C2R_PLACE_LOCAL;
    desc.params_format = P2C2R_FORMAT_JSON;
    desc.params = text.data();
    desc.params_size = text.size();
    desc.data = &data;
    p2c2r_task task = 0;
    p2c2r_error why = {};
    if (p2c2r_client_submit(session.client(), &desc, &task, &why) != P2C2R_OK) {
        return library_failure(kExitSomeFailed, "picture", why);
    }
    return task;
}

Result<ResultHandle> wait_for(Session& session, p2c2r_task task) {
    p2c2r_result* result = nullptr;
    const p2c2r_status status =
        p2c2r_client_get_result(session.client(), task, P2C2R_FOREVER, &result);
    ResultHandle owned(result);
    if (status != P2C2R_OK) {
        return Failure{kExitSomeFailed, std::string("picture: ") + p2c2r_status_name(status)};
    }
    if (p2c2r_result_status(result) != P2C2R_OK) return task_failure("picture", result);
    return owned;
}

}  // namespace

Result<PictureSize> picture_size(std::string_view file) {
    if (file.size() >= 24 && file.starts_with("\x89PNG\r\n\x1a\n")) {
        return PictureSize{big_endian(file, 16, 4), big_endian(file, 20, 4)};
    }
    if (file.size() >= 2 && file.starts_with("\xFF\xD8")) return jpeg_size(file);
    return no_picture("its first bytes are neither's");
}

Result<Picture> decode_picture(Session& session, const std::string& file) {
    const Result<PictureSize> size = picture_size(file);
    if (!size) return size.failure();
    const json params = {{"output_res", {size->width, size->height}}, {"output_format", "raw"}};
    Result<p2c2r_task> task =
        submit_upscale(session, params, {file.data(), file.size(), nullptr, nullptr});
    if (!task) return task.failure();
    Result<ResultHandle> result = wait_for(session, *task);
    if (!result) return result.failure();
    size_t bytes_size = 0;
    const auto* bytes = static_cast<const uint8_t*>(p2c2r_result_data(result->get(), &bytes_size));
    const size_t pixels = static_cast<size_t>(size->width) * size->height;
    const size_t channels = pixels == 0 ? 0 : bytes_size / pixels;
    if (channels != 3 && channels != 4) return no_picture("its pixels are not RGB or RGBA");
    Picture picture{size->width, size->height, std::vector<uint8_t>(pixels * 3)};
    for (size_t pixel = 0; pixel < pixels; ++pixel) {
        std::memcpy(&picture.pixels[pixel * 3], bytes + pixel * channels, 3);
    }
    return picture;
}

Outcome encode_pictures(Session& session, size_t count,
                        const std::function<EncodeJob(size_t)>& make,
                        const std::function<Outcome(size_t, std::string_view)>& take) {
    std::deque<p2c2r_task> running;
    size_t made = 0;
    for (size_t taken = 0; taken < count; ++taken) {
        while (made < count && running.size() < kJobsAtOnce) {
            const EncodeJob job = make(made);
            json params = {{"input_res", {job.picture.width, job.picture.height}},
                           {"channels", 3},
                           {"output_res", {job.size.width, job.size.height}},
                           {"output_format", job.format}};
            if (job.format == "jpeg") params["jpeg_quality"] = job.jpeg_quality;
            Result<p2c2r_task> task = submit_upscale(
                session, params,
                {job.picture.pixels.data(), job.picture.pixels.size(), nullptr, nullptr});
            if (!task) return task.failure();
            running.push_back(*task);
            ++made;
        }
        Result<ResultHandle> result = wait_for(session, running.front());
        running.pop_front();
        if (!result) return result.failure();
        size_t size = 0;
        const void* data = p2c2r_result_data(result->get(), &size);
        if (Outcome failure = take(taken, {static_cast<const char*>(data), size})) return failure;
    }
    return std::nullopt;
}

Result<std::string> encode_picture(Session& session, const Picture& picture,
                                   const std::string& format, int jpeg_quality) {
    std::string file;
    const Outcome failure = encode_pictures(
        session, 1,
        [&](size_t) {
            return EncodeJob{picture, {picture.width, picture.height}, format, jpeg_quality};
        },
        [&](size_t, std::string_view bytes) -> Outcome {
            file = bytes;
            return std::nullopt;
        });
    if (failure) return *failure;
    return file;
}

Picture make_picture(uint32_t width, uint32_t height, Color color) {
    Picture picture{width, height, std::vector<uint8_t>(size_t{3} * width * height)};
    for (size_t at = 0; at < picture.pixels.size(); at += 3) {
        picture.pixels[at] = color.red;
        picture.pixels[at + 1] = color.green;
        picture.pixels[at + 2] = color.blue;
    }
    return picture;
}

Picture drawn_picture() {
    Picture picture = make_picture(1920, 1080, {0, 0, 0});
    uint32_t noise = 1;
    for (uint32_t y = 0; y < picture.height; ++y) {
        for (uint32_t x = 0; x < picture.width; ++x) {
            noise = noise * 1664525 + 1013904223;
            uint8_t* pixel = &picture.pixels[(size_t{y} * picture.width + x) * 3];
            pixel[0] = static_cast<uint8_t>(((x ^ y) & 0xF0) | noise >> 29);
            pixel[1] = static_cast<uint8_t>(x * 255 / picture.width);
            pixel[2] = static_cast<uint8_t>((x / 24 + y / 24) % 2 * 90 + y * 120 / picture.height);
        }
    }
    return picture;
}

Picture cut_out(const Picture& picture, uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
    Picture part{width, height, std::vector<uint8_t>(size_t{3} * width * height)};
    for (uint32_t row = 0; row < height; ++row) {
        const size_t from = (static_cast<size_t>(y + row) * picture.width + x) * 3;
        std::memcpy(&part.pixels[size_t{3} * row * width], &picture.pixels[from],
                    size_t{3} * width);
    }
    return part;
}

Picture enlarge(const Picture& picture, uint32_t width, uint32_t height) {
    Picture result{width, height, std::vector<uint8_t>(size_t{3} * width * height)};
    for (uint32_t y = 0; y < height; ++y) {
        const uint32_t from_y = static_cast<uint32_t>(uint64_t{y} * picture.height / height);
        for (uint32_t x = 0; x < width; ++x) {
            const uint32_t from_x = static_cast<uint32_t>(uint64_t{x} * picture.width / width);
            std::memcpy(&result.pixels[(size_t{y} * width + x) * 3],
                        &picture.pixels[(size_t{from_y} * picture.width + from_x) * 3], 3);
        }
    }
    return result;
}

Picture shrink(const Picture& picture, uint32_t width, uint32_t height) {
    Picture result{width, height, std::vector<uint8_t>(size_t{3} * width * height)};
    for (uint32_t y = 0; y < height; ++y) {
        const auto top = static_cast<uint32_t>(uint64_t{y} * picture.height / height);
        const auto bottom = static_cast<uint32_t>((uint64_t{y} + 1) * picture.height / height);
        for (uint32_t x = 0; x < width; ++x) {
            const auto left = static_cast<uint32_t>(uint64_t{x} * picture.width / width);
            const auto right = static_cast<uint32_t>((uint64_t{x} + 1) * picture.width / width);
            std::array<uint32_t, 3> sum = {};
            for (uint32_t row = top; row < std::max(bottom, top + 1); ++row) {
                for (uint32_t column = left; column < std::max(right, left + 1); ++column) {
                    const size_t at = (size_t{row} * picture.width + column) * 3;
                    for (size_t channel = 0; channel < 3; ++channel) {
                        sum[channel] += picture.pixels[at + channel];
                    }
                }
            }
            const uint32_t count = std::max(1u, bottom - top) * std::max(1u, right - left);
            for (size_t channel = 0; channel < 3; ++channel) {
                result.pixels[(size_t{y} * width + x) * 3 + channel] =
                    static_cast<uint8_t>((sum[channel] + count / 2) / count);
            }
        }
    }
    return result;
}

void paste(Picture& target, const Picture& source, uint32_t x, uint32_t y) {
    const uint32_t width = std::min(source.width, target.width - std::min(x, target.width));
    for (uint32_t row = 0; row < source.height && y + row < target.height; ++row) {
        std::memcpy(&target.pixels[(size_t{y + row} * target.width + x) * 3],
                    &source.pixels[size_t{3} * row * source.width], size_t{3} * width);
    }
}

}  // namespace p2c2r::cli
