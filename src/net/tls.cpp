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

namespace p2c2r::net {

namespace {

constexpr char kSuites[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr char kGroups[] = "X25519:P-256";
constexpr char kBindingLabel[] = "EXPORTER-p2c2r-login";
constexpr int kChainMax = 8;  // certificates
constexpr uint8_t kAlertRecord = 0x15;
constexpr uint8_t kHandshakeRecord = 0x16;
constexpr char kNoTls[] = "the other side does not speak TLS here";

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

Digest256 pin_of(const X509* certificate) {
    uint8_t* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (size <= 0) throw std::bad_alloc();
    const Digest256 pin = sha256({der, static_cast<size_t>(size)});
    OPENSSL_free(der);
    return pin;
}

// "2027-01-31 12:00 UTC"
std::string text_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return "a time that cannot be read";
    char text[40];
    std::snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d UTC", parts.tm_year + 1900,
                  parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min);
    return text;
}

std::string now_text() {
    const std::unique_ptr<ASN1_TIME, OpensslFree<ASN1_TIME_free>> now(
        openssl_need(ASN1_TIME_set(nullptr, std::time(nullptr))));
    return text_of(now.get());
}

Settings new_settings(const SSL_METHOD* method) {
    Settings settings(openssl_need(SSL_CTX_new_ex(openssl_context(), nullptr, method)));
    SSL_CTX* const raw = settings.get();
    openssl_need(SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION));
    openssl_need(SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION));
    openssl_need(SSL_CTX_set_ciphersuites(raw, kSuites));
    openssl_need(SSL_CTX_set1_groups_list(raw, kGroups));
    openssl_need(SSL_CTX_set_num_tickets(raw, 0));
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_early_data(raw, 0);
    SSL_CTX_set_options(raw, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_verify_depth(raw, kChainMax);
    return settings;
}

// Around calls of SSL functions. What they have to say is the newest error of the thread's list, if
// it is newer than the mark that is put there first: SSL_get_error() looks at the oldest one, which
// may be the host's.
class SslErrors {
  public:
    SslErrors() { ERR_raise(ERR_LIB_USER, kMark); }
    // 0: there was none.
    static unsigned long newest() {
        const unsigned long code = ERR_peek_last_error();
        return ERR_GET_LIB(code) == ERR_LIB_USER && ERR_GET_REASON(code) == kMark ? 0 : code;
    }

  private:
    static constexpr int kMark = 0x2c2;
    const OwnErrors own_;
};

Error unusable(const char* field, std::string text) {
    return field_error(Status::kArgument, field, std::move(text));
}

struct Pair {
    Settings settings;
    Digest256 pin{};
};

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
    pair.pin = pin_of(own.get());
    return pair;
}

}  // namespace

Result<Digest256> certificate_pin(std::string_view certificate_pem) {
    const OwnErrors errors;
    const Memory text = memory_of(certificate_pem);
    const Certificate certificate = next_certificate(text.get());
    if (!certificate) return make_error(Status::kArgument, "holds no certificate in PEM form");
    return pin_of(certificate.get());
}

// ---- one side's settings
// -------------------------------------------------------------------------

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
    pin_ = pair->pin;
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

// ---- one end of a connection
// ---------------------------------------------------------------------

// The bytes OpenSSL reads and writes: from what was fed, behind what is in the caller's `out`.
struct TlsSession::Bio {
    static TlsSession& of(BIO* bio) { return *static_cast<TlsSession*>(BIO_get_data(bio)); }

    static int read(BIO* bio, char* into, size_t size, size_t* done) {
        TlsSession& session = of(bio);
        BIO_clear_retry_flags(bio);
        *done = std::min(size, session.arrived_.size());
        if (*done == 0) {
            BIO_set_retry_read(bio);
            return 0;
        }
        std::memcpy(into, session.arrived_.data(), *done);
        session.arrived_ = session.arrived_.subspan(*done);
        return 1;
    }

    // Called by C code, which no exception may cross.
    static int write(BIO* bio, const char* from, size_t size, size_t* done) noexcept {
        TlsSession& session = of(bio);
        BIO_clear_retry_flags(bio);
        try {
            const auto* bytes = reinterpret_cast<const uint8_t*>(from);
            session.out_->insert(session.out_->end(), bytes, bytes + size);
        } catch (const std::bad_alloc&) {
            session.out_of_memory_ = true;
            return 0;
        }
        *done = size;
        return 1;
    }

