// Named questions and commands of the coordinator, and its metrics.
#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "model/params_reader.h"
#include "model/value_writer.h"
#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

namespace {

constexpr const char* kCallNames =
    "status, peers, gamers, tasks, explain, metrics, probe, content, task.assign, peer.fail, "
    "key.list, key.add, key.token, key.from, key.invite, "
    "key.invitations, key.withdraw, key.revoke";

// One family of the Prometheus text format (version 0.0.4).
class MetricsText {
  public:
    void family(const char* name, const char* kind, const char* help) {
        text_ += std::string("# HELP p2c2r_") + name + " " + help + "\n# TYPE p2c2r_" + name + " " +
                 kind + "\n";
        name_ = name;
    }
    void sample(double value, const std::string& labels = {}, const char* suffix = "") {
        char number[40];
        std::snprintf(number, sizeof number, "%.17g", value);
        text_ += "p2c2r_" + name_ + suffix + (labels.empty() ? "" : "{" + labels + "}") + " " +
                 number + "\n";
    }
    void single(const char* name, const char* kind, const char* help, double value) {
        family(name, kind, help);
        sample(value);
    }
    void summary(const char* name, const char* help, const Histogram& histogram) {
        family(name, "summary", help);
        for (const auto& [label, share] :
             {std::pair{"0.5", 0.5}, std::pair{"0.95", 0.95}, std::pair{"0.99", 0.99}}) {
            sample(static_cast<double>(histogram.quantile_us(share)) / 1e6,
                   std::string("quantile=\"") + label + "\"");
        }
        sample(static_cast<double>(histogram.sum_us()) / 1e6, {}, "_sum");
        sample(static_cast<double>(histogram.count()), {}, "_count");
    }
    std::string take() { return std::move(text_); }

  private:
    std::string text_;
    std::string name_;
};

std::string quoted_label(const char* name, const std::string& value) {
    std::string text = std::string(name) + "=\"";
    for (char c : value) {
        if (c == '"' || c == '\\') text += '\\';
        text += c == '\n' ? ' ' : c;
    }
    return text + "\"";
}

}  // namespace

Result<Bytes> Coordinator::Impl::call(const std::string& name, std::span<const uint8_t> arguments,
                                      std::string* text) {
    return answer_call(name, arguments, text, nullptr);
}

Result<Bytes> Coordinator::Impl::answer_call(const std::string& name,
                                             std::span<const uint8_t> arguments, std::string* text,
                                             const Session* asker) {
    ParamsReader reader(arguments);
    const auto empty_map = [] {
        ValueWriter writer;
        writer.map(0);
        return writer.take();
    };
    if (name == "status" || name == "peers" || name == "gamers" || name == "tasks" ||
        name == "metrics") {
        if (auto good = reader.finish(); !good) return good.error();
        if (name == "status") return call_status();
        if (name == "peers") return call_peers(asker);
        if (name == "gamers") return call_gamers(asker);
        if (name == "tasks") return call_tasks(asker);
        const std::string metrics = metrics_text();
        if (text) *text = metrics;
        return empty_map();
    }
    if (name == "probe") {
        const size_t size = reader.bytes("data", limits::kChunkSizeMax).size();
        if (auto good = reader.finish(); !good) return good.error();
        ValueWriter writer;
        writer.map(1).key("bytes").unsigned_integer(size);
        return writer.take();
    }
    if (name == "content") return call_content(reader, text, asker);
    if (name == "explain" || name == "task.assign") {
        const std::string task_text(reader.text("task", 16));
        const std::string client_id(reader.text("client_id", limits::kIdLengthMax, ""));
        const bool assign = name == "task.assign";
        const std::string peer_id(assign ? reader.text("peer_id", limits::kIdLengthMax)
                                         : std::string_view());
        char* end = nullptr;
        const uint64_t task_id = std::strtoull(task_text.c_str(), &end, 16);
        if (task_text.empty() || *end != '\0' || task_id == 0) {
            reader.fail("task",
                        "task is the task id as 1 to 16 hex digits, not '" + task_text + "'");
        }
        if (auto good = reader.finish(); !good) return good.error();
        const uint64_t task = find_task(task_id, client_id, asker);
        return assign ? call_assign(task, peer_id, asker) : call_explain(task);
    }
    if (name == "peer.fail") {
        const std::string peer_id(reader.text("peer_id", limits::kIdLengthMax));
        if (auto good = reader.finish(); !good) return good.error();
        const auto found = peer_links_.find(peer_id);
        if (found == peer_links_.end()) {
            return field_error(Status::kStale, "peer_id", "no peer '" + peer_id + "' is connected");
        }
        Session* session = found->second.session;
        const uint64_t peer = found->second.id;
        record_act("peer_failed", found->second.account, peer_id, asker);
        if (session) {
            end_session(*session, Status::kDisconnected, "failed by the operator");
        } else {
            peer_gone(peer, true, "failed by the operator");
        }
        return empty_map();
    }
    if (name.starts_with("key.")) return answer_key_call(name, reader, asker);
    return make_error(Status::kUnsupported,
                      "there is no call '" + name + "'; there are " + kCallNames);
}

