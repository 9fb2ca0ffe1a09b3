// path_bench: our path searches beside Boost.Graph's astar_search in the same run, one thread.
//
// The maps: the MovingAI ones of the data set with their scenarios, and one of 1024 x 1024 with
// random walls. The rule is octile without cut corners. Ours and Boost's graph are made before the
// clock runs; a query is a search and its path as a list. The contestants take turns for several
// rounds and the fastest round of each counts, in processor time. For 1 000 agents with one goal
// ours is one flow field and 1 000 paths along it, Boost's 1 000 queries.
//
// Ends with one line of JSON; exit status 0 when the bars hold: a query by our A* <= 0.2 x Boost's,
// 1 000 agents <= 0.02 x. With a folder that has the npm package `pathfinding` in node_modules,
// PathFinding.js joins in, and our jps <= 0.5 x its JumpPointFinder is a bar too.
//
// Usage: path_bench [FOLDER]  (npm install --prefix FOLDER pathfinding)
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "bench_row.h"
#include "core/prng.h"
#include "gpu/compute.h"
#include "kernels/path_field.h"
#include "kernels/path_gpu.h"
#include "kernels/path_search.h"
#include "path_peers.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

using bench::processor_ms;

constexpr double kQueryBar = 0.2;
constexpr double kQueryGoal = 0.1;
constexpr double kAgentsBar = 0.02;
constexpr double kScriptBar = 0.5;
constexpr int kAgents = 1000;

struct Query {
    PathCell start;
    PathCell goal;
};

struct Course {
    std::string name;
    PathGrid grid;
    std::vector<Query> queries;
    int rounds = 1;
    std::string map_file;  // for PathFinding.js
    std::string scenario_file;
};

std::string data_folder() {
    const char* given = std::getenv("P2C2R_DATA");
    return given ? given : P2C2R_SOURCE_DIR "/../shared/data";
}

// A map and its scenarios in the MovingAI form; no queries when they are not there.
Course read_course(const std::string& name) {
    Course course;
    course.name = name;
    course.rounds = 40;
    course.map_file = data_folder() + "/path/" + name + ".map";
    course.scenario_file = course.map_file + ".scen";
    std::ifstream map(course.map_file);
    std::string word;
    uint32_t height = 0;
    uint32_t width = 0;
    map >> word >> word >> word >> height >> word >> width >> word;
    if (!map || width == 0 || height == 0) return course;
    course.grid = PathGrid(width, height);
    for (int32_t y = 0; y < static_cast<int32_t>(height); ++y) {
        map >> word;
        for (int32_t x = 0; x < static_cast<int32_t>(width); ++x) {
            const char letter = word[static_cast<size_t>(x)];
            if (letter != '.' && letter != 'G') course.grid.block({x, y});
        }
    }
    std::ifstream scenarios(course.scenario_file);
    std::string line;
    while (std::getline(scenarios, line)) {
        std::istringstream fields(line);
        std::string bucket, file;
        uint32_t sides[2];
        Query query;
        if (fields >> bucket >> file >> sides[0] >> sides[1] >> query.start.x >> query.start.y >>
            query.goal.x >> query.goal.y) {
            course.queries.push_back(query);
        }
    }
    return course;
}

PathCell free_cell(const PathGrid& grid, Prng& prng) {
    for (;;) {
        const PathCell cell{static_cast<int32_t>(prng.below(grid.width())),
                            static_cast<int32_t>(prng.below(grid.height()))};
        if (!grid.blocked(cell)) return cell;
    }
}

Course random_course() {
    Course course;
    course.name = "random 1024";
    course.rounds = 2;
    course.grid = PathGrid(1024, 1024);
    Prng prng(1);
    for (int32_t y = 0; y < 1024; ++y) {
        for (int32_t x = 0; x < 1024; ++x) {
            if (prng.chance(0.2)) course.grid.block({x, y});
        }
    }
    for (int i = 0; i < 20; ++i) {
        const PathCell start = free_cell(course.grid, prng);
        course.queries.push_back({start, free_cell(course.grid, prng)});
    }
    return course;
}

