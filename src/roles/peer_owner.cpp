#include "roles/peer_owner.h"

#include <algorithm>

namespace p2c2r::roles {

namespace {

constexpr uint64_t kSampleUs = 1'000'000;

}  // namespace

PeerOwner::PeerOwner(net::Loop& loop, OwnerOptions options, std::function<uint64_t()> bytes,
                     std::function<void()> changed)
    : loop_(loop),
      policy_(std::move(options.settings)),
      gate_(std::move(options.gate)),
      data_(options.data),
      bytes_(std::move(bytes)),
      changed_(std::move(changed)) {
    timer_.fire = [this] { tick(); };
    if (settings().looks_at_sensors()) {
        // Until the sensors have spoken nobody knows.
        decision_ = {false, owner::Work::kRun, 100, "the sensors have not been read yet"};
    }
}

PeerOwner::~PeerOwner() {
    loop_.disarm(timer_);
}

void PeerOwner::start() {
    if (settings().looks_at_sensors()) tick();
}

void PeerOwner::sensed(const owner::Signals& signals, uint32_t date) {
    const bool said_active = signals_.said_active;
    signals_ = signals;
    signals_.said_active = said_active;
    date_ = date;
    has_sensed_ = true;
    decide();
}

void PeerOwner::say_active(bool active) {
    if (active == signals_.said_active) return;
    signals_.said_active = active;
    decide();
}

void PeerOwner::hold(bool paused) {
    if (!gate_) return;
    paused ? gate_->close(exec::JobGate::kByPause) : gate_->open(exec::JobGate::kByPause);
}

void PeerOwner::count_data() {
    data_.count(bytes_(), date_);
    signals_.data_day_bytes = data_.day_bytes();
    signals_.data_month_bytes = data_.month_bytes();
}

void PeerOwner::data_moved() {
    const uint64_t day = settings().data_day_bytes;
    const uint64_t month = settings().data_month_bytes;
    if (day == 0 && month == 0) return;
    count_data();
    if ((day != 0 && data_.day_bytes() >= day) || (month != 0 && data_.month_bytes() >= month)) {
        decide();
    }
}

void PeerOwner::tick() {
    const uint64_t now = loop_.now_us();
    if (now - samples_.back().at_us >= kSampleUs) {
        std::rotate(samples_.begin(), samples_.begin() + 1, samples_.end());
        samples_.back() = {now, worked_us()};
    }
    if (knows()) decide();
    if (settings().looks_at_sensors()) {
        loop_.arm(timer_, std::clamp(policy_.again_us(), now + 1'000, now + kSampleUs));
    }
}

uint32_t PeerOwner::duty_used_permille() {
    const uint64_t now = loop_.now_us();
    // Early on: since the first sample there is.
    const auto oldest = std::find_if(samples_.begin(), samples_.end(), [now](const Sample& sample) {
        return sample.at_us != 0 && sample.at_us < now;
    });
    if (oldest == samples_.end()) return 0;
    return static_cast<uint32_t>((worked_us() - oldest->worked_us) * 1000 / (now - oldest->at_us));
}

void PeerOwner::decide() {
    count_data();
    owner::Decision decision = policy_.decide(signals_, loop_.now_us());
    if (!settings().looks_at_sensors() && decision.work != owner::Work::kRun) {
        loop_.arm(timer_, policy_.again_us());  // nobody else would come back to it
    }
    if (decision == decision_) return;
    const bool runs = decision.work == owner::Work::kRun;
    if (gate_) {
        gate_->set_duty(decision.duty_percent * 10);
        runs ? gate_->open(exec::JobGate::kByPolicy) : gate_->close(exec::JobGate::kByPolicy);
    }
    decision_ = std::move(decision);
    changed_();
}

}  // namespace p2c2r::roles
