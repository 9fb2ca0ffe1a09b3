// The first half of a TLS connection: OpenSSL shakes hands, over memory, and who answers is looked
// at. Then its keys are taken over (tls_session.cpp).
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <iterator>
#include <new>
#include <utility>

#include "core/openssl.h"
#include "net/tls_session.h"
#include "wire/frame.h"

namespace p2c2r::net {

namespace {

constexpr char kBindingLabel[] = "EXPORTER-p2c2r-login";
constexpr uint8_t kAlertRecord = 0x15;
constexpr uint8_t kHandshakeRecord = 0x16;
constexpr char kNoTls[] = "the other side does not speak TLS here";
constexpr char kPlainFrames[] = "the other side speaks plaintext, and this one TLS";
// As any server of TLS answers words that are none: fatal, unexpected_message.
constexpr uint8_t kNotExpected[] = {kAlertRecord, 3, 3, 0, 2, 2, 10};

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

}  // namespace

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
    session->secrets_ = std::make_unique<Secrets>();
    session->ssl_ = openssl_need(SSL_new(session->context_->settings_));
    SSL* const ssl = session->ssl_;
    BIO* const bio = openssl_need(BIO_new(Bio::method()));
    BIO_set_data(bio, session.get());
    SSL_set_bio(ssl, bio, bio);
    openssl_need(SSL_set_app_data(ssl, session.get()));  // callbacks find it there
    if (session->context_->is_server_) {
        SSL_set_accept_state(ssl);
        return session;
    }
    SSL_set_connect_state(ssl);
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

void TlsSession::free_handshake() {
    SSL_free(std::exchange(ssl_, nullptr));
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

namespace {

// Two pins are told apart by it, and both fit into a message.
std::string begin_of(const Digest256& pin) {
    return to_hex(pin).substr(0, 16) + "...";
}

}  // namespace

int TlsSession::verify_pin(x509_store_ctx_st* store) {
    const X509* const certificate = X509_STORE_CTX_get0_cert(store);
    const Digest256 pin = TlsContext::pin_of(certificate);
    const auto refuse = [&](int why, std::string words) {
        failure_words_ = std::move(words);
        X509_STORE_CTX_set_error(store, why);
        return 0;
    };
    if (!equal_constant_time(pin, *context_->trusted_pin_)) {
        return refuse(X509_V_ERR_CERT_REJECTED,
                      "the coordinator's key is not the one that is expected: its pin is " +
                          begin_of(pin) + ", expected is " + begin_of(*context_->trusted_pin_));
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

// After SSL_do_handshake() that did not come to an end: either it wants more, or it is over.
void TlsSession::handshake_failed() {
    const unsigned long code = SslErrors::newest();
    if (code == 0 && !out_of_memory_) {
        if (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) state_ = State::kEnded;
        return;
    }
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
        failure_text_ = words ? words : "TLS handshake failed";
    }
}

// OpenSSL would take the beginning of a plain frame for that of an ancient handshake, and wait for
// the rest of it. A caller that speaks plainly knows the alert when it sees it.
bool TlsSession::begins_like_tls(std::vector<uint8_t>& out) {
    if (arrived_.empty() || heard_) return true;
    heard_ = true;
    const uint8_t type = arrived_.front();
    if (type == kHandshakeRecord || (type == kAlertRecord && !context_->is_server_)) return true;
    if (context_->is_server_) {
        out.insert(out.end(), std::begin(kNotExpected), std::end(kNotExpected));
    }
    state_ = State::kFailed;
    const bool is_frame = type == wire::detail::kArrayOfSix;
    failure_ = is_frame ? Status::kUnsupported : Status::kProtocol;
    failure_text_ = is_frame ? kPlainFrames : kNoTls;
    return false;
}

void TlsSession::begin(std::vector<uint8_t>& out) {
    shake_hands(out);
}

void TlsSession::shake_hands(std::vector<uint8_t>& out) {
    if (!begins_like_tls(out)) return;
    const SslErrors errors;
    out_ = &out;
    const bool done = SSL_do_handshake(ssl_) == 1;
    out_ = nullptr;
    done ? take_over() : handshake_failed();
}

// What TLS calls key log is the only way to the secrets of its key schedule. "LABEL, client's
// random, secret", the latter two in hex.
void TlsSession::keep_secret(const ssl_st* ssl, const char* line) noexcept {
    auto& session = *static_cast<TlsSession*>(SSL_get_app_data(ssl));
    if (!session.secrets_) return;
    const std::string_view text(line);
    const std::string_view label = text.substr(0, text.find(' '));
    TrafficSecret* const secret = label == "CLIENT_TRAFFIC_SECRET_0"   ? &session.secrets_->client
                                  : label == "SERVER_TRAFFIC_SECRET_0" ? &session.secrets_->server
                                                                       : nullptr;
    if (!secret) return;
    const std::string_view digits = text.substr(text.rfind(' ') + 1);
    secret->size = digits.size() / 2;
    if (secret->size > TrafficSecret::kSizeMax ||
        !from_hex(digits, {secret->bytes.data(), secret->size})) {
        secret->size = 0;
    }
}

// The handshake is over: from the next record on both directions are ours. OpenSSL has taken no
// byte of them, for it reads a record's head and then that record.
void TlsSession::take_over() {
    const std::unique_ptr<Secrets> secrets = std::move(secrets_);
    const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl_);
    const uint32_t suite = cipher ? SSL_CIPHER_get_protocol_id(cipher) : 0;
    if (!RecordKey::is_suite(suite) || secrets->client.size == 0 || secrets->server.size == 0 ||
        SSL_has_pending(ssl_)) {
        state_ = State::kFailed;
        failure_ = Status::kInternal;
        failure_text_ = "the keys of a TLS connection are not to be had";
        return;
    }
    const bool is_server = context_->is_server_;
    seals_.emplace(suite, true, is_server ? secrets->server : secrets->client);
    opens_.emplace(suite, false, is_server ? secrets->client : secrets->server);
    std::string binding(32, '\0');
    if (SSL_export_keying_material(ssl_, reinterpret_cast<uint8_t*>(binding.data()), binding.size(),
                                   kBindingLabel, sizeof kBindingLabel - 1, nullptr, 0, 0) == 1) {
        channel_binding_ = std::move(binding);
    }
    if (const X509* const certificate = SSL_get0_peer_certificate(ssl_)) {
        const Digest256 pin = TlsContext::pin_of(certificate);
        peer_pin_.assign(pin.begin(), pin.end());
    }
    free_handshake();
    state_ = State::kOpen;
}

}  // namespace p2c2r::net
