#include "core/bytes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
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

TEST_CASE("bytes: an assignment lets go of what was there and one to itself of nothing") {
    static int let_go;
    let_go = 0;
    const auto adopted = [] {
        return Bytes::adopt(
            "text", 4, [](void*, const void*, size_t) { ++let_go; }, nullptr);
    };
    Bytes one = adopted();
    Bytes other = adopted();
    one = std::move(other);
    CHECK(let_go == 1);
    CHECK(one.text() == "text");
    CHECK(other.empty());
    CHECK(other.data() == nullptr);
    Bytes& same = one;
    one = std::move(same);
    one = same;
    CHECK(let_go == 1);
    CHECK(one.text() == "text");
    other = one;
    one = Bytes();
    CHECK(let_go == 1);
    other = Bytes::borrow(Bytes().span());
    CHECK(let_go == 2);
}

TEST_CASE("bytes: texts are the same when every byte is") {
    const std::string text = "a text that is longer than any word of the machine";
    for (size_t size = 0; size <= text.size(); ++size) {
        const std::string one = text.substr(0, size);
        CHECK(same_text(one, std::string(one)));
        CHECK_FALSE(same_text(one, one + "x"));
        for (size_t at = 0; at < size; ++at) {
            std::string other = one;
            other[at] ^= 1;
            CHECK_FALSE(same_text(one, other));
        }
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