    static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH; }

    static int create(BIO* bio) {
        BIO_set_init(bio, 1);
        return 1;
    }

    static BIO_METHOD* method() {
        // Kept until the process ends, like the library context.
        static BIO_METHOD* const made = [] {
            BIO_METHOD* fresh =
                openssl_need(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "p2c2r"));
            openssl_need(BIO_meth_set_read_ex(fresh, read));
            openssl_need(BIO_meth_set_write_ex(fresh, write));
            openssl_need(BIO_meth_set_ctrl(fresh, control));
            openssl_need(BIO_meth_set_create(fresh, create));
            return fresh;
        }();
        return made;
    }
};

std::unique_ptr<TlsSession> TlsSession::create(std::shared_ptr<TlsContext> context,
                                               const std::string& host) try {
    const OwnErrors errors;
    std::unique_ptr<TlsSession> session(new TlsSession(std::move(context)));
    session->ssl_ = openssl_need(SSL_new(session->context_->settings_));
    SSL* const ssl = session->ssl_;
    BIO* const bio = openssl_need(BIO_new(Bio::method()));
    BIO_set_data(bio, session.get());
    SSL_set_bio(ssl, bio, bio);
    if (session->context_->is_server_) {
        SSL_set_accept_state(ssl);
        return session;
    }
    SSL_set_connect_state(ssl);
    openssl_need(SSL_set_app_data(ssl, session.get()));  // verify() finds it there
    X509_VERIFY_PARAM* const parameters = SSL_get0_param(ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) != 1) {
        openssl_need(X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size()));
        X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        if (host.size() <= TLSEXT_MAXLEN_host_name) {
            openssl_need(static_cast<int>(SSL_set_tlsext_host_name(ssl, host.c_str())));
        }
    }
    return session;
} catch (const std::bad_alloc&) {
    return nullptr;
}

TlsSession::~TlsSession() {
    SSL_free(ssl_);
}

int TlsSession::verify(x509_store_ctx_st* store, void*) {
    const auto* ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto& session = *static_cast<TlsSession*>(SSL_get_app_data(ssl));
    try {
        if (session.context_->trusted_pin_) return session.verify_pin(store);
        if (X509_verify_cert(store) == 1) return 1;
        const int why = X509_STORE_CTX_get_error(store);
        session.failure_words_ = std::string("the coordinator's certificate is not trusted: ") +
                                 X509_verify_cert_error_string(why) +
                                 "; this machine's clock says " + now_text();
    } catch (const std::bad_alloc&) {
        session.out_of_memory_ = true;
    }
    return 0;
}

int TlsSession::verify_pin(x509_store_ctx_st* store) {
    const X509* const certificate = X509_STORE_CTX_get0_cert(store);
    const Digest256 pin = pin_of(certificate);
    const auto refuse = [&](int why, std::string words) {
        failure_words_ = std::move(words);
        X509_STORE_CTX_set_error(store, why);
        return 0;
    };
    if (!equal_constant_time(pin, *context_->trusted_pin_)) {
        return refuse(X509_V_ERR_CERT_REJECTED,
                      "the coordinator's key is not the one that is expected: its pin is " +
                          to_hex(pin) + ", expected is " + to_hex(*context_->trusted_pin_));
    }
    const ASN1_TIME* const from = X509_get0_notBefore(certificate);
    const ASN1_TIME* const until = X509_get0_notAfter(certificate);
    if (X509_cmp_current_time(from) >= 0) {
        is_wrong_time_ = true;
        return refuse(X509_V_ERR_CERT_NOT_YET_VALID,
                      "the coordinator's certificate is valid from " + text_of(from) +
                          " on, and this machine's clock says " + now_text());
    }
    if (X509_cmp_current_time(until) <= 0) {
        return refuse(X509_V_ERR_CERT_HAS_EXPIRED,
                      "the coordinator's certificate expired on " + text_of(until) +
                          ", and this machine's clock says " + now_text());
    }
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

// After an SSL function that did not do what it should: either it wants more, or it is over.
void TlsSession::fail() {
    const unsigned long code = SslErrors::newest();
    if (code == 0 && !out_of_memory_) {
        if (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) state_ = State::kEnded;
        return;
    }
    const bool was_open = state_ == State::kOpen;
    state_ = State::kFailed;
    if (out_of_memory_ || ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) {
        failure_ = Status::kMemory;
        failure_text_ = "memory is short for a TLS connection";
        return;
    }
    if (!failure_words_.empty()) {
        // A clock may be set right later; a wrong key stays wrong.
        failure_ = is_wrong_time_ ? Status::kAgain : Status::kAuth;
        failure_text_ = failure_words_.c_str();
        return;
    }
    const int reason = ERR_GET_REASON(code);
    failure_ = Status::kProtocol;
    if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
        reason == SSL_R_PACKET_LENGTH_TOO_LONG || reason == SSL_R_BAD_RECORD_TYPE) {
        failure_text_ = kNoTls;
    } else if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_NO_PROTOCOLS_AVAILABLE ||
               reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION) {
        failure_text_ = "the other side does not speak TLS 1.3";
    } else {
        // Texts of reasons are static.
        const char* const words = ERR_reason_error_string(code);
        failure_text_ = words      ? words
                        : was_open ? "TLS record not accepted"
                                   : "TLS handshake failed";
    }
}

