#include "cli/gain_client_posix.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <deque>
#include <fstream>

#include "cli/contact.h"
#include "cli/gain_frames.h"
#include "cli/statistics.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kGainDeadlineUs = 20'000'000;
constexpr uint32_t kConnectTimeoutMs = 10'000;
constexpr useconds_t kJoinLookUs = 20'000;
constexpr double kWarmUpShare = 0.25;        // of the time measured, before it
constexpr uint64_t kDisplayStepUs = 16'667;  // ages are looked at as a display would
constexpr double kLearnSeconds = 4;          // of the slowest frames a few must have come back
constexpr size_t kLooks = 6;                 // moments whose layers are compared

void P2C2R_CALL keep_bytes(void*, const void*, size_t) {}  // frames live longer than their tasks

// All bytes of this network namespace, headers included.
struct Traffic {
    uint64_t up = 0;
    uint64_t down = 0;
};

Traffic traffic_now() {
    Traffic traffic;
    std::ifstream devices("/proc/self/net/dev");
    std::string line;
    while (std::getline(devices, line)) {
        const size_t colon = line.find(':');
        if (colon == std::string::npos || line.find("lo:") != std::string::npos) continue;
        unsigned long long down = 0, up = 0;
        if (std::sscanf(line.c_str() + colon + 1, "%llu %*u %*u %*u %*u %*u %*u %*u %llu", &down,
                        &up) == 2) {
            traffic.down += down;
            traffic.up += up;
        }
    }
    return traffic;
}

struct Flown {
    double wished_s = 0;  // the moment it shows, since the start
    uint64_t ended_us = 0;
};

struct Measured {
    double per_s = 0;
    double kept = 0;                               // the share that this machine computed
    double bytes_up = 0, bytes_down = 0;           // a frame, on the wire
    std::vector<uint64_t> ages_us;                 // at each picture of a display
    std::vector<std::pair<double, double>> looks;  // the moment shown, and the one that was right
};

class GainClient {
  public:
    GainClient(p2c2r_client* client, const GainClientOptions& options)
        : client_(client),
          seconds_(options.seconds.value_or(3)),
          window_(static_cast<size_t>(options.window.value_or(4))) {}

    Result<json> measure(const GainFrame& frame);

  private:
    Result<p2c2r_task> submit(const GainFrame& frame, const json& params, int32_t place);
    // The result's bytes; counted when it ended.
    Result<std::string> take(const GainFrame& frame, p2c2r_task task, bool keep,
                             p2c2r_result_info& info);
    Result<Measured> stream(const GainFrame& frame, int32_t place, size_t window, double seconds);
    Result<double> psnr(const GainFrame& frame, const Measured& measured);
    // Where the client puts such frames when it may choose.
    Result<json> placed(const GainFrame& frame);
    std::string why(const std::string& task_type);

    p2c2r_client* const client_;
    const double seconds_;
    const size_t window_;
};

Result<p2c2r_task> GainClient::submit(const GainFrame& frame, const json& params, int32_t place) {
    const std::vector<uint8_t> encoded = json::to_msgpack(params);
    const p2c2r_bytes data = {frame.data.data(), frame.data.size(), keep_bytes, nullptr};
    p2c2r_task_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.task_type = frame.task_type.c_str();
    desc.deadline_us = kGainDeadlineUs;
    desc.place = place;
    desc.params_format = P2C2R_FORMAT_MSGPACK;
    desc.params = encoded.data();
    desc.params_size = encoded.size();
    desc.data = frame.data.empty() ? nullptr : &data;
    p2c2r_task task = 0;
    p2c2r_error why = {};
    if (p2c2r_client_submit(client_, &desc, &task, &why) != P2C2R_OK) {
        return library_failure(kExitSomeFailed, frame.task_type, why);
    }
    return task;
}

Result<std::string> GainClient::take(const GainFrame& frame, p2c2r_task task, bool keep,
                                     p2c2r_result_info& info) {
    p2c2r_result* result = nullptr;
    const p2c2r_status status = p2c2r_client_get_result(client_, task, P2C2R_FOREVER, &result);
    const ResultHandle owned(result);
    if (status != P2C2R_OK) {
        return Failure{kExitSomeFailed, frame.task_type + ": " + p2c2r_status_name(status)};
    }
    info = {};
    info.struct_size = sizeof info;
    p2c2r_result_info_get(result, &info);
    size_t size = 0;
    if (info.status != P2C2R_OK) {
        const char* text = p2c2r_result_text(result, P2C2R_TEXT_MESSAGE, &size);
        return Failure{kExitSomeFailed, frame.task_type + ": " + p2c2r_status_name(info.status) +
                                            ": " + std::string(text ? text : "", text ? size : 0)};
    }
    if (!keep) return std::string();
    const auto* bytes = static_cast<const char*>(p2c2r_result_data(result, &size));
    return std::string(bytes ? bytes : "", bytes ? size : 0);
}

