#include "sim/sim_parts.h"

#include <algorithm>

#include "sim/sim_runner.h"

namespace p2c2r::sim {

namespace {

class SimSplitter final : public TaskSplitter {
  public:
    [[nodiscard]] const char* name() const override { return "pieces"; }
    [[nodiscard]] Result<uint64_t> units(const TaskInput& whole) const override {
        if (decode_word('t', whole.params.span())) return uint64_t{kPartsMost};
        return field_error(Status::kParams, "t", "t must be a word");
    }

  protected:
    [[nodiscard]] Result<std::vector<TaskInput>> make_parts(
        const TaskInput& whole, std::span<const uint64_t> cuts) const override {
        const uint64_t token = *decode_word('t', whole.params.span());
        std::vector<TaskInput> parts(cuts.size() - 1);
        for (size_t i = 0; i < parts.size(); ++i) {
            parts[i] = {encode_word('t', part_token(token, i)), whole.data};
        }
        return parts;
    }
    // What is wrong with an answer is the checkers' to say, so all of it is handed on.
    [[nodiscard]] Result<TaskOutput> merge_parts(const TaskInput&, std::span<const uint64_t>,
                                                 std::span<const TaskOutput> results,
                                                 const MemoryHook*) const override {
        TaskOutput merged;
        ValueWriter writer;
        writer.map(1).key("s").array(static_cast<uint32_t>(results.size()));
        merged.data = results[0].data;
        for (const TaskOutput& part : results) {
            writer.unsigned_integer(decode_word('s', part.info.span()).value_or(0));
            const std::span<const uint8_t> data = part.data.span();
            const std::span<const uint8_t> first = results[0].data.span();
            if (!std::equal(data.begin(), data.end(), first.begin(), first.end())) {
                merged.data = part.data;  // one of the two is wrong, and this one stays
            }
        }
        merged.info = writer.take();
        return merged;
    }
};

}  // namespace

const TaskSplitter& sim_splitter() {
    static const SimSplitter splitter;
    return splitter;
}

std::optional<std::vector<uint64_t>> decode_stamps(std::span<const uint8_t> info) {
    const Result<Value> value = parse_value(info, kParamsScan);
    if (!value) return std::nullopt;
    const std::optional<Value> list = value->find("s");
    if (!list || !list->is(ValueKind::kArray)) return std::nullopt;
    std::vector<uint64_t> stamps;
    for (const Value stamp : list->items()) {
        stamps.push_back(stamp.unsigned_integer().value_or(0));
    }
    return stamps;
}

}  // namespace p2c2r::sim
