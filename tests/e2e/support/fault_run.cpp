#include "fault_run.h"

#include <set>

#include "raw_socket_posix.h"

namespace p2c2r::test {

using nlohmann::json;

namespace {

constexpr uint32_t kInputWidth = 96;
constexpr uint32_t kInputHeight = 54;
constexpr size_t kDigestLine = 71;  // "sha256 " and 64 digits

std::string url_at(uint32_t port) {
    return "p2c2r+plain://127.0.0.1:" + std::to_string(port);
}

// Request lines: the same picture, enlarged to a size of its own for each task, so that no answer
// is another one's.
std::string request_lines(const std::string& picture, const Workload& workload) {
    std::string lines;
    for (size_t i = 0; i < workload.count; ++i) {
        lines += json{{"id", i},
                      {"data", picture},
                      {"input_res", {kInputWidth, kInputHeight}},
                      {"output_res", {workload.width + i, workload.width * 9 / 16}},
                      {"output_format", "raw"}}
                     .dump() +
                 "\n";
    }
    return lines;
}

// Runs its arguments, and ends them when its standard input ends: with whoever started it, however
// that happens.
constexpr const char* kEndsWithInput =
    "exec 3<&0; \"$@\" </dev/null & child=$!; (cat <&3 >/dev/null; kill -9 $child) 2>/dev/null & "
    "wait $child; code=$?; kill $! 2>/dev/null; exit $code";

std::string drawn_picture() {
    std::string pixels;
    for (uint32_t i = 0; i < kInputWidth * kInputHeight * 3; ++i) {
        pixels += static_cast<char>(i * i / 7 + i);
    }
    return pixels;
}

}  // namespace

FaultCluster::FaultCluster(const std::vector<std::string>& peer_plans,
                           const std::string& gamer_plan)
    : coordinator(here.coordinator()) {
    const uint32_t port = port_of_url(coordinator.url);
    for (size_t i = 0; i < peer_plans.size(); ++i) {
        uint32_t peer_port = port;
        links.push_back(nullptr);
        if (!peer_plans[i].empty()) {
            links.back() = std::make_unique<FaultProxy>(port, peer_plans[i], i + 1);
            peer_port = links.back()->port();
        }
        peers.push_back(here.peer(url_at(peer_port), "peer-" + std::to_string(i + 1)));
    }
    gamer_link = std::make_unique<FaultProxy>(port, gamer_plan, 77);
    gamer_link->set_witness([this](uint32_t connection, Way way, std::string_view bytes) {
        if (way == Way::kDown) delivered.take(connection, bytes);
    });
    REQUIRE(wait_for_peers(here, coordinator.url, peer_plans.size()));
}

FaultRun::FaultRun(const Workplace& here, const Workload& workload, uint32_t gamer_port)
    : here_(here), workload_(workload) {
    const std::string picture = here.write("picture.raw", drawn_picture());
    const std::string requests = here.write("requests.jsonl", request_lines(picture, workload));
    cli::Process::Options options;
    options.output_file = here.path("gamer.out");
    options.error_file = here.path("gamer.err");
    options.without = "P2C2R_";
    options.ends_with_us = true;
    auto started = cli::Process::start("/bin/sh",
                                       {"-c",
                                        kEndsWithInput,
                                        "gamer",
                                        P2C2R_PROGRAM,
                                        "submit",
                                        "upscale",
                                        "--coordinator",
                                        url_at(gamer_port),
                                        "--requests",
                                        requests,
                                        "--digest",
                                        "--json",
                                        "--quiet",
                                        "--remote-only",
                                        "--deadline-ms",
                                        std::to_string(workload.deadline_ms),
                                        "--in-flight",
                                        std::to_string(workload.in_flight),
                                        "--stream-report",
                                        here.path("report.json")},
                                       options);
    REQUIRE(started);
    gamer_ = std::move(*started);
}

void FaultRun::finish(const DeliveryCount* witness) {
    const int exit_code = gamer_.wait(kPatienceUs);
    CAPTURE(here_.read("gamer.err"));
    REQUIRE((exit_code == 0 || exit_code == 1));
    report_ = json::parse(here_.read("report.json"));
    const json& tasks = report_["tasks"];
    const std::vector<std::string> said = lines_of(here_.read("gamer.out"));
    const std::vector<std::string> known =
        lines_of(here_
                     .run({"exec", "upscale", "--requests", here_.path("requests.jsonl"),
                           "--digest", "--device", "native", "--quiet"})
                     .out);
    REQUIRE(known.size() == workload_.count);
    REQUIRE(tasks.size() == workload_.count);
    std::vector<std::string> digests;
    std::set<size_t> ended;
    for (const std::string& line : said) {
        if (line.starts_with("sha256 ")) {
            digests.push_back(line.substr(0, kDigestLine));
        } else {
            CHECK(ended.insert(json::parse(line)["id"].get<size_t>()).second);
        }
    }
    CHECK(ended.size() == workload_.count);
    size_t next = 0;
    for (size_t i = 0; i < tasks.size(); ++i) {
        const json& task = tasks[i];
        CAPTURE(task.dump());
        CHECK(task["status"] != "PENDING");
        CHECK(task["attempts"] <= kAttemptsMost);
        CHECK(task["total_us"] <= workload_.deadline_ms * 1000 + kSlackUs);
        if (task["status"] != "OK") continue;
        REQUIRE(next < digests.size());
        CHECK(digests[next++] == known[i].substr(0, kDigestLine));
    }
    CHECK(next == digests.size());
    if (!witness) return;
    CHECK_FALSE(witness->broken());
    for (const auto& word : witness->last_words()) {
        CHECK_MESSAGE(word.second == 1, "task " << word.first << " was told of more than once");
    }
}

void FaultRun::finish_whole(const DeliveryCount* witness) {
    finish(witness);
    CHECK(report_["succeeded"] == workload_.count);
    for (const json& task : report_["tasks"]) CHECK_MESSAGE(task["status"] == "OK", task.dump());
    if (witness) CHECK(witness->last_words().size() == workload_.count);
}

void check_books(const Workplace& here, const std::string& url, size_t completed) {
    const json status = status_of(here, url);
    REQUIRE(status.is_object());
    CHECK(status["completed_tasks"] == completed);
    CHECK(status["pending_tasks"] == 0);
    CHECK(status["failed_tasks"] == 0);
}

}  // namespace p2c2r::test
