// `p2c2r demo stream`: the main job, as a gamer would see it. One coordinator, three peers and one
// gamer are processes of their own on loopback; frames come at a fixed rate with a deadline each;
// half-way a peer that holds frames is ended with SIGKILL and started again.
#include <algorithm>
#include <cstdio>
#include <map>

#include "cli/demo.h"
#include "cli/demo_camera.h"
#include "cli/files.h"
#include "cli/pan_zoom.h"
#include "cli/role_processes.h"
#include "cli/stream_report.h"
#include "cli/task_stream.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kWatchStepUs = 10'000;      // between two looks at the coordinator
constexpr uint64_t kRestartAfterUs = 300'000;  // the killed peer is away for this long
constexpr uint64_t kSeekHolderUs = 200'000;    // how long a peer with frames is looked for
constexpr uint64_t kGamerTimeoutUs = 300'000'000;
constexpr double kGamerStartS = 0.1;  // from its start to its first frame, about
constexpr size_t kWarmUpFrames = 12;
constexpr uint64_t kStopTimeoutUs = 8'000'000;
constexpr int kWarmUpRounds = 5;
constexpr uint64_t kWarmUpDeadlineUs = 5'000'000;

struct PeerPlan {
    std::string peer_id;
    std::string device;
    uint32_t slots;
    uint32_t threads;
};

// What a peer has done, over its lives: the coordinator counts from each connection on.
struct PeerCount {
    uint64_t before = 0;  // in lives that are over
    uint64_t now = 0;
    uint64_t connected_us = 0;
    uint64_t warm_up = 0;  // tasks before the stream, in its first life
    [[nodiscard]] uint64_t in_stream() const { return before + now - warm_up; }
};

class StreamDemo {
  public:
    StreamDemo(const DemoStreamOptions& options) : options_(options) {}
    // The exit code: a frame that is lost is a failure.
    Result<int> run();

  private:
    std::string path(const char* name) const { return join_path(out_, name); }
    json params() const { return {{"output_res", {width_, height_}}, {"quality", "balanced"}}; }
    Outcome prepare();
    Outcome make_frames();
    Outcome start_roles();
    Outcome start_peer(size_t index);
    Outcome warm_up();
    Outcome stream();
    void kill_and_restart(Process& gamer);
    std::optional<size_t> choose_victim(uint64_t half_way_us);
    [[nodiscard]] bool is_half_way(uint64_t started_us) const;
    void look_at_peers();
    uint64_t held_by(const std::string& peer_id) const;
    Outcome go_on_with_camera();
    Outcome write_report();

    const DemoStreamOptions& options_;
    std::string out_;
    uint32_t width_ = 0, height_ = 0;
    double rate_ = 30;
    uint64_t deadline_ms_ = 250;
    std::vector<std::string> names_;
    std::string frames_directory_;
    std::vector<PeerPlan> plans_;
    CoordinatorProcess coordinator_;
    std::vector<Process> peers_;
    std::unique_ptr<Session> local_;     // pictures
    std::unique_ptr<Session> observer_;  // asks the coordinator
    std::map<std::string, PeerCount> counts_;
    json last_peers_ = json::array();
    StopSignals signals_;
    StreamFacts facts_;
    std::optional<CameraPart> camera_;
    std::vector<std::pair<uint64_t, std::string>> events_;  // on p2c2r_now_us()
};

Outcome StreamDemo::prepare() {
    out_ = options_.out.value_or("p2c2r-demo");
    const std::string size = options_.output_res.value_or("1920x1080");
    char end = 0;
    if (std::sscanf(size.c_str(), "%ux%u%c", &width_, &height_, &end) != 2 || width_ == 0 ||
        height_ == 0) {
        return usage_failure("--output-res '" + size + "' is not WIDTHxHEIGHT");
    }
    rate_ = options_.rate.value_or(30);
    deadline_ms_ = options_.deadline_ms.value_or(250);
    if (!(rate_ > 0 && rate_ <= 1000) || deadline_ms_ < 1 || deadline_ms_ > 60'000) {
        return usage_failure("--rate is above 0 and at most 1000, --deadline-ms 1 to 60000");
    }
    if (options_.vulkan_device) {
        const Result<DeviceChoice> device = parse_device(*options_.vulkan_device);
        if (!device) return usage_failure("--vulkan-device: " + device.failure().text);
    }
    if (Outcome failure = make_directories(path("logs"))) return failure;
    // Frames of an earlier run would be taken for this one's.
    for (const char* name : {"before", "after"}) {
        if (Outcome failure = make_empty_directory(path(name))) return failure;
    }
    SessionOptions local;
    local.device.kind = DeviceChoice::Kind::kNative;
    Result<std::unique_ptr<Session>> session = Session::open(local);
    if (!session) return session.failure();
    local_ = std::move(*session);
    return std::nullopt;
}

