#include "raw_socket_posix.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>

namespace p2c2r::test {

RawSocket::RawSocket(uint32_t port) {
    descriptor_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience = {30, 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        close(descriptor_);
        descriptor_ = -1;
    }
}

RawSocket::~RawSocket() {
    if (descriptor_ >= 0) close(descriptor_);
}

bool RawSocket::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
}

std::string RawSocket::receive_all() {
    std::string all;
    char block[4096];
    for (;;) {
        const ssize_t got = recv(descriptor_, block, sizeof block, 0);
        if (got <= 0) {
            closed_ = got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
            return all;
        }
        all.append(block, static_cast<size_t>(got));
    }
}

uint32_t port_of_url(const std::string& url) {
    return static_cast<uint32_t>(std::stoul(url.substr(url.rfind(':') + 1)));
}

SmallDisk::SmallDisk(const std::string& directory, size_t bytes) : directory_(directory) {
    const std::string options = "size=" + std::to_string(bytes);
    mounted_ =
        mount("p2c2r-test", directory.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) == 0;
}

SmallDisk::~SmallDisk() {
    if (mounted_) umount(directory_.c_str());
}

}  // namespace p2c2r::test
