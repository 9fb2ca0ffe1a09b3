// The envelopes: one plain struct per message, without its payload. Strings point into the frame
// they were decoded from. Field numbers are in PROTOCOL.md and fields.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/payload_coder.h"
#include "model/task.h"

namespace p2c2r::wire {

inline constexpr uint32_t kProtocolVersion = 1;

struct Hello {
    std::vector<uint32_t> versions;
    Role role = Role::kNone;
    Nonce nonce{};
    std::string_view library;  // name and version of the sender's library, for logs
};

struct HelloResponse {
    uint32_t version = 0;  // 0: none in common; goodbye follows
    Nonce nonce{};
    std::vector<uint32_t> login_methods;  // 0: none needed
    std::string_view library;
};

struct Goodbye {
    Status status = Status::kOk;
    std::string_view error;
    uint32_t retry_after_ms = 0;
};

// Why a peer leaves; it takes nothing more, and what it still holds is placed again.
struct PeerDisconnect {
    std::string_view peer_id;
    std::string_view reason;
};

struct Login {
    uint32_t login_method = 0;
    std::string_view token;       // proof of login methods that have one
    std::optional<Nonce> resume;  // secret of the session to be resumed
};

struct PeerRegister {
    std::string_view peer_id;
    Login login;
    Capabilities capabilities;
    uint32_t slots = 0;                // tasks it runs at the same time
    uint32_t window_tasks = 0;         // tasks it takes, waiting ones included
    uint64_t window_bytes = 0;         // payload bytes it takes
    Circle circle = Circle::kInvited;  // where nobody logs in: whose machine it claims to be
    Circle circle_accepted = Circle::kInvited;  // kOwn: no tasks but its owner's
    std::string_view codec_class;               // 32 bytes or empty
    uint64_t content_bytes = 0;                 // of contents that it keeps; 0: none
    uint32_t beat_interval_ms = 0;  // so often it says something while it has work; 0: it may not
    float speed = 0;                // by its benchmark, 1 being any one machine's; 0: not known
};

struct RegisterResponse {  // peer_register_response and gamer_register_response
    bool success = false;
    std::string_view id;  // peer_id or client_id
    Nonce resume{};
    Status status = Status::kOk;
    std::string_view error;
    uint32_t retry_after_ms = 0;  // of a refusal that passes
    uint32_t heartbeat_interval_ms = 0;
    uint32_t task_timeout_ms = 0;
    uint64_t window_bytes = 0;      // payload bytes a gamer may have on the way
    uint64_t content_bytes = 0;     // of contents that a gamer may have here; 0: none
    std::string_view account;       // the account's name; empty: nobody logs in here
    uint32_t beat_interval_ms = 0;  // so often a peer with work is to say something; 0: as it likes
};

struct GamerRegister {
    std::string_view client_id;
    Login login;
};

struct PayloadSizes {  // in the first frame of a chunked payload
    uint64_t params_size = 0;
    uint64_t data_size = 0;
};

struct TaskSubmit {
    std::string_view task_type;
    std::string_view requester_id;  // empty: the connection's
    int32_t priority = 0;
    std::optional<uint64_t> deadline_us;  // what remains; absent: the type's value; 0: over
    Circle circle = Circle::kType;
    VerifyClass verify = VerifyClass::kType;
    uint64_t price = 0;
    uint32_t task_flags = 0;
    uint32_t payload_place = 0;        // 0: inline or chunks; 1: the data is a content
    std::string_view digest;           // of that, where payload_place is not 0
    std::vector<uint64_t> depends_on;  // ids on this connection
    std::optional<uint64_t> checksum;
    std::optional<PayloadSizes> sizes;
};

struct TaskAssign {
    std::string_view task_type;
    std::optional<uint64_t> deadline_us;
    Nonce attempt{};
    uint32_t task_flags = 0;       // of these only task_flag::kCodedResult and kResident
    uint64_t output_size_max = 0;  // 0: the general limit
    uint32_t payload_place = 0;
    std::string_view digest;
    std::optional<uint64_t> checksum;
    std::optional<PayloadSizes> sizes;
};

struct TaskResult {
    Nonce attempt{};
    Status status = Status::kOk;  // success is status 0
    uint64_t processing_us = 0;
    std::string_view field;
    std::string_view error;
    std::string_view peer_id;  // empty: the connection's
    std::optional<uint32_t> slots_free;
    std::optional<float> load;
    uint64_t memory_peak = 0;  // of resource_usage
    std::optional<uint64_t> checksum;
    std::optional<PayloadSizes> sizes;
    Coding coding = Coding::kNone;            // else the payload is data alone, the coded bytes
    std::optional<PayloadSizes> plain_sizes;  // of what was coded
};

struct ResultDelivery {
    Status status = Status::kOk;
    uint64_t processing_us = 0;
    uint64_t network_latency_us = 0;
    uint64_t queue_us = 0;
    uint32_t attempts = 0;
    Source source = Source::kPeer;
    std::string_view field;
    std::string_view error;
    uint32_t retry_after_ms = 0;
    std::optional<uint64_t> checksum;
    std::optional<PayloadSizes> sizes;
    Coding coding = Coding::kNone;
    std::optional<PayloadSizes> plain_sizes;
    std::optional<Digest256> digest;  // of its data, where that stays at the coordinator
    uint64_t content_size = 0;        // the same data's
};

struct TaskTimeout {
    std::string_view error;
};

struct TaskCancel {  // client to coordinator, and coordinator to peer
    std::optional<Nonce> attempt;
};

struct TaskRefuse {  // a peer hands a task back that it has not answered
    Nonce attempt{};
    Status status = Status::kBusy;
    std::string_view error;
};

struct Heartbeat {
    std::string_view peer_id;
    uint64_t timestamp_ms = 0;  // Unix time, shown only
    float load = 0;
    uint64_t tasks_completed = 0;
    uint64_t tasks_failed = 0;
    std::optional<uint32_t> slots_free;
    std::optional<uint32_t> window_tasks;  // 0: takes nothing for now
    // Of a peer, and only where its owner's wishes have changed or it is asked for them: unchanged
    // where they are absent.
    std::optional<std::string_view> mode;
    std::optional<std::string_view> why;  // it takes nothing, or with what limits
    std::optional<uint32_t> duty_permille;
    std::optional<uint64_t> data_used;  // bytes both ways, today
    std::optional<float> speed;         // of a peer: it has been measured since it registered
};

struct PeerCountUpdate {
    uint32_t available_peers = 0;
    uint32_t total_peers = 0;
};

struct Call {  // params: a map of arguments; answered under the same id
    std::string_view name;
};

struct CallResponse {  // params: a map; data: text, where the call has text (metrics)
    Status status = Status::kOk;
    std::string_view field;
    std::string_view error;
    std::optional<PayloadSizes> sizes;
    uint32_t retry_after_ms = 0;
};

// The bytes of a content, under the digest that they have: a payload without params.
struct ContentPut {  // client to coordinator, and coordinator to peer
    std::string_view digest;
    std::optional<PayloadSizes> sizes;
};

struct ContentWant {  // the receiver of a task lacks its content; under the id of that task
    std::string_view digest;
};

struct ContentDrop {  // a gamer does not use it any more
    std::string_view digest;
};

}  // namespace p2c2r::wire
