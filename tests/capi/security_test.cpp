// TLS, keys, join codes and revocation through the C interface: two runtimes that meet over
// encrypted loopback, as two machines would.
#include "security_world.h"
#include "support/old_certificate.h"

using namespace capi_test;

TEST_CASE("security: a guest joins with a code, comes back with its key, and is thrown out") {
    Host host;
    Guest guest(host);
    guest.with_invite(host.invite("gamer"));
    {
        const Client client = guest.connect(host.url);
        REQUIRE_MESSAGE(guest.last == P2C2R_OK, guest.last_text);
        echoes(client.get());
    }
    guest.credentials.invite = nullptr;
    guest.credentials.invite_size = 0;
    const Client client = guest.connect(host.url);
    REQUIRE(guest.last == P2C2R_OK);
    CHECK(call(host.coordinator.get(), "key.list", "{}").find("\"connections\":1") !=
          std::string::npos);
    call(host.coordinator.get(), "key.revoke", "{\"name\":\"guest\"}");
    const Client again = guest.connect(host.url);
    CHECK(guest.last == P2C2R_E_AUTH);
    CHECK(guest.last_text.find("'guest' was revoked") != std::string::npos);
    const std::string audit = content_of(host.audit);
    for (const char* what : {"invited", "enrolled", "login", "revoked", "login_refused"}) {
        CAPTURE(what);
        CHECK(audit.find("\"what\":\"" + std::string(what) + "\"") != std::string::npos);
    }
}

TEST_CASE("security: who may come in is still known after a restart") {
    Host host;
    Guest guest(host);
    call(host.coordinator.get(), "key.add",
         "{\"name\":\"desk\",\"key\":\"" + guest.public_key + "\",\"roles\":\"gamer,peer\"}");
    host.coordinator.reset();
    host.start();
    const Client client = guest.connect(host.url);
    REQUIRE_MESSAGE(guest.last == P2C2R_OK, guest.last_text);
    echoes(client.get());
}

