// Patches against a plain model, and packed ones that are cut or lie.
#include <doctest/doctest.h>

#include <deque>
#include <string>
#include <vector>

#include "core/prng.h"
#include "model/patches.h"
#include "model/task.h"
#include "support/seed.h"

using namespace p2c2r;

namespace {

std::span<const uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string applied(std::string_view base, std::span<const Patch> patches) {
    const Result<Bytes> packed = pack_patches(patches, base.size(), "patches");
    REQUIRE(packed.ok());
    const Result<Bytes> whole = apply_patches(bytes_of(base), packed->span());
    REQUIRE(whole.ok());
    return std::string(whole->text());
}

}  // namespace

TEST_CASE("patches: none change nothing and the last of two that overlap wins") {
    CHECK(applied("0123456789", {}) == "0123456789");
    CHECK(applied("", {}) == "");
    const std::vector<Patch> two = {{2, bytes_of("abcd")}, {4, bytes_of("XY")}};
    CHECK(applied("0123456789", two) == "01abXY6789");
    const std::vector<Patch> edges = {{0, bytes_of("a")}, {9, bytes_of("z")}, {10, bytes_of("")}};
    CHECK(applied("0123456789", edges) == "a12345678z");
}

TEST_CASE("patches: agree with a model under random ones") {
    Prng prng(test::seed());
    for (int round = 0; round < 200; ++round) {
        std::string model(prng.below(300), 'o');
        const std::string base = model;
        std::deque<std::string> texts;  // which the patches point into
        std::vector<Patch> patches;
        for (uint64_t i = prng.below(8); i > 0; --i) {
            const uint64_t offset = prng.below(model.size() + 1);
            const std::string& text = texts.emplace_back(prng.below(model.size() - offset + 1),
                                                         static_cast<char>('a' + prng.below(26)));
            model.replace(offset, text.size(), text);
            patches.push_back({offset, bytes_of(text)});
        }
        REQUIRE(applied(base, patches) == model);
    }
}

TEST_CASE("patches: one that reaches beyond its content is refused by number and size") {
    const std::vector<Patch> beyond = {{0, bytes_of("a")}, {8, bytes_of("abc")}};
    const Result<Bytes> packed = pack_patches(beyond, 10, "patches");
    REQUIRE_FALSE(packed.ok());
    CHECK(packed.error().status == Status::kSize);
    CHECK(packed.error().text == "patches[1] replaces 3 bytes at 8 of a content of 10");
    const std::vector<Patch> huge = {{UINT64_MAX, bytes_of("abc")}};
    CHECK_FALSE(pack_patches(huge, 10, "patches").ok());
}

TEST_CASE("patches: packed ones that are cut or reach beyond are refused") {
    const std::vector<Patch> good = {{2, bytes_of("abcd")}};
    const Bytes packed = *pack_patches(good, 10, "patches");
    for (size_t size = 1; size < packed.size(); ++size) {
        const Result<Bytes> whole =
            apply_patches(bytes_of("0123456789"), packed.slice(0, size).span());
        REQUIRE_FALSE(whole.ok());
        CHECK(whole.error().status == Status::kParams);
        CHECK(whole.error().field == "delta");
    }
    CHECK_FALSE(apply_patches(bytes_of("01234"), packed.span()).ok());
    const uint8_t lies[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1};
    CHECK_FALSE(apply_patches(bytes_of("0123456789"), lies).ok());
}
