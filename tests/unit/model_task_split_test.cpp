#include "model/task_split.h"

#include <doctest/doctest.h>

#include <limits>
#include <numeric>

#include "core/prng.h"
#include "model/task_type.h"
#include "model/value_json.h"
#include "support/seed.h"

using namespace p2c2r;

namespace {

// Units are bytes of the data; a part has its range of them in its params.
class Bytewise final : public TaskSplitter {
  public:
    [[nodiscard]] const char* name() const override { return "bytes"; }
    [[nodiscard]] Result<uint64_t> units(const TaskInput& whole) const override {
        if (whole.data.empty()) return field_error(Status::kParams, "data", "data is empty");
        return whole.data.size();
    }

  protected:
    [[nodiscard]] Result<std::vector<TaskInput>> make_parts(
        const TaskInput& whole, std::span<const uint64_t> cuts) const override {
        std::vector<TaskInput> parts;
        for (size_t i = 0; i + 1 < cuts.size(); ++i) {
            constexpr std::string_view kReplaced[] = {"range"};
            const auto add = [&](ValueWriter& writer) {
                writer.key("range").array(2).unsigned_integer(cuts[i]).unsigned_integer(
                    cuts[i + 1]);
            };
            const Value params = parse_params(whole.params.span()).value();
            parts.push_back({edit_params(params, kReplaced, 1, add), whole.data});
        }
        return parts;
    }
    [[nodiscard]] Result<TaskOutput> merge_parts(const TaskInput&, std::span<const uint64_t>,
                                                 std::span<const TaskOutput> results,
                                                 const MemoryHook*) const override {
        return results.back();
    }
};

TaskInput ten_bytes() {
    return {json_to_value(R"({"z":1,"range":[5,6],"a":[2]})").value(), Bytes::copy("0123456789")};
}

std::string error_of(const Result<std::vector<TaskInput>>& parts) {
    return parts ? "" : std::string(status_name(parts.error().status)) + " " + parts.error().text;
}

}  // namespace

TEST_CASE("task split: even cuts differ by one unit at most, and there are no more than units") {
    CHECK(even_cuts(10, 1) == std::vector<uint64_t>{0, 10});
    CHECK(even_cuts(10, 3) == std::vector<uint64_t>{0, 4, 7, 10});
    CHECK(even_cuts(3, 64) == std::vector<uint64_t>{0, 1, 2, 3});
    CHECK(even_cuts(UINT64_MAX, 2) == std::vector<uint64_t>{0, UINT64_MAX / 2 + 1, UINT64_MAX});
}

TEST_CASE("task split: weighted cuts go by the weights, whatever they are") {
    const auto cuts = [](uint64_t units, std::vector<double> weights) {
        return weighted_cuts(units, weights);
    };
    CHECK(cuts(100, {1, 3}) == std::vector<uint64_t>{0, 25, 100});
    CHECK(cuts(100, {0, 1, 0, 1}) == std::vector<uint64_t>{0, 0, 50, 50, 100});
    CHECK(cuts(8, {0, 0}) == std::vector<uint64_t>{0, 4, 8});
    CHECK(cuts(8, {-1, std::numeric_limits<double>::quiet_NaN(), 2}) ==
          std::vector<uint64_t>{0, 0, 0, 8});
    CHECK(cuts(8, {1e308, 1e308, std::numeric_limits<double>::infinity()}) ==
          std::vector<uint64_t>{0, 4, 8, 8});
    CHECK(cuts(UINT64_MAX, {1, 1}).back() == UINT64_MAX);
    Prng prng(test::seed());
    for (int round = 0; round < 1000; ++round) {
        std::vector<double> weights(1 + prng.below(20));
        for (double& weight : weights) weight = static_cast<double>(prng.below(1000));
        const uint64_t units = 1 + prng.below(5000);
        const std::vector<uint64_t> made = weighted_cuts(units, weights);
        REQUIRE(made.size() == weights.size() + 1);
        REQUIRE(made.front() == 0);
        REQUIRE(made.back() == units);
        const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
        for (size_t i = 0; i < weights.size(); ++i) {
            REQUIRE(made[i] <= made[i + 1]);
            if (sum == 0) continue;
            const double share = static_cast<double>(units) * weights[i] / sum;
            REQUIRE(std::abs(static_cast<double>(made[i + 1] - made[i]) - share) <= 1.001);
        }
    }
}

