#include "bindings/c/security.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "bindings/c/role_config.h"
#include "bindings/c/structs.h"
#include "core/date.h"
#include "model/value_writer.h"

namespace p2c2r::capi {

namespace {

constexpr size_t kPathMax = 4096;

Error about(const char* field, Error error) {
    error.field = field;
    return error;
}

// A secret of exactly this many bytes, or none.
template <size_t N>
Result<Done> read_secret(const void* data, size_t size, const char* field,
                         std::optional<std::array<uint8_t, N>>& out) {
    if (!data && size == 0) return Done{};
    if (!data || size != N) {
        return field_error(
            Status::kArgument, field,
            data ? "has " + std::to_string(size) + " bytes, not " + std::to_string(N) : "is NULL");
    }
    std::memcpy(out.emplace().data(), data, N);
    return Done{};
}

Result<Done> read_credentials(const p2c2r_credentials& given, roles::Endpoint& out) {
    auto credentials = std::make_shared<identity::Credentials>();
    if (given.identity_file) {
        const Result<std::string> pem = identity::read_secret_file(given.identity_file);
        if (!pem) return about("identity_file", pem.error());
        Result<identity::SigningKey> key = identity::SigningKey::from_pem(*pem);
        if (!key) {
            return field_error(key.error().status, "identity_file",
                               "'" + std::string(given.identity_file) + "' " + key.error().text);
        }
        credentials->key = std::move(*key);
    }
    Result<Done> read = read_secret(given.token, given.token_size, "token", credentials->token);
    if (!read) return read;
    read = read_secret(given.invite, given.invite_size, "invite", credentials->invite);
    if (!read) return read;
    if (credentials->invite && !credentials->key) {
        return field_error(Status::kArgument, "invite", "needs an identity_file to enrol");
    }
    out.credentials = std::move(credentials);
    return Done{};
}

Result<net::TlsContext::Trust> read_trust(const p2c2r_credentials* given) {
    net::TlsContext::Trust trust;
    if (!given) return trust;
    const uint8_t* const pin = given->server_pin;
    if (std::any_of(pin, pin + sizeof given->server_pin, [](uint8_t byte) { return byte != 0; })) {
        std::memcpy(trust.pin.emplace().data(), pin, sizeof given->server_pin);
        return trust;
    }
    if (!given->ca_file) return trust;
    Result<std::string> pem = identity::read_public_file(given->ca_file);
    if (!pem) return about("ca_file", pem.error());
    trust.ca_pem = std::move(*pem);
    return trust;
}

Bytes key_answer(const identity::PublicKey& key) {
    ValueWriter writer;
    writer.map(2).key("public_key").text(to_hex(key));
    writer.key("pin").text(to_hex(identity::pin_of(key)));
    return writer.take();
}

Result<Done> as_argument(const Result<Done>& read) {
    if (read) return read;
    return field_error(Status::kArgument, read.error().field, "args_json: " + read.error().text);
}

}  // namespace

p2c2r_status read_endpoint(const char* url, const p2c2r_credentials* given, bool allow_plaintext,
                           roles::Endpoint& out, p2c2r_error* why) {
    Result<std::vector<Url>> parsed = parse_urls(url, allow_plaintext);
    if (!parsed) return fail(why, parsed.error());
    out.host = parsed->front().host;
    out.port = parsed->front().port;
    for (size_t i = 1; i < parsed->size(); ++i) {
        out.others.push_back({(*parsed)[i].host, (*parsed)[i].port});
    }
    InStruct<p2c2r_credentials> credentials;
    if (given) {
        if (const p2c2r_status bad = credentials.read(given, "credentials", why)) return bad;
        if (const Result<Done> read = read_credentials(*credentials, out); !read) {
            return fail(why, read.error());
        }
    }
    if (!parsed->front().encrypted) return P2C2R_OK;
    const Result<net::TlsContext::Trust> trust = read_trust(given ? &*credentials : nullptr);
    if (!trust) return fail(why, trust.error());
    Result<std::shared_ptr<net::TlsContext>> tls = net::TlsContext::client(*trust);
    if (!tls) return fail(why, tls.error());
    out.tls = std::move(*tls);
    return P2C2R_OK;
}

// ---- a coordinator's
// -----------------------------------------------------------------------------

namespace {

struct PemPair {
    std::string certificate;
    std::string key;
};

Result<PemPair> read_pair(const std::string& certificate_file, const std::string& key_file) {
    PemPair pair;
    Result<std::string> certificate = identity::read_public_file(certificate_file);
    if (!certificate) return about("certificate_file", certificate.error());
    Result<std::string> key = identity::read_secret_file(key_file);
    if (!key) return about("key_file", key.error());
    return PemPair{std::move(*certificate), std::move(*key)};
}

Error about_certificate(const std::string& certificate_file, const Error& error) {
    return field_error(error.status, "certificate_file",
                       "'" + certificate_file + "' " + error.text);
}

// Every client would refuse it, each with an error of its own that nobody here sees.
Result<PemPair> read_good_pair(const std::string& certificate_file, const std::string& key_file,
                               uint64_t unix_seconds) {
    Result<PemPair> pair = read_pair(certificate_file, key_file);
    if (!pair) return pair;
    const Result<net::CertificateFacts> facts = net::certificate_facts(pair->certificate);
    if (!facts) return about_certificate(certificate_file, facts.error());
    if (unix_seconds < facts->validity.until_s) return pair;
    return field_error(
        Status::kState, "certificate_file",
        "the certificate ended on " + date_text(facts->validity.until_s) +
            "; 'p2c2r keys renew' makes another one for the same key: " + certificate_file);
}

}  // namespace

Result<std::shared_ptr<net::TlsContext>> load_server_tls(const std::string& certificate_file,
                                                         const std::string& key_file,
                                                         uint64_t unix_seconds) {
    const Result<PemPair> pair = read_good_pair(certificate_file, key_file, unix_seconds);
    if (!pair) return pair.error();
    return net::TlsContext::server(pair->certificate, pair->key);
}

Result<Done> reload_server_tls(net::TlsContext& tls, const std::string& certificate_file,
                               const std::string& key_file, uint64_t unix_seconds) {
    const Result<PemPair> pair = read_good_pair(certificate_file, key_file, unix_seconds);
    if (!pair) return pair.error();
    return tls.renew(pair->certificate, pair->key);
}

Result<std::unique_ptr<AccessGuard>> AccessGuard::open(const std::string& access_file,
                                                       const std::string& audit_file) {
    auto guard = std::make_unique<AccessGuard>(access_file, audit_file);
    Result<std::unique_ptr<identity::FileLock>> lock = identity::FileLock::take(access_file);
    if (!lock) return about("access_file", lock.error());
    guard->lock = std::move(*lock);
    const Result<Done> made = identity::make_secret_file(access_file, guard->list.text());
    if (made) return guard;
    if (made.error().status != Status::kExists) return about("access_file", made.error());
    const Result<std::string> text = identity::read_secret_file(access_file);
    if (!text) return about("access_file", text.error());
    if (const Result<Done> read = guard->list.read(*text); !read) {
        const Error& error = read.error();
        return field_error(Status::kArgument, "access_file",
                           "'" + access_file +
                               "': " + (error.field.empty() ? "" : error.field + " ") + error.text +
                               "; put a whole copy of it back, or move it away: then nobody is "
                               "known, and every machine has to be invited again");
    }
    return guard;
}

// ---- keys
// ----------------------------------------------------------------------------------------

namespace {

// A certificate and the like may be read by others: it is no secret that was given away.
bool holds_private_key(const std::string& file) {
    const Result<std::string> text = identity::read_public_file(file);
    return !text || text->find("PRIVATE KEY-----") != std::string::npos;
}

Result<identity::SigningKey> read_key(const std::string& file) {
    const Result<std::string> pem = identity::read_secret_file(file);
    if (!pem && pem.error().status == Status::kDenied && !holds_private_key(file)) {
        return field_error(Status::kArgument, "file",
                           "'" + file + "' holds no private key in PEM form without a password");
    }
    if (!pem) return about("file", pem.error());
    Result<identity::SigningKey> key = identity::SigningKey::from_pem(*pem);
    if (!key) return field_error(Status::kArgument, "file", "'" + file + "' " + key.error().text);
    return key;
}

}  // namespace

Result<Bytes> keys_new(ParamsReader& reader, uint64_t unix_seconds) {
    const std::string file(reader.text("file", kPathMax));
    const std::string name(reader.text("name", kPathMax, "p2c2r"));
    const std::string certificate_file(reader.text("certificate_file", kPathMax, ""));
    if (const Result<Done> good = as_argument(reader.finish()); !good) return good.error();
    const identity::SigningKey key = identity::SigningKey::generate();
    const Result<std::string> certificate = key.certificate(name, unix_seconds);
    if (!certificate) return certificate.error();
    // The certificate first: without its key it is of no use, and harms nobody.
    if (!certificate_file.empty()) {
        const Result<Done> made = identity::make_public_file(certificate_file, *certificate);
        if (!made) return about("certificate_file", made.error());
    }
    if (const Result<Done> made = identity::make_secret_file(file, key.to_pem()); !made) {
        if (!certificate_file.empty()) identity::remove_file(certificate_file);
        return about("file", made.error());
    }
    return key_answer(key.public_key());
}

Result<Bytes> keys_certificate(ParamsReader& reader, uint64_t unix_seconds) {
    const std::string file(reader.text("file", kPathMax));
    const std::string name(reader.text("name", kPathMax, "p2c2r"));
    const std::string certificate_file(reader.text("certificate_file", kPathMax));
    if (const Result<Done> good = as_argument(reader.finish()); !good) return good.error();
    const Result<identity::SigningKey> key = read_key(file);
    if (!key) return key.error();
    const Result<std::string> certificate = key->certificate(name, unix_seconds);
    if (!certificate) return certificate.error();
    const Result<Done> made = identity::make_public_file(certificate_file, *certificate);
    if (!made) return about("certificate_file", made.error());
    return key_answer(key->public_key());
}

// The same key and name from now on for ten years, in place of the old certificate: pins stay good.
Result<Bytes> keys_renew(ParamsReader& reader, uint64_t unix_seconds) {
    const std::string file(reader.text("file", kPathMax));
    const std::string certificate_file(reader.text("certificate_file", kPathMax));
    const std::string name(reader.text("name", kPathMax, ""));
    // Only if it counts for fewer than this, or not yet: one that was made while the clock was
    // wrong would shut everybody out. Without it in any case.
    const int64_t days_left = reader.integer("days_left", 0, 3652, 0);
    const bool always = !reader.has("days_left");
    if (const Result<Done> good = as_argument(reader.finish()); !good) return good.error();
    const Result<identity::SigningKey> key = read_key(file);
    if (!key) return key.error();
    const Result<std::string> old = identity::read_public_file(certificate_file);
    if (!old) return about("certificate_file", old.error());
    Result<net::CertificateFacts> facts = net::certificate_facts(*old);
    if (!facts) return about_certificate(certificate_file, facts.error());
    if (!equal_constant_time(facts->pin, identity::pin_of(key->public_key()))) {
        return field_error(Status::kArgument, "certificate_file",
                           "'" + certificate_file + "' is of another key than '" + file + "'");
    }
    if (!facts->is_self_signed) {
        return field_error(
            Status::kState, "certificate_file",
            "was signed by an authority, which alone can renew it: '" + certificate_file + "'");
    }
    const auto most_s = static_cast<uint64_t>(days_left) * 86'400;
    const bool is_due = always || unix_seconds < facts->validity.from_s ||
                        facts->validity.until_s < unix_seconds + most_s;
    if (is_due) {
        const std::string& subject = name.empty() ? facts->name : name;
        const Result<std::string> fresh =
            key->certificate(subject.empty() ? "p2c2r" : subject, unix_seconds);
        if (!fresh) return fresh.error();
        const Result<Done> written = identity::replace_public_file(certificate_file, *fresh);
        if (!written) return about("certificate_file", written.error());
        facts = net::certificate_facts(*fresh);
        if (!facts) return facts.error();
    }
    ValueWriter writer;
    writer.map(4).key("public_key").text(to_hex(key->public_key()));
    writer.key("pin").text(to_hex(facts->pin)).key("renewed").boolean(is_due);
    writer.key("valid_until_s").unsigned_integer(facts->validity.until_s);
    return writer.take();
}

Result<Bytes> keys_show(ParamsReader& reader) {
    const std::string file(reader.text("file", kPathMax));
    if (const Result<Done> good = as_argument(reader.finish()); !good) return good.error();
    const Result<identity::SigningKey> key = read_key(file);
    if (!key) return key.error();
    return key_answer(key->public_key());
}

}  // namespace p2c2r::capi
