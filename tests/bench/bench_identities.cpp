#include "bench_identities.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

namespace bench {

namespace {

constexpr uint64_t kPatienceUs = 5'000'000;

[[noreturn]] void fail(const std::string& what, const char* why) {
    std::fprintf(stderr, "bench: %s: %s\n", what.c_str(), why);
    std::exit(2);
}

// The text behind "key": in the flat JSON of an answer, which is released.
std::string text_of(p2c2r_result* answer, const std::string& key) {
    size_t size = 0;
    const void* fields = p2c2r_result_fields(answer, P2C2R_FORMAT_JSON, &size);
    const std::string json(static_cast<const char*>(fields), size);
    p2c2r_result_release(answer);
    const size_t at = json.find("\"" + key + "\":\"");
    if (at == std::string::npos) fail(key, "is not in the answer");
    const size_t from = at + key.size() + 4;
    return json.substr(from, json.find('"', from) - from);
}

void from_hex(const std::string& text, uint8_t (&out)[32]) {
    if (text.size() != 2 * sizeof out) fail("the pin", "is not 64 digits");
    for (size_t i = 0; i < sizeof out; ++i) {
        out[i] = static_cast<uint8_t>(std::stoul(text.substr(2 * i, 2), nullptr, 16));
    }
}

}  // namespace

// Public, hex; of the key that is there, or a new one.
std::string Identities::key_of(p2c2r_runtime* runtime, const std::string& name,
                               const std::string& certificate) {
    const std::string file = path(name + ".pem");
    std::string arguments = "{\"file\":\"" + file + "\"";
    const bool known = std::ifstream(file).good();
    if (!known && !certificate.empty())
        arguments += ",\"certificate_file\":\"" + certificate + "\"";
    p2c2r_result* answer = nullptr;
    p2c2r_error why = {};
    if (p2c2r_runtime_call(runtime, known ? "keys.show" : "keys.new", (arguments + "}").c_str(),
                           nullptr, 1000, &answer, &why) != P2C2R_OK) {
        fail(file, why.text);
    }
    return text_of(answer, certificate.empty() ? "public_key" : "pin");
}

void Identities::make(p2c2r_runtime* runtime) {
    std::remove(path("pin").c_str());
    std::remove(access_.c_str());
    pin_ = key_of(runtime, "coordinator", certificate_);
    worker_key_ = key_of(runtime, "worker", {});
    client_key_ = key_of(runtime, "client", {});
}

void Identities::use(p2c2r_coordinator_config& config) const {
    config.certificate_file = certificate_.c_str();
    config.key_file = key_.c_str();
    config.access_file = access_.c_str();
}

void Identities::enrol(p2c2r_coordinator* coordinator) {
    // Machines of the operator's, as in plaintext: no share of an account is measured here.
    const auto add = [&](const std::string& name, const std::string& roles,
                         const std::string& key) {
        p2c2r_result* answer = nullptr;
        p2c2r_error why = {};
        const std::string arguments = "{\"name\":\"" + name + "\",\"roles\":\"" + roles +
                                      "\",\"key\":\"" + key + "\",\"circle\":\"own\"}";
        if (p2c2r_coordinator_call(coordinator, "key.add", arguments.c_str(), 1000, &answer,
                                   &why) != P2C2R_OK) {
            fail("key.add " + name, why.text);
        }
        p2c2r_result_release(answer);
    };
    add("worker", "peer", worker_key_);
    add("client", "gamer", client_key_);
    // The sign that all the rest is there, so it comes whole and last.
    const std::string half = path("pin.new");
    std::ofstream(half) << pin_;
    if (std::rename(half.c_str(), path("pin").c_str()) != 0) fail(half, "cannot be renamed");
}

const p2c2r_credentials* Identities::show(const char* name) {
    const uint64_t until_us = p2c2r_now_us() + kPatienceUs;
    while (true) {
        std::ifstream file(path("pin"));
        pin_.assign(std::istreambuf_iterator<char>(file), {});
        if (!pin_.empty() || p2c2r_now_us() > until_us) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    from_hex(pin_, credentials_.server_pin);
    identity_ = path(name + std::string(".pem"));
    credentials_.struct_size = sizeof credentials_;
    credentials_.identity_file = identity_.c_str();
    return &credentials_;
}

}  // namespace bench
