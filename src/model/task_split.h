// How a big task becomes parts and whole again: an entry of the table of task types. Kernels and
// hosts bring the splitters; whoever places tasks cuts by the speeds it predicts and knows nothing
// of what is cut.
//
// `units` says how many smallest pieces of about equal cost this very task has; one that stays
// whole has 1. `cuts` are ascending boundaries in units, 0 first and units last: part i is
// [cuts[i], cuts[i + 1]). `split` makes a task for each part, and `merge` makes of their results
// the very bytes that the whole would have given, for any cuts.
//
// Results are handed over by the number of their part: when each came, and from where, makes no
// difference. They come from strangers, so merge() believes none of their sizes and counts. What
// fits its part but is wrong is not its business: that is what verification is for.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/status.h"
#include "model/value.h"
#include "model/value_writer.h"

namespace p2c2r {

struct TaskInput {
    Bytes params;  // a MessagePack map, or empty
    Bytes data;
};

struct TaskOutput {
    Bytes info;  // a MessagePack map, or empty
    Bytes data;
};

// Stateless: any thread, several at a time. All functions throw std::bad_alloc when memory is
// short. Memory of a call: the parts' params, or the merged result and as much again.
class TaskSplitter {
  public:
    virtual ~TaskSplitter() = default;

    // What is cut: "rows", "samples", "bodies", "agents", "probes". Static text.
    [[nodiscard]] virtual const char* name() const = 0;

    // Reads what it needs to know of the task, no more: an error says that nobody could run it, but
    // a task that has units may still be wrong, as those who run its parts will find.
    [[nodiscard]] virtual Result<uint64_t> units(const TaskInput& whole) const = 0;

    // The tasks of the parts, of the same type; one part is the task itself. Their data is the
    // whole's or one that all of them share, never a copy each; it may refer to the whole's memory,
    // which MUST then outlive it where it is borrowed. kArgument when the cuts are none of this
    // task: not ascending from 0 to units(), or more than limits::kPartsMax parts. kLimit when the
    // params, which each part has of its own, take more than limits::kPartsParamsSizeMax together.
    [[nodiscard]] Result<std::vector<TaskInput>> split(const TaskInput& whole,
                                                       std::span<const uint64_t> cuts) const;

    // `whole` and `cuts` as they were split; results[i] is that of part i, where there is one part
    // the result itself. Info and data are those of the whole, but for `device`: merged_device().
    // A result that does not fit its part is kExecutor with the field "parts[i]" and a text that
    // says what is wrong with it. What the whole would have refused is refused alike.
    [[nodiscard]] Result<TaskOutput> merge(const TaskInput& whole, std::span<const uint64_t> cuts,
                                           std::span<const TaskOutput> results,
                                           const MemoryHook* memory = nullptr) const;

  protected:
    // The same for two parts or more, with cuts that are right and a result for each part.
    [[nodiscard]] virtual Result<std::vector<TaskInput>> make_parts(
        const TaskInput& whole, std::span<const uint64_t> cuts) const = 0;
    [[nodiscard]] virtual Result<TaskOutput> merge_parts(const TaskInput& whole,
                                                         std::span<const uint64_t> cuts,
                                                         std::span<const TaskOutput> results,
                                                         const MemoryHook* memory) const = 0;
};

// ---- cuts ---------------------------------------------------------------------------------------

// As even as whole units allow: `parts` of them, or `units` where that is less. Neither may be 0.
std::vector<uint64_t> even_cuts(uint64_t units, uint64_t parts);
// A part for each weight, as large as its share of their sum: for peers of unlike speed. Neighbours
// are equal where a weight comes to less than half a unit: leave that peer out, since split() takes
// no empty part. Weights that are no positive numbers count as 0; all 0 are alike.
std::vector<uint64_t> weighted_cuts(uint64_t units, std::span<const double> weights);

// ---- for splitters ------------------------------------------------------------------------------

// The fields of `params` but those named in `replaced`, and what `add` writes: `added` times a key
// and a value. In canonical form, so that equal parts are equal bytes.
Bytes edit_params(const Value& params, std::span<const std::string_view> replaced, uint32_t added,
                  const std::function<void(ValueWriter&)>& add);

// What is wrong with the result of part `index`.
Error part_error(size_t index, const std::string& text);
// One whose data is not as large as its part makes it.
Error part_size_error(size_t index, uint64_t found, uint64_t expected);
// `error` of reading the info of part `index`.
Error part_info_error(size_t index, const Error& error);
// For infos of a few fields that are all known beforehand: part_error() unless `info` is
// `expected`, whose fields are in canonical form. Its `device` (where there is one) may be any; it
// is returned.
Result<std::string> check_part_info(size_t index, const Bytes& info,
                                    const std::function<Bytes(const std::string&)>& expected);

// What a result may say of where it was made.
inline constexpr size_t kDeviceTextMax = 64;
// The `device` of a merged result: what all parts say, or "several" where they do not say the same,
// or ("") nothing, as sums of samples do. It is no part of the digest.
std::string merged_device(std::span<const std::string> devices);

}  // namespace p2c2r
