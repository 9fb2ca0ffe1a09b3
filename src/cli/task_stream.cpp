#include "cli/task_stream.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>

#include "cli/line_watch.h"
#include "cli/progress.h"
#include "cli/task_files_posix.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

// Where a task is computed: as the options say, or here, for one of two reasons.
enum class Where : uint8_t { kAsked, kHereLate, kHereKept };

constexpr uint32_t kInFlightDefault = 16;
constexpr uint64_t kLateDeadlineUs = 60'000'000;
constexpr uint64_t kBusyWaitUs = 5'000;  // before trying again when the client is full
// That are computed here in place of being sent, at a time; more would only wait for each other.
constexpr uint32_t kHereWindow = 2;

// Of a task that was tried: what is wrong is the request itself.
bool is_about_request(int32_t status) {
    return status == P2C2R_E_PARAMS || status == P2C2R_E_ARGUMENT || status == P2C2R_E_SIZE ||
           status == P2C2R_E_LIMIT || status == P2C2R_E_CONTENT;
}

void P2C2R_CALL free_text(void* user, const void*, size_t) {
    delete static_cast<std::string*>(user);
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
        bool is_here = false;
    };

    uint64_t due_us(size_t index) const {
        return options_.rate > 0
                   ? static_cast<uint64_t>(static_cast<double>(index) * 1e6 / options_.rate)
                   : 0;
    }
    uint64_t now_us() const { return p2c2r_now_us() - start_us_; }
    void submit_due();
    bool submit(size_t index, Where where);
    // ---- the line
    [[nodiscard]] std::optional<SendingSample> sending();
    [[nodiscard]] uint64_t bytes_to_send(const TaskRequest& request) const;
    void watch();
    [[nodiscard]] uint64_t given_us(uint64_t total_us) const;
    [[nodiscard]] bool can_keep() const {
        return options_.watches_line && options_.late_here && is_possible_here_ &&
               options_.place == P2C2R_PLACE_AUTO;
    }
    // It has failed since this machine has no executor for it. True: the task goes on.
    [[nodiscard]] bool is_not_for_here(size_t index, int32_t status);
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
    size_t failed_ = 0;
    size_t cancelled_ = 0;
    LineWatch line_;
    size_t away_ = 0;       // tasks that are elsewhere
    uint32_t here_ = 0;     // late or kept
    bool is_full_ = false;  // the next one would be computed here, and others are
    bool is_possible_here_ = true;
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
        if (next_ < requests_.size() && next_ - ended_ < window_ && !is_full_) {
            const uint64_t at_us = std::max(due_us(next_), retry_us_);
            wait_us = at_us > now_us() ? at_us - now_us() : 0;
        }
        if (options_.watches_line && away_ > 0)
            wait_us = std::min(wait_us, LineWatch::kLookEveryUs);
        session_.wait_and_dispatch(wait_us, signals);
        watch();
        show(false);
    }
    show(true);
    summary_.cancelled = cancelled_;
    summary_.asked_us = options_.deadline_us;
    summary_.deadline_us = line_.deadline_us();
    summary_.up_bits_per_s = line_.bits_per_s();
    for (const TaskRecord& record : summary_.tasks) {
        summary_.wall_us = std::max(summary_.wall_us, record.ended_us);
        if (record.status == P2C2R_OK) ++summary_.succeeded;
        if (record.late) ++summary_.late;
    }
    return std::move(summary_);
}

void Stream::submit_due() {
    is_full_ = false;
    while (next_ < requests_.size() && next_ - ended_ < window_ && now_us() >= due_us(next_) &&
           now_us() >= retry_us_) {
        Where where = Where::kAsked;
        if (can_keep() && line_.bits_per_s() > 0) {
            const uint64_t bytes_up = bytes_to_send(requests_[next_]);
            is_full_ =
                options_.rate == 0 && here_ >= kHereWindow && line_.is_too_slow_for(bytes_up);
            if (is_full_) return;
            if (line_.keeps(bytes_up)) where = Where::kHereKept;
        }
        if (!submit(next_, where)) return;
        ++next_;
    }
}

