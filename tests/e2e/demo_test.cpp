// The demonstrations and benches with small numbers: what they write and count. Their bars are
// about time and are not asserted here.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

#include "cli/files.h"
#include "cli/picture.h"
#include "cli/stream_report.h"
#include "support/program.h"

using namespace p2c2r::test;
using nlohmann::json;

TEST_CASE("demo: one process writes frames before and after and a contact sheet") {
    Workplace here;
    const Ran ran = here.run({"demo", "--data", photograph(), "--out", here.path("demo")});
    CAPTURE(ran.error);
    CHECK(ran.exit_code == 0);
    CHECK(p2c2r::cli::list_files(here.path("demo/before"))->size() == 12);
    const auto after = p2c2r::cli::list_files(here.path("demo/after"));
    REQUIRE(after->size() == 12);
    const auto size = p2c2r::cli::picture_size(here.read("demo/after/" + after->front()));
    REQUIRE(size);
    CHECK(size->width == 1920);
    CHECK(here.read("demo/contact_sheet.png").starts_with("\x89PNG"));
}

TEST_CASE("demo ai_pathfinding: a picture of the ways and how many there are") {
    Workplace here;
    const Ran ran = here.run({"demo", "ai_pathfinding", "--out", here.path("demo")});
    CAPTURE(ran.error);
    CHECK(ran.exit_code == 0);
    CHECK(ran.out.find("60 of 60 agents reach the goal") != std::string::npos);
    const auto size = p2c2r::cli::picture_size(here.read("demo/paths.png"));
    REQUIRE(size);
    CHECK(size->width == 1304);  // the map's 1280 x 720 and what is written around it
    CHECK(size->height == 804);
    const std::string map = here.write("m.map", "type octile\nheight 2\nwidth 3\nmap\n..@\n@..\n");
    const Ran small = here.run({"demo", "ai_pathfinding", "--data", map, "--out", here.path("s")});
    CHECK(small.exit_code == 0);
    CHECK(small.out.find("across the map: 3.00 cells by jps") != std::string::npos);
    const std::string no_map = here.write("x.map", "no");
    CHECK(here.run({"demo", "ai_pathfinding", "--data", no_map}).exit_code == 2);
}

TEST_CASE("demo stream: no frame is lost though a peer is killed and it comes back") {
    Workplace here;
    const std::string frames = make_frames(here, "frames", 40, 320, 180);
    // Native in place of Vulkan: a machine without a driver runs this test as well.
    const Ran ran = here.run({"demo", "stream", frames, "--out", here.path("out"), "--output-res",
                              "640x360", "--deadline-ms", "20000", "--vulkan-device", "native",
                              "--camera", "--frames", "6"});
    CAPTURE(ran.error);
    CAPTURE(ran.out);
    CHECK(ran.exit_code == 0);
    CHECK(p2c2r::cli::list_files(here.path("out/after"))->size() == 40);
    CHECK(ran.out.find("killed (SIGKILL)") != std::string::npos);
    CHECK(ran.out.find("started again") != std::string::npos);
    const std::string page = here.read("out/report.html");
    CHECK(page.find("40 of 40 frames in time, 0 late, 0 lost") != std::string::npos);
    CHECK(page.find("A moving camera: ") != std::string::npos);
    CHECK(p2c2r::cli::list_files(here.path("out/camera/after"))->size() == 6);
    CHECK(page.find("<script") == std::string::npos);
    CHECK(page.find("http") == std::string::npos);  // nothing from elsewhere
}

TEST_CASE(
    "demo camera: the scene stays, a frame sends its camera, and the layers change the picture") {
    Workplace here;
    const Ran ran = here.run({"demo", "camera", "--out", here.path("out"), "--frames", "6",
                              "--resolution", "160x90", "--deadline-ms", "20000", "--rate", "20"});
    CAPTURE(ran.error);
    CAPTURE(ran.out);
    CHECK(ran.exit_code == 0);
    CHECK(ran.out.find("(bar: mean below 1000, holds)") != std::string::npos);
    CHECK(ran.out.find("frames shown without layers              0\n") != std::string::npos);
    REQUIRE(p2c2r::cli::list_files(here.path("out/before"))->size() == 6);
    REQUIRE(p2c2r::cli::list_files(here.path("out/after"))->size() == 6);
    CHECK(here.read("out/before/frame_003.png") != here.read("out/after/frame_003.png"));
    const std::string page = here.read("out/report.html");
    CHECK(page.find("6 of 6 frames in time, 0 late, 0 lost") != std::string::npos);
    CHECK(page.find("http") == std::string::npos);
    CHECK(here.run({"demo", "camera", "--resolution", "8x8"}).exit_code == 2);
    CHECK(here.run({"demo", "camera", "--frames", "1"}).exit_code == 2);
}

