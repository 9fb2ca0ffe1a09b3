// The simulated network: byte streams between the hosts and the one that listens, with everything a
// real network does to them.
//
// A frame is written into a byte stream exactly as it would be on a socket, the stream is cut into
// pieces at any byte, each piece takes its time (order is kept inside a connection, and free
// between connections), and the other end splits what has arrived with the real splitter. What
// roles hold is a SimConnection, a thin handle; the stream behind it lives on until both ends are
// done, so that a handle may be destroyed inside its own events.
//
//   send() ─▶ stream: written │ sent, as far as the window allows ─▶ pieces in flight ─▶ arrived
//             └ queued_bytes ┘                                       ─▶ split ─▶ on_frame
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/prng.h"
#include "net/transport.h"
#include "sim/coverage.h"
#include "sim/sim_loop.h"

namespace p2c2r::sim {

// How the way between one host and the listener behaves.
struct LinkOptions {
    uint64_t latency_us = 500;
    uint64_t jitter_us = 0;     // mean of an exponential delay
    uint64_t deviation_us = 0;  // of a normal one, to both sides
    double burst_chance = 0;    // of a piece that waits burst_us more, and all behind it
    uint64_t burst_us = 0;
    double bytes_per_us = 125;           // 125: 1 Gbit/s
    uint64_t window_bytes = 256 * 1024;  // sent and not read by the other side
    uint32_t pieces_max = 1;             // a write is cut into 1 to this many
    double single_byte_chance = 0;       // of a piece of one byte
    bool reset_when_unread = false;      // closing with unread input resets, as TCP does
};

// What the checkers see of the wire. `host` is the one that sends or receives.
class NetworkObserver {
  public:
    // Queued by a role, before a byte has left. `queued` counts what waited before it.
    virtual void on_sent(uint64_t pipe, uint32_t host, const wire::Frame& frame, size_t queued) = 0;
    // About to be handed to a role.
    virtual void on_delivered(uint64_t pipe, uint32_t host, const wire::Frame& frame) = 0;
    // This end takes part no more: closed by its role, lost, or its process died.
    virtual void on_end_gone(uint64_t pipe, uint32_t host) = 0;
    // Memory was short while this host took up a message.
    virtual void on_memory_short(uint32_t host) = 0;

  protected:
    ~NetworkObserver() = default;
};

class SimConnection;
class SimTransport;
class SimAttempt;

class Network final : private World::Target {
  public:
    static constexpr uint32_t kListenerSide = 1;

    Network(World& world, Prng prng, Coverage& coverage);
    ~Network();

    // Hosts are numbered from 0; the one that listens is host 0.
    uint32_t add_host(std::string name, SimLoop& loop, const LinkOptions& link);
    net::Transport& transport(uint32_t host);
    void set_observer(NetworkObserver* observer) { observer_ = observer; }
    // A reader this far behind is given up: the connection breaks at the sender's side.
    void set_send_limit(size_t bytes) { send_limit_ = bytes; }
    // How long bytes may stay unread before the sender's side breaks; 0: for ever.
    void set_user_timeout(uint64_t us) { user_timeout_us_ = us; }
    // Continuation frames whose data is at least this large may be received in place.
    void set_place_threshold(size_t bytes) { place_threshold_ = bytes; }
    // How often a message finds memory short at a host that may run short of it.
    void set_short_memory(double chance, Prng prng) {
        short_chance_ = chance;
        short_prng_ = prng;
    }
    void may_run_short(uint32_t host) { hosts_[host].runs_short = true; }

    // ---- faults
    struct Open {
        uint64_t pipe;
        uint32_t host;  // the one that connected
    };
    [[nodiscard]] std::vector<Open> open_pipes() const;
    // Both ends learn of it, each after its own delay; what was on its way is lost.
    void reset(uint64_t pipe);
    // Bytes of one direction vanish from now on; nobody is told. `from_host`: the host's own bytes.
    void drop_silently(uint64_t pipe, bool from_host);
    // Nothing of this host's direction arrives before `until_us`; nothing is lost.
    void hold(uint32_t host, bool from_host, uint64_t until_us);
    // The host reads nothing before `until_us`.
    void stall_reading(uint32_t host, uint64_t until_us);
    // The process of the host dies. `silently`: its machine with it, so that nobody hears of it.
    void kill_host(uint32_t host, bool silently);
    void revive_host(uint32_t host);
    // From now on every link is fast and whole. Streams that have lost bytes stay broken.
    void calm();

