#include "model/task_split.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/check.h"
#include "model/task.h"

namespace p2c2r {

namespace {

// Infos of a few fields are below, however they are written.
constexpr size_t kSmallInfoSizeMax = 4096;

// Ascending strictly from 0 to `units`, and not too many.
Result<Done> check_cuts(uint64_t units, std::span<const uint64_t> cuts) {
    const auto bad = [](const std::string& text) {
        return field_error(Status::kArgument, "cuts", "cuts " + text);
    };
    if (cuts.size() < 2) return bad("are " + std::to_string(cuts.size()) + ", at least 2 are due");
    if (cuts.size() - 1 > limits::kPartsMax) {
        return bad("make " + std::to_string(cuts.size() - 1) + " parts, the limit is " +
                   std::to_string(limits::kPartsMax));
    }
    if (cuts.front() != 0 || cuts.back() != units) {
        return bad("go from " + std::to_string(cuts.front()) + " to " +
                   std::to_string(cuts.back()) + ", the task has the units 0 to " +
                   std::to_string(units));
    }
    for (size_t i = 1; i < cuts.size(); ++i) {
        if (cuts[i] > cuts[i - 1]) continue;
        return bad("have " + std::to_string(cuts[i]) + " behind " + std::to_string(cuts[i - 1]) +
                   ": a part is never empty");
    }
    return Done{};
}

Result<Done> check_parts_size(std::span<const TaskInput> parts) {
    uint64_t size = 0;
    for (const TaskInput& part : parts) size += part.params.size();
    if (size <= limits::kPartsParamsSizeMax) return Done{};
    return field_error(Status::kLimit, "params",
                       "params of " + std::to_string(parts.size()) + " parts take " +
                           std::to_string(size) + " bytes, the limit is " +
                           std::to_string(limits::kPartsParamsSizeMax) +
                           "; what is large belongs into the data, which parts share");
}

}  // namespace

// ---- the splitter -------------------------------------------------------------------------------

Result<std::vector<TaskInput>> TaskSplitter::split(const TaskInput& whole,
                                                   std::span<const uint64_t> cuts) const {
    const Result<uint64_t> count = units(whole);
    if (!count) return count.error();
    if (Result<Done> good = check_cuts(*count, cuts); !good) return good.error();
    if (cuts.size() == 2) return std::vector<TaskInput>{whole};
    Result<std::vector<TaskInput>> parts = make_parts(whole, cuts);
    if (!parts) return parts;
    if (Result<Done> good = check_parts_size(*parts); !good) return good.error();
    return parts;
}

Result<TaskOutput> TaskSplitter::merge(const TaskInput& whole, std::span<const uint64_t> cuts,
                                       std::span<const TaskOutput> results,
                                       const MemoryHook* memory) const {
    const Result<uint64_t> count = units(whole);
    if (!count) return count.error();
    if (Result<Done> good = check_cuts(*count, cuts); !good) return good.error();
    if (results.size() != cuts.size() - 1) {
        return field_error(Status::kArgument, "results",
                           "there are " + std::to_string(results.size()) + " results of " +
                               std::to_string(cuts.size() - 1) + " parts");
    }
    if (results.size() == 1) return results[0];
    return merge_parts(whole, cuts, results, memory);
}

// ---- cuts ---------------------------------------------------------------------------------------

std::vector<uint64_t> even_cuts(uint64_t units, uint64_t parts) {
    P2C2R_CHECK(units > 0 && parts > 0);
    parts = std::min(parts, units);
    // The first parts have the units that are left over.
    const uint64_t size = units / parts;
    const uint64_t larger = units % parts;
    std::vector<uint64_t> cuts;
    cuts.reserve(parts + 1);
    for (uint64_t i = 0; i <= parts; ++i) cuts.push_back(size * i + std::min(i, larger));
    return cuts;
}

std::vector<uint64_t> weighted_cuts(uint64_t units, std::span<const double> weights) {
    P2C2R_CHECK(units > 0 && !weights.empty());
    // Against the largest, so that no sum of them is infinite.
    double largest = 0;
    for (const double weight : weights) {
        if (std::isfinite(weight)) largest = std::max(largest, weight);
    }
    const auto share = [&](double weight) {
        if (largest == 0) return 1.0;
        return std::isfinite(weight) && weight > 0 ? weight / largest : 0.0;
    };
    double total = 0;
    for (const double weight : weights) total += share(weight);
    std::vector<uint64_t> cuts = {0};
    cuts.reserve(weights.size() + 1);
    double sum = 0;
    for (const double weight : weights) {
        sum += share(weight);
        const double at = std::round(static_cast<double>(units) * (sum / total));
        // Rounding of large numbers may pass the end, or come short of it.
        cuts.push_back(at < static_cast<double>(units) ? static_cast<uint64_t>(at) : units);
    }
    cuts.back() = units;
    return cuts;
}

// ---- for splitters ------------------------------------------------------------------------------

Bytes edit_params(const Value& params, std::span<const std::string_view> replaced, uint32_t added,
                  const std::function<void(ValueWriter&)>& add) {
    const auto stays = [&](const Value& key) {
        return std::find(replaced.begin(), replaced.end(), key.text()) == replaced.end();
    };
    uint32_t kept = 0;
    for (const auto& [key, value] : params.fields()) kept += stays(key) ? 1 : 0;
    ValueWriter writer;
    writer.map(kept + added);
    for (const auto& [key, value] : params.fields()) {
        if (stays(key)) writer.value(key).value(value);
    }
    add(writer);
    const Bytes edited = writer.take();
    return canonical_value(Value(edited.span()));
}

Error part_error(size_t index, const std::string& text) {
    const std::string name = "parts[" + std::to_string(index) + "]";
    return field_error(Status::kExecutor, name, name + ": " + text);
}

Error part_size_error(size_t index, uint64_t found, uint64_t expected) {
    return part_error(index, "its data has " + std::to_string(found) + " bytes, expected are " +
                                 std::to_string(expected));
}

Error part_info_error(size_t index, const Error& error) {
    return part_error(index, "its info does not fit: " + error.text);
}

Result<std::string> check_part_info(size_t index, const Bytes& info,
                                    const std::function<Bytes(const std::string&)>& expected) {
    if (info.size() > kSmallInfoSizeMax) {
        return part_error(index, "its info has " + std::to_string(info.size()) +
                                     " bytes, the limit is " + std::to_string(kSmallInfoSizeMax));
    }
    const Result<Value> given = parse_params(info.span());
    if (!given) return part_info_error(index, given.error());
    const std::optional<Value> named = given->find("device");
    const std::string device(named ? named->text().value_or("") : "");
    if (named && (device.empty() || device.size() > kDeviceTextMax)) {
        return part_error(index, "its `device` is no text of 1 to 64 bytes");
    }
    const Bytes right = expected(device);
    const Bytes canonical = canonical_value(*given);
    if (canonical.text() == right.text()) return device;
    const Value found(canonical.span());
    for (const auto& [key, value] : Value(right.span()).fields()) {
        const std::string_view name = *key.text();
        const std::optional<Value> there = found.find(name);
        if (!there) return part_error(index, "its info has no `" + std::string(name) + "`");
        if (!std::ranges::equal(there->encoded(), value.encoded())) {
            return part_error(index, "its `" + std::string(name) + "` is not what was asked for");
        }
    }
    return part_error(index, "its info has fields that nobody asked for");
}

std::string merged_device(std::span<const std::string> devices) {
    P2C2R_CHECK(!devices.empty());
    const bool alike = !devices[0].empty() &&
                       std::all_of(devices.begin(), devices.end(),
                                   [&](const std::string& one) { return one == devices[0]; });
    return alike ? devices[0] : "several";
}

}  // namespace p2c2r
