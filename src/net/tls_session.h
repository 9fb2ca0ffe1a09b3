// One end of one TLS 1.3 connection, over memory: bytes of the one side in, bytes for the other
// side out. Knows no socket. Loop thread only.
//
// The handshake is OpenSSL's; the records that follow are opened and sealed here (tls_record.h), so
// that bytes go straight between the wire and where the caller has them, and an open connection
// keeps two keys and nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/status.h"
#include "net/tls.h"
#include "net/tls_record.h"

struct ssl_st;
struct x509_store_ctx_st;

namespace p2c2r::net {

class TlsSession {
  public:
    // Plaintext of one record, at most.
    static constexpr size_t kRecordSize = RecordKey::kPlainMax;
    // What write() makes of a record is at most so much longer.
    static constexpr size_t kWriteExtra = 2 * RecordKey::kOverhead + 5;
    // A key is used for so many records, then comes the next one: AES-GCM stays far below its
    // bounds (RFC 8446, section 5.5).
    static constexpr uint64_t kRecordsPerKey = 1u << 24;

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

    // What has to go to the other side is put behind what is in `out`. All calls throw
    // std::bad_alloc, after which the session is of no more use.

    // A client's first words.
    void begin(std::vector<uint8_t>& out);
    // What has arrived. It MUST stay where it is until read() has returned 0.
    void feed(std::span<const uint8_t> arrived) { arrived_ = arrived; }
    // Goes on with what was fed: shakes hands, then decrypts into `into`, at most two pieces, in
    // order. The bytes written there; 0 when all that was fed is used up, and in the states kEnded
    // and kFailed. What is behind them in `into` may be overwritten with bytes that mean nothing.
    size_t read(std::span<const IoPiece> into, std::vector<uint8_t>& out);
    // Nothing is left of what was fed.
    [[nodiscard]] bool is_done() const { return arrived_.empty() && spilled_.empty(); }
    // One record of all of `pieces`, 1 to kRecordSize bytes, to `to`, which MUST have room for that
    // and kWriteExtra; in the states kOpen and kEnded only. The bytes put there; 0: failed.
    size_t write(std::span<const IoPiece> pieces, uint8_t* to);
    // Tells the other side that nothing follows. The bytes put at `to`; 0: there is nobody to tell.
    static constexpr size_t kEndSize = RecordKey::kOverhead + 2;
    size_t end(uint8_t* to) noexcept;

    // A record of which only the beginning has come: bytes here, and its size as far as it is
    // known. 0: there is none.
    [[nodiscard]] size_t partial_received() const { return partial_.size(); }
    [[nodiscard]] size_t partial_size() const;
    [[nodiscard]] uint64_t records_opened() const {
        return opens_ ? opened_before_ + opens_->records() : 0;
    }

    [[nodiscard]] Status failure() const { return failure_; }
    // Static text or text that lives as long as this object.
    [[nodiscard]] const char* failure_text() const { return failure_text_; }

    // ---- once open
    // Both sides of this connection have the same 32 bytes here, and nobody else: what a login
    // signs. From the exporter of RFC 8446, label "EXPORTER-p2c2r-login". Empty when it failed.
    [[nodiscard]] const std::string& channel_binding() const { return channel_binding_; }
    // The pin of the other side's certificate; empty when it has none.
    [[nodiscard]] const std::string& peer_pin() const { return peer_pin_; }
    // Fewer records than kRecordsPerKey, for tests.
    void set_records_per_key(uint64_t records) { records_per_key_ = records; }

  private:
    struct Bio;
    struct Room;
    explicit TlsSession(std::shared_ptr<TlsContext> context) : context_(std::move(context)) {}
    friend class TlsContext;
    static int verify(x509_store_ctx_st* store, void* unused);
    static void keep_secret(const ssl_st* ssl, const char* line) noexcept;
    int verify_pin(x509_store_ctx_st* store);
    void shake_hands(std::vector<uint8_t>& out);
    void handshake_failed();
    bool begins_like_tls(std::vector<uint8_t>& out);
    void take_over();
    void free_handshake();

    // ---- after the handshake (tls_session.cpp)
    std::span<const uint8_t> next_record(std::vector<uint8_t>& out);
    void used(std::span<const uint8_t> record);
    void open_record(std::span<const uint8_t> record, Room& room, std::vector<uint8_t>& out);
    void hear_alert(const uint8_t* content, size_t size, std::vector<uint8_t>& out);
    void hear_handshake(const uint8_t* content, size_t size, std::vector<uint8_t>& out);
    void add_record(RecordType type, std::span<uint8_t> content, std::vector<uint8_t>& out);
    void broken(uint8_t why_alert, const char* why, std::vector<uint8_t>* out);

    // Those of the handshake, until it is over.
    struct Secrets {
        TrafficSecret client;
        TrafficSecret server;
    };

    const std::shared_ptr<TlsContext> context_;
    ssl_st* ssl_ = nullptr;  // until the handshake is over
    std::unique_ptr<Secrets> secrets_;
    std::optional<RecordKey> opens_;
    std::optional<RecordKey> seals_;
    uint64_t records_per_key_ = kRecordsPerKey;
    uint64_t opened_before_ = 0;  // records, under earlier keys
    uint32_t updates_heard_ = 0;
    State state_ = State::kHandshake;
    std::span<const uint8_t> arrived_;
    std::vector<uint8_t> partial_;  // a record of which only the beginning has come
    std::vector<uint8_t> spilled_;  // plaintext that was more than the caller had room for
    size_t spilled_first_ = 0;
    std::vector<uint8_t>* out_ = nullptr;  // of the call that runs
    bool heard_ = false;                   // something has arrived
    bool out_of_memory_ = false;
    bool is_wrong_time_ = false;  // the certificate's time has not come, by this machine's clock
    Status failure_ = Status::kOk;
    const char* failure_text_ = "";
    std::string failure_words_;
    std::string channel_binding_;
    std::string peer_pin_;
};

}  // namespace p2c2r::net
