// `p2c2r demo camera`: a camera moves through a scene that stays with the helpers. Coordinator and
// peers are processes of their own; this one is the gamer, who draws each frame in plain light and
// lays over it the newest layers of shadows and reflections that have come.
#include "cli/demo_camera.h"

#include <cstdio>
#include <memory>

#include "cli/camera_game.h"
#include "cli/files.h"
#include "cli/html_parts.h"
#include "cli/role_processes.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kStopTimeoutUs = 8'000'000;
constexpr size_t kFramesMax = 300;
const char* const kPeers[] = {"helper-1", "helper-2"};

const char* const kScene = R"({
 "objects":[
  {"type":"plane","position":[0,0,0],"normal":[0,1,0],"color":[0.5,0.48,0.42]},
  {"type":"sphere","position":[-1.05,1,0],"radius":1,"color":[0.92,0.94,0.96],"material":"mirror"},
  {"type":"sphere","position":[1.15,0.8,0.5],"radius":0.8,"color":[1,0.76,0.4],"material":"mirror"},
  {"type":"box","min":[-4.2,0,-3.4],"max":[-3.2,2.6,-2.4],"color":[0.75,0.2,0.12]},
  {"type":"box","min":[-1.9,0,-4.4],"max":[-0.9,1.6,-3.4],"color":[0.85,0.6,0.12]},
  {"type":"box","min":[0.9,0,-4.2],"max":[1.9,3.2,-3.2],"color":[0.14,0.4,0.2]},
  {"type":"box","min":[3.4,0,-2.2],"max":[4.4,2,-1.2],"color":[0.1,0.25,0.6]},
  {"type":"sphere","position":[-2.7,0.45,1.7],"radius":0.45,"color":[0.8,0.08,0.05]},
  {"type":"sphere","position":[0.1,0.35,2.1],"radius":0.35,"color":[0.1,0.5,0.75]},
  {"type":"sphere","position":[2.9,0.5,1.6],"radius":0.5,"color":[0.9,0.7,0.15]},
  {"type":"sphere","position":[-3.6,0.4,-0.6],"radius":0.4,"color":[0.55,0.3,0.7]}],
 "lights":[{"position":[5,8,6],"intensity":0.62},
  {"position":[-7,6,4],"intensity":0.28,"color":[0.7,0.85,1]}],
 "ambient":0.1,"background":[0.2,0.38,0.68]})";

class CameraDemo {
  public:
    CameraDemo(const DemoCameraOptions& options, StopSignals& signals)
        : options_(options), signals_(signals), scene_(json::parse(kScene)) {}
    ~CameraDemo() { session_.reset(); }
    CameraDemo(const CameraDemo&) = delete;
    CameraDemo& operator=(const CameraDemo&) = delete;
    Result<CameraPart> run();

  private:
    std::string path(const std::string& name) const {
        return join_path(options_.out.value_or("p2c2r-demo"), name);
    }
    Outcome prepare();
    Outcome start_roles();
    Outcome play();
    Outcome write_pictures();

    const DemoCameraOptions& options_;
    StopSignals& signals_;
    json scene_;
    uint32_t width_ = 0, height_ = 0;
    size_t count_ = 60;
    CoordinatorProcess coordinator_;
    std::vector<Process> peers_;
    std::unique_ptr<Session> session_;
    std::unique_ptr<LocalView> view_;
    std::vector<Picture> shown_;
    std::vector<std::string> names_;
    CameraFacts facts_;
    std::string html_;
};

Outcome CameraDemo::prepare() {
    const std::string size = options_.resolution.value_or("480x270");
    char end = 0;
    if (std::sscanf(size.c_str(), "%ux%u%c", &width_, &height_, &end) != 2 || width_ < 16 ||
        height_ < 16 || width_ > 1920 || height_ > 1080) {
        return usage_failure("--resolution '" + size + "' is not WIDTHxHEIGHT, 16x16 to 1920x1080");
    }
    count_ = options_.frames.value_or(60);
    if (count_ < 2 || count_ > kFramesMax) return usage_failure("--frames is 2 to 300");
    const double rate = options_.rate.value_or(30);
    const uint64_t deadline_ms = options_.deadline_ms.value_or(250);
    if (!(rate > 0 && rate <= 240) || deadline_ms < 1 || deadline_ms > 60'000) {
        return usage_failure("--rate is above 0 and at most 240, --deadline-ms 1 to 60000");
    }
    facts_.rate = rate;
    facts_.deadline_us = deadline_ms * 1000;
    facts_.sizes = std::to_string(count_) + " frames of " + size;
    facts_.frames.resize(count_);
    if (Outcome failure = make_directories(path("logs"))) return failure;
    // Frames of an earlier run would be taken for this one's.
    for (const char* name : {"before", "after"}) {
        if (Outcome failure = make_empty_directory(path(name))) return failure;
    }
    view_ = std::make_unique<LocalView>(scene_, width_, height_);
    return std::nullopt;
}

