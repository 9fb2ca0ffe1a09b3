// Agents know nothing of each other, so the lists of parts put end to end are those of the whole.
#include "kernels/path_split.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/path_request.h"
#include "model/params_reader.h"

namespace p2c2r::kernels {

namespace {

constexpr size_t kCellSize = 4;  // of packed paths

// ---- parts --------------------------------------------------------------------------------------

// A grid of bytes becomes data, which all parts share: the same memory as the params'. Rows of text
// and obstacles stay in the params, each part having its own.
TaskInput with_grid_apart(const TaskInput& whole, const Value& params) {
    const std::optional<Value> grid = params.find("grid");
    const auto bytes = grid.value_or(Value()).bytes().value_or(std::span<const uint8_t>());
    if (!whole.data.empty() || bytes.empty()) return whole;
    constexpr std::string_view kReplaced[] = {"grid"};
    const auto offset = static_cast<size_t>(bytes.data() - whole.params.data());
    return {edit_params(params, kReplaced, 0, [](ValueWriter&) {}),
            whole.params.slice(offset, bytes.size())};
}

// ---- the result of a part -----------------------------------------------------------------------

// Values of one of the info's lists, in all parts.
struct List {
    const char* name;
    std::vector<Value> parts;
};

struct Lists {
    List distances{"distances", {}};
    List nodes{"nodes_explored", {}};
    List paths{"paths", {}};  // or their numbers of cells
    List reasons{"reasons", {}};
    uint64_t cells = 0;  // of all paths
};

bool is_reason(std::string_view text) {
    for (const PathEnd end : {PathEnd::kFound, PathEnd::kStartBlocked, PathEnd::kGoalBlocked,
                              PathEnd::kUnreachable, PathEnd::kMaxNodes}) {
        if (text == path_end_text(end)) return true;
    }
    return false;
}

// The cells of a path; nothing where it is no list of them.
std::optional<uint64_t> judge_path(const PathOutline& outline, const Value& path) {
    if (outline.output == PathOutput::kPacked) return path.unsigned_integer();
    if (!path.is(ValueKind::kArray)) return std::nullopt;
    for (const Value item : path.items()) {
        int64_t cell[2];
        if (!item.integers(cell) || cell[0] < 0 || cell[0] >= outline.width || cell[1] < 0 ||
            cell[1] >= outline.height) {
            return std::nullopt;
        }
    }
    return path.count();
}

class Reader {
  public:
    Reader(const PathOutline& outline, Lists& lists) : outline_(outline), lists_(lists) {
        if (outline.output == PathOutput::kPacked) lists.paths.name = "path_cells";
    }

    // The device that it names. The info MUST outlive the lists.
    Result<std::string> read(size_t index, uint64_t agents, const TaskOutput& result) {
        ParamsReader reader(result.info.span());
        reader.choice("algorithm_used", {path_algorithm_name(outline_.algorithm)});
        const std::string device(reader.text("device", kDeviceTextMax));
        if (device.empty()) reader.fail("device", "is empty");
        const uint64_t cells_before = lists_.cells;
        for (List* list : {&lists_.distances, &lists_.nodes, &lists_.paths, &lists_.reasons}) {
            const std::optional<Value> items = reader.array(list->name, kPathAgentsMax);
            if (items && items->count() != agents) {
                reader.fail(list->name, "has " + std::to_string(items->count()) + " entries of " +
                                            std::to_string(agents) + " agents");
            }
            list->parts.push_back(items.value_or(Value()));
        }
        if (reader.ok()) read_agents(reader);
        if (Result<Done> good = reader.finish(); !good) {
            return part_info_error(index, good.error());
        }
        const uint64_t size =
            outline_.output == PathOutput::kPacked ? (lists_.cells - cells_before) * kCellSize : 0;
        if (result.data.size() != size) return part_size_error(index, result.data.size(), size);
        if (const char* wrong = judge_packed(result.data.span())) return part_error(index, wrong);
        return device;
    }

  private:
    void read_agents(ParamsReader& reader) {
        auto distance = lists_.distances.parts.back().items().begin();
        auto nodes = lists_.nodes.parts.back().items().begin();
        auto path = lists_.paths.parts.back().items().begin();
        for (const Value reason : lists_.reasons.parts.back().items()) {
            const std::optional<std::string_view> text = reason.text();
            if (!text || !is_reason(*text)) {
                reader.fail("reasons", "has an entry that is none");
                return;
            }
            const std::optional<double> length = (*distance).number();
            if (!length || (text->empty() ? *length < 0 : *length != -1)) {
                reader.fail("distances", "has an entry that is no distance, or one without a path");
                return;
            }
            if (!(*nodes).unsigned_integer()) {
                reader.fail("nodes_explored", "has an entry that is no number of nodes");
                return;
            }
            const std::optional<uint64_t> cells = judge_path(outline_, *path);
            // A limit for each keeps the sum from overflowing.
            if (!cells || *cells > kPathCellsMax || (*cells > 0) != text->empty()) {
                reader.fail(lists_.paths.name, "has an entry that is no path inside the grid");
                return;
            }
            lists_.cells += *cells;
            ++distance;
            ++nodes;
            ++path;
        }
    }

