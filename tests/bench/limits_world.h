// A coordinator in a process of its own and many gamers in this one, over loopback.
#pragma once

#include <p2c2r/p2c2r.h>

#include <stdlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "bench_identities.h"
#include "bench_roles.h"
#include "child_process.h"
#include "hello_flood.h"
#include "process_figures.h"

namespace bench {

inline std::string url_of(unsigned port, bool tls) {
    return (tls ? "p2c2r://127.0.0.1:" : "p2c2r+plain://127.0.0.1:") + std::to_string(port);
}

struct Folder {
    std::string path = "/tmp/p2c2r-limits-XXXXXX";
    Folder() {
        if (!mkdtemp(path.data())) std::exit(2);
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

struct World {
    Folder folder;
    const bool tls;
    Child coordinator;
    const unsigned port;
    const std::string url;
    Identities identities;
    const p2c2r_credentials* credentials;
    p2c2r_runtime* runtime = make_runtime(P2C2R_RUN_THREAD, P2C2R_NONE);
    std::vector<p2c2r_client*> clients;

    explicit World(bool with_tls)
        : tls(with_tls),
          coordinator({"coordinator", "--folder", folder.path, with_tls ? "--tls" : "--plain"}),
          port(static_cast<unsigned>(std::atoi(coordinator.read_line().c_str()))),
          url(url_of(port, with_tls)),
          identities(folder.path),
          credentials(with_tls ? identities.show("client") : nullptr) {}
    ~World() {
        for (p2c2r_client* client : clients) p2c2r_client_destroy(client);
        p2c2r_runtime_destroy(runtime);
    }
    p2c2r_client* begin(const std::string& to) {
        p2c2r_client_config config = {};
        config.struct_size = sizeof config;
        config.coordinator_url = to.c_str();
        config.credentials = credentials;
        p2c2r_client* client = nullptr;
        p2c2r_error why = {};
        const p2c2r_status status = p2c2r_client_create(runtime, &config, &client, &why);
        if (status != P2C2R_OK) fail("client", status, why);
        clients.push_back(client);
        return client;
    }
    // 200 on their way at a time.
    void connect(unsigned count) {
        const size_t end = clients.size() + count;
        for (size_t next = clients.size(); next < end; ++next) {
            while (clients.size() < std::min(end, next + 200)) begin(url);
            p2c2r_error why = {};
            const p2c2r_status status = p2c2r_client_connect(clients[next], 20000, &why);
            if (status != P2C2R_OK) fail("connect", status, why);
        }
    }
    [[nodiscard]] unsigned long gamers() {
        return std::strtoul(coordinator.ask("stats").c_str(), nullptr, 10);
    }
    [[nodiscard]] long resident_kb() const { return status_kb(coordinator.pid(), "VmRSS"); }
    // What a client of this world says first over TLS.
    std::string first_words() {
        const OneCaller caller;
        const std::string to = url_of(caller.port(), true);
        p2c2r_client* client = begin(to);
        clients.pop_back();
        std::string words = caller.first_words();
        p2c2r_client_destroy(client);
        return words;
    }
};

}  // namespace bench
