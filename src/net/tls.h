// One side's settings of TLS 1.3, shared by its connections (tls_session.h). Tickets, the session
// cache and early data are off: nothing of one connection opens another. Loop thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/crypto.h"
#include "core/status.h"

struct ssl_ctx_st;
struct x509_st;

namespace p2c2r::net {

// When a certificate counts, in Unix time: from the one moment on, until before the other.
struct Validity {
    uint64_t from_s = 0;
    uint64_t until_s = 0;
};

// What the first certificate of a PEM text says of itself.
struct CertificateFacts {
    Digest256 pin{};  // SHA-256 of its public key (SubjectPublicKeyInfo in DER)
    Validity validity;
    std::string name;             // its common name; empty: it has none
    bool is_self_signed = false;  // by its own key: whoever has that may make it anew
};
Result<CertificateFacts> certificate_facts(std::string_view certificate_pem);

class TlsContext {
  public:
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    // Who answers: a certificate (its chain may follow) and its private key, both PEM. kArgument,
    // field "certificate_file" or "key_file", when one cannot be used or they are not a pair.
    static Result<std::shared_ptr<TlsContext>> server(std::string_view certificate_pem,
                                                      std::string_view key_pem);
    // Later connections use this pair; those that are open go on. After an error nothing changed.
    Result<Done> renew(std::string_view certificate_pem, std::string_view key_pem);

    // Whom to believe: exactly the key that `pin` names, or, without one, whoever has a certificate
    // for the host's name from one of the authorities in `ca_pem`. A certificate whose time is over
    // or has not come is refused in both cases.
    struct Trust {
        std::optional<Digest256> pin;
        std::string ca_pem;
    };
    static Result<std::shared_ptr<TlsContext>> client(const Trust& trust);

    // Of a server's own certificate.
    [[nodiscard]] const Digest256& pin() const { return pin_; }
    [[nodiscard]] const Validity& validity() const { return validity_; }
    static Digest256 pin_of(const x509_st* certificate);

  private:
    friend class TlsSession;
    TlsContext() = default;

    ssl_ctx_st* settings_ = nullptr;
    bool is_server_ = false;
    std::optional<Digest256> trusted_pin_;
    Digest256 pin_{};
    Validity validity_;
};

}  // namespace p2c2r::net
