#include "cli/camera_game.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/printable.h"
#include "cli/task_stream.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kLookUs = 1000;               // between two looks for answers
constexpr uint64_t kLastTimeoutUs = 30'000'000;  // for what is under way after the last frame

}  // namespace

ViewCamera camera_at(size_t frame, size_t count) {
    const double time = (static_cast<double>(frame) - static_cast<double>(kCameraWarmUp)) /
                        static_cast<double>(count);
    const double angle = -0.75 + 1.5 * time;
    const double away = 7.2 - 1.3 * std::sin(time * 3.14159265);
    return ViewCamera::looking({away * std::sin(angle), 2.2 + 0.8 * time, away * std::cos(angle)},
                               {0, 0.8, -0.2}, 44);
}

Outcome CameraGame::put(const json& scene) {
    const std::vector<uint8_t> packed = json::to_msgpack(scene);
    const p2c2r_bytes bytes = {packed.data(), packed.size(), nullptr, nullptr};
    facts_.scene_bytes = packed.size();
    p2c2r_error why = {};
    if (p2c2r_client_put(session_.client(), &bytes, &content_, &why) == P2C2R_OK) {
        return std::nullopt;
    }
    return library_failure(kExitSomeFailed, "the scene", why);
}

Outcome CameraGame::ask(Layer layer, size_t frame, std::shared_ptr<const ViewFrame> seen) {
    Asked asked{0, layer, frame, p2c2r_now_us(), {}, {}, std::move(seen), false};
    asked.params = {{"resolution", {size_.width, size_.height}},
                    {"camera", asked.seen->camera.params()}};
    if (layer == kMirrorLayer) {
        asked.tile = view_.mirror_tile(asked.seen->camera);
        if (asked.tile.width == 0) return std::nullopt;
        asked.params["tile"] = {asked.tile.x, asked.tile.y, asked.tile.width, asked.tile.height};
        asked.params["output_format"] = "raw";
    }
    return submit(std::move(asked));
}

Outcome CameraGame::submit(Asked asked) {
    std::string params;
    json::to_msgpack(asked.params, params);
    p2c2r_task_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.task_type = asked.layer == kShadowLayer ? "rt_shadows" : "rt_reflections";
    desc.params = params.data();
    desc.params_size = params.size();
    desc.content = content_;
    // While warming up, what is slow for the first time is waited for.
    const bool waits = asked.frame < kCameraWarmUp || asked.is_again;
    desc.deadline_us = waits ? kLastTimeoutUs : facts_.deadline_us;
    desc.place = asked.is_again ? P2C2R_PLACE_LOCAL : P2C2R_PLACE_REMOTE;
    p2c2r_error why = {};
    const p2c2r_status status = p2c2r_client_submit(session_.client(), &desc, &asked.task, &why);
    if (status != P2C2R_OK) return library_failure(kExitSomeFailed, desc.task_type, why);
    asked_.push_back(std::move(asked));
    return std::nullopt;
}

bool CameraGame::use(const Asked& asked, const p2c2r_result* result) {
    size_t size = 0;
    const auto* data = static_cast<const char*>(p2c2r_result_data(result, &size));
    const size_t wanted = asked.layer == kShadowLayer
                              ? view_.mask_bytes() * view_.lights()
                              : size_t{asked.tile.width} * asked.tile.height * 3;
    if (size != wanted) return false;
    if (newest_.asked[asked.layer] > asked.frame) return true;  // a newer one shows already
    newest_.asked[asked.layer] = asked.frame;
    newest_.asked_us[asked.layer] = asked.asked_us;
    if (asked.layer == kShadowLayer) {
        newest_.shadow_frame = asked.seen;
        newest_.shadows = {asked.seen.get(), std::string(data, size)};
    } else {
        newest_.mirror_frame = asked.seen;
        newest_.mirrors = {asked.seen.get(), asked.tile, std::string(data, size)};
    }
    return true;
}

Outcome CameraGame::answered(const Asked& asked, const p2c2r_result* result) {
    CameraFrame* record = record_of(asked.frame);
    p2c2r_result_info info = {};
    info.struct_size = sizeof info;
    p2c2r_result_info_get(result, &info);
    if (info.status == P2C2R_OK && use(asked, result)) {
        if (record == nullptr) return std::nullopt;
        record->answers_us.push_back(p2c2r_now_us() - asked.asked_us);
        record->is_late = record->is_late || asked.is_again;
        (info.source == P2C2R_SOURCE_PEER          ? facts_.by_peers
         : info.source == P2C2R_SOURCE_COORDINATOR ? facts_.by_coordinator
                                                   : facts_.local) += 1;
        return std::nullopt;
    }
    if (info.status == P2C2R_E_DEADLINE && !asked.is_again) {
        // A layer that comes late is better than none.
        Asked again = asked;
        again.is_again = true;
        return submit(std::move(again));
    }
    const std::string text = failure_text(result, info.status);
    if (record == nullptr) return Failure{kExitSomeFailed, "warming up: " + text};
    std::fprintf(stderr, "frame %zu: %s\n", asked.frame - kCameraWarmUp, printable(text).c_str());
    record->is_lost = true;
    return std::nullopt;
}

