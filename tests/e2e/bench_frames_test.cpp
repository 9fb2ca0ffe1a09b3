// `p2c2r bench frames` with small numbers: what misbehaves does, what it says is so, and nothing of
// it is left behind. Its bars are about time and are not asserted here.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "cli/network_star_posix.h"
#include "support/program.h"

using namespace p2c2r::test;
using nlohmann::json;

namespace {

std::string file_text(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

// By process: its network namespace.
std::map<std::string, std::string> networks_below(int process) {
    std::map<std::string, std::string> networks;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string id = entry.path().filename();
        if (id.find_first_not_of("0123456789") != std::string::npos) continue;
        // "12 (its name) S 11 ...": the name may hold anything, the parent is the second behind it.
        const std::string stat = file_text("/proc/" + id + "/stat");
        std::istringstream behind(stat.substr(std::min(stat.size(), stat.rfind(')') + 1)));
        std::string state;
        int parent = 0;
        if (!(behind >> state >> parent) || parent != process) continue;
        std::error_code gone;
        const auto space = std::filesystem::read_symlink("/proc/" + id + "/ns/net", gone);
        if (!gone) networks[id] = space.string();
    }
    return networks;
}

// Does what it sends get nowhere? A blackhole is a route without a device. Nothing: it has gone.
std::optional<bool> is_in_blackhole(const std::string& process) {
    const std::vector<std::string> lines = lines_of(file_text("/proc/" + process + "/net/route"));
    if (lines.empty()) return std::nullopt;  // they begin with a head
    return std::any_of(lines.begin(), lines.end(),
                       [](const std::string& line) { return line.starts_with("*"); });
}

// Asked of the machine by the same door as the bench.
bool has_namespaces() {
    const auto made = p2c2r::cli::NetworkSpace::make();
    if (!made) MESSAGE("skipped: " << made.failure().text);
    return static_cast<bool>(made);
}

json last_line(const std::string& out) {
    const std::vector<std::string> lines = lines_of(out);
    REQUIRE_FALSE(lines.empty());
    return json::parse(lines.back());
}

}  // namespace

TEST_CASE("bench frames: every frame of a game is pulled and judged while peers misbehave") {
    Workplace here;
    const Ran ran =
        // Of four faults a blackhole is the first with this seed.
        here.run(
            {"bench", "frames", "--calm-seconds", "1", "--seconds", "3", "--seed", "3", "--json"});
    CAPTURE(ran.out);
    CAPTURE(ran.error);
    const json summary = last_line(ran.out);
    CHECK(summary["whole"]["frames"] == 60);
    const json& faulty = summary["faulty"];
    CHECK(faulty["frames"] == 180);
    CHECK(faulty["own"].get<int>() + faulty["previous"].get<int>() + faulty["none"].get<int>() ==
          180);
    CHECK(summary["kills"].get<int>() + summary["freezes"].get<int>() +
              summary["slows"].get<int>() + summary["blackholes"].get<int>() >
          0);
    const bool has_lines = has_namespaces();
    CHECK((summary["blackholes"] >= 1) == has_lines);
    CHECK((summary["blackholes_skipped"] == "") == has_lines);
    CHECK((ran.exit_code == 0) == summary["pass"].get<bool>());
    CHECK(here.run({"bench", "frames", "--peers", "1"}).exit_code == 2);
}

TEST_CASE("bench frames: what a peer sends gets nowhere for a while, and then does again") {
    if (!has_namespaces()) return;
    Workplace here;
    auto bench = here.start(
        {"bench", "frames", "--calm-seconds", "1", "--seconds", "60", "--seed", "3"}, "error");
    std::set<std::string> silent;
    bool heard_again = false;
    CHECK(wait_until([&] {
        for (const auto& [process, network] : networks_below(bench.id())) {
            const std::optional<bool> is_silent = is_in_blackhole(process);
            if (is_silent == true) silent.insert(process);
            if (is_silent == false && silent.count(process) == 1) heard_again = true;
        }
        return heard_again || !bench.running();
    }));
    CHECK(heard_again);
    CHECK(bench.stop(kStopUs) == 1);
}

TEST_CASE("bench frames: a signal ends it, its processes and their namespaces") {
    Workplace here;
    const bool has_lines = has_namespaces();
    for (const int number : {SIGINT, SIGTERM}) {
        const std::string said = "error" + std::to_string(number);
        auto bench = here.start(
            {"bench", "frames", "--calm-seconds", "1", "--seconds", "60", "--seed", "3"}, said);
        std::map<std::string, std::string> below;
        // A coordinator and five peers; what makes namespaces comes and goes before. One of the two
        // signals comes as soon as they are there, the other one while packets vanish.
        const bool comes_late = number == SIGTERM && has_lines;
        REQUIRE(wait_until([&] {
            below = networks_below(bench.id());
            bool is_time = !comes_late;
            for (const auto& peer : below) is_time |= is_in_blackhole(peer.first) == true;
            return (below.size() == 6 && is_time) || !bench.running();
        }));
        bench.signal(number);
        CHECK(bench.wait(kPatienceUs) == 1);
        CHECK(here.read(said).find("p2c2r bench frames: stopped\n") != std::string::npos);
        std::set<std::string> networks;
        for (const auto& [process, network] : below) {
            networks.insert(network);
            // A namespace without a name lasts as long as a process in it.
            CHECK_FALSE(std::filesystem::exists("/proc/" + process));
        }
        CHECK(networks.size() == (has_lines ? 6 : 1));
    }
}

TEST_CASE("bench frames: without namespaces it says why no peer falls silent, and does the rest") {
    Workplace here;
    std::vector<std::string> words = {P2C2R_PROGRAM, "--version"};
    if (geteuid() == 0) {
        for (const char* word :
             {"--clear-groups", "--regid=65534", "--reuid=65534", "/usr/bin/setpriv"}) {
            words.insert(words.begin(), word);
        }
    }
    const auto run = [&] {
        // Whoever that is, nothing of root's is its own to read.
        return here.run_other(words.front(), {words.begin() + 1, words.end()},
                              {"HOME=/nonexistent"});
    };
    if (run().exit_code != 0) {
        MESSAGE("skipped: nobody but root can run " P2C2R_PROGRAM);
        return;
    }
    words.pop_back();
    words.insert(words.end(),
                 {"bench", "frames", "--calm-seconds", "1", "--seconds", "1", "--json"});
    const Ran ran = run();
    CAPTURE(ran.error);
    CAPTURE(ran.out);
    const json summary = last_line(ran.out);
    CHECK(summary["blackholes"] == 0);
    const std::string why = summary["blackholes_skipped"];
    CHECK(why.starts_with("network namespaces need root; this is user "));
    CHECK(ran.out.find("blackholes are skipped: " + why) != std::string::npos);
    CHECK(summary["faulty"]["frames"] == 60);
    CHECK(summary["freezes"] >= 1);
}
