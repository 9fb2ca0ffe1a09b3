// Payloads and maps that come in from the host (abi rules R3 and R4).
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "core/status.h"
#include "model/task.h"
#include "net/send_queue.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::capi {

// NULL, or NULL data with a size, or too many.
p2c2r_status fail_bytes(const p2c2r_bytes* bytes, const char* name, p2c2r_error* why) noexcept;
inline p2c2r_status check_bytes(const p2c2r_bytes* bytes, const char* name,
                                p2c2r_error* why) noexcept {
    if (bytes && (bytes->data || bytes->size == 0) && bytes->size <= limits::kPayloadSizeMax) {
        return P2C2R_OK;
    }
    return fail_bytes(bytes, name, why);
}

// Calls the release of bytes that have one.
void give_back(const p2c2r_bytes& bytes) noexcept;

// The memory of a payload. Throws std::bad_alloc, and then it is still the host's: release is not
// called. Nothing that comes after may fail; what might be better done first is in PendingBytes.
Bytes take_bytes(const p2c2r_bytes& bytes, const MemoryHook* hook);

// Bytes that a host function has given to the library: given back unless they are taken.
class GivenBytes {
  public:
    explicit GivenBytes(const p2c2r_bytes& bytes) : bytes_(&bytes) {}
    ~GivenBytes() {
        if (bytes_ && bytes_->release) give_back(*bytes_);
    }
    GivenBytes(const GivenBytes&) = delete;
    GivenBytes& operator=(const GivenBytes&) = delete;
    void taken() { bytes_ = nullptr; }

  private:
    const p2c2r_bytes* bytes_;
};

// The payload of a task between being looked at and being kept. Copies that need memory are made
// early, outside of locks; memory that changes hands does so in keep(), which calls no host
// function. After the lock is gone, give_back() returns what was only copied.
class PendingBytes {
  public:
    // From here on a payload is referenced, and its memory counted, wherever it goes; a smaller one
    // is copied by whoever keeps it beyond its task's end.
    static constexpr size_t kCountedFrom = net::kCopyBelow;

    // `bytes` may be NULL: no payload. Up to `small_max` bytes are copied by keep(), and given back
    // at once. Throws std::bad_alloc.
    PendingBytes(const p2c2r_bytes* bytes, size_t small_max, const MemoryHook* hook)
        : bytes_(bytes), is_small_(size() <= small_max) {
        if (!is_small_ && !bytes_->release) copy(hook);
    }
    // A small payload goes to `small`, and what is returned is borrowed from there; one that the
    // host lends is borrowed from the host, and `lent` is what must be given back when the task has
    // ended. Throws std::bad_alloc, and then the host's memory is untouched.
    Bytes keep(uint8_t* small, p2c2r_bytes& lent) {
        if (!is_small_) return keep_large(lent);
        if (size() == 0) return {};
        copy_run(small, bytes_->data, bytes_->size);
        return Bytes::borrow({small, bytes_->size});
    }
    void give_back() const noexcept {
        if (is_small_ && bytes_ && bytes_->release) capi::give_back(*bytes_);
    }
    [[nodiscard]] size_t size() const { return bytes_ ? bytes_->size : 0; }

  private:
    void copy(const MemoryHook* hook);
    Bytes keep_large(p2c2r_bytes& lent);

    const p2c2r_bytes* const bytes_;
    const bool is_small_;
    Bytes copy_;
};

// A map in MessagePack or JSON text as checked MessagePack; data NULL or size 0: no bytes, which is
// the empty map. Errors are about `name`.
Result<Bytes> read_map(const void* data, size_t size, int32_t format, const char* name,
                       const MemoryHook* hook);

}  // namespace p2c2r::capi