Outcome CameraGame::take_answers() {
    for (size_t i = 0; i < asked_.size();) {
        p2c2r_result* taken = nullptr;
        const p2c2r_status status =
            p2c2r_client_get_result(session_.client(), asked_[i].task, 0, &taken);
        if (status == P2C2R_PENDING) {
            ++i;
            continue;
        }
        const ResultHandle result(taken);
        const Asked asked = std::move(asked_[i]);
        asked_.erase(asked_.begin() + static_cast<ptrdiff_t>(i));
        if (status != P2C2R_OK) return Failure{kExitSomeFailed, p2c2r_status_text(status)};
        if (Outcome failure = answered(asked, result.get())) return failure;
    }
    return std::nullopt;
}

void CameraGame::count_peers(bool in_warm_up) {
    const Result<json> answer = session_.ask("peers");
    if (!answer || !answer->is_object()) return;
    for (const json& peer : answer->value("peers", json::array())) {
        const std::string name = peer.value("peer_id", "");
        const uint64_t completed = peer.value("completed", uint64_t{0});
        if (in_warm_up) {
            facts_.peers.push_back({name, "native", 0, completed});
            continue;
        }
        for (PeerShare& share : facts_.peers) {
            if (share.name == name) share.tasks = completed - share.warm_up;
        }
    }
}

Outcome CameraGame::play_frame(size_t frame) {
    const uint64_t began_us = p2c2r_now_us();
    const auto seen =
        std::make_shared<const ViewFrame>(view_.look(camera_at(frame, facts_.frames.size())));
    for (const Layer layer : {kShadowLayer, kMirrorLayer}) {
        if (Outcome failure = ask(layer, frame, seen)) return failure;
    }
    if (Outcome failure = take_answers()) return failure;
    Picture picture = view_.shade(*seen, newest_.shadows, newest_.mirrors);
    CameraFrame* record = record_of(frame);
    if (record != nullptr) {
        const uint64_t now_us = p2c2r_now_us();
        record->has_layers = newest_.shadow_frame && newest_.mirror_frame;
        record->age_frames = frame - std::min(newest_.asked[0], newest_.asked[1]);
        record->age_us = now_us - std::min(newest_.asked_us[0], newest_.asked_us[1]);
        record->drawn_us = now_us - began_us;
        shown_.push_back(std::move(picture));
    }
    // Who is too slow does not run after the clock.
    due_us_ = std::max(due_us_ + static_cast<uint64_t>(1e6 / facts_.rate), p2c2r_now_us());
    while (p2c2r_now_us() < due_us_) {
        if (Outcome failure = take_answers()) return failure;
        session_.wait_and_dispatch(kLookUs, &signals_);
    }
    count_bytes(record);
    return std::nullopt;
}

// What was sent and received since the frame before, which no frame misses.
void CameraGame::count_bytes(CameraFrame* record) {
    p2c2r_client_stats stats = {};
    stats.struct_size = sizeof stats;
    p2c2r_client_stats_get(session_.client(), &stats);
    if (record != nullptr) {
        record->bytes_up = stats.bytes_sent - sent_;
        record->bytes_down = stats.bytes_received - received_;
    }
    sent_ = stats.bytes_sent;
    received_ = stats.bytes_received;
}

Outcome CameraGame::take_last_answers() {
    const uint64_t until_us = p2c2r_now_us() + kLastTimeoutUs;
    while (!asked_.empty() && p2c2r_now_us() < until_us && signals_.count() == 0) {
        if (Outcome failure = take_answers()) return failure;
        session_.wait_and_dispatch(kLookUs, &signals_);
    }
    return std::nullopt;
}

Outcome CameraGame::play() {
    due_us_ = p2c2r_now_us();
    for (size_t frame = 0; frame < kCameraWarmUp; ++frame) {
        if (signals_.count() > 0) return Failure{kExitSomeFailed, "stopped"};
        if (Outcome failure = play_frame(frame)) return failure;
    }
    if (Outcome failure = take_last_answers()) return failure;
    count_peers(true);
    count_bytes(nullptr);
    const uint64_t first_us = due_us_ = p2c2r_now_us();
    for (size_t frame = 0; frame < facts_.frames.size(); ++frame) {
        if (signals_.count() > 0) return Failure{kExitSomeFailed, "stopped"};
        if (Outcome failure = play_frame(kCameraWarmUp + frame)) return failure;
    }
    facts_.wall_us = p2c2r_now_us() - first_us;
    if (Outcome failure = take_last_answers()) return failure;
    for (const Asked& asked : asked_) {
        if (CameraFrame* record = record_of(asked.frame)) record->is_lost = true;
    }
    count_peers(false);
    return std::nullopt;
}

}  // namespace p2c2r::cli
