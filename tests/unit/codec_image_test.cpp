// Images are read and written as contract.md section 11 says, and files that lie are refused with
// numbers before anything large is allocated.
#include <doctest/doctest.h>
#include <png.h>
#include <turbojpeg.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "codec/codec_class.h"
#include "codec/image.h"
#include "core/prng.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::codec;

namespace {

using File = std::vector<uint8_t>;

Image make_image(uint32_t width, uint32_t height, uint32_t channels, uint64_t seed) {
    Prng prng(seed);
    Buffer pixels = Buffer::allocate(size_t{width} * height * channels);
    for (size_t i = 0; i < pixels.capacity(); ++i) {
        pixels.data()[i] = static_cast<uint8_t>(prng.next());
    }
    const size_t size = pixels.capacity();
    return Image{width, height, channels, std::move(pixels).freeze(size)};
}

// A picture without hard edges, so that JPEG loses little of it.
Image make_slope(uint32_t width, uint32_t height) {
    Buffer pixels = Buffer::allocate(size_t{width} * height * 3);
    uint8_t* out = pixels.data();
    for (uint32_t y = 0; y < height; ++y) {
        for (uint32_t x = 0; x < width; ++x) {
            *out++ = static_cast<uint8_t>(x * 200 / width);
            *out++ = static_cast<uint8_t>(y * 200 / height);
            *out++ = static_cast<uint8_t>(100 + (x + y) * 50 / (width + height));
        }
    }
    const size_t size = pixels.capacity();
    return Image{width, height, 3, std::move(pixels).freeze(size)};
}

double mean_difference(const Image& a, const Image& b) {
    REQUIRE(a.pixels.size() == b.pixels.size());
    double sum = 0;
    for (size_t i = 0; i < a.pixels.size(); ++i) {
        sum += std::abs(int{a.pixels.data()[i]} - int{b.pixels.data()[i]});
    }
    return sum / static_cast<double>(a.pixels.size());
}

// Any PNG that libpng can write: rows as they stand in the file.
struct PngForm {
    int color_type = PNG_COLOR_TYPE_RGB;
    int depth = 8;
    int interlace = PNG_INTERLACE_NONE;
    std::vector<png_color> palette;
    std::vector<uint8_t> palette_alpha;
};

void append(png_structp png, png_bytep data, size_t size) {
    File& file = *static_cast<File*>(png_get_io_ptr(png));
    file.insert(file.end(), data, data + size);
}

File write_png(uint32_t width, uint32_t height, const PngForm& form,
               const std::vector<std::vector<uint8_t>>& rows) {
    File file;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, &file, append, [](png_structp) {});
    png_set_IHDR(png, info, width, height, form.depth, form.color_type, form.interlace,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (!form.palette.empty()) {
        png_set_PLTE(png, info, form.palette.data(), static_cast<int>(form.palette.size()));
    }
    if (!form.palette_alpha.empty()) {
        png_set_tRNS(png, info, form.palette_alpha.data(),
                     static_cast<int>(form.palette_alpha.size()), nullptr);
    }
    png_write_info(png, info);
    std::vector<png_bytep> pointers;
    for (const std::vector<uint8_t>& row : rows) {
        pointers.push_back(const_cast<png_bytep>(row.data()));
    }
    png_write_image(png, pointers.data());
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return file;
}

File write_jpeg(const Image& image, int pixel_format, int subsampling, int flags) {
    const tjhandle handle = tjInitCompress();
    unsigned char* memory = nullptr;
    unsigned long size = 0;
    REQUIRE(tjCompress2(handle, image.pixels.data(), static_cast<int>(image.width), 0,
                        static_cast<int>(image.height), pixel_format, &memory, &size, subsampling,
                        95, flags) == 0);
    File file(memory, memory + size);
    tjFree(memory);
    tjDestroy(handle);
    return file;
}

File bytes_of(const Bytes& bytes) {
    return File(bytes.data(), bytes.data() + bytes.size());
}

// The place of the frame header's height in a baseline JPEG.
size_t size_offset_in_jpeg(const File& file) {
    for (size_t i = 2; i + 9 < file.size(); ++i) {
        if (file[i] == 0xFF && file[i + 1] == 0xC0) return i + 5;
    }
    return 0;
}

void put16(File& file, size_t at, uint32_t value) {
    file[at] = static_cast<uint8_t>(value >> 8);
    file[at + 1] = static_cast<uint8_t>(value);
}

bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("formats are recognised by content") {
    const Image image = make_image(5, 3, 3, 1);
    CHECK(recognise_format(encode_image(image, ImageFormat::kJpeg, 90)->span()) ==
          ImageFormat::kJpeg);
    CHECK(recognise_format(encode_image(image, ImageFormat::kPng, 90)->span()) ==
          ImageFormat::kPng);
    CHECK(recognise_format(image.pixels.span()) == ImageFormat::kRaw);
    CHECK(recognise_format({}) == ImageFormat::kRaw);
}

TEST_CASE("png gives back the very pixels at any size and channel count") {
    Prng prng(test::seed());
    for (int round = 0; round < 40; ++round) {
        const uint32_t width = 1 + static_cast<uint32_t>(prng.below(70));
        const uint32_t height = 1 + static_cast<uint32_t>(prng.below(70));
        const uint32_t channels = 3 + static_cast<uint32_t>(prng.below(2));
        const Image image = make_image(width, height, channels, prng.next());
        const Result<Bytes> file = encode_image(image, ImageFormat::kPng, 90);
        REQUIRE(file.ok());
        const Result<Image> back = decode_image(file->span());
        REQUIRE(back.ok());
        CHECK(back->width == width);
        CHECK(back->height == height);
        CHECK(back->channels == channels);
        CHECK(bytes_of(back->pixels) == bytes_of(image.pixels));
    }
}

TEST_CASE("raw passes through without a copy") {
    const Image image = make_image(7, 4, 4, 2);
    const Result<Bytes> raw = encode_image(image, ImageFormat::kRaw, 90);
    REQUIRE(raw.ok());
    CHECK(raw->data() == image.pixels.data());
    const Result<Image> back = raw_image(*raw, 7, 4, 4);
    REQUIRE(back.ok());
    CHECK(back->pixels.data() == image.pixels.data());
}

TEST_CASE("jpeg keeps a smooth picture and its quality orders sizes and errors") {
    const Image image = make_slope(161, 97);
    size_t last_size = 0;
    double last_difference = 1e9;
    for (const uint32_t quality : {10u, 50u, 89u, 90u, 100u}) {
        const Result<Bytes> file = encode_image(image, ImageFormat::kJpeg, quality);
        REQUIRE(file.ok());
        const Result<Image> back = decode_image(file->span());
        REQUIRE(back.ok());
        CHECK(back->width == 161);
        CHECK(back->height == 97);
        CHECK(back->channels == 3);
        CHECK(file->size() > last_size);
        CHECK(mean_difference(image, *back) < last_difference);
        last_size = file->size();
        last_difference = mean_difference(image, *back);
    }
    CHECK(last_difference < 1.0);
}

TEST_CASE("jpeg is 4:2:0 below quality 90 and 4:4:4 from there on") {
    const Image image = make_slope(64, 64);
    for (const uint32_t quality : {89u, 90u}) {
        const Result<Bytes> file = encode_image(image, ImageFormat::kJpeg, quality);
        REQUIRE(file.ok());
        const tjhandle handle = tjInitDecompress();
        int width = 0, height = 0, subsampling = 0, colorspace = 0;
        REQUIRE(tjDecompressHeader3(handle, file->data(), file->size(), &width, &height,
                                    &subsampling, &colorspace) == 0);
        tjDestroy(handle);
        CHECK(subsampling == (quality < 90 ? TJSAMP_420 : TJSAMP_444));
    }
}

TEST_CASE("jpeg of an rgba image leaves alpha out and keeps the colours") {
    const Image slope = make_slope(40, 30);
    Buffer pixels = Buffer::allocate(40 * 30 * 4);
    for (size_t i = 0; i < 40 * 30; ++i) {
        std::memcpy(pixels.data() + i * 4, slope.pixels.data() + i * 3, 3);
        pixels.data()[i * 4 + 3] = static_cast<uint8_t>(i);
    }
    const Image image{40, 30, 4, std::move(pixels).freeze(40 * 30 * 4)};
    const Result<Bytes> file = encode_image(image, ImageFormat::kJpeg, 95);
    const Result<Bytes> same = encode_image(slope, ImageFormat::kJpeg, 95);
    REQUIRE(file.ok());
    REQUIRE(same.ok());
    CHECK(bytes_of(*file) == bytes_of(*same));
}

TEST_CASE("grey and progressive and cmyk jpegs") {
    const Image image = make_slope(50, 40);
    SUBCASE("grey becomes rgb with equal channels") {
        const File file = write_jpeg(image, TJPF_RGB, TJSAMP_GRAY, 0);
        const Result<Image> back = decode_image(file);
        REQUIRE(back.ok());
        CHECK(back->channels == 3);
        bool equal = true;
        for (size_t i = 0; i < back->pixels.size(); i += 3) {
            const uint8_t* pixel = back->pixels.data() + i;
            equal = equal && pixel[0] == pixel[1] && pixel[1] == pixel[2];
        }
        CHECK(equal);
    }
    SUBCASE("progressive decodes like baseline") {
        const Result<Image> progressive =
            decode_image(write_jpeg(image, TJPF_RGB, TJSAMP_444, TJFLAG_PROGRESSIVE));
        const Result<Image> baseline = decode_image(write_jpeg(image, TJPF_RGB, TJSAMP_444, 0));
        REQUIRE(progressive.ok());
        REQUIRE(baseline.ok());
        CHECK(bytes_of(progressive->pixels) == bytes_of(baseline->pixels));
    }
    SUBCASE("cmyk is unsupported and says so") {
        const Image four{25, 20, 4, make_image(25, 20, 4, 3).pixels};
        const Result<Image> back = decode_image(write_jpeg(four, TJPF_CMYK, TJSAMP_444, 0));
        REQUIRE(!back.ok());
        CHECK(back.error().status == Status::kUnsupported);
        CHECK(back.error().field == "data");
        CHECK(holds(back.error().text, "4 colour components"));
    }
}

TEST_CASE("png of other kinds becomes rgb or rgba") {
    SUBCASE("16 bits are rounded to 8") {
        // 0x017F / 257 = 1.49 -> 1; 0x0181 / 257 = 1.498 -> 1; 0x0182 / 257 = 1.502 -> 2.
        const std::vector<uint8_t> row{0x01, 0x7F, 0x01, 0x81, 0x01, 0x82,
                                       0xFF, 0xFF, 0x00, 0x00, 0x80, 0x80};
        PngForm form;
        form.depth = 16;
        const Result<Image> image = decode_image(write_png(2, 1, form, {row}));
        REQUIRE(image.ok());
        CHECK(image->channels == 3);
        CHECK(bytes_of(image->pixels) == File{1, 1, 2, 255, 0, 128});
    }
    SUBCASE("grey of one bit becomes black and white") {
        PngForm form;
        form.color_type = PNG_COLOR_TYPE_GRAY;
        form.depth = 1;
        const Result<Image> image = decode_image(write_png(3, 1, form, {{0b10100000}}));
        REQUIRE(image.ok());
        CHECK(bytes_of(image->pixels) == File{255, 255, 255, 0, 0, 0, 255, 255, 255});
    }
    SUBCASE("grey with alpha becomes rgba") {
        PngForm form;
        form.color_type = PNG_COLOR_TYPE_GRAY_ALPHA;
        const Result<Image> image = decode_image(write_png(1, 1, form, {{77, 33}}));
        REQUIRE(image.ok());
        CHECK(image->channels == 4);
        CHECK(bytes_of(image->pixels) == File{77, 77, 77, 33});
    }
    SUBCASE("palette becomes rgb") {
        PngForm form;
        form.color_type = PNG_COLOR_TYPE_PALETTE;
        form.palette = {{1, 2, 3}, {4, 5, 6}};
        const Result<Image> image = decode_image(write_png(2, 1, form, {{1, 0}}));
        REQUIRE(image.ok());
        CHECK(bytes_of(image->pixels) == File{4, 5, 6, 1, 2, 3});
    }
    SUBCASE("palette with transparency becomes rgba") {
        PngForm form;
        form.color_type = PNG_COLOR_TYPE_PALETTE;
        form.palette = {{1, 2, 3}, {4, 5, 6}};
        form.palette_alpha = {9};
        const Result<Image> image = decode_image(write_png(2, 1, form, {{1, 0}}));
        REQUIRE(image.ok());
        CHECK(image->channels == 4);
        CHECK(bytes_of(image->pixels) == File{4, 5, 6, 255, 1, 2, 3, 9});
    }
    SUBCASE("interlaced equals plain") {
        const Image image = make_image(19, 13, 3, 5);
        std::vector<std::vector<uint8_t>> rows;
        for (size_t y = 0; y < 13; ++y) {
            const uint8_t* row = image.pixels.data() + y * 19 * 3;
            rows.emplace_back(row, row + 19 * 3);
        }
        PngForm form;
        form.interlace = PNG_INTERLACE_ADAM7;
        const Result<Image> back = decode_image(write_png(19, 13, form, rows));
        REQUIRE(back.ok());
        CHECK(bytes_of(back->pixels) == bytes_of(image.pixels));
    }
}

TEST_CASE("a header that claims too much is refused with its numbers") {
    struct Case {
        uint32_t width, height;
        Status status;
        const char* part;
    };
    const Case cases[] = {
        {20000, 20000, Status::kLimit, "20000 x 20000"},
        {8193, 1, Status::kLimit, "8193 x 1"},
        {1, 8193, Status::kLimit, "1 x 8193"},
        {8192, 8192, Status::kLimit, "67108864"},
        {0, 5, Status::kParams, "0 x 5"},
        {5, 0, Status::kParams, "5 x 0"},
    };
    const Image image = make_image(8, 8, 3, 7);
    for (const Case& row : cases) {
        CAPTURE(row.width);
        CAPTURE(row.height);
        File jpeg = bytes_of(*encode_image(image, ImageFormat::kJpeg, 80));
        const size_t at = size_offset_in_jpeg(jpeg);
        REQUIRE(at != 0);
        put16(jpeg, at, row.height);
        put16(jpeg, at + 2, row.width);
        File png = bytes_of(*encode_image(image, ImageFormat::kPng, 80));
        std::memset(&png[16], 0, 8);
        put16(png, 18, row.width);
        put16(png, 22, row.height);
        for (const File& file : {jpeg, png}) {
            for (const bool whole : {false, true}) {
                const Result<ImageHeader> header = read_image_header(file);
                const Result<Image> decoded = decode_image(file);
                REQUIRE(!header.ok());
                REQUIRE(!decoded.ok());
                const Error& error = whole ? decoded.error() : header.error();
                CHECK(error.status == row.status);
                CHECK(error.field == "data");
                CHECK_MESSAGE(holds(error.text, row.part), error.text);
            }
        }
    }
}

TEST_CASE("the largest allowed header passes the limits") {
    CHECK(check_image_size(8192, 2048, 4, "data").ok());
    CHECK(check_image_size(4096, 4096, 4, "data").ok());
    CHECK(!check_image_size(4097, 4096, 3, "data").ok());
    CHECK(!check_image_size(UINT64_MAX, UINT64_MAX, 4, "data").ok());
}

TEST_CASE("every cut of a jpeg or png is an error about data") {
    const Image image = make_image(33, 21, 3, 9);
    for (const ImageFormat format : {ImageFormat::kJpeg, ImageFormat::kPng}) {
        const File whole = bytes_of(*encode_image(image, format, 90));
        REQUIRE(decode_image(whole).ok());
        for (size_t size = 0; size < whole.size(); ++size) {
            const Result<Image> cut = decode_image(std::span(whole).first(size));
            CAPTURE(size);
            REQUIRE(!cut.ok());
            CHECK(cut.error().field == "data");
            CHECK(!cut.error().text.empty());
        }
    }
}

TEST_CASE("damaged bytes never crash a decoder") {
    Prng prng(test::seed());
    const Image image = make_image(40, 30, 3, 11);
    for (const ImageFormat format : {ImageFormat::kJpeg, ImageFormat::kPng}) {
        const File whole = bytes_of(*encode_image(image, format, 90));
        for (int round = 0; round < 300; ++round) {
            File damaged = whole;
            for (int i = 0; i < 4; ++i) {
                damaged[prng.below(damaged.size())] = static_cast<uint8_t>(prng.next());
            }
            const Result<Image> back = decode_image(damaged);
            if (back.ok()) {
                CHECK(back->pixels.size() == uint64_t{back->width} * back->height * back->channels);
            } else {
                CHECK(!back.error().text.empty());
            }
        }
    }
}

TEST_CASE("raw images of the wrong size name what is needed and what is there") {
    const Bytes bytes = make_image(4, 4, 3, 1).pixels;
    const Result<Image> image = raw_image(bytes, 5, 4, 3);
    REQUIRE(!image.ok());
    CHECK(image.error().status == Status::kSize);
    CHECK(image.error().field == "data");
    CHECK(holds(image.error().text, "60 bytes"));
    CHECK(holds(image.error().text, "there are 48"));
    CHECK(!raw_image(bytes, 0, 4, 3).ok());
}

TEST_CASE("codec class is the same at every call and not empty") {
    const Result<Digest256> first = codec_class();
    const Result<Digest256> again = codec_class();
    REQUIRE(first.ok());
    REQUIRE(again.ok());
    CHECK(*first == *again);
    CHECK(*first != Digest256{});
}