// What a display shows at each of its pictures is the newest frame that has ended.
void look_at_ages(const std::vector<Flown>& flown, uint64_t start_us, Measured& measured) {
    size_t shown = 0;
    for (uint64_t at_us = flown.front().ended_us; at_us < flown.back().ended_us;
         at_us += kDisplayStepUs) {
        while (shown + 1 < flown.size() && flown[shown + 1].ended_us <= at_us) ++shown;
        const double now_s = static_cast<double>(at_us - start_us) / 1e6;
        measured.ages_us.push_back(
            static_cast<uint64_t>(std::max(0.0, now_s - flown[shown].wished_s) * 1e6));
        measured.looks.emplace_back(flown[shown].wished_s, now_s);
    }
}

Result<Measured> GainClient::stream(const GainFrame& frame, int32_t place, size_t window,
                                    double seconds) {
    struct Going {
        p2c2r_task task;
        double wished_s;
        uint64_t submitted_us;
    };
    std::deque<Going> going;
    std::vector<Flown> flown;
    size_t kept = 0;
    double before_s = -1;
    const Traffic traffic = traffic_now();
    const uint64_t start_us = p2c2r_now_us();
    const auto until_us = start_us + static_cast<uint64_t>(seconds * 1e6);
    while (p2c2r_now_us() < until_us || flown.size() < 2) {
        while (going.size() < window) {
            const uint64_t now_us = p2c2r_now_us();
            const double at_s = static_cast<double>(now_us - start_us) / 1e6;
            Result<p2c2r_task> task = submit(frame, frame.params(at_s, before_s), place);
            if (!task) return task.failure();
            going.push_back({*task, at_s, now_us});
            before_s = at_s;  // results come in the order of the wishes: it will have that layer
        }
        p2c2r_result_info info;
        const Result<std::string> bytes = take(frame, going.front().task, false, info);
        if (!bytes) return bytes.failure();
        kept += info.source == P2C2R_SOURCE_LOCAL ? 1 : 0;
        flown.push_back({going.front().wished_s, going.front().submitted_us + info.total_us});
        going.pop_front();
    }
    const uint64_t end_us = p2c2r_now_us();
    const size_t counted = flown.size();
    for (const Going& rest : going) {
        p2c2r_result_info info;
        const Result<std::string> bytes = take(frame, rest.task, false, info);
        if (!bytes) return bytes.failure();
    }
    const Traffic after = traffic_now();
    const auto all = static_cast<double>(counted + going.size());
    Measured measured;
    measured.per_s = static_cast<double>(counted) * 1e6 / static_cast<double>(end_us - start_us);
    measured.kept = static_cast<double>(kept) / static_cast<double>(counted);
    measured.bytes_up = static_cast<double>(after.up - traffic.up) / all;
    measured.bytes_down = static_cast<double>(after.down - traffic.down) / all;
    look_at_ages(flown, start_us, measured);
    return measured;
}

double mean_square(const std::string& a, const std::string& b, GainFrame::Quality quality) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        const auto left = static_cast<uint8_t>(a[i]), right = static_cast<uint8_t>(b[i]);
        if (quality == GainFrame::Quality::kBits) {
            sum += std::popcount(static_cast<uint8_t>(left ^ right)) / 8.0;
        } else {
            sum += (left - right) * (left - right) / 65025.0;
        }
    }
    return a.empty() ? 0 : sum / static_cast<double>(a.size());
}

// Whole layers of the moment that was shown and of the one that was right, by the helper; of some
// moments, spread over the run. 99: no difference.
Result<double> GainClient::psnr(const GainFrame& frame, const Measured& measured) {
    double sum = 0;
    for (size_t i = 0; i < kLooks; ++i) {
        const auto& [shown_s, right_s] = measured.looks[measured.looks.size() * i / kLooks];
        std::string layers[2];
        for (size_t which = 0; which < 2; ++which) {
            const json params = frame.params(which == 0 ? shown_s : right_s, -1);
            Result<p2c2r_task> task = submit(frame, params, P2C2R_PLACE_REMOTE);
            if (!task) return task.failure();
            p2c2r_result_info info;
            Result<std::string> bytes = take(frame, *task, true, info);
            if (!bytes) return bytes.failure();
            layers[which] = std::move(*bytes);
        }
        if (layers[0].size() != layers[1].size()) {
            return Failure{kExitSomeFailed, frame.task_type + ": layers of two sizes"};
        }
        sum += mean_square(layers[0], layers[1], frame.quality);
    }
    return std::min(99.0, -10 * std::log10(std::max(sum / kLooks, 1e-10)));
}

// In the words of the library. Frames of a type differ a little in size: the most frequent.
std::string GainClient::why(const std::string& task_type) {
    p2c2r_result* result = nullptr;
    if (p2c2r_client_call(client_, "placement", nullptr, 1000, &result, nullptr) != P2C2R_OK) {
        return "";
    }
    const ResultHandle owned(result);
    size_t size = 0;
    const auto* text =
        static_cast<const char*>(p2c2r_result_fields(result, P2C2R_FORMAT_JSON, &size));
    std::string why;
    uint64_t most = 0;
    const json placement = json::parse(text, text + size);
    for (const json& type : placement.at("types")) {
        if (type["task_type"] != task_type || type["tasks"] <= most) continue;
        most = type["tasks"];
        why = type["text"];
    }
    return why;
}

