// Network namespaces of Linux without names: a hub, and spokes that are each joined to it by a line
// of their own, which can go silent. For benches and tests that need a link which loses everything
// and says nothing, as no socket option or relay can make one.
//
// A namespace lasts as long as this object or a process in it, and leaves nothing in the file
// system: however a run ends, they are gone with its processes.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "cli/failure.h"

namespace p2c2r::cli {

class NetworkSpace {
  public:
    // Needs root and `ip`; says what is missing. Its loopback is up.
    static Result<NetworkSpace> make();
    NetworkSpace() = default;
    ~NetworkSpace();
    NetworkSpace(NetworkSpace&& other) noexcept;
    NetworkSpace& operator=(NetworkSpace&& other) noexcept;

    // The calling thread is in there, and so are the threads and processes that it starts, until
    // this goes. Sockets stay where they were made.
    class Visit {
      public:
        explicit Visit(const NetworkSpace& space);
        ~Visit();
        Visit(const Visit&) = delete;
        Visit& operator=(const Visit&) = delete;

      private:
        int back_;
    };

    // `ip` in there.
    [[nodiscard]] Outcome ip(const std::vector<std::string>& words) const;
    // For `ip ... netns PATH`, as long as this object.
    [[nodiscard]] std::string path() const;

  private:
    int descriptor_ = -1;
};

class NetworkStar {
  public:
    static Result<std::unique_ptr<NetworkStar>> make(size_t spokes);

    [[nodiscard]] const NetworkSpace& hub() const { return hub_; }
    [[nodiscard]] const NetworkSpace& spoke(size_t index) const { return spokes_[index]; }
    // The hub's address as this spoke reaches it.
    [[nodiscard]] static std::string hub_address(size_t index);

    // Nothing that the spoke sends gets anywhere, not even an acknowledgement, and nobody is told:
    // a blackhole route towards the hub. What the hub sends still arrives.
    [[nodiscard]] Outcome silence(size_t index) const;
    [[nodiscard]] Outcome hear(size_t index) const;
    // Nothing passes in either way: the spoke's device is down.
    [[nodiscard]] Outcome unplug(size_t index) const;

  private:
    NetworkStar() = default;
    Outcome join(size_t index);

    NetworkSpace hub_;
    std::vector<NetworkSpace> spokes_;
};

}  // namespace p2c2r::cli
