#include "roles/client.h"

#include "core/utf8.h"
#include "roles/client_impl.h"

namespace p2c2r::roles {

Result<Done> check_task_type(std::string_view name) {
    if (name.empty() || name.size() > limits::kTaskTypeLengthMax) {
        return field_error(Status::kArgument, "task_type",
                           "task_type must have 1 to " +
                               std::to_string(limits::kTaskTypeLengthMax) + " bytes, not " +
                               std::to_string(name.size()));
    }
    if (!is_name_text(name)) {
        return field_error(Status::kArgument, "task_type",
                           "task_type must be UTF-8 without control characters");
    }
    return Done{};
}

Result<Done> check_task_spec(const TaskSpec& spec) {
    if (is_good_task_spec(spec)) return Done{};
    const uint64_t size = static_cast<uint64_t>(spec.params.size()) + spec.data.size() +
                          (spec.content ? spec.content->bytes.size() : 0);
    if (size > limits::kPayloadSizeMax) {
        return field_error(Status::kSize, "data",
                           "params and data of " + std::to_string(size) +
                               " bytes exceed the limit of " +
                               std::to_string(limits::kPayloadSizeMax));
    }
    if (spec.circle == Circle::kPublic) {
        return field_error(Status::kUnsupported, "circle",
                           "circle public is not available; there are own and invited");
    }
    // Nothing compares answers yet: a class above the lowest would be a promise that nobody keeps.
    if (spec.verify > VerifyClass::kA) {
        return field_error(Status::kUnsupported, "verify",
                           "verify classes B, C and D are not available; there are A and the "
                           "type's own");
    }
    return field_error(Status::kLimit, "depends_on",
                       std::to_string(spec.depends_on.size()) + " dependencies exceed " +
                           std::to_string(limits::kDependsOnMax));
}

void Client::Impl::close() {
    if (closed_) return;
    closed_ = true;
    for (uint64_t id : slots_.sorted_keys()) {
        Task* task = find(id);
        if (!task || is_part(id)) continue;  // parts end with their wholes
        send_cancel(*task);
        end_error(*task, Status::kClosed, {}, "the client was closed");
    }
    for (const auto& [call, until] : std::exchange(calls_, {})) {
        const Error error = make_error(Status::kClosed, "the client was closed");
        events_.on_call_done(call, &error, {}, {});
    }
    if (link_) link_->close(Status::kOk, "client closed");
    dependents_.clear();
    empty_window();
    loop_.disarm(timer_);
    loop_.disarm(window_timer_);
    loop_.disarm(call_timer_);
}

// ---- the outside -------------------------------------------------------------------------------

Client::Client(net::Loop& loop, net::Transport* transport, exec::Runner* runner,
               RandomSource& random, Prng prng, Log log, ClientOptions options,
               ClientEvents& events)
    : impl_(std::make_unique<Impl>(loop, transport, runner, random, prng, log, std::move(options),
                                   events)) {}
Client::~Client() = default;
void Client::start() {
    impl_->start();
}
void Client::submit(uint64_t task, const TaskSpec& spec,
                    const std::shared_ptr<const FrameWish>& frame) {
    impl_->submit(task, spec, frame);
}
void Client::cancel(uint64_t task) {
    impl_->cancel(task);
}
void Client::want_answer(uint64_t task, uint64_t at_us) {
    impl_->want_answer(task, at_us);
}
void Client::put(std::shared_ptr<const Content> content) {
    impl_->put(std::move(content));
}
void Client::drop(const Digest256& digest) {
    impl_->drop(digest);
}
void Client::call(uint64_t call, const std::string& name, Bytes arguments, uint64_t timeout_us) {
    impl_->call(call, name, std::move(arguments), timeout_us);
}
void Client::close() {
    impl_->close();
}
const ClientStats& Client::stats() {
    return impl_->stats();
}
std::string Client::handshake_so_far() const {
    return impl_->handshake_so_far();
}
std::string Client::where() const {
    return impl_->where();
}
const std::string& Client::client_id() const {
    return impl_->client_id();
}

}  // namespace p2c2r::roles