Result<json> GainClient::placed(const GainFrame& frame) {
    // Both sides must be learned first: a trial each few frames, which rests after a long one.
    const Result<Measured> learned =
        stream(frame, P2C2R_PLACE_AUTO, window_, std::max(seconds_, kLearnSeconds));
    if (!learned) return learned.failure();
    const Result<Measured> measured = stream(frame, P2C2R_PLACE_AUTO, window_, seconds_);
    if (!measured) return measured.failure();
    return json{{"fps", measured->per_s},
                {"age_p50_us", percentile(measured->ages_us, 0.5)},
                {"kept", measured->kept},
                {"text", why(frame.task_type)}};
}

Result<json> GainClient::measure(const GainFrame& frame) {
    json line = {{"type", frame.task_type}, {"frame", frame.name}};
    for (const auto& [name, place, window] :
         {std::tuple{"local", int32_t{P2C2R_PLACE_LOCAL}, size_t{1}},
          std::tuple{"remote", int32_t{P2C2R_PLACE_REMOTE}, window_}}) {
        const Result<Measured> warm = stream(frame, place, window, seconds_ * kWarmUpShare);
        if (!warm) return warm.failure();
        const Result<Measured> measured = stream(frame, place, window, seconds_);
        if (!measured) return measured.failure();
        json& entry = line[name];
        entry = {{"fps", measured->per_s},
                 {"age_p50_us", percentile(measured->ages_us, 0.5)},
                 {"age_p95_us", percentile(measured->ages_us, 0.95)},
                 {"bytes_up", measured->bytes_up},
                 {"bytes_down", measured->bytes_down}};
        if (frame.quality == GainFrame::Quality::kNone || measured->looks.empty()) continue;
        const Result<double> quality = psnr(frame, *measured);
        if (!quality) return quality.failure();
        entry["psnr_db"] = *quality;
    }
    Result<json> chosen = placed(frame);
    if (!chosen) return chosen.failure();
    line["auto"] = std::move(*chosen);
    return line;
}

// Connected to what this machine has joined, and the helper is there.
Result<ClientHandle> connect(p2c2r_runtime* runtime, const GainClientOptions& options) {
    Result<Contact> contact = Contact::resolve({});
    if (!contact) return contact.failure();
    json settings = json::object();
    if (options.lag_ms.value_or(0) > 0) settings["fake_lag_ms"] = *options.lag_ms;
    const std::string text = settings.dump(), url = contact->urls();
    p2c2r_client_config config = {};
    config.struct_size = sizeof config;
    config.coordinator_url = url.c_str();
    config.credentials = contact->credentials();
    config.options = text.c_str();
    p2c2r_client* made = nullptr;
    p2c2r_error why = {};
    p2c2r_status status = p2c2r_client_create(runtime, &config, &made, &why);
    ClientHandle client(made);
    if (status == P2C2R_OK) status = p2c2r_client_connect(made, kConnectTimeoutMs, &why);
    if (status != P2C2R_OK) return library_failure(kExitUnreachable, "coordinator " + url, why);
    const uint64_t until_us = p2c2r_now_us() + kJoinTimeoutUs;
    p2c2r_client_stats stats = {};
    stats.struct_size = sizeof stats;
    while (stats.peers_total == 0) {
        if (p2c2r_now_us() >= until_us) return Failure{kExitSomeFailed, "the helper did not join"};
        usleep(kJoinLookUs);
        p2c2r_client_stats_get(made, &stats);
    }
    return client;
}

Outcome measure_all(const GainClientOptions& options) {
    SessionOptions session_options;  // makes frames, and is the runtime of the client
    session_options.device.kind = DeviceChoice::Kind::kNative;
    session_options.worker_threads = 1;
    Result<std::unique_ptr<Session>> session = Session::open(session_options);
    if (!session) return session.failure();
    const Result<ClientHandle> client = connect((*session)->runtime(), options);
    if (!client) return client.failure();
    const Result<std::vector<GainFrame>> frames = gain_frames(**session, options.small);
    if (!frames) return frames.failure();
    std::printf("ready\n");
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    for (const GainFrame& frame : *frames) {
        if (options.type && frame.task_type != *options.type) continue;
        Result<json> line = GainClient(client->get(), options).measure(frame);
        if (!line) return line.failure();
        std::printf("frame %s\n", line->dump().c_str());
        std::fflush(stdout);
    }
    return std::nullopt;
}

}  // namespace

int run_gain_client(const GainClientOptions& options) {
    const Outcome failure = measure_all(options);
    return failure ? report("bench gain-client", *failure) : kExitOk;
}

}  // namespace p2c2r::cli
