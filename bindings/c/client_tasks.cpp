// The host's side of ClientState: submit, cancel, forget, poll, and waiting.
#include <algorithm>
#include <cstring>

#include "bindings/c/bytes_in.h"
#include "bindings/c/client_state.h"
#include "bindings/c/clock.h"
#include "bindings/c/failure.h"
#include "bindings/c/frames_state.h"
#include "bindings/c/results.h"
#include "bindings/c/runtime_state.h"
#include "kernels/builtin_types.h"

namespace p2c2r::capi {

namespace {

constexpr size_t kLargePayload = 64 * 1024;  // from here on the runtime's memory_max is asked
constexpr uint32_t kKnownFlags =
    P2C2R_TASK_LOCAL_AT_DEADLINE | P2C2R_TASK_NO_CACHE | P2C2R_TASK_RESIDENT;

p2c2r_status fail_range(p2c2r_error* why, const char* field, int64_t value, const char* allowed) {
    return fail(why, Status::kArgument, field,
                std::string(field) + " is " + std::to_string(value) + "; it must be " + allowed);
}

p2c2r_status check_desc(const p2c2r_task_desc& desc, p2c2r_error* why) {
    if (!desc.task_type) return fail(why, Status::kArgument, "task_type", "task_type is NULL");
    if (desc.priority < -128 || desc.priority > 127) {
        return fail_range(why, "priority", desc.priority, "from -128 to 127");
    }
    if (desc.verify < P2C2R_VERIFY_TYPE || desc.verify > P2C2R_VERIFY_D) {
        return fail_range(why, "verify", desc.verify, "a P2C2R_VERIFY_ constant");
    }
    if (desc.place < P2C2R_PLACE_AUTO || desc.place > P2C2R_PLACE_LOCAL) {
        return fail_range(why, "place", desc.place, "a P2C2R_PLACE_ constant");
    }
    if (desc.circle < P2C2R_CIRCLE_TYPE || desc.circle > P2C2R_CIRCLE_PUBLIC) {
        return fail_range(why, "circle", desc.circle, "a P2C2R_CIRCLE_ constant");
    }
    if (desc.flags & ~kKnownFlags) {
        return fail_range(why, "flags", desc.flags, "made of P2C2R_TASK_ constants");
    }
    if (desc.data) {
        if (const p2c2r_status bad = check_bytes(desc.data, "data", why)) return bad;
    }
    if (desc.depends_count > limits::kDependsOnMax) {
        return fail_range(why, "depends_count", desc.depends_count, "at most 16");
    }
    if (desc.depends_count > 0 && !desc.depends_on) {
        return fail(why, Status::kArgument, "depends_on", "depends_on is NULL, its count is not 0");
    }
    if (desc.content != 0 && desc.data) {
        return fail(why, Status::kArgument, "content",
                    "content and data exclude each other: the content is the data");
    }
    if (desc.patch_count > 0 && (desc.content == 0 || !desc.patches)) {
        return fail(why, Status::kArgument, "patches",
                    desc.content == 0 ? "there are patches, but no content that they change"
                                      : "patches is NULL, its count is not 0");
    }
    if (!desc.output && desc.output_size > 0) {
        return fail(why, Status::kArgument, "output", "output is NULL, its size is not 0");
    }
    return P2C2R_OK;
}

// `is_told`: where its parts are told is known.
p2c2r_status check_split(const p2c2r_task_desc& desc, bool is_told, p2c2r_error* why) {
    if (desc.split < P2C2R_SPLIT_AUTO || desc.split > static_cast<int32_t>(limits::kPartsMax)) {
        return fail_range(why, "split", desc.split, "P2C2R_SPLIT_AUTO or from 0 to 4096");
    }
    if (desc.split == P2C2R_SPLIT_NEVER && desc.split_by) {
        return fail(why, Status::kArgument, "split_by",
                    "split_by says how to cut, and split that nothing is cut");
    }
    if (desc.split != P2C2R_SPLIT_NEVER && (desc.flags & P2C2R_TASK_RESIDENT)) {
        return fail(why, Status::kArgument, "split",
                    "split and P2C2R_TASK_RESIDENT exclude each other: parts must come to be put "
                    "together");
    }
    if (desc.part && !is_told) {
        return fail(why, Status::kArgument, "part", "part needs done: both are called alike");
    }
    return P2C2R_OK;
}

// *out NULL: it stays whole.
p2c2r_status read_split(const p2c2r_task_desc& desc, const TypeName& type, const TaskSplitter** out,
                        p2c2r_error* why) {
    const Result<std::shared_ptr<const TaskSplitter>> found =
        kernels::find_splitter(type.canonical, desc.split_by ? desc.split_by : "");
    if (found) {
        *out = found->get();  // they are never destroyed
        return P2C2R_OK;
    }
    if (desc.split == P2C2R_SPLIT_AUTO && !desc.split_by) return P2C2R_OK;
    Error error = found.error();
    if (desc.split_by) error.field = "split_by";
    return fail(why, error);
}

}  // namespace

// ---- submit -----------------------------------------------------------------------------------

// A game asks for few types, mostly for the same one again.
inline const TypeName* ClientState::same_type(const char* name) const {
    const TypeName* const last = last_type_.load(std::memory_order_acquire);
    return last && std::strcmp(last->given.c_str(), name) == 0 ? last : nullptr;
}

Result<const TypeName*> ClientState::type_of(const char* name) {
    const size_t size = strnlen(name, limits::kTaskTypeLengthMax + 1);
    if (const Result<Done> good = roles::check_task_type({name, size}); !good) return good.error();
    Result<const TypeName*> type = runtime.pool().intern({name, size});
    if (type) last_type_.store(*type, std::memory_order_release);
    return type;
}

inline void ClientState::fill(TaskEntry& entry, const p2c2r_task_desc& desc, const TypeName& type,
                              Bytes&& params) {
    TaskSpec& spec = entry.spec;
    if (entry.type != &type) {
        spec.task_type.assign(type.canonical);
        entry.type = &type;
    }
    spec.params = std::move(params);
    spec.deadline_us = desc.deadline_us;
    spec.priority = static_cast<int8_t>(desc.priority);
    spec.circle = static_cast<Circle>(desc.circle);
    spec.verify = static_cast<VerifyClass>(desc.verify);
    spec.place = static_cast<Place>(desc.place);
    spec.flags = desc.flags;
    spec.splitter = nullptr;
    spec.split = 0;
    if (desc.depends_count > 0 || !spec.depends_on.empty()) {
        spec.depends_on.assign(desc.depends_on, desc.depends_on + desc.depends_count);
    }
    entry.phase = TaskEntry::Phase::kMailed;
    entry.wants_cancel = entry.wants_answer = false;
    entry.told.store(TaskEntry::Told::kNo, std::memory_order_relaxed);
    entry.done = desc.done;
    entry.part = desc.part;
    entry.user = desc.user;
    entry.output = desc.output;
    entry.output_size = desc.output_size;
    entry.result = nullptr;
}

p2c2r_status ClientState::submit(const p2c2r_task_desc& desc, uint64_t now, p2c2r_task* out,
                                 p2c2r_error* why, std::shared_ptr<const roles::FrameWish> frame,
                                 PartNotes* parts) {
    if (const p2c2r_status bad = check_desc(desc, why)) return bad;
    const TypeName* type = same_type(desc.task_type);
    if (!type) {
        const Result<const TypeName*> found = type_of(desc.task_type);
        if (!found) return fail(why, found.error());
        type = *found;
    }
    const TaskSplitter* splitter = nullptr;
    if (desc.split != P2C2R_SPLIT_NEVER || desc.split_by || desc.part) {
        if (const p2c2r_status bad = check_split(desc, desc.done || parts, why)) return bad;
        if (desc.split != P2C2R_SPLIT_NEVER) {
            if (const p2c2r_status bad = read_split(desc, *type, &splitter, why)) return bad;
        }
    }
    const MemoryHook* hook = runtime.pool().hook();
    Bytes params;
    if (desc.params_size > 0 || desc.params_format != P2C2R_FORMAT_MSGPACK) {
        Result<Bytes> read =
            read_map(desc.params, desc.params_size, desc.params_format, "params", hook);
        if (!read) return fail(why, read.error());
        params = std::move(*read);
    }
    std::shared_ptr<const Content> content;
    Bytes delta;
    if (desc.content != 0) {
        if (const p2c2r_status bad = read_content(desc, content, delta, why)) return bad;
        if (splitter && content->is_away) {
            if (desc.split != P2C2R_SPLIT_AUTO) {
                return fail(why, Status::kArgument, "split",
                            "the content is a result that stays at the coordinator: only what is "
                            "here can be cut");
            }
            splitter = nullptr;
        }
    }
    const uint64_t size = params.size() + delta.size() + (desc.data ? desc.data->size : 0);
    if (size > limits::kPayloadSizeMax) {
        return fail(why, Status::kSize, "data",
                    "params and data of " + std::to_string(size) + " bytes exceed the limit of " +
                        std::to_string(limits::kPayloadSizeMax));
    }
    if (size >= kLargePayload && runtime.pool().held_bytes() + size > runtime.pool().memory_max()) {
        return fail(why, Status::kBusy, "memory_max",
                    "the payloads held by this runtime leave no room for " + std::to_string(size) +
                        " bytes more",
                    kBusyRetryMs);
    }
    PendingBytes data(desc.data, kSmallPayload, hook);
    bool first;
    {
        // Inside the lock nothing of the host's is called: what is dropped there is only ours.
        const std::lock_guard lock(mutex_);
        if (closing_) return fail(why, Status::kClosed);
        if (held_ >= settings_.tasks_max) {
            return fail(why, Status::kBusy, "tasks_max",
                        std::to_string(held_) + " tasks are accepted and not yet handed back",
                        kBusyRetryMs);
        }
        if (held_bytes_ + size > settings_.bytes_max && held_bytes_ > 0) {
            return fail(why, Status::kBusy, "bytes_max",
                        std::to_string(held_bytes_) + " payload bytes are pending", kBusyRetryMs);
        }
        const uint64_t id = tasks_.insert();
        if (id == 0) return fail(why, Status::kLimit, {}, "this client is out of task ids");
        TaskEntry& entry = *tasks_.find(id);
        entry.id = id;
        try {
            if (frame) entry.frame = std::move(frame);
            entry.frame_parts = parts;
            fill(entry, desc, *type, std::move(params));
            if (splitter) {
                entry.spec.splitter = splitter;
                entry.spec.split = desc.split;
            }
            if (content) {
                entry.spec.data = std::move(delta);
                entry.spec.content = std::move(content);
            }
            if (!roles::is_good_task_spec(entry.spec)) {
                const Result<Done> bad = roles::check_task_spec(entry.spec);
                drop(entry);
                return fail(why, bad.error());
            }
            if (!entry.spec.content) entry.spec.data = data.keep(entry.small, entry.lent);
        } catch (...) {
            drop(entry);
            throw;
        }
        entry.submitted_us = now;
        entry.payload_size = size;
        ++held_;
        ++pending_;
        held_bytes_ += size;
        *out = id;
        first = put_in_mail(entry);
    }
    data.give_back();
    if (first) runtime.mail(*this);
    return P2C2R_OK;
}

bool ClientState::put_in_mail(TaskEntry& entry) {
    if (entry.in_mail) return false;
    const bool first = mail_first_ == nullptr;
    entry.in_mail = true;
    entry.next_mail = nullptr;
    *mail_last_ = &entry;
    mail_last_ = &entry.next_mail;
    return first;
}

void ClientState::drop(TaskEntry& entry) {
    if (entry.in_mail) {
        entry.phase = TaskEntry::Phase::kGone;
        return;
    }
    if (!entry.spec.params.empty()) entry.spec.params = Bytes();
    if (entry.spec.content) {
        entry.spec.content.reset();
        entry.spec.data = Bytes();
    }
    if (entry.frame) entry.frame.reset();
    tasks_.erase(entry.id);
}

// ---- cancel, forget, poll ---------------------------------------------------------------------

Status ClientState::cancel(p2c2r_task task) {
    bool first;
    {
        const std::lock_guard lock(mutex_);
        TaskEntry* entry = tasks_.find(task);
        if (!entry || (entry->phase != TaskEntry::Phase::kMailed &&
                       entry->phase != TaskEntry::Phase::kRunning)) {
            return Status::kStale;
        }
        entry->wants_cancel = true;
        first = put_in_mail(*entry);
    }
    if (first) runtime.mail(*this);
    return Status::kOk;
}

Status ClientState::forget(p2c2r_task task) {
    p2c2r_result* unwanted = nullptr;
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        TaskEntry* entry = tasks_.find(task);
        if (!entry) return Status::kStale;
        // Nobody could know when the last of its parts has been told; but whoever takes them.
        if (entry->part && !entry->frame_parts) return Status::kState;
        auto told = TaskEntry::Told::kNo;
        switch (entry->phase) {
            case TaskEntry::Phase::kMailed:
            case TaskEntry::Phase::kRunning:
                // Whoever forgets could not know when the memory is its own again.
                if (entry->output) return Status::kState;
                if (!entry->told.compare_exchange_strong(told, TaskEntry::Told::kNever)) {
                    return Status::kStale;
                }
                entry->wants_cancel = true;
                first = put_in_mail(*entry);
                break;
            case TaskEntry::Phase::kWaiting:
                unwanted = fetch(*entry);
                break;
            case TaskEntry::Phase::kQueued:
            case TaskEntry::Phase::kTaken:
                // Dispatch finds that it has nothing to tell.
                if (!entry->told.compare_exchange_strong(told, TaskEntry::Told::kNever)) {
                    return Status::kStale;
                }
                break;
            case TaskEntry::Phase::kGone:
            case TaskEntry::Phase::kCall:
                return Status::kStale;
        }
    }
    if (unwanted) p2c2r_result_release(unwanted);
    if (first) runtime.mail(*this);
    return Status::kOk;
}