Outcome StreamDemo::make_frames() {
    if (options_.source && is_directory(*options_.source)) {
        frames_directory_ = *options_.source;
    } else {
        frames_directory_ = path("before");
        Result<Picture> picture = demo_picture(*local_, options_.source);
        if (!picture) return picture.failure();
        PanZoom pan_zoom;
        pan_zoom.count = options_.frames.value_or(60);
        if (pan_zoom.count < 2 || pan_zoom.count > 10000) {
            return usage_failure("--frames is 2 to 10000");
        }
        std::fprintf(stderr, "making %zu frames of 1280x720\n", pan_zoom.count);
        if (Outcome failure = write_pan_zoom(*local_, *picture, pan_zoom, frames_directory_)) {
            return failure;
        }
    }
    Result<std::vector<std::string>> names = list_files(frames_directory_);
    if (!names) return names.failure();
    for (const std::string& name : *names) {
        const std::string ending = ending_of(name);
        if (ending == "jpg" || ending == "jpeg" || ending == "png") names_.push_back(name);
    }
    if (names_.size() < 2) {
        return usage_failure(frames_directory_ +
                             " holds fewer than two frames (.jpg, .jpeg, .png)");
    }
    return std::nullopt;
}

Outcome StreamDemo::start_roles() {
    Result<CoordinatorProcess> coordinator =
        start_coordinator_process(path("logs/coordinator.log"));
    if (!coordinator) return coordinator.failure();
    coordinator_ = std::move(*coordinator);
    plans_ = {{"helper-vulkan", options_.vulkan_device.value_or("vulkan"), 1, 1},
              {"helper-native-1", "native", 2, 2},
              {"helper-native-2", "native", 2, 2}};
    peers_.resize(plans_.size());
    for (size_t index = 0; index < plans_.size(); ++index) {
        if (Outcome failure = start_peer(index)) return failure;
    }
    SessionOptions options;
    options.coordinator_url = coordinator_.url;
    options.device.kind = DeviceChoice::Kind::kNative;
    options.worker_threads = 1;
    Result<std::unique_ptr<Session>> session = Session::open(options);
    if (!session) return session.failure();
    observer_ = std::move(*session);
    if (!observer_->wait_for_peers(static_cast<uint32_t>(plans_.size()), kJoinTimeoutUs,
                                   &signals_)) {
        return Failure{kExitSomeFailed, "not all peers joined; see " + path("logs")};
    }
    return std::nullopt;
}

Outcome StreamDemo::start_peer(size_t index) {
    const PeerPlan& plan = plans_[index];
    Result<Process> process = start_peer_process(
        coordinator_.url, plan.peer_id, path("logs") + "/" + plan.peer_id + ".log",
        {"--device", plan.device, "--tasks", "upscale", "--max-concurrent-tasks",
         std::to_string(plan.slots), "--worker-threads", std::to_string(plan.threads)});
    if (!process) return process.failure();
    peers_[index] = std::move(*process);
    return std::nullopt;
}

// A game meets helpers that have worked before: every peer computes some frames first, so that its
// kernels are compiled and the coordinator knows how fast it is. These frames are not counted.
Outcome StreamDemo::warm_up() {
    std::vector<TaskRequest> requests(kWarmUpFrames);
    for (size_t index = 0; index < requests.size(); ++index) {
        requests[index].name = names_[index % names_.size()];
        requests[index].data_path = join_path(frames_directory_, requests[index].name);
        requests[index].params = params();
    }
    StreamOptions options;
    options.task_type = "upscale";
    options.deadline_us = kWarmUpDeadlineUs;
    options.place = P2C2R_PLACE_REMOTE;
    for (int round = 0; round < kWarmUpRounds; ++round) {
        std::string error;
        run_stream(*observer_, requests, options, &signals_,
                   [&](size_t, const TaskRecord& record, const p2c2r_result*) {
                       if (record.status != P2C2R_OK) error = record.error;
                   });
        if (!error.empty()) return Failure{kExitSomeFailed, "warming up: " + error};
        look_at_peers();
        const bool all_worked =
            std::all_of(plans_.begin(), plans_.end(),
                        [&](const PeerPlan& plan) { return counts_[plan.peer_id].now > 0; });
        if (all_worked) break;
    }
    for (auto& [peer_id, count] : counts_) count.warm_up = count.now;
    return std::nullopt;
}

