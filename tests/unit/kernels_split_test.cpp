// Every way of cutting every type, natively: any split gives the whole, and no result of a stranger
// does harm.
#include <doctest/doctest.h>

#include "support/seed.h"
#include "support/split_cases.h"

using namespace p2c2r;
using namespace p2c2r::kernels;
using namespace p2c2r::test;

namespace {

constexpr int kSplitsOfType = 1000;
constexpr uint64_t kPartsMost = 64;

// Sums of samples do not say where they were made.
void check_same(const Result<TaskOutput>& merged, const TaskOutput& whole) {
    REQUIRE_MESSAGE(merged.ok(), merged.error().text);
    std::string info(merged->info.text());
    const std::string several = "\xa7several";
    if (const size_t at = info.find(several); at != std::string::npos) {
        info.replace(at, several.size(), "\xa6native");
    }
    REQUIRE(info == whole.info.text());
    REQUIRE(merged->data.text() == whole.data.text());
}

// 1 000 of them over the cases of each type.
void check_splits(const std::vector<SplitCase>& cases) {
    std::map<std::string, int> cases_of_type;
    for (const SplitCase& of : cases) ++cases_of_type[of.type];
    Prng prng(test::seed());
    for (const SplitCase& of : cases) {
        CAPTURE(of.type);
        CAPTURE(of.name);
        SplitBench bench;
        const auto splitter = splitter_of(of);
        const TaskOutput whole = bench.run(of.type, of.whole);
        const Result<uint64_t> units = splitter->units(of.whole);
        REQUIRE(units.ok());
        REQUIRE(*units > 16);
        for (int round = 0; round < kSplitsOfType / cases_of_type[of.type] + 1; ++round) {
            const std::vector<uint64_t> cuts =
                random_cuts(prng, *units, 1 + prng.below(kPartsMost));
            CAPTURE(cuts.size());
            check_same(bench.run_split(of, *splitter, cuts, prng), whole);
        }
    }
}

Bytes flipped(const Bytes& bytes, Prng& prng) {
    std::vector<uint8_t> copy(bytes.data(), bytes.data() + bytes.size());
    for (uint64_t i = 0; i <= prng.below(3) && !copy.empty(); ++i) {
        copy[prng.below(copy.size())] ^= static_cast<uint8_t>(1 + prng.below(255));
    }
    return Bytes::copy(copy);
}

Bytes longer(const Bytes& bytes) {
    std::string copy(bytes.text());
    return Bytes::copy(copy + '\0');
}

// `info` with each field in turn left out or replaced by what does not belong there.
std::vector<Bytes> wrong_infos(const Bytes& info) {
    std::vector<Bytes> wrong = {
        {},
        Bytes::copy("\x80"),                  // {}
        Bytes::copy("\x90"),                  // []
        Bytes::copy("\xc0"),                  // nil
        Bytes::copy("\xdf\xff\xff\xff\xff"),  // a map of 4 294 967 295 fields
        Bytes::copy(std::string(70'000, '\x90')),
        info.slice(0, info.size() - 1),
        longer(info),
    };
    const Value fields(info.span());
    const auto rewrite = [&](const Value& victim, const std::function<void(ValueWriter&)>& put) {
        ValueWriter writer;
        writer.map(fields.count() - (put ? 0 : 1));
        for (const auto& [key, value] : fields.fields()) {
            const bool hit = key.text() == victim.text();
            if (hit && !put) continue;
            writer.value(key);
            if (hit) {
                put(writer);
            } else {
                writer.value(value);
            }
        }
        wrong.push_back(writer.take());
    };
    for (const auto& [key, value] : fields.fields()) {
        rewrite(key, nullptr);
        rewrite(key, [](ValueWriter& writer) { writer.nil(); });
        rewrite(key, [](ValueWriter& writer) { writer.text(""); });
        rewrite(key, [](ValueWriter& writer) { writer.integer(-2); });
        rewrite(key, [](ValueWriter& writer) { writer.unsigned_integer(UINT64_MAX); });
        rewrite(key, [](ValueWriter& writer) { writer.number(1e308); });
        rewrite(key, [](ValueWriter& writer) { writer.array(1).array(2).integer(9).text("x"); });
        rewrite(key, [](ValueWriter& writer) {
            writer.map(2).key("offset").integer(0).key("size").unsigned_integer(1ull << 62);
        });
        rewrite(key, [](ValueWriter& writer) { writer.text(std::string(100, 'd')); });
    }
    ValueWriter more;
    more.map(fields.count() + 1);
    for (const auto& [key, value] : fields.fields()) more.value(key).value(value);
    more.key("zebra").nil();
    wrong.push_back(more.take());
    return wrong;
}

}  // namespace

TEST_CASE("splits of ray-tracing tasks give the whole byte for byte") {
    check_splits(raytrace_split_cases());
}

TEST_CASE("splits of physics tasks give the whole byte for byte") {
    check_splits(physics_split_cases());
}

TEST_CASE("splits of pathfinding tasks give the whole byte for byte") {
    check_splits(path_split_cases());
}

TEST_CASE("splits of upscale tasks give the whole byte for byte") {
    check_splits(upscale_split_cases());
}

TEST_CASE("a picture is that of 1, 7 and 64 tiles, and 16 samples are 4 times 4") {
    SplitBench bench;
    Prng prng(test::seed());
    const SplitCase rows{"", "raytracing", "rows",
                         task_of(ray_task(R"("samples_per_pixel":1)", 32, 64))};
    const TaskOutput whole = bench.run(rows.type, rows.whole);
    for (const uint64_t tiles : {1, 7, 64}) {
        CAPTURE(tiles);
        check_same(bench.run_split(rows, *splitter_of(rows), even_cuts(64, tiles), prng), whole);
    }
    const SplitCase samples{"", "raytracing", "samples",
                            task_of(ray_task(R"("samples_per_pixel":16)"))};
    check_same(bench.run_split(samples, *splitter_of(samples), even_cuts(16, 4), prng),
               bench.run(samples.type, samples.whole));
}

TEST_CASE("parts may be cut again, into rows and samples") {
    SplitBench bench;
    Prng prng(test::seed());
    const TaskInput whole = task_of(ray_task(R"("samples_per_pixel":6,"output_format":"png")"));
    const auto rows = find_splitter("raytracing", "rows").value();
    const auto samples = find_splitter("raytracing", "samples").value();
    const std::vector<uint64_t> cuts = even_cuts(6, 3);
    const Result<std::vector<TaskInput>> parts = samples->split(whole, cuts);
    REQUIRE(parts.ok());
    std::vector<TaskOutput> results;
    for (const TaskInput& part : *parts) {
        const SplitCase again{"", "raytracing", "rows", part};
        const Result<TaskOutput> merged = bench.run_split(again, *rows, even_cuts(21, 4), prng);
        REQUIRE(merged.ok());
        results.push_back(*merged);
    }
    check_same(samples->merge(whole, cuts, results), bench.run("raytracing", whole));
}

TEST_CASE("tasks that hang together have one unit, and whole ones are not touched") {
    const struct {
        const char* type;
        const char* split;
        std::string params;
    } rows[] = {
        {"rt_shadows", "rows",
         ray_task(R"("previous":{"camera":{"position":[0,2,7],"direction":[0,0,-1]}})")},
        {"raytracing", "samples", ray_task(R"("samples_per_pixel":8,"layers":["depth"])")},
        {"raytracing", "samples", ray_task(R"("samples_per_pixel":8)", 4096, 4096)},
        {"ai_pathfinding", "agents", R"({"width":9,"height":9,"start":[0,0],"goal":[8,8]})"},
        {"ai_pathfinding", "agents",
         R"({"width":9,"height":9,"goal":[8,8],"output":"field","algorithm":"flow_field"})"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.params);
        const Result<uint64_t> units =
            find_splitter(row.type, row.split).value()->units(task_of(row.params));
        REQUIRE(units.ok());
        CHECK(*units == 1);
    }
}

TEST_CASE("a wrong task has no units but an error that names the field") {
    const struct {
        const char* type;
        const char* params;
        const char* field;
    } rows[] = {
        {"upscale", R"({"scale":2})", "input_res"},
        {"upscale", R"({"scale":2,"input_res":[4,4],"rows":[8,9]})", "rows"},
        {"upscale", R"({"scale":2,"input_res":[4,4],"rows":[5,5]})", "rows"},
        {"raytracing", R"({"resolution":[0,4]})", "resolution[0]"},
        {"raytracing", R"({"resolution":[4,4],"sphere":1,"camera":{"position":[0,0,0],
            "direction":[0,0,1]}})",
         "sphere"},
        {"rt_global_illumination", R"({"objects":[],"owned":[3,3],"probes":{"min":[0,0,0],
            "max":[1,1,1],"counts":[2,2,2]}})",
         "owned"},
        {"rt_global_illumination", R"({"objects":[],"owned":[0,9],"probes":{"min":[0,0,0],
            "max":[1,1,1],"counts":[2,2,2]}})",
         "owned[1]"},
        {"physics", R"({})", "objects"},
        {"physics", R"({"objects":[{"position":[0,0,0]}],"owned":[0,2]})", "owned[1]"},
        {"ai_pathfinding", R"({"width":3,"agents":[[0,0]],"goal":[1,1]})", "height"},
        {"ai_pathfinding", R"({"width":3,"height":3,"agents":[],"goal":[1,1]})", "agents"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.params);
        const Result<uint64_t> units =
            find_splitter(row.type, "").value()->units(task_of(row.params));
        REQUIRE_FALSE(units.ok());
        CHECK(units.error().field == row.field);
    }
}

