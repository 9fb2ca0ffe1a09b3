// Envelopes of contents: what stays at its receiver under its digest.
#include "wire/codec.h"
#include "wire/codec_shared.h"

namespace p2c2r::wire {

namespace {

// A message that says a digest and nothing more, or the sizes of what comes in chunks.
void write_content(std::string_view digest, const std::optional<PayloadSizes>& sizes,
                   EnvelopeBuffer& out) {
    EnvelopeWriter writer(out, digest.size());
    writer.binary_field(field::kDigest, bytes_of(digest));
    write_checksum_and_sizes(writer, std::nullopt, sizes);
    writer.finish();
}

// `sizes` NULL: the message has none.
const char* read_content(std::span<const uint8_t> envelope, std::string_view& digest,
                         std::optional<PayloadSizes>* sizes) {
    EnvelopeReader reader(envelope);
    if (!reader.open()) return reader.why();
    while (reader.more()) {
        uint8_t key;
        if (!reader.next_key(key)) return reader.why();
        if (key == field::kDigest) {
            if (!read_digest(reader, digest)) return kWhyDigest;
        } else if (key == field::kSizes && sizes) {
            if (!read_sizes(reader, *sizes)) return kWhySizes;
        } else if (!reader.skip()) {
            return reader.why();
        }
    }
    if (!reader.has(field::kDigest)) return "digest is missing";
    return reader.close() ? nullptr : reader.why();
}

}  // namespace

void encode(const ContentPut& put, EnvelopeBuffer& out) {
    write_content(put.digest, put.sizes, out);
}
void encode(const ContentWant& want, EnvelopeBuffer& out) {
    write_content(want.digest, std::nullopt, out);
}
void encode(const ContentDrop& drop, EnvelopeBuffer& out) {
    write_content(drop.digest, std::nullopt, out);
}

const char* decode(std::span<const uint8_t> envelope, ContentPut& out) {
    out = ContentPut{};
    return read_content(envelope, out.digest, &out.sizes);
}
const char* decode(std::span<const uint8_t> envelope, ContentWant& out) {
    out = ContentWant{};
    return read_content(envelope, out.digest, nullptr);
}
const char* decode(std::span<const uint8_t> envelope, ContentDrop& out) {
    out = ContentDrop{};
    return read_content(envelope, out.digest, nullptr);
}

}  // namespace p2c2r::wire
