#include "bindings/c/results.h"

#include <cstdio>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>

#include "bindings/c/failure.h"
#include "bindings/c/images.h"
#include "bindings/c/process.h"
#include "bindings/c/structs.h"
#include "core/crypto.h"
#include "kernels/result_delta.h"
#include "model/value.h"
#include "model/value_json.h"
#include "model/value_writer.h"

namespace p2c2r::capi {

struct ResultViews {
    std::mutex mutex;  // guards all below; what was made once stays as it is
    std::optional<std::string> json;
    std::optional<std::string> algorithm;
    char task_id[17] = {};
};

namespace {

// NULL for NULL, what is no result, and what was made before a fork.
const p2c2r_result* usable(const p2c2r_result* result) {
    return result && result->magic == kResultMagic && result->epoch == process_epoch() ? result
                                                                                       : nullptr;
}

p2c2r_status why_unusable(const p2c2r_result* result) {
    if (!result) return P2C2R_E_ARGUMENT;
    return result->magic == kResultMagic ? P2C2R_E_STATE : P2C2R_E_STALE;
}

// Results are immutable to their users, so making a form of one is const.
ResultViews& views_of(const p2c2r_result* result) {
    auto& cell = const_cast<std::atomic<ResultViews*>&>(result->views);
    ResultViews* views = cell.load(std::memory_order_acquire);
    if (views) return *views;
    auto* fresh = new ResultViews;
    if (cell.compare_exchange_strong(views, fresh, std::memory_order_acq_rel)) return *fresh;
    delete fresh;
    return *views;
}

std::string_view message_of(const TaskResult& answer) {
    if (!answer.error.empty() || answer.success()) return answer.error;
    return status_text(answer.status);
}

// The fields without the one that says who computed: whoever did, the digest is the same.
Bytes without_device(const Value& fields) {
    const uint32_t named = fields.find("device") ? 1 : 0;
    ValueWriter writer(fields.encoded().size());
    writer.map(fields.count() - named);
    for (const auto& [key, value] : fields.fields()) {
        if (key.text() == "device") continue;
        writer.value(key).value(value);
    }
    return writer.take();
}

const char* give_text(std::string_view text, size_t* size) {
    if (size) *size = text.size();
    return text.empty() ? "" : text.data();
}

// The same bytes inside the object, behind the first `used` of its own, or in memory of the pool.
inline Bytes moved(p2c2r_result& result, const Bytes& bytes, size_t& used) {
    if (bytes.size() > p2c2r_result::kSmall - used) {
        return Bytes::copy(bytes.span(), result.pool->hook());
    }
    uint8_t* const at = result.small + used;
    copy_run(at, bytes.data(), bytes.size());
    used += bytes.size();
    return Bytes::borrow({at, bytes.size()});
}

}  // namespace

p2c2r_result* fill_result(p2c2r_result* blank, uint64_t task, const TypeName* type,
                          TaskResult&& answer) noexcept {
    blank->magic = kResultMagic;
    blank->epoch = process_epoch();
    blank->references.store(1, std::memory_order_relaxed);
    blank->task = task;
    blank->type = type;
    // Member by member: most answers have no texts, and an object that is used again has none left.
    TaskResult& kept = blank->answer;
    kept.status = answer.status;
    kept.source = answer.source;
    kept.attempts = answer.attempts;
    kept.processing_us = answer.processing_us;
    kept.queue_us = answer.queue_us;
    kept.network_us = answer.network_us;
    kept.total_us = answer.total_us;
    kept.bytes_down = answer.bytes_down;
    kept.retry_after_ms = answer.retry_after_ms;
    if (answer.content) kept.content = std::move(answer.content);
    if (!answer.field.empty()) kept.field = std::move(answer.field);
    if (!answer.error.empty()) kept.error = std::move(answer.error);
    try {
        size_t used = 0;
        const bool is_aligned =
            reinterpret_cast<uintptr_t>(answer.data.data()) % kPayloadAlign == 0;
        kept.data = is_aligned && !answer.data.is_borrowed() ? std::move(answer.data)
                                                             : moved(*blank, answer.data, used);
        kept.info =
            answer.info.is_borrowed() ? moved(*blank, answer.info, used) : std::move(answer.info);
    } catch (const std::bad_alloc&) {
        kept.status = Status::kMemory;
        kept.info = kept.data = Bytes();
    }
    return blank;
}

const TaskResult* answer_of(const p2c2r_result* result, p2c2r_status& bad) noexcept {
    if (usable(result)) return &result->answer;
    bad = why_unusable(result);
    return nullptr;
}

p2c2r_result* make_result(Pool& pool, uint64_t task, const TypeName* type,
                          TaskResult&& answer) noexcept {
    p2c2r_result* blank = pool.take_result();
    if (!blank) return pool.short_memory_result();
    return fill_result(blank, task, type, std::move(answer));
}

}  // namespace p2c2r::capi

