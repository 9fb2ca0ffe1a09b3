#include "core/bytes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <thread>
#include <vector>

using namespace p2c2r;

TEST_CASE("bytes: the release hook is called once after the last slice is gone") {
    static int released;
    released = 0;
    const char text[] = "payload";
    {
        Bytes all = Bytes::adopt(
            text, 7, [](void*, const void*, size_t) { ++released; }, nullptr);
        Bytes part = all.slice(3, 4);
        CHECK(part.text() == "load");
        CHECK(part.data() == reinterpret_cast<const uint8_t*>(text) + 3);
        all = Bytes();
        CHECK(released == 0);
    }
    CHECK(released == 1);
}

TEST_CASE("bytes: own memory is 64-byte aligned and copies are deep") {
    char text[] = "abc";
    Bytes copy = Bytes::copy(std::string_view(text, 3));
    text[0] = 'x';
    CHECK(copy.text() == "abc");
    CHECK(reinterpret_cast<uintptr_t>(copy.data()) % 64 == 0);
}

TEST_CASE("bytes: a buffer is unique again when its shares are gone") {
    Buffer buffer = Buffer::allocate(100);
    {
        Bytes part = buffer.share(10, 5);
        CHECK_FALSE(buffer.is_unique());
    }
    CHECK(buffer.is_unique());
    Bytes frozen = std::move(buffer).freeze(100);
    CHECK(frozen.is_unique());
}

TEST_CASE("bytes: borrowed bytes are copied when they are owned and counted ones are referenced") {
    uint8_t memory[3] = {1, 2, 3};
    const Bytes borrowed = Bytes::borrow(memory);
    CHECK(borrowed.is_borrowed());
    CHECK(borrowed.data() == memory);
    const Bytes owned = borrowed.owned();
    CHECK_FALSE(owned.is_borrowed());
    memory[0] = 9;
    CHECK(owned.data()[0] == 1);
    const Bytes same = owned.owned();
    CHECK(same.data() == owned.data());
    CHECK_FALSE(Bytes().is_borrowed());
    CHECK(Bytes().owned().empty());
}

TEST_CASE("bytes: a run of any size is copied whole and nothing beside it") {
    for (size_t size = 0; size <= 200; ++size) {
        std::vector<uint8_t> source(size);
        for (size_t i = 0; i < size; ++i) source[i] = static_cast<uint8_t>(i * 7 + 1);
        std::vector<uint8_t> target(size + 2, 0xEE);
        copy_run(target.data() + 1, source.data(), size);
        CHECK(std::equal(source.begin(), source.end(), target.begin() + 1));
        CHECK(target.front() == 0xEE);
        CHECK(target.back() == 0xEE);
    }
}

TEST_CASE("bytes: references may be dropped on any thread") {
    static std::atomic<int> released;
    released = 0;
    Bytes shared = Bytes::adopt(
        "x", 1, [](void*, const void*, size_t) { ++released; }, nullptr);
    std::thread other([copy = shared]() mutable { copy = Bytes(); });
    shared = Bytes();
    other.join();
    CHECK(released == 1);
}