TEST_CASE("an owned range of probes is that range of the whole") {
    SplitBench bench;
    const std::string probes = R"(,"rays_per_side":4,
        "probes":{"min":[-2,0.5,-2],"max":[2,3,2],"counts":[4,3,2]})";
    const TaskOutput whole =
        bench.run("rt_global_illumination", task_of("{" + split_scene() + probes + "}"));
    for (const auto& range :
         {std::pair<size_t, size_t>{0, 24}, {0, 1}, {3, 5}, {3, 14}, {4, 12}, {23, 24}}) {
        CAPTURE(range.first);
        const auto& [first, end] = range;
        const TaskOutput part =
            bench.run("rt_global_illumination",
                      task_of("{" + split_scene() + probes + R"(,"owned":[)" +
                              std::to_string(first) + "," + std::to_string(end) + "]}"));
        CHECK(part.data.text() == whole.data.slice(first * 18, (end - first) * 18).text());
    }
}

TEST_CASE("results that do not fit their part are errors that say which part and what") {
    SplitBench bench;
    for (const SplitCase& of : split_cases()) {
        CAPTURE(of.type);
        CAPTURE(of.name);
        const auto splitter = splitter_of(of);
        const uint64_t units = splitter->units(of.whole).value();
        const std::vector<uint64_t> cuts = {0, 2, 7, units};
        const Result<std::vector<TaskInput>> parts = splitter->split(of.whole, cuts);
        REQUIRE(parts.ok());
        std::vector<TaskOutput> good;
        for (const TaskInput& part : *parts) good.push_back(bench.run(of.type, part));
        const auto refused = [&](const TaskOutput& wrong, size_t index) {
            std::vector<TaskOutput> results = good;
            results[index] = wrong;
            const Result<TaskOutput> merged = splitter->merge(of.whole, cuts, results);
            REQUIRE_FALSE(merged.ok());
            const std::string name = "parts[" + std::to_string(index) + "]";
            CHECK(merged.error().status == Status::kExecutor);
            CHECK(merged.error().field == name);
            CHECK(merged.error().text.starts_with(name + ": "));
            CHECK(merged.error().text.size() < 1000);
        };
        REQUIRE(splitter->merge(of.whole, cuts, good).ok());
        refused(good[1], 0);  // another part's
        refused({}, 2);
        refused({good[1].info, longer(good[1].data)}, 1);
        if (!good[1].data.empty()) {
            refused({good[1].info, {}}, 1);
            refused({good[1].info, good[1].data.slice(0, good[1].data.size() - 1)}, 1);
        }
        for (const Bytes& info : wrong_infos(good[1].info)) {
            const Result<std::string> json = value_to_json(info.span());
            CAPTURE((json ? *json : std::string("no value")));
            refused({info, good[1].data}, 1);
        }
    }
}

