#include "bindings/c/worth_call.h"

#include "model/value_writer.h"
#include "model/worth.h"

namespace p2c2r::capi {

namespace {

constexpr double kTimeLeastUs = 0.1;
constexpr double kTimeMostUs = 3.6e9;  // an hour
constexpr double kRateLeastMbps = 0.001;
constexpr double kRateMostMbps = 1e6;
constexpr int64_t kBytesMost = int64_t{1} << 40;

WorthCase read_case(ParamsReader& reader) {
    WorthCase task;
    task.bytes_up = static_cast<uint64_t>(reader.integer("bytes_up", 0, kBytesMost));
    task.bytes_down = static_cast<uint64_t>(reader.integer("bytes_down", 0, kBytesMost));
    task.local_us = reader.number("local_us", kTimeLeastUs, kTimeMostUs);
    task.remote_us = reader.number("remote_us", kTimeLeastUs, kTimeMostUs);
    task.queue_us = reader.number("queue_us", 0, kTimeMostUs, 0);
    task.rtt_us = reader.number("rtt_us", 0, kTimeMostUs);
    task.up_bits_per_s = reader.number("up_mbps", kRateLeastMbps, kRateMostMbps) * 1e6;
    task.down_bits_per_s = reader.number("down_mbps", kRateLeastMbps, kRateMostMbps) * 1e6;
    task.wanted_per_s = reader.number("wanted_per_s", 0.001, 1e9, task.wanted_per_s);
    task.price_per_compute_s = reader.number("price_per_compute_second", 0, 1e6, 0);
    task.fee = reader.number("fee", 0, 0.99, 0);
    return task;
}

}  // namespace

Result<Bytes> judge_worth_call(ParamsReader& arguments) {
    const WorthCase task = read_case(arguments);
    if (const Result<Done> good = arguments.finish(); !good) {
        return field_error(Status::kArgument, good.error().field,
                           "args_json: " + good.error().text);
    }
    const Worth worth = judge_worth(task);
    ValueWriter writer;
    writer.map(10).key("send").boolean(worth.send);
    writer.key("limit").text(worth_limit_name(worth.limit));
    writer.key("text").text(worth.text);
    writer.key("local_us").number(worth.local_us).key("remote_us").number(worth.remote_us);
    writer.key("local_per_s").number(worth.local_per_s);
    writer.key("remote_per_s").number(worth.remote_per_s);
    writer.key("up_mbps").number(worth.up_bits_per_s / 1e6);
    writer.key("down_mbps").number(worth.down_bits_per_s / 1e6);
    writer.key("price_per_hour").number(worth.price_per_hour);
    return writer.take();
}

}  // namespace p2c2r::capi