// False: the client is full; the same request is tried again later. What is computed here in place
// of elsewhere has no deadline of its own: it is late then, and not lost.
bool Stream::submit(size_t index, Where where) {
    const TaskRequest& request = requests_[index];
    TaskRecord& record = summary_.tasks[index];
    record.name = request.name;
    if (!request.error.empty()) {
        fail(index, P2C2R_E_ARGUMENT, request.error);
        return true;
    }
    const bool is_here = where != Where::kAsked;
    const bool is_again = where == Where::kHereLate;
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
    slots_[index] = {this, index, is_here};
    p2c2r_task_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.flags = is_here ? 0 : options_.flags;
    desc.deadline_us = is_here ? kLateDeadlineUs : options_.deadline_us;
    desc.priority = options_.priority;
    desc.circle = options_.circle;
    desc.place = is_here ? P2C2R_PLACE_LOCAL : options_.place;
    desc.params_format = P2C2R_FORMAT_JSON;
    desc.task_type = options_.task_type.c_str();
    desc.params = params.data();
    desc.params_size = params.size();
    desc.data = bytes ? &data : nullptr;
    desc.content = content;
    desc.split = is_here ? P2C2R_SPLIT_NEVER : options_.split;
    if (desc.split != P2C2R_SPLIT_NEVER && !options_.split_by.empty()) {
        desc.split_by = options_.split_by.c_str();
    }
    desc.done = on_done;
    desc.user = &slots_[index];
    if (!is_again) {
        record.submitted_us = now_us();
        record.bytes_up = where == Where::kHereKept ? 0 : bytes_up + data.size + params.size();
    }
    record.kept = where == Where::kHereKept;
    p2c2r_error why = {};
    const p2c2r_status status =
        p2c2r_client_submit(session_.client(), &desc, &pending_[index], &why);
    if (status == P2C2R_OK) {
        bytes.release();  // the library's now; free_text gives it back
        if (is_here) {
            ++here_;
        } else {
            line_.sent(record.bytes_up);
            ++away_;
        }
        return true;
    }
    if (status == P2C2R_E_BUSY && !is_again && next_ > ended_) {
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
    ++(status == P2C2R_E_CANCELLED ? cancelled_ : failed_);
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
    const bool was_here = slots_[index].is_here;
    if (was_here) {
        --here_;
    } else {
        --away_;
    }
    if (info.status == P2C2R_E_DEADLINE && !was_here) {
        line_.missed(given_us(info.total_us));
        record.missed = true;
        record.error = failure_text(result, info.status);
        if (options_.late_here && is_possible_here_ && !summary_.stopped) {
            submit(index, Where::kHereLate);
            return;
        }
    } else if (was_here && is_not_for_here(index, info.status)) {
        return;
    }
    size_t size = 0;
    p2c2r_result_data(result, &size);
    record.status = info.status;
    record.source = info.source;
    record.attempts += info.attempts;
    record.ended_us = was_here ? now_us() : record.submitted_us + info.total_us;
    record.total_us = record.ended_us - record.submitted_us;
    record.queue_us = info.queue_us;
    record.processing_us = info.processing_us;
    // What is neither queue nor execution: the links, and waiting at the peer for a free slot.
    const uint64_t known_us = info.queue_us + info.processing_us;
    record.network_us = was_here || record.total_us < known_us ? 0 : record.total_us - known_us;
    record.bytes_down = size;
    if (info.status == P2C2R_OK) {
        const uint64_t deadline_us =
            options_.deadline_us > 0 ? options_.deadline_us : line_.deadline_us();
        record.late = record.missed || (deadline_us > 0 && record.total_us > deadline_us);
        record.error.clear();
        if (info.source == P2C2R_SOURCE_PEER || info.source == P2C2R_SOURCE_COORDINATOR) {
            line_.answered(record.bytes_up, record.total_us);
        }
    } else {
        // It is wrong wherever it is computed: neither the line nor a deadline is the reason.
        if (is_about_request(info.status)) record.missed = record.kept = false;
        record.error = failure_text(result, info.status);
        ++(info.status == P2C2R_E_CANCELLED ? cancelled_ : failed_);
    }
    ++ended_;
    on_result_(index, record, result);
}

bool Stream::is_not_for_here(size_t index, int32_t status) {
    if (status != P2C2R_E_UNSUPPORTED && status != P2C2R_E_TASK_TYPE) return false;
    TaskRecord& record = summary_.tasks[index];
    is_possible_here_ = false;
    if (record.missed) {
        fail(index, P2C2R_E_DEADLINE, std::string(record.error));
    } else {
        submit(index, Where::kAsked);
    }
    return true;
}

// ---- the line ----------------------------------------------------------------------------------

std::optional<SendingSample> Stream::sending() {
    const Result<json> placement = session_.ask("placement");
    if (!placement || !placement->is_object() || !placement->contains("sending")) return {};
    const uint64_t most_ms = placement->value("task_timeout_ms", uint64_t{0});
    if (most_ms > 0) summary_.deadline_max_us = most_ms * 1000;
    const json& sending = (*placement)["sending"];
    SendingSample sample;
    sample.at_us = p2c2r_now_us();
    sample.acknowledged = sending.value("acknowledged_bytes", uint64_t{0});
    sample.unacknowledged = sending.value("unacknowledged_bytes", uint64_t{0});
    return sample;
}

uint64_t Stream::bytes_to_send(const TaskRequest& request) const {
    const uint64_t params = request.params.dump().size();
    if (request.data_path.empty() || contents_.contains(request.data_path)) return params;
    std::error_code ignored;
    const uintmax_t size = std::filesystem::file_size(request.data_path, ignored);
    return ignored ? params : params + size;
}

// What a request that missed its deadline was given: what was asked for while it was on its way,
// the coordinator's cap of it once it was there.
uint64_t Stream::given_us(uint64_t total_us) const {
    if (options_.deadline_us > 0 && total_us >= options_.deadline_us) return options_.deadline_us;
    const uint64_t most_us = summary_.deadline_max_us;
    return most_us > 0 ? std::min(total_us, most_us) : total_us;
}

void Stream::watch() {
    if (!options_.watches_line || !line_.wants_look(away_ > 0, p2c2r_now_us())) return;
    if (const auto sample = sending()) line_.look(*sample);
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
    Progress::Counts counts;
    counts.failed = failed_;
    counts.cancelled = cancelled_;
    counts.done = ended_ - failed_ - cancelled_;
    char note[80];
    const double seconds = static_cast<double>(now_us()) / 1e6;
    std::snprintf(note, sizeof note, "%zu in flight, %.1f a second", next_ - ended_,
                  seconds > 0 ? static_cast<double>(counts.done) / seconds : 0);
    if (last) {
        progress_.finish(counts, note);
    } else {
        progress_.update(counts, note);
    }
}

}  // namespace

StreamSummary run_stream(Session& session, const std::vector<TaskRequest>& requests,
                         const StreamOptions& options, StopSignals* signals,
                         const ResultFunction& on_result) {
    return Stream(session, requests, options, on_result).run(signals);
}

}  // namespace p2c2r::cli
