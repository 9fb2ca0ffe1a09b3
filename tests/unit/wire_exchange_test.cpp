// The golden exchange: each message of the first contract once, with payloads of 64 bytes, beside
// compact JSON with base64. Counts bytes, headers included; prints the table.
#include <doctest/doctest.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "wire/codec.h"
#include "wire/frame.h"

using namespace p2c2r;
using namespace p2c2r::wire;
using Json = nlohmann::json;

namespace {

std::string base64(const std::string& bytes) {
    constexpr const char* kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (size_t i = 0; i < bytes.size(); i += 3) {
        uint32_t group = 0;
        for (size_t j = 0; j < 3; ++j) {
            group = group << 8 | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0u);
        }
        for (size_t j = 0; j < 4; ++j) {
            out += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
        }
    }
    return out;
}

struct Row {
    Message message;
    size_t wire_size;
    std::string json;
};

size_t frame_size(const EnvelopeBuffer& envelope, const std::string& params = {},
                  const std::string& data = {}) {
    std::vector<uint8_t> out(kFrameHeadMax + envelope.span().size());
    const size_t start =
        write_frame_start(out.data(), Message::kNone, 0, 0, envelope.span(), params.size());
    return start + params.size() + write_bin_header(out.data(), data.size()) + data.size();
}

// The same values on both sides. What the wire has beyond the first contract (the attempt's nonce,
// slots, the resume secret) is sent as it would be; the JSON has the first contract's fields only.
std::vector<Row> golden_exchange() {
    std::vector<Row> rows;
    EnvelopeBuffer envelope;
    const auto add = [&](Message message, size_t wire_size, Json json) {
        json["type"] = message_name(message);
        rows.push_back({message, wire_size, json.dump()});
    };
    std::string input(64, '\0'), output(64, '\0');
    for (size_t i = 0; i < 64; ++i) {
        input[i] = static_cast<char>(i * 37 + 11);
        output[i] = static_cast<char>(i * 91 + 5);
    }
    const std::string submit_id = "00000000000004d2", assign_id = "00000005000000a1";
    const Json params_json = {{"quality", "fast"}, {"output_res", {1920, 1080}}};
    const std::vector<uint8_t> packed = Json::to_msgpack(params_json);
    const std::string params(packed.begin(), packed.end());
    Nonce nonce;
    for (size_t i = 0; i < nonce.size(); ++i) nonce[i] = static_cast<uint8_t>(0xa0 + i * 7);

    PeerRegister peer;
    peer.peer_id = "peer-3fa9c1";
    peer.slots = 4;
    peer.window_tasks = 8;
    peer.window_bytes = 256u << 20;
    Capabilities& capabilities = peer.capabilities;
    capabilities.cpu_cores = 16;
    capabilities.ram_gb = 31.25;
    capabilities.gpu = true;
    capabilities.gpu_model = "Radeon RX 6800";
    capabilities.gpu_vram_gb = 16;
    capabilities.task_types = {"upscale", "physics", "echo"};
    capabilities.network_mbps = 940.5;
    capabilities.location = "eu-west";
    encode(peer, envelope);
    add(Message::kPeerRegister, frame_size(envelope),
        {{"peer_id", peer.peer_id},
         {"capabilities",
          {{"cpu_cores", capabilities.cpu_cores},
           {"ram_gb", capabilities.ram_gb},
           {"gpu", capabilities.gpu},
           {"gpu_model", capabilities.gpu_model},
           {"gpu_vram_gb", capabilities.gpu_vram_gb},
           {"task_types", capabilities.task_types},
           {"network_mbps", capabilities.network_mbps},
           {"location", capabilities.location}}}});

    RegisterResponse response;
    response.success = true;
    response.id = peer.peer_id;
    response.resume = nonce;
    response.heartbeat_interval_ms = 1000;
    response.task_timeout_ms = 5000;
    encode_peer_response(response, envelope);
    add(Message::kPeerRegisterResponse, frame_size(envelope),
        {{"success", true}, {"peer_id", peer.peer_id}});

    encode(GamerRegister{"gamer-77b0e2", {}}, envelope);
    add(Message::kGamerRegister, frame_size(envelope), {{"client_id", "gamer-77b0e2"}});

    TaskSubmit submit;
    submit.task_type = "upscale";
    submit.requester_id = "gamer-77b0e2";
    submit.priority = 5;
    submit.deadline_us = 250000;
    encode(submit, envelope);
    add(Message::kTaskSubmit, frame_size(envelope, params, input),
        {{"task_id", submit_id},
         {"task_type", "upscale"},
         {"data", base64(input)},
         {"params", params_json},
         {"requester_id", "gamer-77b0e2"},
         {"priority", 5},
         {"deadline", 250}});

    TaskAssign assign;
    assign.task_type = "upscale";
    assign.deadline_us = 249700;
    assign.attempt = nonce;
    encode(assign, envelope);
    add(Message::kTaskAssign, frame_size(envelope, params, input),
        {{"task_id", assign_id},
         {"task_type", "upscale"},
         {"data", base64(input)},
         {"params", params_json}});

    wire::TaskResult result;
    result.attempt = nonce;
    result.processing_us = 3417;
    result.peer_id = peer.peer_id;
    result.slots_free = 3;
    encode(result, envelope);
    add(Message::kTaskResult, frame_size(envelope, {}, output),
        {{"task_id", assign_id},
         {"peer_id", peer.peer_id},
         {"success", true},
         {"result", base64(output)},
         {"processing_time_ms", 3.417},
         {"error", nullptr}});

    ResultDelivery delivery;
    delivery.processing_us = 3417;
    delivery.network_latency_us = 812;
    delivery.queue_us = 40;
    delivery.attempts = 1;
    encode(delivery, envelope);
    add(Message::kResultDelivery, frame_size(envelope, {}, output),
        {{"task_id", submit_id},
         {"success", true},
         {"result", base64(output)},
         {"processing_time_ms", 3.417},
         {"network_latency_ms", 0.812},
         {"error", nullptr}});

    Heartbeat heartbeat;
    heartbeat.peer_id = peer.peer_id;
    heartbeat.timestamp_ms = 1753968000123;
    heartbeat.load = 0.75f;
    heartbeat.tasks_completed = 48213;
    heartbeat.tasks_failed = 12;
    encode(heartbeat, envelope);
    add(Message::kHeartbeat, frame_size(envelope),
        {{"peer_id", peer.peer_id},
         {"timestamp", 1753968000123},
         {"load", 0.75},
         {"tasks_completed", 48213},
         {"tasks_failed", 12}});

    const std::string timeout = "no peer answered in time";
    encode(TaskTimeout{timeout}, envelope);
    add(Message::kTaskTimeout, frame_size(envelope), {{"task_id", submit_id}, {"error", timeout}});

    const std::string reason = "the owner is back";
    encode(PeerDisconnect{peer.peer_id, reason}, envelope);
    add(Message::kPeerDisconnect, frame_size(envelope),
        {{"peer_id", peer.peer_id}, {"reason", reason}});

    encode(PeerCountUpdate{31, 34}, envelope);
    add(Message::kPeerCountUpdate, frame_size(envelope),
        {{"available_peers", 31}, {"total_peers", 34}});
    return rows;
}

}  // namespace

