// What the coordinator keeps of each task beside the scheduler's record, and of deliveries that
// wait.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "core/cache.h"
#include "core/crypto.h"
#include "roles/streams.h"
#include "sched/content_store.h"
#include "sched/scheduler.h"
#include "wire/codec.h"

namespace p2c2r::roles {

inline constexpr uint64_t kTaskOverhead =
    sizeof(void*) * 64;  // what a task costs beside its payload

// A copy of a short envelope, to tell that the next one is the same.
class LastEnvelope {
  public:
    [[nodiscard]] bool equals(std::span<const uint8_t> envelope) const {
        return size_ > 0 && same_text(as_text(envelope), as_text(span()));
    }
    // A long one is not kept: span() is empty then.
    void assign(std::span<const uint8_t> envelope) {
        size_ = envelope.size() <= bytes_.size() ? envelope.size() : 0;
        copy_run(bytes_.data(), envelope.data(), size_);
    }
    [[nodiscard]] std::span<const uint8_t> span() const { return {bytes_.data(), size_}; }

  private:
    static std::string_view as_text(std::span<const uint8_t> bytes) {
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }

    size_t size_ = 0;
    std::array<uint8_t, 64> bytes_;
};

// Tasks of a gamer that have ended, the last ones: did they end with OK?
class EndedTasks {
  public:
    static constexpr size_t kMost = 1024;

    // Without the memory for it: forgotten.
    void add(uint64_t client_task, bool good) noexcept {
        if (tasks_.size() < kMost) {
            try {
                tasks_.push_back({client_task, good});
            } catch (const std::bad_alloc&) {
            }
            return;
        }
        tasks_[oldest_] = {client_task, good};
        oldest_ = (oldest_ + 1) % kMost;
    }
    // The last end of that name; NULL: it is not known, or not any more.
    [[nodiscard]] const bool* find(uint64_t client_task) const {
        const size_t count = tasks_.size();
        for (size_t back = 1; back <= count; ++back) {
            const Ended& ended = tasks_[(oldest_ + count - back) % count];
            if (ended.client_task == client_task) return &ended.good;
        }
        return nullptr;
    }

  private:
    struct Ended {
        uint64_t client_task;
        bool good;
    };
    std::vector<Ended> tasks_;  // a ring once it is full
    size_t oldest_ = 0;
};

// A delivery that waits for its gamer to come back.
struct Kept {
    uint64_t client_task = 0;
    std::vector<uint8_t> envelope;
    uint8_t flags = 0;
    Bytes params;
    Bytes data;
};

// Tasks that wait for a content that their gamer is to bring.
using AwaitedContents =
    std::map<std::pair<Digest256, sched::ContentStore::Scope>, std::vector<uint64_t>>;

// A result in chunks that others wait for as well.
struct Collected {
    std::vector<uint8_t> info;
    std::vector<uint8_t> data;
    uint64_t size = 0;  // as announced
};

// A result in chunks that stays here.
struct Staying {
    std::vector<uint8_t> info;
    Buffer data;
    size_t data_size = 0;  // that have come
    Sha256 digest;         // of these
    uint64_t size = 0;     // as announced
};

// What is told of a task's way when the scheduler has forgotten the rest.
struct Course {
    Course(const sched::TaskRecord& record, const sched::Attempt& run)
        : admitted_us(record.admitted_us),
          placed_us(run.placed_us),
          type(record.type),
          attempts(record.attempts) {}
    uint64_t admitted_us;
    uint64_t placed_us;
    sched::TypeIndex type;
    uint8_t attempts;
};

// In the order of use: of most tasks only the beginning is looked at, which is fetched ahead.
struct alignas(kCacheLine) Relay {
    static constexpr size_t kSmallMax = 224;
    static constexpr size_t kAhead = 3 * kCacheLine;
    uint64_t gamer = 0;
    uint64_t client_task = 0;
    uint64_t budget = 0;  // bytes this task counts against the memory budget
    // An input in one frame. A small one lies in `small`, a somewhat larger one may lie where
    // it was received, kept there by `hold`.
    Chunk whole;
    SmallHolds::Hold* hold = nullptr;
    sched::TypeIndex type = sched::kNoType;
    bool complete = false;      // every byte of the input has arrived
    bool in_chunks = false;     // it comes in such: `sizes`, `chunks` and `input` count
    bool flies = false;         // counted in its account's share as in flight
    bool local_waits = false;   // to be computed here as soon as it is complete
    bool has_checksum = false;  // `checksum` is the input's
    bool has_content = false;   // its data is a content, and what came as data the delta
    bool may_be_coded = false;  // its result
    bool is_resident = false;   // the data of its result stay here
    bool asks = false;          // others ask the same, or may: `question` counts
    bool result_begun = false;  // `result` counts: it comes in chunks, and some are here
    bool result_open = false;   // these are being passed on
    uint32_t waits_for = 0;     // tasks of its gamer that must end with OK first
    uint64_t checksum = 0;
    uint64_t job = 0;         // the runner's
    uint64_t here_bytes = 0;  // what is set aside for what comes of it while it is computed here
    std::array<uint8_t, kSmallMax> small;
    // Of few tasks, and behind what all of them use.
    wire::PayloadSizes sizes;
    std::vector<Chunk> chunks;
    Passage input;
    wire::TaskResult result;
    Passage output;
    uint64_t content = 0;  // with has_content: its entry, pinned; 0: it is awaited
    AwaitedContents::value_type* awaits = nullptr;
    uint64_t content_sent = 0;  // the attempt that its peer got it for
    uint64_t question = 0;      // with asks: its entry, which this task leads or follows
    std::unique_ptr<Collected> collected;
    std::unique_ptr<Staying> staying;
};
static_assert(offsetof(Relay, small) <= 2 * kCacheLine);

}  // namespace p2c2r::roles
