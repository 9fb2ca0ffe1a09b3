// Plain blocking sockets for the other side of a test, and what the process holds open.
#pragma once

#include <arpa/inet.h>
#include <dirent.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "wire/frame.h"

namespace p2c2r::test {

inline size_t entries_of(const char* folder) {
    DIR* opened = ::opendir(folder);
    REQUIRE(opened != nullptr);
    size_t count = 0;
    while (const dirent* entry = ::readdir(opened)) count += entry->d_name[0] != '.';
    ::closedir(opened);
    return count;
}
inline size_t open_descriptors() {
    return entries_of("/proc/self/fd");
}
inline size_t running_threads() {
    return entries_of("/proc/self/task");
}
// Whether there are this many threads now or soon: one that was joined may still be listed for a
// moment, since the kernel wakes who waits for it before it takes it off the list.
inline bool threads_become(size_t count) {
    for (int look = 0; look < 10'000; ++look) {
        if (running_threads() == count) return true;
        ::usleep(1000);
    }
    return false;
}
// How many run before a test starts some. A sanitizer may keep one of its own from the first on.
inline size_t threads_to_begin_with() {
    std::atomic<pid_t> id{0};
    std::thread([&] { id = ::gettid(); }).join();
    const std::string entry = "/proc/self/task/" + std::to_string(id);
    for (int look = 0; look < 10'000 && ::access(entry.c_str(), F_OK) == 0; ++look) {
        ::usleep(1000);
    }
    return running_threads();
}

class RawSocket {
  public:
    explicit RawSocket(int fd) : fd_(fd) {}
    RawSocket(RawSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    ~RawSocket() { close(); }

    static RawSocket connect(uint32_t port, int receive_buffer = 0) {
        RawSocket raw(::socket(AF_INET, SOCK_STREAM, 0));
        if (receive_buffer > 0) {
            ::setsockopt(raw.fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        }
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<uint16_t>(port));
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(raw.fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
        const int one = 1;
        ::setsockopt(raw.fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        return raw;
    }
    // A listening socket whose queue of waiting connections can be filled.
    static RawSocket listen(uint32_t& port, int backlog) {
        RawSocket raw(::socket(AF_INET, SOCK_STREAM, 0));
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(raw.fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
        REQUIRE(::listen(raw.fd_, backlog) == 0);
        socklen_t size = sizeof at;
        REQUIRE(::getsockname(raw.fd_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
        port = ntohs(at.sin_port);
        return raw;
    }
    RawSocket accept() { return RawSocket(::accept(fd_, nullptr, nullptr)); }

    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    // Closing now resets the connection.
    void reset() {
        const linger now{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close();
    }
    void shut_down_sending() { ::shutdown(fd_, SHUT_WR); }
    [[nodiscard]] bool send(std::span<const uint8_t> bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes = bytes.subspan(static_cast<size_t>(sent));
        }
        return true;
    }
    [[nodiscard]] bool send(const std::string& text) {
        return send(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
    }
    // What is there, at most `most`, without waiting; `end` is set once the other side has closed.
    std::vector<uint8_t> take(size_t most, bool& end) {
        std::vector<uint8_t> bytes(most);
        const ssize_t got = ::recv(fd_, bytes.data(), most, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK)) end = true;
        bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
        return bytes;
    }
    [[nodiscard]] int fd() const { return fd_; }

  private:
    int fd_;
};

inline std::vector<uint8_t> raw_frame(wire::Message message, uint8_t flags, uint64_t id,
                                      std::span<const uint8_t> envelope,
                                      std::span<const uint8_t> params,
                                      std::span<const uint8_t> data) {
    std::vector<uint8_t> bytes(wire::kFrameHeadMax + envelope.size());
    bytes.resize(
        wire::write_frame_start(bytes.data(), message, flags, id, envelope, params.size()));
    bytes.insert(bytes.end(), params.begin(), params.end());
    uint8_t header[5];
    bytes.insert(bytes.end(), header, header + wire::write_bin_header(header, data.size()));
    bytes.insert(bytes.end(), data.begin(), data.end());
    return bytes;
}

}  // namespace p2c2r::test