TEST_CASE("results with bits that were changed are errors or of the right size, never a crash") {
    SplitBench bench;
    Prng prng(test::seed());
    for (const SplitCase& of : split_cases()) {
        CAPTURE(of.name);
        const auto splitter = splitter_of(of);
        const uint64_t units = splitter->units(of.whole).value();
        const std::vector<uint64_t> cuts = {0, 5, units};
        const Result<std::vector<TaskInput>> parts = splitter->split(of.whole, cuts);
        REQUIRE(parts.ok());
        std::vector<TaskOutput> good;
        for (const TaskInput& part : *parts) good.push_back(bench.run(of.type, part));
        for (int round = 0; round < 100; ++round) {
            std::vector<TaskOutput> results = good;
            Bytes& victim = prng.below(2) == 0 ? results[1].info : results[1].data;
            victim = flipped(victim, prng);
            const Result<TaskOutput> merged = splitter->merge(of.whole, cuts, results);
            if (!merged) CHECK(merged.error().field == "parts[1]");
        }
    }
}

TEST_CASE("sums above what samples can be, and bodies where no run brings them, are refused") {
    SplitBench bench;
    const auto refusal = [&](const SplitCase& of, size_t at, const std::string& word) {
        const auto splitter = splitter_of(of);
        const std::vector<uint64_t> cuts = {0, 3, splitter->units(of.whole).value()};
        const Result<std::vector<TaskInput>> parts = splitter->split(of.whole, cuts);
        REQUIRE(parts.ok());
        std::vector<TaskOutput> results;
        for (const TaskInput& part : *parts) results.push_back(bench.run(of.type, part));
        std::string data(results[0].data.text());
        data.replace(at, word.size(), word);
        results[0].data = Bytes::copy(data);
        const Result<TaskOutput> merged = splitter->merge(of.whole, cuts, results);
        return merged ? "" : merged.error().text;
    };
    const SplitCase samples{"", "raytracing", "samples",
                            task_of(ray_task(R"("samples_per_pixel":9)", 5, 5))};
    CHECK(refusal(samples, 8, std::string("\xff\xff\xff\xff", 4)) ==
          "parts[0]: it has a sum above 196605, the most that its samples can be");
    const SplitCase bodies{"", "physics", "bodies", task_of(physics_task(9, R"("num_steps":1)"))};
    const std::string nan("\x00\x00\xc0\x7f", 4);
    const std::string huge("\x00\x00\x80\x7e", 4);
    CHECK(refusal(bodies, 40, nan) == "parts[0]: body 1 has a position that no run gives it");
    CHECK(refusal(bodies, 16, huge) == "parts[0]: body 0 has a velocity that no run gives it");
    CHECK(refusal(bodies, 24, nan) == "parts[0]: body 0 has a mass that no run gives it");
    const SplitCase depths{"", "raytracing", "rows",
                           task_of(ray_task(R"("layers":["hit_id","depth"])", 4, 5))};
    // Three rows of four pixels: their ids, then their depths.
    CHECK(refusal(depths, 8, std::string("\x01\x00\x01\x00", 4)) ==
          "parts[0]: its layer hit_id has a value that no run gives");
    CHECK(refusal(depths, 48, nan) == "parts[0]: its layer depth has a value that no run gives");
    CHECK(refusal(depths, 52, std::string("\x00\x00\x80\xbf", 4)) ==
          "parts[0]: its layer depth has a value that no run gives");
    const SplitCase agents{
        "", "ai_pathfinding", "agents",
        task_of(path_task(R"("width":12,"height":9,"output":"packed")", 9, false))};
    CHECK(refusal(agents, 4, std::string("\x0c\x00", 2)) ==
          "parts[0]: its data has a cell that is outside the grid");
}