void StreamDemo::look_at_peers() {
    Result<json> answer = observer_->ask("peers");
    if (!answer || !answer->is_object()) return;
    last_peers_ = answer->value("peers", json::array());
    for (const json& peer : last_peers_) {
        PeerCount& count = counts_[peer.value("peer_id", "")];
        const uint64_t connected_us = peer.value("connected_us", uint64_t{0});
        if (connected_us < count.connected_us) {  // a new life
            count.before += count.now;
        }
        count.connected_us = connected_us;
        count.now = peer.value("completed", uint64_t{0});
    }
}

uint64_t StreamDemo::held_by(const std::string& peer_id) const {
    for (const json& peer : last_peers_) {
        if (peer.value("peer_id", "") == peer_id) return peer.value("held", uint64_t{0});
    }
    return 0;
}

// Half of the frames' time is over, or half of them are back.
bool StreamDemo::is_half_way(uint64_t started_us) const {
    const double half_s = static_cast<double>(names_.size()) / rate_ / 2;
    if (static_cast<double>(p2c2r_now_us() - started_us) / 1e6 >= half_s + kGamerStartS)
        return true;
    const Result<std::vector<std::string>> back = list_files(path("after"));
    return back && back->size() >= names_.size() / 2;
}

// The native peer that holds frames now; when none is seen holding any for a while, because frames
// are over so quickly, the busiest of all.
std::optional<size_t> StreamDemo::choose_victim(uint64_t half_way_us) {
    for (size_t index = plans_.size() - 1; index > 0; --index) {
        if (held_by(plans_[index].peer_id) > 0) return index;
    }
    if (p2c2r_now_us() - half_way_us < kSeekHolderUs) return std::nullopt;
    size_t busiest = 0;
    for (size_t index = 1; index < plans_.size(); ++index) {
        if (counts_[plans_[index].peer_id].in_stream() >
            counts_[plans_[busiest].peer_id].in_stream()) {
            busiest = index;
        }
    }
    return busiest;
}

// Half-way one peer is killed, and is back a little later.
void StreamDemo::kill_and_restart(Process& gamer) {
    const uint64_t started_us = p2c2r_now_us();
    uint64_t half_way_us = 0;
    uint64_t killed_us = 0;
    std::optional<size_t> victim;
    while (gamer.running() && signals_.count() == 0) {
        observer_->wait_and_dispatch(kWatchStepUs, &signals_);
        look_at_peers();
        if (!is_half_way(started_us)) continue;
        if (half_way_us == 0) half_way_us = p2c2r_now_us();
        if (!victim) {
            victim = choose_victim(half_way_us);
            if (!victim) continue;
            killed_us = p2c2r_now_us();
            peers_[*victim].kill_now();
            events_.emplace_back(killed_us, plans_[*victim].peer_id + " killed (SIGKILL)");
        } else if (p2c2r_now_us() - killed_us >= kRestartAfterUs) {
            if (Outcome failure = start_peer(*victim)) report("demo stream", *failure);
            events_.emplace_back(p2c2r_now_us(), plans_[*victim].peer_id + " started again");
            return;
        }
    }
}