Outcome CameraDemo::start_roles() {
    Result<CoordinatorProcess> coordinator =
        start_coordinator_process(path("logs/coordinator.log"));
    if (!coordinator) return coordinator.failure();
    coordinator_ = std::move(*coordinator);
    for (const char* name : kPeers) {
        Result<Process> peer =
            start_peer_process(coordinator_.url, name, path("logs/") + name + ".log",
                               {"--device", "native", "--tasks", "rt_shadows,rt_reflections",
                                "--max-concurrent-tasks", "2", "--worker-threads", "1"});
        if (!peer) return peer.failure();
        peers_.push_back(std::move(*peer));
    }
    SessionOptions options;
    options.coordinator_url = coordinator_.url;
    options.device.kind = DeviceChoice::Kind::kNative;
    options.worker_threads = 1;
    Result<std::unique_ptr<Session>> session = Session::open(options);
    if (!session) return session.failure();
    session_ = std::move(*session);
    if (session_->wait_for_peers(std::size(kPeers), kJoinTimeoutUs, &signals_)) return std::nullopt;
    return Failure{kExitSomeFailed, "not all peers joined; see " + path("logs")};
}

Outcome CameraDemo::play() {
    CameraGame game(*session_, *view_, {width_, height_}, facts_, signals_);
    if (Outcome failure = game.put(scene_)) return failure;
    if (Outcome failure = game.play()) return failure;
    shown_ = game.take_shown();
    return std::nullopt;
}

Outcome CameraDemo::write_pictures() {
    for (size_t frame = 0; frame < count_; ++frame) {
        char name[32];
        std::snprintf(name, sizeof name, "frame_%03zu.png", frame);
        names_.emplace_back(name);
    }
    for (const char* side : {"before", "after"}) {
        const bool is_plain = side[0] == 'b';
        const auto make = [&](size_t index) {
            Picture picture =
                is_plain
                    ? view_->shade(view_->look(camera_at(index + kCameraWarmUp, count_)), {}, {})
                    : std::move(shown_[index]);
            return EncodeJob{std::move(picture), {width_, height_}, "png"};
        };
        Outcome failure =
            encode_pictures(*session_, count_, make, [&](size_t index, std::string_view file) {
                return write_file(join_path(path(side), names_[index]), file);
            });
        if (failure) return failure;
    }
    const Result<std::string> sheet =
        write_contact_sheet(*session_, path("before"), path("after"), names_, path(""));
    if (!sheet) return sheet.failure();
    html_ = camera_html(facts_, *sheet);
    return std::nullopt;
}

Result<CameraPart> CameraDemo::run() {
    for (const auto step : {&CameraDemo::prepare, &CameraDemo::start_roles, &CameraDemo::play}) {
        if (signals_.count() > 0) return Failure{kExitSomeFailed, "stopped"};
        if (Outcome failure = (this->*step)()) return *failure;
    }
    session_.reset();
    for (Process& peer : peers_) peer.ask_to_stop();
    for (Process& peer : peers_) peer.stop(kStopTimeoutUs);
    coordinator_.process.stop(kStopTimeoutUs);
    SessionOptions local;
    local.device.kind = DeviceChoice::Kind::kNative;
    Result<std::unique_ptr<Session>> session = Session::open(local);
    if (!session) return session.failure();
    session_ = std::move(*session);
    if (Outcome failure = write_pictures()) return *failure;
    return CameraPart{std::move(facts_), std::move(html_)};
}

}  // namespace

Result<CameraPart> run_camera_part(const DemoCameraOptions& options, StopSignals& signals) {
    return CameraDemo(options, signals).run();
}

void print_camera_part(const CameraPart& part, const std::string& out) {
    std::printf(
        "\nA camera over a scene that stays with the helpers: %s\n%s\nframes %s\nsheet  %s\n",
        part.facts.sizes.c_str(), camera_table(part.facts).c_str(), join_path(out, "after").c_str(),
        join_path(out, "contact_sheet.png").c_str());
}

int run_demo_camera(const DemoCameraOptions& options) {
    StopSignals signals;
    const Result<CameraPart> part = run_camera_part(options, signals);
    if (!part) return report("demo camera", part.failure());
    const std::string out = options.out.value_or("p2c2r-demo");
    const std::string page = join_path(out, "report.html");
    const Outcome failure =
        write_file(page, page_open("P2C2R: a moving camera") + part->html + page_close());
    if (failure) return report("demo camera", *failure);
    print_camera_part(*part, out);
    std::printf("report %s\n", page.c_str());
    return figures_of(part->facts).lost == 0 ? kExitOk : kExitSomeFailed;
}

}  // namespace p2c2r::cli
