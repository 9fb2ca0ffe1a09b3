// Nothing secret is in a log at any level, nor in the record of logins: no key, token or join code,
// and nothing of a task's params or bytes.
#include "security_world.h"

using namespace capi_test;

namespace {

constexpr char kPayload[] = "PLANTED-payload-7f3a";
constexpr char kParam[] = "PLANTED-param-91cc";

std::string hex_of(const std::vector<uint8_t>& bytes) {
    std::string text;
    for (const uint8_t byte : bytes) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", byte);
        text += digits;
    }
    return text;
}

// The lines of a PEM file that are the key.
std::vector<std::string> body_of(const std::string& path) {
    std::vector<std::string> lines;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (!line.empty() && line.front() != '-') lines.push_back(line.substr(0, 40));
    }
    REQUIRE_FALSE(lines.empty());
    return lines;
}

p2c2r_status run(p2c2r_client* client, const char* type, bool with_params) {
    std::vector<uint8_t> params(256);
    size_t size = params.size();
    const std::string json = std::string("{\"") + kParam + "\":\"" + kParam + "\"}";
    REQUIRE(p2c2r_params_from_json(json.c_str(), json.size(), params.data(), &size, nullptr) ==
            P2C2R_OK);
    Task task(type, kPayload, sizeof kPayload - 1);
    if (with_params) {
        task.desc.params = params.data();
        task.desc.params_size = size;
    }
    task.desc.place = P2C2R_PLACE_REMOTE;
    const Result result = fetch(client, submit(client, task.desc));
    return p2c2r_result_status(result.get());
}

}  // namespace

TEST_CASE("secrets: no log and no record of logins shows a key, token, join code or payload") {
    Host host;
    Guest guest(host);
    std::vector<std::pair<std::string, std::string>> planted;  // what it is, and how it looks
    const auto plant = [&](const char* what, const std::vector<uint8_t>& bytes) {
        planted.emplace_back(what, hex_of(bytes));
        planted.emplace_back(what, std::string(bytes.begin(), bytes.end()));
    };
    for (const std::string& line : body_of(host.key)) planted.emplace_back("a private key", line);
    for (const std::string& line : body_of(guest.identity)) {
        planted.emplace_back("a private key", line);
    }
    planted.emplace_back("a payload", kPayload);

    // In by a code, with tasks that succeed, that fail, and that nobody knows.
    const std::vector<uint8_t> code = host.invite("gamer,peer");
    plant("a join code", code);
    guest.with_invite(code);
    {
        const Client client = guest.connect(host.url);
        REQUIRE_MESSAGE(guest.last == P2C2R_OK, guest.last_text);
        CHECK(run(client.get(), "echo", true) == P2C2R_OK);
        CHECK(run(client.get(), "nobody_runs_this", true) != P2C2R_OK);
        CHECK(run(client.get(), "upscale", false) != P2C2R_OK);
    }
    // The same code again, by another key.
    Guest thief(host);
    thief.with_invite(code);
    (void)thief.connect(host.url, "thief");
    CHECK(thief.last == P2C2R_E_AUTH);
    // A token that opens, and one that does not.
    const std::vector<uint8_t> token =
        from_hex(text_of(call(host.coordinator.get(), "key.token", "{\"name\":\"bot\"}"), "token"));
    std::vector<uint8_t> wrong = token;
    wrong.back() ^= 1;
    plant("a token", token);
    plant("a token", wrong);
    Guest bot(host);
    bot.credentials.identity_file = nullptr;
    bot.credentials.token = token.data();
    bot.credentials.token_size = token.size();
    {
        const Client client = bot.connect(host.url, "bot");
        REQUIRE_MESSAGE(bot.last == P2C2R_OK, bot.last_text);
        CHECK(run(client.get(), "echo", false) == P2C2R_OK);
    }
    bot.credentials.token = wrong.data();
    (void)bot.connect(host.url, "bot");
    CHECK(bot.last == P2C2R_E_AUTH);
    // A peer that computes, and is thrown out.
    guest.credentials.invite = nullptr;
    guest.credentials.invite_size = 0;
    auto config = sized<p2c2r_peer_config>();
    config.coordinator_url = host.url.c_str();
    config.credentials = &guest.credentials;
    p2c2r_peer* made = nullptr;
    REQUIRE(p2c2r_peer_create(guest.runtime.get(), &config, &made, nullptr) == P2C2R_OK);
    const Peer peer(made);
    REQUIRE(p2c2r_peer_start(made, nullptr) == P2C2R_OK);
    {
        const Client client = make_client(host.runtime.get(), host.coordinator.get());
        REQUIRE(p2c2r_client_connect(client.get(), 5000, nullptr) == P2C2R_OK);
        CHECK(run(client.get(), "echo", true) == P2C2R_OK);
    }
    call(host.coordinator.get(), "key.revoke", "{\"name\":\"guest\"}");

    const std::string seen = host.lines.text() + guest.lines.text() + thief.lines.text() +
                             bot.lines.text() + content_of(host.audit);
    CHECK(seen.size() > 500);  // there was something to look at
    for (const auto& one : planted) {
        CAPTURE(one.first);
        CHECK(seen.find(one.second) == std::string::npos);
    }
    // Who may come in is known by hashes and public keys.
    const std::string access = content_of(host.access);
    for (const auto& one : planted) {
        CAPTURE(one.first);
        CHECK(access.find(one.second) == std::string::npos);
    }
}