struct Contestant {
    std::string name;
    std::function<double()> run;  // the sum of the lengths
    double best_ms = 1e18;
    double lengths = 0;
};

void measure(std::vector<Contestant>& contestants, int rounds) {
    for (int round = 0; round < rounds; ++round) {
        for (Contestant& contestant : contestants) {
            const double start = processor_ms();
            contestant.lengths = contestant.run();
            contestant.best_ms = std::min(contestant.best_ms, processor_ms() - start);
        }
    }
}

bool print(const std::vector<Contestant>& rows, const std::string& what, size_t count) {
    std::printf("%s\n", what.c_str());
    bool equal = true;
    for (const Contestant& row : rows) {
        const bool same =
            std::abs(row.lengths - rows.back().lengths) <= 1e-7 * std::abs(rows.back().lengths);
        equal = equal && same;
        std::printf("  %-28s %10.3f ms  %9.2f us each  %7.4f x %s%s\n", row.name.c_str(),
                    row.best_ms, row.best_ms * 1000 / static_cast<double>(count),
                    row.best_ms / rows.back().best_ms, rows.back().name.c_str(),
                    same ? "" : "  LENGTHS DIFFER");
    }
    return equal;
}

struct Verdict {
    bench::BenchRow astar, jps;  // beside Boost's, in us a query
    double jps_ms = 0;           // all queries
    bool equal = false;
};

bench::BenchRow query_row(const Course& course, PathAlgorithm algorithm, const Contestant& ours,
                          const Contestant& boost) {
    const auto count = static_cast<double>(course.queries.size());
    PathQuery query;
    query.rule = PathRule::kOctile;
    query.algorithm = algorithm;
    PathScratch scratch[2];
    // As often as makes starting a thread too short to be seen.
    const int times = std::clamp(static_cast<int>(20 / ours.best_ms), 1, 400);
    const double two_ms =
        bench::two_threads_ms(5,
                              [&](size_t thread) {
                                  for (int i = 0; i < times; ++i) {
                                      for (const Query& each : course.queries) {
                                          (void)find_path(course.grid, query, each.start, each.goal,
                                                          scratch[thread]);
                                      }
                                  }
                              }) /
        times;
    bench::BenchRow row{std::string("path ") + path_algorithm_name(algorithm) + ", " + course.name,
                        "us", ours.best_ms * 1000 / count, two_ms * 1000 / count};
    row.peer = boost.name;
    row.peer_value = boost.best_ms * 1000 / count;
    row.ratio = ours.best_ms / boost.best_ms;
    return row;
}

Verdict run_queries(const Course& course, PathScratch& scratch) {
    bench::BoostGrid boost(course.grid);
    std::vector<Contestant> rows;
    for (const PathAlgorithm algorithm :
         {PathAlgorithm::kAstar, PathAlgorithm::kJps, PathAlgorithm::kDijkstra}) {
        PathQuery query;
        query.rule = PathRule::kOctile;
        query.algorithm = algorithm;
        rows.push_back(
            {std::string("ours, ") + path_algorithm_name(algorithm), [&, query] {
                 double sum = 0;
                 for (const Query& each : course.queries) {
                     sum +=
                         find_path(course.grid, query, each.start, each.goal, scratch).distance();
                 }
                 return sum;
             }});
    }
    rows.push_back({"Boost astar_search", [&] {
                        double sum = 0;
                        for (const Query& each : course.queries) {
                            sum += boost.query(each.start, each.goal);
                        }
                        return sum;
                    }});
    measure(rows, course.rounds);
    Verdict verdict;
    verdict.equal =
        print(rows, course.name + ", " + std::to_string(course.queries.size()) + " queries",
              course.queries.size());
    verdict.astar = query_row(course, PathAlgorithm::kAstar, rows[0], rows.back());
    verdict.astar.must = kQueryBar;
    verdict.astar.goal = kQueryGoal;
    verdict.jps = query_row(course, PathAlgorithm::kJps, rows[1], rows.back());
    verdict.jps_ms = rows[1].best_ms;
    return verdict;
}