TEST_CASE("demo stream: a source that is neither picture nor frames is a usage error") {
    Workplace here;
    CHECK(here.run({"demo", "stream", here.path("none"), "--out", here.path("o")}).exit_code == 2);
    CHECK(here.run({"demo", "stream", here.write("x.jpg", "no"), "--out", here.path("o")})
              .exit_code == 2);
    CHECK(here.run({"demo", "stream", "--output-res", "big"}).exit_code == 2);
}

namespace {

// The last line of a bench with rows, which has to agree with the exit code; its rows by their
// name.
std::map<std::string, json> rows_of(const Ran& ran) {
    CAPTURE(ran.out);
    CAPTURE(ran.error);
    REQUIRE_FALSE(lines_of(ran.out).empty());
    const json summary = json::parse(lines_of(ran.out).back());
    CHECK((ran.exit_code == 0) == summary["pass"].get<bool>());
    std::map<std::string, json> rows;
    bool missed = false;
    for (const json& row : summary["rows"]) {
        rows[row["row"]] = row;
        missed = missed || row["verdict"] == "missed";
    }
    CHECK(missed == !summary["pass"].get<bool>());
    return rows;
}

}  // namespace

TEST_CASE("bench failover: kills and restarts peers and loses no task") {
    Workplace here;
    const Ran ran = here.run({"bench", "failover", "--row", "killed", "--rounds", "3", "--json"});
    const json row = rows_of(ran)["killed"];
    CHECK(row["rounds"] == 3);
    CHECK(row["samples"] >= 3);
    CHECK(row["lost"] == 0);
    CHECK(row["p50_us"] <= row["p99_us"]);
    CHECK(here.run({"bench", "failover", "--peers", "1"}).exit_code == 2);
    const Ran wrong = here.run({"bench", "failover", "--row", "slow"});
    CHECK(wrong.exit_code == 2);
    CHECK(wrong.error.find("'slow' is none of killed, silent, ") != std::string::npos);
}

TEST_CASE(
    "bench failover: silences peers in namespaces, or says why it does not, and loses no task") {
    Workplace here;
    const json row = rows_of(
        here.run({"bench", "failover", "--row", "silent", "--rounds", "2", "--json"}))["silent"];
    if (row["verdict"] == "skipped") {
        CHECK_FALSE(row["why"].get<std::string>().empty());
        MESSAGE("skipped: " << row["why"].get<std::string>());
        return;
    }
    CHECK(row["rounds"] == 2);
    CHECK(row["samples"] >= 2);
    CHECK(row["lost"] == 0);
}

TEST_CASE("bench failover: counts deadlines while peers die, and deaths over lines that jitter") {
    Workplace here;
    const auto run = [&](const char* name) {
        return rows_of(
            here.run({"bench", "failover", "--row", name, "--seconds", "2", "--json"}))[name];
    };
    const json deadlines = run("deadlines-killed");
    CHECK(deadlines["broken"] == 1);
    CHECK(deadlines["tasks"] > 100);
    CHECK(deadlines["missed"] <= deadlines["tasks"]);
    const json jitter = run("jitter");
    CHECK(jitter["tasks"] > 50);
    CHECK(jitter["peers_failed"] == 0);
}

TEST_CASE("bench overload: tells of goodput, refusals, late starts and recovery") {
    Workplace here;
    auto rows = rows_of(here.run({"bench", "overload", "--seconds", "1", "--json"}));
    CHECK(rows.size() == 4);
    CHECK(rows["goodput"]["peak"] > 0);
    CHECK(rows["goodput"]["asked"] > 100);
    CHECK(rows["late starts"]["started"] > 100);
    CHECK(rows["recovery"]["normal_p99_us"] > 0);
    CHECK(rows.count("refusals") == 1);
    CHECK(here.run({"bench", "overload", "--seconds", "0"}).exit_code == 2);
}

TEST_CASE("bench fairness: tells how nine gamers fare beside a tenth that floods") {
    Workplace here;
    auto rows = rows_of(here.run({"bench", "fairness", "--seconds", "1", "--json"}));
    CHECK(rows.size() == 3);
    CHECK(rows["success of others"]["worst"] >= 0);
    CHECK(rows["p99 of others"]["alone_p99_us"] > 0);
    CHECK(rows["share error"]["got"].size() == 10);
    CHECK(rows["share error"]["fair"] > 0);
}

TEST_CASE("bench roundtrip: sums up whole frames and their parts") {
    Workplace here;
    const Ran ran = here.run({"bench", "roundtrip", "--frames", "4", "--json"});
    CAPTURE(ran.out);
    CAPTURE(ran.error);
    REQUIRE_FALSE(lines_of(ran.out).empty());
    const json summary = json::parse(lines_of(ran.out).back());
    CHECK(summary["frames"] == 4);
    CHECK(summary["parts_p50_us"] > 0);
    CHECK(summary["round_p50_us"] >= summary["parts_p50_us"]);
    CHECK((ran.exit_code == 0) == summary["pass"].get<bool>());
}

