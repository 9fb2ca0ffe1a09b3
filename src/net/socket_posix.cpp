#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/check.h"
#include "net/host_port.h"
#include "net/socket.h"

namespace p2c2r::net {

namespace {

constexpr int kBacklog = 1024;
// Both only reap what is dead: silence is judged by heartbeats long before. The first also bounds
// how long a reader that is alive may take nothing, so it is generous: a game that loads a level
// does not read for seconds.
constexpr int kUserTimeoutMs = 20'000;
constexpr int kKeepIdleS = 10;
constexpr int kKeepIntervalS = 2;
constexpr int kKeepCount = 3;

static_assert(sizeof(Address::storage) >= sizeof(sockaddr_in6));
static_assert(sizeof(IoPiece) == sizeof(iovec) && offsetof(IoPiece, data) == 0 &&
              offsetof(IoPiece, size) == offsetof(iovec, iov_len));

const sockaddr* system_form(const Address& address) {
    return reinterpret_cast<const sockaddr*>(address.storage);
}

Address from_system(const sockaddr* source, socklen_t size) {
    Address address;
    if (size <= sizeof(address.storage) &&
        (source->sa_family == AF_INET || source->sa_family == AF_INET6)) {
        std::memcpy(address.storage, source, size);
        address.size = size;
    }
    return address;
}

void set(int descriptor, int level, int name, int value) {
    // Best effort throughout: a socket without the option still carries frames.
    (void)::setsockopt(descriptor, level, name, &value, sizeof value);
}

// Without loss, as inside one machine, the two differ only in what they cost.
void use_unpaced(int descriptor, const Address& address) {
#ifdef TCP_CONGESTION
    const bool loses = !address.is_loopback();
    for (const char* name : {loses ? "cubic" : "reno", loses ? "reno" : "cubic"}) {
        if (::setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, name,
                         static_cast<socklen_t>(std::strlen(name))) == 0) {
            return;
        }
    }
#else
    (void)descriptor, (void)address;
#endif
}

void set_common_options(int descriptor) {
    set(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
    set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
    set(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, kKeepIdleS);
    set(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, kKeepIntervalS);
    set(descriptor, IPPROTO_TCP, TCP_KEEPCNT, kKeepCount);
#endif
#ifdef TCP_USER_TIMEOUT
    set(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeoutMs);
#endif
}

IoResult result_of(ssize_t done) {
    IoResult result;
    if (done > 0) {
        result.kind = IoResult::Kind::kDone;
        result.size = static_cast<size_t>(done);
    } else if (done == 0) {
        result.kind = IoResult::Kind::kEnd;
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        result.kind = IoResult::Kind::kFailed;
        result.error = errno;
    }
    return result;
}

SocketFailure failed(int error) {
    SocketFailure failure;
    failure.error = error;
    return failure;
}

bool is_private_v4(uint32_t address) {
    return address >> 24 == 10 || address >> 20 == 0xAC1 || address >> 16 == 0xC0A8 ||
           address >> 16 == 0xA9FE;
}

}  // namespace

// ---- addresses ---------------------------------------------------------------------------------

std::optional<Address> Address::numeric(const std::string& host, uint32_t port) {
    if (port > 65535) return std::nullopt;
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<uint16_t>(port));
    if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
        return from_system(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(static_cast<uint16_t>(port));
    if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
        return from_system(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
    }
    return std::nullopt;
}

uint32_t Address::port() const {
    if (size == 0) return 0;
    // The port lies at the same place in both forms.
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    uint16_t port;
    std::memcpy(&port, storage + offsetof(sockaddr_in, sin_port), sizeof port);
    return ntohs(port);
}

namespace {

// The IPv4 address in it, in host order, or nothing.
std::optional<uint32_t> v4_of(const Address& address) {
    if (address.size == 0) return std::nullopt;
    uint32_t value;
    if (system_form(address)->sa_family == AF_INET) {
        std::memcpy(&value, address.storage + offsetof(sockaddr_in, sin_addr), sizeof value);
        return ntohl(value);
    }
    in6_addr v6;
    std::memcpy(&v6, address.storage + offsetof(sockaddr_in6, sin6_addr), sizeof v6);
    if (!IN6_IS_ADDR_V4MAPPED(&v6)) return std::nullopt;
    std::memcpy(&value, v6.s6_addr + 12, sizeof value);
    return ntohl(value);
}

in6_addr v6_of(const Address& address) {
    in6_addr v6;
    std::memcpy(&v6, address.storage + offsetof(sockaddr_in6, sin6_addr), sizeof v6);
    return v6;
}

}  // namespace

std::string Address::host() const {
    if (size == 0) return "unknown";
    char text[INET6_ADDRSTRLEN] = {};
    int family = system_form(*this)->sa_family;
    size_t offset =
        family == AF_INET ? offsetof(sockaddr_in, sin_addr) : offsetof(sockaddr_in6, sin6_addr);
    if (family == AF_INET6 && v4_of(*this)) {  // on a socket that takes both: its last four bytes
        family = AF_INET;
        offset += 12;
    }
    if (!::inet_ntop(family, storage + offset, text, sizeof text)) return "unknown";
    return text;
}

std::string Address::text() const {
    return join_host_port(host(), port());
}

bool Address::is_loopback() const {
    if (size == 0) return false;
    if (const auto v4 = v4_of(*this)) return *v4 >> 24 == 127;
    const in6_addr v6 = v6_of(*this);
    return IN6_IS_ADDR_LOOPBACK(&v6);
}

bool Address::is_near() const {
    if (size == 0) return false;
    if (is_loopback()) return true;
    if (const auto v4 = v4_of(*this)) return is_private_v4(*v4);
    const in6_addr v6 = v6_of(*this);
    return IN6_IS_ADDR_LINKLOCAL(&v6) || (v6.s6_addr[0] & 0xFE) == 0xFC;
}

// ---- sockets -----------------------------------------------------------------------------------

void Socket::close() {
    if (descriptor_ >= 0) (void)::close(std::exchange(descriptor_, -1));
}

IoResult receive(const Socket& socket, const IoPiece* pieces, size_t count) {
    if (count == 1) {
        return result_of(::recv(socket.descriptor(), pieces[0].data, pieces[0].size, 0));
    }
    return result_of(::readv(socket.descriptor(), reinterpret_cast<const iovec*>(pieces),
                             static_cast<int>(count)));
}

IoResult send(const Socket& socket, const IoPiece* pieces, size_t count) {
    if (count == 1) {
        return result_of(::send(socket.descriptor(), pieces[0].data, pieces[0].size, MSG_NOSIGNAL));
    }
    msghdr message{};
    message.msg_iov = reinterpret_cast<iovec*>(const_cast<IoPiece*>(pieces));
    message.msg_iovlen = count;
    return result_of(::sendmsg(socket.descriptor(), &message, MSG_NOSIGNAL));
}

size_t unacknowledged(const Socket& socket) {
#ifdef TIOCOUTQ
    int bytes = 0;
    if (ioctl(socket.descriptor(), TIOCOUTQ, &bytes) == 0 && bytes > 0) {
        return static_cast<size_t>(bytes);
    }
#endif
    return 0;
}

void shut_down_sending(const Socket& socket) {
    (void)::shutdown(socket.descriptor(), SHUT_WR);
}

SocketFailure open_listener(const Address& address, const SocketOptions& options) {
    const int family = system_form(address)->sa_family;
    Socket socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.valid()) return failed(errno);
    const int descriptor = socket.descriptor();
    set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
    if (family == AF_INET6) set(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    // Before listen: accepted connections take it over. Connections from far away also do without
    // pacing then; whoever serves them mainly can say so with the option.
    if (options.unpaced_when_near) use_unpaced(descriptor, address);
    if (::bind(descriptor, system_form(address), address.size) != 0) return failed(errno);
    if (::listen(descriptor, kBacklog) != 0) return failed(errno);
    return SocketFailure{0, std::move(socket)};
}

Address local_address(const Socket& socket) {
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (::getsockname(socket.descriptor(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
        return {};
    }
    return from_system(reinterpret_cast<const sockaddr*>(&bound), size);
}

SocketFailure accept_one(const Socket& listener, Address& from) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    Socket socket(::accept4(listener.descriptor(), reinterpret_cast<sockaddr*>(&peer), &size,
                            SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.valid()) return failed(errno);
    from = from_system(reinterpret_cast<const sockaddr*>(&peer), size);
    set_common_options(socket.descriptor());
    return SocketFailure{0, std::move(socket)};
}

bool is_nobody_waiting(int error) {
    return error == EAGAIN || error == EWOULDBLOCK;
}

bool is_out_of_descriptors(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

SocketFailure begin_connect(const Address& address, const SocketOptions& options) {
    Socket socket(
        ::socket(system_form(address)->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.valid()) return failed(errno);
    set_common_options(socket.descriptor());
    if (options.unpaced_when_near && address.is_near()) use_unpaced(socket.descriptor(), address);
    if (::connect(socket.descriptor(), system_form(address), address.size) != 0 &&
        errno != EINPROGRESS && errno != EINTR) {
        return failed(errno);
    }
    return SocketFailure{0, std::move(socket)};
}

int connect_error(const Socket& socket) {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    return error;
}

bool is_address_in_use(int error) {
    return error == EADDRINUSE;
}

namespace {

const char* known_error(int error) {
    switch (error) {
        case ECONNREFUSED:
            return "connection refused";
        case ETIMEDOUT:
            return "no answer in time";
        case EHOSTUNREACH:
            return "the host cannot be reached";
        case ENETUNREACH:
            return "the network cannot be reached";
        case ECONNRESET:
            return "connection reset by the other side";
        case ECONNABORTED:
            return "connection aborted";
        case EPIPE:
            return "the other side does not receive any more";
        case EADDRINUSE:
            return "the address is in use";
        case EADDRNOTAVAIL:
            return "this machine has no such address";
        case EAFNOSUPPORT:
            return "this machine does not speak that address family";
        case EACCES:
        case EPERM:
            return "not permitted";
        case EMFILE:
            return "this process has too many open files";
        case ENFILE:
            return "this machine has too many open files";
        case ENOBUFS:
        case ENOMEM:
            return "the system is out of memory";
        case EINVAL:
            return "the system takes the address for invalid";
        default:
            return nullptr;
    }
}

}  // namespace

ErrorText system_error_text(int error) {
    ErrorText result;
    if (const char* known = known_error(error)) {
        std::snprintf(result.text, sizeof result.text, "%s", known);
    } else {
        std::snprintf(result.text, sizeof result.text, "system error %d", error);
    }
    return result;
}

std::vector<Address> look_up(const std::string& host, uint32_t port, std::string& why) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    std::vector<Address> addresses;
    if (error != 0) {
        why = error == EAI_AGAIN ? "the name service does not answer" : "no such host";
        return addresses;
    }
    struct Release {
        addrinfo* list;
        ~Release() { ::freeaddrinfo(list); }
    } release{found};
    for (const addrinfo* entry = found; entry; entry = entry->ai_next) {
        const Address address = from_system(entry->ai_addr, entry->ai_addrlen);
        if (address.size > 0) addresses.push_back(address);
    }
    if (addresses.empty()) why = "the name has no address";
    return addresses;
}

}  // namespace p2c2r::net
