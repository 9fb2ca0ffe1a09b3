// Who is who in a benchmark over TLS. The coordinator's process makes a key for everybody in one
// folder, and lets these in; the others find there what they need. Through the public C ABI.
#pragma once

#include <p2c2r/p2c2r.h>

#include <string>

namespace bench {

class Identities {
  public:
    explicit Identities(std::string folder = ".") : folder_(std::move(folder)) {}

    // ---- the coordinator's process: before it is created, and between that and its start
    void make(p2c2r_runtime* runtime);
    void use(p2c2r_coordinator_config& config) const;  // refers to this object
    void enrol(p2c2r_coordinator* coordinator);

    // ---- the others: "worker" or "client"; waits until the coordinator is ready for them
    const p2c2r_credentials* show(const char* name);

  private:
    [[nodiscard]] std::string path(const std::string& name) const {
        return folder_ + "/bench-" + name;
    }
    std::string key_of(p2c2r_runtime* runtime, const std::string& name,
                       const std::string& certificate);

    const std::string folder_;
    std::string certificate_ = path("coordinator.crt");
    std::string key_ = path("coordinator.pem");
    std::string access_ = path("access.json");
    std::string pin_;
    std::string worker_key_, client_key_;  // public, hex
    std::string identity_;
    p2c2r_credentials credentials_ = {};
};

}  // namespace bench
