// Work that is submitted ahead: order, results, limits, and buffers that go early.
#include <doctest/doctest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "gpu_scale.h"

using namespace p2c2r;
using namespace p2c2r::gpu;
using namespace p2c2r::test;

namespace {

constexpr uint32_t kCount = 2048;

// A slice of work with what it points to.
struct Slice {
    ScalePush push;
    Buffer* buffers[2];
    Dispatch dispatch;
    Work work;

    Slice(const Scale& scale, Buffer& source, Buffer& target, uint32_t factor, uint32_t loops = 0)
        : push{kCount, factor, loops}, buffers{&source, &target} {
        dispatch.pipeline = scale.pipeline.get();
        dispatch.buffers = buffers;
        dispatch.push_constants = bytes_of(push);
        dispatch.groups = {kCount / 64, 1, 1};
        work.dispatches = {&dispatch, 1};
        work.read_back = {&buffers[1], 1};
        work.timeout_us = 10'000'000;
    }
    Slice(const Slice&) = delete;
};

bool is_scaled(Buffer& target, uint32_t first, uint32_t factor) {
    for (uint32_t i = 0; i < kCount; ++i) {
        if (words_of(target)[i] != (first + i) * factor + 1) return false;
    }
    return true;
}

void fill(Buffer& source, uint32_t first) {
    for (uint32_t i = 0; i < kCount; ++i) words_of(source)[i] = first + i;
}

}  // namespace

TEST_CASE("slices that are submitted ahead upload their own data and give their own results") {
    on_each_device([](const std::shared_ptr<Device>& device) {
        const Scale scale(device);
        std::unique_ptr<Buffer> sources[2];
        std::unique_ptr<Buffer> targets[2];
        for (size_t i = 0; i < 2; ++i) {
            sources[i] = scale.buffer(kCount * 4, BufferUse::kUpload);
            targets[i] = scale.buffer(kCount * 4, BufferUse::kDownload);
        }
        std::optional<Slice> slices[2];
        Ticket tickets[2] = {};
        constexpr uint32_t kSlices = 20;
        for (uint32_t round = 0; round < kSlices + 1; ++round) {
            // This slice is filled and submitted while the one before it runs.
            if (round < kSlices) {
                const size_t now = round % 2;
                fill(*sources[now], round * 1000);
                slices[now].emplace(scale, *sources[now], *targets[now], round + 1);
                const Result<Ticket> ticket = device->submit(slices[now]->work);
                REQUIRE_MESSAGE(ticket.ok(), ticket.error().text);
                tickets[now] = *ticket;
            }
            if (round > 0) {
                const size_t before = (round - 1) % 2;
                const Result<RunTime> done = device->wait(tickets[before]);
                REQUIRE_MESSAGE(done.ok(), done.error().text);
                CHECK(is_scaled(*targets[before], (round - 1) * 1000, round));
            }
        }
        CHECK(tickets[0] != tickets[1]);
    });
}

TEST_CASE("a slice sees the scratch that slices submitted before it left") {
    on_each_device([](const std::shared_ptr<Device>& device) {
        const Scale scale(device);
        const auto source = scale.buffer(kCount * 4, BufferUse::kUpload);
        const auto middle = scale.buffer(kCount * 4, BufferUse::kScratch);
        const auto target = scale.buffer(kCount * 4, BufferUse::kDownload);
        fill(*source, 5);
        Slice first(scale, *source, *middle, 3);
        first.work.read_back = {};
        const Slice second(scale, *middle, *target, 7);
        const Result<Ticket> one = device->submit(first.work);
        const Result<Ticket> two = device->submit(second.work);
        REQUIRE(one.ok());
        REQUIRE(two.ok());
        // In any order; waiting for the later one is enough for the data.
        REQUIRE(device->wait(*two).ok());
        bool right = true;
        for (uint32_t i = 0; i < kCount; ++i) {
            right = right && words_of(*target)[i] == ((5 + i) * 3 + 1) * 7 + 1;
        }
        CHECK(right);
        CHECK(device->wait(*one).ok());
    });
}

TEST_CASE("a snapshot holds what a buffer was between two dispatches while later ones go on") {
    on_each_device([](const std::shared_ptr<Device>& device) {
        const Scale scale(device);
        const auto source = scale.buffer(kCount * 4, BufferUse::kUpload);
        const auto middle = scale.buffer(kCount * 4, BufferUse::kScratch);
        std::unique_ptr<Buffer> seen[4];
        for (auto& each : seen) each = scale.buffer(kCount * 4, BufferUse::kDownload);
        const auto head = scale.buffer(12, BufferUse::kDownload);
        fill(*source, 3);
        // Before anything was written, after the first and after the second dispatch; then the same
        // buffer is written again by another submission before anybody has waited.
        const Slice first(scale, *source, *middle, 2);
        const Slice second(scale, *source, *middle, 5);
        const Dispatch dispatches[] = {first.dispatch, second.dispatch};
        const Snapshot snapshots[] = {{middle.get(), seen[0].get(), 0},
                                      {middle.get(), seen[1].get(), 1},
                                      {middle.get(), seen[2].get(), 2},
                                      {middle.get(), head.get()}};
        Work work;
        work.dispatches = dispatches;
        work.snapshots = snapshots;
        const Result<Ticket> one = device->submit(work);
        REQUIRE(one.ok());
        const Slice third(scale, *source, *middle, 9);
        const Snapshot last{middle.get(), seen[3].get()};
        work.dispatches = {&third.dispatch, 1};
        work.snapshots = {&last, 1};
        const Result<Ticket> two = device->submit(work);
        REQUIRE(two.ok());
        REQUIRE(device->wait(*one).ok());
        CHECK(words_of(*seen[0])[7] == 0);
        CHECK(is_scaled(*seen[1], 3, 2));
        CHECK(is_scaled(*seen[2], 3, 5));
        CHECK(words_of(*head)[2] == 5 * 5 + 1);
        REQUIRE(device->wait(*two).ok());
        CHECK(is_scaled(*seen[3], 3, 9));

        // A copy alone, and memory that nobody has written: zeros, not what an owner before left.
        const auto fresh = scale.buffer(kCount * 4, BufferUse::kScratch);
        const Snapshot alone[] = {{middle.get(), seen[0].get()}, {fresh.get(), seen[1].get()}};
        work.dispatches = {};
        work.snapshots = alone;
        const Result<RunTime> done = device->run(work);
        REQUIRE_MESSAGE(done.ok(), done.error().text);
        CHECK(is_scaled(*seen[0], 3, 9));
        bool zero = true;
        for (uint32_t i = 0; i < kCount; ++i) zero = zero && words_of(*seen[1])[i] == 0;
        CHECK(zero);
    });
}

