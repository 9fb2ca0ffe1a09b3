// Coded payloads: the same bytes again, and nothing but an error from bytes that are not what was
// announced.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "codec/zstd.h"
#include "core/prng.h"
#include "support/heap_count.h"

using namespace p2c2r;
using namespace p2c2r::codec;

namespace {

std::span<const uint8_t> bytes_of(const std::string& text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string mask_of(size_t size) {
    std::string mask(size, '\0');
    for (size_t i = 0; i < size; ++i) mask[i] = i / 500 % 2 ? '\xff' : '\0';
    return mask;
}

std::string noise_of(size_t size) {
    Prng prng(7);
    std::string noise(size, '\0');
    for (char& byte : noise) byte = static_cast<char>(prng.next());
    return noise;
}

struct Coder {
    std::unique_ptr<PayloadCoder> coder = make_zstd_coder();
    [[nodiscard]] Bytes code(const std::string& params, const std::string& data) const {
        return coder->code(bytes_of(params), bytes_of(data), params.size() + data.size());
    }
    void fails(std::span<const uint8_t> coded, uint64_t plain_size, const char* text) const {
        const Result<Bytes> plain = coder->decode(coded, plain_size, 0, nullptr);
        REQUIRE_FALSE(plain.ok());
        CHECK(plain.error().status == Status::kContent);
        CHECK(plain.error().text.find(text) != std::string::npos);
    }
};

}  // namespace

TEST_CASE("zstd: params and data come back as one run of the same bytes") {
    const Coder with;
    if (!with.coder) return;
    for (const size_t params : {size_t{0}, size_t{1}, size_t{40}, size_t{300'000}}) {
        for (const size_t data : {size_t{0}, size_t{1'024}, size_t{115'200}, size_t{3'000'000}}) {
            if (params + data == 0) continue;
            CAPTURE(params);
            CAPTURE(data);
            const std::string head(params, 'p');
            const std::string mask = mask_of(data);
            const Bytes coded =
                with.coder->code(bytes_of(head), bytes_of(mask), params + data + 64);
            REQUIRE_FALSE(coded.empty());
            const Result<Bytes> plain =
                with.coder->decode(coded.span(), params + data, params, nullptr);
            REQUIRE(plain.ok());
            CHECK(plain->text() == head + mask);
            CHECK(reinterpret_cast<uintptr_t>(plain->data() + params) % kPayloadAlign == 0);
        }
    }
    CHECK(with.code("", mask_of(115'200)).size() < 2'000);
}

TEST_CASE("zstd: what would not get smaller is not coded") {
    const Coder with;
    if (!with.coder) return;
    const std::string noise = noise_of(200'000);
    CHECK(with.coder->code({}, bytes_of(noise), noise.size() * 9 / 10).empty());
    CHECK(with.coder->code(bytes_of(noise), bytes_of("x"), noise.size() * 9 / 10).empty());
    CHECK(with.coder->code({}, bytes_of(mask_of(4'000)), 4).empty());
}

TEST_CASE("zstd: a frame of another size than announced or damaged or cut is an error") {
    const Coder with;
    if (!with.coder) return;
    const std::string mask = mask_of(50'000) + noise_of(1'000);
    const Bytes coded = with.code("head", mask);
    const uint64_t size = mask.size() + 4;
    with.fails(coded.span(), size - 1, "size that was announced");
    with.fails(coded.span(), size + 1, "size that was announced");
    with.fails(coded.span().first(coded.size() - 1), size, "is cut");
    with.fails(coded.span().first(3), size, "is no Zstandard frame");
    with.fails({}, size, "is no Zstandard frame");
    with.fails(bytes_of(mask), size, "is no Zstandard frame");
    std::vector<uint8_t> twice(coded.span().begin(), coded.span().end());
    twice.insert(twice.end(), coded.span().begin(), coded.span().end());
    with.fails(twice, size, "behind its end");
    // Whatever one bit does, it is told or gives as many bytes.
    Prng prng(3);
    for (int i = 0; i < 300; ++i) {
        std::vector<uint8_t> damaged(coded.span().begin(), coded.span().end());
        damaged[prng.below(damaged.size())] ^= static_cast<uint8_t>(1u << prng.below(8));
        const Result<Bytes> plain = with.coder->decode(damaged, size, 4, nullptr);
        CHECK((plain.ok() ? plain->size() == size : plain.error().status == Status::kContent));
    }
}

TEST_CASE("zstd: nothing is allocated for a size that the coded bytes cannot hold") {
    const Coder with;
    if (!with.coder) return;
    // A header that states 64 MiB, single segment, and one empty block.
    const std::vector<uint8_t> bomb = {0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 4, 1, 0, 0};
    const test::HeapWatch watch;
    with.fails(bomb, 64u << 20, "too small");
    CHECK(watch.peak() < 64 * 1024);
    // More than a result may have.
    std::vector<uint8_t> more = bomb;
    more[8] = 5;
    with.fails(more, 80u << 20, "too small");
}

TEST_CASE("zstd: a frame that asks for a large window is refused") {
    const Coder with;
    if (!with.coder) return;
    // Not a single segment; a window of 2^27; a content of 1 byte in a raw block.
    const std::vector<uint8_t> wide = {0x28, 0xb5, 0x2f, 0xfd, 0x80, 17 << 3, 1,
                                       0,    0,    0,    9,    0,    0,       'x'};
    with.fails(wide, 1, "window");
    std::vector<uint8_t> narrow = wide;
    narrow[5] = 10 << 3;
    const Result<Bytes> plain = with.coder->decode(narrow, 1, 0, nullptr);
    REQUIRE(plain.ok());
    CHECK(plain->text() == "x");
}