p2c2r_status ClientState::keep(p2c2r_task kept, const p2c2r_task* tasks, uint32_t count,
                               p2c2r_error* why) {
    {
        const std::lock_guard lock(mutex_);
        for (uint32_t index = 0; index < count; ++index) {
            const TaskEntry* entry = tasks_.find(tasks[index]);
            if (!entry || tasks[index] == kept) continue;
            if (entry->done || entry->output) {
                return fail(why, Status::kState, "tasks",
                            "task " + std::to_string(index) + " of the list has " +
                                (entry->done ? "done" : "output") +
                                ", and so must be told how it ends; cancel it");
            }
        }
    }
    // What they are does not change, so from here on none is refused.
    for (uint32_t index = 0; index < count; ++index) {
        if (tasks[index] != kept) (void)forget(tasks[index]);
    }
    return P2C2R_OK;
}

p2c2r_result* ClientState::fetch(TaskEntry& entry) {
    p2c2r_result* result = std::exchange(entry.result, nullptr);
    --held_;
    drop(entry);
    return result;
}

namespace {

// What poll and its like say of an entry; kOk: it waits to be fetched.
Status fetchable(const TaskEntry* entry) {
    if (!entry) return Status::kStale;
    switch (entry->phase) {
        case TaskEntry::Phase::kMailed:
        case TaskEntry::Phase::kRunning:
            if (entry->told.load(std::memory_order_relaxed) != TaskEntry::Told::kNo) {
                return Status::kStale;  // forgotten
            }
            return entry->done ? Status::kState : Status::kPending;
        case TaskEntry::Phase::kWaiting:
            return Status::kOk;
        case TaskEntry::Phase::kQueued:
            return Status::kState;
        default:
            return Status::kStale;
    }
}

}  // namespace

