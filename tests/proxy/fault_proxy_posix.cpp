#include "proxy/fault_proxy_posix.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

namespace p2c2r::test {

namespace {

constexpr int kBacklog = 64;
constexpr int kSmallBuffer = 4096;  // of the system, where a line is throttled

uint64_t monotonic_us() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

sockaddr_in ipv4(const FaultProxy::Place& place) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(place.port);
    if (inet_pton(AF_INET, place.address.c_str(), &address.sin_addr) != 1) {
        throw std::runtime_error("'" + place.address + "' is no IPv4 address");
    }
    return address;
}

FaultPlan plan_of(const std::string& text) {
    std::string why;
    std::optional<FaultPlan> plan = parse_plan(text, why);
    if (!plan) throw std::runtime_error(why);
    return *plan;
}

bool has_throttle(const FaultPlan& plan) {
    for (const FaultClause& clause : plan.clauses) {
        for (const Fault& fault : clause.faults) {
            if (fault.kind == Fault::Kind::kThrottle) return true;
        }
    }
    return false;
}

bool try_again() {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

void close_abruptly(int end) {
    const linger at_once = {1, 0};
    setsockopt(end, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(end);
}

}  // namespace

struct FaultProxy::Relayed {
    Relayed(int near_end, int far_end, const FaultPlan& plan, uint64_t seed, uint32_t its_number)
        : number(its_number),
          near(near_end),
          far(far_end),
          line(plan, seed, its_number, monotonic_us()) {}
    ~Relayed() {
        for (const int end : {near, far}) {
            if (abrupt) {
                close_abruptly(end);
            } else {
                close(end);
            }
        }
    }
    Relayed(const Relayed&) = delete;
    Relayed& operator=(const Relayed&) = delete;
    [[nodiscard]] int from(Way way) const { return way == Way::kUp ? near : far; }
    [[nodiscard]] int to(Way way) const { return way == Way::kUp ? far : near; }

    const uint32_t number;
    const int near;
    const int far;
    FaultLine line;
    bool abrupt = false;
    bool full[2] = {false, false};  // that end takes no more now
};

FaultProxy::FaultProxy(uint32_t to_port, const std::string& plan, uint64_t seed)
    : FaultProxy({}, {"127.0.0.1", static_cast<uint16_t>(to_port)}, plan_of(plan), seed) {}

FaultProxy::FaultProxy(const Place& from, const Place& to, const FaultPlan& plan, uint64_t seed)
    : to_(to), plan_(plan), seed_(seed) {
    (void)ipv4(to);
    sockaddr_in address = ipv4(from);
    socklen_t size = sizeof address;
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int again = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &again, sizeof again);
    if (has_throttle(plan)) {
        setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &kSmallBuffer, sizeof kSmallBuffer);
    }
    if (pipe2(wake_, O_CLOEXEC | O_NONBLOCK) != 0 || bind(listener_, plain, size) != 0 ||
        listen(listener_, kBacklog) != 0 || getsockname(listener_, plain, &size) != 0) {
        const std::string why = std::strerror(errno);
        close(listener_);
        for (const int end : wake_) {
            if (end >= 0) close(end);
        }
        throw std::runtime_error("cannot listen on " + from.address + ":" +
                                 std::to_string(from.port) + ": " + why);
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
}

FaultProxy::~FaultProxy() {
    stopping_ = true;
    (void)!write(wake_[1], "", 1);
    thread_.join();
    close(listener_);
    for (const int end : wake_) close(end);
}

void FaultProxy::apply(const std::string& faults) {
    std::string why;
    const std::optional<std::vector<Fault>> parsed = parse_faults(faults, why);
    if (!parsed) throw std::runtime_error(why);
    {
        const std::lock_guard lock(mutex_);
        asked_.insert(asked_.end(), parsed->begin(), parsed->end());
    }
    (void)!write(wake_[1], "", 1);
}

void FaultProxy::take_new(std::vector<std::unique_ptr<Relayed>>& relayed) {
    for (;;) {
        const int near = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (near < 0) return;
        const int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (has_throttle(plan_)) {
            setsockopt(far, SOL_SOCKET, SO_RCVBUF, &kSmallBuffer, sizeof kSmallBuffer);
        }
        const int at_once = 1;
        for (const int end : {near, far}) {
            setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
        }
        const sockaddr_in address = ipv4(to_);
        if (connect(far, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            close_abruptly(near);
            close(far);
            continue;
        }
        fcntl(far, F_SETFL, O_NONBLOCK);
        relayed.push_back(std::make_unique<Relayed>(near, far, plan_, seed_, ++connections_));
    }
}

// Reads what has come for one way and writes what is due there, a piece a turn, so that pieces stay
// apart on their way as far as the system lets them.
void FaultProxy::move(Relayed& one, Way way) {
    const uint64_t now_us = monotonic_us();
    FaultLine& line = one.line;
    char block[16 * 1024];
    const size_t room = std::min(line.room(way), sizeof block);
    if (room > 0) {
        const ssize_t got = recv(one.from(way), block, room, 0);
        if (got > 0) {
            line.take(way, {block, static_cast<size_t>(got)}, now_us);
        } else if (got == 0) {
            line.end(way, now_us);
        } else if (!try_again()) {
            // A reset goes on as one, unless nothing goes on that way.
            line.end(way, now_us);
            if (!line.is_silent(way)) line.apply({Fault::Kind::kCut, true, true, 0, true}, now_us);
        }
    }
    const std::string_view piece = line.piece(way, now_us);
    bool& full = one.full[way == Way::kUp ? 0 : 1];
    full = false;
    if (!piece.empty()) {
        const ssize_t sent = send(one.to(way), piece.data(), piece.size(), MSG_NOSIGNAL);
        if (sent > 0) {
            passed_[way == Way::kUp ? 0 : 1] += static_cast<uint64_t>(sent);
            if (witness_) witness_(one.number, way, piece.substr(0, static_cast<size_t>(sent)));
            line.gone(way, static_cast<size_t>(sent), now_us);
        } else if (try_again()) {
            full = true;
        } else {
            line.give_up(way);
        }
    }
    if (line.ends(way, now_us)) shutdown(one.to(way), SHUT_WR);
}

void FaultProxy::serve() {
    std::vector<std::unique_ptr<Relayed>> relayed;
    while (!stopping_) {
        std::vector<pollfd> waits = {{listener_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
        uint64_t next_us = UINT64_MAX;
        for (const auto& one : relayed) {
            next_us = std::min(next_us, one->line.next_clause_us());
            for (const Way way : kWays) {
                const bool reads = one->line.room(way) > 0;
                const bool full = one->full[way == Way::kUp ? 0 : 1];
                waits.push_back({reads ? one->from(way) : -1, POLLIN, 0});
                // What cannot be written is not due before there is room.
                waits.push_back({full ? one->to(way) : -1, POLLOUT, 0});
                if (!full) next_us = std::min(next_us, one->line.next_us(way));
            }
        }
        const uint64_t now_us = monotonic_us();
        const uint64_t wait_us = next_us > now_us ? next_us - now_us : 0;
        const timespec limit = {static_cast<time_t>(wait_us / 1'000'000),
                                static_cast<long>(wait_us % 1'000'000 * 1000)};
        ppoll(waits.data(), waits.size(), next_us == UINT64_MAX ? nullptr : &limit, nullptr);
        char drained[64];
        while (read(wake_[0], drained, sizeof drained) > 0) {
        }
        take_new(relayed);
        std::vector<Fault> asked;
        {
            const std::lock_guard lock(mutex_);
            asked.swap(asked_);
        }
        for (const auto& one : relayed) {
            one->line.turn(monotonic_us());
            for (const Fault& fault : asked) one->line.apply(fault, monotonic_us());
            for (const Way way : kWays) move(*one, way);
            one->abrupt = one->line.cut() == FaultLine::Cut::kRst;
        }
        std::erase_if(relayed, [](const auto& one) { return one->line.is_over(); });
        open_ = static_cast<uint32_t>(relayed.size());
    }
    for (const auto& one : relayed) one->abrupt = true;
}

}  // namespace p2c2r::test
