#include "net/tls_record.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

#include "core/check.h"
#include "core/openssl.h"

namespace p2c2r::net {

namespace {

constexpr size_t kTagSize = RecordCipher::kTagSize;
constexpr size_t kNonceSize = RecordCipher::kNonceSize;
constexpr uint8_t kDataRecord = 23;  // what every sealed record calls itself
constexpr size_t kGatherBelow = 4 * 1024;

struct Suite {
    uint32_t number;
    RecordCipher::Algorithm algorithm;
    const char* hash;
    size_t hash_size;
};
constexpr Suite kSuites[] = {
    {0x1301, RecordCipher::Algorithm::kAes128Gcm, "SHA256", 32},
    {0x1302, RecordCipher::Algorithm::kAes256Gcm, "SHA384", 48},
    {0x1303, RecordCipher::Algorithm::kChacha20Poly1305, "SHA256", 32},
};

const Suite* find(uint32_t number) {
    for (const Suite& suite : kSuites) {
        if (suite.number == number) return &suite;
    }
    return nullptr;
}
const Suite& known(uint32_t number) {
    const Suite* const suite = find(number);
    P2C2R_CHECK(suite);
    return *suite;
}

// Kept until the process ends, like the library context.
EVP_KDF* hkdf() {
    static EVP_KDF* const kept = openssl_need(EVP_KDF_fetch(openssl_context(), "HKDF", nullptr));
    return kept;
}

// HKDF-Expand-Label with an empty context (RFC 8446, section 7.1).
void expand(const Suite& suite, std::span<const uint8_t> secret, std::string_view label,
            std::span<uint8_t> out) {
    uint8_t info[4 + 32];
    size_t size = 0;
    info[size++] = 0;
    info[size++] = static_cast<uint8_t>(out.size());
    info[size++] = static_cast<uint8_t>(label.size());
    std::memcpy(info + size, label.data(), label.size());
    size += label.size();
    info[size++] = 0;
    const std::unique_ptr<EVP_KDF_CTX, OpensslFree<EVP_KDF_CTX_free>> context(
        openssl_need(EVP_KDF_CTX_new(hkdf())));
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(suite.hash), 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<uint8_t*>(secret.data()),
                                          secret.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, size),
        OSSL_PARAM_construct_end(),
    };
    openssl_need(EVP_KDF_derive(context.get(), out.data(), out.size(), parameters));
}

}  // namespace

TrafficSecret::~TrafficSecret() {
    OPENSSL_cleanse(bytes.data(), bytes.size());
}

bool RecordKey::is_suite(uint32_t suite) {
    return find(suite) != nullptr;
}

RecordKey::RecordKey(uint32_t suite, bool seals, const TrafficSecret& secret)
    : suite_(suite),
      seals_(seals),
      secret_(secret),
      cipher_(RecordCipher::create(known(suite).algorithm, seals)) {
    P2C2R_CHECK(secret.size == known(suite).hash_size);
    use_secret();
}

RecordKey::~RecordKey() {
    OPENSSL_cleanse(iv_.data(), iv_.size());
}

void RecordKey::use_secret() {
    const Suite& suite = known(suite_);
    struct Fresh {
        uint8_t key[RecordCipher::kKeySizeMax];
        std::array<uint8_t, kNonceSize> iv;
        ~Fresh() { OPENSSL_cleanse(this, sizeof *this); }
    } fresh{};
    expand(suite, secret_.span(), "tls13 key",
           {fresh.key, RecordCipher::key_size(suite.algorithm)});
    expand(suite, secret_.span(), "tls13 iv", fresh.iv);
    cipher_->set_key(fresh.key);
    iv_ = fresh.iv;
    sequence_ = 0;
}

void RecordKey::update() {
    TrafficSecret next;
    next.size = secret_.size;
    expand(known(suite_), secret_.span(), "tls13 traffic upd", {next.bytes.data(), next.size});
    secret_ = next;
    use_secret();
}

// The nonce of the next record, which no other record under this key ever has, and its head as data
// that is authenticated.
bool RecordKey::begin_record(const uint8_t* head) {
    uint8_t nonce[kNonceSize];
    std::memcpy(nonce, iv_.data(), kNonceSize);
    for (size_t i = 0; i < sizeof sequence_; ++i) {
        nonce[kNonceSize - 1 - i] ^= static_cast<uint8_t>(sequence_ >> (8 * i));
    }
    P2C2R_CHECK(++sequence_ != 0);
    return cipher_->begin(nonce, {head, kHeadSize});
}

bool RecordKey::seal(RecordType type, std::span<const IoPiece> pieces, uint8_t* out) {
    size_t size = 0;
    for (const IoPiece& piece : pieces) size += piece.size;
    P2C2R_CHECK(seals_ && size <= kPlainMax);
    const size_t body = size + 1 + kTagSize;
    const uint8_t head[kHeadSize] = {kDataRecord, 3, 3, static_cast<uint8_t>(body >> 8),
                                     static_cast<uint8_t>(body)};
    std::memcpy(out, head, kHeadSize);
    if (!begin_record(head)) return false;
    uint8_t* to = out + kHeadSize;
    const auto last = static_cast<uint8_t>(type);
    if (size < kGatherBelow) {
        // A call costs more than copying so little.
        uint8_t* at = to;
        for (const IoPiece& piece : pieces) {
            std::memcpy(at, piece.data, piece.size);
            at += piece.size;
        }
        *at = last;
        if (!cipher_->update(to, to, size + 1)) return false;
        to += size;
    } else {
        for (const IoPiece& piece : pieces) {
            if (!cipher_->update(piece.data, to, piece.size)) return false;
            to += piece.size;
        }
        if (!cipher_->update(&last, to, 1)) return false;
    }
    return cipher_->finish_seal(to + 1);
}

size_t RecordKey::sealed_size(const uint8_t* bytes) {
    const size_t body = static_cast<size_t>(bytes[3]) << 8 | bytes[4];
    const bool good = bytes[0] == kDataRecord && bytes[1] == 3 && bytes[2] == 3 &&
                      body > kTagSize && body <= kSealedMax - kHeadSize;
    return good ? kHeadSize + body : 0;
}

bool RecordKey::open(std::span<const uint8_t> record, std::span<const IoPiece> pieces,
                     RecordType& type, size_t& size) {
    P2C2R_CHECK(!seals_ && record.size() >= kOverhead);
    if (!begin_record(record.data())) return false;
    const uint8_t* from = record.data() + kHeadSize;
    size = record.size() - kOverhead;
    size_t count = 0;
    uint8_t last = 0;
    if (!pieces.empty() && pieces.front().size > size) {
        if (!cipher_->update(from, pieces.front().data, size + 1)) return false;
        last = pieces.front().data[size];
        from += size;
        count = 1;
    } else {
        for (size_t left = size; left > 0; ++count) {
            P2C2R_CHECK(count < pieces.size());
            const size_t part = std::min(left, pieces[count].size);
            if (!cipher_->update(from, pieces[count].data, part)) return false;
            from += part;
            left -= part;
        }
        if (!cipher_->update(from, &last, 1)) return false;
    }
    if (!cipher_->finish_open(from + 1)) return false;
    // Behind the type there may be zeros, as many as the other side likes: then it stands before.
    for (size_t before = size; last == 0 && count-- > 0;) {
        size_t in_others = 0;
        for (size_t i = 0; i < count; ++i) in_others += pieces[i].size;
        while (last == 0 && before > in_others) last = pieces[count].data[--before - in_others];
        size = before;
    }
    type = static_cast<RecordType>(last);
    return true;
}

}  // namespace p2c2r::net
