// A certificate that ends: who is told, and when.
#include <doctest/doctest.h>

#include "identity/keys.h"
#include "roles/certificate_watch.h"
#include "unit/roles_guarded.h"

using namespace p2c2r;
using namespace p2c2r::roles;
using namespace p2c2r::test;

namespace {

constexpr uint64_t kDayS = 86'400;
constexpr net::Validity kTimes{1'000'000'000, 1'000'000'000 + 100 * kDayS};

}  // namespace

TEST_CASE("certificate: its end is told from 14 days before and daily and after it as an error") {
    CertificateWatch watch;
    const auto day = [&](uint64_t number) {
        return watch.look(kTimes, (kTimes.from_s + number * kDayS) * 1000);
    };
    CHECK_FALSE(day(0));
    CHECK_FALSE(day(85));
    const auto first = day(86);
    REQUIRE(first);
    CHECK(first->is_good);
    CHECK(first->text == "ends on 2001-12-18 01:46 UTC");
    CHECK_FALSE(watch.look(kTimes, (kTimes.from_s + 87 * kDayS) * 1000 - 1));
    CHECK(day(87));
    CHECK(day(99)->is_good);
    const auto over = day(100);
    REQUIRE(over);
    CHECK_FALSE(over->is_good);
    CHECK(over->text == "ended on 2001-12-18 01:46 UTC: nobody who connects takes it any more");
    CHECK(day(101));
    // Another one, within the day.
    CHECK_FALSE(watch.look({kTimes.from_s, kTimes.until_s + 365 * kDayS},
                           (kTimes.from_s + 101 * kDayS) * 1000));
    const auto early = watch.look({kTimes.from_s + 300 * kDayS, kTimes.until_s + 365 * kDayS},
                                  (kTimes.from_s + 101 * kDayS) * 1000);
    REQUIRE(early);
    CHECK_FALSE(early->is_good);
    CHECK(early->text ==
          "counts from 2002-07-06 01:46 UTC on only: is this machine's clock right?");
}

TEST_CASE("certificate: a coordinator that runs tells its log and its host until it is renewed") {
    struct Told final : CoordinatorEvents {
        std::vector<std::pair<bool, std::string>> words;
        void on_peer_joined(const std::string&) override {}
        void on_peer_left(const std::string&, const std::string&) override {}
        void on_peer_failed(const std::string&, const std::string&) override {}
        void on_certificate(bool is_good, const std::string& text) override {
            words.emplace_back(is_good, text);
        }
    } told;
    FakeLoop loop;
    FakeRandom random{5};
    FakeTransport network{loop};
    identity::AccessList access{nullptr, nullptr};
    const identity::SigningKey key = identity::SigningKey::generate();
    const uint64_t now_s = loop.unix_ms() / 1000;
    CoordinatorOptions options;
    options.access = &access;
    options.certificate_file = "cert.pem";
    // Made two days and an hour ahead of this clock.
    options.tls =
        *net::TlsContext::server(*key.certificate("m", now_s + 2 * kDayS + 3600), key.to_pem());
    Coordinator coordinator(loop, network, nullptr, random, Prng(1), Log(), options, told);
    CHECK(told.words.empty());
    REQUIRE(coordinator.start().ok());
    REQUIRE(told.words.size() == 1);
    CHECK_FALSE(told.words[0].first);
    CHECK(told.words[0].second.find("the certificate counts from ") == 0);
    CHECK(told.words[0].second.find("'cert.pem'") != std::string::npos);
    loop.advance(1'000'000);
    CHECK(told.words.size() == 1);
    const Digest256 pin = options.tls->pin();
    REQUIRE(options.tls->renew(*key.certificate("m", now_s), key.to_pem()).ok());
    CHECK(options.tls->pin() == pin);
    loop.advance(10'000'000);
    CHECK(told.words.size() == 1);
}
