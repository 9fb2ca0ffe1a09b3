#include "cli/task_stream.h"

#include <algorithm>
#include <cstdio>
#include <deque>
#include <map>

#include "cli/progress.h"
#include "cli/statistics.h"
#include "cli/task_files_posix.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint32_t kInFlightDefault = 16;
constexpr uint64_t kLateDeadlineUs = 60'000'000;
constexpr uint64_t kBusyWaitUs = 5'000;  // before trying again when the client is full

void P2C2R_CALL free_text(void* user, const void*, size_t) {
    delete static_cast<std::string*>(user);
}

std::string text_of(const p2c2r_result* result, int32_t which) {
    size_t size = 0;
    const char* text = p2c2r_result_text(result, which, &size);
    return text ? std::string(text, size) : std::string();
}

class Stream {
  public:
    Stream(Session& session, const std::vector<TaskRequest>& requests, const StreamOptions& options,
           const ResultFunction& on_result)
        : session_(session),
          requests_(requests),
          options_(options),
          on_result_(on_result),
          progress_(requests.size(), options.noun, !options.progress),
          pending_(requests.size(), 0),
          slots_(requests.size()) {
        summary_.tasks.resize(requests.size());
        window_ = options.in_flight_max;
        if (window_ == 0) window_ = options.rate > 0 ? UINT32_MAX : kInFlightDefault;
    }

    StreamSummary run(StopSignals* signals);

  private:
    struct Slot {
        Stream* stream = nullptr;
        size_t index = 0;
    };

    uint64_t due_us(size_t index) const {
        return options_.rate > 0
                   ? static_cast<uint64_t>(static_cast<double>(index) * 1e6 / options_.rate)
                   : 0;
    }
    uint64_t now_us() const { return p2c2r_now_us() - start_us_; }
    void submit_due();
    bool submit(size_t index, bool late);
    // The content that this file's bytes are, put when it is named for the first time; 0:
    // `failure`.
    p2c2r_content content_of(const std::string& path, uint64_t& bytes_up, p2c2r_error& failure);
    void fail(size_t index, int32_t status, const std::string& error);
    void end(size_t index, const p2c2r_result* result);
    void cancel_all();
    void show(bool last);
    static void P2C2R_CALL on_done(void* user, p2c2r_task task, p2c2r_result* result);

    Session& session_;
    const std::vector<TaskRequest>& requests_;
    const StreamOptions& options_;
    const ResultFunction& on_result_;
    Progress progress_;
    StreamSummary summary_;
    std::map<std::string, p2c2r_content> contents_;  // by path
    std::vector<p2c2r_task> pending_;                // 0: not submitted, or ended
    std::vector<Slot> slots_;
    uint32_t window_ = 0;
    uint64_t start_us_ = 0;
    uint64_t retry_us_ = 0;  // the client was full: not before
    size_t next_ = 0;
    size_t ended_ = 0;
};

StreamSummary Stream::run(StopSignals* signals) {
    start_us_ = p2c2r_now_us();
    summary_.start_us = start_us_;
    while (ended_ < requests_.size()) {
        const bool stop = (signals && signals->count() > 0) || (options_.stop && *options_.stop);
        if (stop && !summary_.stopped) cancel_all();
        if (!summary_.stopped) submit_due();
        if (ended_ == requests_.size()) break;
        uint64_t wait_us = UINT64_MAX;
        if (next_ < requests_.size() && next_ - ended_ < window_) {
            const uint64_t at_us = std::max(due_us(next_), retry_us_);
            wait_us = at_us > now_us() ? at_us - now_us() : 0;
        }
        session_.wait_and_dispatch(wait_us, signals);
        show(false);
    }
    show(true);
    for (const TaskRecord& record : summary_.tasks) {
        summary_.wall_us = std::max(summary_.wall_us, record.ended_us);
        if (record.status == P2C2R_OK) ++summary_.succeeded;
        if (record.late) ++summary_.late;
    }
    return std::move(summary_);
}

void Stream::submit_due() {
    while (next_ < requests_.size() && next_ - ended_ < window_ && now_us() >= due_us(next_) &&
           now_us() >= retry_us_) {
        if (!submit(next_, false)) return;
        ++next_;
    }
}

