// A task type that can be cut anywhere: its answer is its data, each byte turned by one. A part
// says in its params which bytes it is about, and has the data of the whole.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "exec/executor.h"
#include "model/params_reader.h"
#include "model/task_split.h"

namespace p2c2r::test {

class ByteSplitter final : public TaskSplitter {
  public:
    [[nodiscard]] const char* name() const override { return "bytes"; }
    [[nodiscard]] Result<uint64_t> units(const TaskInput& whole) const override {
        if (whole.data.empty()) return field_error(Status::kSize, "data", "there are no bytes");
        return uint64_t{whole.data.size()};
    }

  protected:
    [[nodiscard]] Result<std::vector<TaskInput>> make_parts(
        const TaskInput& whole, std::span<const uint64_t> cuts) const override {
        std::vector<TaskInput> parts;
        for (size_t i = 0; i + 1 < cuts.size(); ++i) {
            ValueWriter writer;
            writer.map(2).key("from").unsigned_integer(cuts[i]);
            writer.key("to").unsigned_integer(cuts[i + 1]);
            parts.push_back({writer.take(), whole.data});
        }
        return parts;
    }
    [[nodiscard]] Result<TaskOutput> merge_parts(const TaskInput&, std::span<const uint64_t> cuts,
                                                 std::span<const TaskOutput> results,
                                                 const MemoryHook*) const override {
        std::string all;
        for (size_t i = 0; i < results.size(); ++i) {
            const uint64_t expected = cuts[i + 1] - cuts[i];
            if (results[i].data.size() != expected) {
                return part_size_error(i, results[i].data.size(), expected);
            }
            all += results[i].data.text();
        }
        return TaskOutput{{}, Bytes::copy(all)};
    }
};

inline const ByteSplitter& byte_splitter() {
    static const ByteSplitter splitter;
    return splitter;
}

inline std::string turned(std::string text) {
    for (char& byte : text) byte = static_cast<char>(byte + 1);
    return text;
}

// What a machine makes of a whole or a part of it: a unit takes a microsecond.
inline exec::Output turn_bytes(const exec::JobSpec& spec) {
    exec::Output output;
    output.status = Status::kOk;
    uint64_t from = 0;
    uint64_t to = spec.data.size();
    if (!spec.params.empty()) {
        ParamsReader reader(spec.params.span());
        from = static_cast<uint64_t>(reader.integer("from", 0, INT64_MAX, 0));
        to = static_cast<uint64_t>(reader.integer("to", 0, INT64_MAX, 0));
    }
    output.data = Bytes::copy(turned(std::string(spec.data.text().substr(from, to - from))));
    output.processing_us = to - from;
    return output;
}

}  // namespace p2c2r::test
