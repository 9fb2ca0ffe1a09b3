#include "kernels/path_request.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "model/params_reader.h"

namespace p2c2r::kernels {

namespace {

// More obstacles than cells there can be only repeat themselves, or lie outside.
constexpr uint32_t kObstaclesMax = kPathSideMax * kPathSideMax / 4;

std::string cell_text(int64_t x, int64_t y) {
    return "[" + std::to_string(x) + ", " + std::to_string(y) + "]";
}

std::string size_words(uint32_t width, uint32_t height) {
    return std::to_string(width) + " x " + std::to_string(height) + " cells";
}

std::string place(std::string_view name, size_t index) {
    return std::string(name) + "[" + std::to_string(index) + "]";
}

// ---- the grid -----------------------------------------------------------------------------------

struct Size {
    uint32_t width = 1;
    uint32_t height = 1;
};

// Rows of text: '.' and 'G' are free as in the MovingAI maps, digits are free at that cost, the
// rest is blocked.
uint8_t cost_of_letter(char letter) {
    if (letter == '.' || letter == 'G') return 1;
    return letter >= '1' && letter <= '9' ? static_cast<uint8_t>(letter - '0') : uint8_t{0};
}

std::optional<Size> read_size(ParamsReader& reader, bool required) {
    const bool has_either = reader.has("width") || reader.has("height");
    if (!has_either && !required) return std::nullopt;
    Size size;
    size.width = static_cast<uint32_t>(reader.integer("width", 1, kPathSideMax));
    size.height = static_cast<uint32_t>(reader.integer("height", 1, kPathSideMax));
    return size;
}

PathGrid read_text_rows(ParamsReader& reader, const Value& rows) {
    const uint32_t height = rows.count();
    if (height < 1 || height > kPathSideMax) {
        reader.fail("grid", "has " + std::to_string(height) + " rows, allowed are 1 to 4096");
        return {};
    }
    std::vector<uint8_t> costs;
    size_t width = 0;
    size_t index = 0;
    for (const Value row : rows.items()) {
        const std::optional<std::string_view> text = row.text();
        if (!text) {
            reader.fail(place("grid", index), std::string("is ") + value_kind_name(row.kind()) +
                                                  ", expected a row of text");
            return {};
        }
        if (index == 0) {
            width = text->size();
            if (width < 1 || width > kPathSideMax) {
                reader.fail(place("grid", 0),
                            "has " + std::to_string(width) + " cells, allowed are 1 to 4096");
                return {};
            }
            costs.reserve(width * height);
        } else if (text->size() != width) {
            reader.fail(place("grid", index), "has " + std::to_string(text->size()) +
                                                  " cells, the first row has " +
                                                  std::to_string(width));
            return {};
        }
        for (const char letter : *text) costs.push_back(cost_of_letter(letter));
        ++index;
    }
    const std::optional<Size> size = read_size(reader, false);
    if (size && (size->width != width || size->height != height)) {
        reader.fail("grid", "has " + size_words(static_cast<uint32_t>(width), height) +
                                ", width and height say " + size_words(size->width, size->height));
        return {};
    }
    if (reader.has("grid_format")) {
        reader.fail("grid_format", "is for grids of bytes, and this one is rows of text");
    }
    PathGrid grid(static_cast<uint32_t>(width), height);
    grid.set_costs(costs);
    return grid;
}

// `field` is "grid" or "data".
PathGrid read_packed(ParamsReader& reader, const char* field, std::span<const uint8_t> bytes) {
    const std::optional<Size> size = read_size(reader, true);
    const uint64_t cells = uint64_t{size->width} * size->height;
    const uint64_t bits_size = PathGrid::bits_size(size->width, size->height);
    bool is_bytes = bytes.size() == cells;
    if (reader.has("grid_format")) {
        is_bytes = reader.choice("grid_format", {"bits", "bytes"}) == "bytes";
    }
    if (!reader.ok()) return {};
    if (bytes.size() != (is_bytes ? cells : bits_size)) {
        reader.fail(field,
                    "has " + std::to_string(bytes.size()) + " bytes; " +
                        size_words(size->width, size->height) + " are " + std::to_string(cells) +
                        " as bytes and " + std::to_string(bits_size) + " as bits",
                    Status::kSize);
        return {};
    }
    PathGrid grid(size->width, size->height);
    if (is_bytes) {
        grid.set_costs(bytes);
    } else {
        grid.set_bits(bytes);
    }
    return grid;
}

void add_obstacles(ParamsReader& reader, PathGrid& grid) {
    const std::optional<Value> list = reader.array("obstacles", kObstaclesMax, false);
    if (!list) return;
    size_t index = 0;
    for (const Value item : list->items()) {
        int64_t cell[2];
        if (!item.integers(cell)) {
            reader.fail(place("obstacles", index), "is not an array of 2 integers");
            return;
        }
        // Outside, all is blocked anyway.
        if (cell[0] >= 0 && cell[0] < grid.width() && cell[1] >= 0 && cell[1] < grid.height()) {
            grid.block({static_cast<int32_t>(cell[0]), static_cast<int32_t>(cell[1])});
        }
        ++index;
    }
}

PathGrid read_grid(ParamsReader& reader, std::span<const uint8_t> data) {
    PathGrid grid;
    const std::optional<Value> given = reader.value("grid");
    if (given && !data.empty()) {
        reader.fail("grid", "stands beside " + std::to_string(data.size()) +
                                " bytes of data, which are a grid too: give one");
    } else if (given && given->is(ValueKind::kArray)) {
        grid = read_text_rows(reader, *given);
    } else if (given && given->is(ValueKind::kBytes)) {
        grid = read_packed(reader, "grid", *given->bytes());
    } else if (given) {
        reader.fail("grid", std::string("is ") + value_kind_name(given->kind()) +
                                ", expected bytes or an array of rows");
    } else if (!data.empty()) {
        grid = read_packed(reader, "data", data);
    } else {
        const std::optional<Size> size = read_size(reader, true);
        if (reader.has("grid_format")) {
            reader.fail("grid_format", "is given, and there is no grid");
        }
        if (reader.ok()) grid = PathGrid(size->width, size->height);
    }
    if (reader.ok()) add_obstacles(reader, grid);
    return grid;
}

// ---- who goes where -----------------------------------------------------------------------------

// `name` names the cell in errors.
std::optional<PathCell> checked_cell(ParamsReader& reader, const PathGrid& grid,
                                     const std::string& name, int64_t x, int64_t y,
                                     const char* verb = "is ") {
    if (x >= 0 && y >= 0 && x < grid.width() && y < grid.height()) {
        return PathCell{static_cast<int32_t>(x), static_cast<int32_t>(y)};
    }
    reader.fail(name, verb + cell_text(x, y) + ", outside the grid of " +
                          size_words(grid.width(), grid.height()));
    return std::nullopt;
}

std::optional<PathCell> read_cell(ParamsReader& reader, const PathGrid& grid, const char* name,
                                  bool required) {
    int64_t cell[2] = {0, 0};
    if (!reader.integers(name, cell, INT64_MIN, INT64_MAX, required)) return std::nullopt;
    return checked_cell(reader, grid, name, cell[0], cell[1]);
}

// [x, y], on the way to the goal of all, or [x, y, goal_x, goal_y].
std::optional<PathAgent> read_agent(ParamsReader& reader, const PathGrid& grid, const Value& item,
                                    size_t index, const std::optional<PathCell>& goal) {
    const std::string name = place("agents", index);
    int64_t pair[2];
    int64_t four[4];
    if (item.integers(pair)) {
        if (!goal) {
            reader.fail(name, "has no goal of its own, and there is no `goal`");
            return std::nullopt;
        }
        const auto start = checked_cell(reader, grid, name, pair[0], pair[1]);
        if (!start) return std::nullopt;
        return PathAgent{*start, *goal};
    }
    if (!item.integers(four)) {
        reader.fail(name, "is neither [x, y] nor [x, y, goal_x, goal_y] in integers");
        return std::nullopt;
    }
    const auto start = checked_cell(reader, grid, name, four[0], four[1]);
    if (!start) return std::nullopt;
    const auto own = checked_cell(reader, grid, name, four[2], four[3], "has its goal at ");
    if (!own) return std::nullopt;
    return PathAgent{*start, *own};
}

void read_agents(ParamsReader& reader, PathRequest& request) {
    request.many = reader.has("agents");
    const bool field = request.output == PathOutput::kField;
    const auto goal = read_cell(reader, request.grid, "goal", field || !request.many);
    if (field) {
        for (const char* name : {"start", "agents"}) {
            if (reader.has(name)) {
                reader.fail(name,
                            "is given, but a field is for all cells; output 'paths' takes it");
            }
        }
        if (goal) request.field_goal = *goal;
        return;
    }
    if (!request.many) {
        const auto start = read_cell(reader, request.grid, "start", true);
        if (start && goal) request.agents.push_back({*start, *goal});
        return;
    }
    if (reader.has("start")) reader.fail("start", "stands beside agents: give one");
    const std::optional<Value> list = reader.array("agents", kPathAgentsMax);
    if (!list || !reader.ok()) return;
    if (list->count() == 0) {
        reader.fail("agents", "is empty");
        return;
    }
    request.agents.reserve(list->count());
    for (const Value item : list->items()) {
        const auto agent = read_agent(reader, request.grid, item, request.agents.size(), goal);
        if (!agent) return;
        request.agents.push_back(*agent);
    }
}

PathRule read_rule(ParamsReader& reader) {
    const bool diagonal = reader.boolean("diagonal", false);
    const bool cuts = reader.boolean("cut_corners", false);
    if (!diagonal) return PathRule::kFour;
    return cuts ? PathRule::kOctileCuts : PathRule::kOctile;
}

PathAlgorithm read_algorithm(ParamsReader& reader, PathOutput output) {
    const bool field = output == PathOutput::kField;
    const std::string_view name = reader.choice(
        "algorithm", {"astar", "dijkstra", "jps", "flow_field"}, field ? "flow_field" : "astar");
    if (field && name != "flow_field") {
        reader.fail("algorithm",
                    "is '" + std::string(name) + "', and output 'field' is made by flow_field");
    }
    if (name == "dijkstra") return PathAlgorithm::kDijkstra;
    if (name == "jps") return PathAlgorithm::kJps;
    return name == "astar" ? PathAlgorithm::kAstar : PathAlgorithm::kFlowField;
}

PathOutput read_output(ParamsReader& reader) {
    const std::string_view name = reader.choice("output", {"paths", "packed", "field"}, "paths");
    if (name == "paths") return PathOutput::kPaths;
    return name == "packed" ? PathOutput::kPacked : PathOutput::kField;
}

}  // namespace

Error too_many_path_cells() {
    return field_error(Status::kLimit, "agents",
                       "agents have paths of more than " + std::to_string(kPathCellsMax) +
                           " cells together; ask for a field, or for fewer agents at once");
}

Result<PathOutline> read_path_outline(std::span<const uint8_t> params) {
    ParamsReader reader(params);
    PathOutline outline;
    outline.output = read_output(reader);
    outline.algorithm = read_algorithm(reader, outline.output);
    const std::optional<Value> grid = reader.value("grid");
    const bool is_text = grid && grid->is(ValueKind::kArray);
    if (is_text && grid->count() > 0) {
        const Value row = *grid->items().begin();
        outline.width = static_cast<uint32_t>(row.text().value_or("").size());
        outline.height = grid->count();
    } else if (const std::optional<Size> size = read_size(reader, true)) {
        outline.width = size->width;
        outline.height = size->height;
    }
    if (outline.output != PathOutput::kField && reader.has("agents")) {
        const std::optional<Value> agents = reader.array("agents", kPathAgentsMax);
        if (agents && agents->count() == 0) reader.fail("agents", "is empty");
        outline.agents = agents ? agents->count() : 0;
    }
    // Not finish(), which would miss the fields that were not asked for.
    if (!reader.ok()) return reader.finish().error();
    return outline;
}

Result<PathRequest> read_path_request(std::span<const uint8_t> params,
                                      std::span<const uint8_t> data) {
    ParamsReader reader(params);
    PathRequest request;
    request.rule = read_rule(reader);
    request.output = read_output(reader);
    request.algorithm = read_algorithm(reader, request.output);
    request.max_nodes = static_cast<uint64_t>(reader.integer("max_nodes", 1, INT64_MAX, INT64_MAX));
    if (reader.ok()) request.grid = read_grid(reader, data);
    if (reader.ok()) read_agents(reader, request);
    if (Result<Done> good = reader.finish(); !good) return good.error();
    if (request.algorithm == PathAlgorithm::kJps) {
        if (request.grid.weighted()) {
            return field_error(Status::kParams, "algorithm",
                               "algorithm is 'jps', which needs cells of one cost; astar, dijkstra "
                               "and flow_field take others");
        }
        request.grid.make_columns();
    }
    return request;
}

}  // namespace p2c2r::kernels