TEST_CASE("security: a peer over TLS computes for a client in the coordinator's process") {
    Host host;
    Guest guest(host);
    guest.with_invite(host.invite("peer"));
    auto config = sized<p2c2r_peer_config>();
    config.coordinator_url = host.url.c_str();
    config.credentials = &guest.credentials;
    p2c2r_peer* made = nullptr;
    REQUIRE(p2c2r_peer_create(guest.runtime.get(), &config, &made, nullptr) == P2C2R_OK);
    const Peer peer(made);
    REQUIRE(p2c2r_peer_start(made, nullptr) == P2C2R_OK);
    const Client client = make_client(host.runtime.get(), host.coordinator.get());
    REQUIRE(p2c2r_client_connect(client.get(), 5000, nullptr) == P2C2R_OK);
    for (int i = 0; i < 500; ++i) {
        auto stats = sized<p2c2r_coordinator_stats>();
        REQUIRE(p2c2r_coordinator_stats_get(host.coordinator.get(), &stats) == P2C2R_OK);
        if (stats.active_peers == 1) break;
        usleep(10'000);
    }
    echoes(client.get());
    auto stats = sized<p2c2r_peer_stats>();
    REQUIRE(p2c2r_peer_stats_get(made, &stats) == P2C2R_OK);
    CHECK(stats.completed == 1);
}

TEST_CASE("security: a token opens for software without a key") {
    Host host;
    Guest guest(host);
    const std::vector<uint8_t> token =
        from_hex(text_of(call(host.coordinator.get(), "key.token", "{\"name\":\"bot\"}"), "token"));
    guest.credentials.identity_file = nullptr;
    guest.credentials.token = token.data();
    guest.credentials.token_size = token.size();
    const Client client = guest.connect(host.url);
    REQUIRE_MESSAGE(guest.last == P2C2R_OK, guest.last_text);
    echoes(client.get());
}

TEST_CASE("security: what goes wrong on the way in is said in words") {
    Host host;
    Guest guest(host);
    SUBCASE("the wrong pin") {
        std::string other = host.pin;
        other[0] = other[0] == '0' ? '1' : '0';
        guest.trust(other);
        guest.connect(host.url);
        CHECK(guest.last == P2C2R_E_AUTH);
        CHECK(guest.last_text.find("is not the one that is expected") != std::string::npos);
    }
    SUBCASE("a key that is not enrolled") {
        guest.connect(host.url);
        CHECK(guest.last == P2C2R_E_AUTH);
        CHECK(guest.last_text.find("is not enrolled here") != std::string::npos);
    }
    SUBCASE("a used code") {
        Guest first(host);
        const std::vector<uint8_t> secret = host.invite("gamer");
        first.with_invite(secret);
        const Client client = first.connect(host.url);
        REQUIRE(first.last == P2C2R_OK);
        guest.with_invite(secret);
        guest.connect(host.url, "late");
        CHECK(guest.last == P2C2R_E_AUTH);
        CHECK(guest.last_text.find("was used already") != std::string::npos);
    }
    SUBCASE("plaintext to a coordinator that wants TLS") {
        const std::string plain = "p2c2r+plain" + host.url.substr(std::strlen("p2c2r"));
        auto config = sized<p2c2r_client_config>();
        config.coordinator_url = plain.c_str();
        config.reconnect_attempts = P2C2R_NONE;
        p2c2r_client* made = nullptr;
        REQUIRE(p2c2r_client_create(guest.runtime.get(), &config, &made, nullptr) == P2C2R_OK);
        const Client client(made);
        CHECK(p2c2r_client_connect(made, 5000, nullptr) != P2C2R_OK);
    }
}

TEST_CASE("security: renewed certificates count without a restart") {
    Host host;
    Guest guest(host);
    call(host.coordinator.get(), "key.add",
         "{\"name\":\"guest\",\"key\":\"" + guest.public_key + "\"}");
    const Client before = guest.connect(host.url);
    REQUIRE(guest.last == P2C2R_OK);
    unlink(host.key.c_str());
    unlink(host.certificate.c_str());
    const std::string fresh = host.make_keys("key.pem", "cert.pem");
    CHECK(text_of(call(host.coordinator.get(), "reload", "{}"), "pin") == fresh);
    echoes(before.get());
    guest.connect(host.url, "second");
    CHECK(guest.last == P2C2R_E_AUTH);
    guest.trust(fresh);
    const Client after = guest.connect(host.url, "third");
    CHECK(guest.last == P2C2R_OK);
}

TEST_CASE("security: of several places the one is found where the coordinator is itself") {
    Host stranger;
    Host host;
    Guest guest(host);
    call(host.coordinator.get(), "key.add",
         "{\"name\":\"guest\",\"key\":\"" + guest.public_key + "\"}");
    const std::string nobody = "p2c2r://127.0.0.1:1";
    {
        const Client client = guest.connect(nobody + "," + stranger.url + "," + host.url);
        CHECK_MESSAGE(guest.last == P2C2R_OK, guest.last_text);
        CHECK("p2c2r://" + guest.where == host.url);
        echoes(client.get());
    }
    // Nowhere itself: given up, as at a single place.
    guest.connect(stranger.url + "," + stranger.url);
    CHECK(guest.last == P2C2R_E_AUTH);
    CHECK(guest.last_text.find("is not the one that is expected") != std::string::npos);
    // What the coordinator itself refuses, it refuses at every place.
    call(host.coordinator.get(), "key.revoke", R"({"name":"guest"})");
    guest.connect(host.url + "," + stranger.url);
    CHECK(guest.last == P2C2R_E_AUTH);
    CHECK(guest.last_text.find("was revoked") != std::string::npos);

    guest.connect(host.url + ",p2c2r+plain://127.0.0.1:1");
    CHECK(guest.last == P2C2R_E_ARGUMENT);
    CHECK(guest.last_text.find("begin alike") != std::string::npos);
    std::string many = host.url;
    for (int i = 0; i < 8; ++i) many += "," + host.url;
    guest.connect(many);
    CHECK(guest.last == P2C2R_E_ARGUMENT);
    CHECK(guest.last_text.find("more than 8 places") != std::string::npos);
    guest.connect(host.url + ",");
    CHECK(guest.last == P2C2R_E_ARGUMENT);
}

TEST_CASE("security: a certificate whose time is over is refused until it is renewed") {
    Host host;
    host.coordinator.reset();
    const auto write = [](const std::string& path, const char* text, mode_t mode) {
        unlink(path.c_str());
        std::ofstream(path) << text;
        REQUIRE(chmod(path.c_str(), mode) == 0);
    };
    write(host.key, p2c2r::test::kOldKeyPem, 0600);
    write(host.certificate, p2c2r::test::kOldCertificatePem, 0644);
    auto config = sized<p2c2r_coordinator_config>();
    config.certificate_file = host.certificate.c_str();
    config.key_file = host.key.c_str();
    p2c2r_coordinator* made = nullptr;
    p2c2r_error why = {};
    CHECK(p2c2r_coordinator_create(host.runtime.get(), &config, &made, &why) == P2C2R_E_STATE);
    CHECK(std::string(why.field) == "certificate_file");
    CHECK(std::string(why.text) ==
          "the certificate ended on 2011-09-09 01:46 UTC; 'p2c2r keys renew' makes another one for "
          "the same key: " +
              host.certificate);
    const std::string files =
        "{\"file\":\"" + host.key + "\",\"certificate_file\":\"" + host.certificate + "\"";
    const std::string old_pin =
        text_of(call(host.runtime.get(), "keys.show", "{\"file\":\"" + host.key + "\"}"), "pin");
    // With as many days as it has no certificate has too few left; this one has none at all.
    const std::string told = call(host.runtime.get(), "keys.renew", files + ",\"days_left\":1}");
    CHECK(told.find("\"renewed\":true") != std::string::npos);
    CHECK(text_of(told, "pin") == old_pin);
    CHECK(call(host.runtime.get(), "keys.renew", files + ",\"days_left\":30}")
              .find("\"renewed\":false") != std::string::npos);
    host.pin = old_pin;
    host.start();
    Guest guest(host);
    guest.with_invite(host.invite("gamer"));
    const Client client = guest.connect(host.url);
    REQUIRE_MESSAGE(guest.last == P2C2R_OK, guest.last_text);
    echoes(client.get());
    // Nor does a reload take an old one; what is in use stays.
    write(host.certificate, p2c2r::test::kOldCertificatePem, 0644);
    p2c2r_result* result = nullptr;
    CHECK(p2c2r_coordinator_call(host.coordinator.get(), "reload", nullptr, 0, &result, &why) ==
          P2C2R_E_STATE);
    Guest again(host);
    again.with_invite(host.invite("gamer"));
    const Client other = again.connect(host.url, "other");
    CHECK(again.last == P2C2R_OK);
    // Another key's certificate is not replaced.
    host.make_keys("other.pem", "other-cert.pem");
    CHECK(p2c2r_runtime_call(host.runtime.get(), "keys.renew",
                             ("{\"file\":\"" + host.folder.file("other.pem") +
                              "\",\"certificate_file\":\"" + host.certificate + "\"}")
                                 .c_str(),
                             nullptr, 1000, &result, &why) == P2C2R_E_ARGUMENT);
    CHECK(std::string(why.text).find("is of another key than") != std::string::npos);
}

TEST_CASE("security: files that cannot be used are named with their field") {
    Host host;
    Guest guest(host);
    const auto client_error = [&](const p2c2r_credentials* credentials, const char* url) {
        auto config = sized<p2c2r_client_config>();
        config.coordinator_url = url;
        config.credentials = credentials;
        p2c2r_client* client = nullptr;
        p2c2r_error why = {};
        CHECK(p2c2r_client_create(guest.runtime.get(), &config, &client, &why) != P2C2R_OK);
        CHECK(client == nullptr);
        return why;
    };
    const std::string url = host.url;
    CHECK(std::string(client_error(nullptr, url.c_str()).field) == "server_pin");
    p2c2r_credentials bad = guest.credentials;
    const std::string missing = guest.folder.file("missing");
    bad.identity_file = missing.c_str();
    p2c2r_error why = client_error(&bad, url.c_str());
    CHECK(std::string(why.field) == "identity_file");
    CHECK(why.status == P2C2R_E_IO);
    REQUIRE(chmod(guest.identity.c_str(), 0644) == 0);
    why = client_error(&guest.credentials, url.c_str());
    CHECK(std::string(why.field) == "identity_file");
    CHECK(why.status == P2C2R_E_DENIED);
    CHECK(std::string(why.text).find("mode 0644") != std::string::npos);
    REQUIRE(chmod(guest.identity.c_str(), 0600) == 0);
    bad = guest.credentials;
    bad.token = "short";
    bad.token_size = 5;
    CHECK(std::string(client_error(&bad, url.c_str()).field) == "token");
    bad = guest.credentials;
    bad.invite_size = 16;
    CHECK(std::string(client_error(&bad, url.c_str()).field) == "invite");
    bad = guest.credentials;
    bad.identity_file = nullptr;
    const uint8_t secret[16] = {1};
    bad.invite = secret;
    bad.invite_size = sizeof secret;
    CHECK(std::string(client_error(&bad, url.c_str()).field) == "invite");
    bad = guest.credentials;
    std::memset(bad.server_pin, 0, sizeof bad.server_pin);
    bad.ca_file = guest.identity.c_str();
    CHECK(std::string(client_error(&bad, url.c_str()).field) == "ca_file");
    bad = guest.credentials;
    bad.struct_size = 12;
    CHECK(client_error(&bad, url.c_str()).status == P2C2R_E_ARGUMENT);
}

TEST_CASE("security: a coordinator's settings that do not go together are refused") {
    Host host;
    const auto field_of = [&](void (*change)(p2c2r_coordinator_config&, const Host&)) {
        auto config = sized<p2c2r_coordinator_config>();
        config.listen_port = P2C2R_ANY;
        config.certificate_file = host.certificate.c_str();
        config.key_file = host.key.c_str();
        config.access_file = host.access.c_str();
        change(config, host);
        p2c2r_coordinator* made = nullptr;
        p2c2r_error why = {};
        if (p2c2r_coordinator_create(host.runtime.get(), &config, &made, &why) == P2C2R_OK) {
            const Coordinator keep(made);
            CHECK(p2c2r_coordinator_start(made, &why) != P2C2R_OK);
        }
        return std::string(why.field);
    };
    CHECK(field_of([](p2c2r_coordinator_config& config, const Host&) {
              config.key_file = nullptr;
          }) == "key_file");
    CHECK(field_of([](p2c2r_coordinator_config& config, const Host&) {
              config.certificate_file = nullptr;
          }) == "certificate_file");
    CHECK(field_of([](p2c2r_coordinator_config& config, const Host& at) {
              config.certificate_file = at.key.c_str();
          }) == "certificate_file");
    CHECK(field_of([](p2c2r_coordinator_config& config, const Host& at) {
              config.key_file = at.certificate.c_str();
          }) == "key_file");
    CHECK(field_of([](p2c2r_coordinator_config& config, const Host& at) {
              config.access_file = at.key.c_str();
          }) == "access_file");
    CHECK(field_of([](p2c2r_coordinator_config& config, const Host& at) {
              config.access_file = nullptr;
              config.audit_file = at.audit.c_str();
          }) == "audit_file");
    // TLS alone keeps nobody out.
    CHECK(field_of([](p2c2r_coordinator_config& config, const Host&) {
              config.access_file = nullptr;
              config.listen_address = "0.0.0.0";
          }) == "listen_address");
}

TEST_CASE("security: keys.show tells the public half alone, and keys.new replaces nothing") {
    Host host;
    const std::string shown =
        call(host.runtime.get(), "keys.show", "{\"file\":\"" + host.key + "\"}");
    CHECK(text_of(shown, "pin") == host.pin);
    CHECK(shown.find("PRIVATE") == std::string::npos);
    p2c2r_result* result = nullptr;
    p2c2r_error why = {};
    const std::string args = "{\"file\":\"" + host.key + "\"}";
    CHECK(p2c2r_runtime_call(host.runtime.get(), "keys.new", args.c_str(), nullptr, 0, &result,
                             &why) == P2C2R_E_EXISTS);
    CHECK(std::string(why.field) == "file");
}
