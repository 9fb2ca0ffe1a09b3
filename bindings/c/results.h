// p2c2r_result: one answer, counted and immutable. It stands on its pool alone and may outlive the
// runtime and everything in it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "bindings/c/pool.h"
#include "model/task.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::capi {

struct ResultViews;  // forms of an answer that are made when they are first asked for

inline constexpr uint32_t kResultMagic = 0x52327032;

}  // namespace p2c2r::capi

struct p2c2r_result {
    uint32_t magic = 0;
    uint32_t epoch = 0;
    std::atomic<uint32_t> references{0};
    bool shared = false;  // the pool's one answer for short memory: never recycled
    p2c2r::capi::Pool* pool = nullptr;
    const p2c2r::capi::TypeName* type = nullptr;  // NULL: no task (a call)
    uint64_t task = 0;
    p2c2r::TaskResult answer;
    std::atomic<p2c2r::capi::ResultViews*> views{nullptr};
    p2c2r_result* next_pooled = nullptr;
    // Answers of up to this many bytes are kept here.
    static constexpr size_t kSmall = 192;
    alignas(p2c2r::kPayloadAlign) uint8_t small[kSmall];

    p2c2r_result() = default;
    ~p2c2r_result();
};

namespace p2c2r::capi {

// Fills an object of the pool; the caller gets the one reference. Bytes that are borrowed are
// copied, and data that does not begin on a 64-byte boundary; if memory is short for that, the
// answer is kMemory.
p2c2r_result* fill_result(p2c2r_result* blank, uint64_t task, const TypeName* type,
                          TaskResult&& answer) noexcept;
// NULL for NULL, what is no result any more, and what was made before a fork; `bad` then says
// which.
const TaskResult* answer_of(const p2c2r_result* result, p2c2r_status& bad) noexcept;
// With an object of its own; falls back to the pool's answer for short memory. Never NULL.
p2c2r_result* make_result(Pool& pool, uint64_t task, const TypeName* type,
                          TaskResult&& answer) noexcept;

}  // namespace p2c2r::capi