void Coordinator::Impl::on_call(Session& session, const wire::Frame& frame) {
    wire::Call message;
    if (const char* why = decode(frame.envelope, message)) {
        return end_session(session, Status::kProtocol, why);
    }
    // Gamers and peers may look; only the operator, in this process or as an admin, may command.
    const std::string name(message.name);
    const bool command = name == "task.assign" || name == "peer.fail" || name.starts_with("key.");
    std::string text;
    const uint64_t now = loop_.turn_us();
    Share& share = share_of(session);
    Result<Bytes> answer = [&]() -> Result<Bytes> {
        // Whoever asks and does not read shall not pile up answers here.
        if (session.unread_answers() >= kBehindMark) {
            return make_error(Status::kBusy, "earlier answers have not been read yet");
        }
        if (const uint64_t wait = share.call(now)) {
            Error busy = field_error(Status::kBusy, "gamer_tasks_per_s",
                                     "this account asks more often than it may");
            busy.retry_after_ms = retry_after_ms(wait);
            return busy;
        }
        if (command && !session.who.roles.admin) {
            return make_error(Status::kDenied, "'" + name + "' is for the coordinator's operator");
        }
        return answer_call(name, frame.params, &text, &session);
    }();
    if (session.phase == Session::Phase::kClosed) return;  // it has ended itself
    if (answer.ok() && answer->size() + text.size() > limits::kPayloadSizeMax) {
        answer = make_error(Status::kSize, "the answer exceeds the limit of 64 MiB");
    }
    answer_call_with(session, frame.id, answer, text);
    push_back(session, nullptr);
}

void Coordinator::Impl::answer_call_with(Session& session, uint64_t call,
                                         const Result<Bytes>& answer, const std::string& text) {
    wire::CallResponse response;
    const uint64_t before = session.waiting();
    if (answer.ok()) {
        const Bytes data = Bytes::copy(text);
        if (needs_chunks(answer->size(), data.size())) {
            response.sizes = wire::PayloadSizes{answer->size(), data.size()};
        }
        encode(response, envelope_);
        session.out.send(*session.connection, wire::Message::kCallResponse, 0, call,
                         envelope_.span(), *answer, data);
        share_of(session).answered(answer->size() + data.size(), loop_.turn_us());
    } else {
        response.status = answer.error().status;
        response.field = answer.error().field;
        response.error = answer.error().text;
        response.retry_after_ms = answer.error().retry_after_ms;
        encode(response, envelope_);
        send(session, wire::Message::kCallResponse, call);
    }
    session.answered(session.waiting() - before);
}

Bytes Coordinator::Impl::call_status() {
    const CoordinatorStats& now = stats();
    ValueWriter writer(1024);
    writer.map(49);
    const auto count = [&](const char* key, uint64_t value) {
        writer.key(key).unsigned_integer(value);
    };
    const auto times = [&](const char* p50, const char* p95, const char* p99,
                           const Histogram& histogram) {
        count(p50, histogram.quantile_us(0.5));
        count(p95, histogram.quantile_us(0.95));
        count(p99, histogram.quantile_us(0.99));
    };
    count("active_peers", now.active_peers);
    count("clients", now.clients);
    count("pending_tasks", now.pending_tasks);
    count("completed_tasks", now.completed_tasks);
    count("failed_tasks", now.failed_tasks);
    count("cancelled_tasks", now.cancelled_tasks);
    count("refused_tasks", now.refused_tasks);
    count("refused_memory", now.refused_memory);
    count("refused_share", now.refused_share);
    count("refused_deadline", now.refused_deadline);
    count("shed_tasks", now.shed_tasks);
    count("closed_for_memory", now.closed_for_memory);
    count("slow_connections", now.slow_connections);
    count("rejected_connections", now.rejected_connections);
    count("audit_lost", now.audit_lost);
    count("local_tasks", now.local_tasks);
    count("retries", now.retries);
    count("timeouts", now.timeouts);
    count("peer_failures", now.peer_failures);
    count("copies", now.copies.all());
    count("copies_late", now.copies.late);
    count("copies_at_once", now.copies.at_once);
    count("copies_for_silence", now.copies.silence);
    count("copies_won", now.copies.won);
    count("copies_wasted", now.copies.wasted);
    count("peers_suspected", now.copies.suspects);
    count("peers_silent", now.copies.deaths);
    count("false_deaths", now.copies.false_deaths);
    count("taken_back", now.taken_back);
    count("bytes_in", now.bytes_in);
    count("bytes_out", now.bytes_out);
    count("payload_bytes_held", now.payload_bytes_held);
    count("payload_bytes_copied", now.payload_bytes_copied);
    count("content_bytes", now.content_bytes);
    count("content_hits", now.content_hits);
    count("content_misses", now.content_misses);
    count("contents_sent", now.contents_sent);
    count("answer_bytes", now.answer_bytes);
    count("answer_hits", now.answer_hits);
    count("answers_followed", now.answers_followed);
    times("p50_us", "p95_us", "p99_us", now.total_us);
    count("queue_p50_us", now.queue_us.quantile_us(0.5));
    count("queue_p99_us", now.queue_us.quantile_us(0.99));
    count("processing_p50_us", now.processing_us.quantile_us(0.5));
    count("processing_p99_us", now.processing_us.quantile_us(0.99));
    writer.key("utilisation").number(now.utilisation);
    count("uptime_us", loop_.now_us() - started_us_);
    return writer.take();
}

