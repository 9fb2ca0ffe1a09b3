// Keys and certificates from the command line.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "support/hosting.h"
#include "support/old_certificate.h"

using namespace p2c2r::test;
using nlohmann::json;

TEST_CASE("keys: made once, shown without the secret") {
    const Workplace here;
    const std::string file = here.path("key.pem");
    const Ran made =
        here.run({"keys", "new", file, "--json", "--certificate-file", here.path("cert.pem")});
    REQUIRE_MESSAGE(made.exit_code == 0, made.error);
    const Ran shown = here.run({"keys", "show", file, "--json"});
    REQUIRE(shown.exit_code == 0);
    CHECK(json::parse(made.out) == json::parse(shown.out));
    CHECK(shown.out.find("PRIVATE") == std::string::npos);
    CHECK(here.read("cert.pem").starts_with("-----BEGIN CERTIFICATE-----"));
    const Ran again = here.run({"keys", "new", file});
    CHECK(again.exit_code == 2);
    CHECK(again.error.find("is there already") != std::string::npos);
    const auto refused = [&](const std::vector<std::string>& words, const std::string& said) {
        const Ran ran = here.run(words);
        CHECK(ran.exit_code == 2);
        CHECK_MESSAGE(ran.error.find(said) != std::string::npos, ran.error);
    };
    refused({"keys", "new"}, "the file for the new private key is missing: p2c2r keys new FILE");
    refused({"keys", "renew"}, "FILE, the private key is missing: p2c2r keys renew FILE ");
    refused({"keys", "renew", file}, "--certificate-file, the certificate is missing");
    refused({"keys", "new", here.path("nodir/k.pem")},
            "there is no folder '" + here.path("nodir") + "'");
    // A certificate is for others to read: nothing of it is to be hidden.
    const std::string certificate = here.path("cert.pem");
    refused({"keys", "show", certificate}, "'" + certificate + "' holds no private key");
    REQUIRE(chmod(file.c_str(), 0644) == 0);
    refused({"keys", "show", file}, "can be read by others (mode 0644)");
}

TEST_CASE("keys: a host renews a certificate whose time is over and keeps its pin") {
    const Workplace here;
    const Machine machine(here, "hosting");
    // Makes the folder as it should be.
    { Hosting host(here); }
    const std::string key = here.path("hosting/host/key.pem");
    const std::string certificate = here.path("hosting/host/certificate.pem");
    const auto write = [](const std::string& path, const char* text) {
        std::FILE* file = std::fopen(path.c_str(), "wb");
        REQUIRE(file);
        std::fputs(text, file);
        std::fclose(file);
    };
    write(key, kOldKeyPem);
    write(certificate, kOldCertificatePem);
    const std::string pin = json::parse(here.run({"keys", "show", key, "--json"}).out)["pin"];
    const Ran refused = here.run({"coordinator", "--listen-port", "0", "--certificate-file",
                                  certificate, "--key-file", key});
    CHECK(refused.exit_code == 2);
    CHECK(refused.error.find("ended on 2011-09-09 01:46 UTC; 'p2c2r keys renew'") !=
          std::string::npos);
    {
        Hosting host(here);
        CHECK(here.read("host.log").find("the certificate is renewed until 20") !=
              std::string::npos);
        const Machine laptop(here, "laptop");
        CHECK(laptop.run({"join", host.code, "--no-benchmark", "--name", "laptop"}).exit_code == 0);
    }
    // One that was made while the clock was wrong shuts nobody out either.
    write(certificate, kEarlyCertificatePem);
    {
        Hosting host(here);
        CHECK(here.read("hosting/host/certificate.pem") != kEarlyCertificatePem);
        CHECK(host.machine.run({"status", "--json"}).exit_code == 0);
        const Machine tower(here, "tower");
        CHECK(tower.run({"join", host.code, "--no-benchmark", "--name", "tower"}).exit_code == 0);
    }
    CHECK(json::parse(here.run({"keys", "show", key, "--json"}).out)["pin"] == pin);
    write(certificate, kOldCertificatePem);
    const Ran renewed = here.run({"keys", "renew", key, "--certificate-file", certificate});
    CHECK_MESSAGE(renewed.exit_code == 0, renewed.error);
    CHECK(renewed.out.find(pin) != std::string::npos);
    CHECK(here.read("hosting/host/certificate.pem") != kOldCertificatePem);
}
