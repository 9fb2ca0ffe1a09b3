// The face of the simulated network towards one host: listening and connecting.
#pragma once

#include "sim/sim_network.h"

namespace p2c2r::sim {

class SimTransport final : public net::Transport {
  public:
    SimTransport(Network& network, uint32_t host) : network_(network), host_(host) {}
    Result<std::unique_ptr<net::Listener>> listen(const std::string& address, uint32_t port,
                                                  Accept accept,
                                                  std::shared_ptr<net::TlsContext> tls) override;
    std::unique_ptr<Attempt> connect(const std::string& host, uint32_t port, uint64_t timeout_us,
                                     Connected connected,
                                     std::shared_ptr<net::TlsContext> tls) override;

  private:
    Network& network_;
    const uint32_t host_;
};

class SimListener final : public net::Listener {
  public:
    SimListener(Network& network, uint32_t port, uint64_t number)
        : network_(network), port_(port), number_(number) {}
    ~SimListener() override;
    [[nodiscard]] uint32_t port() const override { return port_; }

  private:
    Network& network_;
    const uint32_t port_;
    const uint64_t number_;
};

class SimAttempt final : public net::Transport::Attempt {
  public:
    SimAttempt(Network& network, uint64_t number, uint32_t host, uint32_t port,
               net::Transport::Connected connected)
        : network_(network),
          number_(number),
          host_(host),
          port_(port),
          connected_(std::move(connected)) {}
    ~SimAttempt() override { network_.attempts_.erase(number_); }

  private:
    friend class Network;
    friend class SimTransport;
    Network& network_;
    const uint64_t number_;
    const uint32_t host_;
    const uint32_t port_;
    uint64_t until_us_ = 0;
    net::Transport::Connected connected_;
};

}  // namespace p2c2r::sim