    [[nodiscard]] size_t ends_open(uint32_t host) const;
    [[nodiscard]] size_t pipes_alive() const;
    // Bytes that the roles of this host have queued on all their connections.
    [[nodiscard]] uint64_t queued_bytes(uint32_t host) const { return hosts_[host].queued_bytes; }
    [[nodiscard]] const std::string& host_name(uint32_t host) const;
    // The host at the other end.
    [[nodiscard]] uint32_t other_host(uint64_t pipe, uint32_t host) const;

  private:
    friend class SimConnection;
    friend class SimTransport;
    friend class SimListener;
    friend class SimAttempt;
    static constexpr size_t kBlockSize = 16 * 1024;

    enum Kind : uint32_t {
        kArrive = 1,  // pieces of what a side sends
        kWindow,      // room for more of what a side sends
        kReset,       // a reset from the other side
        kAbort,       // a reset from nowhere
        kResume,      // a side may read again
        kWritable,    // a side's queue has drained
        kGiveUp,      // nothing of what a side sends has been read for too long
        kOverflow,    // a side has queued too much
        kSyn,
        kConnected,
        kRefused,
        kConnectTimeout,
    };
    struct Piece {
        uint64_t end;  // stream offset it reaches
        uint64_t at_us;
        bool fin;
    };
    // One direction of a connection.
    struct Stream {
        std::vector<uint8_t> bytes;  // from offset `base`
        size_t head = 0;             // index of offset `base` in bytes
        uint64_t base = 0;           // read by the receiver so far
        uint64_t written = 0;
        uint64_t sent = 0;
        uint64_t arrived = 0;
        std::deque<Piece> flight;
        uint64_t link_free_us = 0;
        uint64_t last_at_us = 0;
        bool retry_asked = false;
        bool fin_asked = false;
        bool fin_sent = false;
        bool fin_arrived = false;
        bool dropped = false;
        bool above_mark = false;
        bool window_asked = false;
        bool give_up_asked = false;
    };
    struct End {
        uint32_t host = 0;
        uint32_t life = 0;  // of the host when the end was made
        SimConnection* handle = nullptr;
        net::ConnectionEvents* events = nullptr;
        wire::FrameLimits limits;
        bool open = true;        // events may be delivered
        bool closed = false;     // by its role
        bool gone_told = false;  // to the observer
        bool paused = false;
        bool dirty = false;
        bool overflow = false;
        bool resume_asked = false;
        uint64_t bytes_in = 0;
        uint64_t bytes_out = 0;
        uint64_t words_since_us = 0;  // as Connection::last_words_us() tells of them
        uint64_t last_words_us = 0;
        Buffer block;
        wire::FrameMemory memory;
        size_t parsed = 0;  // of the block: bytes split so far
        size_t filled = 0;
        size_t need = 0;            // bytes the frame at `parsed` has at least
        bool place_asked = false;   // for the frame at `parsed`
        uint8_t* placed = nullptr;  // direct placement under way
        size_t placed_size = 0;
        size_t placed_filled = 0;
        wire::Frame placed_frame;
    };
    struct Pipe {
        std::array<End, 2> ends;        // 0: connected, 1: accepted
        std::array<Stream, 2> streams;  // [side]: what that side sends
        uint64_t attempt = 0;
        std::unique_ptr<SimConnection> waiting;  // the connecting side's, until it is told
    };
    struct Host {
        std::string name;
        SimLoop* loop = nullptr;
        LinkOptions link;
        std::unique_ptr<SimTransport> transport;
        std::array<uint64_t, 2> held_until_us{};  // [0]: to the host, [1]: from it
        uint64_t stalled_until_us = 0;
        uint64_t queued_bytes = 0;
        uint32_t life = 1;
        bool up = true;
        bool runs_short = false;                           // of memory, now and then
        std::vector<std::pair<uint64_t, uint32_t>> dirty;  // pipe and side to be flushed
    };

    static uint64_t tag_of(uint64_t pipe, uint32_t side) { return pipe << 1 | side; }
    void on_event(uint32_t kind, uint64_t tag) override;

    // Connecting: sim_connect.cpp
    void start_connect(SimAttempt& attempt, uint64_t timeout_us);
    void on_syn(uint64_t attempt);
    void on_connected(uint64_t pipe);
    void fail_connect(uint64_t attempt, Status status, const char* why);

