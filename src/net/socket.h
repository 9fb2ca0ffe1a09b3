// Addresses and non-blocking stream sockets: the little that a transport needs of the system.
// Nothing here waits, raises a signal or leaves a descriptor open to child processes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/status.h"

namespace p2c2r::net {

// An IPv4 or IPv6 address with its port, in the system's own form.
struct Address {
    alignas(8) uint8_t storage[32] = {};
    uint32_t size = 0;  // of what is used of it; 0: none

    // "127.0.0.1", "::1": no name is looked up.
    static std::optional<Address> numeric(const std::string& host, uint32_t port);
    [[nodiscard]] uint32_t port() const;
    [[nodiscard]] std::string host() const;
    // "127.0.0.1:80", "[::1]:80".
    [[nodiscard]] std::string text() const;
    [[nodiscard]] bool is_loopback() const;
    // On this machine or in a private network.
    [[nodiscard]] bool is_near() const;
};

// Owns a descriptor.
class Socket {
  public:
    Socket() = default;
    explicit Socket(int descriptor) : descriptor_(descriptor) {}
    Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Socket& operator=(Socket&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~Socket() { close(); }
    void close();
    [[nodiscard]] bool valid() const { return descriptor_ >= 0; }
    [[nodiscard]] int descriptor() const { return descriptor_; }

  private:
    int descriptor_ = -1;
};

// One piece of a gathered write or a scattered read.
struct IoPiece {
    uint8_t* data = nullptr;
    size_t size = 0;
};
inline constexpr size_t kIoPiecesMax = 1024;

struct IoResult {
    enum class Kind { kDone, kAgain, kEnd, kFailed } kind = Kind::kAgain;
    size_t size = 0;  // kDone
    int error = 0;    // kFailed: the system's number
};
IoResult receive(const Socket& socket, const IoPiece* pieces, size_t count);
// A connection that the other side has reset is kFailed like any other.
IoResult send(const Socket& socket, const IoPiece* pieces, size_t count);
// Bytes that were sent and that the other side has not acknowledged; 0 where the system does not
// tell.
size_t unacknowledged(const Socket& socket);
// Tells the other side that nothing more follows.
void shut_down_sending(const Socket& socket);

struct SocketOptions {
    // A congestion control that does not pace, on loopback and private networks: pacing halves the
    // throughput of large payloads there.
    bool unpaced_when_near = true;
};

struct SocketFailure {
    int error = 0;
    Socket socket;  // valid: it worked
};
SocketFailure open_listener(const Address& address, const SocketOptions& options);
// The address that a socket is bound to.
Address local_address(const Socket& socket);
// `from` is who connected.
SocketFailure accept_one(const Socket& listener, Address& from);
// True for errors of accept_one() that concern one connection or just mean that nobody waits.
bool is_nobody_waiting(int error);
bool is_out_of_descriptors(int error);
// Begins to connect: finished when the socket is writable; ask connect_error() then.
SocketFailure begin_connect(const Address& address, const SocketOptions& options);
int connect_error(const Socket& socket);  // 0: connected

// What a number of the system means, in plain words. Independent of any locale.
struct ErrorText {
    char text[64];
};
ErrorText system_error_text(int error);
bool is_address_in_use(int error);

// Looks a name up; blocks. Empty with `why` when it is not known.
std::vector<Address> look_up(const std::string& host, uint32_t port, std::string& why);

}  // namespace p2c2r::net
