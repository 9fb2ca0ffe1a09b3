// The peer role: offers this machine's executors to a coordinator, runs what it is given, and hands
// results back. Loop thread only; no socket, thread or clock of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/crypto.h"
#include "core/log.h"
#include "core/prng.h"
#include "exec/executor.h"
#include "model/payload_coder.h"
#include "model/task.h"
#include "net/loop.h"
#include "net/transport.h"
#include "roles/client.h"
#include "roles/peer_owner.h"

namespace p2c2r::roles {

struct PeerOptions {
    std::string peer_id;  // empty: automatic
    Endpoint coordinator;
    ReconnectOptions reconnect;
    Capabilities capabilities;  // task_types empty: all the runner has, whenever it registers
    // Of these, what is not offered: their executors here only say no.
    std::vector<std::string> withheld_types;
    uint32_t slots = limits::kMaxConcurrentTasksDefault;
    uint32_t prefetch = limits::kMaxConcurrentTasksDefault;  // assigned ahead of need
    uint64_t window_bytes = 256ull << 20;
    uint64_t content_bytes_max = limits::kContentBytesMaxDefault;  // of contents kept; 0: none
    Circle circle_accepted = Circle::kInvited;                     // kOwn: no tasks but its owner's
    std::string codec_class;
    double speed = 0;  // by its benchmark, 1 being any one machine's; 0: not known
    bool checksum = false;
    // For results that may come coded; NULL: they go as they are.
    std::shared_ptr<const PayloadCoder> coder;
    OwnerOptions owner;
    // Memory of inputs that arrive in chunks; MUST outlive them. NULL: the C library's.
    const MemoryHook* memory = nullptr;
};

// Can a peer with these options offer these types? A registration has to fit into what a
// coordinator reads before it knows the other side: kLimit when it does not.
Result<Done> check_offer(const PeerOptions& options, const std::vector<std::string>& task_types);

class PeerEvents {
  public:
    // kOk: connected and registered. kDisconnected: lost, trying again. Another: given up.
    virtual void on_peer_state(Status status, const std::string& text) = 0;
    // Takes tasks or not, and why not or with what limits; "": none.
    virtual void on_peer_accepts(bool accepts, const std::string& why) {
        (void)accepts;
        (void)why;
    }

  protected:
    ~PeerEvents() = default;
};

struct PeerStats {
    bool connected = false;
    bool given_up = false;
    bool paused = false;
    bool accepts = true;  // new tasks
    std::string why;      // it does not, or with what limits; "": none
    owner::Mode mode = owner::Mode::kAlways;
    uint32_t duty_percent = 100;      // of the time that it may work, now
    uint32_t duty_used_permille = 0;  // of the last ten seconds
    uint64_t worked_us = 0;           // in which something ran, of the machine's time
    uint64_t data_day_bytes = 0;      // both ways
    uint64_t data_month_bytes = 0;
    uint64_t handed_back = 0;  // tasks that had been started
    uint32_t running = 0;
    uint32_t waiting = 0;
    uint32_t slots_free = 0;
    float load = 0;
    uint64_t completed = 0;
    uint64_t failed = 0;
    uint64_t compute_us = 0;
    uint64_t reconnects = 0;
    uint64_t bytes_in = 0;
    uint64_t bytes_out = 0;
    uint64_t coded = 0;           // results that were sent coded
    uint64_t content_bytes = 0;   // of contents that are kept
    uint64_t content_hits = 0;    // look-ups that had one
    uint64_t content_misses = 0;  // and that had to ask for it
    uint64_t content_evicted = 0;
};

class Peer {
  public:
    Peer(net::Loop& loop, net::Transport& transport, exec::Runner& runner, RandomSource& random,
         Prng prng, Log log, PeerOptions options, PeerEvents& events);
    ~Peer();

    void start();
    // Takes nothing new, and hands back what it holds: what runs is stopped at its next slice.
    void pause();
    void resume();
    // Takes nothing new and hands back what has not started; calls `drained` once nothing runs and
    // every result has been handed over.
    void drain(std::function<void()> drained);
    // Owner first: see PeerOwner. With sensors to look at it connects once they have spoken.
    void sensed(const owner::Signals& signals, uint32_t date);
    void say_active(bool active);
    // It has been measured, or measured again: told at once, and in each registration from now on.
    void set_speed(double speed);
    // The counts of data as they are to be kept.
    [[nodiscard]] std::string data_text();
    // Says goodbye; running jobs are cancelled and their results dropped.
    void close();

    [[nodiscard]] const PeerStats& stats();
    // "host:port" of its coordinator while it is connected; empty: in this process.
    [[nodiscard]] std::string where() const;
    [[nodiscard]] const PeerOptions& options() const;           // with everything filled in
    [[nodiscard]] std::vector<std::string> task_types() const;  // what it offers

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace p2c2r::roles
