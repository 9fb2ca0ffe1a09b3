// Contents of a client: what the host has put, and how it reaches the role on the loop.
#include <vector>

#include "bindings/c/bytes_in.h"
#include "bindings/c/client_state.h"
#include "bindings/c/failure.h"
#include "bindings/c/results.h"
#include "bindings/c/runtime_state.h"
#include "model/patches.h"
#include "model/value_writer.h"

namespace p2c2r::capi {

namespace {

std::span<const uint8_t> span_of(const void* data, size_t size) {
    return {static_cast<const uint8_t*>(data), size};
}

}  // namespace

p2c2r_status ClientState::put(const p2c2r_bytes& bytes, p2c2r_content* out, p2c2r_error* why) {
    const Digest256 digest = sha256(span_of(bytes.data, bytes.size));
    auto content = std::make_shared<Content>();
    content->digest = digest;
    const uint64_t held = runtime.pool().held_bytes();
    bool is_known = false;
    {
        const std::lock_guard lock(mutex_);
        if (closing_) return fail(why, Status::kClosed);
        if (const auto known = content_by_digest_.find(digest); known != content_by_digest_.end()) {
            ++contents_.find(known->second)->puts;
            *out = known->second;
            is_known = true;
        }
    }
    if (is_known) {
        if (bytes.release) give_back(bytes);
        return P2C2R_OK;
    }
    if (held + bytes.size > runtime.pool().memory_max()) {
        return fail(why, Status::kBusy, "memory_max",
                    "the payloads held by this runtime leave no room for " +
                        std::to_string(bytes.size) + " bytes more",
                    kBusyRetryMs);
    }
    // A copy is made outside of the lock; what the host lends changes hands as the last thing that
    // can fail.
    const MemoryHook* hook = runtime.pool().hook();
    if (!bytes.release) content->bytes = take_bytes(bytes, hook);
    {
        const std::lock_guard lock(mutex_);
        if (closing_) return fail(why, Status::kClosed);
        const uint64_t id = contents_.insert();
        if (id == 0) {
            return fail(why, Status::kLimit, {},
                        std::to_string(kContentsMax) + " contents are put, and no more can be");
        }
        try {
            content_mail_.reserve(content_mail_.size() + 1);
            // Another thread may have put the same meanwhile: then there are two, and both work.
            content_by_digest_.try_emplace(digest, id);
            if (bytes.release) content->bytes = take_bytes(bytes, hook);
        } catch (...) {
            const auto known = content_by_digest_.find(digest);
            if (known != content_by_digest_.end() && known->second == id) {
                content_by_digest_.erase(known);
            }
            contents_.erase(id);
            throw;
        }
        *contents_.find(id) = {content, 1};
        content_mail_.push_back({std::move(content), {}});
        *out = id;
    }
    runtime.mail(*this);
    return P2C2R_OK;
}

// What stayed where it was computed is known by its digest, and there alone: equal bytes that are
// put here are another content.
p2c2r_status ClientState::put_result(const TaskResult& answer, p2c2r_content* out,
                                     p2c2r_error* why) {
    if (!answer.success()) {
        return fail(why, Status::kState, "result", "a failed result has no data");
    }
    if (!answer.content) {
        return put({answer.data.data(), answer.data.size(), nullptr, nullptr}, out, why);
    }
    {
        const std::lock_guard lock(mutex_);
        if (closing_) return fail(why, Status::kClosed);
        content_mail_.reserve(content_mail_.size() + 1);
        const uint64_t id = contents_.insert();
        if (id == 0) {
            return fail(why, Status::kLimit, {},
                        std::to_string(kContentsMax) + " contents are put, and no more can be");
        }
        *contents_.find(id) = {answer.content, 1};
        content_mail_.push_back({answer.content, {}});
        *out = id;
    }
    runtime.mail(*this);
    return P2C2R_OK;
}

p2c2r_status ClientState::get_content(p2c2r_content content, uint64_t timeout_us,
                                      p2c2r_result** out, p2c2r_error* why) {
    std::shared_ptr<const Content> found;
    {
        const std::lock_guard lock(mutex_);
        if (const PutContent* known = contents_.find(content)) found = known->content;
    }
    if (!found) return fail(why, Status::kStale, "content", "this client has no such content");
    if (found->is_away) {
        ValueWriter writer;
        writer.map(1).key("digest").bytes(found->digest);
        return call("content", writer.take(), timeout_us, out, why);
    }
    TaskResult answer;
    answer.status = Status::kOk;
    answer.data = found->bytes;
    answer.source = Source::kLocal;
    *out = make_result(runtime.pool(), 0, nullptr, std::move(answer));
    return P2C2R_OK;
}

Status ClientState::drop_content(p2c2r_content content) {
    std::shared_ptr<const Content> last;  // its bytes may end with a host function
    {
        const std::lock_guard lock(mutex_);
        PutContent* found = contents_.find(content);
        if (!found) return Status::kStale;
        if (found->puts > 1) {
            --found->puts;
            return Status::kOk;
        }
        content_mail_.push_back({nullptr, found->content->digest});
        const auto known = content_by_digest_.find(found->content->digest);
        if (known != content_by_digest_.end() && known->second == content) {
            content_by_digest_.erase(known);
        }
        last = std::move(found->content);
        contents_.erase(content);
    }
    runtime.mail(*this);
    return Status::kOk;
}

p2c2r_status ClientState::read_content(const p2c2r_task_desc& desc,
                                       std::shared_ptr<const Content>& content, Bytes& delta,
                                       p2c2r_error* why) {
    {
        const std::lock_guard lock(mutex_);
        const PutContent* found = contents_.find(desc.content);
        if (!found) {
            return fail(why, Status::kStale, "content", "this client has no such content");
        }
        content = found->content;
    }
    if (desc.patch_count == 0) return P2C2R_OK;
    if (desc.patch_count > limits::kPayloadSizeMax / sizeof(uint64_t)) {
        return fail(why, Status::kSize, "patch_count",
                    std::to_string(desc.patch_count) + " patches are more than fit into 64 MiB");
    }
    std::vector<Patch> patches;
    patches.reserve(desc.patch_count);
    for (size_t i = 0; i < desc.patch_count; ++i) {
        const p2c2r_patch& patch = desc.patches[i];
        if (!patch.data && patch.size > 0) {
            return fail(why, Status::kArgument, "patches",
                        "patches[" + std::to_string(i) + "] has a size, but its data is NULL");
        }
        patches.push_back({patch.offset, span_of(patch.data, patch.size)});
    }
    Result<Bytes> packed = pack_patches(patches, content->size(), "patches", runtime.pool().hook());
    if (!packed) return fail(why, packed.error());
    delta = std::move(*packed);
    return P2C2R_OK;
}

// The loop's side.
void ClientState::hand_over_contents(std::vector<ContentMail>& mail) {
    for (ContentMail& one : mail) {
        if (!role_) continue;
        try {
            if (one.put) {
                role_->put(std::move(one.put));
            } else {
                role_->drop(one.dropped);
            }
        } catch (const std::bad_alloc&) {
            // It is asked for with the first task that refers to it.
        }
    }
    mail.clear();
}

}  // namespace p2c2r::capi
