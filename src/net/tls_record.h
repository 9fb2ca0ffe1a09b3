// Records of an open TLS 1.3 connection, one direction each (RFC 8446, sections 5 and 7): plain
// bytes in the caller's own pieces to a sealed record and back, without a copy in between. The
// handshake and its key schedule are OpenSSL's, the cipher is behind record_cipher.h; here are only
// the head, the nonce and the place of each byte.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "net/record_cipher.h"
#include "net/socket.h"

namespace p2c2r::net {

// A traffic secret. Its memory is wiped when it goes.
struct TrafficSecret {
    static constexpr size_t kSizeMax = 48;
    std::array<uint8_t, kSizeMax> bytes{};
    size_t size = 0;

    TrafficSecret() = default;
    TrafficSecret(const TrafficSecret&) = default;
    TrafficSecret& operator=(const TrafficSecret&) = default;
    ~TrafficSecret();
    [[nodiscard]] std::span<const uint8_t> span() const { return {bytes.data(), size}; }
};

enum class RecordType : uint8_t { kAlert = 21, kHandshake = 22, kData = 23 };

class RecordKey {
  public:
    static constexpr size_t kHeadSize = 5;
    static constexpr size_t kPlainMax = 16 * 1024;
    static constexpr size_t kOverhead = kHeadSize + 1 + RecordCipher::kTagSize;  // without padding
    static constexpr size_t kSealedMax = kPlainMax + kOverhead;

    // By its number in the registry of TLS (0x1301 to 0x1303).
    static bool is_suite(uint32_t suite);

    // The first key of the direction whose secret this is. Throws std::bad_alloc.
    RecordKey(uint32_t suite, bool seals, const TrafficSecret& secret);
    ~RecordKey();
    RecordKey(const RecordKey&) = delete;
    RecordKey& operator=(const RecordKey&) = delete;

    // The next key of this direction; the old one cannot be had from it. Throws std::bad_alloc.
    void update();
    // Sealed or opened under this key.
    [[nodiscard]] uint64_t records() const { return sequence_; }

    // One record of all of `pieces`, at most kPlainMax bytes, to where their size and kOverhead
    // have room. False: not possible.
    [[nodiscard]] bool seal(RecordType type, std::span<const IoPiece> pieces, uint8_t* out);

    // What the head at `bytes` announces, kHeadSize included; 0 when it is no head of a sealed
    // record. MUST have kHeadSize bytes.
    static size_t sealed_size(const uint8_t* bytes);
    // One whole record into `pieces`, in order, which MUST have room for record.size() - kOverhead
    // bytes. Only after true do these bytes mean anything: `size` of them, of this `type`, whatever
    // number that is; what is behind them in `pieces` may be overwritten, too. False: it was not
    // sealed with this key as the next record.
    [[nodiscard]] bool open(std::span<const uint8_t> record, std::span<const IoPiece> pieces,
                            RecordType& type, size_t& size);

  private:
    void use_secret();
    [[nodiscard]] bool begin_record(const uint8_t* head);

    const uint32_t suite_;
    const bool seals_;
    TrafficSecret secret_;
    std::array<uint8_t, RecordCipher::kNonceSize> iv_{};
    uint64_t sequence_ = 0;
    const std::unique_ptr<RecordCipher> cipher_;
};

}  // namespace p2c2r::net