// 1 000 agents and one goal; `sample` of Boost's queries are run and counted for all.
bench::BenchRow run_agents(const Course& course, int sample, int rounds, PathScratch& scratch,
                           bool& equal) {
    Prng prng(2);
    const PathCell goal = course.queries.front().goal;
    std::vector<PathCell> starts;
    for (int i = 0; i < kAgents; ++i) starts.push_back(free_cell(course.grid, prng));
    bench::BoostGrid boost(course.grid);
    PathQuery query;
    query.rule = PathRule::kOctile;
    query.algorithm = PathAlgorithm::kFlowField;
    double boost_sample = 0;
    std::vector<Contestant> rows;
    const auto crowd = [&](PathScratch& with) {
        uint64_t reached = 0;
        search_field(course.grid, query, goal, with, reached);
        double sum = 0;
        FlowField field(course.grid, query.rule, with);
        for (int i = 0; i < kAgents; ++i) {
            const PathAnswer answer = field.follow(starts[static_cast<size_t>(i)]);
            if (i < sample) sum += answer.distance();
        }
        return sum;
    };
    rows.push_back({"ours, flow_field", [&] { return crowd(scratch); }});
    rows.push_back({"Boost astar_search", [&] {
                        boost_sample = 0;
                        for (int i = 0; i < sample; ++i) {
                            boost_sample += boost.query(starts[static_cast<size_t>(i)], goal);
                        }
                        return boost_sample;
                    }});
    measure(rows, rounds);
    rows[1].best_ms *= static_cast<double>(kAgents) / sample;
    equal = print(rows,
                  course.name + ", 1000 agents to one goal (" + std::to_string(sample) +
                      " of Boost's run)",
                  kAgents) &&
            equal;
    bench::BenchRow row{"path flow_field, 1000 agents, " + course.name, "ms", rows[0].best_ms};
    PathScratch scratches[2];
    row.two = bench::two_threads_ms(10, [&](size_t thread) { crowd(scratches[thread]); });
    row.peer = "Boost astar_search x 1000";
    row.peer_value = rows[1].best_ms;
    row.ratio = row.one / row.peer_value;
    row.must = row.goal = kAgentsBar;
    return row;
}

// The whole field of directions, native and on every Vulkan device with its copies, by the wall
// clock, for information.
bench::BenchRow run_fields(const Course& course, PathScratch& scratch) {
    using bench::wall_ms;
    const PathCell goal = course.queries.front().goal;
    std::vector<uint8_t> native(size_t{course.grid.width()} * course.grid.height());
    PathQuery query;
    query.rule = PathRule::kOctile;
    const auto compute = [&](PathScratch& with, std::vector<uint8_t>& field) {
        uint64_t reached = 0;
        search_field(course.grid, query, goal, with, reached);
        FlowField(course.grid, query.rule, with).write(field.data());
    };
    bench::BenchRow row{"path field, " + course.name, "ms", 1e18};
    for (int round = 0; round < 3; ++round) {
        const double start = wall_ms();
        compute(scratch, native);
        row.one = std::min(row.one, wall_ms() - start);
    }
    PathScratch scratches[2];
    std::vector<uint8_t> fields[2] = {native, native};
    row.two = bench::two_threads_ms(
        3, [&](size_t thread) { compute(scratches[thread], fields[thread]); });
    std::printf("%s, the whole field\n  native %43s %10.3f ms\n", course.name.c_str(), "", row.one);
    const Result<std::unique_ptr<gpu::Devices>> devices = gpu::Devices::open({});
    if (!devices) {
        std::printf("  Vulkan: %s\n", devices.error().text.c_str());
        return row;
    }
    for (size_t i = 0; i < (*devices)->list().size(); ++i) {
        const gpu::DeviceInfo& info = (*devices)->list()[i];
        const Result<std::shared_ptr<gpu::Device>> device = (*devices)->device(i);
        if (!device) continue;
        const Result<std::unique_ptr<PathGpu>> path = PathGpu::create(*device);
        if (!path) continue;
        std::vector<uint8_t> field(native.size());
        double best_ms = 1e18;
        for (int round = 0; round < (info.software ? 1 : 5); ++round) {
            const double start = wall_ms();
            const Result<Done> done = (*path)->run(course.grid, query.rule, goal, field.data());
            if (done) best_ms = std::min(best_ms, wall_ms() - start);
        }
        std::printf("  vulkan:%zu %-40s %10.3f ms, bytes %s\n", i, info.name.c_str(), best_ms,
                    field == native ? "equal" : "DIFFER");
        row.equal = row.equal && field == native;
        if (i > 0) continue;
        row.vulkan = best_ms;
        row.device = info.name;
    }
    return row;
}

