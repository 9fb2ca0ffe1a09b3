// What a content store keeps, for whom, and what it gives up.
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "core/prng.h"
#include "sched/content_store.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::sched;

namespace {

constexpr ContentStore::Scope kAda = 1;
constexpr ContentStore::Scope kBob = 2;

Bytes content(size_t size, char fill) {
    return Bytes::copy(std::string(size, fill));
}
Digest256 digest_of(const Bytes& bytes) {
    return sha256(bytes.span());
}
uint64_t add(ContentStore& store, const Bytes& bytes, ContentStore::Scope scope) {
    return store.add(digest_of(bytes), Bytes(bytes), scope);
}

}  // namespace

TEST_CASE("content store: gives back what was added under its digest") {
    ContentStore store(1000, 1000);
    const Bytes level = content(100, 'l');
    CHECK(store.find(digest_of(level), kAda) == 0);
    const uint64_t id = add(store, level, kAda);
    REQUIRE(id != 0);
    CHECK(store.find(digest_of(level), kAda) == id);
    CHECK(store.bytes(id).text() == level.text());
    CHECK(store.digest(id) == digest_of(level));
    CHECK(store.bytes_held() == 100);
    CHECK(store.stats().hits == 1);
    CHECK(store.stats().misses == 1);
}

TEST_CASE("content store: knowing a digest is no right to its bytes") {
    ContentStore store(1000, 1000);
    const Bytes secret = content(100, 's');
    const uint64_t id = add(store, secret, kAda);
    CHECK(store.find(digest_of(secret), kBob) == 0);
    // Bob brings all of the bytes himself: they are kept once.
    CHECK(add(store, secret, kBob) == id);
    CHECK(store.find(digest_of(secret), kBob) == id);
    CHECK(store.bytes_held() == 100);
    store.drop(digest_of(secret), kAda);
    CHECK(store.find(digest_of(secret), kAda) == 0);
    CHECK(store.find(digest_of(secret), kBob) == id);
    store.forget_scope(kBob);
    CHECK(store.size() == 0);
    CHECK(store.bytes_held() == 0);
}

TEST_CASE("content store: the one used longest ago goes first and a pinned one stays") {
    ContentStore store(300, 300);
    const Bytes a = content(100, 'a');
    const Bytes b = content(100, 'b');
    const Bytes c = content(100, 'c');
    const Bytes d = content(100, 'd');
    const uint64_t first = add(store, a, kAda);
    const uint64_t second = add(store, b, kAda);
    const uint64_t third = add(store, c, kAda);
    store.pin(second);
    CHECK(store.find(digest_of(a), kAda) == first);
    CHECK(add(store, d, kAda) != 0);
    CHECK(store.find(digest_of(c), kAda) == 0);  // b was older, and pinned
    CHECK(store.find(digest_of(b), kAda) == second);
    CHECK(third != 0);
    CHECK(store.bytes_held() == 300);
    store.unpin(second);
    store.shrink_to(0);
    CHECK(store.size() == 0);
    CHECK(store.stats().evicted == 4);
}

TEST_CASE("content store: what does not fit beside the pinned is refused") {
    ContentStore store(300, 200);
    const Bytes a = content(200, 'a');
    store.pin(add(store, a, kAda));
    CHECK(add(store, content(101, 'b'), kBob) == 0);
    CHECK(add(store, content(201, 'c'), kBob) == 0);  // more than a scope may have
    CHECK(store.stats().refused == 2);
    CHECK(add(store, content(100, 'd'), kBob) != 0);
}

TEST_CASE("content store: what tasks wait for is let in beside the pinned and gives way later") {
    ContentStore store(300, 200);
    const uint64_t a = add(store, content(200, 'a'), kAda);
    store.pin(a);
    const Bytes b = content(200, 'b');
    const uint64_t needed = store.add(digest_of(b), Bytes(b), kBob, true);
    REQUIRE(needed != 0);
    store.pin(needed);
    CHECK(store.bytes_held() == 400);
    store.unpin(needed);
    CHECK(store.bytes_held() == 200);
    CHECK(store.find(digest_of(b), kBob) == 0);
    CHECK(store.bytes(a).size() == 200);
}

