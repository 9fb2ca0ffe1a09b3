// A coordinator as the C interface has it, with its monitoring port.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "bindings/c/coordinator_port.h"
#include "bindings/c/role_state.h"
#include "bindings/c/security.h"
#include "net/http.h"
#include "p2c2r/p2c2r.h"
#include "roles/coordinator.h"

namespace p2c2r::capi {

struct CoordinatorSettings {
    roles::CoordinatorOptions options;
    bool monitoring = false;
    uint32_t monitoring_port = 0;  // 0: any free one
    CoordinatorSecurity security;
};

class CoordinatorState final : public RoleState, private roles::CoordinatorEvents {
  public:
    CoordinatorState(RuntimeState& runtime, const p2c2r_coordinator_config& config,
                     CoordinatorSettings settings);
    Status open();

    [[nodiscard]] const std::shared_ptr<CoordinatorPort>& port() const { return port_; }
    Result<Done> start();
    Status ports(uint32_t& port, uint32_t& monitoring_port);
    Status stats(p2c2r_coordinator_stats& out);
    p2c2r_status call(const char* name, const Bytes& arguments, p2c2r_result** out,
                      p2c2r_error* why);
    Status drain(uint64_t deadline_us);

    // RoleState
    void wake_waiting() override;
    Status shut(uint64_t deadline_us) override;

  private:
    // roles::CoordinatorEvents, on the loop
    void on_peer_joined(const std::string& peer_id) override;
    void on_peer_left(const std::string& peer_id, const std::string& reason) override;
    void on_peer_failed(const std::string& peer_id, const std::string& reason) override;
    void on_certificate(bool is_good, const std::string& text) override;
    Result<Bytes> reload();
    net::HttpAnswer answer_http(const std::string& path);

    const CoordinatorSettings settings_;
    const std::shared_ptr<CoordinatorPort> port_;
    std::mutex mutex_;  // guards the next two flags
    std::condition_variable changed_;
    bool drained_ = false;
    bool closed_ = false;

    // The loop's own.
    std::unique_ptr<roles::Coordinator> role_;
    std::unique_ptr<net::HttpServer> http_;
};

}  // namespace p2c2r::capi
