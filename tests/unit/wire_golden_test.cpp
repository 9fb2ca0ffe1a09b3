// The bytes of every message: PROTOCOL.md shows each once, and those are the bytes that are sent.
#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "wire/codec.h"
#include "wire/frame.h"

using namespace p2c2r;
using namespace p2c2r::wire;

namespace {

using Blob = std::vector<uint8_t>;

// {} and twenty "a" as a Zstandard frame: magic, a single segment of 21 bytes, one block.
constexpr uint8_t kCodedExample[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x15, 0x45, 0x00, 0x00,
                                     0x10, 0x80, 0x61, 0x01, 0x00, 0x09, 0xc0, 0x02};

Nonce nonce_from(uint8_t first) {
    Nonce nonce;
    for (size_t i = 0; i < nonce.size(); ++i) nonce[i] = static_cast<uint8_t>(first + i);
    return nonce;
}

Blob frame_of(Message message, uint8_t flags, uint64_t id, const EnvelopeBuffer& envelope,
              const std::string& params = {}, const std::string& data = {}) {
    Blob out(kFrameHeadMax + envelope.span().size() + params.size() + data.size());
    uint8_t* at = out.data();
    at += write_frame_start(at, message, flags, id, envelope.span(), params.size());
    at = std::copy(params.begin(), params.end(), at);
    at += write_bin_header(at, data.size());
    at = std::copy(data.begin(), data.end(), at);
    out.resize(static_cast<size_t>(at - out.data()));
    return out;
}

// The messages of section 13.
std::map<std::string, Blob> examples() {
    std::map<std::string, Blob> all;
    EnvelopeBuffer envelope;
    const Nonce nonce = nonce_from(0);
    const Nonce resume = nonce_from(0xf0);
    const std::string params = "\x81\xa1k\x01";  // {"k": 1}

    Hello hello;
    hello.versions = {1};
    hello.role = Role::kPeer;
    hello.nonce = nonce;
    hello.library = "example 1.0";
    encode(hello, envelope);
    all["hello"] = frame_of(Message::kHello, 0, 0, envelope);

    HelloResponse hello_response;
    hello_response.version = 1;
    hello_response.nonce = nonce;
    hello_response.login_methods = {0};
    encode(hello_response, envelope);
    all["hello_response"] = frame_of(Message::kHelloResponse, 0, 0, envelope);

    encode(Goodbye{Status::kBusy, "too many connections", 250}, envelope);
    all["goodbye"] = frame_of(Message::kGoodbye, 0, 0, envelope);

    PeerRegister peer;
    peer.peer_id = "peer-1";
    peer.login.resume = resume;
    peer.capabilities.cpu_cores = 8;
    peer.capabilities.ram_gb = 15.5;
    peer.capabilities.gpu = true;
    peer.capabilities.gpu_model = "GPU 1";
    peer.capabilities.gpu_vram_gb = 8;
    peer.capabilities.task_types = {"echo", "upscale"};
    peer.capabilities.network_mbps = 93.7;
    peer.capabilities.location = "attic";
    peer.slots = 4;
    peer.window_tasks = 8;
    peer.window_bytes = 256u << 20;
    encode(peer, envelope);
    all["peer_register"] = frame_of(Message::kPeerRegister, 0, 0, envelope);

    RegisterResponse response;
    response.success = true;
    response.id = "peer-1";
    response.resume = resume;
    response.heartbeat_interval_ms = 1000;
    response.task_timeout_ms = 5000;
    encode_peer_response(response, envelope);
    all["peer_register_response"] = frame_of(Message::kPeerRegisterResponse, 0, 0, envelope);

    encode(GamerRegister{"gamer-1", {}}, envelope);
    all["gamer_register"] = frame_of(Message::kGamerRegister, 0, 0, envelope);

    response = RegisterResponse{};
    response.status = Status::kExists;
    response.error = "CLIENT_ID_TAKEN: 'gamer-1' is connected";
    encode_gamer_response(response, envelope);
    all["gamer_register_response"] = frame_of(Message::kGamerRegisterResponse, 0, 0, envelope);

    encode(PeerDisconnect{"peer-1", "the owner plays"}, envelope);
    all["peer_disconnect"] = frame_of(Message::kPeerDisconnect, 0, 0, envelope);

    TaskSubmit submit;
    submit.task_type = "echo";
    submit.priority = -3;
    submit.deadline_us = 250000;
    submit.depends_on = {5, 6};
    encode(submit, envelope);
    all["task_submit"] = frame_of(Message::kTaskSubmit, 0, 7, envelope, params, "hi");

    // The first frame of a payload in chunks: 4 bytes of params here, 1000000 of data to come.
    submit = TaskSubmit{};
    submit.task_type = "echo";
    submit.checksum = 0x0123456789abcdef;
    submit.sizes = PayloadSizes{4, 1000000};
    encode(submit, envelope);
    all["task_submit (first of a stream)"] =
        frame_of(Message::kTaskSubmit, kFlagMore | kFlagChecksum, 8, envelope, params);

    EnvelopeBuffer nothing;
    nothing.end(nothing.begin(0));
    all["task_submit (last of a stream)"] =
        frame_of(Message::kTaskSubmit, 0, 8, nothing, {}, "end");

    TaskAssign assign;
    assign.task_type = "echo";
    assign.deadline_us = 249700;
    assign.attempt = nonce;
    assign.output_size_max = 64u << 20;
    encode(assign, envelope);
    all["task_assign"] = frame_of(Message::kTaskAssign, 0, 1ull << 32 | 1, envelope, params, "hi");

    wire::TaskResult result;
    result.attempt = nonce;
    result.processing_us = 1500;
    result.slots_free = 3;
    result.load = 0.25f;
    result.memory_peak = 65536;
    encode(result, envelope);
    all["task_result"] = frame_of(Message::kTaskResult, 0, 1ull << 32 | 1, envelope, {}, "hi");

    ResultDelivery delivery;
    delivery.processing_us = 1500;
    delivery.network_latency_us = 600;
    delivery.queue_us = 40;
    delivery.attempts = 1;
    delivery.source = Source::kCoordinator;
    encode(delivery, envelope);
    all["result_delivery"] = frame_of(Message::kResultDelivery, 0, 7, envelope, {}, "hi");

    delivery = ResultDelivery{};
    delivery.attempts = 1;
    delivery.coding = Coding::kZstd;
    delivery.plain_sizes = PayloadSizes{1, 20};
    encode(delivery, envelope);
    all["result_delivery (coded)"] =
        frame_of(Message::kResultDelivery, 0, 13, envelope, {},
                 std::string(std::begin(kCodedExample), std::end(kCodedExample)));

    delivery = ResultDelivery{};
    delivery.attempts = 1;
    delivery.digest.emplace().fill(0x5a);
    delivery.content_size = 300'000;
    encode(delivery, envelope);
    all["result_delivery (its data stay)"] = frame_of(Message::kResultDelivery, 0, 14, envelope);

    delivery = ResultDelivery{};
    delivery.status = Status::kParams;
    delivery.field = "output_res";
    delivery.error = "output_res is missing";
    delivery.attempts = 1;
    encode(delivery, envelope);
    all["result_delivery (an error)"] = frame_of(Message::kResultDelivery, 0, 9, envelope);

    encode(TaskTimeout{"no peer answered in time"}, envelope);
    all["task_timeout"] = frame_of(Message::kTaskTimeout, 0, 10, envelope);

    encode(TaskCancel{}, envelope);
    all["task_cancel"] = frame_of(Message::kTaskCancel, 0, 7, envelope);

    encode(TaskRefuse{nonce, Status::kBusy, "paused"}, envelope);
    all["task_refuse"] = frame_of(Message::kTaskRefuse, 0, 1ull << 32 | 1, envelope);

    Heartbeat heartbeat;
    heartbeat.peer_id = "peer-1";
    heartbeat.timestamp_ms = 1700000000000;
    heartbeat.load = 0.5f;
    heartbeat.tasks_completed = 1234;
    heartbeat.tasks_failed = 2;
    heartbeat.slots_free = 2;
    heartbeat.window_tasks = 8;
    encode(heartbeat, envelope);
    all["heartbeat"] = frame_of(Message::kHeartbeat, 0, 0, envelope);

    encode(PeerCountUpdate{3, 4}, envelope);
    all["peer_count_update"] = frame_of(Message::kPeerCountUpdate, 0, 0, envelope);

    encode(Call{"status"}, envelope);
    all["call"] = frame_of(Message::kCall, 0, 11, envelope);

    encode(CallResponse{Status::kUnsupported, "name", "there is: status"}, envelope);
    all["call_response"] = frame_of(Message::kCallResponse, 0, 11, envelope);

    std::string digest(32, '\0');
    for (size_t i = 0; i < digest.size(); ++i) digest[i] = static_cast<char>(i);
    submit = TaskSubmit{};
    submit.task_type = "echo";
    submit.payload_place = 1;
    submit.digest = digest;
    encode(submit, envelope);
    all["task_submit (of a content)"] = frame_of(Message::kTaskSubmit, 0, 12, envelope, params,
                                                 std::string("\0\0\0\2\0\0\0\3abc", 11));
    encode(ContentPut{digest, std::nullopt}, envelope);
    all["content_put"] = frame_of(Message::kContentPut, 0, 1ull << 63 | 1, envelope, {}, "level");
    encode(ContentWant{digest}, envelope);
    all["content_want"] = frame_of(Message::kContentWant, 0, 12, envelope);
    encode(ContentDrop{digest}, envelope);
    all["content_drop"] = frame_of(Message::kContentDrop, 0, 0, envelope);
    return all;
}

// The code block of section 13: names at the start of a line, their bytes indented below, and
// remarks behind two spaces.
std::map<std::string, Blob> examples_of_document() {
    std::ifstream file(P2C2R_SOURCE_DIR "/src/wire/PROTOCOL.md");
    REQUIRE(file.is_open());
    std::map<std::string, Blob> all;
    std::string line, name;
    bool in_section = false, in_block = false;
    while (std::getline(file, line)) {
        if (line.rfind("## 13.", 0) == 0) in_section = true;
        if (!in_section) continue;
        if (line.rfind("```", 0) == 0) {
            in_block = !in_block;
            continue;
        }
        if (!in_block || line.empty()) continue;
        if (line[0] != ' ') {
            name = line;
            continue;
        }
        const size_t start = line.find_first_not_of(' ');
        std::istringstream words(line.substr(start, line.find("  ", start) - start));
        for (std::string word; words >> word;) {
            REQUIRE(word.size() == 2);
            all[name].push_back(static_cast<uint8_t>(std::stoul(word, nullptr, 16)));
        }
    }
    return all;
}

std::string hex(const Blob& bytes) {
    std::string text;
    for (const uint8_t byte : bytes) {
        constexpr const char* kDigits = "0123456789abcdef";
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
        text += ' ';
    }
    return text;
}

}  // namespace

