// The handles that hosts hold. A handle is no address: it is a slot of this table and the slot's
// generation, so that one that was destroyed, belongs to another type, was made up or comes from
// before a fork is told apart from a living one without touching memory that may be gone.
//
// Results and jobs are not here: they are counted, and made and dropped with every task.
#pragma once

#include <cstdint>

#include "core/status.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::capi {

enum class HandleKind : uint8_t {
    kNone = 0,
    kRuntime = 1,
    kClient = 2,
    kPeer = 3,
    kCoordinator = 4,
    kFrames = 5,
};

// Throws std::bad_alloc, also when all slots are taken.
void* add_handle(HandleKind kind, void* object);
// The object, or NULL and why: kArgument (NULL, not a handle of this kind), kStale (destroyed),
// kState (made before a fork).
void* find_handle(HandleKind kind, const void* handle, Status& status) noexcept;
void remove_handle(const void* handle) noexcept;

}  // namespace p2c2r::capi
