// One message of each kind with random fields, and what makes two of a kind equal. Texts point into
// the sample, which must stay where it is.
#pragma once

#include <deque>
#include <string>
#include <tuple>
#include <vector>

#include "core/prng.h"
#include "wire/codec.h"
#include "wire/frame.h"

namespace p2c2r::test {

class Samples {
  public:
    explicit Samples(Prng prng) : prng_(prng) {}

    wire::Hello hello() {
        wire::Hello sample;
        for (uint64_t count = prng_.below(5); count > 0; --count) {
            sample.versions.push_back(static_cast<uint32_t>(number()));
        }
        sample.role = static_cast<Role>(prng_.below(4));
        sample.nonce = nonce();
        sample.library = text(128);
        return sample;
    }
    wire::HelloResponse hello_response() {
        wire::HelloResponse sample;
        sample.version = static_cast<uint32_t>(number());
        sample.nonce = nonce();
        for (uint64_t count = prng_.below(5); count > 0; --count) {
            sample.login_methods.push_back(static_cast<uint32_t>(number()));
        }
        sample.library = text(128);
        return sample;
    }
    wire::Goodbye goodbye() { return {status(), text(1024), static_cast<uint32_t>(number())}; }
    wire::PeerDisconnect peer_disconnect() { return {text(128), text(1024)}; }
    wire::PeerRegister peer_register() {
        wire::PeerRegister sample;
        sample.peer_id = text(128);
        sample.login = login();
        sample.capabilities = capabilities();
        sample.slots = static_cast<uint32_t>(number());
        sample.window_tasks = static_cast<uint32_t>(number());
        sample.window_bytes = number();
        sample.circle = static_cast<Circle>(prng_.below(4));
        sample.circle_accepted = static_cast<Circle>(prng_.below(4));
        if (prng_.chance(0.5)) sample.codec_class = binary(32);
        sample.content_bytes = number();
        sample.beat_interval_ms = static_cast<uint32_t>(number());
        if (prng_.chance(0.5)) sample.speed = static_cast<float>(1000 * prng_.unit());
        return sample;
    }
    wire::GamerRegister gamer_register() { return {text(128), login()}; }
    wire::RegisterResponse register_response() {
        wire::RegisterResponse sample;
        sample.success = prng_.chance(0.5);
        sample.id = text(128);
        if (prng_.chance(0.5)) sample.resume = nonce();
        sample.status = status();
        sample.error = text(1024);
        sample.heartbeat_interval_ms = static_cast<uint32_t>(number());
        sample.task_timeout_ms = static_cast<uint32_t>(number());
        sample.window_bytes = number();
        sample.content_bytes = number();
        sample.account = text(64);
        sample.beat_interval_ms = static_cast<uint32_t>(number());
        return sample;
    }
    wire::TaskSubmit task_submit() {
        wire::TaskSubmit sample;
        sample.task_type = some_text(64);
        sample.requester_id = text(128);
        sample.priority = static_cast<int32_t>(prng_.between(-128, 127));
        sample.deadline_us = maybe_number();
        sample.circle = static_cast<Circle>(prng_.below(4));
        sample.verify = static_cast<VerifyClass>(prng_.below(5));
        sample.price = number();
        sample.task_flags = static_cast<uint32_t>(number());
        sample.payload_place = static_cast<uint32_t>(prng_.below(3));
        if (prng_.chance(0.5)) sample.digest = binary(32);
        for (uint64_t count = prng_.below(17); count > 0; --count) {
            sample.depends_on.push_back(number());
        }
        sample.checksum = maybe_number();
        sample.sizes = sizes();
        return sample;
    }
    wire::TaskAssign task_assign() {
        wire::TaskAssign sample;
        sample.task_type = some_text(64);
        sample.deadline_us = maybe_number();
        sample.attempt = nonce();
        sample.task_flags = static_cast<uint32_t>(number());
        sample.output_size_max = number();
        sample.payload_place = static_cast<uint32_t>(prng_.below(3));
        if (prng_.chance(0.5)) sample.digest = binary(32);
        sample.checksum = maybe_number();
        sample.sizes = sizes();
        return sample;
    }
    wire::TaskResult task_result() {
        wire::TaskResult sample;
        sample.attempt = nonce();
        sample.status = status();
        sample.processing_us = number();
        sample.field = text(128);
        sample.error = text(1024);
        sample.peer_id = text(128);
        if (prng_.chance(0.5)) sample.slots_free = static_cast<uint32_t>(number());
        if (prng_.chance(0.5)) sample.load = static_cast<float>(prng_.unit());
        sample.memory_peak = number();
        sample.checksum = maybe_number();
        sample.sizes = sizes();
        coded(sample);
        return sample;
    }
    wire::ResultDelivery result_delivery() {
        wire::ResultDelivery sample;
        sample.status = status();
        sample.processing_us = number();
        sample.network_latency_us = number();
        sample.queue_us = number();
        sample.attempts = static_cast<uint32_t>(number());
        sample.source = static_cast<Source>(prng_.below(7));
        sample.field = text(128);
        sample.error = text(1024);
        sample.retry_after_ms = static_cast<uint32_t>(number());
        sample.checksum = maybe_number();
        sample.sizes = sizes();
        coded(sample);
        if (prng_.chance(0.5)) sample.digest.emplace().fill(static_cast<uint8_t>(number()));
        sample.content_size = number();
        return sample;
    }
    wire::TaskTimeout task_timeout() { return {text(1024)}; }
    wire::TaskCancel task_cancel() {
        wire::TaskCancel sample;
        if (prng_.chance(0.5)) sample.attempt = nonce();
        return sample;
    }
    wire::TaskRefuse task_refuse() {
        wire::TaskRefuse sample;
        sample.attempt = nonce();
        sample.status = static_cast<Status>(prng_.between(kStatusLowest, -1));
        sample.error = text(1024);
        return sample;
    }
    wire::Heartbeat heartbeat() {
        wire::Heartbeat sample;
        sample.peer_id = text(128);
        sample.timestamp_ms = number();
        sample.load = static_cast<float>(prng_.unit());
        sample.tasks_completed = number();
        sample.tasks_failed = number();
        if (prng_.chance(0.5)) sample.slots_free = static_cast<uint32_t>(number());
        if (prng_.chance(0.5)) sample.window_tasks = static_cast<uint32_t>(number());
        if (prng_.chance(0.5)) sample.speed = static_cast<float>(prng_.unit());
        return sample;
    }
    wire::PeerCountUpdate peer_count_update() {
        return {static_cast<uint32_t>(number()), static_cast<uint32_t>(number())};
    }
    wire::Call call() { return {some_text(64)}; }
    wire::CallResponse call_response() {
        return {status(), text(128), text(1024), sizes(), static_cast<uint32_t>(number())};
    }
    wire::ContentPut content_put() { return {binary(32), sizes()}; }
    wire::ContentWant content_want() { return {binary(32)}; }
    wire::ContentDrop content_drop() { return {binary(32)}; }