TEST_CASE("golden: the bytes of every message are those of the document") {
    const std::map<std::string, Blob> built = examples();
    const std::map<std::string, Blob> written = examples_of_document();
    for (const auto& example : built) {
        INFO(example.first);
        REQUIRE(written.count(example.first) == 1);
        CHECK(hex(written.at(example.first)) == hex(example.second));
    }
    CHECK(written.size() == built.size());
}

TEST_CASE("golden: the document shows every message number") {
    std::set<int> shown;
    for (const auto& example : examples_of_document()) {
        const std::string& name = example.first;
        const Blob& bytes = example.second;
        INFO(name);
        const FrameParse parse = parse_frame(bytes, kLimitsAfterLogin);
        REQUIRE(parse.kind == FrameParse::Kind::kFrame);
        CHECK(parse.size == bytes.size());
        const std::string message = name.substr(0, name.find(' '));
        CHECK(message_by_name(message) == parse.frame.message);
        shown.insert(static_cast<int>(parse.frame.message));
    }
    for (int number = 0; number < 256; ++number) {
        CHECK((message_name(static_cast<Message>(number)) != nullptr) ==
              (shown.count(number) == 1));
    }
}

TEST_CASE("golden: a chunk of the middle of a stream has an empty envelope") {
    const Blob bytes = examples_of_document().at("task_submit (last of a stream)");
    const FrameParse parse = parse_frame(bytes, kLimitsAfterLogin);
    CHECK(parse.frame.envelope.empty());
    CHECK(parse.frame.data.size() == 3);
}