// False: the client is full; the same request is tried again later. `late`: it has missed its
// deadline and is computed here, without another one.
bool Stream::submit(size_t index, bool late) {
    const TaskRequest& request = requests_[index];
    TaskRecord& record = summary_.tasks[index];
    record.name = request.name;
    if (!request.error.empty()) {
        fail(index, P2C2R_E_ARGUMENT, request.error);
        return true;
    }
    p2c2r_bytes data = {};
    std::unique_ptr<std::string> bytes;
    p2c2r_content content = 0;
    uint64_t bytes_up = 0;
    if (!request.data_path.empty() && options_.put) {
        p2c2r_error why = {};
        content = content_of(request.data_path, bytes_up, why);
        if (content == 0) {
            fail(index, why.status, sentence(why));
            return true;
        }
    } else if (!request.data_path.empty()) {
        Result<std::string> file = read_data(request.data_path);
        if (!file) {
            fail(index, P2C2R_E_IO, file.failure().text);
            return true;
        }
        bytes = std::make_unique<std::string>(std::move(*file));
        data = {bytes->data(), bytes->size(), free_text, bytes.get()};
    }
    const std::string params = request.params.dump();
    slots_[index] = {this, index};
    p2c2r_task_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.flags = late ? 0 : options_.flags;
    desc.deadline_us = late ? kLateDeadlineUs : options_.deadline_us;
    desc.priority = options_.priority;
    desc.circle = options_.circle;
    desc.place = late ? P2C2R_PLACE_LOCAL : options_.place;
    desc.params_format = P2C2R_FORMAT_JSON;
    desc.task_type = options_.task_type.c_str();
    desc.params = params.data();
    desc.params_size = params.size();
    desc.data = bytes ? &data : nullptr;
    desc.content = content;
    desc.done = on_done;
    desc.user = &slots_[index];
    if (!late) {
        record.submitted_us = now_us();
        record.bytes_up = bytes_up + data.size + params.size();
    }
    record.late = late;
    p2c2r_error why = {};
    const p2c2r_status status =
        p2c2r_client_submit(session_.client(), &desc, &pending_[index], &why);
    if (status == P2C2R_OK) {
        bytes.release();  // the library's now; free_text gives it back
        return true;
    }
    if (status == P2C2R_E_BUSY && !late && next_ > ended_) {
        retry_us_ = now_us() + std::max<uint64_t>(why.retry_after_ms * 1000ull, kBusyWaitUs);
        return false;
    }
    fail(index, status, sentence(why));
    return true;
}

p2c2r_content Stream::content_of(const std::string& path, uint64_t& bytes_up,
                                 p2c2r_error& failure) {
    const auto known = contents_.find(path);
    if (known != contents_.end()) return known->second;
    Result<std::string> file = read_data(path);
    if (!file) {
        failure.status = P2C2R_E_IO;
        std::snprintf(failure.text, sizeof failure.text, "%s", file.failure().text.c_str());
        return 0;
    }
    const p2c2r_bytes bytes = {file->data(), file->size(), nullptr, nullptr};
    p2c2r_content content = 0;
    if (p2c2r_client_put(session_.client(), &bytes, &content, &failure) != P2C2R_OK) return 0;
    bytes_up = bytes.size;
    contents_[path] = content;
    return content;
}

void Stream::fail(size_t index, int32_t status, const std::string& error) {
    TaskRecord& record = summary_.tasks[index];
    record.name = requests_[index].name;
    record.status = status;
    record.error = error;
    record.ended_us = now_us();
    ++ended_;
    on_result_(index, record, nullptr);
}

// Submitting from here is allowed, and done for what is late.
void P2C2R_CALL Stream::on_done(void* user, p2c2r_task, p2c2r_result* result) {
    const ResultHandle owned(result);
    const Slot* slot = static_cast<Slot*>(user);
    slot->stream->end(slot->index, result);
}

