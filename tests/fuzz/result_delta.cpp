// Fuzz target: results that say they hold a delta, for a receiver with some state. Whatever they
// hold, the state after is written whole or not at all, in place as apart from what was before, and
// no more memory is taken than what came.
//
// A file: the type (see below), the sizes of fields and state (two bytes each, low one first), then
// fields, state and the result's data.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/check.h"
#include "fuzz/memory_watch.h"
#include "kernels/result_delta.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

constexpr std::string_view kTypes[] = {"", "physics", "rt_shadows", "rt_reflections", "upscale"};

// Memory of exactly its size, so that a sanitizer sees any byte beyond.
std::unique_ptr<uint8_t[]> exact_copy(std::span<const uint8_t> bytes) {
    auto copy = std::make_unique<uint8_t[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), copy.get());
    return copy;
}

std::span<const uint8_t> take(std::span<const uint8_t>& bytes, size_t size) {
    const auto taken = bytes.first(std::min(size, bytes.size()));
    bytes = bytes.subspan(taken.size());
    return taken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    if (size < 5) return 0;
    std::span<const uint8_t> left(bytes + 5, size - 5);
    const std::string_view type = kTypes[bytes[0] % std::size(kTypes)];
    const std::span<const uint8_t> info = take(left, bytes[1] | bytes[2] << 8);
    const std::span<const uint8_t> before = take(left, bytes[3] | bytes[4] << 8);
    const auto in_place = exact_copy(before);
    const auto apart = std::make_unique<uint8_t[]>(before.size());

    test::watch_memory();
    const Result<ResultDelta> found = find_result_delta(type, info, left, before.size());
    if (!found) {
        const Status status = found.error().status;
        P2C2R_CHECK(status == Status::kState || status == Status::kSize ||
                    status == Status::kExecutor);
        P2C2R_CHECK(!found.error().text.empty());
        P2C2R_CHECK(test::memory_peak() <= 4096 + 16 * static_cast<int64_t>(size));
        return 0;
    }
    const bool fits = check_result_delta(*found, before).ok();
    const Result<Done> done = apply_result_delta(*found, before, apart.get());
    const std::span<uint8_t> here(in_place.get(), before.size());
    P2C2R_CHECK(done.ok() == fits);
    P2C2R_CHECK(apply_result_delta(*found, here, in_place.get()).ok() == fits);
    P2C2R_CHECK(test::memory_peak() <= 4096 + 16 * static_cast<int64_t>(size));
    if (fits) {
        P2C2R_CHECK(std::equal(here.begin(), here.end(), apart.get()));
    } else {
        P2C2R_CHECK(done.error().status == Status::kExecutor);
        P2C2R_CHECK(std::equal(here.begin(), here.end(), before.begin()));
        P2C2R_CHECK(std::all_of(apart.get(), apart.get() + before.size(),
                                [](uint8_t byte) { return byte == 0; }));
    }
    return 0;
}
