#include "lagging_relay_posix.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <list>
#include <stdexcept>
#include <string>
#include <vector>

namespace p2c2r::test {

namespace {

using RelayClock = std::chrono::steady_clock;

constexpr int kStopLookMs = 20;  // at whether it is to stop
constexpr size_t kSlowBlock = 1024;
constexpr int kSlowBuffer = 4096;  // of the system, where there is a limit

sockaddr_in relay_address(uint32_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// One direction: what has come from one end and is due at the other.
struct Direction {
    struct Part {
        RelayClock::time_point due;
        std::string bytes;  // none: the end
    };
    int from;
    int to;
    uint64_t bytes_s;  // 0: no limit
    std::deque<Part> parts;
    RelayClock::time_point free;  // when the line has taken what came so far
    bool ended = false;
    bool told = false;

    [[nodiscard]] bool is_full() const { return free > RelayClock::now(); }
    void take(RelayClock::duration lag) {
        char block[16 * 1024];
        const size_t most = bytes_s == 0 ? sizeof block : kSlowBlock;
        const ssize_t got = recv(from, block, most, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
        ended = got <= 0;
        free = std::max(free, RelayClock::now());
        if (bytes_s > 0 && got > 0) {
            free += std::chrono::microseconds(static_cast<uint64_t>(got) * 1'000'000 / bytes_s);
        }
        parts.push_back({free + lag, std::string(block, ended ? 0 : size_t(got))});
    }
    // What a handshake and a small task bring fits into the system's buffers.
    void give() {
        while (!parts.empty() && parts.front().due <= RelayClock::now()) {
            const std::string& bytes = parts.front().bytes;
            told = bytes.empty();
            if (told) {
                shutdown(to, SHUT_WR);
            } else if (send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) {
                ended = told = true;
            }
            parts.pop_front();
        }
    }
};

struct Relayed {
    Relayed(int near, int far, uint64_t up_bytes_s)
        : out{near, far, up_bytes_s, {}, {}}, back{far, near, 0, {}, {}} {}
    Relayed(const Relayed&) = delete;
    Relayed& operator=(const Relayed&) = delete;

    Direction out;
    Direction back;
    [[nodiscard]] bool is_over() const { return out.told && back.told; }
    ~Relayed() {
        close(out.from);
        close(out.to);
    }
};

}  // namespace

LaggingRelay::LaggingRelay(uint32_t port, uint64_t lag_us, uint64_t up_bytes_s)
    : target_(port), lag_us_(lag_us), up_bytes_s_(up_bytes_s) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (up_bytes_s > 0) {
        setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &kSlowBuffer, sizeof kSlowBuffer);
    }
    sockaddr_in address = relay_address(0);
    socklen_t size = sizeof address;
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, plain, size) != 0 || listen(listener_, 8) != 0 ||
        getsockname(listener_, plain, &size) != 0) {
        throw std::runtime_error("a relay cannot listen");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
}

LaggingRelay::~LaggingRelay() {
    stopping_ = true;
    thread_.join();
    close(listener_);
}

void LaggingRelay::serve() const {
    const auto lag = std::chrono::microseconds(lag_us_);
    std::list<Relayed> relayed;
    while (!stopping_) {
        std::vector<pollfd> waits = {{listener_, POLLIN, 0}};
        std::vector<Direction*> directions;
        auto next = RelayClock::now() + std::chrono::milliseconds(kStopLookMs);
        for (Relayed& one : relayed) {
            for (Direction* direction : {&one.out, &one.back}) {
                directions.push_back(direction);
                const bool waits_here = direction->ended || direction->is_full();
                waits.push_back({waits_here ? -1 : direction->from, POLLIN, 0});
                if (direction->is_full()) next = std::min(next, direction->free);
                if (!direction->parts.empty()) next = std::min(next, direction->parts.front().due);
            }
        }
        const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - RelayClock::now());
        poll(waits.data(), waits.size(), wait.count() > 0 ? static_cast<int>(wait.count()) : 0);
        for (size_t i = 0; i < directions.size(); ++i) {
            if (waits[i + 1].revents != 0) directions[i]->take(lag);
            directions[i]->give();
        }
        relayed.remove_if([](const Relayed& one) { return one.is_over(); });
        if (waits[0].revents == 0) continue;
        const int near = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        const int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_in target = relay_address(target_);
        const int at_once = 1;
        for (const int end : {near, far}) {
            setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
        }
        connect(far, reinterpret_cast<const sockaddr*>(&target), sizeof target);
        relayed.emplace_back(near, far, up_bytes_s_);
    }
}

}  // namespace p2c2r::test