bool TlsSession::handshake() {
    if (SSL_do_handshake(ssl_) == 1) {
        state_ = State::kOpen;
        return true;
    }
    fail();
    return false;
}

void TlsSession::begin(std::vector<uint8_t>& out) {
    const SslErrors errors;
    out_ = &out;
    handshake();
    out_ = nullptr;
}

// OpenSSL would take the beginning of a plain frame for that of an ancient handshake, and wait for
// the rest of it.
bool TlsSession::begins_like_tls() {
    if (arrived_.empty() || heard_) return true;
    heard_ = true;
    const uint8_t type = arrived_.front();
    if (type == kHandshakeRecord || (type == kAlertRecord && !context_->is_server_)) return true;
    state_ = State::kFailed;
    failure_ = Status::kProtocol;
    failure_text_ = kNoTls;
    return false;
}

size_t TlsSession::read(std::span<uint8_t> into, std::vector<uint8_t>& out) {
    if (!begins_like_tls()) return 0;
    const SslErrors errors;
    out_ = &out;
    size_t done = 0;
    if (state_ == State::kHandshake) handshake();
    while (state_ == State::kOpen && done < into.size()) {
        size_t size = 0;
        if (SSL_read_ex(ssl_, into.data() + done, into.size() - done, &size) != 1) {
            fail();
            break;
        }
        done += size;
    }
    out_ = nullptr;
    return done;
}

bool TlsSession::write(std::span<const uint8_t> bytes, std::vector<uint8_t>& out) {
    if (state_ != State::kOpen && state_ != State::kEnded) return false;
    const SslErrors errors;
    out_ = &out;
    size_t done = 0;
    const bool written = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &done) == 1;
    if (!written) {
        fail();
        if (state_ != State::kFailed) {
            // It would first read the rest of something of which only the beginning is here.
            state_ = State::kFailed;
            failure_ = Status::kProtocol;
            failure_text_ = "a TLS message was cut off";
        }
    }
    out_ = nullptr;
    return written;
}

void TlsSession::end(std::vector<uint8_t>& out) {
    if (state_ != State::kOpen && state_ != State::kEnded) return;
    const SslErrors errors;
    out_ = &out;
    SSL_shutdown(ssl_);
    out_ = nullptr;
}

std::string TlsSession::channel_binding() const {
    const OwnErrors errors;
    std::string binding(32, '\0');
    if (SSL_export_keying_material(ssl_, reinterpret_cast<uint8_t*>(binding.data()), binding.size(),
                                   kBindingLabel, sizeof kBindingLabel - 1, nullptr, 0, 0) != 1) {
        return {};
    }
    return binding;
}

std::string TlsSession::peer_pin() const {
    const X509* const certificate = SSL_get0_peer_certificate(ssl_);
    if (!certificate) return {};
    const OwnErrors errors;
    const Digest256 pin = pin_of(certificate);
    return {pin.begin(), pin.end()};
}

}  // namespace p2c2r::net
