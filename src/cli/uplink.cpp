#include "cli/uplink.h"

#include <algorithm>

#include "cli/session.h"
#include "cli/statistics.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr size_t kMessageSize = 192 * 1024;  // a call has at most 256 KiB
// What a slow line carries as well: a message on which nothing comes for seconds is given up.
constexpr size_t kMessageLeast = 8 * 1024;
constexpr uint64_t kQuickUs = 250'000;  // a message that takes less is followed by a larger one
constexpr size_t kMessagesMax = 12;
constexpr size_t kMessagesLeast = 2;
constexpr int kEmptyMessages = 3;
constexpr uint64_t kBudgetUs = 2'500'000;
constexpr uint32_t kAnswerMs = 30'000;

// How long until the coordinator has counted what came.
Result<uint64_t> send_once(Session& session, const std::string& arguments) {
    if (StopSignals::asked_to_stop()) return Failure{kExitSomeFailed, "stopped"};
    const uint64_t began_us = p2c2r_now_us();
    p2c2r_result* answer = nullptr;
    p2c2r_error why = {};
    const p2c2r_status status =
        p2c2r_client_call(session.client(), "probe", arguments.c_str(), kAnswerMs, &answer, &why);
    const ResultHandle owned(answer);
    if (status != P2C2R_OK) return library_failure(kExitSomeFailed, "measuring the uplink", why);
    return p2c2r_now_us() - began_us;
}

// So many bytes that no line makes fewer of, in the text that a call takes.
std::string arguments_of(size_t size) {
    static constexpr char kLetters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    uint64_t state = 7;
    for (size_t i = 0; i < size / 3 * 4; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        text += kLetters[state >> 58];
    }
    return R"({"data":{"$bytes":")" + text + R"("}})";
}

}  // namespace

UplinkMeter::UplinkMeter(uint64_t empty_us, uint64_t now_us)
    : empty_us_(empty_us), until_us_(now_us + kBudgetUs), size_(kMessageLeast) {}

size_t UplinkMeter::next(uint64_t now_us) const {
    const bool is_enough = times_us_.size() >= kMessagesMax ||
                           (times_us_.size() >= kMessagesLeast && now_us >= until_us_);
    return is_enough ? 0 : size_;
}

void UplinkMeter::took(uint64_t us) {
    if (grows_ && us <= empty_us_ + kQuickUs) {
        size_ = std::min(2 * size_, kMessageSize);
        grows_ = size_ < kMessageSize;
    } else if (grows_) {
        grows_ = false;
    } else {
        times_us_.push_back(us);
    }
}

double UplinkMeter::mbps() const {
    if (times_us_.empty()) return 0;
    const auto half = static_cast<ptrdiff_t>(times_us_.size() / 2);
    const std::vector<uint64_t> last(times_us_.begin() + half, times_us_.end());
    const uint64_t whole_us = percentile(last, 0.5);
    const uint64_t sending_us = whole_us > empty_us_ ? whole_us - empty_us_ : 1;
    return static_cast<double>(size_) * 8 / static_cast<double>(sending_us);
}

Result<double> measure_uplink_mbps(const Contact& coordinator) {
    SessionOptions options;
    options.contact = coordinator;
    options.device.kind = DeviceChoice::Kind::kNative;
    options.worker_threads = 1;
    options.connect_timeout_ms = 5000;
    Result<std::unique_ptr<Session>> session = Session::open(options);
    if (!session) return session.failure();
    const std::string nothing = arguments_of(0);
    uint64_t empty_us = UINT64_MAX;
    for (int i = 0; i < kEmptyMessages; ++i) {
        const Result<uint64_t> took = send_once(**session, nothing);
        if (!took) return took.failure();
        empty_us = std::min(empty_us, *took);
    }
    UplinkMeter meter(empty_us, p2c2r_now_us());
    std::string message;
    size_t message_size = 0;
    while (const size_t size = meter.next(p2c2r_now_us())) {
        if (size != message_size) message = arguments_of(message_size = size);
        const Result<uint64_t> took = send_once(**session, message);
        if (!took) return took.failure();
        meter.took(*took);
    }
    return meter.mbps();
}

}  // namespace p2c2r::cli
