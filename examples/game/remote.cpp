#include "remote.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "requests.h"

namespace game {

namespace {

// How often each is asked for, in frames (layers: at most), and how many may be under way.
constexpr uint64_t kEvery[kEffects] = {2, 4, 1, 30};
constexpr uint64_t kLookUs = 1'000'000;  // between two looks at the link
constexpr size_t kUnderWay[kEffects] = {4, 3, 1, 1};
constexpr uint64_t kDeadlineUs = 250'000;
constexpr uint32_t kSteadyConnectMs = 5000;
constexpr uint32_t kLastTryMs = 2000;
constexpr uint32_t kSliceMs = 20;
constexpr uint32_t kEncodeMs = 60'000;
constexpr uint32_t kDebrisSteps = 3;
constexpr uint32_t kDebrisStepsMax = 15;

bool read_pin(const std::string& text, uint8_t (&pin)[32]) {
    if (text.size() != 64) return false;
    for (size_t i = 0; i < 32; ++i) {
        unsigned byte = 0;
        if (std::sscanf(text.c_str() + 2 * i, "%2x", &byte) != 1) return false;
        pin[i] = static_cast<uint8_t>(byte);
    }
    return true;
}

// Which of the game's options the library speaks of.
std::string option_of(const p2c2r_error& why) {
    const std::string field = why.field;
    return field == "coordinator_url" ? "--url"
           : field == "server_pin"    ? "--pin"
           : field == "identity_file" ? "--identity"
                                      : "--network";
}

}  // namespace

Trouble Remote::start(const RemoteOptions& options, const World& world) {
    options_ = options;
    p2c2r_error why = {};
    p2c2r_runtime_config host = {};
    host.struct_size = sizeof host;
    host.abi_version = P2C2R_ABI_VERSION;
    p2c2r_runtime* runtime = nullptr;
    if (p2c2r_runtime_create(&host, &runtime, &why) != P2C2R_OK) return {why.text};
    runtime_.reset(runtime);
    p2c2r_client_config config = {};
    config.struct_size = sizeof config;
    config.client_id = "courtyard";
    if (!options.network.empty()) config.options = options.network.c_str();
    p2c2r_credentials credentials = {};
    credentials.struct_size = sizeof credentials;
    if (options.url.empty()) {
        p2c2r_coordinator_config here = {};
        here.struct_size = sizeof here;
        here.listen_port = P2C2R_NONE;
        p2c2r_coordinator* coordinator = nullptr;
        if (p2c2r_coordinator_create(runtime, &here, &coordinator, &why) != P2C2R_OK) {
            return {why.text};
        }
        coordinator_.reset(coordinator);
        if (p2c2r_coordinator_start(coordinator, &why) != P2C2R_OK) return {why.text};
        p2c2r_peer_config helper = {};
        helper.struct_size = sizeof helper;
        helper.local = coordinator;
        p2c2r_peer* peer = nullptr;
        if (p2c2r_peer_create(runtime, &helper, &peer, &why) != P2C2R_OK) return {why.text};
        peer_.reset(peer);
        if (p2c2r_peer_start(peer, &why) != P2C2R_OK) return {why.text};
        config.local = coordinator;
    } else {
        config.coordinator_url = options.url.c_str();
        config.event = on_event;
        config.user = this;
        connection_.expect(options.url);
        if (!options.pin.empty() && !read_pin(options.pin, credentials.server_pin)) {
            return {"--pin: 64 hexadecimal digits are wanted", true};
        }
        credentials.identity_file = options.identity.empty() ? nullptr : options.identity.c_str();
        if (!options.pin.empty() || credentials.identity_file) config.credentials = &credentials;
    }
    p2c2r_client* client = nullptr;
    if (p2c2r_client_create(runtime, &config, &client, &why) != P2C2R_OK) {
        return {option_of(why) + ": " + why.text, true};
    }
    client_.reset(client);
    if (options.is_steady) {
        if (Trouble trouble = wait_for_coordinator()) return trouble;
    }
    tells_news_ = true;
    resident_.start(client, world);
    return {};
}

// What the library tells of the connection, within a dispatch.
void P2C2R_CALL Remote::on_event(void* user, const p2c2r_event* event) {
    auto* remote = static_cast<Remote*>(user);
    if (event->type != P2C2R_EVENT_STATE) return;
    const std::string news = remote->connection_.take(event->status, event->text);
    if (remote->tells_news_ && !news.empty()) {
        std::fprintf(stderr, "courtyard: %s\n", news.c_str());
    }
}

Trouble Remote::wait_for_coordinator() {
    p2c2r_error why = {};
    const p2c2r_status status = p2c2r_client_connect(client_.get(), kSteadyConnectMs, &why);
    // What each try said waits before that.
    p2c2r_client_dispatch(client_.get(), 0, 0, nullptr);
    if (status == P2C2R_OK) return {};
    return {connection_.trouble().empty() ? why.text : connection_.trouble()};
}

bool Remote::was_reached() {
    p2c2r_client_dispatch(client_.get(), 0, 0, nullptr);
    p2c2r_error why = {};
    p2c2r_status status = P2C2R_OK;
    // In slices: a try that fails ends no wait.
    for (uint32_t waited = 0; connection_.is_undecided() && waited < kLastTryMs;
         waited += kSliceMs) {
        status = p2c2r_client_connect(client_.get(), kSliceMs, &why);
        p2c2r_client_dispatch(client_.get(), 0, 0, nullptr);
    }
    if (connection_.is_undecided()) {
        const p2c2r_event event = {sizeof event, P2C2R_EVENT_STATE, status, 0, 0, "", why.text};
        on_event(this, &event);
    }
    return !connection_.is_missed();
}

// At its own size a picture stays as it is: this is the library's encoder, without a connection.
bool Remote::encode_png(const std::vector<uint8_t>& rgb, int width, int height,
                        std::vector<uint8_t>& png, std::string& why_not) {
    char question[256];
    std::snprintf(question, sizeof question,
                  R"({"task_type": "upscale", "params": {"input_res": [%d, %d], "channels": 3, )"
                  R"("output_res": [%d, %d], "quality": "fast", "output_format": "png"}})",
                  width, height, width, height);
    const p2c2r_bytes input = {rgb.data(), rgb.size(), nullptr, nullptr};
    p2c2r_error why = {};
    p2c2r_result* result = nullptr;
    if (p2c2r_runtime_call(runtime_.get(), "exec", question, &input, kEncodeMs, &result, &why) !=
        P2C2R_OK) {
        why_not = why.text;
        return false;
    }
    p2c2r_result_info info = {};
    info.struct_size = sizeof info;
    p2c2r_result_info_get(result, &info);
    size_t size = 0;
    const auto* bytes = static_cast<const uint8_t*>(p2c2r_result_data(result, &size));
    if (info.status == P2C2R_OK) {
        png.assign(bytes, bytes + size);
    } else {
        why_not = p2c2r_result_text(result, P2C2R_TEXT_MESSAGE, nullptr);
    }
    p2c2r_result_release(result);
    return info.status == P2C2R_OK;
}

bool Remote::is_due(Effect effect, uint64_t frame) const {
    const auto under_way = static_cast<size_t>(std::count_if(
        asked_.begin(), asked_.end(), [&](const Asked& asked) { return asked.effect == effect; }));
    const LayerPlan* layer = plan(effect);
    const uint64_t every = layer != nullptr ? layer->every() : kEvery[effect];
    return states_[effect].is_on && under_way < kUnderWay[effect] &&
           (last_asked_[effect] == 0 || frame >= last_asked_[effect] + every);
}

void Remote::update(World& world, const Camera& camera, uint64_t frame) {
    p2c2r_client_dispatch(client_.get(), 0, 0, nullptr);
    take_answers(world, false);
    resident_.look(world, frame);
    // Steady pictures do not depend on the link.
    if (!options_.is_steady && p2c2r_now_us() - looked_at_us_ > kLookUs) {
        for (LayerPlan& plan : plans_) plan.look(runtime_.get(), client_.get());
        looked_at_us_ = p2c2r_now_us();
    }
    if (is_due(kShadows, frame)) ask_shadows(camera, frame);
    if (is_due(kReflections, frame)) ask_reflections(world, camera, frame);
    if (is_due(kPaths, frame)) ask_paths(world, frame);
    if (is_due(kDebris, frame)) ask_debris(world, frame);
    if (!states_[kDebris].is_on) {
        world.take_thrown();  // nobody computes it: there is none
        shown_ = {};
        coming_ = {};
        states_[kDebris].asked_at = 0;
    }
    if (options_.is_steady) take_answers(world, true);
    show_debris(world);
}

void Remote::ask(Effect effect, const char* type, const std::string& params,
                 const p2c2r_bytes* data, Asked asked) {
    p2c2r_task_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.task_type = type;
    // Else the library keeps here what would lose by leaving over this link.
    if (options_.is_steady) desc.place = P2C2R_PLACE_REMOTE;
    desc.deadline_us = options_.is_steady ? 5'000'000 : kDeadlineUs;
    desc.params = params.data();
    desc.params_size = params.size();
    desc.data = data;
    p2c2r_error why = {};
    last_asked_[effect] = asked.frame;
    p2c2r_status status = P2C2R_OK;
    if (effect == kShadows || effect == kReflections) {
        status = resident_.refer_to_scene(desc, &why);
    } else if (effect == kPaths) {
        status = resident_.refer_to_grid(desc, &why);
    }
    if (status == P2C2R_OK) status = p2c2r_client_submit(client_.get(), &desc, &asked.task, &why);
    if (status != P2C2R_OK) {
        states_[effect].trouble = why.text;
        return;
    }
    asked.effect = effect;
    asked.sent_size = params.size() + desc.patch_count * Resident::kPatchBytes;
    asked_.push_back(asked);
}

void Remote::ask_shadows(const Camera& camera, uint64_t frame) {
    const int width = layer_width(kShadows);
    const int height = layer_height(kShadows);
    ask(kShadows, "rt_shadows", shadow_request(camera, width, height), nullptr,
        {kShadows, 0, frame, camera, {}, width, height});
}

void Remote::ask_reflections(const World& world, const Camera& camera, uint64_t frame) {
    const int width = layer_width(kReflections);
    const int height = layer_height(kReflections);
    const Rectangle tile =
        rectangle_of(camera, width, height, world.statue(), world.statue_radius());
    if (tile.width == 0) return;
    ask(kReflections, "rt_reflections", reflection_request(camera, width, height, tile), nullptr,
        {kReflections, 0, frame, camera, tile, width, height});
}

void Remote::ask_paths(const World& world, uint64_t frame) {
    ask(kPaths, "ai_pathfinding", path_request(world), nullptr, {kPaths, 0, frame, {}, {}});
}

// The next stretch for all pieces. It has as many steps as pass while the answer is on its way, so
// that the simulation keeps up with the game on any link.
void Remote::ask_debris(World& world, uint64_t frame) {
    if (!coming_.to.empty()) return;  // there is a stretch ahead
    // What the last question was about, if it was not answered: its pieces are not lost.
    std::vector<Body> bodies = coming_.from.empty() ? shown_.to : coming_.from;
    const std::vector<Body> thrown = world.take_thrown();
    bodies.insert(bodies.end(), thrown.begin(), thrown.end());
    if (bodies.size() > kDebrisMax) {
        bodies.erase(bodies.begin(), bodies.end() - static_cast<ptrdiff_t>(kDebrisMax));
    }
    if (bodies.empty()) return;
    // The game stands still for a steady picture.
    const double answer_ms = options_.is_steady ? 0 : states_[kDebris].answer_ms;
    const auto ticks = static_cast<uint32_t>(answer_ms / 1000.0 / kTick);
    coming_.steps = std::clamp(ticks + kDebrisSteps, kDebrisSteps, kDebrisStepsMax);
    coming_.from = std::move(bodies);
    coming_.asked_at = frame;
    const std::vector<uint8_t> records = debris_records(coming_.from);
    const p2c2r_bytes data = {records.data(), records.size(), nullptr, nullptr};
    ask(kDebris, "physics", debris_request(world, coming_.from, coming_.steps), &data,
        {kDebris, 0, frame, {}, {}});
}

void Remote::take_answers(World& world, bool waits) {
    for (auto it = asked_.begin(); it != asked_.end();) {
        p2c2r_result* result = nullptr;
        const p2c2r_status status =
            p2c2r_client_get_result(client_.get(), it->task, waits ? 10'000'000 : 0, &result);
        if (status == P2C2R_PENDING) {
            ++it;
            continue;
        }
        EffectState& state = states_[it->effect];
        p2c2r_result_info info = {};
        info.struct_size = sizeof info;
        if (status == P2C2R_OK) p2c2r_result_info_get(result, &info);
        if (status == P2C2R_OK && info.status == P2C2R_OK && use(world, *it, result)) {
            state.source = info.source;
            size_t size = 0;
            p2c2r_result_data(result, &size);
            // What the line had to carry, where it came compressed.
            if (info.bytes_received > 0) size = static_cast<size_t>(info.bytes_received);
            // One that was asked for before the plan changed tells of another divisor.
            if (plan(it->effect) != nullptr && it->width == layer_width(it->effect)) {
                plans_[it->effect].took(it->sent_size, size);
            }
            // A stretch of debris lies ready until the one before it is over.
            if (it->effect != kDebris) state.asked_at = std::max(state.asked_at, it->frame);
            state.answer_ms = static_cast<double>(info.total_us) / 1000;
            ++state.answers;
            state.trouble.clear();
        } else {
            const char* text = result != nullptr
                                   ? p2c2r_result_text(result, P2C2R_TEXT_MESSAGE, nullptr)
                                   : nullptr;
            state.trouble = text != nullptr && *text != 0
                                ? text
                                : p2c2r_status_text(status != P2C2R_OK ? status : info.status);
        }
        p2c2r_result_release(result);
        it = asked_.erase(it);
    }
}

bool Remote::use(World& world, const Asked& asked, const p2c2r_result* result) {
    size_t size = 0;
    const auto* bytes = static_cast<const uint8_t*>(p2c2r_result_data(result, &size));
    size_t fields_size = 0;
    const auto* fields = static_cast<const uint8_t*>(
        p2c2r_result_fields(result, P2C2R_FORMAT_MSGPACK, &fields_size));
    const int width = asked.width;
    const int height = asked.height;
    switch (asked.effect) {
        case kShadows: {
            if (size != static_cast<size_t>(width + 7) / 8 * static_cast<size_t>(height))
                return false;
            if (states_[kShadows].asked_at > asked.frame) return true;  // a newer one shows already
            shadows_ = ShadowLayer{asked.camera, width, height, {bytes, bytes + size}};
            return true;
        }
        case kReflections: {
            if (size != static_cast<size_t>(asked.tile.width) *
                            static_cast<size_t>(asked.tile.height) * 3) {
                return false;
            }
            if (states_[kReflections].asked_at > asked.frame) return true;
            reflections_ =
                ReflectionLayer{asked.camera, width, height, asked.tile, {bytes, bytes + size}};
            return true;
        }
        case kDebris: {
            std::optional<std::vector<Body>> bodies = read_debris(bytes, size);
            // Switched off and on meanwhile: this is of pieces that are gone.
            if (coming_.from.empty()) return true;
            if (!bodies || bodies->size() != coming_.from.size()) return false;
            coming_.to = std::move(*bodies);
            return true;
        }
        case kPaths: {
            const auto paths = read_paths(fields, fields_size);
            if (!paths || paths->size() != world.chasers().size()) return false;
            for (size_t i = 0; i < paths->size(); ++i) world.set_path(i, (*paths)[i]);
            return true;
        }
        default:
            return false;
    }
}

void Remote::show_debris(World& world) {
    if (!coming_.to.empty() &&
        (shown_.to.empty() || world.ticks() >= shown_since_ + shown_.steps)) {
        shown_ = std::exchange(coming_, {});
        shown_since_ = world.ticks();
        states_[kDebris].asked_at = shown_.asked_at;
    }
    const float t = std::min(
        1.0F, static_cast<float>(world.ticks() - shown_since_) / static_cast<float>(shown_.steps));
    std::vector<Body> now = shown_.to;
    for (size_t i = 0; i < now.size(); ++i) {
        now[i].position = mix(shown_.from[i].position, shown_.to[i].position, t);
    }
    world.show_debris(std::move(now));
}

const ShadowLayer* Remote::shadows() const {
    return states_[kShadows].is_on && shadows_ ? &*shadows_ : nullptr;
}

const ReflectionLayer* Remote::reflections() const {
    return states_[kReflections].is_on && reflections_ ? &*reflections_ : nullptr;
}

p2c2r_client_stats Remote::stats() const {
    p2c2r_client_stats stats = {};
    stats.struct_size = sizeof stats;
    p2c2r_client_stats_get(client_.get(), &stats);
    return stats;
}

}  // namespace game
