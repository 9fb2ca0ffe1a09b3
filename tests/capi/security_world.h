// Two machines that meet over encrypted loopback: one coordinates, the other joins. Every line that
// their runtimes log, at any level, is kept.
#pragma once

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>

#include "world.h"

namespace capi_test {

// What was logged.
struct Lines {
    std::mutex lock;
    std::string all;

    static void P2C2R_CALL add(void* user, int32_t, const char* room, const char* text,
                               size_t size) {
        Lines& lines = *static_cast<Lines*>(user);
        const std::lock_guard<std::mutex> held(lines.lock);
        lines.all += std::string(room) + ": " + std::string(text, size) + "\n";
    }
    std::string text() {
        const std::lock_guard<std::mutex> held(lock);
        return all;
    }
    Runtime runtime() {
        auto config = runtime_config(P2C2R_RUN_THREAD);
        config.log = add;
        config.log_level = P2C2R_LOG_TRACE;
        config.user = this;
        return make_runtime(config);
    }
};

// A directory of this test's own, with all that is in it.
struct Folder {
    std::string path;
    Folder() {
        char name[] = "/tmp/p2c2r-security-XXXXXX";
        REQUIRE(mkdtemp(name));
        path = name;
    }
    ~Folder() {
        if (DIR* folder = opendir(path.c_str())) {
            while (const dirent* entry = readdir(folder)) unlink(file(entry->d_name).c_str());
            closedir(folder);
        }
        rmdir(path.c_str());
    }
    [[nodiscard]] std::string file(const std::string& name) const { return path + "/" + name; }
};

// The text behind "key": in flat JSON.
inline std::string text_of(const std::string& json, const std::string& key) {
    const size_t at = json.find("\"" + key + "\":\"");
    REQUIRE(at != std::string::npos);
    const size_t from = at + key.size() + 4;
    return json.substr(from, json.find('"', from) - from);
}

inline std::vector<uint8_t> from_hex(const std::string& text) {
    std::vector<uint8_t> bytes;
    for (size_t i = 0; i + 1 < text.size(); i += 2) {
        bytes.push_back(static_cast<uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
    }
    return bytes;
}

inline std::string call(p2c2r_runtime* runtime, const char* name, const std::string& args) {
    p2c2r_result* result = nullptr;
    p2c2r_error why = {};
    REQUIRE_MESSAGE(
        p2c2r_runtime_call(runtime, name, args.c_str(), nullptr, 1000, &result, &why) == P2C2R_OK,
        why.field << ": " << why.text);
    return json_of(Result(result).get());
}

inline std::string call(p2c2r_coordinator* coordinator, const char* name, const std::string& args) {
    p2c2r_result* result = nullptr;
    p2c2r_error why = {};
    REQUIRE_MESSAGE(
        p2c2r_coordinator_call(coordinator, name, args.c_str(), 1000, &result, &why) == P2C2R_OK,
        why.field << ": " << why.text);
    return json_of(Result(result).get());
}

// A machine that coordinates: its keys in a folder, TLS, and logins.
struct Host {
    Folder folder;
    Lines lines;
    Runtime runtime = lines.runtime();
    std::string pin;
    Coordinator coordinator;
    std::string url;
    std::string certificate = folder.file("cert.pem");
    std::string key = folder.file("key.pem");
    std::string access = folder.file("access.json");
    std::string audit = folder.file("audit.log");

    Host() {
        make_keys("key.pem", "cert.pem");
        start();
    }
    std::string make_keys(const std::string& key_name, const std::string& certificate_name) {
        const std::string json =
            call(runtime.get(), "keys.new",
                 "{\"file\":\"" + folder.file(key_name) + "\",\"certificate_file\":\"" +
                     folder.file(certificate_name) + "\"}");
        pin = text_of(json, "pin");
        return pin;
    }
    void start() {
        auto config = sized<p2c2r_coordinator_config>();
        config.listen_port = P2C2R_ANY;
        config.certificate_file = certificate.c_str();
        config.key_file = key.c_str();
        config.access_file = access.c_str();
        config.audit_file = audit.c_str();
        p2c2r_coordinator* made = nullptr;
        p2c2r_error why = {};
        REQUIRE_MESSAGE(p2c2r_coordinator_create(runtime.get(), &config, &made, &why) == P2C2R_OK,
                        why.field << ": " << why.text);
        coordinator.reset(made);
        REQUIRE(p2c2r_coordinator_start(made, &why) == P2C2R_OK);
        uint32_t port = 0;
        REQUIRE(p2c2r_coordinator_port(made, &port, nullptr) == P2C2R_OK);
        url = "p2c2r://127.0.0.1:" + std::to_string(port);
    }
    std::vector<uint8_t> invite(const char* roles) {
        return from_hex(text_of(
            call(coordinator.get(), "key.invite", std::string("{\"roles\":\"") + roles + "\"}"),
            "secret"));
    }
};

// Another machine.
struct Guest {
    Folder folder;
    Lines lines;
    Runtime runtime = lines.runtime();
    std::string identity = folder.file("me.pem");
    std::string public_key;
    std::vector<uint8_t> secret;
    p2c2r_credentials credentials = sized<p2c2r_credentials>();
    p2c2r_status last = P2C2R_OK;
    std::string last_text;
    std::string where;  // as the event of the last connection says

    explicit Guest(const Host& host) {
        public_key = text_of(call(runtime.get(), "keys.new", "{\"file\":\"" + identity + "\"}"),
                             "public_key");
        credentials.identity_file = identity.c_str();
        trust(host.pin);
    }
    void trust(const std::string& pin) {
        const std::vector<uint8_t> bytes = from_hex(pin);
        REQUIRE(bytes.size() == sizeof credentials.server_pin);
        std::memcpy(credentials.server_pin, bytes.data(), bytes.size());
    }
    void with_invite(std::vector<uint8_t> bytes) {
        secret = std::move(bytes);
        credentials.invite = secret.data();
        credentials.invite_size = secret.size();
    }
    Client connect(const std::string& url, const char* id = "guest") {
        auto config = sized<p2c2r_client_config>();
        config.coordinator_url = url.c_str();
        config.client_id = id;
        config.credentials = &credentials;
        config.event = [](void* user, const p2c2r_event* event) {
            if (event->type == P2C2R_EVENT_STATE && event->status == P2C2R_OK) {
                static_cast<Guest*>(user)->where = event->subject;
            }
        };
        config.user = this;
        p2c2r_client* client = nullptr;
        p2c2r_error why = {};
        last = p2c2r_client_create(runtime.get(), &config, &client, &why);
        last_text = why.text;
        if (last != P2C2R_OK) return nullptr;
        last = p2c2r_client_connect(client, 5000, &why);
        last_text = why.text;
        uint32_t run = 0;
        p2c2r_client_dispatch(client, 0, 0, &run);
        return Client(client);
    }
};

inline void echoes(p2c2r_client* client) {
    const std::string text = "through the tunnel";
    const Task task("echo", text.data(), text.size());
    p2c2r_task id = submit(client, task.desc);
    p2c2r_result* result = nullptr;
    REQUIRE(p2c2r_client_get_result(client, id, 5'000'000, &result) == P2C2R_OK);
    const Result keep(result);
    CHECK(p2c2r_result_status(result) == P2C2R_OK);
}

inline std::string content_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace capi_test