TEST_CASE("paths that are too long together are refused as the whole would refuse them") {
    const TaskInput whole =
        task_of(R"({"width":2,"height":2,"goal":[1,1],"output":"packed","agents":
        [[0,0],[0,0],[0,0]]})");
    const auto splitter = find_splitter("ai_pathfinding", "").value();
    const auto answer = [](const char* cells, size_t data) {
        return TaskOutput{json_to_value(std::string(R"({"algorithm_used":"astar","device":"native",
            "distances":[1.0],"nodes_explored":[1],"reasons":[""],"path_cells":[)") +
                                        cells + "]}")
                              .value(),
                          Bytes::copy(std::string(data * 4, '\0'))};
    };
    const std::vector<TaskOutput> results(3, answer("1400000", 1'400'000));
    const Result<TaskOutput> merged = splitter->merge(whole, even_cuts(3, 3), results);
    REQUIRE_FALSE(merged.ok());
    CHECK(merged.error().status == Status::kLimit);
    CHECK(merged.error().field == "agents");
}

TEST_CASE("the table says how each type is cut, the preferred way first") {
    std::map<std::string, std::string> found;
    for (const TaskType& type : builtin_task_types()) {
        for (const auto& split : type.splits) found[type.name] += std::string(split->name()) + " ";
    }
    const std::map<std::string, std::string> expected = {
        {"upscale", "rows "},
        {"raytracing", "rows samples "},
        {"rt_shadows", "rows "},
        {"rt_reflections", "rows samples "},
        {"rt_global_illumination", "probes rows samples "},
        {"physics", "bodies "},
        {"ai_pathfinding", "agents "},
    };
    CHECK(found == expected);
    CHECK(builtin_task_types().size() == contract_task_types().size());
    CHECK(find_splitter("raytracing", "").value()->name() == std::string("rows"));
    CHECK(find_splitter("raytracing", "bodies").error().text ==
          "'raytracing' is not split by 'bodies'; there are: rows, samples");
    CHECK(find_splitter("echo", "").error().text == "'echo' is not split");
    CHECK(find_splitter("echo", "").error().status == Status::kUnsupported);
    CHECK(find_splitter("dance", "").error().text == "'dance' is not split");
}

