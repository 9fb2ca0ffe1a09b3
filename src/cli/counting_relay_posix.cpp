#include "cli/counting_relay_posix.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <vector>

namespace p2c2r::cli {

namespace {

constexpr int kLookMs = 50;  // at whether it is to stop

sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

Failure socket_failure(const char* what) {
    return {kExitSomeFailed, std::string(what) + ": " + std::strerror(errno)};
}

bool write_all(int descriptor, const char* bytes, size_t size) {
    while (size > 0) {
        const ssize_t sent = ::send(descriptor, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes += sent;
        size -= static_cast<size_t>(sent);
    }
    return true;
}

}  // namespace

Result<std::unique_ptr<CountingRelay>> CountingRelay::start(uint16_t port, uint64_t bytes_per_s) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0) return socket_failure("a socket");
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener, plain, size) != 0 || ::listen(listener, 8) != 0 ||
        ::getsockname(listener, plain, &size) != 0) {
        const Failure failure = socket_failure("a relay cannot listen");
        ::close(listener);
        return failure;
    }
    return std::unique_ptr<CountingRelay>(
        new CountingRelay(listener, ntohs(address.sin_port), port, bytes_per_s));
}

CountingRelay::CountingRelay(int listener, uint16_t port, uint16_t target, uint64_t bytes_per_s)
    : listener_(listener), port_(port), target_(target), bytes_per_s_(bytes_per_s), thread_([this] {
          serve();
      }) {}

CountingRelay::~CountingRelay() {
    stopping_ = true;
    thread_.join();
    ::close(listener_);
}

void CountingRelay::serve() {
    while (!stopping_) {
        pollfd wait{listener_, POLLIN, 0};
        if (::poll(&wait, 1, kLookMs) <= 0) continue;
        const int near = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (near < 0) continue;
        relay(near);
        ::close(near);
    }
}

void CountingRelay::relay(int near) {
    const int far = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (far < 0) return;
    const sockaddr_in address = loopback(target_);
    if (::connect(far, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        const int at_once = 1;
        for (const int end : {near, far}) {
            ::setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
        }
        std::vector<char> buffer(1 << 16);
        bool open = true;
        auto free_at = std::chrono::steady_clock::now();  // the line, of what it carries
        while (open && !stopping_) {
            pollfd ends[2] = {{near, POLLIN, 0}, {far, POLLIN, 0}};
            if (::poll(ends, 2, kLookMs) <= 0) continue;
            for (int i = 0; i < 2 && open; ++i) {
                if (ends[i].revents == 0) continue;
                const ssize_t size = ::recv(ends[i].fd, buffer.data(), buffer.size(), 0);
                open = size > 0;
                if (!open) break;
                bytes_ += static_cast<uint64_t>(size);
                if (bytes_per_s_ > 0) {
                    free_at = std::max(free_at, std::chrono::steady_clock::now()) +
                              std::chrono::nanoseconds(static_cast<uint64_t>(size) * 1'000'000'000 /
                                                       bytes_per_s_);
                    std::this_thread::sleep_until(free_at);
                }
                open = write_all(ends[1 - i].fd, buffer.data(), static_cast<size_t>(size));
            }
        }
    }
    ::close(far);
}

}  // namespace p2c2r::cli