    // Packed cells lie inside the grid.
    [[nodiscard]] const char* judge_packed(std::span<const uint8_t> data) const {
        for (size_t at = 0; at < data.size(); at += kCellSize) {
            const uint32_t x = data[at] | uint32_t{data[at + 1]} << 8;
            const uint32_t y = data[at + 2] | uint32_t{data[at + 3]} << 8;
            if (x >= outline_.width || y >= outline_.height) {
                return "its data has a cell that is outside the grid";
            }
        }
        return nullptr;
    }

    const PathOutline& outline_;
    Lists& lists_;
};

// ---- the whole ----------------------------------------------------------------------------------

template <class Write>
void write_list(ValueWriter& writer, const List& list, uint32_t count, Write write) {
    writer.key(list.name).array(count);
    for (const Value& part : list.parts) {
        for (const Value item : part.items()) write(item);
    }
}

void write_path(ValueWriter& writer, const Value& path) {
    writer.array(path.count());
    for (const Value item : path.items()) {
        int64_t cell[2] = {};
        (void)item.integers(cell);  // as judge_path() has seen
        writer.array(2).integer(cell[0]).integer(cell[1]);
    }
}

// As describe_paths() writes it, from what parts have written.
Bytes describe(const PathOutline& outline, const Lists& lists, const std::string& device) {
    ValueWriter writer;  // keys in the order of their bytes
    writer.map(6);
    writer.key("algorithm_used").text(path_algorithm_name(outline.algorithm));
    writer.key("device").text(device);
    write_list(writer, lists.distances, outline.agents,
               [&](const Value& item) { writer.number(*item.number()); });
    write_list(writer, lists.nodes, outline.agents,
               [&](const Value& item) { writer.unsigned_integer(*item.unsigned_integer()); });
    write_list(writer, lists.paths, outline.agents, [&](const Value& item) {
        if (outline.output == PathOutput::kPacked) {
            writer.unsigned_integer(*item.unsigned_integer());
        } else {
            write_path(writer, item);
        }
    });
    write_list(writer, lists.reasons, outline.agents,
               [&](const Value& item) { writer.text(*item.text()); });
    return writer.take();
}

class AgentsSplitter final : public TaskSplitter {
  public:
    [[nodiscard]] const char* name() const override { return "agents"; }

    [[nodiscard]] Result<uint64_t> units(const TaskInput& whole) const override {
        const Result<PathOutline> outline = read_path_outline(whole.params.span());
        if (!outline) return outline.error();
        // One path is found in one go, and the directions of a field hang together.
        return outline->agents > 0 ? uint64_t{outline->agents} : uint64_t{1};
    }

  protected:
    [[nodiscard]] Result<std::vector<TaskInput>> make_parts(
        const TaskInput& whole, std::span<const uint64_t> cuts) const override {
        const Result<Value> given = parse_params(whole.params.span());
        if (!given) return given.error();
        const TaskInput shared = with_grid_apart(whole, *given);
        const Result<Value> params = parse_params(shared.params.span());
        if (!params) return params.error();
        const std::optional<Value> agents = params->find("agents");
        if (!agents) return make_error(Status::kInternal, "agents were there a moment ago");
        std::vector<TaskInput> parts;
        auto agent = agents->items().begin();
        for (size_t i = 0; i + 1 < cuts.size(); ++i) {
            constexpr std::string_view kReplaced[] = {"agents"};
            const auto count = static_cast<uint32_t>(cuts[i + 1] - cuts[i]);
            const auto add = [&](ValueWriter& writer) {
                writer.key("agents").array(count);
                for (uint32_t k = 0; k < count; ++k, ++agent) writer.value(*agent);
            };
            parts.push_back({edit_params(*params, kReplaced, 1, add), shared.data});
        }
        return parts;
    }

    [[nodiscard]] Result<TaskOutput> merge_parts(const TaskInput& whole,
                                                 std::span<const uint64_t> cuts,
                                                 std::span<const TaskOutput> results,
                                                 const MemoryHook* memory) const override {
        const Result<PathOutline> outline = read_path_outline(whole.params.span());
        if (!outline) return outline.error();
        Lists lists;
        Reader reader(*outline, lists);
        std::vector<std::string> devices;
        size_t size = 0;
        for (size_t i = 0; i < results.size(); ++i) {
            Result<std::string> device = reader.read(i, cuts[i + 1] - cuts[i], results[i]);
            if (!device) return device.error();
            devices.push_back(std::move(*device));
            size += results[i].data.size();
        }
        if (lists.cells > kPathCellsMax) return too_many_path_cells();
        Bytes data;
        if (size > 0) {
            Buffer buffer = Buffer::allocate(size, memory);
            uint8_t* at = buffer.data();
            for (const TaskOutput& result : results) {
                at = std::copy_n(result.data.data(), result.data.size(), at);
            }
            data = std::move(buffer).freeze(size);
        }
        return TaskOutput{describe(*outline, lists, merged_device(devices)), std::move(data)};
    }
};

}  // namespace

std::shared_ptr<const TaskSplitter> make_path_splitter() {
    return std::make_shared<AgentsSplitter>();
}

}  // namespace p2c2r::kernels