TEST_CASE("exchange: at least 40 percent fewer bytes than JSON in sum and no message is bigger") {
    size_t wire_sum = 0, json_sum = 0;
    std::printf("%-24s %6s %6s %8s\n", "message", "wire", "JSON", "fewer");
    for (const Row& row : golden_exchange()) {
        const size_t json_size = row.json.size();
        std::printf("%-24s %6zu %6zu %7.1f%%\n", message_name(row.message), row.wire_size,
                    json_size, 100.0 - 100.0 * double(row.wire_size) / double(json_size));
        INFO(row.json);
        CHECK(row.wire_size <= json_size);
        wire_sum += row.wire_size;
        json_sum += json_size;
    }
    std::printf("%-24s %6zu %6zu %7.1f%%\n", "sum", wire_sum, json_sum,
                100.0 - 100.0 * double(wire_sum) / double(json_sum));
    CHECK(wire_sum * 10 <= json_sum * 6);
}

TEST_CASE("exchange: the JSON side writes base64 as everybody does") {
    CHECK(base64("") == "");
    CHECK(base64("f") == "Zg==");
    CHECK(base64("fo") == "Zm8=");
    CHECK(base64("foo") == "Zm9v");
    CHECK(base64("foobar") == "Zm9vYmFy");
    CHECK(base64(std::string(64, 'x')).size() == 88);
}