Outcome StreamDemo::stream() {
    char rate[32];
    std::snprintf(rate, sizeof rate, "%g", rate_);
    Process::Options options;
    options.without = "P2C2R_";
    options.output_file = path("logs/gamer.log");
    Result<Process> gamer = Process::start(
        own_path(),
        {"submit", "upscale", "--coordinator", coordinator_.url, "--data", frames_directory_,
         "--out", path("after"), "--rate", rate, "--deadline-ms", std::to_string(deadline_ms_),
         "--params", params().dump(), "--late-here", "--stream-report", path("stream.json")},
        options);
    if (!gamer) return gamer.failure();
    kill_and_restart(*gamer);
    while (gamer->running() && signals_.count() == 0) {
        observer_->wait_and_dispatch(kWatchStepUs * 5, &signals_);
        look_at_peers();
    }
    if (signals_.count() > 0) {
        gamer->stop(kGamerTimeoutUs / 100);
        return Failure{kExitSomeFailed, "stopped"};
    }
    look_at_peers();
    Result<json> status = observer_->ask("status");
    if (status) facts_.status = std::move(*status);
    Result<std::string> report_text = read_file(path("stream.json"));
    if (!report_text) return report_text.failure();
    facts_.stream = json::parse(*report_text, nullptr, false);
    if (!facts_.stream.is_object())
        return Failure{kExitSomeFailed, "the gamer's report is not JSON"};
    return std::nullopt;
}

Outcome StreamDemo::write_report() {
    facts_.title = "P2C2R: a stream of frames through helpers' machines";
    Result<std::string> first = read_file(join_path(frames_directory_, names_.front()));
    if (!first) return first.failure();
    Result<PictureSize> size = picture_size(*first);
    if (!size) return size.failure();
    facts_.sizes = std::to_string(names_.size()) + " frames from " + std::to_string(size->width) +
                   "x" + std::to_string(size->height) + " to " + std::to_string(width_) + "x" +
                   std::to_string(height_);
    facts_.rate = rate_;
    facts_.deadline_us = deadline_ms_ * 1000;
    for (const PeerPlan& plan : plans_) {
        const PeerCount& count = counts_[plan.peer_id];
        facts_.peers.push_back({plan.peer_id, plan.device, count.in_stream(), count.warm_up});
    }
    const uint64_t start_us = facts_.stream.at("start_us");
    for (const auto& [at_us, text] : events_) {
        facts_.events.push_back({at_us > start_us ? at_us - start_us : 0, text});
    }
    Result<std::string> sheet =
        write_contact_sheet(*local_, frames_directory_, path("after"), names_, out_);
    if (!sheet) return sheet.failure();
    return write_file(path("report.html"),
                      report_html(facts_, *sheet, camera_ ? camera_->html : std::string{}));
}

// With this the second part begins; a report of both is written after it.
Outcome StreamDemo::go_on_with_camera() {
    DemoCameraOptions options;
    options.out = path("camera");
    options.frames = options_.frames;
    Result<CameraPart> part = run_camera_part(options, signals_);
    if (!part) return part.failure();
    camera_ = std::move(*part);
    return std::nullopt;
}

Result<int> StreamDemo::run() {
    for (const auto step : {&StreamDemo::prepare, &StreamDemo::make_frames,
                            &StreamDemo::start_roles, &StreamDemo::warm_up, &StreamDemo::stream}) {
        if (signals_.count() > 0) return Failure{kExitSomeFailed, "stopped"};
        if (Outcome failure = (this->*step)()) return *failure;
    }
    observer_.reset();
    for (Process& peer : peers_) peer.ask_to_stop();
    for (Process& peer : peers_) peer.stop(kStopTimeoutUs);
    coordinator_.process.stop(kStopTimeoutUs);
    if (options_.camera) {
        if (Outcome failure = go_on_with_camera()) return *failure;
    }
    if (Outcome failure = write_report()) return *failure;

    std::printf("\n%s\n%s\n", facts_.sizes.c_str(), report_table(facts_).c_str());
    for (const StreamEvent& event : facts_.events) {
        std::printf("%.2f s after the first frame: %s\n", static_cast<double>(event.at_us) / 1e6,
                    event.text.c_str());
    }
    std::printf("\nframes %s\nsheet  %s\nreport %s\n", path("after").c_str(),
                path("contact_sheet.png").c_str(), path("report.html").c_str());
    if (camera_) print_camera_part(*camera_, path("camera"));
    const uint64_t lost = figures_of(facts_).lost + (camera_ ? figures_of(camera_->facts).lost : 0);
    return lost == 0 ? kExitOk : kExitSomeFailed;
}

}  // namespace

int run_demo_stream(const DemoStreamOptions& options) {
    const Result<int> exit_code = StreamDemo(options).run();
    return exit_code ? *exit_code : report("demo stream", exit_code.failure());
}

}  // namespace p2c2r::cli
