// libpng reports errors by a long jump. The rule that keeps this safe: the functions that call
// setjmp (read_pixels, read_info, write_file) hold no object with a destructor, and everything they
// work on belongs to their caller through a plain struct.
#include "codec/png.h"

#include <png.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

namespace p2c2r::codec {

namespace {

Error png_failure(std::string text) {
    return field_error(Status::kParams, "data", "PNG: " + std::move(text));
}

uint32_t big_endian32(const uint8_t* bytes) {
    return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

// ---- what both directions share ---------------------------------------------------------------

struct Message {
    char text[160] = "unknown error";
    bool memory_short = false;  // no fault of the picture then
};

void* take_memory(png_structp png, png_alloc_size_t size) {
    void* memory = std::malloc(size);
    if (!memory) static_cast<Message*>(png_get_mem_ptr(png))->memory_short = true;
    return memory;
}
void give_memory(png_structp, png_voidp memory) {
    std::free(memory);
}

Error read_failure(const Message& message, const std::string& where) {
    if (message.memory_short) return make_error(Status::kMemory, "no memory for a PNG decoder");
    return png_failure(message.text + where);
}

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
    Message& message = *static_cast<Message*>(png_get_error_ptr(png));
    std::snprintf(message.text, sizeof message.text, "%s", text);
    png_longjmp(png, 1);
}

// Warnings are about extra chunks (profiles, text) that play no part in the pixels.
void on_warning(png_structp, png_const_charp) {}

// ---- reading ------------------------------------------------------------------------------------

struct Source {
    const uint8_t* data = nullptr;
    size_t size = 0;
    size_t at = 0;
};

void read_source(png_structp png, png_bytep out, size_t size) {
    Source& source = *static_cast<Source*>(png_get_io_ptr(png));
    if (size > source.size - source.at) png_error(png, "the file ends too early");
    std::memcpy(out, source.data + source.at, size);
    source.at += size;
}

struct Reader {
    Message message;
    Source source;
    png_structp png = nullptr;
    png_infop info = nullptr;

    ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
};

// Up to the first row: size and channels as they will come out.
bool read_info(Reader& reader, png_uint_32* width, png_uint_32* height, int* channels,
               size_t* row_size) {
    png_structp png = reader.png;
    png_infop info = reader.info;
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_read_fn(png, &reader.source, read_source);
    png_set_user_limits(png, kImageSideMax, kImageSideMax);
    // Only the chunks that make pixels are read: the rest could hold megabytes of packed text.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_set_chunk_malloc_max(png, 1 << 20);
    png_read_info(png, info);
    png_set_expand(png);    // palette and small grey depths to 8 bits, transparent colours to alpha
    png_set_scale_16(png);  // 16 bits rounded to 8
    png_set_gray_to_rgb(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    *width = png_get_image_width(png, info);
    *height = png_get_image_height(png, info);
    *channels = png_get_channels(png, info);
    *row_size = png_get_rowbytes(png, info);
    return true;
}

bool read_pixels(Reader& reader, png_bytepp rows) {
    if (setjmp(png_jmpbuf(reader.png))) return false;
    png_read_image(reader.png, rows);
    png_read_end(reader.png, nullptr);
    return true;
}

// ---- writing ------------------------------------------------------------------------------------

// A file that grows; a failed allocation must not throw through libpng's C frames.
struct Sink {
    std::vector<uint8_t> file;
};

void write_sink(png_structp png, png_bytep data, size_t size) {
    Sink& sink = *static_cast<Sink*>(png_get_io_ptr(png));
    Message& message = *static_cast<Message*>(png_get_mem_ptr(png));
    try {
        sink.file.insert(sink.file.end(), data, data + size);
    } catch (const std::bad_alloc&) {
        message.memory_short = true;
    }
    if (message.memory_short) png_error(png, "memory is short");
}

void flush_sink(png_structp) {}

struct Writer {
    Message message;
    Sink sink;
    png_structp png = nullptr;
    png_infop info = nullptr;

    ~Writer() { png_destroy_write_struct(&png, &info); }
};

bool write_file(Writer& writer, const Image& image) {
    png_structp png = writer.png;
    png_infop info = writer.info;
    const size_t row_size = size_t{image.width} * image.channels;
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_write_fn(png, &writer.sink, write_sink, flush_sink);
    png_set_IHDR(png, info, image.width, image.height, 8,
                 image.channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGB_ALPHA,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    // Measured on game frames: differences to the left neighbour and runs only are both the fastest
    // (62 ms a 1080p frame) and smaller than the quick dictionary search (69 ms, 2 % more bytes).
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
    png_set_compression_level(png, 1);
    png_set_compression_strategy(png, Z_RLE);
    png_write_info(png, info);
    for (uint32_t y = 0; y < image.height; ++y) {
        png_write_row(png, image.pixels.data() + y * row_size);
    }
    png_write_end(png, info);
    return true;
}

}  // namespace

Result<ImageHeader> read_png_header(std::span<const uint8_t> file) {
    // Signature (8), length of the first chunk (4), its name (4), width (4), height (4).
    constexpr size_t kHeaderSize = 24;
    if (file.size() < kHeaderSize) {
        return png_failure("the file ends after " + std::to_string(file.size()) +
                           " bytes inside its header");
    }
    if (std::memcmp(&file[12], "IHDR", 4) != 0) return png_failure("the first chunk is not IHDR");
    return ImageHeader{ImageFormat::kPng, big_endian32(&file[16]), big_endian32(&file[20])};
}

Result<Image> decode_png(std::span<const uint8_t> file, const ImageHeader& header,
                         const MemoryHook* memory) {
    Reader reader;
    reader.source = {file.data(), file.size(), 0};
    reader.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &reader.message, on_error,
                                          on_warning, &reader.message, take_memory, give_memory);
    if (reader.png) reader.info = png_create_info_struct(reader.png);
    if (!reader.info) return make_error(Status::kMemory, "no memory for a PNG decoder");

    png_uint_32 width = 0;
    png_uint_32 height = 0;
    int channels = 0;
    size_t row_size = 0;
    if (!read_info(reader, &width, &height, &channels, &row_size)) {
        return read_failure(reader.message, "");
    }
    if (width != header.width || height != header.height || (channels != 3 && channels != 4) ||
        row_size != size_t{width} * static_cast<size_t>(channels)) {
        return png_failure("the header does not agree with the picture");
    }
    Buffer pixels = Buffer::allocate(row_size * height, memory);
    std::vector<png_bytep> rows(height);
    for (size_t y = 0; y < height; ++y) rows[y] = pixels.data() + y * row_size;
    if (!read_pixels(reader, rows.data())) {
        return read_failure(reader.message, " (" + std::to_string(width) + " x " +
                                                std::to_string(height) + ", " +
                                                std::to_string(file.size()) + " bytes)");
    }
    return Image{width, height, static_cast<uint32_t>(channels),
                 std::move(pixels).freeze(row_size * height)};
}

Result<Bytes> encode_png(const Image& image, const MemoryHook* memory) {
    Writer writer;
    writer.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &writer.message, on_error,
                                           on_warning, &writer.message, take_memory, give_memory);
    if (writer.png) writer.info = png_create_info_struct(writer.png);
    if (!writer.info) return make_error(Status::kMemory, "no memory for a PNG encoder");
    // About what a game's frame shrinks to; the rest grows by doubling.
    writer.sink.file.reserve(image.pixels.size() / 2 + 4096);
    if (!write_file(writer, image)) {
        const Status status = writer.message.memory_short ? Status::kMemory : Status::kExecutor;
        return make_error(status, std::string("PNG encoder: ") + writer.message.text);
    }
    return Bytes::copy(std::span<const uint8_t>(writer.sink.file), memory);
}

}  // namespace p2c2r::codec