TEST_CASE("a part that lists collisions which nobody asked for is refused") {
    SplitBench bench;
    const TaskInput quiet = task_of(physics_task(9, R"("num_steps":1,"collisions":false)"));
    const TaskInput loud = task_of(physics_task(9, R"("num_steps":1)"));
    const auto splitter = splitter_of({"", "physics", "bodies", quiet});
    const std::vector<uint64_t> cuts = {0, 3, 9};
    const Result<std::vector<TaskInput>> asked = splitter->split(quiet, cuts);
    const Result<std::vector<TaskInput>> others = splitter->split(loud, cuts);
    REQUIRE(asked.ok());
    REQUIRE(others.ok());
    std::vector<TaskOutput> results = {bench.run("physics", (*asked)[0]),
                                       bench.run("physics", (*asked)[1])};
    REQUIRE(splitter->merge(quiet, cuts, results).ok());
    // The same with a pair.
    Bytes info = results[0].info;
    std::string text = *value_to_json(info.span());
    const size_t at = text.find("\"collisions\":{");
    REQUIRE(at != std::string::npos);
    const size_t size = text.find("\"size\":0", at);
    REQUIRE(size != std::string::npos);
    text.replace(size, 8, "\"size\":8");
    results[0].info = *json_to_value(text);
    results[0].data =
        Bytes::copy(std::string(results[0].data.text()) + std::string("\0\0\0\0\1\0\0\0", 8));
    const Result<TaskOutput> merged = splitter->merge(quiet, cuts, results);
    REQUIRE_FALSE(merged.ok());
    CHECK(merged.error().text == "parts[0]: it lists collisions, which nobody asked for");
}