TEST_CASE("content store: what tasks wait for gets a scope no more than it may have") {
    ContentStore store(1000, 300);
    const uint64_t a = add(store, content(200, 'a'), kAda);
    store.pin(a);
    const Bytes b = content(200, 'b');
    CHECK(store.add(digest_of(b), Bytes(b), kAda, true) == 0);
    // Nor does one that is here already, for another.
    const uint64_t of_bob = store.add(digest_of(b), Bytes(b), kBob, true);
    REQUIRE(of_bob != 0);
    CHECK(store.add(digest_of(b), Bytes(b), kAda, true) == 0);
    CHECK(store.find(digest_of(b), kAda) == 0);
    CHECK(store.bytes_of_scope(kAda) == 200);
    store.unpin(a);
    CHECK(store.add(digest_of(b), Bytes(b), kAda, true) == of_bob);
    CHECK(store.bytes_of_scope(kAda) == 200);
}

TEST_CASE("content store: one scope pushes out its own and not the others'") {
    ContentStore store(1000, 500);
    const Bytes of_bob = content(400, 'b');
    add(store, of_bob, kBob);
    for (char fill = 'c'; fill <= 'z'; ++fill) {
        add(store, content(100, fill), kAda);
        CHECK(store.bytes_of_scope(kAda) <= 500);
    }
    CHECK(store.find(digest_of(of_bob), kBob) != 0);
    CHECK(store.bytes_of_scope(kAda) == 500);
}

TEST_CASE("content store: a pinned one that its scopes gave up lives until it is unpinned") {
    ContentStore store(1000, 1000);
    const Bytes a = content(100, 'a');
    const uint64_t id = add(store, a, kAda);
    store.pin(id);
    store.forget_scope(kAda);
    CHECK(store.find(digest_of(a), kAda) == 0);
    CHECK(store.bytes(id).text() == a.text());
    CHECK(store.bytes_held() == 100);
    store.unpin(id);
    CHECK(store.bytes_held() == 0);
}

TEST_CASE("content store: an empty content is one too") {
    ContentStore store(1000, 1000);
    CHECK(add(store, Bytes(), kAda) != 0);
    CHECK(store.find(sha256({}), kAda) != 0);
    store.forget_scope(kAda);
    CHECK(store.size() == 0);
}

TEST_CASE("content store: remembers the latest peers of a content") {
    ContentStore store(1000, 1000);
    const uint64_t id = add(store, content(1, 'a'), kAda);
    for (uint64_t peer = 1; peer <= ContentStore::kPeersMax + 3; ++peer) {
        store.note_coming(id, peer, 1'000);
    }
    CHECK(store.peers(id).size() == ContentStore::kPeersMax);
    CHECK(store.peers(id).front().peer == 4);
    CHECK_FALSE(store.peers(id).front().has_it());
    CHECK(store.peers(id).front().there_us == 1'000);
    // One that is known stays where it is.
    store.note_holder(id, 4);
    CHECK(store.peers(id).size() == ContentStore::kPeersMax);
    CHECK(store.peers(id).front().has_it());
}

TEST_CASE("content store: keeps its bounds and its books under random use") {
    Prng prng(test::seed());
    ContentStore store(2'000, 900);
    struct Held {
        Bytes bytes;
        uint64_t id;
    };
    std::vector<Held> pinned;
    for (int step = 0; step < 5'000; ++step) {
        const ContentStore::Scope scope = 1 + prng.below(4);
        const Bytes bytes = content(prng.below(12) * 100, static_cast<char>('a' + prng.below(8)));
        const Digest256 digest = digest_of(bytes);
        switch (prng.below(8)) {
            case 0:
            case 1:
            case 2: {
                const uint64_t id = add(store, bytes, scope);
                if (id != 0 && prng.below(8) == 0) {
                    store.pin(id);
                    pinned.push_back({bytes, id});
                }
                break;
            }
            case 3:
            case 4:
                if (const uint64_t id = store.find(digest, scope)) {
                    REQUIRE(store.bytes(id).text() == bytes.text());
                }
                break;
            case 5:
                store.drop(digest, scope);
                break;
            case 6:
                if (prng.below(20) == 0) store.forget_scope(scope);
                break;
            default:
                if (pinned.empty()) break;
                REQUIRE(store.bytes(pinned.back().id).text() == pinned.back().bytes.text());
                store.unpin(pinned.back().id);
                pinned.pop_back();
        }
        REQUIRE(store.bytes_held() <= 2'000);
        std::set<uint64_t> distinct;
        for (const Held& held : pinned) distinct.insert(held.id);
        REQUIRE(store.size() >= distinct.size());
    }
    for (const Held& held : pinned) store.unpin(held.id);
    for (ContentStore::Scope scope = 1; scope <= 4; ++scope) store.forget_scope(scope);
    CHECK(store.size() == 0);
    CHECK(store.bytes_held() == 0);
}
