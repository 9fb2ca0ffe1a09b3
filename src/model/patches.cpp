#include "model/patches.h"

#include <cstring>
#include <string>

#include "model/task.h"

namespace p2c2r {

namespace {

constexpr size_t kHeadSize = 8;

void put_number(uint8_t* out, uint64_t number) {
    for (int i = 0; i < 4; ++i) out[i] = static_cast<uint8_t>(number >> (24 - 8 * i));
}

uint32_t number_at(const uint8_t* in) {
    uint32_t number = 0;
    for (int i = 0; i < 4; ++i) number = number << 8 | in[i];
    return number;
}

std::string reaches_beyond(uint64_t offset, uint64_t size, uint64_t base_size) {
    return "replaces " + std::to_string(size) + " bytes at " + std::to_string(offset) +
           " of a content of " + std::to_string(base_size);
}

}  // namespace

Result<Bytes> pack_patches(std::span<const Patch> patches, uint64_t base_size, const char* name,
                           const MemoryHook* hook) {
    uint64_t total = 0;
    for (size_t i = 0; i < patches.size(); ++i) {
        const Patch& patch = patches[i];
        if (patch.offset > base_size || patch.bytes.size() > base_size - patch.offset) {
            return field_error(Status::kSize, name,
                               std::string(name) + "[" + std::to_string(i) + "] " +
                                   reaches_beyond(patch.offset, patch.bytes.size(), base_size));
        }
        total += kHeadSize + patch.bytes.size();
        if (total > limits::kPayloadSizeMax) {
            return field_error(Status::kSize, name,
                               std::string(name) + " of more than " +
                                   std::to_string(limits::kPayloadSizeMax) +
                                   " bytes: put the changed content instead");
        }
    }
    if (total == 0) return Bytes();
    Buffer packed = Buffer::allocate(static_cast<size_t>(total), hook);
    uint8_t* at = packed.data();
    for (const Patch& patch : patches) {
        put_number(at, patch.offset);
        put_number(at + 4, patch.bytes.size());
        copy_run(at + kHeadSize, patch.bytes.data(), patch.bytes.size());
        at += kHeadSize + patch.bytes.size();
    }
    return std::move(packed).freeze(static_cast<size_t>(total));
}

Result<Bytes> apply_patches(std::span<const uint8_t> base, std::span<const uint8_t> packed,
                            const MemoryHook* hook) {
    // Looked through first: what is wrong costs no copy of the content.
    size_t number = 0;
    for (std::span<const uint8_t> rest = packed; !rest.empty(); ++number) {
        if (rest.size() < kHeadSize || number_at(rest.data() + 4) > rest.size() - kHeadSize) {
            return field_error(Status::kParams, "delta",
                               "patch " + std::to_string(number) + " of the delta is cut");
        }
        const uint32_t offset = number_at(rest.data());
        const uint32_t size = number_at(rest.data() + 4);
        if (offset > base.size() || size > base.size() - offset) {
            return field_error(Status::kParams, "delta",
                               "patch " + std::to_string(number) + " of the delta " +
                                   reaches_beyond(offset, size, base.size()));
        }
        rest = rest.subspan(kHeadSize + size);
    }
    Buffer whole = Buffer::allocate(base.size(), hook);
    copy_run(whole.data(), base.data(), base.size());
    for (std::span<const uint8_t> rest = packed; !rest.empty();) {
        const uint32_t size = number_at(rest.data() + 4);
        copy_run(whole.data() + number_at(rest.data()), rest.data() + kHeadSize, size);
        rest = rest.subspan(kHeadSize + size);
    }
    return std::move(whole).freeze(base.size());
}

}  // namespace p2c2r