    // Any size of integer is as likely as any other.
    uint64_t number() { return prng_.next() >> prng_.below(65) % 64; }
    // UTF-8 of at most `size_max` bytes; empty every other time.
    std::string_view text(size_t size_max) {
        return prng_.chance(0.5) ? std::string_view() : some_text(size_max);
    }
    std::string_view some_text(size_t size_max) {
        static constexpr const char* kCharacters[] = {
            "a", "Z", "0", "_", " ", "\n", "\"", "ü", "\xe2\x82\xac", "\xf0\x9f\x8e\xae"};
        std::string& built = texts_.emplace_back("x");
        const size_t size =
            1 + prng_.below(prng_.chance(0.8) ? std::min<size_t>(size_max, 40) : size_max);
        for (;;) {
            const char* next = kCharacters[prng_.below(std::size(kCharacters))];
            if (built.size() + std::string_view(next).size() > size) break;
            built += next;
        }
        return built;
    }
    std::string_view binary(size_t size) {
        std::string& built = texts_.emplace_back(size, '\0');
        for (char& byte : built) byte = static_cast<char>(prng_.next());
        return built;
    }

  private:
    Nonce nonce() {
        Nonce bytes;
        for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(prng_.next());
        return bytes;
    }
    Status status() { return static_cast<Status>(prng_.between(kStatusLowest, 0)); }
    std::optional<uint64_t> maybe_number() {
        return prng_.chance(0.5) ? std::optional(number()) : std::nullopt;
    }
    template <class Message>
    void coded(Message& sample) {
        if (prng_.chance(0.5)) return;
        sample.coding = Coding::kZstd;
        sample.plain_sizes = sizes();
    }
    std::optional<wire::PayloadSizes> sizes() {
        if (prng_.chance(0.5)) return std::nullopt;
        return wire::PayloadSizes{number() >> 11, number() >> 11};
    }
    wire::Login login() {
        wire::Login sample;
        sample.login_method = static_cast<uint32_t>(number());
        if (prng_.chance(0.5)) sample.token = binary(prng_.below(1025));
        if (prng_.chance(0.5)) sample.resume = nonce();
        return sample;
    }
    double amount() { return prng_.chance(0.5) ? static_cast<double>(number()) : prng_.unit(); }
    Capabilities capabilities() {
        Capabilities sample;
        sample.cpu_cores = static_cast<uint32_t>(number());
        sample.ram_gb = amount();
        sample.gpu = prng_.chance(0.5);
        sample.gpu_model = text(128);
        sample.gpu_vram_gb = amount();
        for (uint64_t count = prng_.below(65); count > 0; --count) {
            sample.task_types.emplace_back(some_text(64));
        }
        sample.network_mbps = amount();
        sample.location = text(128);
        return sample;
    }