TEST_CASE(
    "bench kernels: a frame of each type, its bytes and equal answers on one and two threads") {
    Workplace here;
    const Ran ran = here.run({"bench", "kernels", "--small", "--device", "native", "--json"});
    CAPTURE(ran.out);
    CAPTURE(ran.error);
    CHECK(ran.exit_code == 0);
    REQUIRE_FALSE(lines_of(ran.out).empty());
    const json summary = json::parse(lines_of(ran.out).back());
    CHECK(summary["pass"] == true);
    CHECK(summary["device"] == "native");
    std::set<std::string> types;
    for (const json& frame : summary["frames"]) {
        CAPTURE(frame.dump());
        types.insert(frame["type"]);
        CHECK(frame["native_1_ms"] > 0);
        CHECK(frame["bytes_up"] > 0);
        CHECK(frame["equal"] == true);
        CHECK_FALSE(frame.contains("vulkan_ms"));
        if (frame["frame"] == "160x90 x 1.5, lanczos, raw") {
            CHECK(frame["bytes_up"] >= 160 * 90 * 3);
            CHECK(frame["bytes_down"] >= 240 * 135 * 3);
        }
    }
    CHECK(types == std::set<std::string>{"upscale", "raytracing", "rt_shadows", "rt_reflections",
                                         "rt_global_illumination", "physics", "ai_pathfinding"});
    CHECK(here.run({"bench", "kernels", "--small", "--type", "abacus"}).exit_code == 2);
    CHECK(here.run({"bench", "kernels", "--device", "abacus"}).exit_code == 2);
}

TEST_CASE("bench kernels: what a Vulkan device leaves to the processor has no time there") {
    Workplace here;
    if (!has_vulkan_device(here)) {
        MESSAGE("skipped: no Vulkan device on this machine");
        return;
    }
    const Ran ran = here.run({"bench", "kernels", "--small", "--type", "ai_pathfinding", "--device",
                              "vulkan", "--json"});
    CAPTURE(ran.out);
    CAPTURE(ran.error);
    CHECK(ran.exit_code == 0);
    REQUIRE_FALSE(lines_of(ran.out).empty());
    const json summary = json::parse(lines_of(ran.out).back());
    CHECK(summary["device"] == "vulkan:0");
    size_t searches = 0;
    size_t fields = 0;
    for (const json& frame : summary["frames"]) {
        CAPTURE(frame.dump());
        const std::string name = frame["frame"];
        const bool search = name.ends_with("astar") || name.ends_with("jps");
        CHECK(frame.contains("vulkan_ms") != search);
        CHECK(frame["equal"] == true);
        ++(search ? searches : fields);
    }
    CHECK(searches == 2);
    CHECK(fields == 2);
    for (const std::string& line : lines_of(ran.out)) {
        if (line.find("across, astar") == std::string::npos || line.front() == '{') continue;
        CHECK(line.find(" -  ") != std::string::npos);
    }
}

TEST_CASE("stream report: counts frames in time and late and lost and escapes names") {
    using namespace p2c2r::cli;
    StreamFacts facts;
    facts.title = "a <b> & c";
    facts.rate = 30;
    facts.deadline_us = 1000;
    const auto task = [](const char* status, bool late, int total, int attempts) {
        return json({{"name", "<x>"},
                     {"status", status},
                     {"late", late},
                     {"total_us", total},
                     {"queue_us", 1},
                     {"processing_us", total / 2},
                     {"network_us", 1},
                     {"attempts", attempts},
                     {"source", "peer"}});
    };
    facts.stream = {
        {"tasks",
         {task("OK", false, 900, 1), task("OK", true, 2000, 2), task("E_DEADLINE", false, 0, 3)}},
        {"wall_us", 1'000'000},
        {"bytes_up", 10},
        {"bytes_down", 20}};
    facts.status = {{"utilisation", 0.5}};
    facts.events = {{500'000, "peer <1> killed"}};
    const StreamFigures figures = figures_of(facts);
    CHECK(figures.in_time == 1);
    CHECK(figures.late == 1);
    CHECK(figures.lost == 1);
    CHECK(figures.retried == 1);
    CHECK(figures.frames_per_second == doctest::Approx(2));
    CHECK(figures.total_p99_us == 2000);
    CHECK(figures.overhead == doctest::Approx(0.5));
    const std::string page = report_html(facts, "jpeg");
    CHECK(page.find("a &lt;b&gt; &amp; c") != std::string::npos);
    CHECK(page.find("peer &lt;1&gt; killed") != std::string::npos);
    CHECK(page.find("<b>") == std::string::npos);
}
