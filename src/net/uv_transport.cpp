#include "net/uv_transport.h"
#include "net/host_port.h"

#include <algorithm>
#include <new>
#include <utility>

#include "net/resolver.h"
#include "net/socket.h"
#include "net/uv_stream.h"
#include "net/uv_watch.h"

namespace p2c2r::net {

namespace {

constexpr size_t kHostLengthMax = 253;
constexpr int kAcceptsPerTurn = 64;
// When no descriptor is left, a listener would be reported ready without an end.
constexpr uint64_t kAcceptPauseUs = 100'000;
// A TLS handshake takes a quarter of a millisecond: whoever calls more often than that waits where
// it costs nothing, in the system's queue, so that those who are in keep three quarters of the
// time.
constexpr uint64_t kPerCallerUs = 1'000;
constexpr uint64_t kCallersBurstUs = 16 * kPerCallerUs;
constexpr uint64_t kCallersPauseUs = 4 * kPerCallerUs;
// An address that does not answer must leave time for the next one of the same name.
constexpr uint64_t kPerAddressUs = 1'000'000;

class UvTransport final : public Transport {
  public:
    UvTransport(UvLoop& loop, UvTransportOptions options)
        : loop(loop),
          resolver(loop, std::move(options.thread_hook)),
          streams(loop, options.memory) {
        socket_options.unpaced_when_near = options.unpaced_when_near;
    }

    Result<std::unique_ptr<Listener>> listen(const std::string& address, uint32_t port,
                                             Accept accept,
                                             std::shared_ptr<TlsContext> tls) override;
    std::unique_ptr<Attempt> connect(const std::string& host, uint32_t port, uint64_t timeout_us,
                                     Connected connected, std::shared_ptr<TlsContext> tls) override;
    [[nodiscard]] uint64_t payload_bytes_copied() const override {
        return streams.payload_bytes_copied();
    }

    UvLoop& loop;
    SocketOptions socket_options;
    Resolver resolver;
    StreamTable streams;
};

// ---- listening ---------------------------------------------------------------------------------

class UvListener final : public Listener, private WatchEvents {
  public:
    UvListener(UvTransport& transport, Socket socket, Transport::Accept accept,
               std::shared_ptr<TlsContext> tls)
        : transport_(transport),
          socket_(std::move(socket)),
          accept_(std::move(accept)),
          tls_(std::move(tls)) {
        port_ = local_address(socket_).port();
        pause_.fire = [this] { watch_.want(true, false); };
    }
    ~UvListener() override {
        if (destroyed_) *destroyed_ = true;
        transport_.loop.disarm(pause_);
        watch_.close();
    }
    [[nodiscard]] bool start() {
        if (!watch_.open(transport_.loop, socket_, *this)) return false;
        watch_.want(true, false);
        return true;
    }
    [[nodiscard]] uint32_t port() const override { return port_; }

  private:
    void on_ready(bool, bool) noexcept override {
        bool destroyed = false;
        destroyed_ = &destroyed;
        for (int i = 0; i < kAcceptsPerTurn; ++i) {
            if (tls_ && !may_call()) {
                rest(kCallersPauseUs);
                break;
            }
            Address from;
            SocketFailure taken = accept_one(socket_, from);
            if (!taken.socket.valid()) {
                if (is_nobody_waiting(taken.error)) break;
                if (is_out_of_descriptors(taken.error)) {
                    rest(kAcceptPauseUs);
                    break;
                }
                continue;  // that one was gone before it was taken
            }
            callers_until_us_ += kPerCallerUs;
            try {
                auto connection = transport_.streams.adopt(std::move(taken.socket), from, tls_, {});
                if (connection) accept_(std::move(connection));
            } catch (...) {
                // Memory is short: that connection is closed, the others go on.
            }
            if (destroyed) return;
        }
        destroyed_ = nullptr;
        if (resting_) {
            resting_ = false;
        } else {
            watch_.want(true, false);
        }
    }

    [[nodiscard]] bool may_call() {
        const uint64_t now = transport_.loop.turn_us();
        callers_until_us_ = std::max(callers_until_us_, now);
        return callers_until_us_ < now + kCallersBurstUs;
    }

