// Ed25519 keys: who a machine or person is. A key signs logins; a certificate made for it lets a
// coordinator answer TLS.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/crypto.h"
#include "core/status.h"

namespace p2c2r::identity {

using PublicKey = std::array<uint8_t, 32>;
using Signature = std::array<uint8_t, 64>;

// The secret half. Its memory is wiped when it goes.
class SigningKey {
  public:
    // From the system's random source; throws std::bad_alloc when that is not to be had.
    static SigningKey generate();
    // A PEM text without a password (PKCS #8). kArgument when it holds no Ed25519 key.
    static Result<SigningKey> from_pem(std::string_view pem);

    SigningKey(SigningKey&&) noexcept;
    SigningKey& operator=(SigningKey&&) noexcept;
    ~SigningKey();

    [[nodiscard]] std::string to_pem() const;  // secret: for a file that only its owner can read
    [[nodiscard]] const PublicKey& public_key() const { return public_key_; }
    [[nodiscard]] Signature sign(std::span<const uint8_t> message) const;

    // A certificate that this key has signed for itself, PEM: valid from two days before
    // `unix_seconds`, for clocks that are behind, to ten years after it. `name` (1 to 64 bytes) is
    // shown to people; who trusts it does so by its pin.
    [[nodiscard]] Result<std::string> certificate(std::string_view name,
                                                  uint64_t unix_seconds) const;

  private:
    struct Secret;
    explicit SigningKey(std::unique_ptr<Secret> secret);

    std::unique_ptr<Secret> secret_;
    PublicKey public_key_{};
};

// RFC 8032. False for whatever is no valid signature, for keys that are no points, and for the few
// that anybody can sign for.
bool is_signed_by(const PublicKey& key, std::span<const uint8_t> message,
                  const Signature& signature);

// The pin (net/tls.h) of a certificate for this key.
Digest256 pin_of(const PublicKey& key);

}  // namespace p2c2r::identity