void Stream::end(size_t index, const p2c2r_result* result) {
    TaskRecord& record = summary_.tasks[index];
    p2c2r_result_info info = {};
    info.struct_size = sizeof info;
    p2c2r_result_info_get(result, &info);
    pending_[index] = 0;
    if (info.status == P2C2R_E_DEADLINE && options_.late_here && !record.late &&
        !summary_.stopped) {
        submit(index, true);
        return;
    }
    size_t size = 0;
    p2c2r_result_data(result, &size);
    record.status = info.status;
    record.source = info.source;
    record.attempts += info.attempts;
    record.ended_us = record.late ? now_us() : record.submitted_us + info.total_us;
    record.total_us = record.ended_us - record.submitted_us;
    record.queue_us = info.queue_us;
    record.processing_us = info.processing_us;
    // What is neither queue nor execution: the links, and waiting at the peer for a free slot.
    const uint64_t known_us = info.queue_us + info.processing_us;
    record.network_us = record.late || record.total_us < known_us ? 0 : record.total_us - known_us;
    record.bytes_down = size;
    if (info.status == P2C2R_OK) {
        record.late = options_.deadline_us > 0 && record.total_us > options_.deadline_us;
    } else {
        record.error = failure_text(result, info.status);
    }
    ++ended_;
    on_result_(index, record, result);
}

void Stream::cancel_all() {
    summary_.stopped = true;
    for (const p2c2r_task task : pending_) {
        if (task != 0) p2c2r_client_cancel(session_.client(), task);
    }
    while (next_ < requests_.size()) {
        fail(next_, P2C2R_E_CANCELLED, "stopped before it was submitted");
        ++next_;
    }
}

void Stream::show(bool last) {
    size_t failed = 0;
    for (size_t index = 0; index < next_; ++index) {
        const int32_t status = summary_.tasks[index].status;
        if (status != P2C2R_OK && status != P2C2R_PENDING) ++failed;
    }
    char note[80];
    const double seconds = static_cast<double>(now_us()) / 1e6;
    std::snprintf(note, sizeof note, "%zu in flight, %.1f a second", next_ - ended_,
                  seconds > 0 ? static_cast<double>(ended_) / seconds : 0);
    if (last) {
        progress_.finish(ended_, failed, note);
    } else {
        progress_.update(ended_, failed, note);
    }
}

}  // namespace

StreamSummary run_stream(Session& session, const std::vector<TaskRequest>& requests,
                         const StreamOptions& options, StopSignals* signals,
                         const ResultFunction& on_result) {
    return Stream(session, requests, options, on_result).run(signals);
}

std::string failure_text(const p2c2r_result* result, int32_t status) {
    p2c2r_error why = {};
    why.status = status;
    std::snprintf(why.field, sizeof why.field, "%s", text_of(result, P2C2R_TEXT_FIELD).c_str());
    std::snprintf(why.text, sizeof why.text, "%s", text_of(result, P2C2R_TEXT_MESSAGE).c_str());
    return sentence(why);
}

const char* source_name(int32_t source) {
    switch (source) {
        case P2C2R_SOURCE_PEER:
            return "peer";
        case P2C2R_SOURCE_COORDINATOR:
            return "coordinator";
        case P2C2R_SOURCE_LOCAL:
            return "local";
        case P2C2R_SOURCE_CACHE:
            return "cache";
        default:
            return "none";
    }
}

json record_json(const TaskRecord& record) {
    return {{"name", record.name},
            {"status", p2c2r_status_name(record.status)},
            {"error", record.error},
            {"source", source_name(record.source)},
            {"attempts", record.attempts},
            {"submitted_us", record.submitted_us},
            {"ended_us", record.ended_us},
            {"total_us", record.total_us},
            {"queue_us", record.queue_us},
            {"processing_us", record.processing_us},
            {"network_us", record.network_us},
            {"bytes_up", record.bytes_up},
            {"bytes_down", record.bytes_down},
            {"late", record.late}};
}

json summary_json(const StreamSummary& summary) {
    json tasks = json::array();
    std::vector<uint64_t> totals;
    uint64_t bytes_up = 0;
    uint64_t bytes_down = 0;
    for (const TaskRecord& record : summary.tasks) {
        tasks.push_back(record_json(record));
        if (record.status == P2C2R_OK) totals.push_back(record.total_us);
        bytes_up += record.bytes_up;
        bytes_down += record.bytes_down;
    }
    return {{"count", summary.tasks.size()},
            {"succeeded", summary.succeeded},
            {"late", summary.late},
            {"lost", summary.lost()},
            {"start_us", summary.start_us},
            {"wall_us", summary.wall_us},
            {"p50_us", percentile(totals, 0.50)},
            {"p95_us", percentile(totals, 0.95)},
            {"p99_us", percentile(totals, 0.99)},
            {"bytes_up", bytes_up},
            {"bytes_down", bytes_down},
            {"tasks", std::move(tasks)}};
}

}  // namespace p2c2r::cli
