// What decoding costs in memory, counted over the whole program.
#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <new>
#include <vector>

#include "core/prng.h"
#include "support/seed.h"
#include "unit/wire_raw.h"
#include "unit/wire_samples.h"
#include "wire/frame.h"

// Counts what is allocated in this program.
namespace {
uint64_t allocated_bytes = 0;
uint64_t allocations = 0;
}  // namespace

// Not inlined: the compiler would see a free() of what came from new.
[[gnu::noinline]] void* operator new(size_t size) {
    allocated_bytes += size;
    ++allocations;
    if (void* memory = std::malloc(size ? size : 1)) return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
    std::free(memory);
}

using namespace p2c2r;
using namespace p2c2r::wire;
using namespace p2c2r::test;

TEST_CASE("memory: a count that lies costs less than 1 KiB") {
    const std::vector<std::vector<uint8_t>> lies = {{0xdd, 0xff, 0, 0, 0},
                                                    {0xdd, 0xff, 0xff, 0xff, 0xff},
                                                    {0xdf, 0xff, 0xff, 0xff, 0xff},
                                                    {0xdc, 0x10, 0},
                                                    {0xdb, 0xff, 0xff, 0xff, 0xff},
                                                    {0xc6, 0xff, 0xff, 0xff, 0xff},
                                                    {0xdd, 0, 0, 0, 64},
                                                    {0xdc, 0, 16}};
    for (const Kind& kind : kinds()) {
        for (const auto& lie : lies) {
            const uint64_t before = allocated_bytes;
            const char* said = kind.decode(lie);
            const uint64_t whole_cost = allocated_bytes - before;
            CHECK(said != nullptr);
            CHECK(whole_cost < 1024);
            for (const Field& known : kind.known) {
                std::array<uint8_t, 16> bytes{0x81, known.key};
                std::copy(lie.begin(), lie.end(), bytes.begin() + 2);
                const uint64_t at = allocated_bytes;
                said = kind.decode({bytes.data(), 2 + lie.size()});
                const uint64_t cost = allocated_bytes - at;
                INFO(kind.message, " ", known.name);
                CHECK(said != nullptr);
                CHECK(cost < 1024);
            }
        }
    }
    // The largest list of texts that five bytes may announce: 64 task types.
    std::vector<uint8_t> types =
        raw({0x81, field::kCapabilities, 0x81}).text("task_types").add({0xdc, 0, 64}).bytes;
    const uint64_t before = allocated_bytes;
    CHECK(decode_into<PeerRegister>(types) != nullptr);
    CHECK(allocated_bytes - before < 4 * 1024);
}

TEST_CASE("memory: no input costs more than four times its size and 64 KiB") {
    Prng prng(test::seed());
    test::Samples samples(prng.fork(1));
    for (int round = 0; round < 3000; ++round) {
        EnvelopeBuffer buffer;
        switch (prng.below(4)) {
            case 0:
                encode(samples.peer_register(), buffer);
                break;
            case 1:
                encode(samples.task_submit(), buffer);
                break;
            case 2:
                encode(samples.hello(), buffer);
                break;
            default:
                encode(samples.task_result(), buffer);
                break;
        }
        std::vector<uint8_t> bytes(buffer.span().begin(), buffer.span().end());
        for (uint64_t hits = prng.below(4); hits > 0; --hits) {
            bytes[prng.below(bytes.size())] = static_cast<uint8_t>(prng.next());
        }
        for (const Kind& kind : kinds()) {
            const uint64_t before = allocated_bytes;
            (void)kind.decode(bytes);
            const uint64_t cost = allocated_bytes - before;
            if (cost > 4 * bytes.size() + 64 * 1024) FAIL("costs ", cost, " bytes");
        }
    }
}

TEST_CASE("memory: hot messages are framed and read without an allocation once warm") {
    Prng prng(test::seed());
    test::Samples samples(prng.fork(1));
    const wire::TaskSubmit submit = samples.task_submit();
    const wire::TaskAssign assign = samples.task_assign();
    const wire::TaskResult result = samples.task_result();
    const wire::ResultDelivery delivery = samples.result_delivery();
    EnvelopeBuffer buffer;
    TaskSubmit submit_read;
    const auto once = [&] {
        bool good = true;
        encode(submit, buffer);
        good = good && decode(buffer.span(), submit_read) == nullptr;
        TaskAssign assign_read;
        encode(assign, buffer);
        good = good && decode(buffer.span(), assign_read) == nullptr;
        wire::TaskResult result_read;
        encode(result, buffer);
        good = good && decode(buffer.span(), result_read) == nullptr;
        ResultDelivery delivery_read;
        encode(delivery, buffer);
        good = good && decode(buffer.span(), delivery_read) == nullptr;
        std::array<uint8_t, 4096> frame{};
        size_t size =
            write_frame_start(frame.data(), Message::kResultDelivery, 0, 5, buffer.span(), 0);
        size += write_bin_header(frame.data() + size, 0);
        const FrameParse parse = parse_frame({frame.data(), size}, kLimitsAfterLogin);
        return good && parse.kind == FrameParse::Kind::kFrame;
    };
    CHECK(once());
    const uint64_t before = allocations;
    bool good = true;
    for (int round = 0; round < 100; ++round) good = good && once();
    const uint64_t after = allocations;
    CHECK(good);
    CHECK(after == before);
}
