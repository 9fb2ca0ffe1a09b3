// `p2c2r demo ai_pathfinding`: a map, many agents on the way to one goal and one path across, as a
// picture.
#include <algorithm>
#include <cstdio>
#include <sstream>

#include "cli/demo.h"
#include "cli/demo_peers.h"
#include "cli/files.h"
#include "cli/panel_sheet.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint32_t kPictureSide = 1280;  // about
constexpr uint32_t kAgents = 60;

constexpr Color kWallColor = {38, 42, 52};
constexpr Color kFloorColor = {226, 222, 210};
constexpr Color kPathColor = {200, 30, 40};
constexpr Color kGoalColor = {20, 120, 40};

// Numbers that are the same in every run.
class Draws {
  public:
    uint32_t below(uint32_t bound) {
        state_ = state_ * 1664525 + 1013904223;
        return static_cast<uint32_t>(uint64_t{state_} * bound >> 32);
    }

  private:
    uint32_t state_ = 7;
};

// Rooms with walls around them and doors between them.
std::vector<std::string> drawn_map() {
    constexpr uint32_t kWidth = 160, kHeight = 90, kRoom = 18;
    std::vector<std::string> rows(kHeight, std::string(kWidth, '.'));
    Draws draws;
    for (uint32_t y = 0; y < kHeight; ++y) {
        for (uint32_t x = 0; x < kWidth; ++x) {
            const bool border = x == 0 || y == 0 || x == kWidth - 1 || y == kHeight - 1;
            if (border || x % kRoom == 0 || y % kRoom == 0 || draws.below(100) < 6)
                rows[y][x] = '@';
        }
    }
    for (uint32_t y = 0; y < kHeight; y += kRoom) {
        for (uint32_t x = 0; x < kWidth; x += kRoom) {
            // A door to the right and one below, three cells wide.
            const uint32_t down = 3 + draws.below(kRoom - 6);
            const uint32_t along = 3 + draws.below(kRoom - 6);
            for (uint32_t i = 0; i < 3; ++i) {
                if (x + kRoom < kWidth - 1 && y + down + i < kHeight - 1) {
                    rows[y + down + i][x + kRoom] = '.';
                }
                if (y + kRoom < kHeight - 1 && x + along + i < kWidth - 1) {
                    rows[y + kRoom][x + along + i] = '.';
                }
            }
        }
    }
    return rows;
}

// A file of the MovingAI form: four lines of head, then the rows.
Result<std::vector<std::string>> read_map(const std::string& path) {
    Result<std::string> text = read_file(path);
    if (!text) return usage_failure(text.failure().text);
    std::istringstream lines(*text);
    std::vector<std::string> rows;
    std::string line;
    bool in_head = true;
    while (std::getline(lines, line)) {
        while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
        if (!in_head && !line.empty()) rows.push_back(line);
        if (line == "map") in_head = false;
    }
    if (rows.empty()) return usage_failure(path + " is no map: no rows behind a line `map`");
    return rows;
}

bool is_free(const std::vector<std::string>& map, uint32_t x, uint32_t y) {
    return map[y][x] == '.' || map[y][x] == 'G';
}

Result<json> run_task(Session& session, const json& params) {
    Result<DemoAnswer> answer = ask_peers(session, "ai_pathfinding", params);
    if (!answer) return answer.failure();
    answer->fields["processing_us"] = answer->processing_us;
    return std::move(answer->fields);
}

class MapPicture {
  public:
    explicit MapPicture(const std::vector<std::string>& map)
        : width_(static_cast<uint32_t>(map[0].size())),
          height_(static_cast<uint32_t>(map.size())),
          scale_(std::clamp(kPictureSide / std::max(width_, height_), 1u, 16u)),
          picture_(make_picture(width_ * scale_, height_ * scale_, kFloorColor)) {
        for (uint32_t y = 0; y < height_; ++y) {
            for (uint32_t x = 0; x < width_; ++x) {
                if (!is_free(map, x, y)) fill(x, y, kWallColor);
            }
        }
    }
    // A line from centre to centre of the cells, as thick as half of one.
    void draw(const json& path, Color color) {
        const uint32_t side = std::max(scale_ / 2, 1u);
        const Picture dot = make_picture(side, side, color);
        const auto place = [&](const json& cell, size_t axis) {
            return cell[axis].get<uint32_t>() * scale_ + (scale_ - side) / 2;
        };
        for (size_t i = 0; i < path.size(); ++i) {
            const json& from = path[i == 0 ? 0 : i - 1];
            for (uint32_t step = 1; step <= scale_; ++step) {
                const auto between = [&](size_t axis) {
                    return (place(from, axis) * (scale_ - step) + place(path[i], axis) * step) /
                           scale_;
                };
                paste(picture_, dot, between(0), between(1));
            }
        }
    }
    // The cell and what is around it.
    void mark(const json& cell, Color color) {
        const uint32_t x = cell[0], y = cell[1];
        for (uint32_t row = y - std::min(y, 1u); row <= std::min(y + 1, height_ - 1); ++row) {
            for (uint32_t at = x - std::min(x, 1u); at <= std::min(x + 1, width_ - 1); ++at) {
                fill(at, row, color);
            }
        }
    }
    [[nodiscard]] const Picture& picture() const { return picture_; }