    Prng prng_;
    std::deque<std::string> texts_;
};

// ---- every field of a message, for comparing two
// --------------------------------------------------

inline auto parts(const wire::PayloadSizes& m) {
    return std::tie(m.params_size, m.data_size);
}
inline auto parts(const wire::Login& m) {
    return std::tie(m.login_method, m.token, m.resume);
}
inline auto parts(const Capabilities& m) {
    return std::tie(m.cpu_cores, m.ram_gb, m.gpu, m.gpu_model, m.gpu_vram_gb, m.task_types,
                    m.network_mbps, m.location);
}
inline auto parts(const std::optional<wire::PayloadSizes>& m) {
    return std::tuple(m.has_value(), m ? m->params_size : 0, m ? m->data_size : 0);
}
inline auto parts(const wire::Hello& m) {
    return std::tie(m.versions, m.role, m.nonce, m.library);
}
inline auto parts(const wire::HelloResponse& m) {
    return std::tie(m.version, m.nonce, m.login_methods, m.library);
}
inline auto parts(const wire::Goodbye& m) {
    return std::tie(m.status, m.error, m.retry_after_ms);
}
inline auto parts(const wire::PeerDisconnect& m) {
    return std::tie(m.peer_id, m.reason);
}
inline auto parts(const wire::PeerRegister& m) {
    return std::tuple_cat(
        std::tie(m.peer_id, m.slots, m.window_tasks, m.window_bytes, m.circle, m.circle_accepted,
                 m.codec_class, m.content_bytes, m.beat_interval_ms, m.speed),
        parts(m.login), parts(m.capabilities));
}
inline auto parts(const wire::GamerRegister& m) {
    return std::tuple_cat(std::tie(m.client_id), parts(m.login));
}
inline auto parts(const wire::RegisterResponse& m) {
    return std::tie(m.success, m.id, m.resume, m.status, m.error, m.heartbeat_interval_ms,
                    m.task_timeout_ms, m.window_bytes, m.content_bytes, m.account,
                    m.beat_interval_ms);
}
inline auto parts(const wire::TaskSubmit& m) {
    return std::tuple_cat(
        std::tie(m.task_type, m.requester_id, m.priority, m.deadline_us, m.circle, m.verify,
                 m.price, m.task_flags, m.payload_place, m.digest, m.depends_on, m.checksum),
        parts(m.sizes));
}
inline auto parts(const wire::TaskAssign& m) {
    return std::tuple_cat(std::tie(m.task_type, m.deadline_us, m.attempt, m.task_flags,
                                   m.output_size_max, m.payload_place, m.digest, m.checksum),
                          parts(m.sizes));
}
inline auto parts(const wire::TaskResult& m) {
    return std::tuple_cat(
        std::tie(m.attempt, m.status, m.processing_us, m.field, m.error, m.peer_id, m.slots_free,
                 m.load, m.memory_peak, m.checksum, m.coding),
        parts(m.sizes), parts(m.plain_sizes));
}
inline auto parts(const wire::ResultDelivery& m) {
    return std::tuple_cat(std::tie(m.status, m.processing_us, m.network_latency_us, m.queue_us,
                                   m.attempts, m.source, m.field, m.error, m.retry_after_ms,
                                   m.checksum, m.coding, m.digest, m.content_size),
                          parts(m.sizes), parts(m.plain_sizes));
}
inline auto parts(const wire::TaskTimeout& m) {
    return std::tie(m.error);
}
inline auto parts(const wire::TaskCancel& m) {
    return std::tie(m.attempt);
}
inline auto parts(const wire::TaskRefuse& m) {
    return std::tie(m.attempt, m.status, m.error);
}
inline auto parts(const wire::Heartbeat& m) {
    return std::tie(m.peer_id, m.timestamp_ms, m.load, m.tasks_completed, m.tasks_failed,
                    m.slots_free, m.window_tasks, m.speed);
}
inline auto parts(const wire::PeerCountUpdate& m) {
    return std::tie(m.available_peers, m.total_peers);
}
inline auto parts(const wire::Call& m) {
    return std::tie(m.name);
}
inline auto parts(const wire::CallResponse& m) {
    return std::tuple_cat(std::tie(m.status, m.field, m.error, m.retry_after_ms), parts(m.sizes));
}
inline auto parts(const wire::ContentPut& m) {
    return std::tuple_cat(std::tie(m.digest), parts(m.sizes));
}
inline auto parts(const wire::ContentWant& m) {
    return std::tie(m.digest);
}
inline auto parts(const wire::ContentDrop& m) {
    return std::tie(m.digest);
}

template <class Envelope>
void encode_any(const Envelope& envelope, wire::EnvelopeBuffer& out) {
    if constexpr (std::is_same_v<Envelope, wire::RegisterResponse>) {
        wire::encode_peer_response(envelope, out);
    } else {
        wire::encode(envelope, out);
    }
}

// Calls f(make), where make(samples) gives a message of one kind, for each kind.
template <class F>
void for_each_kind(F&& f) {
    f([](Samples& s) { return s.hello(); });
    f([](Samples& s) { return s.hello_response(); });
    f([](Samples& s) { return s.goodbye(); });
    f([](Samples& s) { return s.peer_disconnect(); });
    f([](Samples& s) { return s.peer_register(); });
    f([](Samples& s) { return s.gamer_register(); });
    f([](Samples& s) { return s.register_response(); });
    f([](Samples& s) { return s.task_submit(); });
    f([](Samples& s) { return s.task_assign(); });
    f([](Samples& s) { return s.task_result(); });
    f([](Samples& s) { return s.result_delivery(); });
    f([](Samples& s) { return s.task_timeout(); });
    f([](Samples& s) { return s.task_cancel(); });
    f([](Samples& s) { return s.task_refuse(); });
    f([](Samples& s) { return s.heartbeat(); });
    f([](Samples& s) { return s.peer_count_update(); });
    f([](Samples& s) { return s.call(); });
    f([](Samples& s) { return s.call_response(); });
    f([](Samples& s) { return s.content_put(); });
    f([](Samples& s) { return s.content_want(); });
    f([](Samples& s) { return s.content_drop(); });
}

}  // namespace p2c2r::test
