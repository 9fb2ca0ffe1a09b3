// A relay of TCP connections on the loopback address that does to them what a plan says: see
// fault_plan.h for its words, fault_line.h for what becomes of each connection. Here are the
// sockets alone, on one thread with poll.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "proxy/fault_line.h"

namespace p2c2r::test {

class FaultProxy {
  public:
    struct Place {
        std::string address = "127.0.0.1";  // IPv4
        uint16_t port = 0;
    };
    // Throws std::runtime_error where it cannot listen. Port 0: any.
    FaultProxy(const Place& from, const Place& to, const FaultPlan& plan, uint64_t seed);
    // Of a test: a port of its own, to a port of this machine. Throws for a wrong plan, too.
    FaultProxy(uint32_t to_port, const std::string& plan, uint64_t seed);
    // Its connections are cut.
    ~FaultProxy();
    FaultProxy(const FaultProxy&) = delete;
    FaultProxy& operator=(const FaultProxy&) = delete;

    [[nodiscard]] uint32_t port() const { return port_; }
    // Told of all bytes that are passed on, on the proxy's thread: which connection (from 1), which
    // way. MUST be set before the first connection.
    using Witness = std::function<void(uint32_t, Way, std::string_view)>;
    void set_witness(Witness witness) { witness_ = std::move(witness); }
    // These faults come over all connections that are open, from now on. Any thread; throws for
    // wrong words.
    void apply(const std::string& faults);
    [[nodiscard]] uint32_t connections() const { return connections_; }  // taken so far
    [[nodiscard]] uint32_t open() const { return open_; }
    [[nodiscard]] uint64_t passed(Way way) const { return passed_[way == Way::kUp ? 0 : 1]; }

  private:
    struct Relayed;
    void serve();
    void take_new(std::vector<std::unique_ptr<Relayed>>& relayed);
    void move(Relayed& one, Way way);

    const Place to_;
    const FaultPlan plan_;
    const uint64_t seed_;
    Witness witness_;
    int listener_ = -1;
    int wake_[2] = {-1, -1};  // a pipe: the thread is to look again
    uint32_t port_ = 0;
    std::atomic<bool> stopping_{false};
    std::atomic<uint32_t> connections_{0};
    std::atomic<uint32_t> open_{0};
    std::atomic<uint64_t> passed_[2] = {0, 0};
    std::mutex mutex_;  // guards asked_
    std::vector<Fault> asked_;
    std::thread thread_;
};

}  // namespace p2c2r::test
