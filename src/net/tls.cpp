#include "net/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <new>
#include <utility>

#include "core/openssl.h"
#include "net/tls_session.h"

namespace p2c2r::net {

namespace {

constexpr char kSuiteNames[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr char kGroups[] = "X25519:P-256";
constexpr int kChainMax = 8;  // certificates

using Memory = std::unique_ptr<BIO, OpensslFree<BIO_free>>;
using Certificate = std::unique_ptr<X509, OpensslFree<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using Settings = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>>;

Memory memory_of(std::string_view text) {
    return Memory(openssl_need(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))));
}

// A key that is protected by a password is refused: nobody is there who could type it.
int no_password(char*, int, int, void*) {
    return -1;
}

Certificate next_certificate(BIO* from) {
    X509* certificate = X509_new_ex(openssl_context(), nullptr);
    openssl_need(certificate);
    if (!PEM_read_bio_X509(from, &certificate, no_password, nullptr)) {
        X509_free(certificate);
        return nullptr;
    }
    return Certificate(certificate);
}

Settings new_settings(const SSL_METHOD* method) {
    Settings settings(openssl_need(SSL_CTX_new_ex(openssl_context(), nullptr, method)));
    SSL_CTX* const raw = settings.get();
    openssl_need(SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION));
    openssl_need(SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION));
    openssl_need(SSL_CTX_set_ciphersuites(raw, kSuiteNames));
    openssl_need(SSL_CTX_set1_groups_list(raw, kGroups));
    openssl_need(SSL_CTX_set_num_tickets(raw, 0));
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_early_data(raw, 0);
    SSL_CTX_set_options(raw, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_verify_depth(raw, kChainMax);
    return settings;
}

Error unusable(const char* field, std::string text) {
    return field_error(Status::kArgument, field, std::move(text));
}

struct Pair {
    Settings settings;
    Digest256 pin{};
    Validity validity;
};

// Seconds of Unix time; before 1970, and what is no time: 0.
uint64_t unix_seconds(const ASN1_TIME* time) {
    const std::unique_ptr<ASN1_TIME, OpensslFree<ASN1_TIME_free>> epoch(
        openssl_need(ASN1_TIME_set(nullptr, 0)));
    int days = 0;
    int seconds = 0;
    if (ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) return 0;
    const int64_t whole = int64_t{days} * 86'400 + seconds;
    return whole < 0 ? 0 : static_cast<uint64_t>(whole);
}

Validity validity_of(const X509* certificate) {
    return {unix_seconds(X509_get0_notBefore(certificate)),
            unix_seconds(X509_get0_notAfter(certificate))};
}

Result<Pair> server_settings(std::string_view certificate_pem, std::string_view key_pem) {
    const OwnErrors errors;
    Pair pair;
    pair.settings = new_settings(TLS_server_method());
    SSL_CTX* const settings = pair.settings.get();
    const Memory certificates = memory_of(certificate_pem);
    const Certificate own = next_certificate(certificates.get());
    if (!own) return unusable("certificate_file", "holds no certificate in PEM form");
    if (SSL_CTX_use_certificate(settings, own.get()) != 1) {
        return unusable("certificate_file",
                        "its first certificate has a key that TLS 1.3 cannot use");
    }
    int others = 0;
    while (const Certificate issuer = next_certificate(certificates.get())) {
        if (++others > kChainMax)
            return unusable("certificate_file", "has more than 9 certificates");
        openssl_need(static_cast<int>(SSL_CTX_add1_chain_cert(settings, issuer.get())));
    }
    const Memory key_text = memory_of(key_pem);
    const PrivateKey key(PEM_read_bio_PrivateKey_ex(key_text.get(), nullptr, no_password, nullptr,
                                                    openssl_context(), nullptr));
    if (!key) {
        return unusable("key_file", "holds no private key in PEM form without a password");
    }
    if (SSL_CTX_use_PrivateKey(settings, key.get()) != 1 ||
        SSL_CTX_check_private_key(settings) != 1) {
        return unusable("key_file", "is not the key of the certificate");
    }
    pair.pin = TlsContext::pin_of(own.get());
    pair.validity = validity_of(own.get());
    return pair;
}

}  // namespace

Result<CertificateFacts> certificate_facts(std::string_view certificate_pem) {
    const OwnErrors errors;
    const Memory text = memory_of(certificate_pem);
    const Certificate certificate = next_certificate(text.get());
    if (!certificate) return make_error(Status::kArgument, "holds no certificate in PEM form");
    CertificateFacts facts;
    facts.pin = TlsContext::pin_of(certificate.get());
    facts.validity = validity_of(certificate.get());
    char name[256];
    const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()),
                                               NID_commonName, name, sizeof name);
    if (size > 0) facts.name.assign(name, static_cast<size_t>(size));
    facts.is_self_signed = X509_verify(certificate.get(), X509_get0_pubkey(certificate.get())) == 1;
    return facts;
}

Digest256 TlsContext::pin_of(const X509* certificate) {
    uint8_t* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (size <= 0) throw std::bad_alloc();
    const Digest256 pin = sha256({der, static_cast<size_t>(size)});
    OPENSSL_free(der);
    return pin;
}

TlsContext::~TlsContext() {
    SSL_CTX_free(settings_);
}

Result<std::shared_ptr<TlsContext>> TlsContext::server(std::string_view certificate_pem,
                                                       std::string_view key_pem) {
    std::shared_ptr<TlsContext> context(new TlsContext);
    context->is_server_ = true;
    const Result<Done> used = context->renew(certificate_pem, key_pem);
    if (!used) return used.error();
    return context;
}

Result<Done> TlsContext::renew(std::string_view certificate_pem, std::string_view key_pem) {
    Result<Pair> pair = server_settings(certificate_pem, key_pem);
    if (!pair) return pair.error();
    SSL_CTX_set_keylog_callback(pair->settings.get(), TlsSession::keep_secret);
    pin_ = pair->pin;
    validity_ = pair->validity;
    SSL_CTX_free(std::exchange(settings_, pair->settings.release()));
    return Done{};
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(const Trust& trust) {
    if (!trust.pin && trust.ca_pem.empty()) {
        return field_error(Status::kArgument, "server_pin",
                           "neither a pin nor a file of authorities says whom to believe");
    }
    const OwnErrors errors;
    Settings settings = new_settings(TLS_client_method());
    SSL_CTX_set_keylog_callback(settings.get(), TlsSession::keep_secret);
    SSL_CTX_set_verify(settings.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(settings.get(), TlsSession::verify, nullptr);
    if (!trust.pin) {
        X509_STORE* const store = SSL_CTX_get_cert_store(settings.get());
        const Memory text = memory_of(trust.ca_pem);
        int count = 0;
        while (const Certificate authority = next_certificate(text.get())) {
            openssl_need(X509_STORE_add_cert(store, authority.get()));
            ++count;
        }
        if (count == 0) return unusable("ca_file", "holds no certificate in PEM form");
    }
    std::shared_ptr<TlsContext> context(new TlsContext);
    context->settings_ = settings.release();
    context->trusted_pin_ = trust.pin;
    return context;
}

}  // namespace p2c2r::net
