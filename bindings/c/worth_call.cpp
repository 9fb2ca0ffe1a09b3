#include "bindings/c/worth_call.h"

#include "model/layer_fit.h"
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
    task.local_wait_us = reader.number("local_wait_us", 0, kTimeMostUs, 0);
    task.deadline_us = reader.number("deadline_us", 0, kTimeMostUs, 0);
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

constexpr uint32_t kQualitiesMost = 8;

void read_qualities(ParamsReader& reader, std::vector<double>& out) {
    const std::optional<Value> given = reader.array("qualities", kQualitiesMost, false);
    if (!given) return;
    std::vector<double> qualities;
    for (const Value item : given->items()) {
        const std::optional<double> share = item.number();
        if (!share || *share < 0.001 || *share > 1 ||
            (!qualities.empty() && *share > qualities.back())) {
            return reader.fail("qualities", "must be numbers from 1 down to 0.001, best first");
        }
        qualities.push_back(*share);
    }
    if (qualities.empty()) return reader.fail("qualities", "has none");
    out = std::move(qualities);
}

LayerFitCase read_layer(ParamsReader& reader) {
    LayerFitCase layer;
    constexpr auto kMost = static_cast<double>(kBytesMost);
    layer.bytes.up = reader.number("bytes_up", 0, kMost, 0);
    layer.bytes.up_area = reader.number("area_bytes_up", 0, kMost, 0);
    layer.bytes.down = reader.number("bytes_down", 0, kMost, 0);
    layer.bytes.down_area = reader.number("area_bytes_down", 0, kMost);
    read_qualities(reader, layer.qualities);
    layer.rate_most = reader.number("rate", 0.1, 1000, layer.rate_most);
    layer.divisor_least = static_cast<uint32_t>(reader.integer("divisor", 1, 4, 1));
    if (layer.divisor_least == 3) reader.fail("divisor", "must be 1, 2 or 4");
    LayerBudget& budget = layer.budget;
    const auto rate = [&](const char* name, double fallback) {
        return reader.number(name, 0, kRateMostMbps, fallback / 1e6) * 1e6;
    };
    budget.measured_up_bits_per_s = rate("up_mbps", 0);
    budget.measured_down_bits_per_s = rate("down_mbps", 0);
    budget.up_bits_per_s = rate("budget_up_mbps", budget.up_bits_per_s);
    budget.down_bits_per_s = rate("budget_down_mbps", budget.down_bits_per_s);
    budget.share = reader.number("share", 0.01, 1, budget.share);
    return layer;
}

Result<Done> finish(ParamsReader& arguments) {
    const Result<Done> good = arguments.finish();
    if (good) return good;
    return field_error(Status::kArgument, good.error().field, "args_json: " + good.error().text);
}

}  // namespace

Result<Bytes> fit_layer_call(ParamsReader& arguments) {
    const LayerFitCase layer = read_layer(arguments);
    if (const Result<Done> good = finish(arguments); !good) return good.error();
    const LayerFit fit = fit_layer(layer);
    ValueWriter writer;
    writer.map(7).key("fits").boolean(fit.fits);
    writer.key("divisor").unsigned_integer(fit.divisor);
    writer.key("rate").number(fit.rate);
    writer.key("quality").unsigned_integer(fit.quality);
    writer.key("up_mbps").number(fit.up_bits_per_s / 1e6);
    writer.key("down_mbps").number(fit.down_bits_per_s / 1e6);
    writer.key("text").text(fit.text);
    return writer.take();
}

Result<Bytes> judge_worth_call(ParamsReader& arguments) {
    const WorthCase task = read_case(arguments);
    if (const Result<Done> good = finish(arguments); !good) return good.error();
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
