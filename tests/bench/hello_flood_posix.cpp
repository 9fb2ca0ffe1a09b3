#include "hello_flood.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace bench {

namespace {

sockaddr_in loopback(uint32_t port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(2);
}

int open_caller(uint32_t port, int flags) {
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (descriptor < 0) fail("bench: socket");
    const linger reset = {1, 0};  // no port is left waiting
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    const sockaddr_in address = loopback(port);
    (void)connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    return descriptor;
}

bool is_open(int descriptor) {
    char bytes[4096];
    ssize_t got = 0;
    while ((got = recv(descriptor, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
    }
    return got != 0 && errno == EAGAIN;
}

}  // namespace

OneCaller::OneCaller() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        listen(listener_, 1) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        fail("bench: listen");
    }
    port_ = ntohs(address.sin_port);
}

OneCaller::~OneCaller() {
    close(listener_);
}

std::string OneCaller::first_words() const {
    const int caller = accept(listener_, nullptr, nullptr);
    char words[4096];
    const ssize_t got = recv(caller, words, sizeof words, 0);
    close(caller);
    return got > 0 ? std::string(words, static_cast<size_t>(got)) : std::string();
}

Flooded flood(uint32_t port, const std::string& first_words, unsigned width) {
    Flooded result;
    std::vector<pollfd> waits(width + 1);
    std::vector<bool> said(width + 1, false);
    waits[0] = {0, POLLIN, 0};
    for (unsigned i = 1; i <= width; ++i) {
        waits[i] = {open_caller(port, SOCK_NONBLOCK), POLLOUT, 0};
    }
    while (poll(waits.data(), waits.size(), 1000) >= 0 && waits[0].revents == 0) {
        for (unsigned i = 1; i <= width; ++i) {
            pollfd& one = waits[i];
            if (one.revents == 0) continue;
            if (!said[i] && one.revents == POLLOUT) {
                (void)send(one.fd, first_words.data(), first_words.size(), MSG_NOSIGNAL);
                said[i] = true;
                one.events = POLLIN;
                continue;
            }
            char answer[4096];
            ++(recv(one.fd, answer, sizeof answer, 0) > 0 ? result.answered : result.refused);
            close(one.fd);
            one = {open_caller(port, SOCK_NONBLOCK), POLLOUT, 0};
            said[i] = false;
        }
    }
    for (unsigned i = 1; i <= width; ++i) close(waits[i].fd);
    return result;
}

SilentCrowd::SilentCrowd(uint32_t port, const std::string& words, unsigned count)
    : descriptors_(new int[count]), count_(count) {
    for (unsigned i = 0; i < count; ++i) {
        descriptors_[i] = open_caller(port, 0);
        if (!words.empty()) (void)send(descriptors_[i], words.data(), words.size(), MSG_NOSIGNAL);
    }
}

SilentCrowd::~SilentCrowd() {
    for (unsigned i = 0; i < count_; ++i) close(descriptors_[i]);
    delete[] descriptors_;
}

unsigned SilentCrowd::open() const {
    unsigned open = 0;
    for (unsigned i = 0; i < count_; ++i) open += is_open(descriptors_[i]);
    return open;
}

}  // namespace bench