    void rest(uint64_t pause_us) noexcept {
        try {
            transport_.loop.arm(pause_, transport_.loop.now_us() + pause_us);
            watch_.want(false, false);
            resting_ = true;
        } catch (const std::bad_alloc&) {
            // It is tried again at once then.
        }
    }

    UvTransport& transport_;
    Socket socket_;
    Transport::Accept accept_;
    const std::shared_ptr<TlsContext> tls_;
    SocketWatch watch_;
    Timer pause_;
    uint64_t callers_until_us_ = 0;  // so long the callers so far have to themselves
    uint32_t port_ = 0;
    bool resting_ = false;
    bool* destroyed_ = nullptr;  // of the on_ready() that runs
};

Result<std::unique_ptr<Listener>> UvTransport::listen(const std::string& address, uint32_t port,
                                                      Accept accept,
                                                      std::shared_ptr<TlsContext> tls) {
    const std::string where = join_host_port(address, port);
    const auto numeric = Address::numeric(address == "localhost" ? "127.0.0.1" : address, port);
    if (!numeric) {
        return field_error(Status::kArgument, "listen_address",
                           "'" + where + "' is not an IP address with a port of 0 to 65535");
    }
    SocketFailure opened = open_listener(*numeric, socket_options);
    if (!opened.socket.valid()) {
        if (is_address_in_use(opened.error)) return make_error(Status::kIo, where + " is in use");
        return make_error(
            Status::kIo, "cannot listen on " + where + ": " + system_error_text(opened.error).text);
    }
    auto listener = std::make_unique<UvListener>(*this, std::move(opened.socket), std::move(accept),
                                                 std::move(tls));
    if (!listener->start()) {
        return make_error(Status::kMemory, "cannot listen on " + where + ": memory is short");
    }
    return std::unique_ptr<Listener>(std::move(listener));
}

// ---- connecting --------------------------------------------------------------------------------

class UvAttempt final : public Transport::Attempt, private WatchEvents {
  public:
    UvAttempt(UvTransport& transport, const std::string& host, uint32_t port, uint64_t timeout_us,
              Transport::Connected connected, std::shared_ptr<TlsContext> tls)
        : transport_(transport),
          host_(host),
          where_(join_host_port(host, port)),
          connected_(std::move(connected)),
          tls_(std::move(tls)) {
        const uint64_t now = transport_.loop.now_us();
        until_us_ = timeout_us < UINT64_MAX - now ? now + timeout_us : UINT64_MAX;
        timer_.fire = [this] { on_time_caught(); };
        begin(host, port);
    }
    ~UvAttempt() override {
        transport_.loop.disarm(timer_);
        if (lookup_ != 0) transport_.resolver.cancel(lookup_);
        watch_.close();
    }

  private:
    void begin(const std::string& host, uint32_t port) {
        if (port == 0 || port > 65535) {
            return end_soon(Status::kArgument, "the port must be 1 to 65535");
        }
        if (host.empty() || host.size() > kHostLengthMax) {
            return end_soon(Status::kArgument, "a host name has 1 to 253 bytes");
        }
        if (const auto address = Address::numeric(host, port)) {
            addresses_.push_back(*address);
        } else if (host == "localhost") {
            // By definition; no name service is asked.
            addresses_.push_back(*Address::numeric("127.0.0.1", port));
            addresses_.push_back(*Address::numeric("::1", port));
        } else {
            lookup_ = transport_.resolver.look_up(
                host, port, [this](std::vector<Address> addresses, const std::string& why) {
                    lookup_ = 0;
                    addresses_ = std::move(addresses);
                    if (addresses_.empty()) return end(Status::kIo, why);
                    next_address();
                });
            if (lookup_ == 0) return end_soon(Status::kIo, "no thread for looking up the name");
            transport_.loop.arm(timer_, until_us_);
            return;
        }
        // The result comes in a later turn, also when it is known at once.
        step_ = Step::kBegin;
        transport_.loop.arm(timer_, 0);
    }

