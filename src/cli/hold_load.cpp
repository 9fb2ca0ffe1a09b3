#include "cli/hold_load.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/device_choice.h"
#include "cli/handles.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {
// A machine that stood still is not answered with a burst of all that was missed meanwhile.
constexpr uint64_t kCatchUpUs = 100'000;
}  // namespace

HoldLoad::~HoldLoad() {
    for (const Flight& flight : flights_) p2c2r_client_forget(client_, flight.task);
}

void HoldLoad::change(const HoldAsk& ask) {
    ask_ = ask;
    due_us_ = p2c2r_now_us();
}

uint64_t HoldLoad::due_in_us(uint64_t now_us) const {
    if (stopping_ || ask_.rate <= 0) return UINT64_MAX;
    return due_us_ > now_us ? due_us_ - now_us : 0;
}

Outcome HoldLoad::refill() {
    const uint64_t now_us = p2c2r_now_us();
    if (ask_.rate > 0) {
        due_us_ = std::max(due_us_, now_us - std::min(now_us, kCatchUpUs));
    }
    while (!stopping_ && flights_.size() < ask_.window) {
        if (ask_.rate > 0 && due_us_ > now_us) break;
        if (Outcome failure = submit(now_us)) return failure;
        if (ask_.rate > 0) due_us_ += static_cast<uint64_t>(1e6 / ask_.rate);
    }
    return std::nullopt;
}

Outcome HoldLoad::submit(uint64_t now_us) {
    flights_.push_back({this, now_us, 0, {}});
    const auto flight = std::prev(flights_.end());
    flight->self = flight;
    const std::string params =
        json({{"hold_us", ask_.hold_us}, {"until_us", now_us + ask_.deadline_us}}).dump();
    p2c2r_task_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.task_type = "hold";
    desc.deadline_us = ask_.deadline_us;
    desc.place = P2C2R_PLACE_REMOTE;
    desc.flags = P2C2R_TASK_NO_CACHE;
    desc.params_format = P2C2R_FORMAT_JSON;
    desc.params = params.data();
    desc.params_size = params.size();
    desc.done = on_done;
    desc.user = &*flight;
    p2c2r_error why = {};
    const p2c2r_status status = p2c2r_client_submit(client_, &desc, &flight->task, &why);
    if (status == P2C2R_OK) return std::nullopt;
    flights_.erase(flight);
    if (status != P2C2R_E_BUSY && status != P2C2R_E_DEADLINE) {
        return library_failure(kExitSomeFailed, "submit", why);
    }
    ended.push_back({now_us, p2c2r_now_us(), 0, status, 0, {}});
    last_error = describe(why);
    ++lost;
    return std::nullopt;
}

void P2C2R_CALL HoldLoad::on_done(void* user, p2c2r_task, p2c2r_result* result) {
    const ResultHandle owned(result);
    auto* flight = static_cast<Flight*>(user);
    HoldLoad& load = *flight->load;
    p2c2r_result_info info = {};
    info.struct_size = sizeof info;
    p2c2r_result_info_get(result, &info);
    HoldEnded one = {flight->submitted_us, p2c2r_now_us(), 0, info.status, info.attempts, {}};
    if (info.status == P2C2R_OK) {
        const json fields = fields_of(result);
        one.started_us = fields.value("started_us", uint64_t{0});
        one.peer_id = fields.value("peer_id", "");
        ++load.succeeded;
    } else {
        size_t size = 0;
        const char* text = p2c2r_result_text(result, P2C2R_TEXT_MESSAGE, &size);
        load.last_error = std::string(p2c2r_status_name(info.status)) + ": " + (text ? text : "");
        ++load.lost;
    }
    load.ended.push_back(std::move(one));
    load.flights_.erase(flight->self);
}

std::vector<uint64_t> times_of(const std::vector<HoldEnded>& ended) {
    std::vector<uint64_t> times;
    for (const HoldEnded& one : ended) {
        if (one.status == P2C2R_OK) times.push_back(one.took_us());
    }
    return times;
}

uint64_t in_time(const std::vector<HoldEnded>& ended, uint64_t deadline_us) {
    return static_cast<uint64_t>(
        std::count_if(ended.begin(), ended.end(), [&](const HoldEnded& one) {
            return one.status == P2C2R_OK && one.took_us() <= deadline_us;
        }));
}

}  // namespace p2c2r::cli
