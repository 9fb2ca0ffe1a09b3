#include <openssl/evp.h>

#include <algorithm>

#include "core/openssl.h"
#include "net/record_cipher.h"

namespace p2c2r::net {

namespace {

using Algorithm = RecordCipher::Algorithm;

// Looking one up takes longer than a record; kept until the process ends, like the library context.
EVP_CIPHER* look_up(const char* name) {
    return openssl_need(EVP_CIPHER_fetch(openssl_context(), name, nullptr));
}
EVP_CIPHER* cipher_of(Algorithm algorithm) {
    switch (algorithm) {
        case Algorithm::kAes128Gcm: {
            static EVP_CIPHER* const kept = look_up("AES-128-GCM");
            return kept;
        }
        case Algorithm::kAes256Gcm: {
            static EVP_CIPHER* const kept = look_up("AES-256-GCM");
            return kept;
        }
        case Algorithm::kChacha20Poly1305:
            break;
    }
    static EVP_CIPHER* const kept = look_up("ChaCha20-Poly1305");
    return kept;
}

class OpensslCipher final : public RecordCipher {
  public:
    OpensslCipher(Algorithm algorithm, bool seals)
        : seals_(seals), context_(openssl_need(EVP_CIPHER_CTX_new())) {
        openssl_need(EVP_CipherInit_ex2(context_.get(), cipher_of(algorithm), nullptr, nullptr,
                                        seals_, nullptr));
    }

    void set_key(const uint8_t* key) override {
        openssl_need(EVP_CipherInit_ex2(context_.get(), nullptr, key, nullptr, seals_, nullptr));
    }

    bool begin(const uint8_t* nonce, std::span<const uint8_t> head) override {
        return EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, nonce, seals_, nullptr) == 1 &&
               update(head.data(), nullptr, head.size());
    }

    bool update(const uint8_t* from, uint8_t* to, size_t size) override {
        int done = 0;
        return EVP_CipherUpdate(context_.get(), to, &done, from, static_cast<int>(size)) == 1;
    }

    bool finish_seal(uint8_t* tag) override {
        return finish() &&
               EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, kTagSize, tag) == 1;
    }

    bool finish_open(const uint8_t* tag) override {
        uint8_t own[kTagSize];
        std::copy(tag, tag + kTagSize, own);
        return EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, kTagSize, own) == 1 &&
               finish();
    }

  private:
    bool finish() {
        uint8_t unused[EVP_MAX_BLOCK_LENGTH];
        int done = 0;
        return EVP_CipherFinal_ex(context_.get(), unused, &done) == 1;
    }

    const bool seals_;
    // Wipes its own state when it goes.
    const std::unique_ptr<EVP_CIPHER_CTX, OpensslFree<EVP_CIPHER_CTX_free>> context_;
};

}  // namespace

std::unique_ptr<RecordCipher> new_openssl_cipher(Algorithm algorithm, bool seals) {
    return std::make_unique<OpensslCipher>(algorithm, seals);
}

}  // namespace p2c2r::net