TEST_CASE("task split: cuts that are none of the task are refused, and one part is the task") {
    const Bytewise splitter;
    const TaskInput whole = ten_bytes();
    const struct {
        std::vector<uint64_t> cuts;
        const char* says;
    } rows[] = {
        {{}, "E_ARGUMENT cuts are 0, at least 2 are due"},
        {{0}, "E_ARGUMENT cuts are 1, at least 2 are due"},
        {{0, 5}, "E_ARGUMENT cuts go from 0 to 5, the task has the units 0 to 10"},
        {{1, 10}, "E_ARGUMENT cuts go from 1 to 10, the task has the units 0 to 10"},
        {{0, 4, 4, 10}, "E_ARGUMENT cuts have 4 behind 4: a part is never empty"},
        {{0, 11, 10}, "E_ARGUMENT cuts have 10 behind 11: a part is never empty"},
        {std::vector<uint64_t>(4098, 0), "E_ARGUMENT cuts make 4097 parts, the limit is 4096"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.says);
        CHECK(error_of(splitter.split(whole, row.cuts)) == row.says);
        const Result<TaskOutput> merged = splitter.merge(whole, row.cuts, {});
        REQUIRE_FALSE(merged.ok());
        CHECK(merged.error().status == Status::kArgument);
    }
    const std::vector<uint64_t> one = {0, 10};
    const Result<std::vector<TaskInput>> parts = splitter.split(whole, one);
    REQUIRE(parts.ok());
    REQUIRE(parts->size() == 1);
    CHECK((*parts)[0].params.data() == whole.params.data());
    const TaskOutput result{Bytes::copy("info"), Bytes::copy("data")};
    const Result<TaskOutput> merged = splitter.merge(whole, one, {&result, 1});
    REQUIRE(merged.ok());
    CHECK(merged->info.data() == result.info.data());
    CHECK(splitter.merge(whole, one, {}).error().text == "there are 0 results of 1 parts");
    CHECK(error_of(splitter.split({whole.params, {}}, one)) == "E_PARAMS data is empty");
}

TEST_CASE("task split: parts have params of their own in canonical form, and the data is shared") {
    const Bytewise splitter;
    const TaskInput whole = ten_bytes();
    const std::vector<uint64_t> cuts = {0, 3, 10};
    const Result<std::vector<TaskInput>> parts = splitter.split(whole, cuts);
    REQUIRE(parts.ok());
    CHECK(value_to_json((*parts)[0].params.span()).value() == R"({"a":[2],"range":[0,3],"z":1})");
    CHECK(value_to_json((*parts)[1].params.span()).value() == R"({"a":[2],"range":[3,10],"z":1})");
    for (const TaskInput& part : *parts) CHECK(part.data.data() == whole.data.data());
}

TEST_CASE("task split: params that would be copied too often are refused") {
    const Bytewise splitter;
    ValueWriter writer;
    writer.map(1).key("a").bytes(std::vector<uint8_t>(3 << 20));
    const TaskInput whole{writer.take(), Bytes::copy(std::string(100, 'x'))};
    CHECK(splitter.split(whole, even_cuts(100, 80)).ok());
    const Result<std::vector<TaskInput>> parts = splitter.split(whole, even_cuts(100, 100));
    REQUIRE_FALSE(parts.ok());
    CHECK(parts.error().status == Status::kLimit);
    CHECK(parts.error().field == "params");
}

TEST_CASE("task split: parts from unlike devices come from several") {
    const std::string same[] = {"native", "native"};
    const std::string unlike[] = {"native", "vulkan:0"};
    CHECK(merged_device(same) == "native");
    CHECK(merged_device(unlike) == "several");
    const std::string silent[] = {"", ""};
    CHECK(merged_device(silent) == "several");
}

TEST_CASE("task split: the table of the contract has no ways of its own") {
    for (const TaskType& type : contract_task_types()) CHECK(type.splits.empty());
}
