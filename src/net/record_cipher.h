// The cipher of one direction of a TLS connection: authenticated encryption (AEAD) of one record
// after the other. OpenSSL has every algorithm. Where the processor has AES instructions for wide
// vectors and the build found Intel's Multi-Buffer Crypto library, AES-GCM comes from there, which
// takes a third of the time; both give the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace p2c2r::net {

class RecordCipher {
  public:
    static constexpr size_t kTagSize = 16;
    static constexpr size_t kNonceSize = 12;
    static constexpr size_t kKeySizeMax = 32;
    enum class Algorithm : uint8_t { kAes128Gcm, kAes256Gcm, kChacha20Poly1305 };
    enum class Library : uint8_t { kOpenssl, kIpsecMb };

    // Of the fastest library that this machine can use; it has no key yet. Throws std::bad_alloc.
    static std::unique_ptr<RecordCipher> create(Algorithm algorithm, bool seals);
    static constexpr size_t key_size(Algorithm algorithm) {
        return algorithm == Algorithm::kAes128Gcm ? 16 : 32;
    }

    virtual ~RecordCipher() = default;
    RecordCipher(const RecordCipher&) = delete;
    RecordCipher& operator=(const RecordCipher&) = delete;

    // key_size() bytes; nothing is left of the key before it. Throws std::bad_alloc.
    virtual void set_key(const uint8_t* key) = 0;

    // A record is begin(), update() for each of its pieces, and finish_seal() or finish_open().
    // False of any of them: it cannot be made, or is not what was sealed.
    //
    // The nonce, of kNonceSize, MUST be another one for each record under a key. `head`, of at
    // least a byte, is authenticated with the record and not a part of it.
    [[nodiscard]] virtual bool begin(const uint8_t* nonce, std::span<const uint8_t> head) = 0;
    // `to` is `from`, or overlaps it nowhere.
    [[nodiscard]] virtual bool update(const uint8_t* from, uint8_t* to, size_t size) = 0;
    [[nodiscard]] virtual bool finish_seal(uint8_t* tag) = 0;
    // Only after true do the bytes that update() gave mean anything.
    [[nodiscard]] virtual bool finish_open(const uint8_t* tag) = 0;

    // ---- for tests: both libraries where there are both
    static bool has(Library library);
    // New ciphers are of this one from now on, as far as it has the algorithm.
    static void use(Library library);

  protected:
    RecordCipher() = default;
};

// What create() chooses from.
std::unique_ptr<RecordCipher> new_openssl_cipher(RecordCipher::Algorithm algorithm, bool seals);
// Whether this build has the library and this processor what it is fast with. The first call takes
// a third of a millisecond, in which the library tests itself. Throws std::bad_alloc.
bool can_use_ipsec_mb();
// Only where can_use_ipsec_mb(); NULL when it does not have the algorithm.
std::unique_ptr<RecordCipher> new_ipsec_mb_cipher(RecordCipher::Algorithm algorithm, bool seals);

}  // namespace p2c2r::net
