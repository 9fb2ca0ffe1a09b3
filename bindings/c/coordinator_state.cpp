#include "bindings/c/coordinator_state.h"

#include <cmath>

#include "bindings/c/failure.h"
#include "bindings/c/results.h"
#include "bindings/c/runtime_state.h"
#include "model/value_writer.h"

namespace p2c2r::capi {

CoordinatorState::CoordinatorState(RuntimeState& runtime, const p2c2r_coordinator_config& config,
                                   CoordinatorSettings settings)
    : RoleState(runtime, HandleKind::kCoordinator, config.deliver, config.event, config.user),
      settings_(std::move(settings)),
      port_(std::make_shared<CoordinatorPort>()) {}

Status CoordinatorState::open() {
    return runtime.driver().run([this] {
        roles::CoordinatorEvents& events = *this;
        role_ = std::make_unique<roles::Coordinator>(
            runtime.loop(), runtime.transport(), &runtime.workers(), runtime.random(),
            runtime.fork_prng(), runtime.log(), settings_.options, events);
        port_->role = role_.get();
    });
}

// ---- events -----------------------------------------------------------------------------------

void CoordinatorState::on_peer_joined(const std::string& peer_id) {
    post_event(P2C2R_EVENT_PEER_JOINED, Status::kOk, 0, peer_id, {});
}
void CoordinatorState::on_peer_left(const std::string& peer_id, const std::string& reason) {
    post_event(P2C2R_EVENT_PEER_LEFT, Status::kOk, 0, peer_id, reason);
}
void CoordinatorState::on_peer_failed(const std::string& peer_id, const std::string& reason) {
    post_event(P2C2R_EVENT_PEER_FAILED, Status::kDisconnected, 0, peer_id, reason);
}

void CoordinatorState::on_certificate(bool is_good, const std::string& text) {
    post_event(P2C2R_EVENT_CERTIFICATE, is_good ? Status::kOk : Status::kState, 0,
               settings_.options.certificate_file, text);
}

// ---- listening --------------------------------------------------------------------------------

Result<Done> CoordinatorState::start() {
    Result<Done> result = make_error(Status::kInternal, "");
    const Status status = runtime.driver().run([&] {
        if (!role_) {
            result = make_error(Status::kClosed, "the coordinator is closed");
            return;
        }
        result = role_->start();
        if (!result || !settings_.monitoring || http_) return;
        Result<std::unique_ptr<net::HttpServer>> server = net::HttpServer::listen(
            runtime.loop(), settings_.options.listen_address, settings_.monitoring_port,
            [this](const std::string& path) { return answer_http(path); });
        if (server) {
            http_ = std::move(*server);
        } else {
            result = field_error(server.error().status, "prometheus_port", server.error().text);
        }
    });
    if (status != Status::kOk) return make_error(status, status_text(status));
    return result;
}

net::HttpAnswer CoordinatorState::answer_http(const std::string& path) {
    net::HttpAnswer answer;
    if (path == "/healthz") {
        answer.body = "ok\n";
    } else if (path == "/metrics") {
        std::string text;
        const Result<Bytes> done = role_->call("metrics", {}, &text);
        answer.status = done ? 200 : 500;
        answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
        answer.body = done ? std::move(text) : done.error().text + "\n";
    } else {
        answer.status = 404;
        answer.body = "there are /metrics and /healthz\n";
    }
    return answer;
}

Status CoordinatorState::ports(uint32_t& port, uint32_t& monitoring_port) {
    return runtime.driver().run([&] {
        port = role_ ? role_->port() : 0;
        monitoring_port = http_ ? http_->port() : 0;
    });
}

// ---- figures and questions --------------------------------------------------------------------

Status CoordinatorState::stats(p2c2r_coordinator_stats& out) {
    out = {};
    return runtime.driver().run([&] {
        if (!role_) return;
        const roles::CoordinatorStats& stats = role_->stats();
        out.active_peers = stats.active_peers;
        out.clients = stats.clients;
        out.pending_tasks = stats.pending_tasks;
        out.completed_tasks = stats.completed_tasks;
        out.failed_tasks = stats.failed_tasks;
        out.cancelled_tasks = stats.cancelled_tasks;
        out.retries = stats.retries;
        out.timeouts = stats.timeouts;
        out.peer_failures = stats.peer_failures;
        out.local_tasks = stats.local_tasks;
        out.p50_us = stats.total_us.quantile_us(0.50);
        out.p95_us = stats.total_us.quantile_us(0.95);
        out.p99_us = stats.total_us.quantile_us(0.99);
        out.queue_p99_us = stats.queue_us.quantile_us(0.99);
        out.bytes_in = stats.bytes_in;
        out.bytes_out = stats.bytes_out;
        out.payload_bytes_copied = stats.payload_bytes_copied;
        out.audit_lost = stats.audit_lost;
        out.utilisation_permille = static_cast<uint32_t>(std::lround(stats.utilisation * 1000));
    });
}

p2c2r_status CoordinatorState::call(const char* name, const Bytes& arguments, p2c2r_result** out,
                                    p2c2r_error* why) {
    Result<Bytes> fields = make_error(Status::kClosed, "the coordinator is closed");
    std::string text;
    const Status status = runtime.driver().run([&] {
        if (!role_) return;
        fields = std::string_view(name) == "reload" ? reload()
                                                    : role_->call(name, arguments.span(), &text);
    });
    if (status != Status::kOk) return fail(why, status);
    if (!fields) return fail(why, fields.error());
    TaskResult answer;
    answer.status = Status::kOk;
    answer.source = Source::kCoordinator;
    answer.info = std::move(*fields);
    if (!text.empty()) answer.data = Bytes::copy(text);
    *out = make_result(runtime.pool(), 0, nullptr, std::move(answer));
    return P2C2R_OK;
}

Result<Bytes> CoordinatorState::reload() {
    const CoordinatorSecurity& files = settings_.security;
    if (!settings_.options.tls) {
        return make_error(Status::kState,
                          "there is nothing to reload: no certificate_file was given");
    }
    const Result<Done> renewed = reload_server_tls(*settings_.options.tls, files.certificate_file,
                                                   files.key_file, runtime.loop().unix_ms() / 1000);
    if (!renewed) return renewed.error();
    ValueWriter writer;
    writer.map(1).key("pin").text(to_hex(settings_.options.tls->pin()));
    return writer.take();
}

Status CoordinatorState::drain(uint64_t deadline_us) {
    const Status asked = runtime.driver().run([this] {
        {
            const std::lock_guard lock(mutex_);
            drained_ = false;
        }
        if (!role_) return;
        role_->drain([this] {
            const std::lock_guard lock(mutex_);
            drained_ = true;
            changed_.notify_all();
        });
    });
    if (asked != Status::kOk) return asked;
    std::unique_lock lock(mutex_);
    (void)runtime.driver().wait(lock, changed_, deadline_us, [&] { return drained_ || closed_; });
    return drained_ ? Status::kOk : closed_ ? Status::kClosed : Status::kTimeout;
}

void CoordinatorState::wake_waiting() {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
}

// ---- the end ----------------------------------------------------------------------------------

Status CoordinatorState::shut(uint64_t deadline_us) {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        changed_.notify_all();
    }
    (void)runtime.driver().run([this] {
        port_->role = nullptr;
        http_.reset();
        if (!role_) return;
        runtime.host_executors().begin_orphans();
        try {
            role_->close();
        } catch (const std::bad_alloc&) {
            // Short of memory it goes without a goodbye.
        }
        role_.reset();
        runtime.host_executors().end_orphans();
    });
    runtime.driver().send_off();  // the goodbyes
    const bool outside =
        runtime.host_executors().wait_outside(deadline_us, [this](const std::string& task_type) {
            runtime.log().format(LogLevel::kWarn, "capi",
                                 "coordinator_destroy waits for the executor of '%s' to return",
                                 task_type.c_str());
        });
    return outside ? Status::kOk : Status::kTimeout;
}

}  // namespace p2c2r::capi
