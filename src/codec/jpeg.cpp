// Handles are made per call: that takes 0.2 us, a frame some 3 ms, and so nothing is shared between
// threads and no memory of the largest frame stays behind.
#include "codec/jpeg.h"

#include <turbojpeg.h>

#include <memory>

namespace p2c2r::codec {

namespace {

Error jpeg_error(std::string text) {
    return field_error(Status::kParams, "data", "JPEG: " + std::move(text));
}

// What the library said about its last call; short memory is no fault of the picture.
Error library_error(void* handle, Status status, const std::string& where) {
    const std::string said = tjGetErrorStr2(handle);
    if (said.find("Insufficient memory") != std::string::npos ||
        said.find("Memory allocation failure") != std::string::npos) {
        return make_error(Status::kMemory, "no memory for a JPEG of this size");
    }
    return field_error(status, status == Status::kParams ? "data" : "", "JPEG: " + said + where);
}

struct HandleCloser {
    void operator()(void* handle) const { tjDestroy(handle); }
};
using Handle = std::unique_ptr<void, HandleCloser>;

struct TurboFree {
    void operator()(unsigned char* memory) const { tjFree(memory); }
};

uint32_t big_endian16(const uint8_t* bytes) {
    return uint32_t{bytes[0]} << 8 | bytes[1];
}

bool is_frame_header(uint8_t marker) {
    // C4 tables, C8 reserved and CC arithmetic conditioning share the range with the frame headers.
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

bool stands_alone(uint8_t marker) {
    return marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8);
}

Result<ImageHeader> parse_frame_header(std::span<const uint8_t> segment) {
    if (segment.size() < 6) {
        return jpeg_error("frame header of " + std::to_string(segment.size()) + " bytes is cut");
    }
    const uint32_t bits = segment[0];
    const uint32_t components = segment[5];
    ImageHeader header{ImageFormat::kJpeg, big_endian16(&segment[3]), big_endian16(&segment[1])};
    if (bits != 8) {
        return field_error(Status::kUnsupported, "data",
                           "JPEG with " + std::to_string(bits) + " bits a sample, only 8 is there");
    }
    if (components != 1 && components != 3) {
        return field_error(Status::kUnsupported, "data",
                           "JPEG with " + std::to_string(components) +
                               " colour components, only 1 (grey) and 3 are there");
    }
    return header;
}

}  // namespace

Result<ImageHeader> read_jpeg_header(std::span<const uint8_t> file) {
    size_t at = 2;  // behind the start marker
    while (at + 2 <= file.size()) {
        if (file[at] != 0xFF) {
            return jpeg_error("no marker at byte " + std::to_string(at) + " of the header");
        }
        const uint8_t marker = file[at + 1];
        if (marker == 0xFF) {  // fill byte
            ++at;
            continue;
        }
        at += 2;
        if (stands_alone(marker)) continue;
        if (marker == 0xD9 || marker == 0xDA) {
            return jpeg_error("no frame header before the picture data");
        }
        if (at + 2 > file.size()) break;
        const size_t length = big_endian16(&file[at]);  // counts its own two bytes
        if (length < 2 || length > file.size() - at) break;
        if (is_frame_header(marker)) return parse_frame_header(file.subspan(at + 2, length - 2));
        at += length;
    }
    return jpeg_error("the file ends after " + std::to_string(file.size()) +
                      " bytes inside its header");
}

Result<Image> decode_jpeg(std::span<const uint8_t> file, const ImageHeader& header,
                          const MemoryHook* memory) {
    const Handle handle(tjInitDecompress());
    if (!handle) return make_error(Status::kMemory, "no memory for a JPEG decoder");
    int width = 0;
    int height = 0;
    int subsampling = 0;
    int colorspace = 0;
    if (tjDecompressHeader3(handle.get(), file.data(), file.size(), &width, &height, &subsampling,
                            &colorspace) != 0) {
        return library_error(handle.get(), Status::kParams, "");
    }
    if (width != static_cast<int>(header.width) || height != static_cast<int>(header.height)) {
        return jpeg_error("two frame headers disagree about the size");
    }
    const size_t size = size_t{header.width} * header.height * 3;
    Buffer pixels = Buffer::allocate(size, memory);
    // Warnings stop the work: a cut or damaged file would otherwise come out as a half picture,
    // and what libraries paint there is not the same everywhere.
    const int flags = TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS;
    if (tjDecompress2(handle.get(), file.data(), file.size(), pixels.data(), width, 0, height,
                      TJPF_RGB, flags) != 0) {
        return library_error(handle.get(), Status::kParams,
                             " (" + std::to_string(width) + " x " + std::to_string(height) + ", " +
                                 std::to_string(file.size()) + " bytes)");
    }
    return Image{header.width, header.height, 3, std::move(pixels).freeze(size)};
}

Result<Bytes> encode_jpeg(const Image& image, uint32_t quality, const MemoryHook* memory) {
    P2C2R_CHECK(quality >= 1 && quality <= 100);
    const Handle handle(tjInitCompress());
    if (!handle) return make_error(Status::kMemory, "no memory for a JPEG encoder");
    const int subsampling = quality < kJpegFullColorQuality ? TJSAMP_420 : TJSAMP_444;
    // The library grows its own memory: its upper bound is larger than the raw image, and a result
    // may be kept for long, so the exact size is copied out (0.3 MB a frame) instead.
    unsigned char* file = nullptr;
    unsigned long size = 0;
    const int failed =
        tjCompress2(handle.get(), image.pixels.data(), static_cast<int>(image.width), 0,
                    static_cast<int>(image.height), image.channels == 3 ? TJPF_RGB : TJPF_RGBA,
                    &file, &size, subsampling, static_cast<int>(quality), TJFLAG_ACCURATEDCT);
    const std::unique_ptr<unsigned char, TurboFree> owner(file);
    if (failed != 0) {
        return library_error(handle.get(), Status::kExecutor, "");
    }
    return Bytes::copy(std::span<const uint8_t>(file, size), memory);
}

}  // namespace p2c2r::codec
