// Results that come coded: when they are asked for, and how they become the result.
#include "roles/client_impl.h"

namespace p2c2r::roles {

namespace {

// Coding and decoding take about as long as 200 Mbit/s take to bring what they save.
constexpr double kSlowBits_s = 200e6;
// Until the line's rate is known: as long as this is no round of a local network.
constexpr uint64_t kSlowRoundUs = 4'000;

}  // namespace

bool Client::Impl::wants_coded() const {
    const double rate = placement_ ? placement_->down_bits_per_s() : 0;
    return rate > 0 ? rate < kSlowBits_s : link_->greeting_us() >= kSlowRoundUs;
}

bool Client::Impl::decode_delivery(Task& task, const wire::ResultDelivery& delivery,
                                   Payload&& payload, const char*& why) {
    why = task.may_be_coded ? check_coded(delivery.plain_sizes, payload.params.size())
                            : "a coded result that was not asked for";
    if (why) return false;
    ++stats_.coded;
    const wire::PayloadSizes sizes = *delivery.plain_sizes;
    const uint64_t id = task.id;
    if (sizes.params_size + sizes.data_size > kDecodeAtOnceMost) {
        task.delivery = delivery;
        task.delivery.field = task.delivery.error = {};  // of the frame's memory
        exec::JobSpec spec;
        spec.task_type = "decoding";
        spec.executor = decoding_work_;
        spec.params = decoding_params(sizes);
        spec.data = payload.data.owned(options_.memory);
        task.decoding_job = UINT64_MAX;  // it may end before start() returns
        const uint64_t job = runner_->start(spec, id, decodings_);
        Task* const after = find(id);
        if (!after || after->decoding_job == 0) return true;
        after->decoding_job = job;
        if (job != 0) return true;
    }
    // Small, or no thread is free to do it.
    exec::Output output;
    Result<DecodedPayload> plain =
        decode_payload(*options_.coder, payload.data, sizes, options_.memory);
    if (plain) {
        output.status = Status::kOk;
        output.info = std::move(plain->params);
        output.data = std::move(plain->data);
    } else {
        output.status = plain.error().status;
        output.error = std::move(plain.error().text);
    }
    task.delivery = delivery;
    task.decoding_job = UINT64_MAX;
    on_decoded(id, std::move(output));
    return true;
}

void Client::Impl::on_decoded(uint64_t id, exec::Output&& output) {
    Task* const task = find(id);
    if (!task || task->decoding_job == 0) return;
    task->decoding_job = 0;
    if (output.status == Status::kOk) {
        deliver(*task, task->delivery, {std::move(output.info), std::move(output.data)});
    } else {
        // Whoever spoiled it, it costs this task alone.
        remote_failed(*task, output.status, {}, std::move(output.error), task->delivery);
    }
}

}  // namespace p2c2r::roles