// Milliseconds of PathFinding.js for all queries, without its copies of the grid; 0: it is not
// there.
double run_script(const Course& course, const std::string& folder) {
    const std::string command = "node " P2C2R_SOURCE_DIR "/tests/bench/path_peer.js '" + folder +
                                "' '" + course.map_file + "' '" + course.scenario_file + "'";
    FILE* const pipe = popen(command.c_str(), "r");
    if (!pipe) return 0;
    double ms = 0;
    if (std::fscanf(pipe, "%lf", &ms) != 1) ms = 0;
    pclose(pipe);
    return ms;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<Course> courses;
    courses.push_back(read_course("arena"));
    courses.push_back(read_course("den312d"));
    courses.push_back(random_course());
    PathScratch scratch;
    std::vector<bench::BenchRow> rows;
    double astar = 0;
    double jps = 0;
    double agents = 0;
    double script = 0;
    bool equal = true;
    for (Course& course : courses) {
        if (course.queries.empty()) {
            std::printf("%s is not there and left out\n", course.map_file.c_str());
            continue;
        }
        course.grid.make_columns();
        Verdict verdict = run_queries(course, scratch);
        equal = equal && verdict.equal;
        astar = std::max(astar, verdict.astar.ratio);
        jps = std::max(jps, verdict.jps.ratio);
        const bool large = course.map_file.empty();
        const bench::BenchRow crowd =
            run_agents(course, large ? 20 : kAgents, large ? 1 : 3, scratch, equal);
        agents = std::max(agents, crowd.ratio);
        rows.insert(rows.end(), {verdict.astar, verdict.jps, crowd});
        if (large) rows.push_back(run_fields(course, scratch));
        if (argc > 1 && !large) {
            const double ms = run_script(course, argv[1]);
            if (ms > 0) {
                std::printf("  PathFinding.js JumpPointFinder %8.3f ms, our jps is %.4f x\n", ms,
                            verdict.jps_ms / ms);
                script = std::max(script, verdict.jps_ms / ms);
                bench::BenchRow row = verdict.jps;
                row.peer = "PathFinding.js jump points";
                row.peer_value = ms * 1000 / static_cast<double>(course.queries.size());
                row.ratio = verdict.jps_ms / ms;
                row.must = row.goal = kScriptBar;
                rows.push_back(row);
            }
        }
    }
    const bool good = equal && astar <= kQueryBar && agents <= kAgentsBar && script <= kScriptBar;
    std::printf(
        "{\"astar_to_boost\": %.4f, \"jps_to_boost\": %.4f, \"agents_to_boost\": %.5f, "
        "\"jps_to_pathfinding_js\": %.4f, \"rows\": %s, \"lengths_equal\": %s, \"good\": %s}\n",
        astar, jps, agents, script, bench::rows_json(rows).c_str(), equal ? "true" : "false",
        good ? "true" : "false");
    return good ? 0 : 1;
}