Status ClientState::poll(p2c2r_task task, p2c2r_result** out) {
    const std::lock_guard lock(mutex_);
    TaskEntry* entry = tasks_.find(task);
    const Status status = fetchable(entry);
    if (status == Status::kOk) *out = fetch(*entry);
    return status;
}

// ---- waiting ----------------------------------------------------------------------------------

Status ClientState::wait(const p2c2r_task* tasks, uint32_t count, uint64_t timeout_us,
                         uint32_t* which, bool spins, const PartNotes* parts) {
    const uint64_t now = now_us();
    const uint64_t deadline = timeout_us > UINT64_MAX - now ? UINT64_MAX : now + timeout_us;
    Status status = Status::kPending;
    std::unique_lock lock(mutex_);
    ++waiters_;
    const auto ready = [&] {
        for (uint32_t index = 0; index < count; ++index) {
            status = fetchable(tasks_.find(tasks[index]));
            if (status == Status::kPending) continue;
            if (which) *which = index;
            return true;
        }
        return parts && !parts->empty();
    };
    (void)runtime.driver().wait(lock, changed_, deadline, ready, spins);
    --waiters_;
    return status;
}

Status ClientState::get_result(p2c2r_task task, uint64_t timeout_us, p2c2r_result** out, bool spins,
                               const PartNotes* parts) {
    const Status status =
        timeout_us > 0 ? wait(&task, 1, timeout_us, nullptr, spins, parts) : Status::kOk;
    return status == Status::kOk ? poll(task, out) : status;
}

void ClientState::wake_waiting() {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
}

}  // namespace p2c2r::capi