TEST_CASE("more submissions than may be under way wait for the oldest and lose nothing") {
    on_each_device([](const std::shared_ptr<Device>& device) {
        const Scale scale(device);
        constexpr size_t kMany = 3 * kSubmissionsMax + 1;
        const auto source = scale.buffer(kCount * 4, BufferUse::kUpload);
        fill(*source, 1);
        std::unique_ptr<Buffer> targets[kMany];
        Ticket tickets[kMany] = {};
        for (uint32_t i = 0; i < kMany; ++i) {
            targets[i] = scale.buffer(kCount * 4, BufferUse::kDownload);
            const Slice slice(scale, *source, *targets[i], i + 2, 100);
            const Result<Ticket> ticket = device->submit(slice.work);
            REQUIRE(ticket.ok());
            if (i > 0) CHECK(*ticket > tickets[i - 1]);
            tickets[i] = *ticket;
        }
        for (uint32_t i = kMany; i-- > 0;) CHECK(device->wait(tickets[i]).ok());
    });
}

TEST_CASE("a buffer may go while work with it is under way and its memory comes back clean") {
    on_each_device([](const std::shared_ptr<Device>& device) {
        const Scale scale(device);
        const auto source = scale.buffer(kCount * 4, BufferUse::kUpload);
        const auto target = scale.buffer(kCount * 4, BufferUse::kDownload);
        fill(*source, 9);
        for (int round = 0; round < 5; ++round) {
            Ticket ticket = 0;
            {
                const auto early = scale.buffer(kCount * 4, BufferUse::kDownload);
                const Slice slice(scale, *source, *early, 3, 3000);
                const Result<Ticket> submitted = device->submit(slice.work);
                REQUIRE(submitted.ok());
                ticket = *submitted;
            }
            const auto fresh = scale.buffer(kCount * 4, BufferUse::kDownload);
            bool zero = true;
            for (uint32_t i = 0; i < kCount; ++i) zero = zero && words_of(*fresh)[i] == 0;
            CHECK(zero);
            CHECK(device->wait(ticket).ok());
        }
    });
}

TEST_CASE("submissions of several threads all end") {
    on_each_device([](const std::shared_ptr<Device>& device) {
        const Scale scale(device);
        std::atomic<int> wrong{0};
        std::vector<std::jthread> threads;
        for (uint32_t t = 0; t < 3; ++t) {
            threads.emplace_back([&, t] {
                for (uint32_t round = 0; round < 10; ++round) {
                    auto source = device->make_buffer(kCount * 4, BufferUse::kUpload);
                    auto target = device->make_buffer(kCount * 4, BufferUse::kDownload);
                    if (!source || !target) {
                        ++wrong;
                        return;
                    }
                    fill(**source, t);
                    const Slice slice(scale, **source, **target, t + 2);
                    const Result<Ticket> ticket = device->submit(slice.work);
                    if (!ticket || !device->wait(*ticket)) {
                        ++wrong;
                        return;
                    }
                    if (!is_scaled(**target, t, t + 2)) ++wrong;
                }
            });
        }
        threads.clear();
        CHECK(wrong == 0);
    });
}

TEST_CASE("a device that was lost stays lost and the next call opens a fresh one beside it") {
    const std::unique_ptr<Devices> devices = open_devices();
    if (!devices) return;
    const size_t last = devices->list().size() - 1;  // the software device where there is one
    const std::shared_ptr<Device> lost = *devices->device(last);
    CHECK(*devices->device(last) == lost);
    const Scale old(lost);
    auto source = old.buffer(64 * 64 * 4, BufferUse::kUpload);
    auto target = old.buffer(64 * 64 * 4, BufferUse::kDownload);
    CHECK(!lost->is_lost());
    REQUIRE(!old.run(*source, *target, {64 * 64, 1, 60000}, 1).ok());
    CHECK(lost->is_lost());
    const Result<std::unique_ptr<Buffer>> none = lost->make_buffer(64, BufferUse::kUpload);
    REQUIRE(!none.ok());
    CHECK(none.error().status == Status::kDevice);

    const std::shared_ptr<Device> fresh = *devices->device(last);
    REQUIRE(fresh != lost);
    CHECK(!fresh->is_lost());
    CHECK(*devices->device(last) == fresh);
    const Scale scale(fresh);
    const auto source2 = scale.buffer(64, BufferUse::kUpload);
    const auto target2 = scale.buffer(64, BufferUse::kDownload);
    words_of(*source2)[7] = 30;
    REQUIRE(scale.run(*source2, *target2, {16, 2, 0}).ok());
    CHECK(words_of(*target2)[7] == 61);
    CHECK(lost->is_lost());
}
