// A client of the library as `exec`, `submit`, `status` and the benches use it: a runtime, one
// client, and a place to wait.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/contact.h"
#include "cli/device_choice.h"
#include "cli/failure.h"
#include "cli/handles.h"
#include "cli/wait_posix.h"

namespace p2c2r::cli {

inline constexpr const char* kDefaultUrl = "p2c2r+plain://127.0.0.1:8765";
// The options of a client or peer that may speak plaintext with any address.
inline constexpr const char* kPlaintextOptions = R"({"allow_plaintext": true})";

inline constexpr uint64_t kJoinTimeoutUs = 60'000'000;  // for peers of this machine to be there

inline constexpr uint64_t kConnectMsMost = 24ull * 3600 * 1000;  // that can be asked for

struct SessionOptions {
    std::string coordinator_url;     // "": this machine only, or as `contact` says
    std::optional<Contact> contact;  // in place of coordinator_url
    // All three roles in this process: a coordinator without a socket and so many peers. 0: not.
    uint32_t peers_in_process = 0;
    DeviceChoice device;
    uint32_t connect_timeout_ms = 5000;
    uint32_t worker_threads = 0;
    uint32_t tasks_max = 0;
    LogWriter* log = nullptr;
    bool tell_state = false;  // says on standard error when the connection is lost and found again
};

class Session {
  public:
    // Connected when it returns; kExitUnreachable when there is no coordinator at the URL.
    static Result<std::unique_ptr<Session>> open(const SessionOptions& options);

    // Sees to the events that wait: who answered is to be remembered.
    ~Session();

    [[nodiscard]] p2c2r_runtime* runtime() const { return runtime_.handle.get(); }
    [[nodiscard]] p2c2r_client* client() const { return client_.get(); }
    [[nodiscard]] Waker& waker() { return waker_; }
    [[nodiscard]] const std::string& device_name() const { return runtime_.device_name; }
    // As the coordinator last said.
    [[nodiscard]] uint32_t peers_total() const;

    // A question to the coordinator: "status", "peers", "tasks", "explain".
    Result<nlohmann::json> ask(const char* name,
                               const nlohmann::json& arguments = nlohmann::json::object());
    // Runs waiting functions, sleeping until there is one or timeout_us has passed.
    void wait_and_dispatch(uint64_t timeout_us, StopSignals* signals);
    // False: there were not so many peers by then.
    bool wait_for_peers(uint32_t count, uint64_t timeout_us, StopSignals* signals);

  private:
    Session() = default;
    static void P2C2R_CALL tell_state(void* user, const p2c2r_event* event);
    Outcome add_roles(uint32_t peers_count);

    bool tells_state_ = false;
    bool was_connected_ = false;
    std::optional<Contact> contact_;
    Waker waker_;
    OpenedRuntime runtime_;
    CoordinatorHandle coordinator_;  // with peers_in_process
    std::vector<PeerHandle> peers_;
    ClientHandle client_;
};

}  // namespace p2c2r::cli
