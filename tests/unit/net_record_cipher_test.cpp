// The cipher of records from each library: known answers, and the same bytes from both.
#include <doctest/doctest.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "core/crypto.h"
#include "core/prng.h"
#include "net/record_cipher.h"
#include "support/seed.h"

using namespace p2c2r;
using net::RecordCipher;
using Algorithm = RecordCipher::Algorithm;
using Library = RecordCipher::Library;

namespace {

using Text = std::vector<uint8_t>;

// The tests of TLS are run once more with OpenSSL's ciphers.
[[maybe_unused]] const bool is_chosen = [] {
    const char* const name = std::getenv("P2C2R_TEST_RECORD_CIPHER");
    const bool openssl = name && std::string(name) == "openssl";
    if (openssl) RecordCipher::use(Library::kOpenssl);
    return openssl;
}();

// The place that is looked for key bytes when memory with an alignment of its own is given back.
const uint8_t* watched_key = nullptr;
size_t given_back = 0;
bool key_was_left = false;

void look_at(const void* memory, size_t size) {
    if (!watched_key || !memory) return;
    const auto* const begin = static_cast<const uint8_t*>(memory);
    ++given_back;
    key_was_left = std::search(begin, begin + size, watched_key, watched_key + 16) != begin + size;
}

struct Case {
    Library library;
    Algorithm algorithm;
    const char* name;
};
std::vector<Case> cases() {
    std::vector<Case> all{
        {Library::kOpenssl, Algorithm::kAes128Gcm, "OpenSSL, AES-128"},
        {Library::kOpenssl, Algorithm::kAes256Gcm, "OpenSSL, AES-256"},
        {Library::kOpenssl, Algorithm::kChacha20Poly1305, "OpenSSL, ChaCha20"},
    };
    if (RecordCipher::has(Library::kIpsecMb)) {
        all.push_back({Library::kIpsecMb, Algorithm::kAes128Gcm, "Multi-Buffer Crypto, AES-128"});
        all.push_back({Library::kIpsecMb, Algorithm::kAes256Gcm, "Multi-Buffer Crypto, AES-256"});
    }
    return all;
}

std::unique_ptr<RecordCipher> make(Library library, Algorithm algorithm, bool seals,
                                   const Text& key) {
    REQUIRE(key.size() == RecordCipher::key_size(algorithm));
    std::unique_ptr<RecordCipher> cipher = library == Library::kIpsecMb
                                               ? net::new_ipsec_mb_cipher(algorithm, seals)
                                               : net::new_openssl_cipher(algorithm, seals);
    REQUIRE(cipher);
    cipher->set_key(key.data());
    return cipher;
}

Text bytes_of(const std::string& hex) {
    Text bytes(hex.size() / 2);
    REQUIRE(from_hex(hex, bytes));
    return bytes;
}

Text random_text(Prng& chance, size_t size) {
    Text text(size);
    for (uint8_t& byte : text) byte = static_cast<uint8_t>(chance.next());
    return text;
}

// In pieces of any size, empty ones among them.
bool update(RecordCipher& cipher, const uint8_t* from, uint8_t* to, size_t size, Prng& chance) {
    const size_t most = 1 + chance.below(size + 1);
    for (size_t at = 0; at < size;) {
        const size_t part = std::min(size - at, static_cast<size_t>(chance.below(most + 1)));
        if (!cipher.update(from + at, to + at, part)) return false;
        at += part;
    }
    return true;
}

// The sealed bytes and the tag behind them.
Text seal(RecordCipher& cipher, const Text& nonce, const Text& head, const Text& text,
          Prng& chance) {
    Text sealed(text.size() + RecordCipher::kTagSize);
    REQUIRE(cipher.begin(nonce.data(), head));
    REQUIRE(update(cipher, text.data(), sealed.data(), text.size(), chance));
    REQUIRE(cipher.finish_seal(sealed.data() + text.size()));
    return sealed;
}

bool open(RecordCipher& cipher, const Text& nonce, const Text& head, const Text& sealed, Text& text,
          Prng& chance) {
    text.resize(sealed.size() - RecordCipher::kTagSize);
    return cipher.begin(nonce.data(), head) &&
           update(cipher, sealed.data(), text.data(), text.size(), chance) &&
           cipher.finish_open(sealed.data() + text.size());
}

}  // namespace

[[gnu::noinline]] void* operator new(size_t size, std::align_val_t align) {
    const auto unit = static_cast<size_t>(align);
    void* const memory = std::aligned_alloc(unit, (size + unit - 1) / unit * unit);
    if (!memory) throw std::bad_alloc();
    return memory;
}
// Compilers differ in which of the two they call.
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
    look_at(memory, malloc_usable_size(memory));
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t size, std::align_val_t) noexcept {
    look_at(memory, size);
    std::free(memory);
}

TEST_CASE("record cipher: which libraries this machine has") {
    CHECK(RecordCipher::has(Library::kOpenssl));
    const std::string used = RecordCipher::has(Library::kIpsecMb) ? "used" : "not used";
    MESSAGE("Intel's Multi-Buffer Crypto library is " << used);
}

