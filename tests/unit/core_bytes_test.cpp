#include "core/bytes.h"

#include <doctest/doctest.h>

#include <thread>

using namespace p2c2r;

TEST_CASE("bytes: the release hook is called once after the last slice is gone") {
    static int released;
    released = 0;
    const char text[] = "payload";
    {
        Bytes all = Bytes::adopt(text, 7, [](void*, const void*, size_t) { ++released; }, nullptr);
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

TEST_CASE("bytes: references may be dropped on any thread") {
    static std::atomic<int> released;
    released = 0;
    Bytes shared = Bytes::adopt("x", 1, [](void*, const void*, size_t) { ++released; }, nullptr);
    std::thread other([copy = shared]() mutable { copy = Bytes(); });
    shared = Bytes();
    other.join();
    CHECK(released == 1);
}
