// The nouns that travel, as plain data, and the limits that hold for them everywhere.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/crypto.h"
#include "core/status.h"

namespace p2c2r {

class TaskSplitter;  // model/task_split.h

// ---- limits: every queue, table, frame, string and retry count has its maximum here -------------
namespace limits {
inline constexpr size_t kFrameHeadSize = 14;
inline constexpr size_t kChunkSizeMax = 256 * 1024;    // params + data of one frame
inline constexpr size_t kEnvelopeSizeMax = 64 * 1024;  // after login
inline constexpr size_t kEnvelopeSizeMaxBeforeLogin = 3 * 1024;
inline constexpr size_t kFrameSizeMaxBeforeLogin = 4 * 1024;
inline constexpr uint64_t kPayloadSizeMax = 64ull << 20;  // params and data together
inline constexpr int kEnvelopeDepthMax = 8;
inline constexpr uint32_t kEnvelopeMapMax = 64;
inline constexpr uint32_t kEnvelopeArrayMax = 4096;
inline constexpr int kParamsDepthMax = 16;
inline constexpr uint64_t kParamsElementsMax = 16ull << 20;
inline constexpr size_t kTaskTypeLengthMax = 64;
inline constexpr size_t kIdLengthMax = 128;     // peer_id, client_id
inline constexpr size_t kTextLengthMax = 1024;  // error and reason texts
inline constexpr uint32_t kAttemptsMax = 3;
inline constexpr uint32_t kTasksPendingMax = 1u << 20;  // in one coordinator
inline constexpr uint32_t kTasksPerGamerMax = 65536;    // in one coordinator, per connection
inline constexpr uint32_t kPeersMaxDefault = 10000;
inline constexpr uint32_t kConnectionsUnauthenticatedMax = 512;
inline constexpr uint32_t kConnectionsMax = 65536;
inline constexpr uint32_t kTaskTypesMax = 256;
inline constexpr uint32_t kTaskTypesPerPeerMax = 64;
inline constexpr uint32_t kDependsOnMax = 16;
inline constexpr uint32_t kPartsMax = 4096;                    // of one task
inline constexpr uint64_t kPartsParamsSizeMax = 256ull << 20;  // of all parts of a task together
inline constexpr uint64_t kMemoryMaxDefault = 512ull << 20;
inline constexpr uint64_t kContentBytesMaxDefault = 256ull << 20;  // of one store of contents
// Of a result that stays: a peer keeps one of its own that has no more. It hashes that at once.
inline constexpr uint64_t kOwnResultKeptMax = 4ull << 20;
inline constexpr uint32_t kListenPortDefault = 8765;
inline constexpr uint32_t kTaskTimeoutMsDefault = 5000;
inline constexpr uint32_t kHeartbeatIntervalMsDefault = 1000;
inline constexpr uint32_t kMaxConcurrentTasksDefault = 4;
}  // namespace limits

using Nonce = std::array<uint8_t, 16>;

enum class Role : uint8_t { kNone = 0, kGamer = 1, kPeer = 2, kAdmin = 3 };
// Where a task may go; a task never leaves its circle.
enum class Circle : uint8_t { kType = 0, kOwn = 1, kInvited = 2, kPublic = 3 };
enum class VerifyClass : uint8_t { kType = 0, kA = 1, kB = 2, kC = 3, kD = 4 };
enum class Place : uint8_t { kAuto = 0, kRemote = 1, kLocal = 2 };
// Who computed an answer.
enum class Source : uint8_t {
    kNone = 0,
    kPeer = 1,
    kCoordinator = 2,
    kLocal = 3,
    kCache = 4,
    kPrevious = 5,
    kHost = 6,
};

// Bits of TaskSpec::flags, as on the wire.
namespace task_flag {
inline constexpr uint32_t kLocalAtDeadline = 2;  // the client computes it when nobody else did
inline constexpr uint32_t kNoCache = 4;
// The data of the result stay where tasks can use them: their digest comes.
inline constexpr uint32_t kResident = 8;
// Set by clients: an earlier connection had this task already. A coordinator that has just been
// restarted then waits for a peer of the type instead of refusing it.
inline constexpr uint32_t kResubmitted = 16;
// Set by clients: the result may come coded.
inline constexpr uint32_t kCodedResult = 32;
}  // namespace task_flag

// An input that stays where it is used: bytes, and their SHA-256 as its name. `is_away`: of a
// result that stays, whose bytes the coordinator has and its gamer has not.
struct Content {
    Digest256 digest{};
    Bytes bytes;
    bool is_away = false;
    uint64_t away_size = 0;
    [[nodiscard]] uint64_t size() const { return is_away ? away_size : bytes.size(); }
};

// TaskSpec::split: as many parts as pay.
inline constexpr int32_t kSplitAuto = -1;

// What a gamer asks for. `params` is MessagePack, `data` plain bytes; neither is opened by relays.
struct TaskSpec {
    std::string task_type;
    Bytes params;
    Bytes data;
    uint64_t deadline_us = 0;  // from now; 0: the type's value
    int8_t priority = 0;       // higher is more urgent
    Circle circle = Circle::kType;
    VerifyClass verify = VerifyClass::kType;
    Place place = Place::kAuto;
    uint32_t flags = 0;
    uint64_t price = 0;                // micro-dollars; 0: the type's
    std::vector<uint64_t> depends_on;  // task ids of the same client that must end with OK first
    // Not NULL: this is the data, and `data` what it is changed by for this task: packed patches
    // (model/patches.h) that fit it, or nothing.
    std::shared_ptr<const Content> content;
    // Not NULL: its client may cut it so, into `split` parts (0 and 1: none). MUST outlive the
    // task.
    const TaskSplitter* splitter = nullptr;
    int32_t split = 0;
};

// The one answer of a task. `info` is a MessagePack map (or empty), `data` bytes.
struct TaskResult {
    Status status = Status::kInternal;
    std::string field;  // of an error about a parameter
    std::string error;
    Bytes info;
    Bytes data;
    Source source = Source::kNone;
    uint32_t attempts = 0;
    uint64_t processing_us = 0;  // in the executor
    uint64_t queue_us = 0;       // waiting at the coordinator
    uint64_t network_us = 0;     // on the links, both ways, as far as it is known
    uint64_t total_us = 0;       // submit to end, on the client's clock
    uint64_t bytes_down = 0;     // of its payload, as they came over a link; 0: none did
    uint32_t retry_after_ms = 0;
    std::shared_ptr<const Content> content;  // not NULL: its data, which stay away

    [[nodiscard]] bool success() const { return status == Status::kOk; }
};

// What a peer says of itself; detected, then overridable.
struct Capabilities {
    uint32_t cpu_cores = 0;
    double ram_gb = 0;
    bool gpu = false;
    std::string gpu_model;
    double gpu_vram_gb = 0;
    std::vector<std::string> task_types;
    double network_mbps = 0;
    std::string location;
};

}  // namespace p2c2r