Result<Bytes> Coordinator::Impl::call_assign(uint64_t task, const std::string& peer_id,
                                             const Session* asker) {
    if (task == 0) return field_error(Status::kStale, "task", "no such task is pending");
    const auto found = peer_links_.find(peer_id);
    if (found == peer_links_.end()) {
        return field_error(Status::kStale, "peer_id", "no peer '" + peer_id + "' is connected");
    }
    const Status status = scheduler_.assign_to(task, found->second.id, loop_.now_us(), actions_);
    if (status == Status::kOk) {
        const Gamer* gamer = gamers_.find(relay(task).gamer);
        char id[40];
        std::snprintf(id, sizeof id, "task %016" PRIx64 " to ", relay(task).client_task);
        record_act("task_assigned", gamer ? gamer->account : std::string(), id + peer_id, asker);
    }
    settle();
    if (status != Status::kOk) {
        return field_error(status, "task",
                           status == Status::kState  ? "the task is not waiting in the queue"
                           : status == Status::kBusy ? "the peer's window is full"
                           : status == Status::kDenied
                               ? "the peer is outside the circle of the task"
                               : "the peer cannot take this task");
    }
    ValueWriter writer;
    writer.map(1).key("peer_id").text(peer_id);
    return writer.take();
}

std::string Coordinator::Impl::metrics_text() {
    const CoordinatorStats& now = stats();
    MetricsText metrics;
    metrics.single("active_peers", "gauge", "Connected peers.", now.active_peers);
    metrics.single("clients", "gauge", "Connected gamers.", now.clients);
    metrics.single("pending_tasks", "gauge", "Tasks that have not ended.", now.pending_tasks);
    metrics.single("queued_tasks", "gauge", "Tasks that wait for a peer.",
                   static_cast<double>(scheduler_.queued()));
    metrics.family("tasks_total", "counter", "Ended tasks by state.");
    metrics.sample(static_cast<double>(now.completed_tasks), "state=\"completed\"");
    metrics.sample(static_cast<double>(now.failed_tasks), "state=\"failed\"");
    metrics.sample(static_cast<double>(now.cancelled_tasks), "state=\"cancelled\"");
    metrics.sample(static_cast<double>(now.refused_tasks), "state=\"refused\"");
    metrics.family("tasks_by_type_total", "counter", "Ended tasks by type and state.");
    for (const TypeStats& type : now.types) {
        if (type.task_type.empty()) continue;
        const std::string label = quoted_label("task_type", type.task_type);
        metrics.sample(static_cast<double>(type.completed), label + ",state=\"completed\"");
        metrics.sample(static_cast<double>(type.failed), label + ",state=\"failed\"");
    }
    const auto counter = [&](const char* name, const char* help, uint64_t value) {
        metrics.single(name, "counter", help, static_cast<double>(value));
    };
    counter("submitted_total", "Tasks submitted.", now.submitted);
    counter("local_tasks_total", "Tasks computed by the coordinator itself.", now.local_tasks);
    counter("retries_total", "Attempts after the first.", now.retries);
    counter("timeouts_total", "Attempts and tasks that ran out of time.", now.timeouts);
    counter("peer_failures_total", "Peers that were lost.", now.peer_failures);
    metrics.family("copies_total", "counter", "Second attempts beside a first, by reason.");
    metrics.sample(static_cast<double>(now.copies.late), "why=\"late\"");
    metrics.sample(static_cast<double>(now.copies.at_once), "why=\"short\"");
    metrics.sample(static_cast<double>(now.copies.silence), "why=\"silence\"");
    counter("copies_won_total", "Second attempts that answered first.", now.copies.won);
    counter("copies_wasted_total", "Second attempts that the first one was faster than.",
            now.copies.wasted);
    counter("peers_suspected_total", "Times that a sign of a peer at work was late.",
            now.copies.suspects);
    counter("peers_silent_total",
            "Times that a peer at work was silent for so long that its tasks "
            "went elsewhere as well.",
            now.copies.deaths);
    counter("false_deaths_total", "Of these, those that answered after all.",
            now.copies.false_deaths);
    counter("taken_back_total", "Tasks that waited at a peer and went to one with nothing to do.",
            now.taken_back);
    counter("protocol_errors_total", "Connections closed for what they sent.", now.protocol_errors);
    metrics.family("refused_total", "counter", "Tasks answered BUSY, by what was short.");
    metrics.sample(static_cast<double>(now.refused_memory), "why=\"memory\"");
    metrics.sample(static_cast<double>(now.refused_share), "why=\"share\"");
    metrics.sample(static_cast<double>(now.refused_deadline), "why=\"deadline\"");
    metrics.sample(static_cast<double>(now.refused_tasks - now.refused_memory - now.refused_share -
                                       now.refused_deadline),
                   "why=\"other\"");
    counter("shed_tasks_total", "Waiting tasks that gave way while memory was short.",
            now.shed_tasks);
    counter("closed_for_memory_total",
            "Connections closed while memory was full, with a frame that had begun.",
            now.closed_for_memory);
    counter("slow_connections_total", "Connections closed for sending or reading too slowly.",
            now.slow_connections);
    counter("rejected_connections_total", "Connections closed unheard, above the limits.",
            now.rejected_connections);
    counter("audit_lost_total", "Entries of the audit log that could not be written.",
            now.audit_lost);
    counter("bytes_in_total", "Bytes received.", now.bytes_in);
    counter("bytes_out_total", "Bytes sent.", now.bytes_out);
    counter("payload_bytes_copied_total",
            "Bytes of payloads of 4 KiB and more that were moved in memory.",
            now.payload_bytes_copied);
    metrics.single("payload_bytes_held", "gauge", "Payload bytes held.",
                   static_cast<double>(now.payload_bytes_held));
    metrics.single("content_bytes", "gauge", "Bytes of contents kept.",
                   static_cast<double>(now.content_bytes));
    counter("content_hits_total", "Tasks whose content was here.", now.content_hits);
    counter("content_misses_total", "Tasks whose content had to be waited for.",
            now.content_misses);
    counter("content_evicted_total", "Contents that made room for others.", now.content_evicted);
    counter("contents_sent_total", "Contents sent to peers.", now.contents_sent);
    metrics.single("answer_bytes", "gauge", "Bytes of answers kept.",
                   static_cast<double>(now.answer_bytes));
    counter("answer_hits_total", "Tasks whose answer was known.", now.answer_hits);
    counter("answers_followed_total", "Tasks that got the answer of another one in flight.",
            now.answers_followed);
    const double ended = static_cast<double>(now.completed_tasks + now.failed_tasks);
    const auto rate = [&](uint64_t value) {
        return ended > 0 ? static_cast<double>(value) / ended : 0.0;
    };
    metrics.single("success_ratio", "gauge", "Completed of ended tasks.",
                   rate(now.completed_tasks));
    metrics.single("timeout_ratio", "gauge", "Timeouts per ended task.", rate(now.timeouts));
    metrics.single("retry_ratio", "gauge", "Retries per ended task.", rate(now.retries));
    metrics.single("peer_failure_ratio", "gauge", "Peer failures per ended task.",
                   rate(now.peer_failures));
    metrics.single("utilisation_ratio", "gauge",
                   "Share of connected slot time with a task held that ended accepted.",
                   now.utilisation);
    metrics.summary("task_seconds", "Admission to delivery of successful tasks.", now.total_us);
    metrics.summary("queue_seconds", "Waiting for a peer.", now.queue_us);
    metrics.summary("processing_seconds", "In the executor.", now.processing_us);
    metrics.summary("network_seconds", "On the links and waiting at the peer.", now.network_us);
    metrics.single("uptime_seconds", "gauge", "Since the start.",
                   static_cast<double>(loop_.now_us() - started_us_) / 1e6);
    return metrics.take();
}

}  // namespace p2c2r::roles