    void on_time() {
        switch (step_) {
            case Step::kBegin:
                return next_address();
            case Step::kFailed:
                return end(status_, why_);
            case Step::kWait:
                break;
        }
        if (!socket_.valid())
            return end(Status::kTimeout, "the name service did not answer in time");
        status_ = Status::kTimeout;
        why_ = "no answer in time";
        next_address();
    }
    void on_time_caught() {
        try {
            on_time();
        } catch (const std::bad_alloc&) {
            end(Status::kMemory, "memory is short");  // so short a text needs none
        }
    }

    // Tries the next address, or ends with what the last one said.
    void next_address() {
        watch_.close();
        socket_.close();
        step_ = Step::kWait;
        const uint64_t now = transport_.loop.now_us();
        while (next_ < addresses_.size()) {
            if (next_ > 0 && now >= until_us_) break;
            const Address& address = addresses_[next_++];
            SocketFailure begun = begin_connect(address, transport_.socket_options);
            if (!begun.socket.valid()) {
                status_ = Status::kIo;
                why_ = system_error_text(begun.error).text;
                continue;
            }
            socket_ = std::move(begun.socket);
            if (!watch_.open(transport_.loop, socket_, *this)) {
                return end(Status::kMemory, "memory is short");
            }
            watch_.want(false, true);
            const bool last = next_ == addresses_.size();
            transport_.loop.arm(timer_,
                                last ? until_us_ : std::min(until_us_, now + kPerAddressUs));
            return;
        }
        end(status_, why_);
    }

    void on_ready(bool, bool) noexcept override {
        try {
            if (const int error = connect_error(socket_)) {
                status_ = Status::kIo;
                why_ = system_error_text(error).text;
                return next_address();
            }
            watch_.close();
            auto connection = transport_.streams.adopt(std::move(socket_), addresses_[next_ - 1],
                                                       std::move(tls_), host_);
            if (!connection) return end(Status::kMemory, "memory is short");
            transport_.loop.disarm(timer_);
            const Transport::Connected connected = std::move(connected_);
            connected(std::unique_ptr<Connection>(std::move(connection)));
            // This object may be gone now.
        } catch (...) {
            // Memory was short in the owner's own code; its connection is closed by now.
        }
    }

    void end_soon(Status status, const char* why) {
        step_ = Step::kFailed;
        status_ = status;
        why_ = why;
        transport_.loop.arm(timer_, 0);
    }

    void end(Status status, const std::string& why) {
        watch_.close();
        socket_.close();
        transport_.loop.disarm(timer_);
        if (!connected_) return;
        const Transport::Connected connected = std::move(connected_);
        Error error = make_error(status, {});
        try {
            error.text = "cannot connect to " + where_ + ": " + why;
        } catch (const std::bad_alloc&) {
            // The status says enough.
        }
        connected(std::move(error));
        // This object may be gone now.
    }

    enum class Step { kBegin, kFailed, kWait };

    UvTransport& transport_;
    const std::string host_;
    const std::string where_;
    Transport::Connected connected_;
    std::shared_ptr<TlsContext> tls_;
    uint64_t until_us_ = 0;
    Step step_ = Step::kWait;
    Timer timer_;
    uint64_t lookup_ = 0;
    std::vector<Address> addresses_;
    size_t next_ = 0;
    Status status_ = Status::kIo;  // of the last address
    std::string why_ = "no address";
    Socket socket_;
    SocketWatch watch_;
};

std::unique_ptr<Transport::Attempt> UvTransport::connect(const std::string& host, uint32_t port,
                                                         uint64_t timeout_us, Connected connected,
                                                         std::shared_ptr<TlsContext> tls) {
    return std::make_unique<UvAttempt>(*this, host, port, timeout_us, std::move(connected),
                                       std::move(tls));
}

}  // namespace

std::unique_ptr<Transport> make_uv_transport(UvLoop& loop, UvTransportOptions options) {
    return std::make_unique<UvTransport>(loop, std::move(options));
}

std::unique_ptr<Transport> make_uv_transport(UvLoop& loop, const MemoryHook* hook) {
    UvTransportOptions options;
    options.memory = hook;
    return make_uv_transport(loop, std::move(options));
}

}  // namespace p2c2r::net
