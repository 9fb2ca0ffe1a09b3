// A plain TCP connection to loopback: for bytes that no role would send.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace p2c2r::test {

class RawSocket {
  public:
    explicit RawSocket(uint32_t port);
    ~RawSocket();
    RawSocket(const RawSocket&) = delete;
    RawSocket& operator=(const RawSocket&) = delete;

    [[nodiscard]] bool connected() const { return descriptor_ >= 0; }
    // False: the other side has closed.
    bool send(std::string_view bytes);
    // Everything until the other side closes, or until the patience of a broken run is over (then
    // closed() is false).
    std::string receive_all();
    [[nodiscard]] bool closed() const { return closed_; }

  private:
    int descriptor_ = -1;
    bool closed_ = false;
};

uint32_t port_of_url(const std::string& url);

// Mounts a small memory file system on an existing directory, as root only; undone with its object.
class SmallDisk {
  public:
    SmallDisk(const std::string& directory, size_t bytes);
    ~SmallDisk();
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    [[nodiscard]] bool mounted() const { return mounted_; }

  private:
    std::string directory_;
    bool mounted_ = false;
};

}  // namespace p2c2r::test
