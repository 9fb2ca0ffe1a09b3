// OpenSSL lives in a library context of its own: the host's configuration file, engines and
// properties do not reach it, and ours do not reach the host. The context is made at first use and
// kept until the process ends: a global with a destructor could run after the host's last thread
// that still hashes.
#include "core/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "core/openssl.h"

namespace p2c2r {

namespace {

// Every failure here is one of memory: the algorithms are built into the default provider, and the
// system's random source has no other way to fail once it was seeded.
template <class T>
auto need(T result) {
    return openssl_need(result);
}

struct Library {
    OSSL_LIB_CTX* context = nullptr;
    EVP_MD* sha256 = nullptr;
    EVP_CIPHER* chacha20 = nullptr;

    Library() {
        const OwnErrors errors;
        // No exit handler and no configuration file; without effect where the host was first.
        need(OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CONFIG, nullptr));
        try {
            context = need(OSSL_LIB_CTX_new());
            sha256 = need(EVP_MD_fetch(context, "SHA256", nullptr));
            chacha20 = need(EVP_CIPHER_fetch(context, "ChaCha20", nullptr));
        } catch (...) {
            EVP_MD_free(sha256);
            OSSL_LIB_CTX_free(context);
            throw;
        }
    }
};

const Library& library() {
    static const Library* const instance = new Library;
    return *instance;
}

using DigestContext = std::unique_ptr<EVP_MD_CTX, OpensslFree<EVP_MD_CTX_free>>;

void begin(const DigestContext& digest) {
    need(EVP_DigestInit_ex2(digest.get(), library().sha256, nullptr));
}
void add(const DigestContext& digest, std::span<const uint8_t> piece) {
    need(EVP_DigestUpdate(digest.get(), piece.data(), piece.size()));
}
Digest256 end(const DigestContext& digest) {
    Digest256 out;
    need(EVP_DigestFinal_ex(digest.get(), out.data(), nullptr));
    return out;
}

// Fast key erasure: each draw makes the key of the next one first, and bytes that were handed out
// are wiped, so that whoever reads this memory later learns nothing about earlier nonces.
class SystemRandom final : public RandomSource {
  public:
    SystemRandom() : cipher_(need(EVP_CIPHER_CTX_new())) {
        const OwnErrors errors;
        try {
            need(RAND_priv_bytes_ex(library().context, pool_, kKeySize, 256));
            need(EVP_EncryptInit_ex2(cipher_, library().chacha20, nullptr, nullptr, nullptr));
            draw();
        } catch (...) {
            wipe();
            throw;
        }
    }
    ~SystemRandom() override { wipe(); }

    void fill(std::span<uint8_t> out) override {
        // A nonce, as nearly always.
        if (out.size() == kNonceSize && sizeof pool_ - at_ >= kNonceSize) {
            std::memcpy(out.data(), pool_ + at_, kNonceSize);
            std::memset(pool_ + at_, 0, kNonceSize);
            at_ += kNonceSize;
            return;
        }
        while (!out.empty()) {
            if (at_ == sizeof pool_) draw();
            const size_t size = std::min(out.size(), sizeof pool_ - at_);
            std::memcpy(out.data(), pool_ + at_, size);
            std::memset(pool_ + at_, 0, size);
            at_ += size;
            out = out.subspan(size);
        }
    }

  private:
    static constexpr size_t kKeySize = 32;
    static constexpr size_t kNonceSize = 16;

    // The pool's first bytes are the key; what the cipher writes over the pool begins with the
    // next.
    void draw() {
        static constexpr uint8_t kCounter[16] = {};  // a key is used for one draw only
        const OwnErrors errors;
        need(EVP_EncryptInit_ex2(cipher_, nullptr, pool_, kCounter, nullptr));
        std::memset(pool_, 0, sizeof pool_);
        int size = 0;
        need(EVP_EncryptUpdate(cipher_, pool_, &size, pool_, static_cast<int>(sizeof pool_)));
        at_ = kKeySize;
    }
    void wipe() {
        OPENSSL_cleanse(pool_, sizeof pool_);
        EVP_CIPHER_CTX_free(cipher_);  // wipes its own state
    }

    EVP_CIPHER_CTX* const cipher_;
    size_t at_ = 0;
    uint8_t pool_[4096];
};

}  // namespace

OSSL_LIB_CTX* openssl_context() {
    return library().context;
}

Digest256 sha256(std::span<const uint8_t> data) {
    return sha256(data, {});
}

Digest256 sha256(std::span<const uint8_t> first, std::span<const uint8_t> second) {
    const OwnErrors errors;
    const DigestContext digest(need(EVP_MD_CTX_new()));
    begin(digest);
    add(digest, first);
    add(digest, second);
    return end(digest);
}

struct Sha256::State {
    const DigestContext digest{need(EVP_MD_CTX_new())};
};

Sha256::Sha256() {
    const OwnErrors errors;
    state_ = std::make_unique<State>();
    begin(state_->digest);
}

Sha256::~Sha256() = default;

void Sha256::add(std::span<const uint8_t> piece) {
    const OwnErrors errors;
    p2c2r::add(state_->digest, piece);
}

Digest256 Sha256::finish() {
    const OwnErrors errors;
    return end(state_->digest);
}

std::string to_hex(std::span<const uint8_t> bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const uint8_t byte : bytes) {
        text.push_back(kDigits[byte >> 4]);
        text.push_back(kDigits[byte & 15]);
    }
    return text;
}

bool from_hex(std::string_view text, std::span<uint8_t> out) {
    if (text.size() != 2 * out.size()) return false;
    const auto digit = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    };
    for (size_t i = 0; i < out.size(); ++i) {
        const int high = digit(text[2 * i]);
        const int low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = static_cast<uint8_t>(high << 4 | low);
    }
    return true;
}

std::unique_ptr<RandomSource> make_system_random() {
    return std::make_unique<SystemRandom>();
}

bool equal_constant_time(std::span<const uint8_t> a, std::span<const uint8_t> b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace p2c2r
