#include "identity/keys.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/openssl.h"

namespace p2c2r::identity {

namespace {

constexpr size_t kCommonNameLengthMax = 64;  // of X.520's common name
constexpr uint64_t kDay = 24 * 60 * 60;
constexpr uint64_t kBehindDays = 2;
constexpr uint64_t kValidDays = 3652;

// SubjectPublicKeyInfo of an Ed25519 key in DER, up to the key itself (RFC 8410).
constexpr uint8_t kSpkiHead[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

// The points of small order, for which anybody can make signatures: y in little endian, without the
// sign of x. The last two are 0 and 1 once more, written as p and p + 1.
constexpr char kWeakKeys[][65] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

bool is_weak(PublicKey key) {
    key.back() &= 0x7f;
    const std::string text = to_hex(key);
    return std::any_of(std::begin(kWeakKeys), std::end(kWeakKeys),
                       [&](const char* weak) { return text == weak; });
}

using Memory = std::unique_ptr<BIO, OpensslFree<BIO_free>>;
using Key = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, OpensslFree<EVP_PKEY_CTX_free>>;
using SignContext = std::unique_ptr<EVP_MD_CTX, OpensslFree<EVP_MD_CTX_free>>;
using Certificate = std::unique_ptr<X509, OpensslFree<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>>;

std::string text_of(BIO* memory) {
    const char* data = nullptr;
    const long size = BIO_get_mem_data(memory, &data);
    return {data, static_cast<size_t>(size)};
}

int no_password(char*, int, int, void*) {
    return -1;
}

void add_extension(X509* certificate, int kind, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    const Extension extension(openssl_need(X509V3_EXT_conf_nid(nullptr, &context, kind, value)));
    openssl_need(X509_add_ext(certificate, extension.get(), -1));
}

}  // namespace

struct SigningKey::Secret {
    Key key;
};

SigningKey::SigningKey(std::unique_ptr<Secret> secret) : secret_(std::move(secret)) {
    size_t size = public_key_.size();
    openssl_need(EVP_PKEY_get_raw_public_key(secret_->key.get(), public_key_.data(), &size));
}
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;
SigningKey::~SigningKey() = default;

SigningKey SigningKey::generate() {
    const OwnErrors errors;
    auto secret = std::make_unique<Secret>();
    secret->key.reset(openssl_need(EVP_PKEY_Q_keygen(openssl_context(), nullptr, "ED25519")));
    return SigningKey(std::move(secret));
}

Result<SigningKey> SigningKey::from_pem(std::string_view pem) {
    const OwnErrors errors;
    const Memory text(openssl_need(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))));
    Key key(PEM_read_bio_PrivateKey_ex(text.get(), nullptr, no_password, nullptr, openssl_context(),
                                       nullptr));
    if (!key) {
        return make_error(Status::kArgument, "holds no private key in PEM form without a password");
    }
    if (!EVP_PKEY_is_a(key.get(), "ED25519")) {
        return make_error(Status::kArgument, "holds a private key of another kind than Ed25519");
    }
    auto secret = std::make_unique<Secret>();
    secret->key = std::move(key);
    return SigningKey(std::move(secret));
}

std::string SigningKey::to_pem() const {
    const OwnErrors errors;
    // Memory of this kind is wiped when it is freed.
    const Memory text(openssl_need(BIO_new(BIO_s_secmem())));
    openssl_need(PEM_write_bio_PKCS8PrivateKey(text.get(), secret_->key.get(), nullptr, nullptr, 0,
                                               nullptr, nullptr));
    return text_of(text.get());
}

Signature SigningKey::sign(std::span<const uint8_t> message) const {
    const OwnErrors errors;
    const SignContext context(openssl_need(EVP_MD_CTX_new()));
    openssl_need(EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, openssl_context(), nullptr,
                                       secret_->key.get(), nullptr));
    Signature signature;
    size_t size = signature.size();
    openssl_need(
        EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()));
    return signature;
}

Result<std::string> SigningKey::certificate(std::string_view name, uint64_t unix_seconds) const {
    if (name.empty() || name.size() > kCommonNameLengthMax) {
        return field_error(Status::kArgument, "name",
                           "has " + std::to_string(name.size()) + " bytes; 1 to 64 are allowed");
    }
    const OwnErrors errors;
    const Certificate certificate(openssl_need(X509_new_ex(openssl_context(), nullptr)));
    X509* const raw = certificate.get();
    openssl_need(X509_set_version(raw, X509_VERSION_3));
    uint8_t serial[16];
    openssl_need(RAND_bytes_ex(openssl_context(), serial, sizeof serial, 128));
    serial[0] &= 0x7f;  // positive
    const std::unique_ptr<BIGNUM, OpensslFree<BN_free>> number(
        openssl_need(BN_bin2bn(serial, sizeof serial, nullptr)));
    openssl_need(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(raw)));
    const uint64_t from = unix_seconds - std::min(unix_seconds, kBehindDays * kDay);
    const uint64_t until = unix_seconds + kValidDays * kDay;
    openssl_need(ASN1_TIME_set(X509_getm_notBefore(raw), static_cast<time_t>(from)));
    openssl_need(ASN1_TIME_set(X509_getm_notAfter(raw), static_cast<time_t>(until)));
    X509_NAME* const subject = X509_get_subject_name(raw);
    openssl_need(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                            reinterpret_cast<const uint8_t*>(name.data()),
                                            static_cast<int>(name.size()), -1, 0));
    openssl_need(X509_set_issuer_name(raw, subject));
    openssl_need(X509_set_pubkey(raw, secret_->key.get()));
    add_extension(raw, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(raw, NID_key_usage, "critical,digitalSignature");
    add_extension(raw, NID_ext_key_usage, "serverAuth");
    if (X509_sign(raw, secret_->key.get(), nullptr) <= 0) throw std::bad_alloc();
    const Memory text(openssl_need(BIO_new(BIO_s_mem())));
    openssl_need(PEM_write_bio_X509(text.get(), raw));
    return text_of(text.get());
}

bool is_signed_by(const PublicKey& key, std::span<const uint8_t> message,
                  const Signature& signature) {
    if (is_weak(key)) return false;
    const OwnErrors errors;
    const Key public_key(EVP_PKEY_new_raw_public_key_ex(openssl_context(), "ED25519", nullptr,
                                                        key.data(), key.size()));
    if (!public_key) return false;
    const SignContext context(openssl_need(EVP_MD_CTX_new()));
    return EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, openssl_context(), nullptr,
                                   public_key.get(), nullptr) == 1 &&
           EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                            message.size()) == 1;
}

Digest256 pin_of(const PublicKey& key) {
    return sha256(kSpkiHead, key);
}

}  // namespace p2c2r::identity
