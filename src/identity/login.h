// Who logs in, proven: what a gamer or peer shows to a coordinator, and what that shows.
//
// A proof is bound to the one connection it is made for: it signs, beside both sides' fresh nonces,
// the secret that the two ends of a TLS connection share and nobody else has. So it cannot be
// replayed, nor passed on by somebody who stands between the two.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/keys.h"
#include "model/task.h"

namespace p2c2r::identity {

enum class LoginMethod : uint32_t {
    kNone = 0,    // no proof: whoever comes is let in
    kToken = 1,   // 32 secret bytes
    kKey = 2,     // public key, signature
    kInvite = 3,  // one-use secret, public key, signature: enrols the key
};

using Token = std::array<uint8_t, 32>;
using InviteSecret = std::array<uint8_t, 16>;

// What both ends know of the connection.
struct LoginContext {
    std::string_view channel_binding;  // net::Connection::channel_binding(); empty: plaintext
    Role role = Role::kNone;
    Nonce client_nonce{};  // of hello
    Nonce server_nonce{};  // of hello_response
    std::string_view id;   // peer_id or client_id
};

// What a key signs: a fixed text, then all of the above in a form that no two contexts share, then
// the secret of the invitation, if it is one.
std::vector<uint8_t> login_message(const LoginContext& context, const InviteSecret* invite);

// A proof as it travels.
struct Proof {
    LoginMethod method = LoginMethod::kNone;
    std::string bytes;
};

// The parts of a proof of kKey or kInvite; nothing when its size is wrong. The signature is still
// to be checked.
struct KeyProof {
    std::optional<InviteSecret> invite;
    PublicKey key{};
    Signature signature{};
};
std::optional<KeyProof> read_key_proof(const Proof& proof);
bool is_valid(const KeyProof& proof, const LoginContext& context);

// What one end can show. Its secrets are wiped when it goes.
struct Credentials {
    std::optional<SigningKey> key;
    std::optional<Token> token;
    std::optional<InviteSecret> invite;  // used once, with the key

    // The best that the other side takes: an invitation, the key, the token, nothing. kAuth when
    // none fits, with what is asked for. A token is never sent over plaintext to another machine.
    [[nodiscard]] Result<Proof> prove(const std::vector<uint32_t>& methods,
                                      const LoginContext& context, bool is_loopback) const;
    Credentials() = default;
    Credentials(Credentials&&) = default;
    Credentials& operator=(Credentials&&) = default;
    ~Credentials();
};

}  // namespace p2c2r::identity