  private:
    void fill(uint32_t x, uint32_t y, Color color) {
        paste(picture_, make_picture(scale_, scale_, color), x * scale_, y * scale_);
    }

    uint32_t width_;
    uint32_t height_;
    uint32_t scale_;
    Picture picture_;
};

Outcome demonstrate_path(const DemoPathOptions& options) {
    std::vector<std::string> map = drawn_map();
    if (options.data) {
        Result<std::vector<std::string>> read = read_map(*options.data);
        if (!read) return read.failure();
        map = std::move(*read);
    }
    const std::string out = options.out.value_or("p2c2r-demo");
    if (Outcome failure = make_directories(out)) return failure;
    Result<std::unique_ptr<Session>> session = open_demo_session(options.device);
    if (!session) return session.failure();

    // One of the free cells; what is wrong with a map whose rows differ, the library says.
    std::vector<json> free_cells;
    for (uint32_t y = 0; y < map.size(); ++y) {
        for (uint32_t x = 0; x < std::min(map[0].size(), map[y].size()); ++x) {
            if (is_free(map, x, y)) free_cells.push_back({x, y});
        }
    }
    if (free_cells.empty()) return usage_failure("the map has no free cell");
    Draws draws;
    json agents = json::array();
    for (uint32_t i = 0; i < kAgents; ++i) {
        agents.push_back(free_cells[draws.below(static_cast<uint32_t>(free_cells.size()))]);
    }
    const json goal = free_cells[free_cells.size() / 2];
    const json base = {{"grid", map}, {"diagonal", true}};
    json crowd = base;
    crowd.update({{"goal", goal}, {"agents", agents}, {"algorithm", "flow_field"}});
    // The first task of a runtime waits until its devices are known, which is not to be shown.
    const Result<json> first =
        run_task(**session, {{"grid", {"."}}, {"start", {0, 0}}, {"goal", {0, 0}}});
    if (!first) return first.failure();
    const Result<json> ways = run_task(**session, crowd);
    if (!ways) return ways.failure();
    json across = base;
    across.update(
        {{"start", free_cells.front()}, {"goal", free_cells.back()}, {"algorithm", "jps"}});
    const Result<json> way = run_task(**session, across);
    if (!way) return way.failure();

    MapPicture picture(map);
    uint32_t found = 0;
    const auto color_of = [](uint32_t agent) {
        return Color{static_cast<uint8_t>(20 + agent * 37 % 130),
                     static_cast<uint8_t>(70 + agent * 53 % 120),
                     static_cast<uint8_t>(130 + agent * 29 % 120)};
    };
    for (uint32_t i = 0; i < kAgents; ++i) {
        const json& path = (*ways)["paths"][i];
        if (!path.empty()) ++found;
        picture.draw(path, color_of(i));
    }
    for (uint32_t i = 0; i < kAgents; ++i) picture.mark(agents[i], color_of(i));
    picture.draw((*way)["path"], kPathColor);
    picture.mark(free_cells.front(), kPathColor);
    picture.mark(free_cells.back(), kPathColor);
    picture.mark(goal, kGoalColor);
    char caption[128];
    std::snprintf(caption, sizeof caption,
                  "BLUES: %u AGENTS TO THE GREEN GOAL, ONE FLOW FIELD   RED: ACROSS BY JPS, %.1f "
                  "CELLS",
                  found, (*way)["distance"].get<double>());
    const Picture sheet = panel_sheet("AI_PATHFINDING", {{caption, picture.picture()}}, 1);
    if (Outcome failure = write_png(**session, sheet, out, "paths.png")) return failure;
    const std::string file = join_path(out, "paths.png");

    std::printf("%u of %u agents reach the goal by one %s on %s, %.2f ms\n", found, kAgents,
                (*ways)["algorithm_used"].get<std::string>().c_str(),
                (*ways)["device"].get<std::string>().c_str(),
                (*ways)["processing_us"].get<double>() / 1000);
    std::printf("across the map: %.2f cells by %s, %llu nodes, %.2f ms\n",
                (*way)["distance"].get<double>(),
                (*way)["algorithm_used"].get<std::string>().c_str(),
                static_cast<unsigned long long>((*way)["nodes_explored"].get<uint64_t>()),
                (*way)["processing_us"].get<double>() / 1000);
    std::printf("picture: %s\n", file.c_str());
    return std::nullopt;
}

}  // namespace

int run_demo_path(const DemoPathOptions& options) {
    const Outcome failure = demonstrate_path(options);
    return failure ? report("demo ai_pathfinding", *failure) : kExitOk;
}

}  // namespace p2c2r::cli
