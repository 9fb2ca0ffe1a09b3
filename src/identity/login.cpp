#include "identity/login.h"

#include <algorithm>

namespace p2c2r::identity {

namespace {

constexpr std::string_view kPurpose = "p2c2r login 1";

void put(std::vector<uint8_t>& out, std::string_view bytes) {
    // Lengths in front, so that no two lists of parts give the same bytes.
    const auto size = static_cast<uint32_t>(bytes.size());
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(size >> shift));
    out.insert(out.end(), bytes.begin(), bytes.end());
}

template <size_t N>
std::string_view view(const std::array<uint8_t, N>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), N};
}

template <size_t N>
void take(std::string_view& from, std::array<uint8_t, N>& into) {
    std::copy_n(from.begin(), N, into.begin());
    from.remove_prefix(N);
}

// The compiler may not leave this out.
void wipe(void* data, size_t size) {
    auto* bytes = static_cast<volatile uint8_t*>(data);
    while (size-- > 0) *bytes++ = 0;
}

}  // namespace

std::vector<uint8_t> login_message(const LoginContext& context, const InviteSecret* invite) {
    std::vector<uint8_t> message;
    put(message, kPurpose);
    put(message, context.channel_binding);
    message.push_back(static_cast<uint8_t>(context.role));
    put(message, view(context.client_nonce));
    put(message, view(context.server_nonce));
    put(message, context.id);
    put(message, invite ? view(*invite) : std::string_view());
    return message;
}

std::optional<KeyProof> read_key_proof(const Proof& proof) {
    KeyProof parts;
    std::string_view rest = proof.bytes;
    const size_t size = sizeof parts.key + sizeof parts.signature;
    if (proof.method == LoginMethod::kInvite) {
        if (rest.size() != size + sizeof(InviteSecret)) return std::nullopt;
        take(rest, parts.invite.emplace());
    } else if (proof.method != LoginMethod::kKey || rest.size() != size) {
        return std::nullopt;
    }
    take(rest, parts.key);
    take(rest, parts.signature);
    return parts;
}

bool is_valid(const KeyProof& proof, const LoginContext& context) {
    return is_signed_by(proof.key, login_message(context, proof.invite ? &*proof.invite : nullptr),
                        proof.signature);
}

Result<Proof> Credentials::prove(const std::vector<uint32_t>& methods, const LoginContext& context,
                                 bool is_loopback) const {
    const auto takes = [&](LoginMethod method) {
        return std::find(methods.begin(), methods.end(), static_cast<uint32_t>(method)) !=
               methods.end();
    };
    const bool invited = invite && key && takes(LoginMethod::kInvite);
    const bool is_open = context.channel_binding.empty() && !is_loopback;
    if (invited && is_open) {
        return make_error(Status::kAuth, "a join code is not sent in plaintext to another machine");
    }
    if (invited || (key && takes(LoginMethod::kKey))) {
        Proof proof{invited ? LoginMethod::kInvite : LoginMethod::kKey, {}};
        if (invited) proof.bytes = view(*invite);
        proof.bytes += view(key->public_key());
        proof.bytes += view(key->sign(login_message(context, invited ? &*invite : nullptr)));
        return proof;
    }
    if (token && takes(LoginMethod::kToken)) {
        if (is_open) {
            return make_error(Status::kAuth, "a token is not sent in plaintext to another machine");
        }
        return Proof{LoginMethod::kToken, std::string(view(*token))};
    }
    if (takes(LoginMethod::kNone)) return Proof{};
    return make_error(Status::kAuth,
                      key || token
                          ? "the coordinator takes no login of the kind that was configured"
                          : "the coordinator asks for a login, and neither a key nor a token was "
                            "configured");
}

Credentials::~Credentials() {
    if (token) wipe(token->data(), token->size());
    if (invite) wipe(invite->data(), invite->size());
}

}  // namespace p2c2r::identity
