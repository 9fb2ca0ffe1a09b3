// TLS 1.3 over memory: bytes of the one side in, bytes for the other side out. Knows no socket.
//
// A TlsContext is one side's settings, shared by its connections; a TlsSession is one end of one
// connection. Tickets, the session cache and early data are off: nothing of one connection opens
// another. Loop thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/crypto.h"
#include "core/status.h"

struct ssl_ctx_st;
struct ssl_st;
struct x509_store_ctx_st;

namespace p2c2r::net {

// SHA-256 of the public key of a certificate (its SubjectPublicKeyInfo in DER): what a pin names.
Result<Digest256> certificate_pin(std::string_view certificate_pem);

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

  private:
    friend class TlsSession;
    TlsContext() = default;

    ssl_ctx_st* settings_ = nullptr;
    bool is_server_ = false;
    std::optional<Digest256> trusted_pin_;
    Digest256 pin_{};
};

class TlsSession {
  public:
    // Plaintext of one record, at most.
    static constexpr size_t kRecordSize = 16 * 1024;

    // `host` is who is called, by name or address; a server needs none. NULL when memory is short.
    static std::unique_ptr<TlsSession> create(std::shared_ptr<TlsContext> context,
                                              const std::string& host);
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    enum class State : uint8_t {
        kHandshake,  // neither side may send yet
        kOpen,
        kEnded,   // the other side has said that nothing follows
        kFailed,  // see failure() and failure_text(); an alert for the other side may be in `out`
    };
    [[nodiscard]] State state() const { return state_; }

    // All calls put what has to go to the other side behind what is in `out`.

    // A client's first words.
    void begin(std::vector<uint8_t>& out);
    // What has arrived. It MUST stay where it is until read() has returned 0.
    void feed(std::span<const uint8_t> arrived) { arrived_ = arrived; }
    // Goes on with what was fed: shakes hands, then decrypts into `into`. The bytes written there;
    // 0 when all that was fed is used up, and in the states kEnded and kFailed.
    size_t read(std::span<uint8_t> into, std::vector<uint8_t>& out);
    // One record of at most kRecordSize bytes; in state kOpen only. False: failed.
    bool write(std::span<const uint8_t> bytes, std::vector<uint8_t>& out);
    // Tells the other side that nothing follows.
    void end(std::vector<uint8_t>& out);

    [[nodiscard]] Status failure() const { return failure_; }
    // Static text or text that lives as long as this object.
    [[nodiscard]] const char* failure_text() const { return failure_text_; }

    // ---- in state kOpen
    // Both sides of this connection have the same 32 bytes here, and nobody else: what a login
    // signs. From the exporter of RFC 8446, label "EXPORTER-p2c2r-login". Empty when it failed.
    [[nodiscard]] std::string channel_binding() const;
    // The pin of the other side's certificate; empty when it has none.
    [[nodiscard]] std::string peer_pin() const;

  private:
    struct Bio;
    explicit TlsSession(std::shared_ptr<TlsContext> context) : context_(std::move(context)) {}
    friend class TlsContext;
    static int verify(x509_store_ctx_st* store, void* unused);
    int verify_pin(x509_store_ctx_st* store);
    bool handshake();
    void fail();
    bool begins_like_tls();

    const std::shared_ptr<TlsContext> context_;
    ssl_st* ssl_ = nullptr;
    State state_ = State::kHandshake;
    std::span<const uint8_t> arrived_;
    std::vector<uint8_t>* out_ = nullptr;  // of the call that runs
    bool heard_ = false;                   // something has arrived
    bool out_of_memory_ = false;
    bool is_wrong_time_ = false;  // the certificate's time has not come, by this machine's clock
    Status failure_ = Status::kOk;
    const char* failure_text_ = "";
    std::string failure_words_;
};

}  // namespace p2c2r::net