    Pipe* find(uint64_t pipe) const { return pipe < pipes_.size() ? pipes_[pipe].get() : nullptr; }
    Host& host_of(const Pipe& pipe, uint32_t side) { return hosts_[pipe.ends[side].host]; }
    [[nodiscard]] const LinkOptions& link_of(const Pipe& pipe) const {
        return hosts_[pipe.ends[0].host].link;
    }
    [[nodiscard]] bool is_alive(const End& end) const {
        return hosts_[end.host].up && hosts_[end.host].life == end.life;
    }
    uint64_t delay_us(const LinkOptions& link);
    [[nodiscard]] uint64_t held_until(uint32_t host, bool from_host) const {
        return hosts_[host].held_until_us[from_host];
    }

    // Sending.
    void mark_dirty(uint64_t pipe, uint32_t side);
    void flush(uint32_t host);
    void pump(uint64_t pipe, uint32_t side);
    void drop_queued(uint64_t pipe, uint32_t side);
    void launch(uint64_t pipe, uint32_t side, uint64_t end, bool fin);
    // Receiving.
    void arrive(uint64_t pipe, uint32_t from_side);
    void read(uint64_t pipe, uint32_t side);
    bool split(uint64_t pipe, uint32_t side);
    void make_room(End& end);
    void deliver(uint64_t pipe, uint32_t side, const wire::Frame& frame);
    void hand_over(uint64_t pipe, uint32_t side, const wire::Frame& frame);  // sim_shortage.cpp
    void bytes_read(uint64_t pipe, uint32_t from_side, size_t size);
    // Ending.
    void lose(uint64_t pipe, uint32_t side, Status status, const std::string& why);
    void close_end(uint64_t pipe, uint32_t side);
    void handle_gone(uint64_t pipe, uint32_t side);
    void end_gone(uint64_t pipe, uint32_t side);
    void send_reset(uint64_t pipe, uint32_t to_side);
    void reap();

    static constexpr uint64_t kNever = UINT64_MAX;

    World& world_;
    Prng prng_;
    Coverage& coverage_;
    const uint32_t address_;
    NetworkObserver* observer_ = nullptr;
    std::deque<Host> hosts_;
    std::vector<std::unique_ptr<Pipe>> pipes_;  // by number, which is never given out twice
    size_t pipes_alive_ = 0;
    std::vector<uint64_t> perhaps_over_;
    std::map<uint64_t, SimAttempt*> attempts_;
    uint64_t attempts_made_ = 0;
    net::Transport::Accept accept_;
    uint32_t listen_port_ = 0;
    uint64_t listener_number_ = 0;
    size_t send_limit_ = net::kSendLimit;
    uint64_t user_timeout_us_ = 0;
    size_t place_threshold_ = 16 * 1024;
    double short_chance_ = 0;
    Prng short_prng_{0};
};

class SimConnection final : public net::Connection {
  public:
    SimConnection(Network& network, uint64_t pipe, uint32_t side)
        : network_(network), pipe_(pipe), side_(side) {}
    ~SimConnection() override;

    void set_events(net::ConnectionEvents* events) override;
    void set_limits(const wire::FrameLimits& limits) override;
    void send(wire::Message message, uint8_t flags, uint64_t id, std::span<const uint8_t> envelope,
              const Bytes& params, const Bytes& data) override {
        write(message, flags, id, envelope, params.span(), data.span());
    }
    void send_copy(wire::Message message, uint8_t flags, uint64_t id,
                   std::span<const uint8_t> envelope, std::span<const uint8_t> params,
                   std::span<const uint8_t> data) override {
        write(message, flags, id, envelope, params, data);
    }
    [[nodiscard]] size_t queued_bytes() const override;
    void pause_reading(bool paused) override;
    void close() override;
    [[nodiscard]] std::string peer_address() const override;
    [[nodiscard]] bool is_loopback() const override { return true; }
    [[nodiscard]] uint64_t bytes_in() const override;
    [[nodiscard]] uint64_t bytes_out() const override;
    [[nodiscard]] uint64_t last_words_us() const override;

    // Bytes that are no frame, for scripts that break the protocol.
    void write_raw(std::span<const uint8_t> bytes);
    [[nodiscard]] uint64_t pipe() const { return pipe_; }

  private:
    void write(wire::Message message, uint8_t flags, uint64_t id, std::span<const uint8_t> envelope,
               std::span<const uint8_t> params, std::span<const uint8_t> data);
    Network::End* end() const;

    Network& network_;
    const uint64_t pipe_;
    const uint32_t side_;
};

}  // namespace p2c2r::sim