TEST_CASE("record cipher: the published examples of AES-GCM and ChaCha20-Poly1305") {
    struct Example {
        Algorithm algorithm;
        const char* key;
        const char* nonce;
        const char* head;
        const char* text;
        const char* sealed;
    };
    const char* const gcm_text =
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449"
        "a6b525b16aedf5aa0de657ba637b39";
    const char* const gcm_head = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
    const Example examples[] = {
        // The Galois/Counter Mode of Operation (McGrew and Viega), test cases 4 and 16.
        {Algorithm::kAes128Gcm, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
         gcm_head, gcm_text,
         "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aa"
         "c"
         "84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47"},
        {Algorithm::kAes256Gcm, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
         "cafebabefacedbaddecaf888", gcm_head, gcm_text,
         "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b105"
         "6"
         "828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
        // RFC 8439, section 2.8.2.
        {Algorithm::kChacha20Poly1305,
         "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
         "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
         "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a2049662"
         "0"
         "4920636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f72207468652066757475726"
         "5"
         "2c2073756e73637265656e20776f756c642062652069742e",
         "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69d"
         "a"
         "92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad67594558"
         "5"
         "808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"},
    };
    Prng chance(test::seed());
    for (const Case& one : cases()) {
        CAPTURE(one.name);
        const Library library = one.library;
        const Algorithm algorithm = one.algorithm;
        for (const Example& example : examples) {
            if (example.algorithm != algorithm) continue;
            CAPTURE(example.key);
            const Text key = bytes_of(example.key);
            const Text nonce = bytes_of(example.nonce);
            const Text head = bytes_of(example.head);
            auto seals = make(library, algorithm, true, key);
            const Text sealed = seal(*seals, nonce, head, bytes_of(example.text), chance);
            CHECK(to_hex(sealed) == example.sealed);
            Text text;
            auto opens = make(library, algorithm, false, key);
            REQUIRE(open(*opens, nonce, head, sealed, text, chance));
            CHECK(to_hex(text) == example.text);
        }
    }
}

TEST_CASE("record cipher: both libraries give the same bytes for any size in any pieces") {
    if (!RecordCipher::has(Library::kIpsecMb)) return;
    Prng chance(test::seed());
    for (const Algorithm algorithm : {Algorithm::kAes128Gcm, Algorithm::kAes256Gcm}) {
        Text key = random_text(chance, RecordCipher::key_size(algorithm));
        auto seals = make(Library::kIpsecMb, algorithm, true, key);
        auto opens = make(Library::kIpsecMb, algorithm, false, key);
        for (int i = 0; i < 600; ++i) {
            if (i % 50 == 49) {
                key = random_text(chance, key.size());
                seals->set_key(key.data());
                opens->set_key(key.data());
            }
            // Each size of a few blocks, then any up to that of a record.
            const size_t size = i < 300 ? static_cast<size_t>(i) : chance.below(16 * 1024 + 2);
            CAPTURE(size);
            const Text nonce = random_text(chance, RecordCipher::kNonceSize);
            const Text head = random_text(chance, 1 + chance.below(30));
            const Text text = random_text(chance, size);
            const Text sealed = seal(*seals, nonce, head, text, chance);
            auto other = make(Library::kOpenssl, algorithm, true, key);
            REQUIRE(sealed == seal(*other, nonce, head, text, chance));
            Text back;
            auto other_opens = make(Library::kOpenssl, algorithm, false, key);
            REQUIRE(open(*other_opens, nonce, head, sealed, back, chance));
            REQUIRE(back == text);
            REQUIRE(open(*opens, nonce, head, sealed, back, chance));
            REQUIRE(back == text);
        }
    }
}

TEST_CASE("record cipher: in place is as well, and nothing outside of it is touched") {
    Prng chance(test::seed());
    for (const Case& one : cases()) {
        CAPTURE(one.name);
        const Library library = one.library;
        const Algorithm algorithm = one.algorithm;
        const Text key = random_text(chance, RecordCipher::key_size(algorithm));
        const Text nonce = random_text(chance, RecordCipher::kNonceSize);
        const Text head = random_text(chance, 5);
        auto seals = make(library, algorithm, true, key);
        auto opens = make(library, algorithm, false, key);
        for (size_t size = 0; size < 1'100; size += size < 70 ? 1 : 37) {
            CAPTURE(size);
            const Text text = random_text(chance, size);
            const Text sealed = seal(*seals, nonce, head, text, chance);
            constexpr size_t kEdge = 64;
            Text room(kEdge + size + kEdge, 0xA5);
            uint8_t* const at = room.data() + kEdge;
            std::copy(text.begin(), text.end(), at);
            uint8_t tag[RecordCipher::kTagSize];
            REQUIRE(seals->begin(nonce.data(), head));
            REQUIRE(update(*seals, at, at, size, chance));
            REQUIRE(seals->finish_seal(tag));
            CHECK(std::equal(at, at + size, sealed.begin()));
            CHECK(std::equal(tag, tag + sizeof tag, sealed.end() - sizeof tag));
            REQUIRE(opens->begin(nonce.data(), head));
            REQUIRE(update(*opens, at, at, size, chance));
            REQUIRE(opens->finish_open(tag));
            CHECK(std::equal(at, at + size, text.begin()));
            const auto is_edge = [](uint8_t byte) { return byte == 0xA5; };
            CHECK(std::all_of(room.data(), at, is_edge));
            CHECK(std::all_of(at + size, at + size + kEdge, is_edge));
        }
    }
}

TEST_CASE("record cipher: no changed bit of a record is let through") {
    Prng chance(test::seed());
    for (const Case& one : cases()) {
        CAPTURE(one.name);
        const Library library = one.library;
        const Algorithm algorithm = one.algorithm;
        const Text key = random_text(chance, RecordCipher::key_size(algorithm));
        auto seals = make(library, algorithm, true, key);
        auto opens = make(library, algorithm, false, key);
        for (const size_t size : {0u, 1u, 15u, 16u, 17u, 300u, 900u}) {
            CAPTURE(size);
            const Text nonce = random_text(chance, RecordCipher::kNonceSize);
            const Text head = random_text(chance, 5);
            const Text sealed = seal(*seals, nonce, head, random_text(chance, size), chance);
            Text text;
            const auto opens_when = [&](Text changed_nonce, Text changed_head, Text changed) {
                return open(*opens, changed_nonce, changed_head, changed, text, chance);
            };
            REQUIRE(opens_when(nonce, head, sealed));
            const auto change = [&](Text bytes, size_t at) {
                bytes[at] ^= static_cast<uint8_t>(1 << chance.below(8));
                return bytes;
            };
            size_t let_through = 0;
            for (size_t i = 0; i < sealed.size(); ++i) {
                let_through += opens_when(nonce, head, change(sealed, i));
            }
            for (size_t i = 0; i < head.size(); ++i) {
                let_through += opens_when(nonce, change(head, i), sealed);
            }
            for (size_t i = 0; i < nonce.size(); ++i) {
                let_through += opens_when(change(nonce, i), head, sealed);
            }
            if (size > 0) {
                // One byte less.
                Text shorter = sealed;
                shorter.erase(shorter.begin());
                let_through += opens_when(nonce, head, shorter);
            }
            CHECK(let_through == 0);
            CHECK(opens_when(nonce, head, sealed));  // what was refused has left nothing behind
        }
    }
}

TEST_CASE("record cipher: nothing is left of a key when the next one is set or the cipher goes") {
    // OpenSSL's own memory is OpenSSL's; that of the other library lies in the object.
    if (!RecordCipher::has(Library::kIpsecMb)) return;
    Prng chance(test::seed());
    for (const Algorithm algorithm : {Algorithm::kAes128Gcm, Algorithm::kAes256Gcm}) {
        const Text first = random_text(chance, RecordCipher::key_size(algorithm));
        const Text second = random_text(chance, RecordCipher::key_size(algorithm));
        auto cipher = make(Library::kIpsecMb, algorithm, true, first);
        // An expanded key begins with the key.
        const auto* const begin = reinterpret_cast<const uint8_t*>(cipher.get());
        const auto* const end = begin + 1'024;
        REQUIRE(std::search(begin, end, first.begin(), first.begin() + 16) != end);
        cipher->set_key(second.data());
        CHECK(std::search(begin, end, first.begin(), first.begin() + 16) == end);
        REQUIRE(std::search(begin, end, second.begin(), second.begin() + 16) != end);
        watched_key = second.data();
        given_back = 0;
        cipher.reset();
        watched_key = nullptr;
        CHECK(given_back == 1);
        CHECK_FALSE(key_was_left);
    }
}

TEST_CASE("record cipher: threads with ciphers of their own do not disturb each other") {
    for (const Case& one : cases()) {
        CAPTURE(one.name);
        const Library library = one.library;
        const Algorithm algorithm = one.algorithm;
        const Text key(RecordCipher::key_size(algorithm), 3);
        const Text nonce(RecordCipher::kNonceSize, 4);
        const Text text(3'000, 5);
        Prng chance(test::seed());
        const Text sealed = seal(*make(library, algorithm, true, key), nonce, key, text, chance);
        std::vector<int> wrong(4, 0);
        std::vector<std::thread> threads;
        for (size_t t = 0; t < wrong.size(); ++t) {
            threads.emplace_back([&, t] {
                Prng own(test::seed() + t);
                for (int i = 0; i < 100; ++i) {
                    Text back;
                    wrong[t] +=
                        seal(*make(library, algorithm, true, key), nonce, key, text, own) != sealed;
                    wrong[t] += !open(*make(library, algorithm, false, key), nonce, key, sealed,
                                      back, own) ||
                                back != text;
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
        CHECK(wrong == std::vector<int>(4, 0));
    }
}