p2c2r_result::~p2c2r_result() {
    delete views.load(std::memory_order_relaxed);
}

using namespace p2c2r;
using namespace p2c2r::capi;

extern "C" {

p2c2r_status P2C2R_CALL p2c2r_result_status(const p2c2r_result* result) {
    return usable(result) ? number_of(result->answer.status) : why_unusable(result);
}

p2c2r_status P2C2R_CALL p2c2r_result_info_get(const p2c2r_result* result, p2c2r_result_info* out) {
    if (!usable(result)) return why_unusable(result);
    if (const p2c2r_status bad = check_out_struct(out, "out")) return bad;
    const TaskResult& answer = result->answer;
    p2c2r_result_info info = {};
    info.status = number_of(answer.status);
    info.source = static_cast<int32_t>(answer.source);
    info.attempts = answer.attempts;
    info.total_us = answer.total_us;
    info.queue_us = answer.queue_us;
    info.processing_us = answer.processing_us;
    info.network_us = answer.network_us;
    info.bytes_received = answer.bytes_down;
    info.resident_size = answer.content ? answer.content->size() : 0;
    info.retry_after_ms = answer.retry_after_ms;
    write_struct(out, info);
    return P2C2R_OK;
}

const void* P2C2R_CALL p2c2r_result_data(const p2c2r_result* result, size_t* size) {
    const bool good = usable(result) != nullptr;
    if (size) *size = good ? result->answer.data.size() : 0;
    return good && !result->answer.data.empty() ? result->answer.data.data() : nullptr;
}

const void* P2C2R_CALL p2c2r_result_fields(const p2c2r_result* result, int32_t format,
                                           size_t* size) {
    if (size) *size = 0;
    if (!usable(result) || result->answer.info.empty()) return nullptr;
    const Bytes& info = result->answer.info;
    if (format == P2C2R_FORMAT_MSGPACK) {
        if (size) *size = info.size();
        return info.data();
    }
    if (format != P2C2R_FORMAT_JSON) return nullptr;
    const void* text = nullptr;
    boundary(nullptr, [&]() -> p2c2r_status {
        ResultViews& views = views_of(result);
        const std::lock_guard lock(views.mutex);
        if (!views.json) {
            Result<std::string> made = value_to_json(info.span());
            if (!made) return fail(nullptr, made.error());
            views.json = std::move(*made);
        }
        text = views.json->c_str();
        if (size) *size = views.json->size();
        return P2C2R_OK;
    });
    return text;
}

const char* P2C2R_CALL p2c2r_result_text(const p2c2r_result* result, int32_t which, size_t* size) {
    if (size) *size = 0;
    if (!usable(result)) return "";
    const TaskResult& answer = result->answer;
    switch (which) {
        case P2C2R_TEXT_MESSAGE:
            return give_text(message_of(answer), size);
        case P2C2R_TEXT_FIELD:
            return give_text(answer.field, size);
        case P2C2R_TEXT_TASK_TYPE:
            return give_text(result->type ? std::string_view(result->type->canonical) : "", size);
        case P2C2R_TEXT_TASK_ID:
        case P2C2R_TEXT_ALGORITHM:
            break;
        default:
            return "";
    }
    const char* text = "";
    boundary(nullptr, [&]() -> p2c2r_status {
        ResultViews& views = views_of(result);
        const std::lock_guard lock(views.mutex);
        if (which == P2C2R_TEXT_TASK_ID) {
            std::snprintf(views.task_id, sizeof views.task_id, "%016llx",
                          static_cast<unsigned long long>(result->task));
            text = give_text(views.task_id, size);
            return P2C2R_OK;
        }
        if (!views.algorithm) {
            views.algorithm.emplace();
            const Result<Value> info = parse_params(answer.info.span());
            const auto found = info ? info->find("algorithm_used") : std::nullopt;
            if (const auto name = found ? found->text() : std::nullopt) views.algorithm = *name;
        }
        text = give_text(*views.algorithm, size);
        return P2C2R_OK;
    });
    return text;
}

p2c2r_status P2C2R_CALL p2c2r_result_digest(const p2c2r_result* result, uint8_t digest[32]) {
    if (!usable(result)) return why_unusable(result);
    if (!digest) return P2C2R_E_ARGUMENT;
    if (!result->answer.success()) return P2C2R_E_STATE;
    if (const auto& content = result->answer.content) {
        std::memcpy(digest, content->digest.data(), content->digest.size());
        return P2C2R_OK;
    }
    return boundary(nullptr, [&]() -> p2c2r_status {
        const TaskResult& answer = result->answer;
        Digest256 made;
        const Result<Value> info = parse_params(answer.info.span());
        if (!info) return fail(nullptr, info.error());
        if (const auto image = image_of(*info, answer.data)) {
            const Result<Bytes> pixels = pixels_of(*image, answer.data);
            if (!pixels) return fail(nullptr, pixels.error());
            made = sha256(pixels->span());
        } else {
            const Bytes fields = without_device(*info);
            const Bytes canonical = canonical_value(Value(fields.span()));
            made = sha256(canonical.span(), answer.data.span());
        }
        std::memcpy(digest, made.data(), made.size());
        return P2C2R_OK;
    });
}

p2c2r_status P2C2R_CALL p2c2r_result_image(const p2c2r_result* result, p2c2r_image* out) {
    if (!usable(result)) return why_unusable(result);
    if (const p2c2r_status bad = check_out_struct(out, "out")) return bad;
    if (!result->answer.success()) return P2C2R_E_STATE;
    return boundary(nullptr, [&]() -> p2c2r_status {
        const TaskResult& answer = result->answer;
        const Result<Value> info = parse_params(answer.info.span());
        const auto image = info ? image_of(*info, answer.data) : std::nullopt;
        if (!image) return P2C2R_E_STATE;
        p2c2r_image view = {};
        view.format = image->format;
        view.width = image->width;
        view.height = image->height;
        view.stride = image->channels * image->width;
        view.bytes.data = answer.data.data();
        view.bytes.size = answer.data.size();
        write_struct(out, view);
        return P2C2R_OK;
    });
}

p2c2r_status P2C2R_CALL p2c2r_result_apply_delta(const p2c2r_result* result, const void* before,
                                                 size_t before_size, void* out, size_t* out_size,
                                                 p2c2r_error* why) {
    if (!usable(result)) return fail(why, static_cast<Status>(why_unusable(result)));
    return boundary(why, [&]() -> p2c2r_status {
        if (!before) return fail_null(why, "before");
        if (!out_size) return fail_null(why, "out_size");
        const TaskResult& answer = result->answer;
        if (!answer.success()) {
            return fail(why, Status::kState, answer.field, message_of(answer));
        }
        const std::string_view type = result->type ? std::string_view(result->type->canonical) : "";
        const std::span<const uint8_t> old(static_cast<const uint8_t*>(before), before_size);
        const Result<kernels::ResultDelta> delta =
            kernels::find_result_delta(type, answer.info.span(), answer.data.span(), before_size);
        if (!delta) return fail(why, delta.error());
        const size_t room = *out_size;
        *out_size = before_size;
        const bool fits = out && room >= before_size;
        const Result<Done> done =
            fits ? kernels::apply_result_delta(*delta, old, static_cast<uint8_t*>(out))
                 : kernels::check_result_delta(*delta, old);
        if (!done) return fail(why, done.error());
        if (fits) return P2C2R_OK;
        return fail(why, Status::kSize, "out_size",
                    "the state needs " + std::to_string(before_size) + " bytes");
    });
}

p2c2r_result* P2C2R_CALL p2c2r_result_retain(const p2c2r_result* result) {
    if (!usable(result)) return nullptr;
    auto* counted = const_cast<p2c2r_result*>(result);
    if (counted->shared) {
        counted->pool->retain();
    } else {
        counted->references.fetch_add(1, std::memory_order_relaxed);
    }
    return counted;
}

void P2C2R_CALL p2c2r_result_release(const p2c2r_result* result) {
    if (!usable(result)) return;
    auto* counted = const_cast<p2c2r_result*>(result);
    if (counted->shared) {
        counted->pool->release();
        return;
    }
    if (counted->references.load(std::memory_order_acquire) != 1 &&
        counted->references.fetch_sub(1, std::memory_order_acq_rel) != 1) {
        return;
    }
    counted->magic = 0;
    counted->answer.info = Bytes();
    counted->answer.data = Bytes();
    counted->answer.field.clear();
    counted->answer.error.clear();
    if (counted->answer.content) counted->answer.content.reset();
    if (ResultViews* views = counted->views.load(std::memory_order_acquire)) {
        counted->views.store(nullptr, std::memory_order_relaxed);
        delete views;
    }
    counted->pool->give_result(counted);
}

}  // extern "C"
